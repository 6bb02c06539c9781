"""The folder a build writes into: new, empty or of an earlier build, apart from the entries, and without leftovers."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from proactivebench.board.entry.escaping import plain
from proactivebench.board.entry.validation import find_entries
from proactivebench.errors import DataError, UsageError
from proactivebench.store import cannot_write

_SAID = "Written by `proactivebench leaderboard build`, which writes here again and removes what it shows no longer.\n"


@dataclass(frozen=True, slots=True)
class Kind:
    """What is built. A folder of this kind holds `marker`, or (before there were markers) a `sign`: a file and how it
    begins. `by_entry` are patterns of the files that come and go with entries."""

    marker: str
    sign: tuple[str, bytes]
    by_entry: tuple[str, ...]


SITE = Kind(
    ".proactivebench-site",
    ("board.json", b'{"format": 1, "groups": '),
    (
        "entries/*/*/index.html",
        "entries/*/*/data.js",
        "entries/*/*/users.csv",
        "data/*.js",
        "tables/*.json",
        "tables/*.csv",
        "tables/*.parquet",
    ),
)
DATASET = Kind(
    ".proactivebench-dataset",
    ("eval.yaml", b"name: ProactiveBench\n"),
    ("entries/*/*/entry.json", "entries/*/*/replies.jsonl.gz", "entries/*/*/verdicts/*.jsonl.gz"),
)


_READ = ("entries", "rejudged", "decided", "reproduced", "judges", "judges-reproduced", "fingerprints")


def check_output(output_path: Path, kind: Kind, board: Path | None = None) -> None:
    """Raises `UsageError` where `output_path` is, holds or lies among what a build of `board` reads, holds something
    that no build wrote, or has a link inside that a build would write through."""
    target = output_path.resolve()
    for place in () if board is None else {folder.resolve() for folder in _read_places(board)}:
        if target.is_relative_to(place) or place.is_relative_to(target):
            raise UsageError(
                f"{plain(str(output_path))} is no place to write: the entries of {plain(str(board))} are read there; "
                "give a folder beside them"
            )
    with cannot_write(output_path):
        if not output_path.exists():
            return
        if not output_path.is_dir():
            raise UsageError(f"{plain(str(output_path))} is a file: give a folder")
        content = [item for item in output_path.iterdir() if not item.name.startswith(".git")]
    if not content:
        return
    if not _is_of(kind, output_path):
        raise UsageError(
            f"{plain(str(output_path))} holds what no build wrote: give a new or empty folder, or empty it"
        )
    if (link := next(_links(output_path), None)) is not None:
        raise UsageError(f"{plain(str(link))} is a link, and a build writes through none: remove it")


def take_over(output_path: Path, kind: Kind) -> None:
    """Make `output_path` a folder of this kind. Raises `UsageError` where it may not become one."""
    check_output(output_path, kind)
    with cannot_write(output_path):
        output_path.mkdir(parents=True, exist_ok=True)
        (output_path / kind.marker).write_text(_SAID, encoding="utf-8")


def sweep(output_path: Path, kind: Kind, written: Collection[str]) -> None:
    """Remove what an earlier build wrote for entries that are no longer there: all files of the kind's patterns whose
    relative names are not among `written`, and the folders that this leaves empty."""
    with cannot_write(output_path):
        for pattern in kind.by_entry:
            for file in list(output_path.glob(pattern)):
                if file.relative_to(output_path).as_posix() not in written and file.is_file():
                    file.unlink()
                    _remove_empty(file.parent, output_path)


def entry_folders(board: Path) -> Sequence[Path]:
    """The entries below `board`; where they lie in no `entries/`, a site beside them is none. Raises `DataError` where
    there is no such folder."""
    try:
        found = find_entries(board)
    except DataError:
        if board.is_dir():
            return []
        raise
    return found if (board / "entries").is_dir() else [folder for folder in found if not _built(folder.parent)]


def _built(path: Path) -> bool:
    return any((path / kind.marker).is_file() for kind in (SITE, DATASET))


def _remove_empty(folder: Path, output_path: Path) -> None:
    while folder != output_path and not any(folder.iterdir()):
        folder.rmdir()
        folder = folder.parent


def _read_places(board: Path) -> Iterator[Path]:
    """The folders that hold entries only, or what maintainers found out. The board's own folder may have other things
    in it, a site too; a link among the entries is refused elsewhere and leads nowhere here."""
    yield from (board / name for name in _READ)
    for folder in entry_folders(board) if board.is_dir() else ():
        if folder.absolute().parent.parent.name == "entries":
            yield folder.absolute().parent.parent
        elif not folder.is_symlink():
            yield folder if folder == board else folder.parent


def _is_of(kind: Kind, path: Path) -> bool:
    name, start = kind.sign
    if (path / kind.marker).is_file():
        return True
    if not (path / name).is_file():
        return False
    with (path / name).open("rb") as file:
        return file.read(len(start)) == start


def _links(path: Path) -> Iterator[Path]:
    for folder, folders, files in os.walk(path):
        folders[:] = [name for name in folders if not name.startswith(".git")]
        yield from (found for name in (*folders, *files) if (found := Path(folder, name)).is_symlink())
