"""What agents stated of their offers, and what came of these: risk against coverage, resampled by trace.

A measure here is a function of counts like any other, but its columns are not the registry's: one per value that
anybody stated, the highest first, of accepted offers, then the same of rejected ones. What is summed over traces, left
out or compared between runs is the same call on other rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from proactivebench.scoring.counting import Count, Counts
from proactivebench.scoring.measures import divide
from proactivebench.scoring.offers import Column

FEWEST_OFFERS = 10
NOT_STATED = "no stated confidence"
SOME_NOT_STATED = "an offer without a stated confidence"
TOO_FEW = f"fewer than {FEWEST_OFFERS} scored offers"
_DUST = 1e-9

StatedOffers = Mapping[str, Sequence[tuple[float, float, float]]]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class RiskCoverage:
    """The area under risk against coverage, from counts of accepted and rejected offers by what was stated of them.

    Offers are taken in the order of what was stated, ties together: after each group, coverage is the share of offers
    taken so far and risk the share of these that was rejected; at coverage 0 it is the first group's. The area is that
    of the trapezoids between. NaN without offers. Source: METRICS.md section 2, after El-Yaniv and Wiener 2010.
    """

    cells: tuple[Count, ...] = ()

    def __call__(self, counts: Counts) -> Counts:
        """The area for each count vector: `[..., 2·values]` to `[...]`."""
        offers, risk = _risks(counts)
        before = np.concatenate([risk[..., :1], risk[..., :-1]], axis=-1)
        before = np.where(np.isnan(before), risk, before)
        areas = np.where(offers > 0, offers * (before + risk) / 2, 0.0).sum(axis=-1)
        return divide(areas, offers.sum(axis=-1))


def curve(counts: Counts) -> tuple[Floats, Floats]:
    """Coverage and risk after each group of ties, the highest stated first, at coverage 0 the first group's risk; both
    empty without offers. `counts` are those of `tabulate_stated`, summed over traces: (2·values,)."""
    offers, risk = _risks(counts)
    there = offers > 0
    if not there.any():
        return np.empty(0), np.empty(0)
    coverage = np.cumsum(offers[there]) / offers.sum()
    return np.concatenate([[0.0], coverage]), np.concatenate([risk[there][:1], risk[there]])


def rejected(counts: Counts) -> Counts:
    """How many offers were rejected: `[..., 2·values]` to `[...]`."""
    found: Counts = np.split(counts, 2, axis=-1)[1].sum(axis=-1)
    return found


def _risks(counts: Counts) -> tuple[Floats, Floats]:
    """Offers by stated value, and the share of rejected ones so far."""
    accepted, turned_down = np.split(counts, 2, axis=-1)
    offers = accepted + turned_down
    return offers, divide(np.cumsum(turned_down, axis=-1), np.cumsum(offers, axis=-1))


def tabulate_stated(runs: Sequence[StatedOffers], traces: Sequence[str]) -> Counts:
    """Counts for `RiskCoverage` over the values that any of the runs stated: (runs, traces, 2·values)."""
    values = np.unique([row[0] for run in runs for name in traces for row in run.get(name, ())])[::-1]
    place = {value: index for index, value in enumerate(values.tolist())}
    counts: Counts = np.zeros((len(runs), len(traces), 2, max(1, len(values))))
    for run, stated in zip(counts, runs, strict=True):
        for trace, name in zip(run, traces, strict=True):
            for value, accepted, rejected in stated.get(name, ()):
                trace[:, place[value]] += accepted, rejected
    return counts.reshape(len(runs), len(traces), -1)


def lacks_confidence(counts: Counts) -> str | None:
    """Why nothing can be said of risk against coverage, on total counts; None where something can."""
    scored, stated = counts[Column.TP] + counts[Column.FP], counts[Column.STATED]
    if not stated > 0:
        return NOT_STATED
    if stated < scored - _DUST:
        return SOME_NOT_STATED
    return TOO_FEW if scored < FEWEST_OFFERS - _DUST else None
