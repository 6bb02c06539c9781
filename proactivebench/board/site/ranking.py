"""Rank ranges for a table of any length: which pairs of runs differ, all comparisons allowed for.

The test is that of `proactivebench compare`: step-down max-T over sign flips of traces. A board of a thousand runs has
half a million pairs, so only the decisions at one level are made here, in one pass, and no p-value is kept.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from proactivebench.records import Report
from proactivebench.scoring.alignment import align
from proactivebench.scoring.comparison import pair_up
from proactivebench.scoring.counting import Counts
from proactivebench.scoring.measures import Measure
from proactivebench.scoring.power import LEVEL

MOST_EXACT = 13  # traces up to which all sign vectors are used, as in `compare`
DRAWS = 9_999
_SLACK = 1e-5  # single precision
_CHUNK = 256  # its products stay in the cache

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]
Place = tuple[tuple[int, int] | None, bool]


def rank_ranges(reports: Sequence[Report], judge: str, key: str) -> list[Place]:
    """Per run its (first, last) possible rank by the metric `key`, and whether it is not significantly worse than the
    highest score. None where the metric is undefined. The runs must share data, protocol and judge."""
    if len(reports) < 2:
        values = [_value(report, judge, key) for report in reports]
        return [((1, 1) if value is not None else None, value is not None) for value in values]
    runs = align(reports, key, judge=judge)
    return places(runs.measure, runs.counts)


def places(measure: Measure, counts: Counts) -> list[Place]:
    """Per run its (first, last) possible rank by `measure`, from counts (runs, traces, columns), and whether it is not
    significantly worse than the highest score. None where the measure is undefined."""
    count = len(counts)
    if count == 1:
        known = not np.isnan(measure(counts.sum(axis=1))[0])
        return [((1, 1) if known else None, known)]
    paired = pair_up(measure, counts)
    tested = np.isfinite(paired.values).all(axis=1) & (paired.values.shape[1] > 1)
    differ = np.zeros(len(tested), dtype=bool)
    differ[tested] = significant(paired.values[tested])
    won = differ & (paired.difference > 0)
    lost = differ & (paired.difference < 0)
    better = np.bincount(paired.second[won], minlength=count) + np.bincount(paired.first[lost], minlength=count)
    worse = np.bincount(paired.first[won], minlength=count) + np.bincount(paired.second[lost], minlength=count)
    defined = np.isfinite(paired.theta)
    scored = int(defined.sum())
    best = int(np.nanargmax(paired.theta)) if scored else -1
    behind = set(paired.second[won & (paired.first == best)]) | set(paired.first[lost & (paired.second == best)])
    return [
        ((1 + int(better[run]), scored - int(worse[run])), run not in behind) if defined[run] else (None, False)
        for run in range(count)
    ]


def significant(differences: NDArray[np.float64], level: float = LEVEL) -> NDArray[np.bool_]:
    """Which pairs differ at `level` by step-down max-T, (pairs, traces) in, (pairs,) out.

    Pairs are taken in the order of their statistic T, smallest first, with the greatest statistic so far kept for
    every sign vector. Its upper quantile only grows along the way, so a whole chunk is decided by its two ends; single
    pairs are looked at only where the ends disagree. Source: Westfall and Young 1993, algorithm 2.8, at a fixed level.
    """
    order, still, chunks = smallest_first(differences)
    passed = np.zeros(len(order), dtype=bool)
    for chunk in chunks:
        if _share(chunk.after, chunk.thresholds[0]) <= level:
            passed[chunk.places] = True
        elif _share(chunk.before, chunk.thresholds[-1]) <= level:
            passed[chunk.places] = chunk.shares() <= level
    failed = np.flatnonzero(~passed | still[order])
    found = np.zeros(len(order), dtype=bool)
    found[order[failed[-1] + 1 if len(failed) else 0 :]] = True
    return found


class Chunk(NamedTuple):
    """Some pairs that follow each other in the order of their statistic, at `places` of it: their statistics under
    every sign vector, the observed ones (`thresholds`), and for every vector the greatest statistic of all pairs
    `before` them, and up to their last (`after`)."""

    places: slice
    statistics: Singles
    thresholds: Singles
    before: Singles
    after: Singles

    def shares(self) -> Floats:
        """For each pair, the share of sign vectors whose greatest statistic so far reaches its own."""
        so_far = np.maximum(np.maximum.accumulate(self.statistics, axis=0), self.before)
        shares: Floats = (so_far >= self.thresholds[:, None]).mean(axis=1)
        return shares


def smallest_first(differences: Floats) -> tuple[NDArray[np.intp], NDArray[np.bool_], Iterator[Chunk]]:
    """What step-down max-T goes through: the pairs' order by their statistic T, smallest first; which of them do not
    differ in any trace; and the chunks of that order, in single precision."""
    scale = np.sqrt((differences**2).sum(axis=1, keepdims=True))
    unit = np.divide(differences, scale, out=np.zeros_like(differences), where=scale > 0).astype(np.float32)
    observed = np.abs(unit.sum(axis=1))
    order = np.argsort(observed, kind="stable")

    def chunks() -> Iterator[Chunk]:
        turned = np.ascontiguousarray(sign_vectors(differences.shape[1]).T)
        before = np.zeros(turned.shape[1], dtype=np.float32)
        for start in range(0, len(order), _CHUNK):
            chosen = order[start : start + _CHUNK]
            statistics = unit[chosen] @ turned
            np.abs(statistics, out=statistics)
            after = np.maximum(before, statistics.max(axis=0))
            yield Chunk(slice(start, start + len(chosen)), statistics, observed[chosen] - _SLACK, before, after)
            before = after

    return order, scale[:, 0] == 0, chunks()


def _share(greatest: Singles, threshold: float) -> float:
    return float((greatest >= threshold).mean())


def sign_vectors(traces: int) -> Floats:
    """Sign vectors, one of each pair of opposites (they give the same statistic), or the identity and random ones."""
    if traces <= MOST_EXACT:
        codes = np.arange(2 ** max(traces - 1, 0))
        return (1 - 2 * ((codes[:, None] >> np.arange(traces)) & 1)).astype(np.float32)
    random = np.random.default_rng(0)
    drawn = random.choice((-1.0, 1.0), size=(DRAWS, traces))
    return np.concatenate([np.ones((1, traces)), drawn]).astype(np.float32)


def _value(report: Report, judge: str, key: str) -> float | None:
    found = next((judged for judged in report.judges if judged.judge.id == judge), None)
    metric = found.overall.metrics.get(key) if found else None
    return metric.value if metric else None
