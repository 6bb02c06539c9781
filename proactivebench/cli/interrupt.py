"""Ctrl-C: the first drains what is in flight, the second drops it. Either way everything answered is saved."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


def until_interrupted(work: Coroutine[Any, Any, T], stop: asyncio.Event) -> T:
    """Run `work` to its end. Ctrl-C (or a polite kill) sets `stop`; a second one cancels.

    Raises `KeyboardInterrupt` where the user ended it early.
    """
    interrupted = False

    async def watched() -> T:
        task = asyncio.ensure_future(work)
        loop = asyncio.get_running_loop()

        def hear() -> None:
            nonlocal interrupted
            if interrupted:
                task.cancel()
                return
            interrupted = True
            stop.set()
            print("stopping: waiting for the requests in flight (Ctrl-C again drops them)", file=sys.stderr)

        for name in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(name, hear)
        try:
            return await task
        except asyncio.CancelledError:
            raise KeyboardInterrupt from None

    result = asyncio.run(watched())
    if interrupted:
        raise KeyboardInterrupt
    return result
