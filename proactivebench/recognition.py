"""What a file is that is not what belongs where it was given, and how to come from it to what does."""

from __future__ import annotations

import json
import re
import zipfile
from io import BytesIO
from itertools import pairwise
from typing import Any, NamedTuple

GZIP = b"\x1f\x8b"
_HEAD = 65_536
_MOST_JSON = 64 * 2**20  # a larger value is told by its beginning alone
_CONVERT = "write its content as"


class Kind(NamedTuple):
    """What a file is, in words with an article, and the words that lead on to what is wanted; those of `as_lines` where
    that is JSON Lines, which its content can be brought to."""

    name: str
    way_out: str = "give"
    as_lines: str = ""


_MAGIC: tuple[tuple[bytes, Kind], ...] = (
    (b"PAR1", Kind("a Parquet file", as_lines=_CONVERT)),
    (b"ARROW1", Kind("an Arrow file", as_lines=_CONVERT)),
    (b"SQLite format 3\0", Kind("an SQLite database", as_lines=_CONVERT)),
    (b"%PDF-", Kind("a PDF document")),
    (b"BZh", Kind("a bzip2 file", "unpack it and give")),
    (b"\xfd7zXZ\0", Kind("an xz file", "unpack it and give")),
    (b"\x28\xb5\x2f\xfd", Kind("a Zstandard file", "unpack it and give")),
    (b"7z\xbc\xaf\x27\x1c", Kind("a 7z archive", "unpack it and give")),
    (b"\x89PNG", Kind("a picture")),
    (b"\xff\xd8\xff", Kind("a picture")),
    (b"\xff\xfe", Kind("UTF-16 text", "save it as UTF-8 and give")),
    (b"\xfe\xff", Kind("UTF-16 text", "save it as UTF-8 and give")),
    (b"version https://git-lfs", Kind("a Git LFS pointer, not the file itself", "run `git lfs pull` and give")),
)

# The keys of a JSON object, or of each of a list, that tell whose it is.
_OBJECTS: tuple[tuple[frozenset[str], Kind], ...] = tuple(
    (frozenset(keys.split()), kind)
    for keys, kind in (
        ("buckets", Kind("an ActivityWatch export", as_lines="write its events, session by session, as")),
        ("timestamp duration data", Kind("ActivityWatch events", as_lines="write them, session by session, as")),
        ("results configs versions", Kind("an lm-eval results file")),
        ("results versions n-shot", Kind("an lm-eval results file")),
        ("doc_id doc resps", Kind("a file of lm-eval samples")),
        ("evalId results config", Kind("a promptfoo results file")),
        ("promptIdx testIdx", Kind("a promptfoo results file")),
        ("eval plan stats", Kind("an Inspect log")),
        ("version status eval", Kind("an Inspect log")),
        ("agent protocol decoding sessions", Kind("the manifest of a run")),
        ("task agent protocol judges", Kind("the report of a run")),
        ("trace_id turn status", Kind("a log of replies or verdicts of a run")),
        ("trace_id turn candidate accepted", Kind("a file of people's labels")),
        ("trace_id split events", Kind("a file of traces")),
        ("obs pred_task valid", Kind("a file of judge-training rows")),
        ("observation agent_response", Kind("released answers to one trace", "give its folder, or")),
        ("messages", Kind("a file of chat conversations", as_lines=_CONVERT)),
    )
)


def recognised(content: bytes, name: str = "") -> Kind | None:
    """What a file's content is, told by how it begins and by its keys; None where that says nothing. Never raises."""
    magic = next((kind for beginning, kind in _MAGIC if content.startswith(beginning)), None)
    if magic:
        return magic
    if not content.strip():
        return Kind("an empty file")
    if content.startswith(b"PK\x03\x04"):
        return _archive(content)
    head = content[:_HEAD]
    try:
        text = head.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if error.start < len(head) - 4 or len(content) == len(head):
            return Kind("a binary file") if b"\0" in head else None
        text = head[: error.start].decode("utf-8-sig")
    if "\0" in text:
        return Kind("a binary file")
    start = text.lstrip()
    if start[:1] in ("{", "["):
        return _json(content)
    return next((kind for tell in (_markup, _table, _named) if (kind := tell(start, name))), None)


def _archive(content: bytes) -> Kind:
    try:
        with zipfile.ZipFile(BytesIO(content)) as members:
            names = set(members.namelist())
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError):
        return Kind("a zip archive that is cut off or damaged", "fetch it again and give")
    if "[Content_Types].xml" in names:
        return Kind("a workbook or document of an office program", as_lines=_CONVERT)
    if "header.json" in names or any(name.startswith("_journal/") for name in names):
        return Kind("an Inspect log (.eval)")
    return Kind("a zip archive", "unpack it and give")


def _json(content: bytes) -> Kind | None:
    """Whose JSON it is: one value over several lines, an array, or lines whose first says it."""
    try:
        text = content[:_MOST_JSON].decode("utf-8-sig", "replace").lstrip()
        value, end = json.JSONDecoder().raw_decode(text)
    except (ValueError, RecursionError):
        return None
    objects = value if isinstance(value, list) else [value]
    kind = _owner(objects[0]) if objects and isinstance(objects[0], dict) else None
    array, lines = isinstance(value, list), "\n" in text[:end].strip()
    if kind and not kind.name.startswith("a file of"):
        return kind
    if not (array or lines):
        return kind
    what = f" ({kind.name.removeprefix('a file of ')})" if kind else ""
    program = "'.[]'" if array else "."
    return Kind(
        f"one JSON array{what}" if array else f"JSON over several lines{what}",
        as_lines=f"write one object a line (`jq -c {program} FILE > FILE.jsonl`) and give",
    )


def _owner(found: dict[str, Any]) -> Kind | None:
    return next((kind for keys, kind in _OBJECTS if keys <= found.keys()), None)


def _markup(start: str, _: str) -> Kind | None:
    if re.match(r"<(!doctype\s+html|html|head|body)\b", start, re.IGNORECASE):
        return Kind("an HTML page, as a failed download leaves it", "fetch it again and give")
    return Kind("an XML file", as_lines=_CONVERT) if start.startswith("<?xml") else None


def _table(start: str, name: str) -> Kind | None:
    """A header of words and lines with as many separators."""
    lines = [line for line in start.splitlines()[:4] if line.strip()]
    for separator, called in ((",", "a CSV table"), ("\t", "a TSV table"), (";", "a CSV table")):
        counts = [line.count(separator) for line in lines]
        wordy = bool(lines) and re.fullmatch(r'[\w "./:-]+', lines[0].replace(separator, ""))
        alike = all(first <= second for first, second in pairwise(counts))
        if counts and counts[0] and wordy and (alike or name.lower().endswith((".csv", ".tsv"))):
            return Kind(called, as_lines=_CONVERT)
    return None


def _named(_: str, name: str) -> Kind | None:
    endings: dict[tuple[str, ...], Kind] = {
        (".yaml", ".yml"): Kind("a YAML file"),
        (".py", ".ipynb"): Kind("a program"),
        (".md", ".txt", ".log"): Kind("a text"),
    }
    return next((kind for ends, kind in endings.items() if name.lower().endswith(ends)), None)
