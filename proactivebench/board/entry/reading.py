"""Reading what strangers wrote: no link followed, no size trusted, no JSON that two readers could read differently."""

from __future__ import annotations

import json
import math
import os
import re
import stat
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from proactivebench.board.entry.escaping import plain
from proactivebench.errors import DataError
from proactivebench.records import Record
from proactivebench.text import BadLine, read_lines

R = TypeVar("R", bound=Record)

MAX_ENTRY_BYTES = 256 * 1024
MAX_PACKED_BYTES = 16 * 1024 * 1024
MAX_UNPACKED_BYTES = 96 * 1024 * 1024
MAX_LINE_BYTES = 512 * 1024
MAX_LINES = 200_000
MAX_DEPTH = 12
MAX_WIDTH = 64
_CHUNK = 256 * 1024


class Refused(Exception):
    """Something in a submission that a board does not take; the message is for the submitter."""


# What a system does not have is left out: Windows knows neither links that anyone may make nor pipes among files.
_FLAGS = os.O_RDONLY | sum(
    getattr(os, name, 0) for name in ("O_NOFOLLOW", "O_NONBLOCK", "O_CLOEXEC", "O_BINARY", "O_NOINHERIT")
)


@dataclass(slots=True)
class Allowance:
    """What may still be unpacked of one entry, all its files together."""

    bytes: int = MAX_UNPACKED_BYTES
    lines: int = MAX_LINES


def read_plain(path: Path, limit: int) -> bytes:
    """The bytes of a regular file of at most `limit` bytes; links, pipes and devices are refused before they are read.

    Raises `Refused`, or `DataError` where the file cannot be read at all.
    """
    try:
        if path.is_symlink():  # said again below where the system itself refuses to follow
            raise Refused("is a symbolic link: put the file itself there")
        descriptor = os.open(path, _FLAGS)
    except OSError as error:
        if path.is_symlink():
            raise Refused("is a symbolic link: put the file itself there") from error
        raise DataError(f"cannot read {plain(str(path))}: {error.strerror}") from error
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise Refused("is no regular file")
        if status.st_size > limit:
            raise Refused(f"has {status.st_size} bytes; {limit} are allowed")
        content = file.read(limit + 1)
    if len(content) > limit:
        raise Refused(f"has more than the {limit} bytes allowed")
    return content


def unpacked_lines(packed: bytes, left: Allowance | None = None) -> Iterator[bytes]:
    """The lines of a gzip file, unpacked piece by piece so that a bomb is noticed early, and taken from what is `left`
    (default: all that an entry may hold). Raises `Refused`."""
    left = left or Allowance()
    unpack = zlib.decompressobj(wbits=31)
    rest, pending = b"", packed
    while not unpack.eof:
        try:
            piece = unpack.decompress(pending, _CHUNK)
        except zlib.error as error:
            raise Refused("is not a whole gzip file") from error
        if not piece and not unpack.unconsumed_tail and not unpack.eof:
            raise Refused("is not a whole gzip file")
        pending = unpack.unconsumed_tail
        left.bytes -= len(piece)
        if left.bytes < 0:
            raise Refused(f"is too much: all files of an entry together unpack to at most {MAX_UNPACKED_BYTES} bytes")
        *lines, rest = (rest + piece).split(b"\n")
        if len(rest) > MAX_LINE_BYTES:
            raise Refused(f"has a line of more than {MAX_LINE_BYTES} bytes")
        left.lines -= len(lines)
        if left.lines < 0:
            raise Refused(f"is too much: all files of an entry together have at most {MAX_LINES} lines")
        yield from lines
    if unpack.unused_data:
        raise Refused("carries data behind its gzip stream")
    if rest:
        raise Refused("does not end with a newline")


def strict_json(content: bytes) -> Any:
    """One JSON value that has one reading only. Refuses doubled keys, NaN and infinities, deep nesting, lone surrogates
    and what is not UTF-8. Raises `Refused`."""
    if len(content) > MAX_LINE_BYTES:
        raise Refused(f"is longer than {MAX_LINE_BYTES} bytes")
    try:
        value = _decoded(content.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise Refused("is not UTF-8") from error
    except RecursionError as error:
        raise Refused(f"is nested deeper than {MAX_DEPTH} levels") from error
    except ValueError as error:
        raise Refused(f"is not JSON: {str(error)[:120]}") from error
    # Most lines have too few brackets to nest deep and no escape that could be half a pair: they need no walk.
    if content.count(b"{") + content.count(b"[") > MAX_DEPTH or _HALF_PAIR.search(content):
        _check(value, 0)
    return value


def read_records(lines: Iterable[bytes], kind: type[R]) -> Iterator[R]:
    """The records of JSON Lines that a stranger wrote, one at a time (what is decoded takes far more memory than its
    text): each line has one reading only, each field is of exactly its type. Raises `Refused` naming the line."""
    try:
        for _, record in read_lines(map(_unmarked, lines), partial(_record, kind)):
            yield record
    except BadLine as error:
        raise Refused(f"line {error.number}{error}") from error


def _unmarked(line: bytes) -> bytes:
    """A line as it is: what some readers pass over at its beginning, others do not."""
    if line[:3] == b"\xef\xbb\xbf" or line[:1] == b"\x1e" or not line.strip():
        raise Refused("has a line that is blank or begins with a mark that is no JSON")
    return line


def _record(kind: type[R], text: str) -> R:
    line = text.encode()
    try:
        value = strict_json(line)
        if line.count(b",") > MAX_WIDTH:
            check_width(value)
    except Refused as error:
        raise ValueError(f" {error}") from error
    try:
        return kind.model_validate_json(line, strict=True)
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in problem["loc"])[:100]
        raise ValueError(f": {where}: {problem['msg']}") from error


def check_width(record: Any) -> None:
    """Raises `Refused` where an object, or a list or object in it, has more members than any record: each would be told
    as a fault of its own."""
    if isinstance(record, dict):
        inner = (value for value in record.values() if isinstance(value, list | dict))
        if len(record) > MAX_WIDTH or any(len(value) > MAX_WIDTH for value in inner):
            raise Refused(f"has more than {MAX_WIDTH} members in one list or object")


def _decoded(text: str) -> Any:
    """The value of a text that holds nothing else."""
    try:
        value, end = _scan(text, 0)
    except StopIteration:
        end = -1
    return value if end == len(text) else _DECODER.decode(text)  # spaces around it, or an error to be told well


def _no_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        counted = Counter(name for name, _ in pairs)
        double = next(name for name, count in counted.items() if count > 1)
        raise Refused(f"has the key {double[:60]!r} twice in one object")
    return found


def _no_constant(word: str) -> float:
    raise Refused(f"has {word}, which is not JSON")


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise Refused("has a number too large to hold")
    return number


_HALF_PAIR = re.compile(rb"\\u[dD]")
_DECODER = json.JSONDecoder(object_pairs_hook=_no_doubles, parse_constant=_no_constant, parse_float=_finite)
_scan: Callable[[str, int], tuple[Any, int]] = _DECODER.scan_once  # type: ignore[attr-defined]


def _check(value: Any, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise Refused(f"is nested deeper than {MAX_DEPTH} levels")
    if isinstance(value, str):
        _check_text(value)
    elif isinstance(value, dict):
        for name, inner in value.items():
            _check_text(name)
            _check(inner, depth + 1)
    elif isinstance(value, list):
        for inner in value:
            _check(inner, depth + 1)


def _check_text(text: str) -> None:
    if not text.isascii() and any("\ud800" <= letter <= "\udfff" for letter in text):
        raise Refused("has half a surrogate pair in a text")
