"""The evidence of an entry, read and shaped: what validation, verification and the site all start from."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from proactivebench.board.entry import ENTRY, REPLIES, VERDICTS, Entry, verdict_file
from proactivebench.board.reading import (
    MAX_ENTRY_BYTES,
    MAX_PACKED_BYTES,
    Refused,
    read_plain,
    strict_json,
    unpacked_lines,
)
from proactivebench.errors import DataError
from proactivebench.records import Record, Reply, Verdict

R = TypeVar("R", bound=Record)
MAX_FILES = 20
_REPLIES, _VERDICTS = TypeAdapter(list[Reply]), TypeAdapter(list[Verdict])


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing wrong with a submission: which file of it, and what to mend. Both may quote hostile text."""

    file: str
    message: str


@dataclass(slots=True)
class Evidence:
    """What an entry's folder holds, as far as it could be read; `findings` says what could not, or is wrong. `hashes`
    are the sha256 of the files read, by name."""

    path: Path
    entry: Entry | None = None
    replies: list[Reply] = field(default_factory=list)
    verdicts: dict[str, list[Verdict]] = field(default_factory=dict)
    hashes: dict[str, str] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)

    @property
    def digest(self) -> str:
        """What the entry is known by: the hash of its `entry.json`."""
        return self.hashes.get(ENTRY, "")

    def refuse(self, file: str, message: str) -> None:
        """Add a finding."""
        self.findings.append(Finding(file, message))


def read_evidence(path: Path) -> Evidence:
    """Read the entry in folder `path`, whatever it holds. Raises `DataError` only where the folder or its `entry.json`
    cannot be read at all."""
    evidence = Evidence(path)
    files = list_files(evidence)
    if ENTRY not in files:
        if not evidence.findings:
            raise DataError(f"{path} is no entry: it has no {ENTRY}; give the folder that `leaderboard prepare` wrote")
        return evidence
    evidence.entry = _read_entry(evidence)
    if evidence.entry is None:
        return evidence
    expected = {REPLIES} | {verdict_file(judge) for judge in evidence.entry.manifest.judges}
    for name in sorted(set(files) - expected - {ENTRY}):
        evidence.refuse(name, "does not belong into an entry: remove it")
    for name in sorted(expected - set(evidence.entry.evidence)):
        evidence.refuse(ENTRY, f"evidence does not name {name}: prepare the entry again")
    for name in sorted(set(evidence.entry.evidence) - expected):
        evidence.refuse(ENTRY, f"evidence names {name}, which is neither the replies nor the verdicts of a judge named")
    evidence.replies = _read_records(evidence, REPLIES, _REPLIES)
    for judge in sorted(evidence.entry.manifest.judges):
        evidence.verdicts[judge] = _read_records(evidence, verdict_file(judge), _VERDICTS)
    return evidence


def list_files(evidence: Evidence) -> list[str]:
    """The relative names of all files of an entry; links and strange folders become findings and are not entered."""
    try:
        found = sorted(_walk(evidence, evidence.path, ""))
    except OSError as error:
        raise DataError(f"cannot read {evidence.path}: {error.strerror}") from error
    if len(found) > MAX_FILES:
        evidence.refuse("", f"holds more than {MAX_FILES} files")
        return []
    return found


def _walk(evidence: Evidence, folder: Path, prefix: str) -> Iterator[str]:
    for item in islice(folder.iterdir(), MAX_FILES + 1):
        name = prefix + item.name
        if item.is_symlink():
            evidence.refuse(name, "is a symbolic link: put the file itself there")
        elif item.is_dir():
            if name == VERDICTS:
                yield from _walk(evidence, item, f"{name}/")
            else:
                evidence.refuse(name, "is a folder that does not belong into an entry: remove it")
        else:
            yield name


def _read_entry(evidence: Evidence) -> Entry | None:
    try:
        content = read_plain(evidence.path / ENTRY, MAX_ENTRY_BYTES)
        evidence.hashes[ENTRY] = hashlib.sha256(content).hexdigest()
        return Entry.model_validate(strict_json(content), strict=False)
    except Refused as error:
        evidence.refuse(ENTRY, str(error))
    except ValidationError as error:
        for problem in error.errors(include_url=False, include_input=False)[:10]:
            place = ".".join(str(part) for part in problem["loc"])[:200]
            said = "is a field that entries do not have" if problem["type"] == "extra_forbidden" else problem["msg"]
            evidence.refuse(ENTRY, f"{place}: {said}")
    return None


def _read_records(evidence: Evidence, name: str, adapter: TypeAdapter[list[R]]) -> list[R]:
    assert evidence.entry is not None  # noqa: S101 - callers read the entry first
    stated = evidence.entry.evidence.get(name)
    records: list[R] = []
    try:
        if not (evidence.path / name).is_symlink() and not (evidence.path / name).exists():
            raise Refused("is missing: prepare the entry again")
        packed = read_plain(evidence.path / name, MAX_PACKED_BYTES)
        evidence.hashes[name] = hashlib.sha256(packed).hexdigest()
        if stated and (len(packed), evidence.hashes[name]) != (stated.bytes, stated.sha256):
            evidence.refuse(name, f"is not the file that {ENTRY} names: its hash or size differs")
        lines = [_value(number, text) for number, text in enumerate(unpacked_lines(packed), 1)]
        records = _validated(lines, adapter)
    except Refused as error:
        evidence.refuse(name, str(error))
    if stated and not evidence.findings and len(records) != stated.records:
        evidence.refuse(name, f"holds {len(records)} records; {ENTRY} says {stated.records}")
    return records


def _value(number: int, text: bytes) -> Any:
    try:
        return strict_json(text)
    except Refused as error:
        raise Refused(f"line {number} {error}") from error


def _validated(lines: list[Any], adapter: TypeAdapter[list[R]]) -> list[R]:
    try:
        return adapter.validate_python(lines)
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False)[0]
        line, *place = problem["loc"]
        where = ".".join(str(part) for part in place)[:100]
        raise Refused(f"line {int(line) + 1}: {where}: {problem['msg']}") from error
