"""Counts and the functions of counts: what a metric is, apart from its name and its interval.

A count array has one entry a `Count` along its last axis; every measure maps `[..., counts]` to `[...]`, with NaN
where it is undefined. Leave-one-trace-out, bounds and many runs at once are then the same call on other arrays.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce
from types import MappingProxyType
from typing import Protocol

import numpy as np

from proactivebench.scoring.counting import Count, Counts

Weights = Mapping[Count, float]


def total(*columns: Count) -> Weights:
    """The sum of `columns`, as weights."""
    return MappingProxyType(dict.fromkeys(columns, 1.0))


def combine(counts: Counts, weights: Weights) -> Counts:
    """Σ weight · column over the last axis."""
    terms = [counts[..., column] if weight == 1 else weight * counts[..., column] for column, weight in weights.items()]
    result: Counts = reduce(np.add, terms) if len(terms) > 1 else terms[0].copy()
    return result


def divide(numerator: Counts, denominator: Counts) -> Counts:
    """Quotient; NaN where the denominator is 0."""
    quotient: Counts = np.full(np.shape(numerator), np.nan)
    return np.divide(numerator, denominator, out=quotient, where=denominator != 0)


class Measure(Protocol):
    """A function of counts. `cells` are the columns that partition the moments it looks at (or empty)."""

    @property
    def cells(self) -> tuple[Count, ...]:
        """The outcome classes of single moments."""

    def __call__(self, counts: Counts) -> Counts:
        """The metric of each count vector, NaN where undefined."""


@dataclass(frozen=True, slots=True)
class Ratio:
    """A/B of two sums of columns."""

    numerator: Weights
    denominator: Weights
    cells: tuple[Count, ...] = ()

    def parts(self, counts: Counts) -> tuple[Counts, Counts]:
        """A and B."""
        return combine(counts, self.numerator), combine(counts, self.denominator)

    def __call__(self, counts: Counts) -> Counts:
        """A/B, NaN where B = 0."""
        return divide(*self.parts(counts))


@dataclass(frozen=True, slots=True)
class F1:
    """F1 = 2J/(1+J) of the Jaccard index J = TP/(TP+FP+FN): 0 with no hit, undefined only where nothing was to hit."""

    tp: Count
    fp: Count
    fn: Count
    cells: tuple[Count, ...] = ()

    @property
    def jaccard(self) -> Ratio:
        """J, whose interval is F1's."""
        return Ratio(total(self.tp), total(self.tp, self.fp, self.fn), self.cells)

    def __call__(self, counts: Counts) -> Counts:
        """2TP/(2TP+FP+FN)."""
        tp = counts[..., self.tp]
        return divide(2 * tp, 2 * tp + counts[..., self.fp] + counts[..., self.fn])


@dataclass(frozen=True, slots=True)
class Balanced:
    """Mean of recall and specificity."""

    recall: Ratio
    specificity: Ratio

    @property
    def cells(self) -> tuple[Count, ...]:
        """As the two rates'."""
        return self.recall.cells

    def __call__(self, counts: Counts) -> Counts:
        """(recall + specificity)/2, NaN if either is."""
        return (self.recall(counts) + self.specificity(counts)) / 2


@dataclass(frozen=True, slots=True)
class Matthews:
    """Matthews correlation of a two-by-two table."""

    tp: Count
    fp: Count
    tn: Count
    fn: Count

    @property
    def cells(self) -> tuple[Count, ...]:
        """The table's four cells."""
        return (self.tp, self.fp, self.tn, self.fn)

    def margins(self, counts: Counts) -> dict[str, Counts]:
        """The four sums the correlation needs: offers, silences, and the two classes."""
        tp, fp, tn, fn = (counts[..., column] for column in self.cells)
        return {"offers": tp + fp, "silences": tn + fn, "needs": tp + fn, "needless moments": fp + tn}

    def __call__(self, counts: Counts) -> Counts:
        """(TP·TN − FP·FN)/√(product of the margins), NaN where one is 0."""
        tp, fp, tn, fn = (counts[..., column] for column in self.cells)
        scale = np.ones(tp.shape)
        for margin in self.margins(counts).values():
            scale = scale * np.sqrt(margin)
        return divide(tp * tn - fp * fn, scale)
