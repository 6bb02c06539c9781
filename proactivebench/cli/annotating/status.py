"""`proactivebench annotate status`: who did what, and when it will be done."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from proactivebench.cli import options
from proactivebench.cli.annotating.serve import JOB
from proactivebench.cli.parameters import PATH

if TYPE_CHECKING:
    from collections.abc import Iterator

    from proactivebench.annotation.status import JobStatus, PersonStatus


@click.command()
@click.argument("job", type=PATH, help=JOB)
@options.as_json
def status(job: Path, as_json: bool) -> None:
    """Who did what in a job, and when it will be done.

    Reads beside a running server. What in a votes file is torn or was
    edited by hand is said below the table.

    Example: proactivebench annotate status job
    """
    from proactivebench.annotation.job import JobFolder
    from proactivebench.annotation.status import status_of
    from proactivebench.cli.terminal import safe

    found = status_of(JobFolder(job))
    if as_json:
        print(found.model_dump_json(indent=2))
        return
    for line in _lines(found):
        print(safe(line))


def _lines(found: JobStatus) -> Iterator[str]:
    sealed = ", sealed" if found.sealed else ""
    yield f"{found.job}{sealed}: {found.items:,} items, each for {found.overlap} of {found.planned} people"
    if found.people:
        rows = [_HEAD, *map(_row, found.people)]
        widths = [max(len(row[place]) for row in rows) for place in range(len(_HEAD))]
        for row in rows:
            first, *others = (
                f"{text:<{width}}" if not place else f"{text:>{width}}"
                for place, (text, width) in enumerate(zip(row, widths, strict=True))
            )
            yield "  ".join(["", first, *others]).rstrip()
    else:
        yield "nobody has a link yet: proactivebench annotate serve makes them"
    enough = f"{found.answered:,} of {found.items:,} items answered by as many as planned"
    yield enough if found.voted == found.answered else f"{enough}; {found.voted:,} without an unsure among them"
    if found.expected:
        yield f"expected to be done by {_time(found.expected)}, at the pace so far, breaks included"
    if found.idle:
        yield f"{found.idle} of the people planned have not begun, or done too little to tell when they will be through"
    if any(person.outdated for person in found.people):
        yield "to others: they agreed to instructions that have changed since, and are asked again"
    for person in found.people:
        for fault in person.faults:
            yield f"! {fault}"


_HEAD = ("annotator", "consent", "done", "repeats", "practice", "first", "last", "s/item", "min left")


def _row(one: PersonStatus) -> tuple[str, ...]:
    return (
        one.annotator,
        "to others" if one.outdated else "yes" if one.consented else "no",
        f"{one.done}/{one.items}" if one.place else "no place",
        f"{one.repeats_done}/{one.repeats}",
        f"{one.practice_right}/{one.practice_answered}" if one.practice_answered else "–",
        _time(one.first),
        _time(one.last),
        "–" if one.seconds is None else f"{one.seconds:.1f}",
        "–" if one.minutes_left is None else "<1" if 0 < one.minutes_left < 1 else f"{one.minutes_left:.0f}",
    )


def _time(at: datetime | None) -> str:
    """Local time, to the minute."""
    return "–" if at is None else f"{at.astimezone():%m-%d %H:%M}"
