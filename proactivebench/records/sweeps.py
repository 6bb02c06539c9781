"""What sweeping a threshold over a run's stored offers gives, and where a run comes from that was made by one."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from proactivebench.records.activity import NeedRule
from proactivebench.records.base import Record
from proactivebench.records.reports import MetricValue


class SpeakingRule(StrEnum):
    """Which offers are kept: those whose stated p_accept reaches a threshold, or by PRISM's rule."""

    THRESHOLD = "threshold"
    PRISM = "prism"


class ThresholdRow(Record):
    """A run's figures where only offers from `threshold` on are kept (None: silence everywhere, or PRISM's rule, which
    has no threshold of its own). `coverage` is the share of offers kept; `metrics` by key, `cost` among them."""

    threshold: float | None
    kept: float
    coverage: float
    metrics: dict[str, MetricValue]


class CostPoint(Record):
    """Costs of a moment where a false alarm costs `false_alarm`: as answered, and swept, each trace by what is cheapest
    on the others; of `never`, and of `always`, accepted at need. `threshold` is the cheapest on all traces. `p` and
    `p_joint` (max-T over the grid) test swept against as answered; `difference` is the first minus the second;
    `p_never` and `p_never_joint` test swept against `never`: a gain is a cost below both."""

    false_alarm: float
    swept: MetricValue
    answered: MetricValue
    never: float
    always: float
    threshold: float | None
    difference: float
    p: float
    p_joint: float
    p_never: float
    p_never_joint: float


class Sweep(Record):
    """A run's stored offers by how sure the agent was of them. `point` is at the costs asked for; `thresholds` are
    those that each trace was scored with, chosen on all others (None: silence). `judged_by` decided on the
    offers. `break_even` says for which λ the run as answered is cheaper than `never` (below) and than
    `always` (above)."""

    name: str
    judge: str
    judged_by: str
    need: NeedRule
    rule: SpeakingRule
    chosen_on: Literal["other traces", "given", "costs"]
    false_alarm: float
    miss: float
    traces: int
    moments: float
    offers: float
    left_out: int = 0
    unstated: int = 0
    rows: tuple[ThresholdRow, ...]
    point: CostPoint
    thresholds: dict[str, float | None]
    curve: tuple[CostPoint, ...]
    break_even: dict[str, float | None]


class CostDifference(Record):
    """Cost of `first` minus that of `second` at one λ, both swept, paired by trace; `p_joint` is max-T over the whole
    comparison, λ and pairs."""

    first: str
    second: str
    false_alarm: float
    difference: float
    interval: tuple[float, float] | None = None
    p: float
    p_joint: float


class Sweeps(Record):
    """One or more runs swept alike, and how their cost curves differ."""

    sweeps: tuple[Sweep, ...]
    differences: tuple[CostDifference, ...] = ()
    notes: tuple[str, ...] = ()
