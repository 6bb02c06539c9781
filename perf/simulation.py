"""Runs with a known truth: Dirichlet-multinomial outcomes on the real trace sizes; and the tables made of them."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from proactivebench.scoring.counting import Counts, zeros
from proactivebench.scoring.offers import Column
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
    counts = zeros(*tables.shape[:-1])
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


def write_table(
    module: str, doc: str | None, runs: int, unit: str, report: Callable[[int, int], Iterator[str]]
) -> None:
    """The command line of a simulation: print what `report(runs, seed)` yields, how sure it is and how it was called,
    and write that to a file if asked. `runs` is the default, `unit` what so many stand for."""
    parser = argparse.ArgumentParser(prog=f"python -m perf.{module}", description=doc)
    parser.add_argument("--runs", type=int, default=runs, help=f"simulated {unit}")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output_path", type=Path, help="also write the tables here")
    options = parser.parse_args()
    begun, lines = time.perf_counter(), []
    for line in report(options.runs, options.seed):
        print(line, flush=True)
        lines.append(line)
    error = 1.96 * np.sqrt(0.95 * 0.05 / options.runs)
    lines.append(
        f"\n{options.runs} {unit}, ± {error:.3f} at .95 and .05; {time.perf_counter() - begun:.0f} s. "
        f"`python -m perf.{module} --runs {options.runs} --seed {options.seed}`\n"
    )
    print(lines[-1])
    if options.output_path:
        options.output_path.parent.mkdir(parents=True, exist_ok=True)
        options.output_path.write_text("\n".join(lines), encoding="utf-8")


def number(value: float) -> str:
    """A share as the tables show it; a dash for none."""
    return "–" if np.isnan(value) else f"{value:.3f}"
