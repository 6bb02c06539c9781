"""The built-in sample: a small benchmark of the project's own, so that everything runs without a download."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

from proactivebench.records import Task
from proactivebench.traces.jsonl import read_traces

SAMPLE = "proactivebench_sample"
FILE = Path(__file__).with_name("sample.jsonl")


@cache
def sample_task() -> Task:
    """The sample with its labels, written together with it."""
    return Task(
        name=SAMPLE,
        version="1",
        revision=f"sha256:{hashlib.sha256(FILE.read_bytes()).hexdigest()[:16]}",
        licence="Apache-2.0",
        date="2026-11",
        source="proactivebench/traces/sample.jsonl",
        traces=read_traces(FILE),
        notes=("a demonstration: invented sessions with invented votes, not a benchmark of people's needs",),
    )
