"""A seeded, heavy-tailed latency for every turn of every trace: known before a run, so that its longest chain is."""

from __future__ import annotations

import math
import random

from proactivebench.records import Event, Task, Trace

MEAN_S = 1.2
_SIGMA = 1.0  # of the logarithm: one answer in a hundred takes ten times the median
_TURNS = (15, 25)


def latency_s(trace: int, turn: int, seed: int) -> float:
    """Seconds the server takes over this turn: lognormal with mean `MEAN_S`."""
    location = math.log(MEAN_S) - _SIGMA**2 / 2
    return random.Random(f"{seed}/{trace}/{turn}").lognormvariate(location, _SIGMA)


def chains(traces: int, seed: int) -> list[list[float]]:
    """The latencies of every turn of every trace; 15 to 25 turns a trace, about 20 on average."""
    turns = random.Random(f"turns/{seed}")
    return [[latency_s(trace, turn, seed) for turn in range(turns.randint(*_TURNS))] for trace in range(traces)]


def marker(trace: int, turn: int) -> str:
    """How an event says which turn it is, for the server to know how long to take."""
    return f"[trace {trace} turn {turn}]"


def synthetic_task(chains: list[list[float]], *, labelled: bool = False) -> Task:
    """A task with one trace per chain and one event per turn."""
    from proactivebench.records import MomentLabels

    traces = tuple(
        Trace(
            trace_id=f"bench_{number:05}",
            split=("coding", "writing")[number % 2],
            events=tuple(
                Event(
                    time=str(60 * turn), event=f"The user edits a paragraph and reads it again {marker(number, turn)}"
                )
                for turn in range(len(chain))
            ),
            labels=tuple(MomentLabels(need=(number + turn) % 3 == 0) for turn in range(len(chain)))
            if labelled
            else None,
        )
        for number, chain in enumerate(chains)
    )
    return Task(
        name="bench",
        version="1",
        revision="1",
        licence="Apache-2.0",
        date="2026-01-01",
        source="synthetic",
        traces=traces,
    )
