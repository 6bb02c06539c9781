"""What comparing runs gives: pairs, standings, and a gate's verdict."""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar

from proactivebench.records.base import Record, Sparse
from proactivebench.records.measurement import MeasurementStatus


class PairComparison(Record):
    """Run `first` against run `second` on one metric: `difference` is first − second of the pooled metric.

    `p` is the exact sign-flip p-value; `p_joint` the step-down max-T one over all pairs of the comparison, to decide
    by; `p_holm` and `p_fdr` are Holm's and Benjamini and Hochberg's. `smallest_p` is the least that so many
    differing traces allow. `detectable` is the minimum detectable difference (80 %, two-sided .05). `reason` says why
    there is no test, or no interval. `mcnemar_p` ignores traces: secondary.
    """

    first: str
    second: str
    difference: float | None
    stderr: float | None = None
    interval: tuple[float, float] | None = None
    p: float | None = None
    p_joint: float | None = None
    p_holm: float | None = None
    p_fdr: float | None = None
    smallest_p: float | None = None
    detectable: float | None = None
    mcnemar_p: float | None = None
    reason: str | None = None


class Standing(Record):
    """One run among those compared: its score, its rank range under the joint test, and whether it is in the leading
    tie group. `rank` is None where the metric has no better end, the judge ranks nothing, or the run has no score.
    `chance` is by need rule the p of its offers falling on need (see `scoring.chance`), `chance_holm` the same by Holm
    over the runs compared, where the run's labels and answers allow it."""

    name: str
    value: float | None
    interval: tuple[float, float] | None = None
    reason: str | None = None
    rank: tuple[int, int] | None = None
    leading: bool = False
    chance: dict[str, float] = {}
    chance_holm: dict[str, float] = {}


class PopulationOrder(Record):
    """Whether two runs stand in the same order for harsh, median and lenient users, by `metric` (`f1` or `acceptance`):
    `values` has for each third the figures of `first` and `second`; `worth` what the judge's verdicts are worth that
    they rest on."""

    metric: str
    first: str
    second: str
    same: bool
    values: dict[str, tuple[float, float]]
    worth: MeasurementStatus


class Comparison(Sparse):
    """Several runs compared on one metric over the same traces. `marks` say how they differ all the same, `conditions`
    how the conditions differ under which they answered, or what of those is not known.

    `title` names the metric in words. `worth` is what the judge's verdicts are worth that the metric rests on (None:
    it rests on none); `ranks` is false where higher need not be better there. `deciders` says who decided what.
    `rule` is the rule of need it goes by, `rules` the same comparison by the other, where people labelled need.
    `population` says of each pair whether its order is the same for users of any readiness, where that is known."""

    sparse: ClassVar = ("population",)

    metric: str
    title: str = ""
    better: str
    split: str | None
    judge: str
    deciders: str = ""
    worth: MeasurementStatus | None = None
    ranks: bool = True
    rule: str | None = None
    traces: int
    standings: tuple[Standing, ...]
    pairs: tuple[PairComparison, ...]
    marks: tuple[str, ...] = ()
    conditions: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    rules: dict[str, Comparison] = {}
    population: tuple[PopulationOrder, ...] = ()


class GateRule(StrEnum):
    """When a gate calls a drop a regression: when it is significantly more than what is allowed, when it is more than
    what is allowed, or unless it is shown to be within."""

    SIGNIFICANT = "significant"
    POINT = "point"
    NONINFERIOR = "noninferior"


class GatedMetric(Record):
    """A gate's verdict on one metric, by `rule` (which is `point` for a metric without an interval).

    `max_drop` is the loss that is allowed, in the metric's own unit; `relative` the share of the baseline's value it
    was given as. `difference` is candidate − baseline, signed so that up is better. `p` is one-sided, of a drop larger
    than allowed; `p_adjusted` is Holm's over all metrics tested. `not_excluded` is the largest drop the data do not
    exclude (one-sided 95 %), `detectable` the true drop that the rule fails with 80 %, `unchanged_passes` the chance
    that it passes a candidate that is just as good.
    """

    metric: str
    better: str
    rule: GateRule
    passed: bool
    max_drop: float
    relative: float | None = None
    baseline_value: float
    candidate_value: float | None
    difference: float | None = None
    stderr: float | None = None
    p: float | None = None
    p_adjusted: float | None = None
    not_excluded: float | None = None
    detectable: float | None = None
    unchanged_passes: float | None = None
    why: str
    warnings: tuple[str, ...] = ()


class GateResult(Record):
    """A gate's verdict: passed where every metric holds, or with `exact` where nothing changed (`changes` says what
    did). `conditions` says how the runs differ in their conditions, where that was allowed."""

    passed: bool
    rule: GateRule
    exact: bool
    baseline: str
    candidate: str
    judge: str
    deciders: str = ""  # who decided what, over both runs
    traces: int
    metrics: tuple[GatedMetric, ...]
    why: str
    conditions: tuple[str, ...] = ()
    changes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
