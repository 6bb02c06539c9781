"""How close a rollout comes to its critical path, the longest chain's own latencies, and what it costs the client."""

from __future__ import annotations

import asyncio
import tempfile
from dataclasses import dataclass
from time import perf_counter, process_time

from perf.latency import chains, synthetic_task
from perf.measure import Measure
from perf.server import slow_server
from proactivebench.agents.base import ModelAgent
from proactivebench.evaluation import Evaluation
from proactivebench.models.endpoint.model import EndpointModel
from proactivebench.protocols import load_protocol
from proactivebench.records import Decoding

_AT_MOST = 1.10


class InStep(ModelAgent):
    """The same endpoint, asked as an in-process engine is: one batch a turn over all traces; the slowest decides."""

    lockstep = True


@dataclass(frozen=True, slots=True)
class Timing:
    """One run: wall and client processor time in seconds, and how many turns it took."""

    wall_s: float
    cpu_s: float
    turns: int


def timed_run(table: list[list[float]], base_url: str, *, concurrency: int, lockstep: bool = False) -> Timing:
    """A whole run, manifest and reply log included, of one trace per chain against the server."""
    endpoint = EndpointModel("endpoint", {"base_url": base_url, "model": "bench"}, concurrency=concurrency)
    protocol = load_protocol("standard")
    evaluation = Evaluation(
        task=synthetic_task(table),
        agent=InStep(endpoint) if lockstep else ModelAgent(endpoint),
        protocol=protocol,
        decoding=Decoding(),
        concurrency=concurrency,
    )
    with tempfile.TemporaryDirectory() as folder:
        wall, cpu = perf_counter(), process_time()
        store = asyncio.run(evaluation.run(f"{folder}/run"))
        wall, cpu = perf_counter() - wall, process_time() - cpu
        replies = store.replies()
    turns = sum(map(len, table))
    assert len(replies) == turns, f"{turns} turns, {len(replies)} replies"
    assert all(reply.status.final for reply in replies.values())
    return Timing(wall, cpu, turns)


def over_critical_path(traces: int, seed: int = 0, scale: float = 1.0) -> list[Measure]:
    """Wall time of a free-running rollout over its critical path, at a concurrency of one slot per trace."""
    table = chains(traces, seed)
    critical = scale * max(map(sum, table))
    with slow_server(seed, scale) as url:
        timing = timed_run(table, url, concurrency=traces)
    return [
        Measure(f"{traces} traces: critical path", critical, "s"),
        Measure(f"{traces} traces: wall time", timing.wall_s, "s"),
        Measure(f"{traces} traces: wall time / critical path", timing.wall_s / critical, "", _AT_MOST),
        Measure(f"{traces} traces: client CPU a turn, start-up included", 1000 * timing.cpu_s / timing.turns, "ms"),
    ]


def schedules(traces: int = 12, seed: int = 0, scale: float = 0.2) -> list[Measure]:
    """The same traces and server under three schedules, latencies scaled so that the serial one ends."""
    table = chains(traces, seed)
    critical = scale * max(map(sum, table))
    with slow_server(seed, scale) as url:
        free = timed_run(table, url, concurrency=traces)
        lockstep = timed_run(table, url, concurrency=traces, lockstep=True)
        serial = timed_run(table, url, concurrency=1)
    return [
        Measure(f"{traces} traces, latencies x {scale:g}, {name}: wall time / critical path", timing.wall_s / critical)
        for name, timing in (("free-running", free), ("lockstep", lockstep), ("serial", serial))
    ]


def run() -> list[Measure]:
    """All of the above."""
    return [*over_critical_path(12), *over_critical_path(500), *schedules()]
