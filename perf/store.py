"""Appends per second of the run directory: each reply and verdict is saved the moment it is there."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter

from perf.measure import Measure
from proactivebench.records import Record, Reply, ReplyStatus, Usage, Verdict, VerdictStatus
from proactivebench.store import Appender, RunStore

_LINES = 20_000


def _reply(number: int) -> Reply:
    return Reply(
        trace_id=f"bench_{number // 20:05}",
        turn=number % 20,
        status=ReplyStatus.PROPOSED,
        proposals=("Offer to tidy up the paragraph that was just edited.",),
        text='{"Proactive Task": "Offer to tidy up the paragraph that was just edited."}' + " " * 300,
        finish_reason="stop",
        usage=Usage(prompt_tokens=500, completion_tokens=30),
        latency_s=1.25,
    )


def _verdict(number: int) -> Verdict:
    return Verdict(
        trace_id=f"bench_{number // 20:05}",
        turn=number % 20,
        candidate=0,
        status=VerdictStatus.ACCEPTED,
        judge="llm-12345678",
        question=f"{number:016x}",
        reason="The user has just left a sentence unfinished." * 2,
    )


def _rate(log: Appender, records: Sequence[Record]) -> float:
    with log:
        started = perf_counter()
        for record in records:
            log.append([record])
        return len(records) / (perf_counter() - started)


def run() -> list[Measure]:
    """Lines per second, one append a line."""
    with tempfile.TemporaryDirectory() as folder:
        store = RunStore(Path(folder))
        return [
            Measure("replies appended a second", _rate(store.append_replies(), [_reply(n) for n in range(_LINES)])),
            Measure(
                "verdicts appended a second", _rate(store.append_verdicts("j"), [_verdict(n) for n in range(_LINES)])
            ),
        ]
