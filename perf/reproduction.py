"""How often an entry is taken for its model's own: honest ones that are asked again, and forged ones.

python -m perf.reproduction --runs 4000 --output_path perf/results/reproduction.md

Twelve traces of the released lengths; a model with a random offer rate in each; people's needs. Asked again, an honest
model differs by noise that spreads: once an answer has come out otherwise the trace has another history, and later
answers differ more often, so that moments of a trace hang together in a way that no formula of the interval knows.
Traces differ in how stable they are. Forged entries follow people's labels, wholly or in part. The interval of the
agreement at the three traces drawn is held against the agreement at all twelve.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from perf.simulation import SIZES, write_table
from proactivebench.board.verify.reproducing import TRACES, Held

Flags = NDArray[np.bool_]
MORE = 6


@dataclass(frozen=True, slots=True)
class World:
    """Who answered an entry. `flips`: chance of another decision at a moment whose trace went alike so far; `spreads`:
    once it has not; `varies`: standard deviation of their logits between traces. `forged`: share of the traces whose
    entry follows the labels; `moved`: chance that an answer is moved to where the labels are. `offer`: the model's
    offer rate; `reworded`: share of the offers whose words are somebody else's; `alike`: share of like words where the
    model itself speaks again."""

    name: str
    greedy: bool = True
    flips: float = 0.0
    spreads: float = 0.0
    varies: float = 0.0
    forged: float = 0.0
    moved: float = 0.0
    offer: float = 0.5
    reworded: float = 0.0
    alike: float = 0.9


WORLDS = (
    World("its own model, to the letter"),
    World("its own model, 1 % of answers otherwise", flips=0.01, spreads=0.02),
    World("its own model, 2 %, and 5 % after the first", flips=0.02, spreads=0.05, varies=1.0),
    World("its own model, 4 %, and 10 % after the first", flips=0.04, spreads=0.1, varies=1.0),
    World("its own model, offers at 9 of 10 moments", flips=0.01, spreads=0.02, offer=0.9),
    World("its own model, sampled: 10 %, and 15 % after the first", greedy=False, flips=0.1, spreads=0.15, alike=0.4),
    World("offers where the labels say so", forged=1.0),
    World("half of the traces by the labels", forged=0.5),
    World("a sixth of the traces by the labels", forged=1 / 6),
    World("every tenth answer moved to the labels", moved=0.1),
    World("every fifth answer moved to the labels", moved=0.2),
    World("another model that offers as often", forged=0.0, flips=0.5, spreads=0.5),
    World("another that nearly always offers, as it does", offer=0.95, flips=0.05, spreads=0.05, reworded=1.0),
    World("the model's moments, somebody else's words", flips=0.01, spreads=0.02, reworded=1.0),
)


def report(runs: int, seed: int) -> Iterator[str]:
    """The table, row by row."""
    yield "# Asking an entry's model again\n"
    yield (
        f"Share of entries taken for their model's own, by {TRACES} and {MORE} traces drawn of twelve; and how often\n"
        "the 95 % interval of the agreement holds the agreement at all twelve.\n"
    )
    yield f"| who answered | agreement at all | reproduced, {TRACES} traces | {MORE} | coverage, {TRACES} | {MORE} |"
    yield "|---|---:|---:|---:|---:|---:|"
    for world in WORLDS:
        cells = [_measured(world, traces, runs, seed) for traces in (TRACES, MORE)]
        passed, held = ([f"{cell[place]:.3f}" for cell in cells] for place in (0, 1))
        yield f"| {world.name} | {cells[0][2]:.3f} | {' | '.join([*passed, *held])} |"


def _measured(world: World, traces: int, runs: int, seed: int) -> tuple[float, float, float]:
    """Share reproduced, coverage, and mean agreement at all traces."""
    random = np.random.default_rng(seed)
    passed = held = 0
    whole = 0.0
    for _ in range(runs):
        found, agreement = _asked(world, traces, random)
        passed += not found.failure(greedy=world.greedy)
        whole += agreement
        low, high = found.interval or (0.0, 1.0)
        held += low - 1e-9 <= agreement <= high + 1e-9
    return passed / runs, held / runs, whole / runs


def _asked(world: World, count: int, random: np.random.Generator) -> tuple[Held, float]:
    """What `count` traces show of an entry, and the agreement at all twelve."""
    by_labels = random.permutation(len(SIZES)) < round(world.forged * len(SIZES))
    traces = [_trace(world, size, bool(forged), random) for size, forged in zip(SIZES, by_labels, strict=True)]
    agreement = sum(int((entry == new).sum()) for entry, new, _ in traces) / sum(SIZES)
    drawn = [traces[place] for place in random.choice(len(SIZES), count, replace=False)]
    both = sum(int((entry & new).sum()) for entry, new, _ in drawn)
    own = random.binomial(both, 1 - world.reworded)
    alike = int(random.binomial(own, world.alike)) if world.flips or world.forged or world.moved else both
    chance = sum(
        len(need) * (entry.mean() * new.mean() + (1 - entry.mean()) * (1 - new.mean())) for entry, new, need in drawn
    )
    moments = sum(len(need) for *_, need in drawn)
    differing = sum(int((entry != new).sum()) for entry, new, _ in drawn)
    better = sum(int(((entry != new) & (entry == need)).sum()) for entry, new, need in drawn)
    found = Held(
        moments=moments,
        traces=count,
        agreed=moments - differing,
        chance=float(chance / moments),
        both=both,
        identical=alike,
        similar=alike,
        favoured=((better, differing),),
    )
    return found, agreement


def _trace(world: World, size: int, by_labels: bool, random: np.random.Generator) -> tuple[Flags, Flags, Flags]:
    """The entry's offers in one trace, the model's own when asked again, and people's needs."""
    need: Flags = random.random(size) < _shifted(0.335, 0.6, random)
    first: Flags = random.random(size) < _shifted(world.offer, 0.6, random)
    shift = float(random.normal(0, world.varies))
    again = first.copy()
    other = False
    for turn in range(size):
        rate = world.spreads if other else world.flips
        if rate and random.random() < 1 / (1 + (1 / rate - 1) * np.exp(-shift)):
            again[turn] = not first[turn]
            other = True
    entry = need.copy() if by_labels else np.where(random.random(size) < world.moved, need, first)
    return entry, again, need


def _shifted(share: float, deviation: float, random: np.random.Generator) -> float:
    logit = np.log(share / (1 - share)) + random.normal(0, deviation)
    return float(1 / (1 + np.exp(-logit)))


if __name__ == "__main__":
    write_table("reproduction", __doc__, 4000, "entries a row", report)
