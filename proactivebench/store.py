"""The run directory: a manifest and append-only JSONL logs that survive a crash, a full disk and a second writer."""

from __future__ import annotations

import errno
import os
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from io import FileIO
from pathlib import Path
from shutil import rmtree
from typing import Any, TypeVar

from filelock import FileLock, Timeout
from pydantic import ValidationError

from proactivebench.errors import CannotWrite, DataError, OtherRun, UsageError, WrongFile
from proactivebench.files import no_run
from proactivebench.records import (
    Fingerprint,
    HumanLabel,
    JudgeIdentity,
    Manifest,
    Measured,
    Record,
    Reply,
    ReplyKey,
    Report,
    Verdict,
    VerdictKey,
)
from proactivebench.text import BadLine, read_lines, write_lines

M = TypeVar("M", Measured, Fingerprint)
R = TypeVar("R", bound=Record)
T = TypeVar("T")

_LABELS = "human_labels.jsonl"
_SHARD = re.compile(r"\.rank\d+$")


class RunStore:
    """One run directory, for reading and for opening its logs to append.

    Ranks of a distributed run append to files of their own (`replies.rank1.jsonl`); readers see them merged.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)

    # --- the manifest -------------------------------------------------------------------------------------------------

    @property
    def manifest(self) -> Manifest:
        """What was asked. Raises `DataError` where there is no readable manifest."""
        found = read_record(
            self.path / "manifest.json", Manifest.model_validate_json, "is not a manifest this version reads"
        )
        if found is None:
            raise no_run(self.path)
        return found

    @property
    def judges(self) -> dict[str, JudgeIdentity]:
        """The judges that have given verdicts here, by id; none where there is no run yet. Raises `DataError` where the
        manifest cannot be read."""
        if not (self.path / "manifest.json").exists():
            return {}
        given = set(self.judge_ids())
        return {name: judge for name, judge in self.manifest.judges.items() if name in given}

    def begin(self, manifest: Manifest) -> Manifest:
        """Write the manifest of a new run, or add its session to an old one that was asked the same.

        Returns the manifest as stored. Raises `UsageError` naming every field that differs from the stored one, or
        where the folder holds something else. A run without any reply was a false start (a mistyped model or address):
        its manifest gives way.
        """
        with cannot_write(self.path):
            self.path.mkdir(parents=True, exist_ok=True)
        with self._manifest_lock():
            if not (self.path / "manifest.json").exists():
                self._refuse_foreign_files()
            elif any(self.path.glob("replies*.jsonl")):  # also an empty one: its writer may be at work
                stored = self.manifest
                differences = list(_differences(stored.identity(), manifest.identity()))
                if differences:
                    raise OtherRun(
                        f"{self.path} holds a run that was asked something else ({'; '.join(differences)}): "
                        "give another --output_path, or the settings it was started with"
                    )
                manifest = stored.model_copy(update={"sessions": stored.sessions + manifest.sessions})
            self._write_manifest(manifest)
        return manifest

    def amend(
        self,
        *,
        judges: Mapping[str, JudgeIdentity] | None = None,
        parameters: Mapping[str, Any] | None = None,
        measured: Iterable[Measured] = (),
        fingerprints: Iterable[Fingerprint] = (),
    ) -> Manifest:
        """Add what is not identity: judges; parameters found out that the run does not have yet; measurements and
        fingerprints of its judges, in place of earlier ones of the same judge on the same data. Returns the manifest as
        stored."""

        def change(stored: Manifest) -> Manifest:
            added = {
                "judges": {**stored.judges, **(judges or {})},
                "parameters": {**(parameters or {}), **stored.parameters},
                "measured": _latest((*stored.measured, *measured)),
                "fingerprints": _latest((*stored.fingerprints, *fingerprints)),
            }
            return stored.model_copy(update=added)

        return self.change(change)

    def change(self, change: Callable[[Manifest], Manifest]) -> Manifest:
        """Put `change` of the manifest in its place, with no other writer between; returns the manifest as stored."""
        with self._manifest_lock():
            stored = self.manifest
            manifest = change(stored)
            if manifest != stored:
                self._write_manifest(manifest)
        return manifest

    def _write_manifest(self, manifest: Manifest) -> None:
        write_whole(self.path / "manifest.json", manifest.model_dump_json(indent=2, exclude_none=True) + "\n")

    @contextmanager
    def _manifest_lock(self) -> Iterator[None]:
        with cannot_write(self.path), FileLock(self.path / ".lock", thread_local=False):
            yield

    def _refuse_foreign_files(self) -> None:
        ours = re.compile(r"\.(.*\.)?lock$|\.manifest\.json\..*$")  # logs without a manifest answer nobody knows what
        foreign = sorted(entry.name for entry in self.path.iterdir() if not ours.match(entry.name))
        if foreign:
            raise UsageError(f"{self.path} is no run but holds {foreign[0]}: give a new or empty --output_path")

    # --- reading ------------------------------------------------------------------------------------------------------

    def iter_replies(self) -> Iterator[Reply]:
        """All reply lines in file order; a later line for the same key supersedes an earlier one."""
        for file in sorted(self.path.glob("replies*.jsonl")):
            yield from read_log(file, Reply)

    def replies(self) -> dict[ReplyKey, Reply]:
        """The current reply under every key."""
        return {reply.key: reply for reply in self.iter_replies()}

    def judge_ids(self) -> list[str]:
        """Judges that have given verdicts here."""
        return sorted({_SHARD.sub("", file.stem) for file in (self.path / "verdicts").glob("*.jsonl")})

    def iter_verdicts(self, judge_id: str) -> Iterator[Verdict]:
        """All verdict lines of a judge in file order; a later line for the same key supersedes an earlier one."""
        for file in sorted((self.path / "verdicts").glob("*.jsonl")):
            if _SHARD.sub("", file.stem) == judge_id:
                yield from read_log(file, Verdict)

    def verdicts(self, judge_id: str) -> dict[VerdictKey, Verdict]:
        """The current verdict under every key."""
        return {verdict.key: verdict for verdict in self.iter_verdicts(judge_id)}

    def human_labels(self) -> tuple[HumanLabel, ...]:
        """People's labels of the run's answers, where some were kept with it."""
        file = self.path / _LABELS
        return tuple(read_log(file, HumanLabel)) if file.exists() else ()

    # --- writing ------------------------------------------------------------------------------------------------------

    def append_replies(self, shard: int | None = None) -> Appender:
        """The reply log, open and locked. Raises `UsageError` where another process holds it."""
        return Appender(self.path / f"replies{_suffix(shard)}.jsonl")

    def append_verdicts(self, judge_id: str, shard: int | None = None) -> Appender:
        """A judge's verdict log, open and locked. Raises `UsageError` where another process holds it."""
        with cannot_write(self.path):
            (self.path / "verdicts").mkdir(exist_ok=True)
        return Appender(self.path / "verdicts" / f"{judge_id}{_suffix(shard)}.jsonl")

    def keep_labels(self, labels: Iterable[HumanLabel], report: Report) -> Path:
        """Keep people's labels of the run's answers with it, in place of earlier ones. Raises `DataError` where its
        `report` has none of the answers that they are on."""
        if any(one.people and one.people.elsewhere for one in report.judges):
            raise DataError(
                f"{self.path} has none of the answers that these labels are on: give the labels of this run"
            )
        return write_whole(self.path / _LABELS, write_lines(labels).decode())

    def write_report(self, report: Report) -> Path:
        """Write `report.json` whole or not at all."""
        return write_whole(self.path / "report.json", report.model_dump_json(indent=2) + "\n")


class Appender:
    """A JSONL log open for appending whole lines, held by one writer through a lock of the operating system on a file
    beside it, which goes with its process. Use as a context manager."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = FileLock(path.with_name(f".{path.name}.lock"), timeout=0, thread_local=False)
        with cannot_write(path):
            try:
                self._lock.acquire()
            except Timeout:
                raise UsageError(f"{path} is being written by another process: wait for it, or stop it") from None
            try:
                self._file = path.open("a+b", buffering=0)
                self._end = _end_of_last_line(self._file)
                self._file.truncate(self._end)
            except BaseException:
                self._lock.release()
                raise

    def append(self, records: Iterable[Record], *, sync: bool = False) -> None:
        """Append one line per record; with `sync` they outlast a power cut too once it returns. On a full disk the log
        ends with the last whole line; raises `CannotWrite`, also where the log is no longer where it was opened."""
        lines = write_lines(records)
        self._refuse_if_gone()
        try:
            with cannot_write(self.path):
                written = 0
                while written < len(lines):
                    written += self._file.write(lines[written:])
                if sync:
                    os.fsync(self._file.fileno())
        except CannotWrite:
            with cannot_write(self.path):
                self._file.truncate(self._end)
            raise
        self._end += len(lines)

    def _refuse_if_gone(self) -> None:
        """Raise `CannotWrite` where the path no longer leads to the open file: nobody would find what is written."""
        try:
            here = os.path.samestat(self.path.stat(), os.fstat(self._file.fileno()))
        except FileNotFoundError:
            here = False
        except OSError as error:
            raise CannotWrite(f"cannot write {self.path}: {error.strerror}") from error
        if not here:
            raise CannotWrite(
                f"{self.path} was moved or removed while it was being written: what was saved is where the folder is "
                "now; the same command with that --output_path goes on"
            )

    def close(self) -> None:
        """Close the log and let go of its lock."""
        self._file.close()
        self._lock.release()

    def __enter__(self) -> Appender:
        return self

    def __exit__(self, failure: object, *_: object) -> None:
        self._file.close()
        if failure is not None and self._end == 0:
            self.path.unlink(missing_ok=True)  # a judge that never got to decide is none of the run's judges
        self.close()


def read_record(file: Path, loads: Callable[[bytes], T], fault: str) -> T | None:
    """What a JSON file holds, as `loads` makes it of the content; None where there is no file. Raises `DataError`: what
    cannot be read, or, with `fault` ("is no job"), what pydantic refuses."""
    try:
        return loads(file.read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise DataError(f"cannot read {file}: {error.strerror}") from error
    except ValidationError as error:
        raise DataError(f"{file} {fault}: {first_problem(error)}") from error


def read_log(file: Path, kind: type[R]) -> Iterator[R]:
    """The records of a JSONL log, a torn last line left out. Raises `DataError` naming file and line."""
    return (record for _, record in numbered(file, kind.model_validate_json, "is not a record of this log"))


def numbered(file: Path, loads: Callable[[str], T], fault: str) -> Iterator[tuple[int, T]]:
    """The records of a JSONL log as `loads` makes them, each with its line's number; a torn last line is left out.
    Raises `DataError` naming file and line, with `fault` ("is no vote") where a line holds none."""
    try:
        with file.open("rb") as lines:
            yield from read_lines(filter(_whole, lines), loads)
    except OSError as error:
        raise DataError(f"cannot read {file}: {error.strerror}") from error
    except BadLine as error:
        raise DataError(f"{file}:{error.number} {fault}: {line_problem(error)}") from None


def _whole(line: bytes) -> bool:
    """Whether a line was written to its end; only the last may not have been."""
    return line.endswith(b"\n")


def write_whole(file: Path, text: str, *, private: bool = False) -> Path:
    """Write a file so that a reader finds the old or the new text, never a part; a `private` one is its owner's alone
    to read from its first byte on. Raises `CannotWrite`, also where a device or a pipe stands, which would be gone."""
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        with cannot_write(file):
            if file.exists() and not file.is_file() and not file.is_dir():
                raise CannotWrite(f"cannot write {file}: it is a device or a pipe: give the name of a file")
            with open(draft, "w", encoding="utf-8", newline="\n", opener=_private if private else None) as stream:
                stream.write(text)
                stream.flush()
                os.fsync(stream.fileno())
            _put(draft, file)
    except CannotWrite:
        draft.unlink(missing_ok=True)
        raise
    return file


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _put(draft: Path, file: Path) -> None:
    """Let `draft` take the place of `file`. Windows refuses while a reader has it open: it soon has not."""
    for _ in range(100 if os.name == "nt" else 0):
        try:
            draft.replace(file)
            return
        except PermissionError:
            time.sleep(0.02)
    draft.replace(file)


def refuse_full(folder: Path) -> None:
    """Raise `WrongFile` where a folder to be made is there already and holds something, or a file stands there."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise WrongFile(f"{folder} is there already and not empty: give a new or empty --output_path")


@contextmanager
def whole_folder(folder: Path) -> Iterator[None]:
    """Make a folder that is filled in the block: where that fails, nothing of it is left.

    Raises `WrongFile` where it holds something (see `refuse_full`), `CannotWrite` where it cannot be made.
    """
    refuse_full(folder)
    new = not folder.exists()
    try:
        with cannot_write(folder):
            folder.mkdir(parents=True, exist_ok=True)
        yield
    except BaseException:
        rmtree(folder, ignore_errors=True)
        if not new:
            folder.mkdir(exist_ok=True)
        raise


@contextmanager
def cannot_write(path: Path) -> Iterator[None]:
    """Turn an `OSError` while writing `path` into `CannotWrite` with the reason and what to do."""
    try:
        yield
    except OSError as error:
        remedy = "close other programs' files or raise the limit of open files"
        if error.errno not in (errno.EMFILE, errno.ENFILE):
            remedy = "make room or choose another folder"
        raise CannotWrite(
            f"cannot write {path}: {error.strerror}; what was saved is intact: {remedy}, then run the same command "
            "again"
        ) from error


def first_problem(error: ValidationError) -> str:
    """The first problem of a failed validation in a few words: where and what."""
    problem = error.errors(include_url=False, include_input=False)[0]
    place = ".".join(str(part) for part in problem["loc"] if not isinstance(part, int)) or "the line"
    if problem["type"] == "union_tag_not_found":
        return f"it has no {problem['ctx']['discriminator']}"
    if problem["type"] == "union_tag_invalid":
        told = problem["ctx"]
        return f"its {told['discriminator']} is {told['tag'][:40]!r}, not one of {told['expected_tags']}"
    if problem["type"] == "value_error":  # said in our own words, which name the place
        return problem["msg"].removeprefix("Value error, ")
    return f"{place}: {problem['msg']}"


def line_problem(error: BadLine) -> str:
    """Why a line holds no record, in a few words."""
    cause = error.__cause__
    return first_problem(cause) if isinstance(cause, ValidationError) else str(error)


def _latest(found: Iterable[M]) -> tuple[M, ...]:
    """The last of each subject."""
    return tuple({one.subject: one for one in found}.values())


def _end_of_last_line(file: FileIO) -> int:
    """Offset just behind the last newline: what follows is a line torn by a crash."""
    end = file.seek(0, os.SEEK_END)
    while end > 0:
        start = max(0, end - 65_536)
        file.seek(start)
        newline = file.read(end - start).rfind(b"\n")
        if newline >= 0:
            return start + newline + 1
        end = start
    return 0


def _differences(stored: Any, asked: Any, path: str = "") -> Iterator[str]:
    if isinstance(stored, dict) and isinstance(asked, dict):
        for key in sorted(stored.keys() | asked.keys()):
            yield from _differences(stored.get(key), asked.get(key), f"{path}.{key}" if path else key)
    elif stored != asked:
        yield f"{path}: {_short(stored)} then, {_short(asked)} now"


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 40 else text[:12] + "…" + text[-8:]


def _suffix(shard: int | None) -> str:
    return "" if shard is None else f".rank{shard}"
