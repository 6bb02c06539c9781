"""Small annotation jobs for the tests."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from proactivebench.annotation.job import JobFolder
from proactivebench.records import (
    AnnotationItem,
    Answer,
    DrawnFrom,
    Event,
    Job,
    OfferText,
    Plan,
    Task,
    Trace,
)

WHEN = datetime(2026, 11, 2, 9, 30, tzinfo=UTC)


def session(name: str, events: int) -> Trace:
    """A session of so many events, a minute apart."""
    seen = tuple(
        Event(time=str(1_700_000_000 + 60 * at), event=f"The user does step {at} of {name}.") for at in range(events)
    )
    return Trace(trace_id=name, split="coding", events=seen)


def items_of(traces: tuple[Trace, ...], offers: int = 2) -> tuple[AnnotationItem, ...]:
    """One item a moment, with so many offers."""
    return tuple(
        AnnotationItem(
            item_id=f"{trace.trace_id}-{turn}",
            trace_id=trace.trace_id,
            turn=turn,
            offers=tuple(
                OfferText(offer_id=f"o{n}", text=f"Offer {n} at step {turn} of {trace.trace_id}") for n in range(offers)
            ),
        )
        for trace in traces
        for turn in range(len(trace.events))
    )


def make_job(
    path: Path,
    *,
    sessions: int = 4,
    events: int = 5,
    offers: int = 2,
    plan: Plan | None = None,
    practice: bool = True,
) -> JobFolder:
    """A job on disk, its first item a practice item."""
    traces = tuple(session(f"s{n}", events) for n in range(sessions))
    taught = AnnotationItem(
        item_id="practice-0",
        trace_id="s0",
        turn=0,
        offers=(OfferText(offer_id="o0", text="Open the file for you", known=Answer.REJECT),),
        practice=True,
        known_need=Answer.NO,
        why="Nothing has happened yet.",
    )
    job = Job(
        name="tests",
        made=WHEN,
        seed=7,
        drawn_from=DrawnFrom.TRACES,
        task="own",
        data_hash="0" * 64,
        licence="CC0-1.0",
        plan=plan or Plan(annotators=2, overlap=2, repeats=0.1),
    )
    items = ((taught,) if practice else ()) + items_of(traces, offers)
    texts = {"en": "# What this is\n\nSay what you would want.\n", "zh": "# 说明\n\n请说出您的想法。\n"}
    return JobFolder.create(path, job, traces, items, (), texts)


DATA = Task(
    name="own",
    version="1",
    revision="r",
    licence="CC0-1.0",
    date="2026",
    source="here",
    traces=tuple(session(f"s{n}", 4 + n) for n in range(6)),
)
