"""Boundaries of activity: events at which the user changes application, site or file, or comes back after a while.

Whoever recorded the events may declare it (`boundary` of an event, true or false). Elsewhere their texts and times say
so, by rules that anyone can check: see `boundaries`.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from proactivebench.records import Event, Trace
from proactivebench.text.places import places

LONG_GAP = 180.0  # seconds: what desktop trackers take for being away


class Boundary(StrEnum):
    """Why an event is a boundary."""

    DECLARED = "declared"
    APPLICATION = "application"
    SITE = "site"
    FILE = "file"
    GAP = "gap"


def boundaries(trace: Trace) -> tuple[tuple[Boundary, ...], ...]:
    """Why each event of a trace is a boundary; empty for those in mid-task.

    An event is one where it is declared to be. Where nothing is declared: the text names an application, a site or a
    file other than the one of its kind named last, or several of a kind; or its time is a number of seconds, 180 or
    more after the event before. A site is in the browser. A text that names nothing goes on where the user was. The
    first event of a trace is none: nothing came before it.
    """
    return _boundaries(trace.events)


def at_boundary(trace: Trace) -> NDArray[np.bool_]:
    """Whether each event of a trace is a boundary."""
    return np.array([bool(why) for why in boundaries(trace)])


@lru_cache(maxsize=4096)
def _boundaries(events: tuple[Event, ...]) -> tuple[tuple[Boundary, ...], ...]:
    found = []
    last: dict[Boundary, str] = {}
    before: float | None = None
    for turn, event in enumerate(events):
        now = _seconds(event.time)
        why = list(_changes(event.event, last))
        if now is not None and before is not None and now - before >= LONG_GAP:
            why.append(Boundary.GAP)
        if event.boundary is not None:
            why = [Boundary.DECLARED] if event.boundary else []
        elif turn == 0:
            why = []
        found.append(tuple(why))
        before = now
    return tuple(found)


def _changes(text: str, last: dict[Boundary, str]) -> Iterator[Boundary]:
    """What changes with an event, by what was named `last`, which is kept up to date."""
    named = places(text)
    kinds = (
        (Boundary.APPLICATION, named.applications),
        (Boundary.SITE, named.sites),
        (Boundary.FILE, named.files),
    )
    for kind, names in kinds:
        if names:
            if kind in last and names != (last[kind],):
                yield kind
            last[kind] = names[-1]


def _seconds(time: str) -> float | None:
    try:
        return float(time)
    except ValueError:  # "Day 1, 11:00 PM"
        return None
