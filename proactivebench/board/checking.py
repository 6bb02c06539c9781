"""Many entries at once: what `leaderboard validate` and `leaderboard verify` go through."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from proactivebench.board.saying import Said
from proactivebench.board.validation import find_entries, validate_entry

if TYPE_CHECKING:
    from proactivebench.board.verification import Verification
    from proactivebench.judging import Judge
    from proactivebench.records import Task


def validate_all(path: Path) -> list[Said]:
    """Validate every entry at `path`. Raises `DataError` where there is none to read."""
    outcomes = []
    for folder in find_entries(path):
        validation = validate_entry(folder)
        word = "accepted" if validation.accepted else "refused"
        outcomes.append(Said(str(folder), validation.key, validation.accepted, word, validation.findings))
    return outcomes


def verify_all(
    path: Path, *, against: Path | None = None, second_judge: Judge | None = None, record: Path | None = None
) -> Iterator[Said]:
    """Verify every entry at `path`, compared with those at `against` (default: the board it lies in). `second_judge`
    decides what no local judge can; its opinion is kept in the board at `record`."""
    from proactivebench.board.evidence import read_evidence
    from proactivebench.board.verification import verify_evidence
    from proactivebench.traces import load_task

    folders = find_entries(path)
    others = [read_evidence(folder) for folder in _board_of(path, against, folders) if not folder.is_symlink()]
    tasks: dict[str, Task] = {}
    for folder in folders:
        validation = validate_entry(folder)
        if not validation.accepted:
            yield Said(str(folder), validation.key, False, "refused", validation.findings)
            continue
        evidence = read_evidence(folder)
        assert evidence.entry is not None  # noqa: S101 - accepted entries have one
        name = evidence.entry.manifest.task.name
        tasks[name] = tasks.get(name) or load_task(name)
        verification = verify_evidence(evidence, tasks[name], others, second_judge)
        if record and second_judge:
            _keep(record, evidence.digest, verification, second_judge)
        yield _said(folder, verification, sorted(evidence.entry.manifest.judges))


def _said(folder: Path, verification: Verification, judges: Sequence[str]) -> Said:
    from proactivebench.board.verification import DISPUTED_SHARE

    remarks = list(verification.unchecked)
    remarks += [f"{share:.0%} of its offers are those of {key}: a copy" for key, share in verification.twins]
    disputed = verification.disputed
    remarks += [f"the re-judging model decides {share:.0%} of {judge} otherwise" for judge, share in disputed.items()]
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
        remarks.append("verdicts not re-judged: a changed verdict would not be noticed; no verified badge")
    passed = word in ("verified", "recomputed")
    return Said(str(folder), verification.key, passed, word, verification.findings, tuple(remarks))


def _board_of(path: Path, against: Path | None, folders: Sequence[Path]) -> Sequence[Path]:
    if against is not None:
        return find_entries(against)
    board = path.absolute().parent.parent
    if len(folders) == 1 and board.name == "entries":
        return find_entries(board)
    return folders


def _keep(record: Path, digest: str, verification: Verification, judge: Judge) -> None:
    from proactivebench.board.standing import SecondOpinion, write_opinion

    found = verification.second or {}
    opinion = SecondOpinion(
        digest=digest,
        by=judge.identity.id,
        asked={name: again.asked for name, again in found.items()},
        disagreements={name: len(again.disagreements) for name, again in found.items()},
    )
    write_opinion(record, verification.key, opinion)
