"""Where traces and labels come from: the pinned release, the built-in sample, JSONL files and the Hub."""

from proactivebench.traces.index import (
    TaskStructure,
    TraceStructure,
    task_structure,
    trace_hash,
    trace_hashes,
    which_release_trace,
)
from proactivebench.traces.labels import LabelledItem, labelled_items
from proactivebench.traces.tasks import given_task, load_task

__all__ = [
    "LabelledItem",
    "TaskStructure",
    "TraceStructure",
    "given_task",
    "labelled_items",
    "load_task",
    "task_structure",
    "trace_hash",
    "trace_hashes",
    "which_release_trace",
]
