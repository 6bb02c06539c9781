"""A metric: its key, what it says, and how it is computed from counts that have names."""

from proactivebench import Column, Interval, Metric, Ratio, total

MEAN_SILENCE = Metric(
    key="mean_silence",
    title="share of moments left in peace",
    formula="(moments − offers)/moments",
    better="up",
    undefined="no moment",
    needs=frozenset(),
    interval=Interval.PROPORTION,
    source="strangers",
    measure=Ratio({Column.MOMENTS: 1, Column.OFFERS: -1}, total(Column.MOMENTS)),
)
