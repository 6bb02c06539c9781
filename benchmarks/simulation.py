"""Runs with a known truth: Dirichlet-multinomial outcomes on the real trace sizes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from proactivebench.scoring.measures import Column, Counts
from proactivebench.scoring.registry import METRICS

# Moments per trace of the 227 published ones, coding first.
SIZES = (15, 17, 17, 20, 19, 19, 20, 19, 20, 20, 21, 20)
CELLS = (Column.TP, Column.FP, Column.TN, Column.FN)

Floats = NDArray[np.float64]


def sizes(traces: int) -> tuple[int, ...]:
    """Moments of `traces` traces: the real ones, over and over."""
    return tuple(SIZES[place % len(SIZES)] for place in range(traces))


@dataclass(frozen=True, slots=True)
class Truth:
    """Probabilities of the four judged outcomes, from a table of counts."""

    cells: tuple[float, float, float, float]

    @property
    def shares(self) -> Floats:
        """Probability of TP, FP, TN, FN."""
        return np.array(self.cells) / sum(self.cells)

    def value(self, metric: str) -> float:
        """The metric a run would have with no end of traces."""
        measure = METRICS[metric].measure
        assert measure is not None
        return float(measure(widened(self.shares)))


def widened(tables: Floats) -> Counts:
    """Tables of the four outcomes as counts of all columns."""
    counts = np.zeros((*tables.shape[:-1], len(Column)))
    counts[..., list(CELLS)] = tables
    return counts


def draw_shares(random: np.random.Generator, truth: Truth, rho: float, runs: int, traces: int) -> Floats:
    """Outcome probabilities of each trace, (runs, traces, 4): Dirichlet with intra-trace correlation `rho`."""
    if rho == 0:
        return np.broadcast_to(truth.shares, (runs, traces, 4))
    return random.dirichlet(truth.shares * (1 - rho) / rho, (runs, traces))


def draw_tables(random: np.random.Generator, shares: Floats) -> Floats:
    """Outcome counts of each trace, (runs, traces, 4)."""
    moments = np.broadcast_to(np.array(sizes(shares.shape[1])), shares.shape[:2])
    return random.multinomial(moments, shares).astype(np.float64)
