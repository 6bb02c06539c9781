"""What a judge must be seen beside: accept everything, look the answer up in training data, and one human."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

import numpy as np

from proactivebench.records import NeedRule
from proactivebench.traces import LabelledItem
from proactivebench.traces.labels import Prefix
from proactivebench.validation.figures import Ratings
from proactivebench.validation.items import Category, ValidationItem


class Lookup:
    """What people said of the same moment in training data: the need label and whether any sibling was accepted."""

    def __init__(self, rows: Iterable[LabelledItem]) -> None:
        self.need: dict[Prefix, bool] = {}
        self.sibling: dict[Prefix, bool] = defaultdict(bool)
        for row in rows:
            self.need[row.events] = row.help_needed
            if row.pred_task is not None:
                self.sibling[row.events] |= row.valid

    def by_sibling(self, row: LabelledItem) -> bool | None:
        """Silence: right iff no help was needed; a proposal: accepted iff another was, here. None: moment unseen."""
        if row.events not in self.need:
            return None
        return not self.need[row.events] if row.pred_task is None else self.sibling[row.events]

    def by_need(self, row: LabelledItem) -> bool | None:
        """Silence: right iff no help was needed; any proposal: accepted iff help was needed. None: moment unseen."""
        if row.events not in self.need:
            return None
        return (row.pred_task is None) != self.need[row.events]


def rated(items: Sequence[ValidationItem], verdicts: Iterable[bool | None], rule: NeedRule) -> Ratings:
    """Ratings from bare verdicts (None = unscored)."""
    values = [np.nan if verdict is None else float(verdict) for verdict in verdicts]
    return Ratings(
        [item.category(rule) for item in items],
        np.array(values, dtype=float),
        np.full(len(items), np.nan),
        np.array([item.trace for item in items]),
    )


def accept_everything(items: Sequence[ValidationItem], rule: NeedRule) -> Ratings:
    """The judge that never says no."""
    return rated(items, [True] * len(items), rule)


def one_human(items: Sequence[ValidationItem]) -> Ratings:
    """Each annotator of a proposal with three votes as a judge, people being the other two where they agree."""
    categories, verdicts, traces = [], [], []
    for item in items:
        votes = item.row.votes
        if item.row.pred_task is None or len(votes) != 3:
            continue
        for place, vote in enumerate(votes):
            others = votes[:place] + votes[place + 1 :]
            if others[0] == others[1]:
                categories.append(Category.CORRECT_DETECTION if others[0] else Category.FALSE_ALARM)
                verdicts.append(float(vote))
                traces.append(item.trace)
    return Ratings(categories, np.array(verdicts), np.full(len(verdicts), np.nan), np.array(traces, dtype=str))
