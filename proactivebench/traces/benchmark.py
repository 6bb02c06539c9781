"""The release as tasks: the 233 events, and the 227-event variant on which the published scores were made."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any

from proactivebench.errors import DataError
from proactivebench.records import Event, MomentLabels, Task, Trace
from proactivebench.traces import release
from proactivebench.traces.answers import released_answers
from proactivebench.traces.fetch import MIRROR, mirror_folder
from proactivebench.traces.index import event_hash, task_structure
from proactivebench.traces.labels import labelled_items, moment_labels, release_items

RELEASED = "proactivebench"
PUBLISHED = "proactivebench_published"
_WITNESS = "gpt-4o"  # every model's file carries the same observations; the index proves the ones read


@contextmanager
def reading_from(mirror: Path | None) -> Iterator[None]:
    """Within, the release is read from `mirror` in place of the one that PROACTIVEBENCH_MIRROR names (None: from that),
    and nothing that was read elsewhere is taken for it. Raises `MissingFile` where there is no such folder."""
    if mirror is None:
        yield
        return
    named = os.environ.get(MIRROR)
    os.environ[MIRROR] = str(mirror.resolve())
    _forget()
    try:
        mirror_folder()
        yield
    finally:
        if named is None:
            del os.environ[MIRROR]
        else:
            os.environ[MIRROR] = named
        _forget()


def _forget() -> None:
    for read in (released_task, published_task, release_items):
        read.cache_clear()


@cache
def released_task() -> Task:
    """The 233 events of 12 traces with all their labels. Raises `DataError` where the release is missing or altered."""
    labels = moment_labels(labelled_items())
    traces = []
    for split, names in splits().items():
        for name in names:
            events = tuple(_event(item) for item in release.read_json(f"{release.TEST_DATA}/{name}.json"))
            given = tuple(labels.get(events[: turn + 1]) for turn in range(len(events)))
            traces.append(Trace(trace_id=name, split=split, events=events, labels=given))
    return _task(RELEASED, traces, ("times are as recorded: six step backwards, three repeat, one trace spans 2.3 s",))


@cache
def published_task() -> Task:
    """The 227 events behind the published scores; labels are those of the moments of the 233 that the index maps to.

    Raises `DataError` where the answers are missing, or carry other events than the index says.
    """
    labels = {trace.trace_id: trace.labels or () for trace in released_task().traces}
    seen = published_events()
    traces = []
    for structure in task_structure(PUBLISHED).traces:
        events = seen.get(structure.trace_id, ())
        if tuple(event_hash(event) for event in events) != structure.events:
            raise DataError(f"released answers of {_WITNESS}, {structure.trace_id}: events differ from the index")
        given: tuple[MomentLabels | None, ...] = tuple(labels[structure.trace_id][t] for t in structure.release_turns)
        traces.append(Trace(trace_id=structure.trace_id, split=structure.split, events=events, labels=given))
    note = "labels are those of the 233-event release; 41 events were reworded after people labelled them"
    return _task(PUBLISHED, traces, (note,))


def splits() -> dict[str, list[str]]:
    """Trace names by split (`coding`, `writing`), as splits.json has them; its split over all is left out."""
    stored = release.read_json(f"{release.TEST_DATA}/splits.json")
    return {
        name.removeprefix("real_"): [PurePosixPath(file).stem for file in split["files"]]
        for name, split in stored.items()
        if name != "real_average"
    }


def published_events() -> dict[str, tuple[Event, ...]]:
    """The events of the 227-event variant by trace, as the released answers carry them."""
    wanted = {name for names in splits().values() for name in names}
    answers = released_answers(_WITNESS)
    return {name: tuple(_event(item) for item in items) for name, items in answers.items() if name in wanted}


def _event(item: Mapping[str, Any]) -> Event:
    seen = item["observation"]
    return Event(time=seen["time"], event=seen["event"])


def _task(name: str, traces: list[Trace], notes: tuple[str, ...]) -> Task:
    return Task(
        name=name,
        version="1",
        revision=release.COMMIT,
        licence=release.LICENCE,
        date=release.DATE,
        source=release.REPOSITORY,
        traces=tuple(traces),
        notes=notes,
    )
