"""95 % intervals from leave-one-trace-out values: the trace is the unit of uncertainty."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from proactivebench.scoring.counting import Counts
from proactivebench.scoring.measures import F1, Balanced, Matthews, Ratio, Weights, combine
from proactivebench.scoring.metric import Interval, Metric

FEWEST_TRACES = 4
SMALLEST_DENOMINATOR = 10
SMALLEST_MARGIN = 20
ASSUMED_ICC = 0.05  # where the traces themselves show no variation
ONE_TRACE = "rests on one trace"
_ZERO = 1e-12


@dataclass(frozen=True, slots=True)
class Spread:
    """A value with its jackknife standard error and interval; `reason` says why there is no interval. The error is None
    where every trace gives the same value: 0 would claim a certainty that nobody has."""

    value: float
    stderr: float | None = None
    interval: tuple[float, float] | None = None
    reason: str | None = None


@lru_cache(maxsize=256)
def t_quantile(share: float, freedom: int) -> float:
    """Quantile of Student's t."""
    from scipy.special import stdtrit

    return float(stdtrit(freedom, share))


def leave_one_out(counts: Counts) -> Counts:
    """Pooled counts without each trace in turn: (traces, columns)."""
    left_out: Counts = counts.sum(axis=-2, keepdims=True) - counts
    return left_out


class Resampled:
    """Counts of traces, (traces, columns), stacked so that one call of a measure says everything: the `whole` in row 0,
    without each trace in turn (`left_out`), each trace `alone`, and the rows of `more` by name."""

    def __init__(self, counts: Counts, more: Mapping[str, Counts] = MappingProxyType({})) -> None:
        self.traces = len(counts)
        whole = counts.sum(axis=0)
        parts = {"whole": whole[None], "left_out": whole - counts, "alone": counts, **more}
        ends = [0, *accumulate(len(part) for part in parts.values())]
        self._rows = {name: slice(start, end) for name, start, end in zip(parts, ends, ends[1:], strict=False)}
        self.stack = np.concatenate(list(parts.values()))

    def rows(self, values: Counts, name: str) -> Counts:
        """What measures of the whole `stack` (last axis) say of one part of it."""
        return values[..., self._rows[name]]

    @property
    def whole(self) -> Counts:
        """The total over the traces: (columns,)."""
        total: Counts = self.stack[0]
        return total


def jackknife_variance(values: NDArray[np.float64]) -> float:
    """(G−1)/G · Σ (θ₍g₎ − θ̄)²."""
    return float(jackknife_variances(values))


def jackknife_variances(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """`jackknife_variance` of many metrics at once: over the last axis."""
    size = values.shape[-1]
    if not size:
        return np.full(values.shape[:-1], np.nan)
    apart = values - values.sum(axis=-1, keepdims=True) / size
    found: NDArray[np.float64] = (size - 1) / size * (apart * apart).sum(axis=-1)
    return found


def spread(metric: Metric, traces: Resampled, values: Counts | None = None, variance: float | None = None) -> Spread:
    """Value, standard error and interval of `metric` over `traces`. `values`, its measure of their stack, and the
    jackknife `variance` over them are taken from the caller where it has them."""
    if metric.measure is None:
        raise ValueError(f"{metric.key} is not a function of counts")
    values = metric.measure(traces.stack) if values is None else values
    value = float(values[0])
    if math.isnan(value):
        return Spread(value, reason="undefined")
    if traces.traces < FEWEST_TRACES:
        return Spread(value, reason=f"fewer than {FEWEST_TRACES} traces")
    if variance is None:
        variance = jackknife_variance(traces.rows(values, "left_out"))
    if math.isnan(variance):
        return Spread(value, reason=ONE_TRACE)
    stderr = math.sqrt(variance)
    ends, reason = _interval(metric, traces, values, stderr)
    return Spread(value, stderr if stderr > _ZERO else None, ends, reason)  # no width is known, rather than none


Ends = tuple[tuple[float, float] | None, str | None]


def _interval(metric: Metric, traces: Resampled, values: Counts, stderr: float) -> Ends:
    value = float(values[0])
    if metric.enough is not None and _sum(metric.enough, traces.whole) < metric.fewest - _ZERO:
        # It would cover below .92: perf/results, coverage of time, users and risk.
        return None, f"too few {metric.scarce}"
    match metric.interval, metric.measure:
        case Interval.PROPORTION, Ratio() as measure:
            return proportion(measure, traces, metric.scarce, values, stderr)
        case Interval.JACCARD, F1() as measure:
            jaccard = measure.jaccard
            ends, reason = proportion(jaccard, traces, metric.scarce, jaccard(traces.stack))
            return (None if ends is None else (_f1(ends[0]), _f1(ends[1]))), reason
        case Interval.BALANCED, Balanced() as measure:
            return balanced(measure, traces)
        case Interval.FISHER_Z, Matthews() as measure:
            return fisher(measure, traces, value, stderr)
        case Interval.RATE, _:
            return rate(value, stderr, traces.traces)
        case Interval.STUDENT_T, _:
            return student(value, stderr, traces.traces, metric.low, metric.high)
    return None, "no interval is known for it"


def _sum(enough: Weights | Callable[[Counts], Counts], whole: Counts) -> float:
    return float(enough(whole) if callable(enough) else combine(whole, enough))


def proportion(ratio: Ratio, traces: Resampled, scarce: str, values: Counts, stderr: float | None = None) -> Ends:
    """Interval P of A/B: logit with the jackknife error, or Wilson at the effective size where that error is 0.
    `values` are the ratio of the stack, `stderr` its jackknife error where that is known."""
    denominators = combine(traces.stack, ratio.denominator)
    size = float(denominators[0])
    clusters = int(np.count_nonzero(traces.rows(denominators, "alone") > 0))
    if size < SMALLEST_DENOMINATOR or clusters < FEWEST_TRACES:
        return None, f"too few {scarce}"
    share = float(values[0])
    if stderr is None:
        stderr = math.sqrt(jackknife_variance(traces.rows(values, "left_out")))
    if math.isnan(stderr):
        return None, ONE_TRACE
    quantile = t_quantile(0.975, traces.traces - 1)
    if stderr <= _ZERO or not 0 < share < 1:
        return wilson(share, effective_size(size, clusters), quantile), None
    logit = math.log(share / (1 - share))
    reach = quantile * stderr / (share * (1 - share))
    return (_expit(logit - reach), _expit(logit + reach)), None


def _expit(logit: float) -> float:
    return 1 / (1 + math.exp(-logit)) if logit > -700 else 0.0


def effective_size(size: float, clusters: int) -> float:
    """`size` items in `clusters` traces, as so many independent ones under the assumed intra-cluster correlation."""
    return size / (1 + (size / clusters - 1) * ASSUMED_ICC)


def wilson(share: float, size: float, quantile: float) -> tuple[float, float]:
    """Wilson's score interval for `share` of `size`, with `quantile` for z."""
    square = quantile**2
    middle = share + square / (2 * size)
    reach = quantile * math.sqrt(share * (1 - share) / size + square / (4 * size**2))
    scale = 1 + square / size
    return max(0.0, float((middle - reach) / scale)), min(1.0, float((middle + reach) / scale))


def balanced(measure: Balanced, traces: Resampled) -> Ends:
    """Interval B: recall's and specificity's intervals joined by MOVER, with the correlation of their jackknife."""
    recalls, specificities = measure.recall(traces.stack), measure.specificity(traces.stack)
    first, reason = proportion(measure.recall, traces, "needs", recalls)
    if first is None:
        return None, reason
    second, reason = proportion(measure.specificity, traces, "silences", specificities)
    if second is None:
        return None, reason
    r, s = float(recalls[0]), float(specificities[0])
    together = correlation(traces.rows(recalls, "left_out"), traces.rows(specificities, "left_out"))

    def reach(a: float, b: float) -> float:
        return 0.5 * math.sqrt(max(0.0, a * a + b * b + 2 * together * a * b))

    middle = (r + s) / 2
    return (middle - reach(r - first[0], s - second[0]), middle + reach(first[1] - r, second[1] - s)), None


def correlation(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    """Pearson's correlation, 0 where one is constant."""
    a, b = first - first.mean(), second - second.mean()
    scale = float(np.sqrt((a @ a) * (b @ b)))
    return 0.0 if scale <= _ZERO**2 or min(a @ a, b @ b) <= _ZERO**2 else float(np.clip((a @ b) / scale, -1, 1))


def fisher(measure: Matthews, traces: Resampled, value: float, stderr: float) -> Ends:
    """Interval Z, given only where every margin is large enough."""
    margins = {name: float(margin) for name, margin in measure.margins(traces.whole).items()}
    smallest = min(margins, key=lambda name: margins[name])
    if margins[smallest] < SMALLEST_MARGIN:
        return None, f"too few {smallest}"
    if stderr <= _ZERO or abs(value) >= 1:
        return None, "identical in every trace"
    reach = t_quantile(0.975, traces.traces - 1) * stderr / (1 - value**2)
    middle = np.arctanh(value)
    return (float(np.tanh(middle - reach)), float(np.tanh(middle + reach))), None


def rate(value: float, stderr: float, traces: int) -> Ends:
    """Interval R: symmetric in the logarithm."""
    if value == 0:
        return None, "zero"
    if stderr <= _ZERO * value:
        return None, "identical in every trace"
    factor = float(np.exp(t_quantile(0.975, traces - 1) * stderr / value))
    return (value / factor, value * factor), None


def student(value: float, stderr: float, traces: int, low: float, high: float) -> Ends:
    """Interval T, kept within the metric's range."""
    if stderr <= _ZERO:
        return None, "identical in every trace"
    reach = t_quantile(0.975, traces - 1) * stderr
    return (max(low, value - reach), min(high, value + reach)), None


def _f1(jaccard: float) -> float:
    return 2 * jaccard / (1 + jaccard)
