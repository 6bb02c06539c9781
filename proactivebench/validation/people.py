"""Whose labels a judge is held against: the release's people, or those of a user's own, in one form."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace

from proactivebench.errors import DataError
from proactivebench.judging import Item
from proactivebench.judging.base import Ballot
from proactivebench.judging.labels import votes_on
from proactivebench.judging.lexical.training import items_hash
from proactivebench.records import (
    OFFER_RULES,
    LabelledData,
    Moment,
    MomentLabels,
    NeedRule,
    ReplyKey,
    Task,
    TaskVotes,
    Trace,
)
from proactivebench.traces import LabelledItem, labelled_items
from proactivebench.traces.index import read_index, task_structure, trace_hash
from proactivebench.validation.items import ValidationItem, validation_items

RELEASED = "released human labels"
OWN = "labels"  # the `file` of rows that are not the release's
_LABELLED = "traces with labels, as `annotate merge` writes them"


@dataclass(frozen=True, slots=True)
class LabelSet:
    """Labelled items in a fixed order. `data` says whose they are (None: the release's), `rules` by which rules of
    need, the headline first."""

    items: tuple[ValidationItem, ...]
    data: LabelledData | None = None
    rules: tuple[NeedRule, ...] = OFFER_RULES

    @property
    def rows(self) -> list[LabelledItem]:
        """The rows behind the items."""
        return [item.row for item in self.items]

    @property
    def name(self) -> str:
        """What the labels are called."""
        return RELEASED if self.data is None else f"labels of {self.data.name}"

    @property
    def hash(self) -> str:
        """sha256 over all that is read of them."""
        return items_hash(self.rows)

    @property
    def traces(self) -> dict[str, Trace]:
        """The sessions, by name, without labels."""
        return {item.trace: item.item.moment.trace for item in self.items}

    @property
    def ballots(self) -> dict[Trace, list[Ballot]]:
        """The votes on offers, by session: by turn, and within one in the order of the rows."""
        found: dict[Trace, list[Ballot]] = {}
        for item in self.items:
            if item.row.pred_task is not None and item.row.votes:
                ballot = Ballot(item.row.turn, item.row.pred_task, item.row.votes, item.row.annotators)
                found.setdefault(item.item.moment.trace, []).append(ballot)
        return {trace: sorted(given, key=lambda ballot: ballot.turn) for trace, given in found.items()}

    def without(self, traces: Collection[str]) -> LabelSet:
        """The items of the other sessions."""
        return replace(self, items=tuple(item for item in self.items if item.trace not in traces))


def released_labels(rows: Sequence[LabelledItem] | None = None) -> LabelSet:
    """The release's labels (or `rows` of that form). Raises `DataError` where the release cannot be had."""
    return LabelSet(tuple(validation_items(labelled_items() if rows is None else rows)))


def own_labels(task: Task, source: str) -> LabelSet:
    """What the people of a user's own said of the traces of `task`, read from `source`: an item for each offer with
    votes and for each labelled silence. No label reaches a judge: its traces carry none.

    Raises `DataError` where no moment carries a label.
    """
    rules = task.need_rules
    reader = _Reader(rules)
    items = tuple(item for trace in task.traces for item in reader.items(trace))
    if not items:
        raise DataError(f"{source} holds no labels: give {_LABELLED}")
    labelled = [trace for trace in task.traces if any(trace.labels or ())]
    data = LabelledData(
        name=task.name,
        revision=task.revision,
        licence=task.licence,
        annotators=len(reader.people) or None,
        votes=reader.votes,
        voted=reader.voted,
        traces=tuple(trace_hash(trace) for trace in labelled),
    )
    return LabelSet(items, data, rules)


def is_known(task: Task) -> bool:
    """Whether a task is one of those that are named: the release, whose people are asked anyway, or the sample, whose
    votes are invented."""
    return task.data_hash in {task_structure(name).data_hash for name in read_index()["tasks"]}


def carries_votes(task: Task) -> bool:
    """Whether the moments of a task carry votes of the user's own people: those of tasks that are named are known."""
    if is_known(task):
        return False
    labels = (label for trace in task.traces for label in trace.labels or () if label)
    return any(label.tasks or label.asked for label in labels)


class _Reader:
    """Goes through labelled traces, counting votes and who gave them. A row's own need is that of the first rule that
    knows."""

    def __init__(self, rules: Sequence[NeedRule]) -> None:
        self._rules = rules
        self.people: set[str] = set()
        self.votes = self.voted = self._rows = 0

    def items(self, trace: Trace) -> Iterator[ValidationItem]:
        """The items of a trace, moment by moment: each offer with votes, then the silence."""
        bare = Trace(trace_id=trace.trace_id, split=OWN, events=trace.events)
        for turn, labels in enumerate(trace.labels or ()):
            if labels is None:
                continue
            for text in dict.fromkeys(stored.task for stored in labels.tasks):
                yield self._item(bare, turn, labels, votes_on(labels, text))
            yield self._item(bare, turn, labels, None)

    def _item(self, trace: Trace, turn: int, labels: MomentLabels, offer: TaskVotes | None) -> ValidationItem:
        task = None if offer is None else offer.task
        votes = tuple(not wanted for wanted in labels.asked) if offer is None else offer.votes
        annotators = labels.asked_by if offer is None else offer.annotators
        need = next((known for rule in self._rules if (known := labels.needs(rule)) is not None), False)
        valid = not need if offer is None else offer.accepted
        category = ("CR" if valid else "MN") if task is None else ("CD" if valid else "FA")
        row = LabelledItem(
            file=OWN,
            row=self._rows,
            trace=trace.trace_id,
            events=trace.events[: turn + 1],
            pred_task=task,
            votes=votes,
            help_needed=need,
            valid=valid,
            category=category,
            annotators=annotators,
        )
        self._rows += 1
        self.people.update(annotators)
        if votes:
            self.votes, self.voted = self.votes + len(votes), self.voted + 1
        item = Item(Moment(trace, turn), task, ReplyKey(trace.trace_id, turn), -1 if task is None else 0)
        return ValidationItem(row, item, labels)
