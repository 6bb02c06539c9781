"""Tasks by name: what `--tasks` takes."""

from __future__ import annotations

import hashlib
from difflib import get_close_matches
from pathlib import Path

from proactivebench.errors import DataError, UsageError
from proactivebench.records import Task
from proactivebench.traces import benchmark, sample
from proactivebench.traces.jsonl import read_traces

NAMED = {
    benchmark.RELEASED: benchmark.released_task,
    benchmark.PUBLISHED: benchmark.published_task,
    sample.SAMPLE: sample.sample_task,
}


def load_task(spec: str) -> Task:
    """The task that `spec` names: a named task, `FILE.jsonl`, or `hf:ORG/NAME[/CONFIG][@REV][:SPLIT]`.

    Raises `UsageError` for an unknown name, `DataError` for data that is missing or malformed.
    """
    if spec in NAMED:
        return NAMED[spec]()
    if spec.startswith("hf:"):
        from proactivebench.traces.hub import hub_task

        return hub_task(spec)
    if spec.endswith(".jsonl") or Path(spec).is_file():
        return file_task(Path(spec))
    close = get_close_matches(spec, NAMED, n=1)
    hint = f"did you mean {close[0]}? " if close else ""
    raise UsageError(f"{spec}: no such task; {hint}there are {', '.join(NAMED)}, FILE.jsonl and hf:ORG/NAME[@REV]")


def file_task(path: Path) -> Task:
    """The traces of a JSONL file as a task named after it; its revision is the hash of the file."""
    traces = read_traces(path)
    return Task(
        name=path.stem,
        version="0",
        revision=f"sha256:{_sha256(path)[:16]}",
        licence="unknown",
        date="unknown",
        source=str(path),
        traces=traces,
    )


def _sha256(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from error
