"""What judges are measured on: the release's labelled items as moments, and what people decided, by both need rules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from proactivebench.judging import Item
from proactivebench.records import Moment, MomentLabels, NeedRule, ReplyKey, Trace
from proactivebench.traces import LabelledItem
from proactivebench.traces.labels import Prefix, moment_labels, sessions


class Category(StrEnum):
    """The right verdict: accept an offer (CD), reject one (FA), accept a silence (CR), reject one (MN)."""

    CORRECT_DETECTION = "CD"
    FALSE_ALARM = "FA"
    CORRECT_REJECTION = "CR"
    MISSED_NEED = "MN"

    @property
    def counted(self) -> str:
        """What its items are called in `JudgeErrors`."""
        return self.name.lower()

    @property
    def offer(self) -> bool:
        """Whether there is a proposal."""
        return self in (Category.CORRECT_DETECTION, Category.FALSE_ALARM)

    @property
    def accepted(self) -> bool:
        """Whether people accept."""
        return self in (Category.CORRECT_DETECTION, Category.CORRECT_REJECTION)


@dataclass(frozen=True, slots=True)
class ValidationItem:
    """One labelled item as a judge sees it, with the votes on it and the moment's labels."""

    row: LabelledItem
    item: Item
    labels: MomentLabels

    @property
    def trace(self) -> str:
        """The cluster this item belongs to."""
        return self.row.trace

    def applies(self, rule: NeedRule) -> bool:
        """Whether `rule` says anything of it: of an offer each does, of a silence those that the labels know."""
        return self.row.pred_task is not None or self.labels.needs(rule) is not None

    def category(self, rule: NeedRule) -> Category:
        """What people decided. Offers by majority vote under both rules; silences by the need rule."""
        if self.row.pred_task is not None:
            return Category.CORRECT_DETECTION if self.row.valid else Category.FALSE_ALARM
        return Category.MISSED_NEED if self.labels.needs(rule) else Category.CORRECT_REJECTION


def validation_items(rows: Sequence[LabelledItem]) -> list[ValidationItem]:
    """All rows as items, in order. Traces carry no labels: what people said must not reach a judge."""
    labels = moment_labels(rows)
    traces: dict[Prefix, Trace] = {}
    names = {row.events: row.trace for row in rows}
    for session in sessions(names):
        trace = Trace(trace_id=names[session], split="labelled", events=session)
        traces |= {session[:length]: trace for length in range(1, len(session) + 1)}
    items = []
    for row in rows:
        trace, turn = traces[row.events], row.turn
        candidate = -1 if row.pred_task is None else 0
        item = Item(Moment(trace, turn), row.pred_task, ReplyKey(trace.trace_id, turn), candidate)
        items.append(ValidationItem(row, item, labels[row.events]))
    return items
