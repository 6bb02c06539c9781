"""The wish to stop a run, heard wherever something is about to be sent: after it nothing new is, and no pause is kept.

A run makes its event known with `heeding`; whatever runs inside, threads of `asyncio.to_thread` included, asks
`go_on` before it sends anything and waits with `rest`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_STOP: ContextVar[asyncio.Event | None] = ContextVar("stop", default=None)


class Stopped(Exception):
    """The run is to stop, so this was not sent."""


@contextmanager
def heeding(stop: asyncio.Event) -> Iterator[None]:
    """Within, and in every task started within, `stop` is what is heeded."""
    before = _STOP.set(stop)
    try:
        yield
    finally:
        _STOP.reset(before)


def stopping() -> bool:
    """Whether the run at work here is to stop."""
    stop = _STOP.get()
    return stop is not None and stop.is_set()


def go_on() -> None:
    """Raise `Stopped` where the run is to stop: called before each thing that is sent."""
    if stopping():
        raise Stopped


async def rest(seconds: float) -> bool:
    """Wait so long, as between two attempts; False at once where the run is to stop."""
    stop = _STOP.get()
    if stop is None:
        await asyncio.sleep(seconds)
        return True
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return True
    return False
