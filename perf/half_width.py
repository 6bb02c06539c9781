"""Whether the half-width that `annotate prepare` promises comes out, and what its rule of four traces does.

python -m perf.half_width --runs 300 --output_path perf/results/half_width.md

Runs have the real trace sizes; the share of offers differs from trace to trace (Beta). People accept by a share of each
trace's own (Beta with the stated correlation within a trace), a judge errs at a fixed rate both ways, and so many
answers of each stratum are drawn and labelled. What comes out is the interval of the prediction-powered F1.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from perf.simulation import Floats, number, sizes, write_table
from proactivebench.annotation.precision import Expected, agreement, half_width
from proactivebench.annotation.sampling import Sample
from proactivebench.scoring.prediction_powered import Stratum, estimate
from proactivebench.scoring.registry import metric_for

LABELS = (30, 60, 120)


@dataclass(frozen=True, slots=True)
class World:
    """A run of so many traces that offers at a share of its moments; people accept a share of its offers, and of its
    silences, that correlates within a trace by `icc`; the judge agrees with them at a share of the answers."""

    name: str
    traces: int = 12
    offers: float = 0.6
    accepted: tuple[float, float] = (0.4, 0.67)
    icc: tuple[float, float] = (0.05, 0.08)
    judge: float = 0.66


WORLDS = (
    World("as on the release"),
    World("no judge", judge=0.5),
    World("a good judge", judge=0.9, accepted=(0.5, 0.8)),
    World("no correlation within traces", icc=(0.0, 0.0)),
    World("much correlation within traces", icc=(0.2, 0.2)),
    World("offers nearly everywhere", offers=0.9, accepted=(0.6, 0.67)),
    World("offers seldom", offers=0.25, accepted=(0.6, 0.67)),
    World("6 traces", traces=6),
    World("40 traces", traces=40),
)
SKEWED = {"9, 2, 1, 1, 1": 6, "40, 3, 3, 3, 3": 8, "100, 5, 5, 5": 30, "20 twelve times": 30}


def report(runs: int, seed: int) -> Iterator[str]:
    """Both tables, row by row."""
    yield "# What labels buy\n"
    yield "Half of the 95 % interval of F1, promised / as it came out (means), by labels in each stratum.\n"
    yield f"| world | {' | '.join(f'{n} labels' for n in LABELS)} | promised ÷ came out |"
    yield f"|---|{'---:|' * (len(LABELS) + 1)}"
    for world in WORLDS:
        cells = [_widths(world, labels, runs, seed) for labels in LABELS]
        ratios = [said / found for said, found in cells]
        shown = " | ".join(f"{said:.3f} / {found:.3f}" for said, found in cells)
        yield f"| {world.name} | {shown} | {min(ratios):.2f}–{max(ratios):.2f} |"
    yield "\n## The rule of four traces\n"
    yield (
        "Answers by trace, and how likely one of the first and one of the last trace is drawn: n/N, as counted\n"
        "exactly, and as it came out; then the share of answers that are of the first trace, as samples tell it:\n"
        "means of what is weighed by n/N, of what by the exact probability, and the truth.\n"
    )
    yield "| answers | drawn | n/N | first: exact / drawn | last: exact / drawn | by n/N | exact | truth |"
    yield "|---|---:|---:|---:|---:|---:|---:|---:|"
    for name, wanted in SKEWED.items():
        yield _skewed(name, wanted, runs * 40, seed)


def _widths(world: World, labels: int, runs: int, seed: int) -> tuple[float, float]:
    rng = np.random.default_rng(seed)
    said, found = [], []
    for _ in range(runs):
        moments = np.array(sizes(world.traces))
        offers = rng.binomial(moments, rng.beta(world.offers * 8, (1 - world.offers) * 8, world.traces))
        strata = [
            Expected(counts.tolist(), share, agreement(world.judge, world.judge, share), icc)
            for counts, share, icc in zip((offers, moments - offers), world.accepted, world.icc, strict=True)
        ]
        interval = estimate(metric_for("f1"), *(labelled(rng, one, world.judge, labels) for one in strata)).interval
        if interval is not None:
            found.append((interval[1] - interval[0]) / 2)
            said.append(half_width(strata[0], strata[1], labels))
    return float(np.mean(said)), float(np.mean(found))


def labelled(rng: np.random.Generator, expected: Expected, judge: float, labels: int) -> Stratum:
    """A stratum of people whose shares differ between traces and a judge who errs, with so many labels drawn."""
    trace = np.repeat(np.arange(len(expected.sizes)), expected.sizes)
    shares: Floats = np.full(len(expected.sizes), expected.accepted)
    if expected.icc:
        size = 1 / expected.icc - 1
        shares = rng.beta(expected.accepted * size, (1 - expected.accepted) * size, len(shares))
    people = (rng.random(len(trace)) < shares[trace]).astype(float)
    verdict = np.where(rng.random(len(trace)) < judge, people, 1 - people)
    known = np.full(len(trace), np.nan)
    drawn = rng.choice(len(trace), min(labels, len(trace)), replace=False)
    known[drawn] = people[drawn]
    return Stratum(trace, verdict, known)


def _skewed(name: str, wanted: int, runs: int, seed: int) -> str:
    counts = [20] * 12 if "twelve" in name else [int(count) for count in name.split(", ")]
    traces = [f"t{place}" for place, count in enumerate(counts) for _ in range(count)]
    rng, last = random.Random(seed), f"t{len(counts) - 1}"
    first_drawn = last_drawn = 0
    plain, weighed = [], []
    for _ in range(runs):
        sample = Sample(traces, wanted, rng)
        drawn = [traces[place] for place in sample.places]
        first_drawn, last_drawn = first_drawn + drawn.count("t0"), last_drawn + drawn.count(last)
        weights = [1 / (1 - sample.missed(trace)) for trace in drawn]
        inside = sum(weight for trace, weight in zip(drawn, weights, strict=True) if trace == "t0")
        plain.append(drawn.count("t0") / len(drawn))
        weighed.append(inside / sum(weights))
    first = f"{1 - sample.missed('t0'):.3f} / {first_drawn / runs / counts[0]:.3f}"
    rare = f"{1 - sample.missed(last):.3f} / {last_drawn / runs / counts[-1]:.3f}"
    means = " | ".join(map(number, (float(np.mean(plain)), float(np.mean(weighed)), counts[0] / len(traces))))
    return f"| {name} | {wanted} | {sample.probability:.3f} | {first} | {rare} | {means} |"


if __name__ == "__main__":
    write_table("half_width", __doc__, 300, "runs a cell", report)
