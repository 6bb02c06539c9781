"""Rebuilds the shipped index from the release and the sample: `python -m proactivebench.traces.build_index`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from difflib import SequenceMatcher
from typing import Any

from proactivebench.records import Event, Task, Trace
from proactivebench.traces.benchmark import PUBLISHED, RELEASED, published_events, published_task, released_task
from proactivebench.traces.index import INDEX, event_hash, read_index, text_hash
from proactivebench.traces.labels import labelled_items, sessions
from proactivebench.traces.sample import SAMPLE, sample_task


def main() -> None:
    """Write the index. The 227-event task checks itself against the index, so its structure is written first."""
    INDEX.write_text(dump({"tasks": {PUBLISHED: _published({})}, "labelled": labelled_texts()}), encoding="utf-8")
    read_index.cache_clear()
    INDEX.write_text(dump(build()), encoding="utf-8")


def build() -> dict[str, Any]:
    """The index as it should be: needs the release (or a mirror) and a shipped index that knows the 227-event task."""
    tasks = {task.name: _structure(task) for task in (released_task(), sample_task())}
    tasks[PUBLISHED] = _published({"data_hash": published_task().data_hash})
    order = (RELEASED, PUBLISHED, SAMPLE)
    return {"tasks": {name: tasks[name] for name in order}, "labelled": labelled_texts()}


def dump(index: Mapping[str, Any]) -> str:
    """The index as text, byte for byte the same for the same index."""
    return json.dumps(index, indent=1) + "\n"


def align(shorter: Sequence[Event], longer: Sequence[Event]) -> list[int]:
    """For each event of `shorter` the turn in `longer` it is: same time, order kept, most alike in text overall.

    Raises `ValueError` where an event has no place.
    """
    best: list[dict[int, tuple[float, list[int]]]] = [{-1: (0.0, [])}]
    for event in shorter:
        reached: dict[int, tuple[float, list[int]]] = {}
        for turn, other in enumerate(longer):
            before = [value for last, value in best[-1].items() if last < turn]
            if event.time == other.time and before:
                score, path = max(before)
                likeness = SequenceMatcher(None, event.event, other.event, autojunk=False).ratio()
                reached[turn] = (score + likeness, [*path, turn])
        best.append(reached)
    if not best[-1]:
        raise ValueError("an event of the shorter trace has no place in the longer one")
    return max(best[-1].values())[1]


def labelled_texts() -> dict[str, str]:
    """Hashes of the event texts of every labelled session, both variants of the benchmark's; the sessions outside the
    benchmark are named in order of appearance."""
    texts = {trace.trace_id: [event.event for event in trace.events] for trace in released_task().traces}
    known = {trace.events: trace.trace_id for trace in released_task().traces}
    for name, events in published_events().items():
        texts[name] += [event.event for event in events]
    others = [session for session in sessions(item.events for item in labelled_items()) if session not in known]
    texts |= {f"labelled_{n:02}": [event.event for event in events] for n, events in enumerate(others, start=1)}
    return {name: " ".join(dict.fromkeys(text_hash(text) for text in found)) for name, found in texts.items()}


def _published(head: dict[str, Any]) -> dict[str, Any]:
    events = published_events()
    traces = []
    for trace in released_task().traces:
        ours = events[trace.trace_id]
        turns = align(ours, trace.events)
        traces.append({**_trace(trace, ours), "release_turns": turns})
    return {"data_hash": "", **head, "traces": traces}


def _structure(task: Task) -> dict[str, Any]:
    return {"data_hash": task.data_hash, "traces": [_trace(trace, trace.events) for trace in task.traces]}


def _trace(trace: Trace, events: Sequence[Event]) -> dict[str, Any]:
    hashes = " ".join(event_hash(event) for event in events)
    return {"trace_id": trace.trace_id, "split": trace.split, "events": hashes}


if __name__ == "__main__":
    main()
