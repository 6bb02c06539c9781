"""How often intervals of agreement hold what is true, by a bootstrap over traces as it is, and as it is widened here.

python -m perf.agreement --runs 1000 --output_path perf/results/agreement.md

People vote on questions by a threshold of their own in each trace, the question's own pull, the trace's, and chance
(logistic). What is true is the figure of 4,000 such traces.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from perf.simulation import Floats, write_table
from proactivebench.validation.agreement import Estimate, against_others, alpha_over_traces, widening


@dataclass(frozen=True, slots=True)
class World:
    """So many traces of `questions` each, votes of `people`; spreads of people's thresholds, of questions, of traces;
    `missing` is the share of votes that are not there."""

    name: str
    traces: int = 12
    questions: int = 20
    people: int = 3
    thresholds: float = 1.2
    pulls: float = 1.0
    shared: float = 0.5
    missing: float = 0.0


WORLDS = (
    World("people unlike, as on the release"),
    World("people alike", thresholds=0.5, pulls=1.5),
    World("people more unlike than questions", people=4, pulls=0.5, shared=0.3),
    World("a quarter of the votes missing", people=4, missing=0.25),
    World("6 traces", traces=6),
    World("24 traces of 10", traces=24, questions=10),
)
_TRUTH = 4_000


def report(runs: int, seed: int) -> Iterator[str]:
    """The table, row by row."""
    yield "# How often intervals of agreement hold what is true\n"
    yield "95 % intervals; plain percentiles → widened as in `bootstrapped`, with the mean width of the latter.\n"
    yield "| world | α | its interval holds it | one against the others | its interval holds it |"
    yield "|---|---:|---:|---:|---:|"
    for world in WORLDS:
        rng = np.random.default_rng(seed)
        whole, traces = _votes(rng, world, _TRUTH)
        cells = []
        for figure in (alpha_over_traces, against_others):
            true = figure(whole, traces).value
            assert true is not None
            found = [figure(*_votes(rng, world, world.traces), seed=n) for n in range(runs)]
            cells += [f"{true:.3f}", _coverage(found, true, world.traces)]
        yield f"| {world.name} | {' | '.join(cells)} |"


def _votes(rng: np.random.Generator, world: World, traces: int) -> tuple[Floats, list[int]]:
    trace = np.repeat(np.arange(traces), world.questions)
    pull = (
        -0.3
        + rng.normal(0, world.thresholds, (traces, world.people))[trace]
        + rng.normal(0, world.pulls, (len(trace), 1))
        + rng.normal(0, world.shared, (traces, 1))[trace]
    )
    votes = (pull + rng.logistic(0, 1, pull.shape) > 0).astype(float)
    votes[rng.random(votes.shape) < world.missing] = np.nan
    return votes, trace.tolist()


def _coverage(found: list[Estimate], true: float, traces: int) -> str:
    """Coverage of plain percentiles, got back from the widened ends, and of the widened ones."""
    wider = widening(traces)
    plain, widened, width = [], [], []
    for one in found:
        if one.interval is not None and one.value is not None:
            low, high = one.interval
            widened.append(low <= true <= high)
            plain.append(one.value - (one.value - low) / wider <= true <= one.value + (high - one.value) / wider)
            width.append(high - low)
    return f"{np.mean(plain):.3f} → {np.mean(widened):.3f} ({np.mean(width):.2f})"


if __name__ == "__main__":
    write_table("agreement", __doc__, 1_000, "jobs a world", report)
