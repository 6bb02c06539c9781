"""Stored answers in the release's format: one `<trace>.json` per trace, a list of observations with what was answered.

Items belong to moments by their index and never by their text: the published answers leave out 6 of the 233 events and
reword 41 others. What each item shows must still be the event expected at its index.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from proactivebench.agents.replay.stored import StoredAnswers
from proactivebench.errors import DataError
from proactivebench.models.base import Answer
from proactivebench.protocols.base import Protocol
from proactivebench.protocols.contract import reply_text
from proactivebench.records import Event, ReplyKey, Task, Trace
from proactivebench.text import NotReadable, load_json
from proactivebench.traces import TraceStructure, task_structure
from proactivebench.traces.answers import released_answers
from proactivebench.traces.benchmark import PUBLISHED, RELEASED
from proactivebench.traces.index import event_hash

Items = Sequence[Any]


def read_folder(path: Path, task: Task, _: Protocol) -> StoredAnswers | None:
    """The answers in a folder of `<trace>.json` files; None if `path` is not such a folder.

    Files that are no trace of the task are skipped and counted. Raises `DataError` where a file is not of this format
    or shows other events than the task.
    """
    files = sorted(path.glob("*.json")) if path.is_dir() else []
    wanted = {trace.trace_id for trace in task.traces}
    ours = [file for file in files if file.stem in wanted]
    if not ours:
        return None
    items = {file.stem: _read(file) for file in ours}
    return _aligned(path.name, items, task, skipped=len(files) - len(ours))


def read_released(model: str, task: Task) -> StoredAnswers:
    """The pinned released answers of a published model. Raises `UsageError` for a model that was not released."""
    items = released_answers(model)
    wanted = {trace.trace_id for trace in task.traces}
    return _aligned(model, items, task, skipped=len(items.keys() - wanted))


def stored_text(item: Mapping[str, Any]) -> str | None:
    """What was answered, in the words of the reply contract; None where nothing is stored.

    The value is carried as it stands, be it the text "null" or the dict that a failed call left: the parser decides.
    """
    if "agent_response" not in item:
        return None
    value = item["agent_response"]
    if isinstance(value, list) and len(value) <= 1:
        value = value[0] if value else None
    said = item.get("other_infomation")  # the release spells it so
    return reply_text(value, said if isinstance(said, dict) else None)


def _aligned(name: str, items: Mapping[str, Items], task: Task, *, skipped: int) -> StoredAnswers:
    answers: dict[ReplyKey, Answer] = {}
    for trace in task.traces:
        stored = items.get(trace.trace_id, ())
        for item, turn in zip(stored, _turns(trace, stored, f"answers of {name}"), strict=True):
            text = stored_text(item)
            if text is not None:
                answers[ReplyKey(trace.trace_id, turn)] = Answer(text=text)
    return StoredAnswers(name, answers, {"files_outside_task": skipped} if skipped else {})


def _turns(trace: Trace, items: Items, where: str) -> Sequence[int]:
    """The turn of each item. Raises `DataError` unless they show the trace's events, or the published variant's."""
    seen = tuple(event_hash(_event(item, f"{where}, {trace.trace_id}")) for item in items)
    own = tuple(event_hash(event) for event in trace.events)
    if not seen or seen == own:
        return range(len(seen))
    published, released = _structure(PUBLISHED, trace), _structure(RELEASED, trace)
    if published and released and own == released.events and seen == published.events:
        return published.release_turns
    first = next((turn for turn, (a, b) in enumerate(zip(seen, own, strict=False)) if a != b), min(len(seen), len(own)))
    raise DataError(
        f"{where}, {trace.trace_id}: {len(seen)} items for {len(own)} events, and item {first} does not show the event "
        "the task has there: these answers were given to other data"
    )


def _structure(name: str, trace: Trace) -> TraceStructure | None:
    return next((other for other in task_structure(name).traces if other.trace_id == trace.trace_id), None)


def _event(item: Any, where: str) -> Event:
    try:
        seen = item["observation"]
        return Event(time=str(seen["time"]), event=seen["event"])
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(f"{where}: an item holds no observation with time and event") from error


def _read(file: Path) -> Items:
    try:
        items = load_json(file.read_bytes())
    except (OSError, NotReadable) as error:
        raise DataError(f"{file}: cannot be read as JSON ({error})") from error
    if not isinstance(items, list):
        raise DataError(f"{file}: not a list of answered observations")
    return items
