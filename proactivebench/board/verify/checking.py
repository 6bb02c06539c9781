"""Many entries at once: what `leaderboard validate` and `leaderboard verify` go through."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import nullcontext, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from proactivebench.board.entry.evidence import Evidence, Finding, broken_off, read_evidence
from proactivebench.board.entry.form import ENTRY
from proactivebench.board.entry.spelling import misspelt
from proactivebench.board.entry.validation import Validation, find_entries, validate_evidence
from proactivebench.board.verify.formats import UNREADABLE, Said
from proactivebench.errors import DataError, ProactiveBenchError
from proactivebench.records import printable

if TYPE_CHECKING:
    from proactivebench.board.verify.copies import Offers
    from proactivebench.board.verify.sealed import SealedTask
    from proactivebench.board.verify.second_judge import SecondJudge
    from proactivebench.board.verify.verification import Verification
    from proactivebench.judging import Judge
    from proactivebench.records import Task

UNSEALED = "answers a sealed set whose labels are not at hand: the maintainers who have them give --labels FILE"
_Validated: TypeAlias = "tuple[Said, Evidence | None, Validation | None]"


def validate_all(path: Path) -> list[Said]:
    """Validate every entry at `path`. Raises `DataError` where there is none."""
    return [_validated(folder)[0] for folder in find_entries(path)]


def verify_all(
    path: Path,
    *,
    against: Path | None = None,
    second_judge: Judge | None = None,
    record: Path | None = None,
    sealed: Mapping[str, SealedTask] | None = None,
) -> Iterator[Said]:
    """Verify every entry at `path`, compared with those at `against` (default: the board it lies in). `second_judge`
    decides what no local judge can; its opinion is kept in the board at `record`. `sealed` are the sets whose labels
    are at hand, by data hash: answers to these are scored, and no label is told.

    Raises `DataError` where there is no entry, and what `SecondJudge.look` raises."""
    from proactivebench.board.verify.copies import all_twins, read_originals
    from proactivebench.board.verify.second_judge import SecondJudge
    from proactivebench.board.verify.verification import verify_evidence
    from proactivebench.traces import load_task

    folders = find_entries(path)
    board = _board_of(path, against, folders)
    alone = {folder: _validated(folder) for folder in folders[:1] if len(folders) == 1}  # read once
    mine = _offers(folders, alone)
    others = mine if board is folders else _offers([place for place in board if place not in mine], {})
    originals = read_originals(_home(against or path))
    known = [one for one in others.values() if one]
    offered = {folder: one for folder, one in mine.items() if one}
    like = dict(zip(offered, all_twins(list(offered.values()), known, originals), strict=True))
    spelt = misspelt([one.key for one in offered.values()], [one.key for one in known], originals)
    tasks: dict[str, Task] = {}
    with SecondJudge(second_judge) if second_judge else nullcontext() as second:
        for folder in folders:
            validated, evidence, validation = alone.get(folder) or _validated(folder)
            if evidence is None or evidence.entry is None or not validated.passed:
                yield validated
                continue
            if evidence.entry.sealed:
                yield _sealed(validated, evidence, sealed or {}, like.get(folder, ()), spelt, originals)
                continue
            name = evidence.entry.manifest.task.name
            tasks[name] = tasks.get(name) or load_task(name)
            try:
                verification = verify_evidence(evidence, tasks[name], (), second, validation=validation)
            except Exception as error:
                if second and isinstance(error, ProactiveBenchError):  # the re-judging model's fault, not the entry's
                    raise
                yield replace(validated, passed=False, word="refused", findings=(broken_off(error),))
                continue
            verification = replace(verification, twins=tuple(like.get(folder, ())))
            if said := spelt.get(verification.key):
                verification = replace(verification, findings=(*verification.findings, Finding(ENTRY, said)))
            if record and second and verification.second:
                _keep(record, evidence.digest, verification, second)
            yield _said(folder, verification, sorted(evidence.entry.manifest.judges), originals)


def _sealed(
    validated: Said,
    evidence: Evidence,
    sealed: Mapping[str, SealedTask],
    like: Sequence[tuple[str, float]],
    spelt: Mapping[str, str],
    originals: Collection[str],
) -> Said:
    """What is said of answers to a sealed set: figures over many moments, and nothing that quotes a label."""
    from proactivebench.board.verify.sealed import figures
    from proactivebench.board.verify.verification import verify_sealed

    entry = evidence.entry
    assert entry is not None  # noqa: S101 - callers looked
    known = sealed.get(entry.manifest.task.data_hash)
    if known is None:
        return replace(validated, passed=False, word="refused", findings=(Finding(ENTRY, UNSEALED),))
    try:
        found = verify_sealed(evidence, known)
    except Exception as error:  # whose words could quote anything
        said = Finding("", f"could not be checked: {type(error).__name__}")
        return replace(validated, passed=False, word="refused", findings=(said,), sealed=True)
    findings = found.findings + ((Finding(ENTRY, spelt[found.key]),) if found.key in spelt else ())
    told = _said(evidence.path, replace(found, twins=tuple(like), findings=findings), (), originals)
    if not told.passed:
        return replace(told, sealed=True)
    return replace(
        told, word="scored", remarks=(*figures(known, found.timing, evidence.replies), *told.remarks), sealed=True
    )


def _validated(folder: Path) -> _Validated:
    """What is said of an entry's form; and, where it could be looked at, the evidence that was read and the outcome."""
    name = printable(str(folder))
    try:
        evidence = read_evidence(folder)
        validation = validate_evidence(evidence)
    except DataError as error:
        return Said(name, printable(folder.name), False, UNREADABLE, (Finding("", str(error)),)), None, None
    except Exception as error:
        return Said(name, printable(folder.name), False, "refused", (broken_off(error),)), None, None
    word = "accepted" if validation.accepted else "refused"
    said = Said(name, printable(validation.key), validation.accepted, word, validation.findings)
    return said, evidence, validation


def _offers(folders: Sequence[Path], read: Mapping[Path, _Validated]) -> dict[Path, Offers | None]:
    """What the entries in `folders`, some of them `read` already, offer; None for those that are not well formed."""
    from proactivebench.board.verify.copies import offers_of

    found: dict[Path, Offers | None] = {}
    for folder in folders:
        found[folder] = None
        with suppress(Exception):  # whatever is wrong with another entry, it is no fault of this one
            validated, evidence, _ = read.get(folder) or _validated(folder)
            if validated.passed and evidence and evidence.entry:
                found[folder] = offers_of(evidence.entry, evidence.replies)
    return found


def _said(folder: Path, verification: Verification, judges: Sequence[str], originals: Collection[str]) -> Said:
    from proactivebench.board.verify.copies import explained
    from proactivebench.board.verify.decided import DISPUTED_SHARE

    remarks = list(verification.unchecked)
    remarks += [f"a copy: {explained(verification.key, twin, originals)}" for twin in verification.twins]
    disputed = verification.disputed
    for judge, looked in (verification.second or {}).items():
        share = disputed[judge]
        remarks.append(f"the re-judging model decides {share:.0%} of {looked.asked} verdicts of {judge} otherwise")
    if verification.findings:
        word = "refused"
    elif verification.twins:
        word = "copy"
    elif any(share > DISPUTED_SHARE for share in disputed.values()):
        word = "disputed"
    elif all(verification.verified(judge) for judge in judges):
        word = "verified"
    else:
        word = "recomputed"
        if not verification.second and any(found.open for found in (verification.rejudged or {}).values()):
            remarks.append("verdicts not re-judged: a changed verdict would not be noticed; no verified badge")
    passed = word in ("verified", "recomputed")
    return Said(printable(str(folder)), verification.key, passed, word, verification.findings, tuple(remarks))


def _board_of(path: Path, against: Path | None, folders: Sequence[Path]) -> Sequence[Path]:
    if against is not None:
        try:
            return find_entries(against)
        except DataError:
            if against.is_dir():
                return []  # a board that has no entry yet
            raise
    board = path.absolute().parent.parent
    if len(folders) == 1 and board.name == "entries":
        return find_entries(board)
    return folders


def _home(path: Path) -> Path:
    """The board that `path` is, or lies in."""
    near = () if (path / "entries").is_dir() else (path.absolute(), *path.absolute().parents[:2])
    return next((folder.parent for folder in near if folder.name == "entries"), path)


def _keep(record: Path, digest: str, verification: Verification, judge: SecondJudge) -> None:
    from proactivebench.board.verify.second_judge import SecondOpinion, write_opinion

    found = verification.second or {}
    opinion = SecondOpinion(
        digest=digest,
        by=judge.id,
        asked={name: again.asked for name, again in found.items()},
        disagreements={name: len(again.disagreements) for name, again in found.items()},
    )
    write_opinion(record, verification.key, opinion)
