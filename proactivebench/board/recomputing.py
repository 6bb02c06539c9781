"""What a board knows of an entry: recomputed from its evidence, once per evidence and code."""

from __future__ import annotations

import gc
import hashlib
import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from multiprocessing import get_context
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from proactivebench.board.entry import ENTRY, Declaration
from proactivebench.board.evidence import Evidence, list_files, read_evidence
from proactivebench.board.pages import safe_json
from proactivebench.board.reading import MAX_ENTRY_BYTES, MAX_PACKED_BYTES, Refused, read_plain
from proactivebench.board.rows import COLUMNS
from proactivebench.board.tracepages import run_data
from proactivebench.board.validation import Validation, validate_evidence
from proactivebench.board.verification import verify_evidence
from proactivebench.errors import DataError
from proactivebench.garbage import collector_paused
from proactivebench.records import JudgeReport, Record, Report, SplitReport, Task, digest
from proactivebench.resources import cache_folder, shipped
from proactivebench.traces import load_task

_SHOWN = frozenset(key for key, *_ in COLUMNS) | {"accuracy", "false_discovery_rate"}
_ALONE = 8  # fewer entries than this are not worth other processes


class Refusal(Record):
    """An entry that is not shown, and why: (file, message) pairs that may quote hostile text."""

    folder: str
    findings: tuple[tuple[str, str], ...]


class Recomputed(Record):
    """An entry as a board shows it. `report` is cut to what tables and ranks need; `offers` are hashes of its offers by
    moment, to recognise copies; `rejudged` per judge: verdicts decided again, and left open; `moments` is what trace
    pages read, as text for a script."""

    key: str
    digest: str
    declared: Declaration
    report: Report
    rejudged: dict[str, tuple[int, int]]
    unchecked: tuple[str, ...]
    offers: dict[str, str]
    moments: str

    @property
    def folder(self) -> str:
        """Where the entry lies below `entries/`."""
        return self.key


_RESULT: TypeAdapter[Recomputed | Refusal] = TypeAdapter(Recomputed | Refusal)


def recompute_all(folders: Sequence[Path], processes: int | None = None) -> list[Recomputed | Refusal]:
    """Every entry recomputed, in order; what is cached for the same evidence and code is taken from there."""
    found: dict[Path, Recomputed | Refusal | None] = {folder: _cached(folder) for folder in folders}
    missing = [folder for folder, known in found.items() if known is None]
    processes = min(processes or os.cpu_count() or 1, max(1, len(missing) // _ALONE))
    if processes > 1:
        with ProcessPoolExecutor(processes, mp_context=get_context("spawn"), initializer=_settle) as pool:
            found.update(zip(missing, pool.map(recompute, missing, chunksize=4), strict=True))
    else:
        found.update((folder, recompute(folder)) for folder in missing)
    return [known for known in found.values() if known is not None]


def _settle() -> None:
    """What a worker has imported never becomes garbage: the collector need not look at it, entry after entry."""
    gc.freeze()


def recompute(folder: Path) -> Recomputed | Refusal:
    """One entry, recomputed from its evidence and remembered."""
    with collector_paused():
        return _recompute(folder)


def _recompute(folder: Path) -> Recomputed | Refusal:
    name = "/".join(folder.parts[-2:])
    if folder.is_symlink():
        return Refusal(folder=name, findings=(("", "is a symbolic link"),))
    try:
        evidence = read_evidence(folder)
    except DataError as error:
        return Refusal(folder=name, findings=(("", str(error)),))
    result = _recomputed(evidence, validate_evidence(evidence))
    if not isinstance(result, str):
        _remember(evidence, result)
        return result
    return Refusal(folder=name, findings=(("", result),))


def _recomputed(evidence: Evidence, validation: Validation) -> Recomputed | Refusal | str:
    """What the evidence comes to; a text says why that cannot be told here, which is not remembered."""
    name, entry = "/".join(evidence.path.parts[-2:]), evidence.entry
    if entry is None or not validation.accepted:
        return Refusal(folder=name, findings=tuple((f.file, f.message) for f in validation.findings))
    task = _task(entry.manifest.task.name)
    if not isinstance(task, Task):
        return f"cannot be recomputed here: {task}"
    verification = verify_evidence(evidence, task, metrics=_SHOWN, validation=validation)
    if verification.findings or verification.report is None:
        return Refusal(folder=name, findings=tuple((f.file, f.message) for f in verification.findings))
    moments = run_data(entry.key, entry.name, verification.report, evidence.replies, evidence.verdicts)
    return Recomputed(
        key=entry.key,
        digest=evidence.digest,
        declared=entry.declared,
        report=_cut(verification.report),
        rejudged={judge: (again.asked, again.open) for judge, again in (verification.rejudged or {}).items()},
        unchecked=verification.unchecked,
        offers={
            f"{reply.trace_id}/{reply.turn}/{reply.repeat}/{reply.round}": digest(reply.proposals)[:12]
            for reply in evidence.replies
            if reply.proposals
        },
        moments=safe_json(moments),
    )


def _cut(report: Report) -> Report:
    """A report with the metrics, tables and counts that a board shows."""
    return report.model_copy(update={"judges": tuple(_cut_judge(judged) for judged in report.judges)})


def _cut_judge(judged: JudgeReport) -> JudgeReport:
    changes = {
        "overall": _cut_split(judged.overall),
        "splits": {name: _cut_split(split) for name, split in judged.splits.items()},
        "tables": {view: table for view, table in judged.tables.items() if not view},
        "outcomes": {},
        "extra": {},
    }
    return judged.model_copy(update=changes)


def _cut_split(split: SplitReport) -> SplitReport:
    metrics = {key: value for key, value in split.metrics.items() if key in _SHOWN}
    return split.model_copy(update={"metrics": metrics, "anchors": {}})


@cache
def _task(name: str) -> Task | str:
    """The task, or why it cannot be had: asked once, not for every entry."""
    try:
        return load_task(name)
    except DataError as error:
        return str(error)


@cache
def _code() -> str:
    """A hash over everything that shapes the numbers: sources, cards and weights."""
    package = Path(__file__).resolve().parent.parent
    folders = [package / name for name in ("records", "traces", "protocols", "judging", "scoring", "board")]
    files = [file for folder in (*folders, shipped("judges")) for file in folder.rglob("*")]
    content = hashlib.sha256()
    for file in sorted(files):
        if file.is_file() and "__pycache__" not in file.parts:
            content.update(file.read_bytes())
    return content.hexdigest()


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


def _remembered_at(folder: Path, hashes: dict[str, str]) -> Path:
    """Where the result for exactly these files is remembered."""
    name = digest([_code(), folder.absolute().parts[-3:], hashes])
    return cache_folder() / "board" / f"{name}.json"


def _cached(folder: Path) -> Recomputed | Refusal | None:
    if folder.is_symlink():
        return None
    hashes = _hashes(folder)
    try:
        return _RESULT.validate_json(_remembered_at(folder, hashes).read_bytes()) if hashes else None
    except (OSError, ValidationError):
        return None


def _remember(evidence: Evidence, result: Recomputed | Refusal) -> None:
    """Keep a result for the next build, unless some of what it rests on could not be read."""
    if evidence.findings:
        return
    place = _remembered_at(evidence.path, evidence.hashes)
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        draft = place.with_name(f".{place.name}.{os.getpid()}")
        draft.write_text(result.model_dump_json(), encoding="utf-8")
        draft.replace(place)
    except OSError:
        return  # a cache that cannot be written costs time, nothing else
