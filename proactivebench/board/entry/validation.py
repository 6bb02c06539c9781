"""Is a submission whole and well formed? Looks at nothing but its folder and the shipped index: no network, no release,
no judge. What it cannot see, `verification` recomputes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import chain, islice, product
from pathlib import Path
from typing import TypeVar

from proactivebench.board.entry.bounds import (
    MAX_CANDIDATES,
    MAX_REPEATS,
    MAX_ROUNDS,
    offered_excess,
    reply_excess,
    verdict_excess,
)
from proactivebench.board.entry.escaping import plain
from proactivebench.board.entry.evidence import Evidence, Finding, read_evidence
from proactivebench.board.entry.form import BOARD_TASKS, ENTRY, REPLIES, Entry, verdict_file
from proactivebench.board.entry.rules import rule_faults
from proactivebench.errors import DataError, UsageError
from proactivebench.records import SILENCE, Reply, ReplyKey, ReplyStatus, Verdict, VerdictKey, printable
from proactivebench.traces.index import TaskStructure, task_structure

_SHOWN, _TOLD, _COUNTED = 3, 12, 1000
R = TypeVar("R", Reply, Verdict)


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
    except OSError as error:
        raise DataError(f"cannot read {plain(str(path))}: {error.strerror}") from error
    found = [run for model in models if not model.is_symlink() for run in _runs(model)]
    if not found:
        said = "give the folder that `leaderboard prepare` wrote, or a board's folder"
        raise DataError(f"no entry at {plain(str(path))}: {said}")
    return found


def board_holding(path: Path) -> Path:
    """The board that `path` is, or whose entry it is: where what maintainers find out is kept.

    Raises `UsageError` for an entry that lies on no board."""
    if (path / "entries").is_dir():
        return path
    place = path.absolute()
    if place.parent.parent.name == "entries":
        return place.parent.parent.parent
    raise UsageError(f"{plain(str(path))} lies on no board: give BOARD/entries/ORG__MODEL/RUN, or the board itself")


def _runs(model: Path) -> list[Path]:
    """The runs in a model's folder; itself where it cannot be looked into, to be refused alone."""
    try:
        inside = sorted(model.iterdir())
        return [run for run in inside if run.is_symlink() or (run.is_dir() and not run.name.startswith("."))]
    except OSError:
        return [model]


def validate_entry(path: Path) -> Validation:
    """Check structure, schema, hashes, names and coverage of one entry. Raises `DataError` where it cannot be read."""
    return validate_evidence(read_evidence(path))


def validate_evidence(evidence: Evidence, structure: TaskStructure | None = None) -> Validation:
    """`validate_entry` for evidence already read. `structure` is that of a sealed set, where it is at hand: without it
    answers to one cannot be told to be whole."""
    findings = list(evidence.findings)
    entry = evidence.entry
    if entry is not None:
        findings += _placed(evidence.path, entry)
        findings += few(ENTRY, rule_faults(entry), _TOLD)
        if not entry.sealed and entry.manifest.task.name in BOARD_TASKS:
            structure = task_structure(entry.manifest.task.name)
        if evidence.whole and structure is not None:
            findings += _covered(evidence, entry, structure)
    return Validation(evidence.path, entry.key if entry else evidence.path.name, tuple(findings))


def _placed(path: Path, entry: Entry) -> Iterator[Finding]:
    resolved = path.absolute()
    place = printable("/".join(resolved.parts[-2:]))
    if resolved.parent.parent.name == "entries" and place != entry.key:
        yield Finding(ENTRY, f"belongs into entries/{entry.key} by what it says, and lies in entries/{place}")


def _covered(evidence: Evidence, entry: Entry, structure: TaskStructure) -> Iterator[Finding]:
    yield from few(REPLIES, _replies_wrong(evidence.replies, entry, structure))
    if excess := offered_excess(evidence.replies):
        yield Finding(REPLIES, excess)
    if evidence.whole:
        final = {reply.key: reply for reply in evidence.replies}
        for judge, verdicts in evidence.verdicts.items():
            identity = entry.manifest.judges[judge]
            asked = (identity.silence is not None, identity.proposals is not None)
            wrong = chain(_excesses(verdicts, verdict_excess), verdict_faults(verdicts, final, asked))
            yield from few(verdict_file(judge), wrong)


def _excesses(records: Iterable[R], excess: Callable[[R], str | None]) -> Iterator[str]:
    for record in records:
        if name := excess(record):
            yield f"{_at(record.key)}: {name} is not what an entry may hold"


def _replies_wrong(replies: Sequence[Reply], entry: Entry, structure: TaskStructure) -> Iterator[str]:
    protocol, repeats = entry.manifest.protocol, entry.manifest.repeats
    keys = [reply.key for reply in replies]
    counts = Counter(keys)
    turns = {trace.trace_id: len(trace.events) for trace in structure.traces}
    due = _first_rounds(structure, min(repeats, MAX_REPEATS))
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
    yield from _excesses(replies, reply_excess)
    latest: dict[ReplyKey, int] = {}
    for key in counts:
        if key.round > 1:
            first = key._replace(round=0)
            latest[first] = max(latest.get(first, 0), min(key.round, MAX_ROUNDS))
    earlier = (key._replace(round=number) for key, last in latest.items() for number in range(1, last))
    for key in chain(sorted(due - counts.keys()), (key for key in earlier if key not in counts)):
        yield f"{_at(key)} is not answered: every moment must be"


@cache
def _first_rounds(structure: TaskStructure, repeats: int) -> frozenset[ReplyKey]:
    """The keys that every run of a task answers."""
    return frozenset(
        ReplyKey(trace.trace_id, turn, repeat)
        for trace in structure.traces
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
    repeats = 1 + max((min(key.judge_repeat, MAX_REPEATS - 1) for key in counts), default=0)
    asked_of: dict[tuple[str, int, int, int], range] = {}
    last: dict[tuple[str, int, int], int] = {}
    for answered, reply in final.items():
        asked_of[answered] = range(len(reply.proposals)) if reply.proposals else range(SILENCE, SILENCE + 1)
        last[answered[:3]] = max(last.get(answered[:3], 0), answered.round)
    for key in counts:
        if key.candidate not in asked_of.get(key[:4], ()) or not 0 <= key.judge_repeat < repeats:
            yield f"{_at(key)} is judged, but nothing was answered there"
    for answered, reply in final.items():
        if last[answered[:3]] != answered.round or not asked[bool(reply.proposals)]:
            continue
        for candidate, repeat in product(asked_of[answered], range(repeats)):
            if (*answered, candidate, repeat) not in counts:
                yield f"{_at(VerdictKey(*answered, candidate, repeat))} has no verdict: judge the run again"


def _at(key: ReplyKey | VerdictKey) -> str:
    """A key in words, short enough for a line."""
    said = f"{key.trace_id[:60]} turn {key.turn}"
    parts = [
        f"{name.replace('_', ' ')} {value}" for name, value in key._asdict().items() if name not in ("trace_id", "turn")
    ]
    extra = [part for part in parts if part not in ("repeat 0", "round 0", "judge repeat 0", f"candidate {SILENCE}")]
    return ", ".join([said, *extra])


def few(file: str, messages: Iterable[str], shown: int = _SHOWN) -> Iterator[Finding]:
    """The first findings of a file one by one, the rest as a count, which ends where nobody would read on."""
    found = iter(messages)
    yield from (Finding(file, message) for message in islice(found, shown))
    more = sum(1 for _ in islice(found, _COUNTED))
    if more:
        yield Finding(file, f"and {'at least ' if more == _COUNTED else ''}{more} more of this kind")
