"""Verdicts, read once, as arrays, and tied to the replies they were given for."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import islice
from operator import attrgetter

import numpy as np
from numpy.typing import NDArray

from proactivebench.errors import DataError, UnknownName
from proactivebench.naming import did_you_mean
from proactivebench.records import JudgeIdentity, Verdict, VerdictStatus
from proactivebench.scoring.answers import ERROR, MISSING, PROPOSED, Answers

ACCEPTED, REJECTED, UNSCORED = 0, 1, 2
_ACCEPTED, _REJECTED = VerdictStatus.ACCEPTED, VerdictStatus.REJECTED
_HASH = re.compile("[0-9a-f]{16}")
_PARTS = 1_000_000  # shares are read as so many parts
_MOST_REPEATS = 1000
_CHUNK = 5_000


@dataclass(frozen=True)
class Decisions:
    """A judge's verdicts: `status[slot, candidate, judge repeat]` with UNSCORED wherever there is no verdict on the
    current reply; `sure` where people's labels decided. `asked` and `failed` count the verdicts asked of members that
    can be wrong, and those unscored. `disagreement` is the mean share of panel members against their panel's verdict
    (None without a panel), `clipped` the number of verdicts on texts beyond the judge's cap. `probability` has the
    judge's, NaN where it gave none, if it was read with them (else it is empty)."""

    status: NDArray[np.int8]
    sure: NDArray[np.bool_]
    asked: int
    failed: int
    stale: int
    causes: dict[str, int] = field(default_factory=dict)
    members: dict[str, int] = field(default_factory=dict)
    decided: dict[str, dict[str, int]] = field(default_factory=dict)
    disagreement: float | None = None
    clipped: int = 0
    probability: NDArray[np.float64] = field(default_factory=lambda: np.zeros((0, 0, 0)))

    @property
    def repeats(self) -> int:
        """Judge repeats."""
        return int(self.status.shape[2])


class _Lines:
    """Verdict lines as columns, read some thousand at a time: 24 bytes each, where objects would take a kilobyte."""

    def __init__(self, answers: Answers, verdicts: Iterable[Verdict], *, probabilities: bool = False) -> None:
        self.probability = np.zeros(0)
        self.members: dict[str, int] = {}
        self.causes: dict[str, int] = {"no verdict": 0}
        self.strays = 0
        stream, parts = iter(verdicts), [np.zeros((9, 0), dtype=np.int64)]
        stated = [self.probability]
        while chunk := list(islice(stream, _CHUNK)):
            known, columns = self._columns(answers, chunk)
            parts.append(columns)
            if probabilities:
                given = [np.nan if verdict.probability is None else verdict.probability for verdict in chunk]
                stated.append(np.array(given, dtype=float)[known])
        self.probability = np.concatenate(stated)
        columns = np.concatenate(parts, axis=1)
        self.slot, self.place, self.repeat, self.status, self.member, self.cause, self.spread, self.clipped = columns[
            :8
        ]
        self.question = columns[8].view(np.uint64)

    def _columns(self, answers: Answers, chunk: list[Verdict]) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
        moments, nowhere = answers.moments, (0, 0)
        places = list(map(moments.place.get, map(attrgetter("trace_id"), chunk)))
        start, length = np.array([place or nowhere for place in places]).T
        turn, repeat, rounds = (_integers(chunk, name) for name in ("turn", "repeat", "round"))
        place, again = (_integers(chunk, name) for name in ("candidate", "judge_repeat"))
        if again.min() < 0 or again.max() >= _MOST_REPEATS:
            raise DataError(f"a judge repeat is not in 0–{_MOST_REPEATS - 1}: the verdicts are damaged; judge again")
        known = (
            ((turn >= 0) & (turn < length) & (repeat >= 0) & (repeat < moments.repeats))
            & ((rounds >= 0) & (rounds < moments.rounds))
            & ((place >= -1) & (place < moments.candidates))
        )
        self.strays += int((~known).sum())
        given = list(map(attrgetter("status"), chunk))
        status = np.array([0 if one is _ACCEPTED else 1 if one is _REJECTED else 2 for one in given])
        cause = np.zeros(len(chunk), dtype=np.int64)
        for index in np.flatnonzero(status == UNSCORED).tolist():
            cause[index] = self.causes.setdefault(chunk[index].cause or "unscored", len(self.causes))
        names = list(map(attrgetter("judge"), chunk))
        for name in names:
            self.members.setdefault(name, len(self.members))
        columns: NDArray[np.int64] = np.array(
            [
                ((start + turn) * moments.repeats + repeat) * moments.rounds + rounds,
                place,
                again,
                status,
                list(map(self.members.__getitem__, names)),
                cause,
                [-1 if verdict.spread is None else round(verdict.spread * _PARTS) for verdict in chunk],
                _integers(chunk, "clipped") > 0,
                _questions(chunk).view(np.int64),
            ]
        )[:, known]
        return known, columns


def read_verdicts(
    answers: Answers, judge: JudgeIdentity, verdicts: Iterable[Verdict], *, probabilities: bool = False
) -> Decisions:
    """The decisions of `judge` on the current replies. A later verdict under the same key replaces an earlier one; one
    given for another question than the current reply poses is stale and ignored. `probabilities` are read where asked
    for."""
    lines = _Lines(answers, verdicts, probabilities=probabilities)
    silent = (answers.status != PROPOSED).reshape(-1)
    place = np.maximum(lines.place, 0)
    asked_for = answers.questions[lines.slot, place]
    current = ((lines.place < 0) == silent[lines.slot]) & (lines.question == asked_for) & (asked_for != 0)
    where = lines.slot[current], place[current], lines.repeat[current]

    repeats = int(where[2].max(initial=0)) + 1
    shape = (answers.status.size, answers.moments.candidates, repeats)
    status = np.full(shape, UNSCORED, dtype=np.int8)
    member = np.full(shape, -1, dtype=np.int16)
    cause = np.zeros(shape, dtype=np.int16)
    status[where] = lines.status[current]
    member[where] = lines.member[current]
    cause[where] = lines.cause[current]
    probability = np.full(shape if probabilities else (0, 0, 0), np.nan)
    if probabilities:
        probability[where] = lines.probability[current]
    on_silence, on_offers = (
        np.array([name in sources for name in lines.members] + [False])  # the last entry is for "no member"
        for sources in (judge.infallible("silence"), judge.infallible("proposals"))
    )

    def sure(members: NDArray[np.int16]) -> NDArray[np.bool_]:
        return np.where(silent.reshape(-1, *[1] * (members.ndim - 1)), on_silence[members], on_offers[members])

    _spread_labels(status, member, sure(member[:, :, 0]))
    panel = current & (lines.spread >= 0)
    asked = _asked(answers, judge, repeats) & ~sure(member)
    failed = asked & (status == UNSCORED)
    return Decisions(
        status=status,
        sure=sure(member),
        asked=int(asked.sum()),
        failed=int(failed.sum()),
        stale=int((~current).sum()) + lines.strays,
        causes=_named(lines.causes, cause[failed]),
        members=_named(lines.members, member[member >= 0]),
        decided={
            stratum: _named(lines.members, given[given >= 0])
            for stratum, given in (("proposals", member[~silent]), ("silence", member[silent]))
        },
        disagreement=float(lines.spread[panel].mean()) / _PARTS if panel.any() else None,
        clipped=int(lines.clipped[current].sum()),
        probability=probability,
    )


def judge_named(wanted: str, judges: Iterable[JudgeIdentity], whose: str) -> JudgeIdentity:
    """The first of the `judges` of a run, `whose` words say which, that has an id or a name. Raises `UnknownName` with
    the nearest."""
    there = tuple(judges)
    for judge in there:
        if wanted in (judge.id, judge.name):
            return judge
    ids = [judge.id for judge in there]
    hint = did_you_mean(wanted, [*ids, *(judge.name for judge in there)])
    raise UnknownName(f"no judge {wanted} decided on {whose}: {hint}there is {', '.join(ids) or 'none'}")


def no_verdicts(answers: Answers) -> Decisions:
    """The decisions of nobody."""
    shape = (answers.status.size, answers.moments.candidates, 1)
    return Decisions(np.full(shape, UNSCORED, dtype=np.int8), np.zeros(shape, dtype=bool), asked=0, failed=0, stale=0)


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
    offer = (status == PROPOSED) & counted & judge.fallible("proposals")
    silence = (status != PROPOSED) & (status != ERROR) & (status != MISSING) & counted & judge.fallible("silence")
    places = np.arange(answers.moments.candidates)
    wanted = offer[:, None] & (places < answers.offered.reshape(-1)[:, None]) | (silence[:, None] & (places == 0))
    return np.broadcast_to(wanted[:, :, None], (*wanted.shape, repeats))


def _integers(chunk: list[Verdict], name: str) -> NDArray[np.int64]:
    try:
        return np.fromiter(map(attrgetter(name), chunk), dtype=np.int64, count=len(chunk))
    except OverflowError:
        raise DataError(f"a verdict's {name} is no sensible number: the verdicts are damaged; judge again") from None


def _questions(chunk: list[Verdict]) -> NDArray[np.uint64]:
    """Question hashes as numbers, 0 for what is no hash."""
    texts = [verdict.question for verdict in chunk]
    if not all(map(_HASH.fullmatch, texts)):
        texts = [text if _HASH.fullmatch(text) else "0" * 16 for text in texts]
    return np.frombuffer(bytes.fromhex("".join(texts)), dtype=">u8").astype(np.uint64)


def _named(names: dict[str, int], codes: NDArray[np.int16]) -> dict[str, int]:
    counts = np.bincount(codes, minlength=len(names))
    return {name: int(counts[code]) for name, code in names.items() if counts[code]}
