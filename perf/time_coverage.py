"""How often the 95 % intervals of help in time hold the truth: episodes of need, boundaries of activity.

Need comes and goes in episodes of the release's mean length, by one rule or the other. Each trace has its own share of
need, of boundaries, of offers at need and elsewhere and of accepted offers: Beta with intra-trace correlation ρ.

python -m perf.time_coverage --runs 2000 --output_path perf/results/time_coverage.md
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from perf.simulation import Floats, number, sizes, write_table
from proactivebench.scoring.counting import Counts, zeros
from proactivebench.scoring.episodes import Episodes, Help
from proactivebench.scoring.intervals import Resampled, spread
from proactivebench.scoring.metric import Interval, MetricTable
from proactivebench.scoring.offers import Column
from proactivebench.scoring.registry import METRICS, in_table

C = Column
KEYS = tuple(metric.key for metric in in_table(MetricTable.TIME) if metric.interval is not Interval.NONE)
SETTINGS = ((12, 0.0), (12, 0.05), (12, 0.1), (12, 0.2), (6, 0.05), (4, 0.05))
TRACES_OF_TRUTH = 60_000
_BOUNDARIES = 112 / 233  # of the moments of the release


@dataclass(frozen=True, slots=True)
class World:
    """A rule of need and an agent: the share of moments of need and the mean length of their episodes, how often it
    offers at need and elsewhere, and how often its offers are accepted at boundaries and in mid-task."""

    name: str
    need: float
    length: float
    at_need: float
    elsewhere: float
    accepted: tuple[float, float] = (0.6, 0.45)


WORLDS = (
    World("eager, unanimous", need=78 / 233, length=78 / 45, at_need=0.9, elsewhere=0.55),
    World("eager, majority", need=164 / 233, length=164 / 46, at_need=0.75, elsewhere=0.5),
    World("even, unanimous", need=78 / 233, length=78 / 45, at_need=0.5, elsewhere=0.5),
    World("even, majority", need=164 / 233, length=164 / 46, at_need=0.5, elsewhere=0.5),
    World("shy, unanimous", need=78 / 233, length=78 / 45, at_need=0.35, elsewhere=0.15),
    World("shy, majority", need=164 / 233, length=164 / 46, at_need=0.3, elsewhere=0.2),
)


def draw_counts(random: np.random.Generator, world: World, rho: float, runs: int, traces: int) -> Counts:
    """Counts of simulated runs, (runs, traces, columns): those of episodes and boundaries."""
    lengths = np.tile(sizes(traces), runs)
    starts = np.concatenate([[0], np.cumsum(lengths)])
    trace = np.repeat(np.arange(len(lengths)), lengths)

    def happens(mean: float) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        found: np.ndarray[tuple[int], np.dtype[np.bool_]] = (
            random.random(len(trace)) < _shares(random, mean, rho, len(lengths))[trace]
        )
        return found

    need = _in_episodes(random, world, rho, lengths)
    offered = np.where(need, happens(world.at_need), happens(world.elsewhere))
    boundary = happens(_BOUNDARIES)
    accepted = np.where(boundary, happens(world.accepted[0]), happens(world.accepted[1]))
    served = Help.of(Episodes.of(need.astype(np.int8), starts), offered[:, None], np.ones((len(trace), 1), dtype=bool))
    counts = zeros(len(lengths))
    for column, values in (
        (C.EPISODES, served.episodes[:, 0]),
        (C.EPISODES_HELPED, served.helped[:, 0]),
        (C.HELP_DELAY, served.delay[:, 0]),
        (C.EPISODE_OFFERS, served.offers[:, 0]),
        (C.EPISODES_PRECEDED, served.preceded[:, 0]),
        (C.EPISODES_EARLY, served.early[:, 0]),
        (C.OFFERS, offered),
        (C.BOUNDARY_OFFERS, offered & boundary),
        (C.TP, offered & accepted),
        (C.FP, offered & ~accepted),
        (C.BOUNDARY_TP, offered & accepted & boundary),
        (C.BOUNDARY_FP, offered & ~accepted & boundary),
        (C.FREE_OFFERS, offered & ~need),
        (C.FREE_SILENCES, ~offered & ~need),
        (C.BOUNDARY_FREE_OFFERS, offered & ~need & boundary),
        (C.BOUNDARY_FREE_SILENCES, ~offered & ~need & boundary),
    ):
        counts[:, column] = np.add.reduceat(values.astype(float), starts[:-1])
    return counts.reshape(runs, traces, -1)


def _shares(random: np.random.Generator, mean: float, rho: float, size: int) -> Floats:
    if rho == 0:
        return np.full(size, mean)
    return random.beta(mean * (1 - rho) / rho, (1 - mean) * (1 - rho) / rho, size)


def _in_episodes(
    random: np.random.Generator, world: World, rho: float, lengths: np.ndarray[tuple[int], np.dtype[np.int64]]
) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Need at each moment, a Markov chain a trace: it goes on with the chance that gives the mean length, and begins as
    often as the trace's share of need asks for."""
    share = np.clip(_shares(random, world.need, rho, len(lengths)), 0.01, 0.95)
    goes_on = np.maximum(1 - 1 / world.length, 1 - (1 - share) / share)
    begins = share * (1 - goes_on) / (1 - share)
    now = random.random(len(lengths)) < share
    found = np.zeros((len(lengths), int(lengths.max())), dtype=bool)
    for turn in range(found.shape[1]):
        found[:, turn] = now
        now = random.random(len(lengths)) < np.where(now, goes_on, begins)
    return found[np.arange(found.shape[1]) < lengths[:, None]]


@dataclass(frozen=True, slots=True)
class Coverage:
    """The true value of a metric; the share of simulated runs whose interval holds it, of those that give one; the
    share that gives one; the mean half-width."""

    truth: float
    held: float
    given: float
    half_width: float


def coverage(
    world: World,
    traces: int,
    rho: float,
    runs: int,
    seed: int,
    keys: tuple[str, ...] = KEYS,
    of_truth: int = TRACES_OF_TRUTH,
) -> dict[str, Coverage]:
    """Simulate `runs` runs and count, for each metric; the truth is that of `of_truth` traces."""
    random = np.random.default_rng(seed)
    whole = draw_counts(random, world, rho, 1, of_truth)[0].sum(axis=0)
    stacks = [Resampled(run) for run in draw_counts(random, world, rho, runs, traces)]
    found = {}
    for key in keys:
        metric = METRICS[key]
        assert metric.measure is not None
        truth = float(metric.measure(whole))
        ends = np.array([end for stack in stacks if (end := spread(metric, stack).interval) is not None]).reshape(-1, 2)
        found[key] = Coverage(
            truth=truth,
            held=float(((ends[:, 0] <= truth) & (truth <= ends[:, 1])).mean())
            if len(ends) >= runs / 10
            else float("nan"),
            given=len(ends) / runs,
            half_width=float((ends[:, 1] - ends[:, 0]).mean() / 2) if len(ends) else float("nan"),
        )
    return found


def report(runs: int, seed: int) -> Iterator[str]:
    """The table, line by line, as Markdown."""
    yield "| metric | agent and rule | traces | ρ | truth | coverage | given | half-width |"
    yield "|---|---|---|---|---|---|---|---|"
    lines: dict[str, list[str]] = {key: [] for key in KEYS}
    for row, world in enumerate(WORLDS):
        for place, (traces, rho) in enumerate(SETTINGS):
            for key, found in coverage(world, traces, rho, runs, seed + 100 * row + place).items():
                lines[key].append(
                    f"| {key} | {world.name} | {traces} | {rho:g} | {found.truth:.3f} | **{number(found.held)}** "
                    f"| {found.given:.3f} | {number(found.half_width)} |"
                )
    for key in KEYS:
        yield from lines[key]


if __name__ == "__main__":
    write_table("time_coverage", __doc__, 2000, "runs a cell", report)
