"""In which order one annotator sees the items: whole sessions, each as it happened, and some items again later."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

from proactivebench.records import AnnotationItem, Job


class Showing(NamedTuple):
    """An item on its way to an annotator: `occasion` 1 is its second time; `offers` are the ids in the order shown."""

    item_id: str
    occasion: int
    offers: tuple[str, ...]


def planned(job: Job) -> tuple[str, ...]:
    """Pseudonyms for as many people as the plan expects, for a job that nobody is named for."""
    return tuple(f"a{number}" for number in range(1, job.plan.annotators + 1))


def showings(job: Job, items: Sequence[AnnotationItem], slot: int) -> tuple[Showing, ...]:
    """What the annotator of `slot` (from 0) sees, in order: practice items; then their share of the sessions, shuffled,
    each from its first item to its last; then the repeated items, as many as the plan says, again in sessions' order.

    A session goes to `plan.overlap` of the `plan.annotators` slots, so that people meet in the same sessions. The same
    job, items and slot give the same order; slots beyond the plan take the place of slot modulo the plan.
    """
    rng = random.Random(f"{job.seed}:{slot}")
    sessions: dict[str, list[AnnotationItem]] = defaultdict(list)
    for item in items:
        if not item.practice:
            sessions[item.trace_id].append(item)
    shuffled = sorted(sessions)
    random.Random(job.seed).shuffle(shuffled)
    people, overlap = job.plan.annotators, min(job.plan.overlap, job.plan.annotators)
    mine = [trace for place, trace in enumerate(shuffled) if (slot - place) % people < overlap]
    rng.shuffle(mine)
    own = [item for trace in mine for item in sorted(sessions[trace], key=lambda one: one.turn)]
    again = set(rng.sample(range(len(own)), round(job.plan.repeats * len(own))))
    first = [*(item for item in items if item.practice), *own]
    second = [item for place, item in enumerate(own) if place in again]
    return tuple(
        Showing(item.item_id, occasion, tuple(rng.sample([o.offer_id for o in item.offers], len(item.offers))))
        for occasion, shown in ((0, first), (1, second))
        for item in shown
    )
