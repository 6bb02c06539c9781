"""Call the command line in this process, as a user would in one of its own."""

import io
import logging
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from typing import NamedTuple

import pytest

from proactivebench.cli import main


class Done(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str


def call(*words) -> Done:
    """`proactivebench` with these words."""
    out, err = io.StringIO(), io.StringIO()
    with pytest.raises(SystemExit) as ended, redirect_stdout(out), redirect_stderr(err), _own_logging():
        main([str(word) for word in words])
    return Done(int(ended.value.code or 0), out.getvalue(), err.getvalue())


@contextmanager
def _own_logging() -> Iterator[None]:
    """What libraries log goes where it goes in a process of its own: handlers that earlier calls left behind hold
    streams that are closed by now, and what this call adds goes with it."""
    loggers = [
        logging.getLogger(),
        *(one for one in logging.root.manager.loggerDict.values() if hasattr(one, "handlers")),
    ]
    kept = [
        (one, [h for h in one.handlers if not getattr(getattr(h, "stream", None), "closed", False)]) for one in loggers
    ]
    for one, handlers in kept:
        one.handlers[:] = handlers
    try:
        yield
    finally:
        for one, handlers in kept:
            one.handlers[:] = handlers


def one_line(text: str) -> str:
    """The only line of a text."""
    (line,) = text.splitlines()
    return line
