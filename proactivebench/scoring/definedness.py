"""Whether a metric is defined: decided here, and nowhere else.

A number can be worked out from counts alone and still mean nothing: an F1 where nobody was asked whether silence was
right, a cost where nobody said what was spent. So every surface asks `why_undefined` with what was asked of whom, and
takes a value only where it says nothing. Counts of what a metric lacks are never handed to a formula.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from proactivebench.records import NeedRule, TraceTable
from proactivebench.scoring.counting import COUNTS, Counts, zeros
from proactivebench.scoring.metric import Metric, Need
from proactivebench.scoring.offers import Column

C = Column
Lacking = Mapping[Need, str]

NO_OFFER_VERDICTS = "no offer verdicts"
NO_SILENCE_VERDICTS = "no silence verdicts"
NO_LABELS = "no need labels"
NOT_COUNTED = "not counted in this report, which an older version wrote"

_ONCE = frozenset({Need.TIMES, Need.USAGE, Need.PRICES, Need.CLOCK})  # the same in every view of a run


def why_undefined(metric: Metric, counts: Counts, lacking: Lacking) -> str | None:
    """Why `metric` has no value on total `counts` (one number a column, NaN where an old table has none) of traces that
    lack what `lacking` names; None where it has one. A metric that is no function of counts may still be undefined for
    a reason of its own."""
    for need in Need:
        if need in metric.needs and need in lacking:
            return lacking[need]
    if Need.LABELS in metric.needs and counts[C.MOMENTS] > 0 and counts[C.MOMENTS] <= counts[C.UNLABELLED]:
        return NO_LABELS
    lacks = metric.lacks(counts) if metric.lacks else None
    if lacks:
        return lacks
    if metric.measure is None or not np.isnan(metric.measure(counts)):
        return None
    unknown = np.isnan(counts)
    if unknown.any() and not np.isnan(metric.measure(np.where(unknown, 1.0, counts))):
        return NOT_COUNTED
    return metric.undefined


def value_of(metric: Metric, counts: Counts, lacking: Lacking) -> tuple[float | None, str | None]:
    """The value of a function of counts on total `counts`, or None and the reason there is none."""
    reason = why_undefined(metric, counts, lacking)
    if reason or metric.measure is None:
        return None, reason or "no function of counts"
    return float(metric.measure(counts)), None


def reported(metric: Metric, view: str) -> bool:
    """Whether a report has `metric` in a view: in the run's own all of them, in others those on which the view says
    anything new."""
    if view == "":
        return True
    if metric.needs & _ONCE or metric.stated:
        return False
    if view in list(NeedRule):
        return metric.silences_matter
    if view == "round0":
        return metric.bounded
    return Need.OFFERS in metric.needs


def stored_table(counts: Counts, traces: Sequence[str], lacking: Lacking) -> TraceTable:
    """Pooled counts per trace, (traces, columns), as they are stored: with their names, and what they lack."""
    return TraceTable(
        columns=tuple(known.name for known in COUNTS),
        rows=dict(zip(traces, map(tuple, counts.tolist()), strict=True)),
        lacking={need.name.lower(): reason for need, reason in lacking.items()},
    )


def stored_counts(table: TraceTable, traces: Sequence[str]) -> Counts:
    """The counts of some traces of a stored table, (traces, columns): read by name, NaN where it has no such column."""
    places = {name: place for place, name in enumerate(table.columns)}
    rows = np.array([table.rows[name] for name in traces], dtype=np.float64).reshape(len(traces), len(table.columns))
    counts = zeros(len(traces)) + np.nan
    for known in COUNTS:
        place = places.get(known.name)
        if place is not None:
            counts[:, known] = rows[:, place]
    return counts


def stored_lacking(table: TraceTable) -> dict[Need, str]:
    """What a stored table lacks."""
    return {need: table.lacking[name] for need in Need if (name := need.name.lower()) in table.lacking}
