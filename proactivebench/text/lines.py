"""JSON Lines, read and written in one place: every value with its line, every fault with its own."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

import jsonlines
from pydantic import BaseModel

from proactivebench.text.loading import NotReadable, load_json, no_constant, once

T = TypeVar("T")


class BadLine(ValueError):
    """A line that holds no value of the kind that is due. `number` counts from 1; the cause is what `loads` raised, or
    a `NotReadable`; the message says why."""

    def __init__(self, number: int, why: str) -> None:
        super().__init__(why)
        self.number = number


def load_strict(text: str) -> Any:
    """The JSON value in `text`, with no key given twice and no NaN. Raises `NotReadable`."""
    return load_json(text, pairs=once, constant=no_constant)


def read_lines(lines: bytes | Iterable[bytes], loads: Callable[[str], T]) -> Iterator[tuple[int, T]]:
    """(line number, value) of JSON Lines; blank lines are passed over, as is the mark that some editors put first.

    Args:
        lines: A file's whole content, an open file, or its lines.
        loads: Makes a line's text a value (`load_strict`, a record's `model_validate_json`, …); what is no such value
            raises a `ValueError`, as pydantic's errors are.

    Raises:
        BadLine: at the first line that is none, when it is reached.
    """
    counted = _Counted(lines.split(b"\n") if isinstance(lines, bytes) else lines)
    try:
        for value in jsonlines.Reader(counted, loads=loads).iter(allow_none=True, skip_empty=True):
            yield counted.number, value
    except jsonlines.InvalidLineError as error:
        cause: BaseException = error.__cause__ or error
        if isinstance(cause, UnicodeDecodeError):
            cause = NotReadable(f"not UTF-8 at byte {cause.start}; save the file as UTF-8")
        raise BadLine(error.lineno, str(cause)) from cause


def write_lines(values: Iterable[Any]) -> bytes:
    """Values as JSON Lines: records without their empty fields, others as they are, letters of all scripts kept.

    Raises:
        ValueError: for NaN and infinities, which JSON does not have.
    """
    with io.BytesIO() as stream:
        jsonlines.Writer(stream, dumps=_dumps).write_all(values)
        return stream.getvalue()


def _dumps(value: Any) -> str:
    if isinstance(value, BaseModel):
        return value.model_dump_json(exclude_none=True)
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


class _Counted:
    """Lines, and the number of the last one that was taken."""

    def __init__(self, lines: Iterable[bytes]) -> None:
        self._lines = lines
        self.number = 0

    def __iter__(self) -> Iterator[bytes]:
        for self.number, line in enumerate(self._lines, start=1):  # noqa: B020 - the place is the attribute itself
            yield line
