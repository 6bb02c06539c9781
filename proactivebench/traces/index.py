"""The shipped index: what the named tasks consist of, without their texts, and where a labelled event is from."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from proactivebench.errors import UnknownName
from proactivebench.records import Event, Task, Trace, digest

INDEX = Path(__file__).with_name("index.json")


@dataclass(frozen=True, slots=True)
class TraceStructure:
    """One trace of a task: its split, one hash per event (`event_hash`), and for the 227-event variant the turn in the
    233-event release that each of its turns is (otherwise the turns themselves)."""

    trace_id: str
    split: str
    events: tuple[str, ...]
    release_turns: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class TaskStructure:
    """What a board needs of a task: names, turns and hashes, and the `data_hash` that runs on it carry."""

    name: str
    data_hash: str
    traces: tuple[TraceStructure, ...]

    @property
    def moments(self) -> int:
        """Number of moments over all traces."""
        return sum(len(trace.events) for trace in self.traces)

    @property
    def splits(self) -> dict[str, str]:
        """The split of each trace by its id."""
        return {trace.trace_id: trace.split for trace in self.traces}


def task_structure(name: str) -> TaskStructure:
    """The structure of a named task; needs neither the release nor the network. Raises `UsageError` for other names."""
    tasks = read_index()["tasks"]
    if name not in tasks:
        raise UnknownName(f"{name}: no structure of this task is shipped; the index has {', '.join(tasks)}")
    return _structure(name, tasks[name])


def which_release_trace(trace: Trace) -> str | None:
    """The labelled trace of the release that `trace` is or was copied from; None if it is other data.

    Recognised by the texts of events and never by names or times: at least two different texts, or half of them, must
    be shared; the trace that shares most is named. Judges trained on the release leave this trace out.
    """
    return recognise(trace.events)


def recognise(events: Sequence[Event]) -> str | None:
    """`which_release_trace` for bare events."""
    texts = {text_hash(event.event) for event in events}
    shared = Counter(name for text in texts for name in _traces_by_text().get(text, ()))
    if not shared:
        return None
    name, count = min(shared.items(), key=lambda item: (-item[1], item[0]))
    return name if count >= 2 or 2 * count >= len(texts) else None


def event_hash(event: Event) -> str:
    """16 hex digits over time and text of an event."""
    return digest([event.time, event.event])[:16]


def trace_hash(trace: Trace) -> str:
    """16 hex digits over the events of a trace, whatever it is called and people say of it."""
    return digest([[event.time, event.event] for event in trace.events])[:16]


def trace_hashes(task: Task) -> frozenset[str]:
    """The `trace_hash` of each trace of a task."""
    return frozenset(map(trace_hash, task.traces))


def text_hash(text: str) -> str:
    """16 hex digits over an event's text, blind to case and spacing."""
    return digest(" ".join(text.casefold().split()))[:16]


@cache
def read_index() -> dict[str, Any]:
    """The shipped index as it stands in the file; treat it as read-only."""
    content: dict[str, Any] = json.loads(INDEX.read_text(encoding="utf-8"))
    return content


@cache
def _traces_by_text() -> Mapping[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for name, hashes in read_index()["labelled"].items():
        for text in hashes.split():
            found[text] = (*found.get(text, ()), name)
    return found


def _structure(name: str, stored: Mapping[str, Any]) -> TaskStructure:
    traces = []
    for trace in stored["traces"]:
        events = tuple(trace["events"].split())
        turns = tuple(trace.get("release_turns", range(len(events))))
        traces.append(TraceStructure(trace["trace_id"], trace["split"], events, turns))
    return TaskStructure(name, stored["data_hash"], tuple(traces))
