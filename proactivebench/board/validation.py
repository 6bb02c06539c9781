"""Is a submission whole and well formed? Looks at nothing but its folder and the shipped index: no network, no release,
no judge. What it cannot see, `verification` recomputes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from proactivebench.board.entry import BOARD_TASKS, ENTRY, REPLIES, Entry, verdict_file
from proactivebench.board.evidence import Evidence, Finding, read_evidence
from proactivebench.errors import DataError
from proactivebench.records import SILENCE, Reply, ReplyKey, ReplyStatus, Verdict, VerdictKey
from proactivebench.traces.index import TaskStructure, task_structure

MAX_REPEATS, MAX_ROUNDS, MAX_CANDIDATES = 32, 8, 16
_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Validation:
    """The outcome for one entry: `findings` is empty where it is accepted."""

    path: Path
    key: str
    findings: tuple[Finding, ...]

    @property
    def accepted(self) -> bool:
        """Whether nothing is wrong with its form."""
        return not self.findings


def find_entries(path: Path) -> list[Path]:
    """The entry folders at `path`: itself, or all below it (`entries/<org>__<model>/<run-id>`). Links are not followed.

    Raises `DataError` where there is none.
    """
    try:
        if (path / ENTRY).exists() or (path / REPLIES).exists():
            return [path]
        root = path / "entries" if (path / "entries").is_dir() else path
        models = [item for item in sorted(root.iterdir()) if item.is_dir() and not item.name.startswith(".")]
        runs = [run for model in models if not model.is_symlink() for run in sorted(model.iterdir())]
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}") from error
    found = [run for run in runs if run.is_symlink() or (run.is_dir() and not run.name.startswith("."))]
    if not found:
        raise DataError(f"no entry at {path}: give the folder that `leaderboard prepare` wrote, or a board's folder")
    return found


def validate_entry(path: Path) -> Validation:
    """Check structure, schema, hashes, names and coverage of one entry. Raises `DataError` where it cannot be read."""
    if path.is_symlink():
        return Validation(path, path.name, (Finding("", "is a symbolic link: put the folder itself there"),))
    return validate_evidence(read_evidence(path))


def validate_evidence(evidence: Evidence) -> Validation:
    """`validate_entry` for evidence already read."""
    findings = list(evidence.findings)
    entry = evidence.entry
    if entry is not None:
        findings += _placed(evidence.path, entry)
        findings += _identified(entry)
        if not evidence.findings and entry.manifest.task.name in BOARD_TASKS:
            findings += _covered(evidence, entry)
    return Validation(evidence.path, entry.key if entry else evidence.path.name, tuple(findings))


def _placed(path: Path, entry: Entry) -> Iterator[Finding]:
    resolved = path.absolute()
    place = "/".join(resolved.parts[-2:])
    if resolved.parent.parent.name == "entries" and place != entry.key:
        yield Finding(ENTRY, f"belongs into entries/{entry.key} by what it says, and lies in entries/{place}")


def _identified(entry: Entry) -> Iterator[Finding]:
    manifest = entry.manifest
    if manifest.task.name not in BOARD_TASKS:
        yield Finding(ENTRY, f"the board takes runs on {', '.join(BOARD_TASKS)}, not on other data")
        return
    if manifest.task.data_hash != task_structure(manifest.task.name).data_hash:
        yield Finding(
            ENTRY, f"the run was made on other data than {manifest.task.name}: its data hash is not the pinned one"
        )
    if not manifest.judges:
        yield Finding(ENTRY, "names no judge: judge the run first")
    if manifest.limit is not None:
        yield Finding(ENTRY, f"the run was limited to {manifest.limit} traces: run it without --limit")
    if manifest.repeats > MAX_REPEATS:
        yield Finding(ENTRY, f"has {manifest.repeats} repeats; {MAX_REPEATS} are allowed")
    if manifest.protocol.feedback_rounds > MAX_ROUNDS or manifest.protocol.candidates > MAX_CANDIDATES:
        yield Finding(ENTRY, f"at most {MAX_ROUNDS} feedback rounds and {MAX_CANDIDATES} candidates are allowed")
    for judge in sorted(set(entry.claims) - set(manifest.judges)):
        yield Finding(ENTRY, f"claims figures under {judge}, a judge it has no verdicts of")


def _covered(evidence: Evidence, entry: Entry) -> Iterator[Finding]:
    structure = task_structure(entry.manifest.task.name)
    yield from _few(REPLIES, _replies_wrong(evidence.replies, entry, structure))
    if not evidence.findings:
        final = {reply.key: reply for reply in evidence.replies}
        for judge, verdicts in evidence.verdicts.items():
            identity = entry.manifest.judges[judge]
            asked = (identity.silence is not None, identity.proposals is not None)
            yield from _few(verdict_file(judge), verdict_faults(verdicts, final, asked))


def _replies_wrong(replies: Sequence[Reply], entry: Entry, structure: TaskStructure) -> Iterator[str]:
    protocol, repeats = entry.manifest.protocol, entry.manifest.repeats
    keys = [reply.key for reply in replies]
    counts = Counter(keys)
    turns = {trace.trace_id: len(trace.events) for trace in structure.traces}
    due = _first_rounds(structure.name, min(repeats, MAX_REPEATS))
    yield from (
        f"{_at(key)} is answered {count} times: keep one line per moment" for key, count in counts.items() if count > 1
    )
    for key, reply in zip(keys, replies, strict=True):
        if key in due:
            pass
        elif reply.trace_id not in turns or not 0 <= reply.turn < turns[reply.trace_id]:
            yield f"{_at(reply.key)} is no moment of {structure.name}"
        elif not 0 <= reply.repeat < repeats:
            yield f"{_at(reply.key)} belongs to a repeat the run does not have"
        elif not 0 <= reply.round <= min(protocol.feedback_rounds, MAX_ROUNDS):
            yield f"{_at(reply.key)} belongs to a feedback round the protocol does not have"
        yield from _reply_wrong(reply, protocol.candidates)
    earlier = {key._replace(round=number) for key in counts for number in range(1, min(key.round, MAX_ROUNDS))}
    for key in sorted((due | earlier) - counts.keys()):
        yield f"{_at(key)} is not answered: every moment must be"


@cache
def _first_rounds(task: str, repeats: int) -> frozenset[ReplyKey]:
    """The keys that every run of a named task answers."""
    return frozenset(
        ReplyKey(trace.trace_id, turn, repeat)
        for trace in task_structure(task).traces
        for turn in range(len(trace.events))
        for repeat in range(repeats)
    )


def _reply_wrong(reply: Reply, candidates: int) -> Iterator[str]:
    if not reply.status.final:
        yield f"{_at(reply.key)} has no final answer: run the same command again"
    offers = len(reply.proposals)
    if (reply.status is ReplyStatus.PROPOSED) != (offers > 0):
        yield f"{_at(reply.key)} is {reply.status} but carries {offers} proposals"
    if offers > min(candidates, MAX_CANDIDATES):
        yield f"{_at(reply.key)} offers {offers} tasks; the protocol allows {candidates}"


def verdict_faults(
    verdicts: Iterable[Verdict], final: dict[ReplyKey, Reply], asked: tuple[bool, bool]
) -> Iterator[str]:
    """What is wrong with the verdicts of one judge on the replies `final`, moment by moment. `asked`: whether the judge
    decides silences, and proposals."""
    counts = Counter(verdict.key for verdict in verdicts)
    yield from (f"{_at(key)} is judged {count} times: keep one line" for key, count in counts.items() if count > 1)
    repeats = 1 + max((min(key.judge_repeat, MAX_REPEATS) for key in counts), default=0)
    last: dict[tuple[str, int, int], int] = {}
    for answered in final:
        last[answered[:3]] = max(last.get(answered[:3], 0), answered.round)
    allowed, due = set(), set()
    for reply_key, reply in final.items():
        offers = range(len(reply.proposals)) if reply.proposals else (SILENCE,)
        keys = {VerdictKey(*reply_key, candidate, repeat) for candidate in offers for repeat in range(repeats)}
        allowed |= keys
        if last[reply_key[:3]] == reply_key.round and asked[bool(reply.proposals)]:
            due |= keys
    yield from (f"{_at(key)} is judged, but nothing was answered there" for key in counts if key not in allowed)
    yield from (f"{_at(key)} has no verdict: judge the run again" for key in sorted(due - counts.keys()))


def _at(key: ReplyKey | VerdictKey) -> str:
    """A key in words, short enough for a line."""
    said = f"{key.trace_id[:60]} turn {key.turn}"
    parts = [
        f"{name.replace('_', ' ')} {value}" for name, value in key._asdict().items() if name not in ("trace_id", "turn")
    ]
    extra = [part for part in parts if part not in ("repeat 0", "round 0", "judge repeat 0", f"candidate {SILENCE}")]
    return ", ".join([said, *extra])


def _few(file: str, messages: Iterable[str]) -> Iterator[Finding]:
    """The first findings of a file one by one, the rest as a count."""
    found = list(messages)
    yield from (Finding(file, message) for message in found[:_SHOWN])
    if len(found) > _SHOWN:
        yield Finding(file, f"and {len(found) - _SHOWN} more of this kind")
