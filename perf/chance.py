"""How often the chance test finds skill where there is none, and where there is: worlds that are not the test's own.

python -m perf.chance --runs 2000 --output_path perf/results/chance.md

The test places offers at random within traces. The worlds here do not: need and offers have random rates in each
trace, traces have unequal lengths, one trace may be an outlier, both may come in streaks, or rise as a trace goes on.
In none but the last three rows does an agent know anything of need beyond the trace it is in. The interval of
need-detection balanced accuracy is simulated beside it, against the truth of the world it was drawn from.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from perf.simulation import SIZES, Floats, number, write_table
from proactivebench.scoring.chance import beats_chance
from proactivebench.scoring.counting import zeros
from proactivebench.scoring.intervals import Resampled, spread
from proactivebench.scoring.offers import Column
from proactivebench.scoring.registry import METRICS

LEVEL = 0.05
DRAWS = 999
Flags = NDArray[np.bool_]
METRIC = "need_detection_balanced_accuracy"
_measure = METRICS[METRIC].measure or (lambda counts: counts[..., 0] * np.nan)


@dataclass(frozen=True, slots=True)
class World:
    """Where needs and offers come from. Rates are beta-distributed over traces (`spread_` is the standard deviation of
    the logit, normal); `streaks` are the chances that a moment does as the one before; `skill` is added to the logit of
    an offer at need; `drift` raises both logits from the first moment to the last; `skips` keeps silent first."""

    name: str
    need: float = 0.335
    offer: float = 0.6
    need_spread: float = 0.6
    offer_spread: float = 0.6
    need_streak: float = 0.0
    offer_streak: float = 0.0
    skill: float = 0.0
    drift: float = 0.0
    skips: bool = False
    unequal: bool = False
    outlier: bool = False


WORLDS = (
    World("rates differ between traces"),
    World("rates differ widely", need_spread=1.5, offer_spread=2.0),
    World("lengths from 4 to 60", unequal=True),
    World("one trace of 60 moments, nearly all offers and needs", outlier=True),
    World("needs in streaks as released", need_streak=0.1),
    World("offers in streaks", offer_streak=0.5),
    World("both in streaks", need_streak=0.1, offer_streak=0.5),
    World("both in long streaks", need_streak=0.5, offer_streak=0.7),
    World("hardly ever silent", offer=0.97),
    World("silent at first events only", skips=True, offer=1.0),
    World("knows only how far a trace has gone", drift=1.5),
    World("some skill", skill=1.0),
    World("much skill", skill=2.0),
)


def draw(world: World, traces: int, random: np.random.Generator) -> tuple[list[Flags], list[Flags]]:
    """Offers and needs of one run, per trace. Nobody needs help at the first event."""
    offers, needs = [], []
    for place in range(traces):
        length = int(random.integers(4, 61)) if world.unequal else SIZES[place % len(SIZES)]
        need_level, offer_level = _logit(world.need), _logit(world.offer)
        if world.outlier and place == 0:
            length, need_level, offer_level = 60, 2.5, 3.0
        need_level += random.normal(0, world.need_spread)
        offer_level += random.normal(0, world.offer_spread) if np.isfinite(offer_level) else 0.0
        time = np.linspace(-world.drift, world.drift, length)
        need = _sticky(_share(need_level + time), world.need_streak, random)
        need[0] = False
        offer = _sticky(_share(offer_level + time + world.skill * need), world.offer_streak, random)
        if world.skips:
            offer[0] = False
        offers.append(offer)
        needs.append(need)
    return offers, needs


def _sticky(shares: Floats, streak: float, random: np.random.Generator) -> Flags:
    drawn: Flags = random.random(len(shares)) < shares
    for place in np.flatnonzero(random.random(len(shares) - 1) < streak) + 1:
        drawn[place] = drawn[place - 1]
    return drawn


def _logit(share: float) -> float:
    return float(np.log(share) - np.log1p(-share)) if share < 1 else np.inf


def _share(logit: Floats) -> Floats:
    shares: Floats = 1 / (1 + np.exp(-logit))
    return shares


def report(runs: int, seed: int) -> Iterator[str]:
    """The table, row by row."""
    yield "# The chance test\n"
    yield (
        f"Share of runs with p ≤ {LEVEL} ({DRAWS} placements each), 12 and 6 traces; and how often the 95 % interval\n"
        "of need-detection balanced accuracy holds the world's own (that of very many traces), of runs that give one.\n"
    )
    yield "| world | found, 12 traces | found, 6 traces | coverage, 12 traces | coverage, 6 traces |"
    yield "|---|---:|---:|---:|---:|"
    for world in WORLDS:
        truth = _counts(*draw(world, 20_000, np.random.default_rng(seed + 1))).sum(axis=0)
        value = float(_measure(truth))
        cells = [_measured(world, traces, runs, seed, value) for traces in (12, 6)]
        found, held = zip(*cells, strict=True)
        yield f"| {world.name} | {' | '.join(map(number, found))} | {' | '.join(map(number, held))} |"


def _measured(world: World, traces: int, runs: int, seed: int, truth: float) -> tuple[float, float]:
    random = np.random.default_rng(seed)
    found, held, given = 0, 0, 0
    for _ in range(runs):
        offers, needs = draw(world, traces, random)
        found += beats_chance(offers, needs, draws=DRAWS).p <= LEVEL
        interval = spread(METRICS[METRIC], Resampled(_counts(offers, needs))).interval
        if interval is not None:
            given += 1
            held += interval[0] <= truth <= interval[1]
    return found / runs, held / given if given else np.nan


def _counts(offers: list[Flags], needs: list[Flags]) -> Floats:
    counts = zeros(len(offers))
    for row, offer, need in zip(counts, offers, needs, strict=True):
        row[[Column.NEED_OFFERS, Column.FREE_OFFERS]] = (offer & need).sum(), (offer & ~need).sum()
        row[[Column.NEED_SILENCES, Column.FREE_SILENCES]] = (~offer & need).sum(), (~offer & ~need).sum()
        row[Column.MOMENTS], row[Column.OFFERS] = len(offer), offer.sum()
    return counts


if __name__ == "__main__":
    write_table("chance", __doc__, 2000, "runs a cell", report)
