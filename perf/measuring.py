"""How often `--measure_judge` calls a judge measured that has no skill, or some; and whether its interval holds.

python -m perf.measuring --runs 2000 --output_path perf/results/measuring.md

Sixty labelled items of each category, taken from traces in turn as the sample takes them. The worlds are not the
interval's own: a judge's leniency differs from trace to trace (normal on the logit scale), traces have unequal numbers
of items, one trace may be an outlier where the judge is always wrong. A judge counts as measured where the lower end of
the interval of its balanced accuracy on a stratum is above .5: how often a judge at .5 does is the size of that rule.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from perf.simulation import number, write_table
from proactivebench.validation.figures import Ratings, figures
from proactivebench.validation.items import Category
from proactivebench.validation.measuring import PER_CLASS

FIGURE = "balanced_accuracy_offers"
RIGHT, WRONG = Category.CORRECT_DETECTION, Category.FALSE_ALARM


@dataclass(frozen=True, slots=True)
class World:
    """A judge's share of accepted offers, of those people accept and of those they reject; `leniency` is the standard
    deviation, over traces, of what is added to the logit of both; `skill` of what is added to one and taken off the
    other; with `unequal` half of the traces have few items, and `outlier` is a trace where it is always wrong."""

    name: str
    accepts: float
    accepts_wrong: float
    leniency: float = 0.0
    skill: float = 0.0
    unequal: bool = False
    outlier: bool = False


WORLDS = (
    World("coin", 0.5, 0.5),
    World("coin, leniency differs between traces", 0.5, 0.5, leniency=1.0),
    World("coin, skill differs between traces", 0.5, 0.5, skill=0.5),
    World("coin, skill and leniency differ, unequal traces", 0.5, 0.5, leniency=1.0, skill=0.5, unequal=True),
    World("accepts nearly all", 0.97, 0.97),
    World("balanced accuracy .65", 0.7, 0.4),
    World("the same, leniency and skill differ", 0.7, 0.4, leniency=1.0, skill=0.5),
    World("balanced accuracy .80", 0.85, 0.25),
    World("the same, one trace where all is wrong", 0.85, 0.25, outlier=True),
    World("hardly ever wrong", 0.995, 0.005),
)


def report(runs: int, seed: int) -> Iterator[str]:
    """The table, row by row."""
    yield "# Measuring a judge\n"
    yield (
        f"Share of samples of {PER_CLASS} a class that call a judge measured on offers, and how often the 95 %\n"
        "interval of its balanced accuracy holds the world's own (that of very many traces), of those that have one.\n"
    )
    yield "| judge | measured, 12 traces | measured, 6 traces | coverage, 12 traces | coverage, 6 traces |"
    yield "|---|---:|---:|---:|---:|"
    for world in WORLDS:
        truth = _truth(world, seed)
        cells = [_measured(world, traces, runs, seed, truth) for traces in (12, 6)]
        found, held = zip(*cells, strict=True)
        yield f"| {world.name} | {' | '.join(map(number, found))} | {' | '.join(map(number, held))} |"


def _measured(world: World, traces: int, runs: int, seed: int, truth: float) -> tuple[float, float]:
    random = np.random.default_rng(seed)
    passed = held = given = 0
    for _ in range(runs):
        interval = figures(draw(world, traces, PER_CLASS, random), only={FIGURE})[FIGURE].interval
        if interval is not None:
            given += 1
            passed += interval[0] > 0.5
            held += interval[0] - 1e-9 <= truth <= interval[1] + 1e-9
    return passed / runs, held / given if given else np.nan


def draw(world: World, traces: int, per_class: int, random: np.random.Generator) -> Ratings:
    """The verdicts of one sample, from traces in turn."""
    room = np.full(traces, per_class)
    if world.unequal:
        room[: traces // 2] = random.integers(1, 4, traces // 2)
    leniency, skill = random.normal(0, world.leniency, traces), random.normal(0, world.skill, traces)
    categories, verdicts, names = [], [], []
    for category, share, sign in ((RIGHT, world.accepts, 1), (WRONG, world.accepts_wrong, -1)):
        logit = np.log(share / (1 - share)) + leniency + sign * skill
        chances = 1 / (1 + np.exp(-logit))
        if world.outlier:
            chances[0] = category is WRONG
        turns = [trace for turn in range(per_class) for trace in range(traces) if turn < room[trace]][:per_class]
        categories += [category] * len(turns)
        verdicts += list((random.random(len(turns)) < chances[turns]).astype(float))
        names += [f"trace {trace}" for trace in turns]
    return Ratings(categories, np.array(verdicts), np.full(len(names), np.nan), np.array(names))


def _truth(world: World, seed: int) -> float:
    """The balanced accuracy over very many traces; an outlier is one trace of them, and the truth without it."""
    random = np.random.default_rng(seed + 1)
    leniency, skill = random.normal(0, world.leniency, 400_000), random.normal(0, world.skill, 400_000)

    def mean(share: float, sign: int) -> float:
        return float((1 / (1 + np.exp(-(np.log(share / (1 - share)) + leniency + sign * skill)))).mean())

    return (mean(world.accepts, 1) + 1 - mean(world.accepts_wrong, -1)) / 2


if __name__ == "__main__":
    write_table("measuring", __doc__, 2000, "samples a cell", report)
