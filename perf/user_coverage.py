"""How often the 95 % interval of `user_balanced_accuracy` holds the truth, of users within a trace and across traces.

Moments, users and traces have a logistic threshold each: user u wants help at a moment where its call, the trace's own
level and u's (standard deviation 1.2, as fitted to the release) outweigh chance; the agent sees the call, its own
level in the trace, and as much of its users as it adapts to them. Three of the users vote on each trace. Users within a
trace are new in every trace (the release); named users are the same ones in all traces, and the truth is theirs.

python -m perf.user_coverage --runs 1000 --output_path perf/results/user_coverage.md
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from perf.simulation import Floats, number, sizes, write_table
from proactivebench.scoring.counting import Counts, zeros
from proactivebench.scoring.intervals import Resampled, spread
from proactivebench.scoring.metric import MetricTable
from proactivebench.scoring.offers import Column
from proactivebench.scoring.registry import in_table
from proactivebench.scoring.users import Users

METRIC = in_table(MetricTable.USERS)[0]
SPREAD, VOTERS, CALL = 1.2, 3, 1.5
_TRACES_OF_TRUTH = 12_000


@dataclass(frozen=True, slots=True)
class Agent:
    """How eager an agent is, and how far it adapts to its users (0: not at all, 1: it knows them)."""

    name: str
    level: float
    adapts: float = 0.0


AGENTS = (Agent("even", 0.0), Agent("eager", 1.5), Agent("shy", -1.5), Agent("adapting", 0.0, adapts=1.0))
# Traces, how many named users there are (0: each trace has its own), and how far traces differ.
SETTINGS = (
    (12, 0, 0.0), (12, 0, 0.5), (12, 0, 1.0), (6, 0, 0.5), (4, 0, 0.5), (30, 0, 0.5),
    (12, 12, 0.5), (12, 24, 0.5), (6, 12, 0.5), (30, 30, 0.5),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Coverage:
    """The truth; the share of simulated runs whose interval holds it, of those that give one; the share that gives one;
    its mean half-width; and the mean value itself."""

    truth: float
    held: float
    given: float
    half_width: float
    mean: float


def draw_counts(random: np.random.Generator, agent: Agent, traces: int, named: int, apart: float) -> Counts:
    """Counts of one simulated run, (traces, columns): those that the metric is made of."""
    lengths = sizes(traces)
    trace = np.repeat(np.arange(traces), lengths)
    who, levels = _users(random, traces, named)
    call = random.normal(0, CALL, len(trace))
    wanting = call[:, None] + random.normal(0, apart, traces)[trace][:, None] + levels[who][trace]
    need = _happens(random, wanting)
    known = agent.adapts * levels[who].mean(axis=1)
    offered = _happens(random, call + agent.level + (random.normal(0, apart, traces) + known)[trace])
    nothing = np.zeros(len(levels), dtype=np.int64)
    users = Users(
        tuple(map(str, range(len(levels)))), who[trace].reshape(-1), np.repeat(np.arange(len(trace)), VOTERS),
        need.reshape(-1), nothing, nothing, len(trace),
    )  # fmt: skip
    needed, free = users.weights(np.ones(len(trace)))
    starts = np.concatenate([[0], np.cumsum(lengths)[:-1]])
    counts = zeros(traces)
    for column, values in (
        (Column.USERS_MET, offered * needed),
        (Column.USERS_NEEDING, needed),
        (Column.USERS_SPARED, ~offered * free),
        (Column.USERS_FREE, free),
    ):
        counts[:, column] = np.add.reduceat(values, starts)
    return counts


def _users(
    random: np.random.Generator, traces: int, named: int
) -> tuple[np.ndarray[tuple[int, int], np.dtype[np.int64]], Floats]:
    """Who votes on each trace, (traces, voters), and each user's level: of named users so that they are the same in
    every run."""
    if not named:
        return np.arange(traces * VOTERS).reshape(traces, VOTERS), random.normal(0, SPREAD, traces * VOTERS)
    from scipy.special import ndtri

    levels = SPREAD * ndtri((np.arange(named) + 0.5) / named)
    rounds = -(-traces * VOTERS // named)
    turns = np.concatenate([random.permutation(named) for _ in range(rounds)])[: traces * VOTERS]
    return turns.reshape(traces, VOTERS), levels


def _happens(random: np.random.Generator, logits: Floats) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    found: np.ndarray[tuple[int, ...], np.dtype[np.bool_]] = random.random(logits.shape) < 1 / (1 + np.exp(-logits))
    return found


def coverage(agent: Agent, traces: int, named: int, apart: float, runs: int, seed: int) -> Coverage:
    """Simulate `runs` runs and count. The truth of users within a trace is that of as many moments a user as here: over
    how few a balanced accuracy is taken is part of what is asked."""
    random = np.random.default_rng(seed)
    assert METRIC.measure is not None
    truth = float(METRIC.measure(draw_counts(random, agent, _TRACES_OF_TRUTH, named, apart).sum(axis=0)))
    found = [spread(METRIC, Resampled(draw_counts(random, agent, traces, named, apart))) for _ in range(runs)]
    ends = np.array([each.interval for each in found if each.interval is not None]).reshape(-1, 2)
    return Coverage(
        truth=truth,
        held=float(((ends[:, 0] <= truth) & (truth <= ends[:, 1])).mean()) if len(ends) >= runs / 10 else float("nan"),
        given=len(ends) / runs,
        half_width=float((ends[:, 1] - ends[:, 0]).mean() / 2) if len(ends) else float("nan"),
        mean=float(np.mean([each.value for each in found])),
    )


def report(runs: int, seed: int) -> Iterator[str]:
    """The table, line by line, as Markdown."""
    yield "| agent | traces | users | trace level ± | truth | mean value | coverage | given | half-width |"
    yield "|---|---|---|---|---|---|---|---|---|"
    for row, agent in enumerate(AGENTS):
        for place, (traces, named, apart) in enumerate(SETTINGS):
            found = coverage(agent, traces, named, apart, runs, seed + 100 * row + place)
            users = f"{named} named" if named else f"{VOTERS} a trace"
            yield (
                f"| {agent.name} | {traces} | {users} | {apart:g} | {found.truth:.3f} | {found.mean:.3f} "
                f"| **{number(found.held)}** | {found.given:.3f} | {number(found.half_width)} |"
            )


if __name__ == "__main__":
    write_table("user_coverage", __doc__, 1000, "runs a cell", report)
