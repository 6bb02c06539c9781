"""Tasks by name: what `--tasks` takes."""

from __future__ import annotations

import hashlib
from difflib import get_close_matches
from pathlib import Path

from proactivebench.errors import UsageError
from proactivebench.records import Task
from proactivebench.traces import benchmark, sample
from proactivebench.traces.jsonl import parse_traces, read_file

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
    content = read_file(path)
    return Task(
        name=path.stem,
        version="0",
        revision=f"sha256:{hashlib.sha256(content).hexdigest()[:16]}",
        licence="unknown",
        date="unknown",
        source=path.name,
        traces=parse_traces(content, str(path)),
    )
