"""How often 95 % intervals hold the truth: as specified, beside plain jackknife-t, naive and percentile bootstrap.

python -m perf.coverage --runs 4000 --output_path perf/results/coverage.md
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from perf.simulation import Floats, Truth, draw_shares, draw_tables, widened, write_table
from proactivebench.scoring.counting import COUNTS
from proactivebench.scoring.intervals import Resampled, spread, t_quantile
from proactivebench.scoring.measures import Ratio
from proactivebench.scoring.offers import Column
from proactivebench.scoring.registry import METRICS

ROWS = (
    ("f1", (95, 67, 50, 15)),
    ("precision", (95, 67, 50, 15)),
    ("recall", (95, 67, 50, 15)),
    ("recall", (86, 119, 19, 3)),
    ("recall", (111, 112, 4, 0.5)),
    ("false_alarm_rate", (95, 67, 50, 15)),
    ("false_alarm_rate", (99, 121, 5, 2)),
    ("balanced_accuracy", (99, 121, 5, 2)),
    ("mcc", (95, 67, 50, 15)),
    ("mcc", (86, 119, 19, 3)),
)
SETTINGS = ((12, 0.0), (12, 0.05), (12, 0.1), (12, 0.2), (6, 0.05), (4, 0.05))
RESAMPLES = 1000


@dataclass(frozen=True, slots=True)
class Coverage:
    """Shares of simulated runs whose interval holds the truth (of those that give one), the share that gives one, and
    the mean half-width of the specified interval."""

    specified: float
    jackknife: float
    naive: float
    bootstrap: float
    given: float
    half_width: float


def coverage(metric: str, truth: Truth, rho: float, traces: int, runs: int, seed: int) -> Coverage:
    """Simulate `runs` runs and count."""
    random = np.random.default_rng(seed)
    counts = widened(draw_tables(random, draw_shares(random, truth, rho, runs, traces)))
    value, known = truth.value(metric), METRICS[metric]
    ends = [found.interval for found in (spread(known, Resampled(run)) for run in counts)]
    given = np.array([end for end in ends if end is not None]).reshape(-1, 2)
    return Coverage(
        specified=_holds(given, value),
        jackknife=_holds(_jackknife_t(metric, counts), value),
        naive=_holds(_naive(metric, counts), value),
        bootstrap=_holds(_bootstrap(metric, counts, random), value),
        given=len(given) / runs,
        half_width=float((given[:, 1] - given[:, 0]).mean() / 2) if len(given) else float("nan"),
    )


def _holds(ends: Floats, value: float) -> float:
    ends = ends[np.isfinite(ends).all(axis=1)]
    slack = 1e-9
    return float(((ends[:, 0] <= value + slack) & (value <= ends[:, 1] + slack)).mean()) if len(ends) else float("nan")


def _jackknife_t(metric: str, counts: Floats) -> Floats:
    measure, traces = METRICS[metric].measure, counts.shape[1]
    assert measure is not None
    whole = counts.sum(axis=1)
    left_out = measure(whole[:, None] - counts)
    variance = (traces - 1) / traces * ((left_out - left_out.mean(axis=1, keepdims=True)) ** 2).sum(axis=1)
    return _around(measure(whole), t_quantile(0.975, traces - 1) * np.sqrt(variance))


def _naive(metric: str, counts: Floats) -> Floats:
    """As if moments were independent: Wald for proportions, the infinitesimal jackknife for the rest."""
    measure = METRICS[metric].measure
    assert measure is not None
    whole = counts.sum(axis=1)
    value = measure(whole)
    if isinstance(measure, Ratio):
        return _around(value, 1.96 * np.sqrt(value * (1 - value) / measure.parts(whole)[1]))
    cells = [Column.TP, Column.FP, Column.TN, Column.FN]
    number = whole[:, cells].sum(axis=1)
    removed = np.stack([measure(np.maximum(whole - np.eye(len(COUNTS))[cell], 0)) for cell in cells], axis=1)
    removed = np.where(whole[:, cells] > 0, removed, value[:, None])
    mean = (whole[:, cells] * removed).sum(axis=1) / number
    variance = (number - 1) / number * (whole[:, cells] * (removed - mean[:, None]) ** 2).sum(axis=1)
    return _around(value, 1.96 * np.sqrt(variance))


def _bootstrap(metric: str, counts: Floats, random: np.random.Generator) -> Floats:
    """Percentile bootstrap over traces."""
    measure, traces = METRICS[metric].measure, counts.shape[1]
    assert measure is not None
    weights = random.multinomial(traces, np.full(traces, 1 / traces), RESAMPLES).astype(np.float64)
    ends = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a run whose every resample is undefined has no ends
        for block in np.array_split(counts, max(1, len(counts) // 100)):
            values = measure(np.einsum("bg,rgc->rbc", weights, block))
            ends.append(np.nanquantile(values, (0.025, 0.975), axis=1).T)
    return np.concatenate(ends)


def _around(value: Floats, reach: Floats) -> Floats:
    return np.stack([value - reach, value + reach], axis=1)


def report(runs: int, seed: int) -> Iterator[str]:
    """The table, line by line, as Markdown."""
    yield "| metric (TP/FP/TN/FN) | traces | ρ | specified | jackknife-t | bootstrap | naive | given | half-width |"
    yield "|---|---|---|---|---|---|---|---|---|"
    for row, (metric, cells) in enumerate(ROWS):
        truth = Truth(cells)
        for place, (traces, rho) in enumerate(SETTINGS):
            found = coverage(metric, truth, rho, traces, runs, seed + 100 * row + place)
            name = f"{metric} {truth.value(metric):.3f} ({'/'.join(f'{cell:g}' for cell in cells)})"
            yield (
                f"| {name} | {traces} | {rho:g} | **{found.specified:.3f}** | {found.jackknife:.3f} "
                f"| {found.bootstrap:.3f} | {found.naive:.3f} | {found.given:.3f} | {found.half_width:.3f} |"
            )


if __name__ == "__main__":
    write_table("coverage", __doc__, 4000, "runs a cell", report)
