"""Ctrl-C: after the first nothing new is sent and what is in flight is waited for, the second drops it. Either way
everything answered is saved."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from types import FrameType
from typing import Any, TypeVar

T = TypeVar("T")


class _Threads(ThreadPoolExecutor):
    """Where an engine in this process works. `dropped`: what it is at is not waited for."""

    dropped = False

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Wait for the threads, unless their work is dropped."""
        super().shutdown(wait and not self.dropped, cancel_futures=cancel_futures or self.dropped)


def until_interrupted(work: Coroutine[Any, Any, T], stop: asyncio.Event) -> T:
    """Run `work` to its end. Ctrl-C (or a polite kill) sets `stop`; a second one cancels.

    Raises `KeyboardInterrupt` where the user ended it early.
    """
    interrupted = False
    threads = _Threads()

    async def watched() -> T:
        task = asyncio.ensure_future(work)
        loop = asyncio.get_running_loop()
        loop.set_default_executor(threads)

        def hear() -> None:
            nonlocal interrupted
            if interrupted:
                threads.dropped = True
                task.cancel()
                return
            interrupted = True
            stop.set()
            print("stopping: waiting for the requests in flight (Ctrl-C again drops them)", file=sys.stderr)

        def signalled(_number: int, _frame: FrameType | None) -> None:
            loop.call_soon_threadsafe(hear)

        # not loop.add_signal_handler, which Windows does not have
        before = {name: signal.signal(name, signalled) for name in (signal.SIGINT, signal.SIGTERM)}
        try:
            return await task
        except asyncio.CancelledError:
            raise KeyboardInterrupt from None
        finally:
            for name, handler in before.items():
                signal.signal(name, handler)

    try:
        result = asyncio.run(watched())
    finally:
        if threads.dropped:
            _leave_threads()
    if interrupted:
        raise KeyboardInterrupt
    return result


def _leave_threads() -> None:
    """End this process where a dropped engine still works in a thread: Python would wait for it."""
    if any(thread is not threading.current_thread() and not thread.daemon for thread in threading.enumerate()):
        from proactivebench.cli import interrupted

        code = interrupted()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
