"""Several things under way at once, as one: where one fails, the others are ended before its error goes on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine, Iterable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

T = TypeVar("T")


@asynccontextmanager
async def task_group() -> AsyncIterator[asyncio.TaskGroup]:
    """An `asyncio.TaskGroup` that raises the first error itself, with its cause, and not a group of errors: whoever
    waits here catches what a task raises as if it had done the work alone."""
    first: BaseException | None = None
    try:
        async with asyncio.TaskGroup() as group:
            yield group
    except BaseExceptionGroup as failed:
        first = failed.exceptions[0]
    if first is not None:
        raise first  # out here, so that what it came from stays its context


async def together(works: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """Do all of it at once.

    Args:
        works: What is to be done.

    Returns:
        The results, in the order of `works`.

    Raises:
        BaseException: What one of them raised first. The others are cancelled, and have ended by then.
    """
    async with task_group() as group:
        tasks = [group.create_task(work) for work in works]
    return [task.result() for task in tasks]
