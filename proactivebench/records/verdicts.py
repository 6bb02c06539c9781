"""What the judge decided: verdicts, their keys, and the hash that ties one to its question."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from pydantic import Field

from proactivebench.records.activity import Moment
from proactivebench.records.base import Record, digest
from proactivebench.records.replies import Usage

SILENCE = -1  # the candidate number of a silence


class VerdictStatus(StrEnum):
    """ACCEPTED and REJECTED are verdicts; UNSCORED never is."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    UNSCORED = "unscored"


class VerdictKey(NamedTuple):
    """A reply's key, the candidate judged (SILENCE = −1 for none) and the judge repeat."""

    trace_id: str
    turn: int
    repeat: int = 0
    round: int = 0
    candidate: int = SILENCE
    judge_repeat: int = 0


class Verdict(Record):
    """The decision on one proposal or silence. `question` ties it to the exact context and proposal it was given for
    (16 hex digits); `judge` names the member that decided; `cause` says why a verdict is unscored; `clipped` counts the
    characters beyond the judge's cap; `spread` is the share of a panel's valid members against the verdict."""

    trace_id: str
    turn: int
    repeat: int = 0
    round: int = 0
    candidate: int = SILENCE
    judge_repeat: int = 0
    status: VerdictStatus
    judge: str
    question: str
    probability: float | None = Field(default=None, ge=0, le=1)
    reason: str | None = None
    cause: str | None = None
    usage: Usage | None = None
    latency_s: float | None = None
    clipped: int = 0
    spread: float | None = Field(default=None, ge=0, le=1)

    @property
    def key(self) -> VerdictKey:
        """The key under which a later line replaces an earlier one."""
        return VerdictKey(self.trace_id, self.turn, self.repeat, self.round, self.candidate, self.judge_repeat)


def question_hash(moment: Moment, proposal: str | None) -> str:
    """16 hex digits over the events so far and the proposal (None = silence): the same question has the same hash."""
    return digest([[[e.time, e.event] for e in moment.events], proposal])[:16]
