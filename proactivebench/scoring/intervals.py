"""95 % intervals from leave-one-trace-out values: the trace is the unit of uncertainty."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from proactivebench.scoring.measures import F1, Balanced, Counts, Matthews, Measure, Ratio
from proactivebench.scoring.registry import Interval, Metric

FEWEST_TRACES = 4
SMALLEST_DENOMINATOR = 10
SMALLEST_MARGIN = 20
ASSUMED_ICC = 0.05  # where the traces themselves show no variation
_ZERO = 1e-12


@dataclass(frozen=True, slots=True)
class Spread:
    """A value with its jackknife standard error and interval; `reason` says why there is none."""

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


def jackknife_variance(values: NDArray[np.float64]) -> float:
    """(G−1)/G · Σ (θ₍g₎ − θ̄)²."""
    size = len(values)
    return float((size - 1) / size * ((values - values.mean()) ** 2).sum())


def spread(metric: Metric, counts: Counts) -> Spread:
    """Value, standard error and interval of `metric` over the traces of `counts`: (traces, columns)."""
    if metric.measure is None:
        raise ValueError(f"{metric.key} is not a function of counts")
    value = float(metric.measure(counts.sum(axis=0)))
    if np.isnan(value):
        return Spread(value, reason="undefined")
    if len(counts) < FEWEST_TRACES:
        return Spread(value, reason=f"fewer than {FEWEST_TRACES} traces")
    left_out = metric.measure(leave_one_out(counts))
    if np.isnan(left_out).any():
        return Spread(value, reason="rests on one trace")
    stderr = float(np.sqrt(jackknife_variance(left_out)))
    ends, reason = _interval(metric, metric.measure, counts, value, stderr)
    return Spread(value, stderr, ends, reason)


Ends = tuple[tuple[float, float] | None, str | None]


def _interval(metric: Metric, measure: Measure, counts: Counts, value: float, stderr: float) -> Ends:
    match metric.interval, measure:
        case Interval.PROPORTION, Ratio():
            return proportion(measure, counts, metric.scarce)
        case Interval.JACCARD, F1():
            ends, reason = proportion(measure.jaccard, counts, metric.scarce)
            return (None if ends is None else (_f1(ends[0]), _f1(ends[1]))), reason
        case Interval.BALANCED, Balanced():
            return balanced(measure, counts)
        case Interval.FISHER_Z, Matthews():
            return fisher(measure, counts, value, stderr)
        case Interval.RATE, _:
            return rate(value, stderr, len(counts))
        case Interval.STUDENT_T, _:
            return student(value, stderr, len(counts), metric.low, metric.high)
    return None, "no interval is known for it"


def proportion(ratio: Ratio, counts: Counts, scarce: str) -> Ends:
    """Interval P of A/B: logit with the jackknife error, or Wilson at the effective size where that error is 0."""
    numerators, denominators = ratio.parts(counts)
    size = float(denominators.sum())
    clusters = int((denominators > 0).sum())
    if size < SMALLEST_DENOMINATOR or clusters < FEWEST_TRACES:
        return None, f"too few {scarce}"
    left_out = ratio(leave_one_out(counts))
    if np.isnan(left_out).any():
        return None, "rests on one trace"
    share = float(numerators.sum()) / size
    stderr = float(np.sqrt(jackknife_variance(left_out)))
    quantile = t_quantile(0.975, len(counts) - 1)
    if stderr <= _ZERO or not 0 < share < 1:
        return wilson(share, effective_size(size, clusters), quantile), None
    logit = np.log(share / (1 - share))
    reach = quantile * stderr / (share * (1 - share))
    with np.errstate(over="ignore"):
        return (float(1 / (1 + np.exp(reach - logit))), float(1 / (1 + np.exp(-reach - logit)))), None


def effective_size(size: float, clusters: int) -> float:
    """`size` items in `clusters` traces, as so many independent ones under the assumed intra-cluster correlation."""
    return size / (1 + (size / clusters - 1) * ASSUMED_ICC)


def wilson(share: float, size: float, quantile: float) -> tuple[float, float]:
    """Wilson's score interval for `share` of `size`, with `quantile` for z."""
    square = quantile**2
    middle = share + square / (2 * size)
    reach = quantile * np.sqrt(share * (1 - share) / size + square / (4 * size**2))
    scale = 1 + square / size
    return max(0.0, float((middle - reach) / scale)), min(1.0, float((middle + reach) / scale))


def balanced(measure: Balanced, counts: Counts) -> Ends:
    """Interval B: recall's and specificity's intervals joined by MOVER, with the correlation of their jackknife."""
    first, reason = proportion(measure.recall, counts, "needs")
    if first is None:
        return None, reason
    second, reason = proportion(measure.specificity, counts, "silences")
    if second is None:
        return None, reason
    whole, left_out = counts.sum(axis=0), leave_one_out(counts)
    r, s = float(measure.recall(whole)), float(measure.specificity(whole))
    together = correlation(measure.recall(left_out), measure.specificity(left_out))

    def reach(a: float, b: float) -> float:
        return 0.5 * float(np.sqrt(max(0.0, a * a + b * b + 2 * together * a * b)))

    middle = (r + s) / 2
    return (middle - reach(r - first[0], s - second[0]), middle + reach(first[1] - r, second[1] - s)), None


def correlation(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    """Pearson's correlation, 0 where one is constant."""
    a, b = first - first.mean(), second - second.mean()
    scale = float(np.sqrt((a @ a) * (b @ b)))
    return 0.0 if scale <= _ZERO**2 or min(a @ a, b @ b) <= _ZERO**2 else float(np.clip((a @ b) / scale, -1, 1))


def fisher(measure: Matthews, counts: Counts, value: float, stderr: float) -> Ends:
    """Interval Z, given only where every margin is large enough."""
    margins = {name: float(margin) for name, margin in measure.margins(counts.sum(axis=0)).items()}
    smallest = min(margins, key=lambda name: margins[name])
    if margins[smallest] < SMALLEST_MARGIN:
        return None, f"too few {smallest}"
    if stderr <= _ZERO or abs(value) >= 1:
        return None, "identical in every trace"
    reach = t_quantile(0.975, len(counts) - 1) * stderr / (1 - value**2)
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
