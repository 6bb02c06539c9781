"""Calling other people's functions so that whatever they do stays theirs: one that raises, hangs or blocks costs its
own answer, and one that answers too late is no longer heard."""

from __future__ import annotations

import asyncio
import inspect
import threading
import traceback
from collections.abc import Awaitable, Callable
from contextlib import suppress
from contextvars import copy_context
from pathlib import Path
from time import monotonic
from typing import Any, NamedTuple

_JOIN_S = 1.0
_OURS = Path(__file__).parent.parent


class Late(Exception):
    """There was no answer in time."""


class Raised(Exception):
    """The function raised; the message says what and where, in one line."""


class _Outcome(NamedTuple):
    value: Any
    error: BaseException | None = None


class Caller:
    """Calls functions, each in a thread of its own (a hang keeps nothing but that thread), and what they await on one
    event loop of their own, so that a coroutine that blocks does not block the run."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    async def call(self, function: Callable[..., Any], *args: Any, timeout_s: float) -> Any:
        """What `function` returns, awaited where it is to be. Raises `Late`, or `Raised` for whatever it raises."""
        deadline = monotonic() + timeout_s
        if inspect.iscoroutinefunction(function):
            outcome = _Outcome(function(*args))
        else:
            outcome = await _within(self._in_thread(function, args), timeout_s, timeout_s)
        if outcome.error is None and inspect.isawaitable(outcome.value):
            running = asyncio.run_coroutine_threadsafe(_guarded(outcome.value), self._running_loop())
            try:
                outcome = await _within(asyncio.wrap_future(running), deadline - monotonic(), timeout_s)
            except Late:
                running.cancel()
                raise
        if outcome.error is not None:
            raise Raised(told(outcome.error)) from outcome.error
        return outcome.value

    async def close(self) -> None:
        """End the event loop of the functions, with what still runs there."""
        loop, thread = self._loop, self._thread
        self._loop = self._thread = None
        if loop is None or thread is None:
            return
        with suppress(RuntimeError):
            asyncio.run_coroutine_threadsafe(_wind_down(), loop)
            await asyncio.to_thread(thread.join, _JOIN_S)

    @staticmethod
    def _in_thread(function: Callable[..., Any], args: tuple[Any, ...]) -> asyncio.Future[_Outcome]:
        here = asyncio.get_running_loop()
        found: asyncio.Future[_Outcome] = here.create_future()
        context = copy_context()

        def work() -> None:
            try:
                outcome = _Outcome(context.run(function, *args))
            except BaseException as error:
                outcome = _Outcome(None, error)
            with suppress(RuntimeError):  # the run is over: nobody listens any more
                here.call_soon_threadsafe(_set, found, outcome)

        threading.Thread(target=work, daemon=True, name="agent").start()
        return found

    def _running_loop(self) -> asyncio.AbstractEventLoop:
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            self._thread = threading.Thread(target=_run, args=(self._loop,), daemon=True, name="agent's event loop")
            self._thread.start()
        return self._loop


def told(error: BaseException) -> str:
    """An exception of other people's code, with the file and the line that it comes from."""
    try:
        words = str(error)
    except Exception:
        words = ""
    named = type(error).__name__ + (f": {words}" if words else "")
    frames = _frames(error) or (_frames(error.__cause__) if error.__cause__ else [])
    own = [frame for frame in frames if not _library(frame.filename)] or frames
    return f"{named[:240]} ({Path(own[-1].filename).name}:{own[-1].lineno})" if own else named


def _frames(error: BaseException) -> list[traceback.FrameSummary]:
    return [frame for frame in traceback.extract_tb(error.__traceback__) if not _ours(frame.filename)]


def _ours(file: str) -> bool:
    return Path(file).is_relative_to(_OURS)


def _library(file: str) -> bool:
    """Whether a frame is of Python itself or of an installed package: those are not where to look first."""
    parts = Path(file).parts
    return "site-packages" in parts or Path(inspect.__file__).parent in Path(file).parents or file.startswith("<frozen")


async def _guarded(awaitable: Awaitable[Any]) -> _Outcome:
    try:
        return _Outcome(await awaitable)
    except BaseException as error:  # an exit raised here would end the loop of all the others
        return _Outcome(None, error)


async def _within(found: asyncio.Future[_Outcome], left_s: float, timeout_s: float) -> _Outcome:
    done, _ = await asyncio.wait({found}, timeout=max(0.0, left_s))
    if not done:
        raise Late(f"no answer within {timeout_s:g} s")
    return found.result()


def _set(found: asyncio.Future[_Outcome], outcome: _Outcome) -> None:
    if not found.done():
        found.set_result(outcome)


def _run(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    try:
        loop.run_forever()
    finally:
        loop.close()


async def _wind_down() -> None:
    loop = asyncio.get_running_loop()
    rest = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in rest:
        task.cancel()
    await asyncio.wait(rest, timeout=_JOIN_S / 2) if rest else None
    await loop.shutdown_asyncgens()
    loop.stop()
