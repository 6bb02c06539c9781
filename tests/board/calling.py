"""Call the command line in this process, as a user would in one of its own."""

import io
from contextlib import redirect_stderr, redirect_stdout
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
    with pytest.raises(SystemExit) as ended, redirect_stdout(out), redirect_stderr(err):
        main([str(word) for word in words])
    return Done(int(ended.value.code or 0), out.getvalue(), err.getvalue())


def one_line(text: str) -> str:
    """The only line of a text."""
    (line,) = text.splitlines()
    return line
