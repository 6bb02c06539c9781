"""What comparing runs gives: pairs, standings, and a gate's verdict."""

from __future__ import annotations

from enum import StrEnum

from proactivebench.records.base import Record


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
    tie group. `rank` is None where the metric has no better end or the run has no score."""

    name: str
    value: float | None
    interval: tuple[float, float] | None = None
    reason: str | None = None
    rank: tuple[int, int] | None = None
    leading: bool = False


class Comparison(Record):
    """Several runs compared on one metric over the same traces. `marks` say how they differ all the same."""

    metric: str
    better: str
    split: str | None
    judge: str
    traces: int
    standings: tuple[Standing, ...]
    pairs: tuple[PairComparison, ...]
    marks: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


class GateRule(StrEnum):
    """When a gate calls a drop a regression: when it is beyond what is allowed and significant, when it is beyond what
    is allowed, or unless it is shown to be within."""

    SIGNIFICANT = "significant"
    POINT = "point"
    NONINFERIOR = "noninferior"


class GateResult(Record):
    """A gate's verdict. `difference` is candidate − baseline, signed so that up is better. `not_excluded` is the
    largest drop the data do not exclude (one-sided 95 %), `detectable` the difference it would have found with 80 %."""

    passed: bool
    metric: str
    rule: GateRule
    exact: bool
    max_drop: float
    baseline: str
    candidate: str
    judge: str
    baseline_value: float | None
    candidate_value: float | None
    difference: float | None = None
    stderr: float | None = None
    p: float | None = None
    traces: int = 0
    not_excluded: float | None = None
    detectable: float | None = None
    why: str
    changes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
