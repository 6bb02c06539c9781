"""Work on many items in other processes, where a process that dies costs the item it worked on and no other."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


def each_alone(
    work: Callable[[T], R], items: Sequence[T], processes: int, died: Callable[[T], R]
) -> Iterator[tuple[T, R]]:
    """Each item with what `work` makes of it in another process, or with what `died` says of it where that process
    died. After a death the items that were being worked on are done again, one process for each; the others go on."""
    left = list(items)
    while left:
        done: set[int] = set()
        for place, result in _until_one_dies(work, left, processes):
            done.add(place)
            yield left[place], result
        left = [item for place, item in enumerate(left) if place not in done]
        # Work is handed out in order, one more than there are processes lies ready: what died is among the first.
        suspects, left = left[: 2 * processes + 1], left[2 * processes + 1 :]
        for item in suspects:
            (*found,) = _until_one_dies(work, [item], 1)
            yield item, found[0][1] if found else died(item)


def _until_one_dies(work: Callable[[T], R], items: Sequence[T], processes: int) -> Iterator[tuple[int, R]]:
    """The places of items with their results, as far as they come before a worker dies."""
    with ProcessPoolExecutor(
        max(1, min(processes, len(items))), mp_context=get_context("spawn"), initializer=_settle
    ) as pool:
        futures = [pool.submit(work, item) for item in items]
        for place, future in enumerate(futures):
            try:
                result = future.result()
            except BrokenProcessPool:
                continue
            yield place, result


def _settle() -> None:
    """What a worker has imported never becomes garbage: the collector need not look at it, entry after entry."""
    gc.freeze()
