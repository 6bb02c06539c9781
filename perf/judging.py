"""How close judging comes to its ideal, requests x latency / concurrency, and how fast the lexical baseline is."""

from __future__ import annotations

import asyncio
import json
import tempfile
from math import ceil
from time import perf_counter, process_time

from perf.latency import chains, synthetic_task
from perf.measure import Measure
from perf.server import slow_server
from proactivebench.evaluation import judge_run, task_identity
from proactivebench.judging import create_judge
from proactivebench.judging.base import Judge
from proactivebench.models.endpoint.model import EndpointModel
from proactivebench.provenance import versions
from proactivebench.records import (
    AgentIdentity,
    Decoding,
    Manifest,
    ProtocolIdentity,
    Reply,
    ReplyStatus,
    Session,
    Task,
)
from proactivebench.store import RunStore

_TRACES = 60
_LATENCY_S = 1.0
_CONCURRENCY = 32
_VERDICT = json.dumps({"verdict": "accepted", "reason": "It fits what the user is doing."})


def _stored_run(folder: str, task: Task) -> RunStore:
    """A run whose every reply is an offer, none of them judged."""
    store = RunStore(f"{folder}/run")
    store.begin(
        Manifest(
            task=task_identity(task, "bench"),
            agent=AgentIdentity(model="endpoint", name="bench"),
            protocol=ProtocolIdentity(name="standard", version="1", hash="0" * 64, history="own"),
            decoding=Decoding(),
            seed=0,
            sessions=(Session(started="2026-01-01T00:00:00+00:00", versions=versions()),),
        )
    )
    with store.append_replies() as log:
        log.append(
            Reply(
                trace_id=trace.trace_id,
                turn=turn,
                status=ReplyStatus.PROPOSED,
                proposals=(f"Tidy up paragraph {turn}",),
            )
            for trace in task.traces
            for turn in range(len(trace.events))
        )
    return store


def _timed(task: Task, judge: Judge) -> tuple[float, float, int]:
    """Wall and processor seconds of judging a whole run, and the number of scored verdicts."""
    with tempfile.TemporaryDirectory() as folder:
        store = _stored_run(folder, task)
        wall, cpu = perf_counter(), process_time()
        asyncio.run(judge_run(store, task, judge))
        wall, cpu = perf_counter() - wall, process_time() - cpu
        verdicts = store.verdicts(judge.identity.id).values()
        assert len(verdicts) == task.moments
        return wall, cpu, sum(verdict.status != "unscored" for verdict in verdicts)


def run() -> list[Measure]:
    """The ratio to the ideal with an LLM judge behind a server of constant latency, and the lexical judge's speed."""
    task = synthetic_task(chains(_TRACES, 0))
    with slow_server(constant_s=_LATENCY_S, answer=_VERDICT) as url:
        engine = EndpointModel("endpoint", {"base_url": url, "model": "bench"}, concurrency=_CONCURRENCY)
        wall, cpu, scored = _timed(task, create_judge("llm", task=task, engine=engine))
    assert scored == task.moments, f"{scored} of {task.moments} verdicts scored: the judge's form has changed"
    ideal = ceil(task.moments / _CONCURRENCY) * _LATENCY_S
    lexical_wall, _, _ = _timed(task, create_judge("lexical", task=task))
    return [
        Measure(f"llm judge, {task.moments} questions at {_LATENCY_S:g} s, {_CONCURRENCY} at once: ideal", ideal, "s"),
        Measure("llm judge: wall time", wall, "s"),
        Measure("llm judge: wall time / ideal", wall / ideal, "", 1.10),
        Measure("llm judge: client CPU a verdict", 1000 * cpu / task.moments, "ms"),
        Measure("lexical judge: verdicts a second", task.moments / lexical_wall),
    ]
