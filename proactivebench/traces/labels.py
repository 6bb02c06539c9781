"""The release's human labels: what annotators said of each proposal and silence, row by row and moment by moment."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeVar

from proactivebench.errors import DataError
from proactivebench.records import Event, MomentLabels, TaskVotes
from proactivebench.text import load_json, read_lines
from proactivebench.traces import release
from proactivebench.traces.index import recognise

Prefix = tuple[Event, ...]
T = TypeVar("T", bound=Hashable)  # an event, or its text
UNKNOWN = "unknown"  # what a session is called that nobody recognises


@dataclass(frozen=True, slots=True)
class LabelledItem:
    """One row of the reward data: a proposal (None = silence) after `events`, and the votes of 2–3 annotators on it.

    `file` is "train" or "test", `row` counts from 0 in it, `category` is MN, CR, CD or FA. `valid` is the
    majority on a proposal; on a silence it is `not help_needed`, whatever the votes say. `trace` names the labelled
    session the events belong to, recognised by content. Of other people's labels `file` is "labels", and `annotators`
    has the pseudonym behind each vote, where known; votes on a silence are answers to the need, turned round.
    """

    file: str
    row: int
    trace: str
    events: Prefix
    pred_task: str | None
    votes: tuple[bool, ...]
    help_needed: bool
    valid: bool
    category: str
    annotators: tuple[str, ...] = ()

    @property
    def turn(self) -> int:
        """The turn (from 0) in the trace."""
        return len(self.events) - 1


def labelled_items(pins: Mapping[str, str] | None = None) -> tuple[LabelledItem, ...]:
    """All 1,749 rows, train file first, in file order. Raises `DataError` where the release is missing or altered."""
    return release_items() if pins is None else _items(pins)


def moment_labels(items: Iterable[LabelledItem]) -> dict[Prefix, MomentLabels]:
    """Labels by the events so far. `need` is the release's `help_needed` (some proposal accepted by all its
    annotators), `need_majority` whether some proposal has a majority. A text judged twice at one moment has its votes
    pooled (the release holds no such pair). Raises `DataError` where rows of one moment disagree about `help_needed`.
    """
    needs: dict[Prefix, bool] = {}
    votes: dict[Prefix, dict[str, tuple[bool, ...]]] = {}
    for item in items:
        if needs.setdefault(item.events, item.help_needed) != item.help_needed:
            raise DataError(f"{item.file} row {item.row}: help_needed differs from an earlier row of the same moment")
        tasks = votes.setdefault(item.events, {})
        if item.pred_task is not None:
            tasks[item.pred_task] = tasks.get(item.pred_task, ()) + item.votes
    return {prefix: _labels(need, votes[prefix]) for prefix, need in needs.items()}


def sessions(prefixes: Iterable[tuple[T, ...]]) -> list[tuple[T, ...]]:
    """The whole sessions behind a set of prefixes: those that no longer one continues, in order of appearance."""
    ordered = list(dict.fromkeys(prefixes))
    begun = {prefix[:length] for prefix in ordered for length in range(1, len(prefix))}
    return [prefix for prefix in ordered if prefix not in begun]


def _labels(need: bool, votes: Mapping[str, tuple[bool, ...]]) -> MomentLabels:
    tasks = tuple(TaskVotes(task=task, votes=given) for task, given in votes.items())
    return MomentLabels(need=need, need_majority=any(task.accepted for task in tasks), tasks=tasks)


@cache
def release_items() -> tuple[LabelledItem, ...]:
    """The labelled items of the release at hand, read once."""
    return _items(None)


def _items(pins: Mapping[str, str] | None) -> tuple[LabelledItem, ...]:
    files = zip(("train", "test"), release.REWARD_DATA, strict=True)
    return items_of((file, number, row) for file, name in files for number, row in enumerate(_rows(name, pins)))


def items_of(rows: Iterable[tuple[str, int, Mapping[str, Any]]]) -> tuple[LabelledItem, ...]:
    """Rows of reward data, each with its file's name and its number there, as items. They are taken as they are: who
    has them from elsewhere checks them first."""
    ordered = [(file, number, row, _prefix(row["obs"])) for file, number, row in rows]
    names: dict[Prefix, str] = {}
    for session in sessions(prefix for *_, prefix in ordered):
        name = recognise(session) or UNKNOWN
        names |= {session[:length]: name for length in range(1, len(session) + 1)}
    return tuple(
        LabelledItem(
            file=file,
            row=number,
            trace=names[prefix],
            events=prefix,
            pred_task=row["pred_task"],
            votes=tuple(row["annotation"]),
            help_needed=row["help_needed"],
            valid=row["valid"],
            category=row["category"].rpartition("(")[2].rstrip(")"),
        )
        for file, number, row, prefix in ordered
    )


def _rows(name: str, pins: Mapping[str, str] | None) -> list[dict[str, Any]]:
    return [row for _, row in read_lines(release.read(name, pins), load_json)]


@cache
def _event(time: str, event: str) -> Event:
    return Event(time=time, event=event)


def _prefix(observations: Sequence[Mapping[str, str]]) -> Prefix:
    return tuple(_event(seen["time"], seen["event"]) for seen in observations)
