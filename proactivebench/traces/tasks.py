"""Tasks by name: what `--tasks` takes."""

from __future__ import annotations

import hashlib
from pathlib import Path

from proactivebench.errors import UsageError
from proactivebench.files import read_bytes
from proactivebench.naming import did_you_mean
from proactivebench.records import Task
from proactivebench.traces import benchmark, sample
from proactivebench.traces.jsonl import WANTED, parse_traces

NAMED = {
    benchmark.RELEASED: benchmark.released_task,
    benchmark.PUBLISHED: benchmark.published_task,
    sample.SAMPLE: sample.sample_task,
}


def load_task(spec: str) -> Task:
    """The task that `spec` names: a named task, `FILE.jsonl[.gz]`, or `hf:ORG/NAME[/CONFIG][@REV][:SPLIT]`.

    Raises `UsageError` for an unknown name, `DataError` for data that is missing or malformed.
    """
    if spec in NAMED:
        return NAMED[spec]()
    if spec.startswith("hf:"):
        from proactivebench.traces.hub import hub_task

        return hub_task(spec)
    if not spec.strip():
        raise UsageError(
            f"no task is named: there are {', '.join(NAMED)}, FILE.jsonl and hf:ORG/NAME[@REV]; give one with --tasks"
        )
    path = Path(spec).expanduser()
    if path.is_dir() and not spec.endswith(".jsonl"):
        raise UsageError(f"{spec} is a folder: give a file of traces, {_files_in(path)}")
    if spec.endswith((".jsonl", ".jsonl.gz", ".json")) or path.exists():
        return file_task(path)
    hint = did_you_mean(spec, NAMED)
    raise UsageError(f"{spec}: no such task; {hint}there are {', '.join(NAMED)}, FILE.jsonl and hf:ORG/NAME[@REV]")


def _files_in(folder: Path) -> str:
    found = sorted(path for pattern in ("*.jsonl", "*.jsonl.gz") for path in folder.glob(pattern))
    return f"such as {found[0]}" if found else "FILE.jsonl; this one holds none"


def file_task(path: Path) -> Task:
    """The traces of a JSONL file, gzipped or not, as a task named after it; its revision is the hash of its text."""
    content = read_bytes(path, WANTED)
    return Task(
        name=path.name.removesuffix(".gz").removesuffix(path.suffix).removesuffix(".jsonl"),
        version="0",
        revision=f"sha256:{hashlib.sha256(content).hexdigest()[:16]}",
        licence="unknown",
        date="unknown",
        source=path.name,
        traces=parse_traces(content, str(path)),
    )
