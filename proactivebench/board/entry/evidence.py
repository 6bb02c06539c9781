"""The evidence of an entry, read and shaped: what validation, verification and the site all start from."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from proactivebench.board.entry.escaping import plain
from proactivebench.board.entry.form import ENTRY, REPLIES, VERDICTS, Entry, verdict_file
from proactivebench.board.entry.reading import (
    MAX_ENTRY_BYTES,
    MAX_PACKED_BYTES,
    Allowance,
    Refused,
    read_plain,
    read_records,
    strict_json,
    unpacked_lines,
)
from proactivebench.errors import DataError
from proactivebench.records import Record, Reply, Verdict, printable

R = TypeVar("R", bound=Record)
MAX_FILES = 20
MAX_JUDGES = 12
_MAX_FINDINGS = 50
_MAX_SAID = 500


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing wrong with a submission: which file of it, and what to mend. Both may quote hostile text."""

    file: str
    message: str


def broken_off(error: Exception) -> Finding:
    """What is said of an entry that some check could not get through: it is refused, and a board stands without it."""
    return Finding("", printable(f"could not be checked: {type(error).__name__}: {error}"[:_MAX_SAID]))


class Refusal(Record):
    """An entry that is not shown, and why: (file, message) pairs that may quote hostile text."""

    folder: str
    findings: tuple[tuple[str, str], ...]


@dataclass(slots=True)
class Evidence:
    """What an entry's folder holds, as far as it could be read; `findings` says what could not, or is wrong. `whole`:
    all of it could be read, though perhaps not as `entry.json` says. `hashes` are the sha256 of the files read, by
    name."""

    path: Path
    entry: Entry | None = None
    replies: list[Reply] = field(default_factory=list)
    verdicts: dict[str, list[Verdict]] = field(default_factory=dict)
    hashes: dict[str, str] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    whole: bool = True

    @property
    def digest(self) -> str:
        """What the entry is known by: the hash of its `entry.json`."""
        return self.hashes.get(ENTRY, "")

    def refuse(self, file: str, message: str, *, readable: bool = False) -> None:
        """Add a finding, while there are few. `readable`: the file's content can be looked at all the same."""
        self.whole &= readable
        if len(self.findings) < _MAX_FINDINGS:
            self.findings.append(Finding(printable(file[:_MAX_SAID]), printable(message[:_MAX_SAID])))


def read_evidence(path: Path) -> Evidence:
    """Read the entry in folder `path`, whatever it holds. Raises `DataError` only where the folder or its `entry.json`
    cannot be read at all."""
    evidence = Evidence(path)
    if path.is_symlink():
        evidence.refuse("", "is a symbolic link: put the folder itself there")
        return evidence
    files = list_files(evidence)
    if ENTRY not in files:
        if not evidence.findings:
            said = f"is no entry: it has no {ENTRY}; give the folder that `leaderboard prepare` wrote"
            raise DataError(f"{plain(str(path))} {said}")
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
    if len(evidence.entry.manifest.judges) > MAX_JUDGES:
        evidence.refuse(ENTRY, f"names {len(evidence.entry.manifest.judges)} judges; {MAX_JUDGES} are allowed")
        return evidence
    left = Allowance()
    evidence.replies = _read_records(evidence, REPLIES, Reply, left)
    for judge in sorted(evidence.entry.manifest.judges):
        evidence.verdicts[judge] = _read_records(evidence, verdict_file(judge), Verdict, left)
    return evidence


def list_files(evidence: Evidence) -> list[str]:
    """The relative names of all files of an entry; links and strange folders become findings and are not entered."""
    try:
        found = sorted(_walk(evidence, evidence.path, ""))
    except OSError as error:
        raise DataError(f"cannot read {plain(str(evidence.path))}: {error.strerror}") from error
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
        _check_formats(strict_json(content))
        return Entry.model_validate_json(content, strict=True)
    except Refused as error:
        evidence.refuse(ENTRY, str(error))
    except ValidationError as error:
        for problem in error.errors(include_url=False, include_input=False)[:10]:
            place = ".".join(str(part) for part in problem["loc"])[:200]
            said = "is a field that entries do not have" if problem["type"] == "extra_forbidden" else problem["msg"]
            evidence.refuse(ENTRY, f"{place}: {said}")
    return None


def _check_formats(value: Any) -> None:
    """Raises `Refused` where a format is no whole number: true and 1.0 equal 1."""
    content = value if isinstance(value, dict) else {}
    for place, record in (("format", content), ("manifest.format", content.get("manifest"))):
        if isinstance(record, dict) and type(record.get("format", 1)) is not int:
            raise Refused(f"{place}: is no whole number")


def _read_records(evidence: Evidence, name: str, kind: type[R], left: Allowance) -> list[R]:
    assert evidence.entry is not None  # noqa: S101 - callers read the entry first
    stated = evidence.entry.evidence.get(name)
    records: list[R] = []
    try:
        if not (evidence.path / name).is_symlink() and not (evidence.path / name).exists():
            raise Refused("is missing: prepare the entry again")
        packed = read_plain(evidence.path / name, MAX_PACKED_BYTES)
        evidence.hashes[name] = hashlib.sha256(packed).hexdigest()
        if stated and (len(packed), evidence.hashes[name]) != (stated.bytes, stated.sha256):
            evidence.refuse(name, f"is not the file that {ENTRY} names: its hash or size differs", readable=True)
        records.extend(read_records(unpacked_lines(packed, left), kind))
    except Refused as error:
        evidence.refuse(name, str(error))
    if stated and evidence.whole and len(records) != stated.records:
        evidence.refuse(name, f"holds {len(records)} records; {ENTRY} says {stated.records}", readable=True)
    return records
