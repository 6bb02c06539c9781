"""One annotator's votes file while it is served: what stands in it is what counts, whoever changed it last."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple, TypeVar

from proactivebench.annotation.job import end_last_line, numbered_spoken
from proactivebench.annotation.showing import Material, Progress
from proactivebench.annotation.spoken import Spoken
from proactivebench.errors import CannotWrite, DataError
from proactivebench.records import Annotator, Consent, Vote
from proactivebench.store import cannot_write

T = TypeVar("T")
Said = TypeVar("Said", bound=Spoken)


class _Stamp(NamedTuple):
    """By what a file is known to be as it was left."""

    inode: int
    size: int
    changed: int


class OpenVotes:
    """One annotator's votes file, open and held, and what it says. Its methods block.

    Raises:
        DataError: A line cannot be this person's word; file and line are named.
        CannotWrite: The file cannot be opened, or its folder is gone.
        UsageError: Another process holds it.
    """

    def __init__(self, material: Material, annotator: Annotator) -> None:
        self._file = material.folder.votes_file(annotator.pseudonym)
        if not self._file.parent.is_dir():  # a lock would make it again, elsewhere than it is now
            raise CannotWrite(_gone(self._file.parent))
        end_last_line(self._file)
        self._log = material.folder.open_votes(annotator.pseudonym)
        try:
            self.progress = hear(Progress(material, annotator), self._file)
            self._left = _stamp(self._file)
            if self._left.size == 0:
                _keep_entries(self._file.parent)
        except BaseException:
            self._log.close()
            raise

    def unchanged(self) -> bool:
        """Whether the file is as it was left here. Raises `CannotWrite` where it is no longer there."""
        return _stamp(self._file) == self._left

    def write(self, said: Vote | Consent) -> None:
        """Put one line on disk, and count it. Raises `CannotWrite`: then nothing was written."""
        self._log.append([said], sync=True)
        self._left = _stamp(self._file)
        self.progress.take(said)

    def close(self) -> None:
        """Let go of the file; one in which nothing was said is no votes file."""
        if self._left.size == 0 and self._file.exists() and self.unchanged():
            self._file.unlink(missing_ok=True)
        self._log.close()


class Voter:
    """One annotator who is served. Their file is held from their first request on.

    `turn` keeps requests of several windows apart; `trouble` is what was last told of an answer that could not be
    written.

    Args:
        material: What the job asks.
        annotator: Who it is.
    """

    def __init__(self, material: Material, annotator: Annotator) -> None:
        self.annotator = annotator
        self.turn = asyncio.Lock()
        self.trouble: str | None = None
        self._material = material
        self._votes: OpenVotes | None = None

    def do(self, work: Callable[[OpenVotes], T]) -> T:
        """What `work` gives on the file as it stands now: read again where somebody else changed it. Blocks; raises
        what `OpenVotes` does."""
        try:
            if self._votes is not None and not self._votes.unchanged():
                self.close()
            if self._votes is None:
                self._votes = OpenVotes(self._material, self.annotator)
            return work(self._votes)
        except CannotWrite as error:
            if not isinstance(error.__cause__, OSError):
                raise
            why = error.__cause__.strerror
            raise CannotWrite(
                f"cannot write in {self._material.folder.path}: {why}; what was saved is intact: make room, and it "
                "goes on by itself"
            ) from error

    def close(self) -> None:
        """Let go of the file."""
        if self._votes is not None:
            self._votes.close()
            self._votes = None


def hear(spoken: Said, file: Path) -> Said:
    """Let `spoken` take every line of a votes file, if there is one. Raises `DataError` naming the line that cannot be
    this person's word."""
    if file.exists():
        for number, said in numbered_spoken(file):
            try:
                spoken.take(said)
            except DataError as error:
                raise DataError(f"{file}:{number} cannot stand there: {error}") from None
    return spoken


def check(material: Material, pseudonym: str) -> None:
    """Read one annotator's file, if there is one. Raises `DataError` naming the line that cannot be their word."""
    file = material.folder.votes_file(pseudonym)
    end_last_line(file)
    hear(Spoken(pseudonym, material.items), file)


def _stamp(file: Path) -> _Stamp:
    try:
        with cannot_write(file):
            found = file.stat()
    except CannotWrite as error:
        if isinstance(error.__cause__, (FileNotFoundError, NotADirectoryError)):
            raise CannotWrite(_gone(file)) from None
        raise
    return _Stamp(found.st_ino, found.st_size, found.st_mtime_ns)


def _keep_entries(folder: Path) -> None:
    """Let a folder's entries outlast a power cut, where the system can."""
    with suppress(OSError):  # Windows opens no folder, and some file systems flush none
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _gone(path: Path) -> str:
    return f"{path} was moved or removed while it was served: put it back, or stop and serve it where it is now"
