"""What a board's maintainers found out, one record a file beside the entries: read by the rules for strangers' files,
since a board's folder may hold anything."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from proactivebench.board.entry.reading import MAX_ENTRY_BYTES, Refused, read_plain, strict_json
from proactivebench.errors import DataError
from proactivebench.records import Record
from proactivebench.store import cannot_write, write_whole

R = TypeVar("R", bound=Record)


def kept_record(file: Path, kind: type[R]) -> R | None:
    """The record in a file; None where there is none, or nothing readable."""
    try:
        content = read_plain(file, MAX_ENTRY_BYTES)
        strict_json(content)
        return kind.model_validate_json(content, strict=True)
    except (Refused, DataError, ValidationError):
        return None


def keep_record(file: Path, record: Record) -> Path:
    """Put a record in the place of an earlier one; returns its file. Raises `CannotWrite`."""
    with cannot_write(file):
        file.parent.mkdir(parents=True, exist_ok=True)
    return write_whole(file, json.dumps(record.model_dump(mode="json"), indent=2, sort_keys=True) + "\n")
