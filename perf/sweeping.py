"""How often the intervals of `proactivebench sweep` hold the truth, and how often its tests err, on simulated agents.

python -m perf.sweeping --runs 2000 --output_path perf/results/sweeping.md

A run has traces of the real sizes. Whether help is needed, and whether an offer is accepted, depends on the trace (a
shift of the logit, so that a trace holds about .05 of the variance together). An agent offers at some moments, more at
need, and states how sure it is: a calibrated one its chance of acceptance to the nearest tenth, an overconfident one
.8 to 1 whatever that chance, an uninformed one any number. Two truths are held against each interval: what the
procedure costs on average over runs like this (a threshold chosen on all traces but one), and what the very threshold
chosen on all traces of this run costs on no end of new traces.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from perf.simulation import Floats, number, sizes, write_table
from proactivebench.records import MetricValue
from proactivebench.scoring.intervals import Resampled
from proactivebench.scoring.thresholds import Costs, Items, cost_metric, grid_p_values, metric_value, paired

AGENTS = ("calibrated", "overconfident", "uninformed")
LAMBDAS = (0.5, 1.0, 2.0)
MISS, LEVEL = 0.5, 0.05
_NEED, _SHIFT, _OFFERED = -0.6, 0.5, (0.35, 0.75)
_LONG = 3000  # traces of a run that stands for no end of them


def world(random: np.random.Generator, traces: int) -> tuple[NDArray[np.int64], Floats, NDArray[np.bool_]]:
    """Moments: the trace of each, the shift of its logit of acceptance, and whether help is needed."""
    trace = np.repeat(np.arange(traces), sizes(traces))
    shift = random.normal(0, _SHIFT, (2, traces))[:, trace]
    return trace, shift[1], random.random(len(trace)) < _expit(_NEED + shift[0])


def draw(
    random: np.random.Generator, agent: str, moments: tuple[NDArray[np.int64], Floats, NDArray[np.bool_]]
) -> Items:
    """A run of an agent on these moments."""
    trace, shift, need = moments
    traces = int(trace[-1]) + 1
    offered = random.random(len(trace)) < np.where(need, _OFFERED[1], _OFFERED[0])
    chance = _expit(random.normal(np.where(need, 0.3, -1.2), 1.2) + shift)
    stated = {
        "calibrated": np.round(chance, 1),
        "overconfident": np.round(random.uniform(0.8, 1, len(trace)), 1),
        "uninformed": np.round(random.random(len(trace)), 1),
    }[agent]
    return Items(
        traces=tuple(map(str, range(traces))),
        trace=trace,
        weight=np.ones(len(trace)),
        need=need,
        offered=offered,
        accepted=offered & (random.random(len(trace)) < chance),
        p_accept=np.where(offered, stated, np.nan),
        p_need=np.full(len(trace), np.nan),
    )


def report(runs: int, seed: int) -> Iterator[str]:
    """The tables, as Markdown."""
    random = np.random.default_rng(seed)
    yield "# Silence by threshold\n"
    yield "Coverage of the 95 % intervals of the cost of a moment, a miss at 0.5. `chosen`: each trace scored with the"
    yield "threshold that is cheapest on the others, against what that procedure costs on average, and (in brackets)"
    yield "against the cost of this run's own threshold on new traces. `fixed`: offers from .5 on, chosen beforehand.\n"
    yield "| agent | traces | λ | chosen | fixed | mean width of `chosen` | runs with an interval |"
    yield "|---|---:|---:|---:|---:|---:|---:|"
    for agent in AGENTS:
        endless = draw(random, agent, world(random, _LONG))
        for traces in (6, 12, 48):
            drawn = [draw(random, agent, world(random, traces)) for _ in range(runs if traces <= 12 else runs // 4)]
            for false_alarm in LAMBDAS:
                yield _row(agent, traces, Costs(false_alarm, MISS), drawn, endless)
    yield from _sizes(random, runs)


def _row(agent: str, traces: int, costs: Costs, drawn: list[Items], endless: Items) -> str:
    chosen, fixed, later = [], [], []
    metric = cost_metric(costs.false_alarm, costs.miss)
    half = float(metric.measure(endless.counts(endless.kept(np.array([0.5]))).sum(axis=1))[0]) if metric.measure else 0
    grid = np.append(np.arange(0, 11) / 10, 2.0)
    far = endless.counts(endless.kept(grid))
    ahead = costs.sums(far).sum(axis=1) / len(endless.trace)
    for items in drawn:
        counts = items.counts(items.kept(grid))
        chosen.append(costs.chosen(counts).told)
        fixed.append(metric_value(metric, Resampled(counts[5])))
        later.append(float(ahead[costs.best(counts)]))
    truth = float(np.mean([found.value for found in chosen]))
    widths = [found.interval[1] - found.interval[0] for found in chosen if found.interval]
    held = f"{number(_share(chosen, [truth] * len(chosen)))} ({number(_share(chosen, later))})"
    return (
        f"| {agent} | {traces} | {costs.false_alarm:g} | {held} | {number(_share(fixed, [half] * len(fixed)))} "
        f"| {np.mean(widths):.3f} | {len(widths)} of {len(drawn)} |"
    )


def _share(found: list[MetricValue], truths: list[float]) -> float:
    inside = [
        one.interval[0] <= truth <= one.interval[1] for one, truth in zip(found, truths, strict=True) if one.interval
    ]
    return float(np.mean(inside)) if inside else float("nan")


def _sizes(random: np.random.Generator, runs: int) -> Iterator[str]:
    yield "\n## Tests between runs\n"
    yield "How often two agents of the same law on the same traces are told apart at .05 (λ from .5 to 4): at λ = 1"
    yield "alone, and anywhere on the grid by max-T; last, how often a calibrated and an overconfident one are.\n"
    yield "| pair | traces | λ = 1 | max-T |"
    yield "|---|---:|---:|---:|"
    pairs = [*((agent, agent) for agent in AGENTS), ("calibrated", "overconfident")]
    for first, second in pairs:
        for traces in (8, 12):
            hits = np.mean([_told_apart(random, first, second, traces) for _ in range(runs // 2)], axis=0)
            yield f"| {first}, {second} | {traces} | {number(hits[0])} | {number(hits[1])} |"


def _told_apart(random: np.random.Generator, first: str, second: str, traces: int) -> NDArray[np.bool_]:
    moments = world(random, traces)
    one, other = draw(random, first, moments), draw(random, second, moments)
    grid = np.append(np.arange(0, 11) / 10, 2.0)
    counts = [items.counts(items.kept(grid)) for items in (one, other)]
    every = [[Costs(false_alarm, MISS).chosen(found) for false_alarm in (0.5, 1, 2, 4)] for found in counts]
    p, joint = grid_p_values(paired(every[0], every[1]))
    return np.array([p[1] <= LEVEL, joint.min() <= LEVEL])


def _expit(logit: Floats) -> Floats:
    return 1 / (1 + np.exp(-logit))


if __name__ == "__main__":
    write_table("sweeping", __doc__, 2000, "runs", report)
