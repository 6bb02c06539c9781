"""Silence by threshold: what a run's stored offers would have cost, had those below a stated confidence been kept back.

An offer is kept where the agent's own `p_accept` reaches a threshold, or by PRISM's rule where it reaches
C_FA/(C_FA + p_need·C_FN). A dropped offer is a silence: wrong at a moment of need, right elsewhere. Nobody is asked
again. **cost(λ, μ) = (λ·FP + μ·FN)/N**; a threshold is chosen on all traces but the one that it is scored on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import sqrt
from typing import overload

import numpy as np
from numpy.typing import NDArray

from proactivebench.records import MetricValue
from proactivebench.scoring.answers import Answers
from proactivebench.scoring.counting import Counts, zeros
from proactivebench.scoring.decisions import ACCEPTED, REJECTED, Decisions
from proactivebench.scoring.intervals import FEWEST_TRACES, Resampled, jackknife_variances, spread, student
from proactivebench.scoring.measures import Ratio, total
from proactivebench.scoring.metric import Interval, Metric, MetricTable, Need
from proactivebench.scoring.moments import Needs
from proactivebench.scoring.offers import Column
from proactivebench.scoring.outcomes import Outcomes
from proactivebench.scoring.signflip import joint_signflip, signflip

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

FALSE_ALARMS = tuple(step / 4 for step in range(17))  # the grid of λ
NOBODY = 2.0  # a threshold that no probability reaches: silent everywhere
MOST_THRESHOLDS = 101
_DIGITS = 9  # sums that agree so far are the same cost


@dataclass(frozen=True)
class Items:
    """The moments of a run that have an outcome whatever is kept back, repeats and judge repeats apart, as columns:
    the `trace` of each, its `weight`, whether help was needed, whether something was offered and accepted, and what the
    agent stated (NaN where it did not). `left_out` moments have no need label, no reply, or an unscored offer."""

    traces: tuple[str, ...]
    trace: NDArray[np.int64]
    weight: Floats
    need: Bools
    offered: Bools
    accepted: Bools
    p_accept: Floats
    p_need: Floats
    left_out: int = 0

    @classmethod
    def of(cls, answers: Answers, decisions: Decisions, outcomes: Outcomes, p_need: Floats, need: Needs) -> Items:
        """The items of a run under a judge; `p_need` per moment and repeat, `need` (1, 0, −1) per moment."""
        moments = answers.moments
        shape = (*outcomes.offered.shape, decisions.repeats)
        offers = np.broadcast_to(outcomes.offers, shape)
        offered = np.broadcast_to(outcomes.offered[:, :, None], shape)
        silent = np.broadcast_to(outcomes.silent[:, :, None], shape)
        labelled = np.broadcast_to((need >= 0)[:, None, None], shape)
        kept = labelled & (silent | (offered & np.isin(offers, (ACCEPTED, REJECTED))))
        stated = np.broadcast_to(answers.at(answers.confidence, answers.last)[:, :, None], shape)
        at_need = np.broadcast_to((need == 1)[:, None, None], shape)
        trace = np.repeat(np.arange(len(moments.traces)), np.diff(moments.starts))
        return cls(
            traces=tuple(one.trace_id for one in moments.traces),
            trace=np.broadcast_to(trace[:, None, None], shape)[kept],
            weight=np.full(int(kept.sum()), 1 / (shape[1] * shape[2])),
            need=at_need[kept],
            offered=offered[kept],
            accepted=(offered & (offers == ACCEPTED))[kept],
            p_accept=stated[kept],
            p_need=np.broadcast_to(p_need[:, :, None], shape)[kept],
            left_out=int((~kept.all(axis=(1, 2))).sum()),
        )

    @property
    def unstated(self) -> int:
        """Offers without a stated confidence: kept only where nothing is dropped."""
        return int((self.offered & np.isnan(self.p_accept)).sum())

    def thresholds(self, also: Sequence[float] = ()) -> Floats:
        """The thresholds worth trying, ascending: 0 (all offers are kept), every stated confidence above the lowest (at
        most 101 of them, at even ranks), those given, and one that nobody reaches."""
        stated = np.unique(self.p_accept[self.offered & ~np.isnan(self.p_accept)])[1:]
        if len(stated) > MOST_THRESHOLDS:
            stated = stated[np.linspace(0, len(stated) - 1, MOST_THRESHOLDS).round().astype(int)]
        return np.unique(np.concatenate([[0.0], stated, np.asarray(also, dtype=np.float64), [NOBODY]]))

    def kept(self, thresholds: Floats) -> Bools:
        """Which items stay offers at each threshold, (thresholds, items): p_accept ≥ threshold."""
        reached = np.where(np.isnan(self.p_accept), 0.0, self.p_accept) >= thresholds[:, None]
        found: Bools = self.offered & reached
        return found

    def kept_by_prism(self, false_alarm: float, miss: float) -> Bools:
        """Which items stay offers by PRISM's rule, (items,)."""
        return self.offered & speaks_by_prism(self.p_accept, self.p_need, false_alarm, miss)

    def counts(self, kept: Bools) -> Counts:
        """Counts per trace where `kept` (options, items) stay offers: (options, traces, columns)."""
        dropped, need, sums = ~kept, self.need, zeros(len(kept), len(self.traces))
        cells = {
            Column.TP: kept & self.accepted,
            Column.FP: kept & ~self.accepted,
            Column.FN: dropped & need,
            Column.TN: dropped & ~need,
            Column.NEED_OFFERS: kept & need,
            Column.FREE_OFFERS: kept & ~need,
            Column.NEED_SILENCES: dropped & need,
            Column.FREE_SILENCES: dropped & ~need,
            Column.OFFERS: kept,
            Column.MOMENTS: np.ones_like(kept),
        }
        ends = np.searchsorted(self.trace, np.arange(len(self.traces) + 1))
        for column, where in cells.items():
            running = np.cumsum(where * self.weight, axis=1)
            running = np.concatenate([np.zeros((len(kept), 1)), running], axis=1)
            sums[..., column] = np.round(np.diff(running[:, ends], axis=1), _DIGITS)
        return sums


@overload
def speaks_by_prism(p_accept: float, p_need: float, false_alarm: float, miss: float) -> bool: ...
@overload
def speaks_by_prism(p_accept: Floats, p_need: Floats, false_alarm: float, miss: float) -> Bools: ...
def speaks_by_prism(p_accept: float | Floats, p_need: float | Floats, false_alarm: float, miss: float) -> bool | Bools:
    """PRISM's rule, p_accept ≥ C_FA/(C_FA + p_need·C_FN), written without the quotient, so that costs of 0 need no case
    of their own; what is NaN keeps quiet. Source: arXiv 2602.01532."""
    return p_accept * (false_alarm + p_need * miss) >= false_alarm


def cost_metric(false_alarm: float, miss: float) -> Metric:
    """cost(λ, μ) = (λ·FP + μ·FN)/N as a metric, for any costs."""
    return Metric(
        key=f"cost_{false_alarm:g}_{miss:g}",
        title=f"cost of a moment (λ={false_alarm:g}, μ={miss:g})",
        formula=f"({false_alarm:g}·FP + {miss:g}·FN)/N",
        better="down",
        undefined="no scored moment",
        needs=frozenset({Need.OFFERS, Need.LABELS}),
        interval=Interval.STUDENT_T,
        source="proactivebench",
        measure=Ratio({Column.FP: false_alarm, Column.FN: miss}, total(Column.TP, Column.FP, Column.TN, Column.FN)),
        high=max(false_alarm, miss),
        table=MetricTable.COSTS,
    )


@dataclass(frozen=True)
class Estimate:
    """A cost with what it is without each trace in turn, and what it may be at most."""

    value: float
    left_out: Floats
    high: float

    @property
    def told(self) -> MetricValue:
        """The cost with its trace-clustered 95 % interval T, or why it has none."""
        if len(self.left_out) < FEWEST_TRACES:
            return MetricValue(value=self.value, interval_reason=f"fewer than {FEWEST_TRACES} traces")
        stderr = sqrt(float(jackknife_variances(self.left_out)))
        ends, reason = student(self.value, stderr, len(self.left_out), 0.0, self.high)
        return MetricValue(value=self.value, stderr=stderr or None, interval=ends, interval_reason=reason)

    @property
    def pseudo(self) -> Floats:
        """Jackknife pseudo-values."""
        traces = len(self.left_out)
        found: Floats = traces * self.value - (traces - 1) * self.left_out
        return found


@dataclass(frozen=True)
class Costs:
    """What a false alarm (λ) and a miss (μ) cost: counts per trace in, costs out."""

    false_alarm: float
    miss: float

    @property
    def high(self) -> float:
        """The most a moment can cost."""
        return max(self.false_alarm, self.miss)

    def sums(self, counts: Counts) -> Floats:
        """λ·FP + μ·FN."""
        found: Floats = np.round(
            self.false_alarm * counts[..., Column.FP] + self.miss * counts[..., Column.FN], _DIGITS
        )
        return found

    def fixed(self, counts: Counts) -> Estimate:
        """The cost of one way to keep quiet, from counts (traces, columns)."""
        costs, sizes = self.sums(counts), counts[:, Column.MOMENTS]
        return Estimate(
            costs.sum() / sizes.sum(), (costs.sum() - costs) / np.maximum(sizes.sum() - sizes, 1e-300), self.high
        )

    def best(self, counts: Counts) -> int:
        """The cheapest option on all traces, of several as cheap the first, from counts (options, traces, columns)."""
        return int(np.round(self.sums(counts).sum(axis=1), _DIGITS).argmin())

    def best_elsewhere(self, counts: Counts) -> NDArray[np.int64]:
        """For each trace the cheapest option on all the others: (traces,)."""
        costs = self.sums(counts)
        found: NDArray[np.int64] = np.round(costs.sum(axis=1, keepdims=True) - costs, _DIGITS).argmin(axis=0)
        return found

    def chosen(self, counts: Counts) -> Estimate:
        """The cost where each trace is scored with the option that is cheapest on all the others, and the same without
        each trace in turn, the choice made again each time."""
        costs, sizes = self.sums(counts), counts[0, :, Column.MOMENTS]
        traces = np.arange(costs.shape[1])
        whole = costs.sum(axis=1, keepdims=True)
        value = costs[self.best_elsewhere(counts), traces].sum() / sizes.sum()
        left_out = np.empty(len(traces))
        for trace in traces:
            others = traces[traces != trace]
            rest = np.round(whole - costs[:, [trace]] - costs[:, others], _DIGITS)
            left_out[trace] = costs[rest.argmin(axis=0), others].sum() / max(sizes[others].sum(), 1e-300)
        return Estimate(float(value), left_out, self.high)


def paired(first: Sequence[Estimate], second: Sequence[Estimate]) -> Floats:
    """Recentred pseudo-values of first − second at each λ, (grid, traces): v_g = p_g − p̄ + Δ."""
    values = np.array(
        [(apart := a.pseudo - b.pseudo) - apart.mean() + a.value - b.value for a, b in zip(first, second, strict=True)]
    )
    values[np.abs(values) <= 10.0**-_DIGITS] = 0.0
    return values


def grid_p_values(values: Floats) -> tuple[Floats, Floats]:
    """Sign-flip p at each λ, and step-down max-T over the whole grid."""
    return np.array([signflip(row) for row in values]), joint_signflip(values)


@dataclass(frozen=True)
class Reference:
    """`never` and `always` by labels alone: shares of moments with and without need. What `always` offers is
    accepted at every moment of need, and at no other."""

    need: float
    free: float

    @classmethod
    def of(cls, counts: Counts) -> Reference:
        """From counts (traces, columns) of anything on these moments."""
        whole = counts.sum(axis=0)
        need = whole[Column.NEED_OFFERS] + whole[Column.NEED_SILENCES]
        return cls(float(need / whole[Column.MOMENTS]), float(1 - need / whole[Column.MOMENTS]))

    def never(self, costs: Costs) -> float:
        """What silence everywhere costs."""
        return costs.miss * self.need

    def always(self, costs: Costs) -> float:
        """What an offer everywhere costs, accepted where help is needed."""
        return costs.false_alarm * self.free


@dataclass(frozen=True)
class BreakEven:
    """For which costs of a false alarm offers are worth it, on these counts: cheaper than `never` for λ below `never`,
    than `always` for λ above `always`; None where no λ divides them."""

    counts: Counts
    miss: float

    @cached_property
    def _whole(self) -> Counts:
        whole: Counts = self.counts.sum(axis=0)
        return whole

    @property
    def never(self) -> float | None:
        """λ* = μ·(need − FN)/FP."""
        whole = self._whole
        met = whole[Column.NEED_OFFERS] + whole[Column.NEED_SILENCES] - whole[Column.FN]
        return float(self.miss * met / whole[Column.FP]) if whole[Column.FP] > 0 else None

    @property
    def always(self) -> float | None:
        """λ* = μ·FN/(no need − FP)."""
        whole = self._whole
        apart = whole[Column.FREE_OFFERS] + whole[Column.FREE_SILENCES] - whole[Column.FP]
        return float(self.miss * whole[Column.FN] / apart) if apart > 0 else None


def metric_value(metric: Metric, traces: Resampled) -> MetricValue:
    """A metric over traces, with its interval or why it has none."""
    found = spread(metric, traces)
    if np.isnan(found.value):
        return MetricValue(value=None, reason=metric.undefined)
    return MetricValue(value=found.value, stderr=found.stderr, interval=found.interval, interval_reason=found.reason)
