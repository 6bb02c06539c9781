"""People's labels of a user's own, invented: three who vote on two offers a moment and say whether they want help."""

from __future__ import annotations

from pathlib import Path

from proactivebench.records import Event, MomentLabels, TaskVotes, Trace
from proactivebench.text import write_lines

PEOPLE = ("ann", "bo", "cy")


def own_traces(traces: int = 6, moments: int = 12, *, asked: bool = True, begin: str = "own") -> tuple[Trace, ...]:
    """Sessions in which every third moment needs help. Of the two offers at each, all three accept the useful one where
    help is needed, and one of them any other. Asked directly, `bo` never wants help at the first moment."""
    return tuple(_session(f"{begin}-{number}", moments, asked=asked) for number in range(traces))


def _session(name: str, moments: int, *, asked: bool) -> Trace:
    events = tuple(
        Event(time=str(60 * turn), event=f"{name} step {turn}: {'at ease' if turn % 3 else 'stuck with an error'}")
        for turn in range(moments)
    )
    return Trace(
        trace_id=name,
        split="own",
        events=events,
        labels=tuple(_labels(name, turn, asked=asked) for turn in range(moments)),
    )


def _labels(name: str, turn: int, *, asked: bool) -> MomentLabels:
    need = turn % 3 == 0
    useful = TaskVotes(task=f"useful help {name}-{turn}", votes=(True, True, need), annotators=PEOPLE)
    useful = useful if need else useful.model_copy(update={"votes": (False, turn % 2 == 0, False)})
    idle = TaskVotes(task=f"idle talk {name}-{turn}", votes=(turn % 5 == 0, False, False), annotators=PEOPLE)
    return MomentLabels(
        need=need,
        need_majority=need,
        tasks=(useful, idle),
        asked=(need, need and turn > 0, need) if asked else (),
        asked_by=PEOPLE if asked else (),
    )


def own_file(folder: Path, **how: object) -> Path:
    """The sessions as a file."""
    path = folder / "mine.jsonl"
    path.write_bytes(write_lines(own_traces(**how)))  # type: ignore[arg-type]
    return path
