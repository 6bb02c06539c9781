"""What was once computed from an entry, kept for the next build: by its files and by the code that computed it."""

from __future__ import annotations

import atexit
import hashlib
import os
import shutil
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path

from proactivebench.board.entry.evidence import Evidence, list_files
from proactivebench.board.entry.form import ENTRY
from proactivebench.board.entry.reading import MAX_ENTRY_BYTES, MAX_PACKED_BYTES, Refused, read_plain
from proactivebench.errors import DataError
from proactivebench.records import digest
from proactivebench.resources import cache_folder, shipped

_SCRATCH = "_PROACTIVEBENCH_SCRATCH"


def recall(folder: Path) -> bytes | None:
    """What is kept of the entry in `folder` as its files are now; None where there is nothing, or no whole entry."""
    if folder.is_symlink():
        return None
    hashes = _hashes(folder)
    try:
        return _place(folder, hashes).read_bytes() if hashes else None
    except OSError:
        return None


def remember(folder: Path, hashes: Mapping[str, str], text: str) -> None:
    """Keep `text` for the entry in `folder` whose files have these hashes, by name."""
    with suppress(OSError):  # a cache that cannot be written costs time, nothing else
        _write(_place(folder, hashes), text)


def keep_moments(folder: Path, hashes: Mapping[str, str], text: str) -> Path:
    """Keep what the trace pages of the entry in `folder` read, and return its file: beside what is remembered, or for
    this process and those that it started only, where nothing can be kept."""
    place = _place(folder, hashes).with_suffix(".js")
    try:
        _write(place, text)
    except OSError:
        place = share_scratch() / place.name
        _write(place, text)
    return place


def _write(place: Path, text: str) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    draft = place.with_name(f".{place.name}.{os.getpid()}")
    draft.write_text(text, encoding="utf-8")
    draft.replace(place)


def share_scratch() -> Path:
    """The folder for what cannot be kept: it goes with this process, which names it to those that it starts."""
    if _SCRATCH not in os.environ:
        os.environ[_SCRATCH] = folder = tempfile.mkdtemp(prefix="proactivebench-")
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(os.environ[_SCRATCH])


def _hashes(folder: Path) -> dict[str, str] | None:
    """The hashes of an entry's files; None where they cannot be read as an entry."""
    listing = Evidence(folder)
    try:
        for name in list_files(listing):
            content = read_plain(folder / name, MAX_ENTRY_BYTES if name == ENTRY else MAX_PACKED_BYTES)
            listing.hashes[name] = hashlib.sha256(content).hexdigest()
    except (OSError, DataError, Refused):
        return None
    return None if listing.findings else listing.hashes


def _place(folder: Path, hashes: Mapping[str, str]) -> Path:
    name = digest([_code(), folder.absolute().parts[-3:], dict(hashes)])
    return cache_folder() / "board" / f"{name}.json"


@cache
def _code() -> str:
    """A hash over everything that shapes the numbers: sources, cards and weights."""
    package = Path(__file__).resolve().parent.parent
    folders = [package / name for name in ("records", "traces", "protocols", "judging", "scoring", "text", "board")]
    files = [file for folder in (*folders, shipped("judges")) for file in folder.rglob("*")]
    content = hashlib.sha256()
    for file in sorted(files):
        if file.is_file() and "__pycache__" not in file.parts:
            content.update(file.read_bytes())
    return content.hexdigest()
