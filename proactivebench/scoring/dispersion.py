"""How traces differ: design effect, intra-cluster correlation, and the parts of a metric's variance."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from proactivebench.scoring.counting import Count, Counts
from proactivebench.scoring.intervals import Resampled, jackknife_variance, leave_one_out
from proactivebench.scoring.measures import Measure
from proactivebench.scoring.offers import JUDGED_CELLS, NEED_CELLS

CLASSES = {cell: place for place, cell in enumerate((*JUDGED_CELLS, *NEED_CELLS))}  # every class of moments, by row


REMOVED = "removed"


def one_fewer(counts: Counts) -> Counts:
    """The total of `counts`, (traces, columns), without one moment of each class in turn, as far as it has any:
    (classes, columns)."""
    classes, whole = list(CLASSES), counts.sum(axis=0)
    fewer = np.repeat(whole[None], len(classes), axis=0)
    fewer[np.arange(len(classes)), classes] -= whole[classes] > 0
    return fewer


class Classes:
    """One sample's moments by class, for `design_effect`: which classes are not empty, and how many are in each."""

    def __init__(self, traces: Resampled, cells: tuple[Count, ...]) -> None:
        weights = traces.whole[list(cells)]
        held = weights > 0
        self.rows = np.array([CLASSES[cell] for cell in cells], dtype=np.int64)[held]
        self.weights = weights[held]
        self.number = float(self.weights.sum())


def design_effect(classes: Classes, removed: Counts, variance: float) -> float | None:
    """Jackknife `variance` over traces divided by that over single moments; `removed` are the metric's values on
    `one_fewer`. None where it has no classes of moments, or the removal of one moment leaves it undefined."""
    number, weights = classes.number, classes.weights
    if number < 2 or math.isnan(variance):
        return None
    without = removed[classes.rows]
    apart = without - float(weights @ without) / number
    simple = (number - 1) / number * float(weights @ (apart * apart))
    return None if math.isnan(simple) or simple <= 1e-24 else variance / simple


def intraclass_correlation(hits: NDArray[np.float64], items: NDArray[np.float64]) -> float | None:
    """One-way ANOVA estimate from `hits` of `items` in each trace; may be negative. None where it is undefined."""
    hits, items = hits[items > 0], items[items > 0]
    traces, size = len(items), float(items.sum())
    if traces < 2 or size <= traces:
        return None
    means, mean = hits / items, float(hits.sum()) / size
    n0 = (size - float((items**2).sum()) / size) / (traces - 1)
    between = float((items * (means - mean) ** 2).sum()) / (traces - 1)
    within = float((items * means * (1 - means)).sum()) / (size - traces)
    scale = between + (n0 - 1) * within
    return None if scale == 0 else (between - within) / scale


def components(measure: Measure, counts: Counts) -> dict[str, float] | None:
    """Variance components of a metric for planning: `trace`, `sampling` and `judge`, from counts shaped
    (traces, repeats, judge repeats, columns). None with one sample and one judge repeat: nothing can be told apart.
    """
    traces, samples, repeats, _ = counts.shape
    if samples * repeats == 1 or traces < 2:
        return None
    whole = counts.mean(axis=(1, 2))
    left_out = measure(leave_one_out(whole))
    by_sample = measure(counts.mean(axis=2).sum(axis=0))
    by_repeat = measure(counts.mean(axis=1).sum(axis=0))
    if np.isnan(left_out).any() or np.isnan(by_sample).any() or np.isnan(by_repeat).any():
        return None
    judge = float(by_repeat.var(ddof=1)) / repeats if repeats > 1 else 0.0
    between_samples = float(by_sample.var(ddof=1)) / samples if samples > 1 else 0.0
    # With one sample the judge's noise is not in `between_samples`, but it is in the jackknife variance all the same.
    parts = {"trace": max(0.0, jackknife_variance(left_out) - (between_samples if samples > 1 else judge))}
    if samples > 1:
        parts["sampling"] = max(0.0, between_samples - judge)
    if repeats > 1:
        parts["judge"] = judge
    return parts


def planned_variance(parts: dict[str, float], now: tuple[int, int, int], then: tuple[int, int, int]) -> float:
    """Variance with `then` = (traces, repeats, judge repeats) in place of `now`, from variance `parts`."""
    (traces, samples, repeats), (more_traces, more_samples, more_repeats) = now, then
    return (traces / more_traces) * (
        parts.get("trace", 0.0)
        + parts.get("sampling", 0.0) * samples / more_samples
        + parts.get("judge", 0.0) * samples * repeats / (more_samples * more_repeats)
    )
