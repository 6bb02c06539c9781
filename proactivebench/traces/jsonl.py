"""Traces from JSONL, one a line: `{trace_id, split, events: [{time, event}], labels?}`, checked line by line."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from proactivebench.errors import DataError
from proactivebench.files import foreign, read_bytes
from proactivebench.records import Trace
from proactivebench.text import BadLine, load_strict, read_lines

WANTED = "JSON Lines, one trace a line: {trace_id, split, events: [{time, event}]}"
TRACES = "a file of traces"
PUBLISHED = "data/traces.jsonl"  # where a published data set's folder has its traces


def read_traces(path: Path) -> tuple[Trace, ...]:
    """All traces of a JSONL file, gzipped or not. Raises like `parse_traces`, and where the file cannot be read."""
    return parse_traces(read_bytes(path, WANTED), str(path))


def parse_traces(content: bytes, source: str) -> tuple[Trace, ...]:
    """All traces of JSONL text, in its order; empty lines are skipped, numeric times become text.

    Raises `DataError` naming source, line and field for the first fault: bad UTF-8 or JSON, a key given twice, NaN, a
    field missing, unknown or of the wrong type, a trace id used twice, no trace at all. A file whose first line is no
    trace is named for what it is, where that can be told.
    """
    lines = _parsed_lines(content, source)
    try:
        first = next(lines, None)
    except DataError as error:
        raise foreign(source, content, WANTED, own=TRACES) or error from None
    return unique_traces(lines if first is None else chain([first], lines), source)


def unique_traces(traces: Iterable[tuple[str, Trace]], source: str) -> tuple[Trace, ...]:
    """The traces of `(where, trace)` pairs. Raises `DataError` for an id used twice, or where there is no trace."""
    found: dict[str, Trace] = {}
    places: dict[str, str] = {}
    for where, trace in traces:
        if trace.trace_id in found:
            raise DataError(f"{where}: trace_id {trace.trace_id!r} was used before, at {places[trace.trace_id]}")
        found[trace.trace_id], places[trace.trace_id] = trace, where
    if not found:
        raise DataError(f"{source}: holds no trace; give one JSON object a line with trace_id, split and events")
    return tuple(found.values())


def checked_trace(value: Any, where: str) -> Trace:
    """A parsed JSON value as a trace. Raises `DataError` naming `where` and the first faulty field."""
    if isinstance(value, dict) and isinstance(value.get("events"), list):
        value = {**value, "events": [_with_text_time(event) for event in value["events"]]}
    try:
        # by way of JSON, where strictness takes lists for tuples but no "yes" for true
        return Trace.model_validate_json(json.dumps(value), strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
        raise DataError(f"{where}: {_field(first['loc'])}{first['msg'].removeprefix('Value error, ')}{more}") from error


def _parsed_lines(content: bytes, source: str) -> Iterator[tuple[str, Trace]]:
    number: int
    value: Any
    try:
        for number, value in read_lines(content, load_strict):
            yield (where := f"{source}:{number}"), checked_trace(value, where)
    except BadLine as error:
        raise DataError(f"{source}:{error.number}: {error}") from error


def _with_text_time(event: Any) -> Any:
    time = event.get("time") if isinstance(event, dict) else None
    return {**event, "time": str(time)} if isinstance(time, int | float) and not isinstance(time, bool) else event


def _field(location: tuple[int | str, ...]) -> str:
    """A pydantic location as people write it: `events[3].time: `; nothing for the whole line."""
    parts = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)
    return f"{parts.lstrip('.')}: " if parts else ""
