"""People's labels as the release has them, invented: eight traces whose every third moment needs help."""

from __future__ import annotations

from collections import Counter

from proactivebench.records import Event
from proactivebench.traces import LabelledItem

TRACES, MOMENTS, OFFICIAL = 8, 30, 30


def labelled_rows() -> tuple[LabelledItem, ...]:
    """At each moment an offer that nobody wants and a silence, and where help is needed an offer of it that all want.
    The first 30 of each category are the official test items."""
    found: list[LabelledItem] = []
    seen: Counter[str] = Counter()
    for trace in range(TRACES):
        events = tuple(
            Event(time=str(60 * turn), event=f"trace {trace} step {turn}: {'at ease' if turn % 3 else 'stuck'}")
            for turn in range(MOMENTS)
        )
        for turn in range(MOMENTS):
            need = turn % 3 == 0
            offers: list[tuple[str | None, bool]] = [(f"idle talk {trace}-{turn}", False), (None, not need)]
            if need:
                offers.append((f"useful help {trace}-{turn}", True))
            for task, right in offers:
                category = ("CR" if right else "MN") if task is None else ("CD" if right else "FA")
                seen[category] += 1
                found.append(
                    LabelledItem(
                        file="test" if seen[category] <= OFFICIAL else "train",
                        row=len(found),
                        trace=f"labelled_{trace}",
                        events=events[: turn + 1],
                        pred_task=task,
                        votes=(right,) * 3,
                        help_needed=need,
                        valid=right,
                        category=category,
                    )
                )
    return tuple(found)


def people_accept(asked: str) -> bool:
    """What people said of the question in a judge's prompt: by its last event and its offer."""
    stuck = asked.rfind("stuck") > asked.rfind("at ease")
    return "useful help" in asked or (not stuck and "idle talk" not in asked)
