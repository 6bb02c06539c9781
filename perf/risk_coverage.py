"""How often 95 % intervals of stated confidence hold the truth: the area under risk against coverage, Brier's score.

Offers are accepted with a chance that varies around their trace's own (Beta with intra-trace correlation ρ). What an
agent states of them follows that chance (calibrated, in steps of .05 or to the full digit), is high whatever it is
(overconfident), or has nothing to do with it (at random). `given`: the share of runs that have an interval; of the area
it is withheld below 20 rejected offers, where `without that rule` says what it would cover.

python -m perf.risk_coverage --runs 2000 --output_path perf/results/risk_coverage.md
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from perf.simulation import Floats, number, sizes, write_table
from proactivebench.scoring.counting import Counts, zeros
from proactivebench.scoring.intervals import Resampled, Spread, spread
from proactivebench.scoring.metric import Metric
from proactivebench.scoring.offers import Column
from proactivebench.scoring.registry import METRICS
from proactivebench.scoring.stated import tabulate_stated

AREA, BRIER = METRICS["risk_coverage_area"], METRICS["confidence_brier"]
SETTINGS = ((12, 0.0), (12, 0.05), (12, 0.1), (12, 0.2), (6, 0.05), (4, 0.05))
TRACES_OF_TRUTH = 20_000
_SPREAD = 2.0  # of the chance of acceptance within a trace: a + b of its Beta


@dataclass(frozen=True, slots=True)
class World:
    """An agent: the share of moments with an offer, the mean chance that one is accepted, and what it states of an
    offer whose chance is known (the generator, the chances)."""

    name: str
    offers: float
    accepted: float
    states: Callable[[np.random.Generator, Floats], Floats]


def _steps(_: np.random.Generator, chance: Floats) -> Floats:
    return (20 * chance).round() / 20


def _full(_: np.random.Generator, chance: Floats) -> Floats:
    return chance


def _overconfident(random: np.random.Generator, chance: Floats) -> Floats:
    return np.clip(0.85 + 0.1 * chance + random.normal(0, 0.05, chance.shape), 0, 1).round(2)


def _at_random(random: np.random.Generator, chance: Floats) -> Floats:
    return random.random(chance.shape).round(1)


WORLDS = (
    World("calibrated, steps of .05", 0.7, 0.55, _steps),
    World("calibrated, full digits", 0.7, 0.55, _full),
    World("calibrated, few offers", 0.25, 0.7, _steps),
    World("overconfident", 0.7, 0.55, _overconfident),
    World("at random", 0.7, 0.55, _at_random),
)


@dataclass(frozen=True, slots=True)
class Drawn:
    """One simulated run: per trace what was stated of its offers, and 1 where they were accepted."""

    stated: list[Floats]
    accepted: list[Floats]

    def areas(self) -> Counts:
        """Counts for the area, (traces, columns)."""
        names = [str(trace) for trace in range(len(self.stated))]
        rows = {
            name: [(float(c), float(a), 1.0 - float(a)) for c, a in zip(*pair, strict=True)]
            for name, *pair in zip(names, self.stated, self.accepted, strict=True)
        }
        counts: Counts = tabulate_stated([rows], names)[0]
        return counts

    def scores(self) -> Counts:
        """Counts for Brier's score, (traces, columns)."""
        counts = zeros(len(self.stated))
        counts[:, Column.STATED] = [len(one) for one in self.stated]
        counts[:, Column.BRIER] = [((c - a) ** 2).sum() for c, a in zip(self.stated, self.accepted, strict=True)]
        return counts


def draw(random: np.random.Generator, world: World, rho: float, traces: int) -> Drawn:
    """A run over `traces` traces of the release's sizes."""
    moments = np.array(sizes(traces))
    own = np.full(traces, world.accepted)
    if rho:
        own = random.beta(world.accepted * (1 - rho) / rho, (1 - world.accepted) * (1 - rho) / rho, traces)
    own = np.clip(own, 0.01, 0.99)
    trace = np.repeat(np.arange(traces), random.binomial(moments, world.offers))
    chance = random.beta(_SPREAD * own[trace], _SPREAD * (1 - own[trace]))
    accepted = (random.random(len(trace)) < chance).astype(np.float64)
    ends = np.searchsorted(trace, np.arange(1, traces))
    return Drawn(np.split(world.states(random, chance), ends), np.split(accepted, ends))


def truth(world: World, rho: float, seed: int) -> tuple[float, float]:
    """The area and Brier's score over very many traces."""
    drawn = draw(np.random.default_rng(seed), world, rho, TRACES_OF_TRUTH)
    said, accepted = np.concatenate(drawn.stated), np.concatenate(drawn.accepted)
    _, where = np.unique(said, return_inverse=True)
    taken, won = np.bincount(where), np.bincount(where, accepted)
    counts = np.concatenate([won[::-1], (taken - won)[::-1]])
    assert AREA.of_stated is not None
    return float(AREA.of_stated(counts)), float(((said - accepted) ** 2).mean())


def report(runs: int, seed: int) -> Iterator[str]:
    """The table, line by line, as Markdown."""
    yield "| agent | metric | truth | traces | ρ | coverage | given | without that rule | bias | half-width |"
    yield "|---|---|---|---|---|---|---|---|---|---|"
    area = replace(AREA, measure=AREA.of_stated)
    for place, world in enumerate(WORLDS):
        for setting, (traces, rho) in enumerate(SETTINGS):
            true = truth(world, rho, seed + 7)
            random = np.random.default_rng(seed + 100 * place + setting)
            drawn = [draw(random, world, rho, traces) for _ in range(runs)]
            for metric, value, counts in (
                (area, true[0], [run.areas() for run in drawn]),
                (BRIER, true[1], [run.scores() for run in drawn]),
            ):
                yield f"| {world.name} | {_line(metric, value, counts, traces, rho)} |"


def _line(metric: Metric, value: float, counts: list[Counts], traces: int, rho: float) -> str:
    found = [spread(metric, Resampled(run)) for run in counts]
    ends, held = _held(found, value)
    always = _held([spread(replace(metric, enough=None), Resampled(run)) for run in counts], value)[1]
    half = float((ends[:, 1] - ends[:, 0]).mean() / 2) if len(ends) else float("nan")
    bias = float(np.nanmean([one.value for one in found]) - value)
    given = len(ends) / len(found)
    return (
        f"`{metric.key}` | {value:.3f} | {traces} | {rho:g} | **{number(held)}** | {given:.3f} | {number(always)} "
        f"| {bias:+.3f} | {number(half)}"
    )


def _held(found: list[Spread], value: float) -> tuple[Floats, float]:
    """The intervals that are given, and the share of them that holds the truth."""
    ends = np.array([one.interval for one in found if one.interval is not None]).reshape(-1, 2)
    return ends, float(((ends[:, 0] <= value) & (value <= ends[:, 1])).mean()) if len(ends) else float("nan")


if __name__ == "__main__":
    write_table("risk_coverage", __doc__, 2000, "runs a cell", report)
