"""Verdicts, read once, as arrays, and tied to the replies they were given for."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from proactivebench.errors import DataError
from proactivebench.records import JudgeIdentity, Verdict, VerdictStatus
from proactivebench.scoring.answers import ERROR, MISSING, PROPOSED, Answers

ACCEPTED, REJECTED, UNSCORED = 0, 1, 2
_CODE = {VerdictStatus.ACCEPTED: ACCEPTED, VerdictStatus.REJECTED: REJECTED, VerdictStatus.UNSCORED: UNSCORED}
_MOST_REPEATS = 1000


def infallible(member: str) -> bool:
    """Whether a member decides by people's stored labels."""
    return member.split(":")[0] == "labels"


@dataclass(frozen=True)
class Decisions:
    """A judge's verdicts: `status[slot, candidate, judge repeat]` with UNSCORED wherever there is no verdict on the
    current reply. `asked` and `failed` count the verdicts asked of members that can be wrong, and those unscored."""

    status: NDArray[np.int8]
    asked: int
    failed: int
    stale: int
    causes: dict[str, int] = field(default_factory=dict)
    members: dict[str, int] = field(default_factory=dict)

    @property
    def repeats(self) -> int:
        """Judge repeats."""
        return int(self.status.shape[2])


@dataclass
class _Lines:
    """Verdict lines as columns; 20 bytes each."""

    slot: array[int] = field(default_factory=lambda: array("q"))
    place: array[int] = field(default_factory=lambda: array("h"))
    repeat: array[int] = field(default_factory=lambda: array("h"))
    status: array[int] = field(default_factory=lambda: array("b"))
    member: array[int] = field(default_factory=lambda: array("h"))
    cause: array[int] = field(default_factory=lambda: array("h"))
    question: array[int] = field(default_factory=lambda: array("Q"))
    members: dict[str, int] = field(default_factory=dict)
    causes: dict[str, int] = field(default_factory=lambda: {"no verdict": 0})

    def read(self, answers: Answers, verdicts: Iterable[Verdict]) -> int:
        """Take in all lines on the run's moments; returns how many were on others."""
        moments, strays = answers.moments, 0
        place_of, repeats, rounds = moments.place, moments.repeats, moments.rounds
        for verdict in verdicts:
            start, length = place_of.get(verdict.trace_id, (0, 0))
            if not (
                0 <= verdict.turn < length
                and 0 <= verdict.repeat < repeats
                and 0 <= verdict.round < rounds
                and -1 <= verdict.candidate < moments.candidates
            ):
                strays += 1
                continue
            if not 0 <= verdict.judge_repeat < _MOST_REPEATS:
                raise DataError(f"judge repeat {verdict.judge_repeat} is not in 0–{_MOST_REPEATS - 1}: judge again")
            self.slot.append(((start + verdict.turn) * repeats + verdict.repeat) * rounds + verdict.round)
            self.place.append(verdict.candidate)
            self.repeat.append(verdict.judge_repeat)
            self.status.append(_CODE[verdict.status])
            self.member.append(self.members.setdefault(verdict.judge, len(self.members)))
            cause = verdict.cause or "unscored"
            self.cause.append(0 if verdict.status in _CLEAR else self.causes.setdefault(cause, len(self.causes)))
            self.question.append(_number(verdict.question))
        return strays


_CLEAR = (VerdictStatus.ACCEPTED, VerdictStatus.REJECTED)


def read_verdicts(answers: Answers, judge: JudgeIdentity, verdicts: Iterable[Verdict]) -> Decisions:
    """The decisions of `judge` on the current replies. A later verdict under the same key replaces an earlier one; one
    given for another question than the current reply poses is stale and ignored."""
    lines = _Lines()
    lines.read(answers, verdicts)
    slot = np.frombuffer(lines.slot, dtype=np.int64) if lines.slot else np.zeros(0, np.int64)
    column = {name: np.array(getattr(lines, name)) for name in ("place", "repeat", "status", "member", "cause")}
    questions = np.array(lines.question, dtype=np.uint64)

    silent = (answers.status != PROPOSED).reshape(-1)
    place = np.maximum(column["place"], 0)
    current = ((column["place"] < 0) == silent[slot]) & (questions == answers.questions[slot, place]) & (questions != 0)
    slot, place, repeat = slot[current], place[current], column["repeat"][current]

    repeats = int(repeat.max(initial=0)) + 1
    shape = (answers.status.size, answers.moments.candidates, repeats)
    status = np.full(shape, UNSCORED, dtype=np.int8)
    member = np.full(shape, -1, dtype=np.int16)
    cause = np.zeros(shape, dtype=np.int16)
    status[slot, place, repeat] = column["status"][current]
    member[slot, place, repeat] = column["member"][current]
    cause[slot, place, repeat] = column["cause"][current]
    sure = np.array([infallible(name) for name in lines.members] + [False])  # the last entry is for "no member"
    _spread_labels(status, member, sure[member[:, :, 0]])
    asked = _asked(answers, judge, repeats) & ~sure[member]
    failed = asked & (status == UNSCORED)
    return Decisions(
        status=status,
        asked=int(asked.sum()),
        failed=int(failed.sum()),
        stale=int((~current).sum()),
        causes=_named(lines.causes, cause[failed]),
        members=_named(lines.members, member[member >= 0]),
    )


def no_verdicts(answers: Answers) -> Decisions:
    """The decisions of nobody."""
    shape = (answers.status.size, answers.moments.candidates, 1)
    return Decisions(np.full(shape, UNSCORED, dtype=np.int8), asked=0, failed=0, stale=0)


def _spread_labels(status: NDArray[np.int8], member: NDArray[np.int16], sure: NDArray[np.bool_]) -> None:
    """Labels give the same verdict on every judge repeat, so one is stored for all."""
    for repeat in range(1, status.shape[2]):
        copied = sure & (member[:, :, repeat] < 0)
        status[:, :, repeat][copied] = status[:, :, 0][copied]
        member[:, :, repeat][copied] = member[:, :, 0][copied]


def _asked(answers: Answers, judge: JudgeIdentity, repeats: int) -> NDArray[np.bool_]:
    """Which verdicts the current final replies call for, (slots, candidates, judge repeats): those of the last round,
    and of the first, whose outcome is reported too. Strata that labels alone decide ask nobody who can be wrong."""
    status = answers.status.reshape(-1)
    counted = np.zeros(status.size, dtype=bool)
    counted[answers.flat(answers.last)] = True
    counted[answers.flat(np.zeros_like(answers.last))] = True
    offer = (status == PROPOSED) & counted & _fallible(judge.proposals)
    silence = (status != PROPOSED) & (status != ERROR) & (status != MISSING) & counted & _fallible(judge.silence)
    places = np.arange(answers.moments.candidates)
    wanted = offer[:, None] & (places < answers.offered.reshape(-1)[:, None]) | (silence[:, None] & (places == 0))
    return np.broadcast_to(wanted[:, :, None], (*wanted.shape, repeats))


def _fallible(source: str | None) -> bool:
    return source is not None and not all(infallible(member) for member in source.split("+"))


def _number(question: str) -> int:
    try:
        return int(question[:16], 16)
    except ValueError:
        return 0


def _named(names: dict[str, int], codes: NDArray[np.int16]) -> dict[str, int]:
    by_code = {code: name for name, code in names.items()}
    return {by_code[code]: count for code, count in sorted(Counter(codes.tolist()).items())}
