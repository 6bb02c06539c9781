"""What the agent answered: replies, their keys and statuses."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from proactivebench.records.base import Record


class ReplyStatus(StrEnum):
    """What became of one answer. Clean: PROPOSED, SILENT. Final but unclean: UNPARSABLE, TRUNCATED, EMPTY, REFUSED.
    Not final: ERROR."""

    PROPOSED = "proposed"
    SILENT = "silent"
    UNPARSABLE = "unparsable"
    TRUNCATED = "truncated"
    EMPTY = "empty"
    REFUSED = "refused"
    ERROR = "error"

    @property
    def clean(self) -> bool:
        """A well-formed offer or a well-formed silence."""
        return self in (ReplyStatus.PROPOSED, ReplyStatus.SILENT)

    @property
    def final(self) -> bool:
        """Never asked again."""
        return self is not ReplyStatus.ERROR


class Note(StrEnum):
    """What was odd about a reply that still has a status: kept, counted, shown."""

    NULL_STRING = "null_string"  # silence written as the text "null" or "none"
    TASK_NOT_TEXT = "task_not_text"  # a number, list or dict where the task's text was due
    FAILED_CALL = "failed_call"  # the release's own dict left in place of an answer
    EXTRA_CANDIDATES = "extra_candidates"  # more candidates than asked for; the first k count
    DUPLICATE_KEY = "duplicate_key"  # the task key given twice
    CONTEXT_DROPPED = "context_dropped"  # oldest turns left out so that the conversation fits


class Usage(Record):
    """Tokens of one answer, all attempts together; a field is None where the server does not say."""

    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    cached_tokens: int | None = None
    reasoning_tokens: int | None = None


class ReplyKey(NamedTuple):
    """What identifies a reply: trace, turn, repeat (an independent rollout), round (one answer within a moment)."""

    trace_id: str
    turn: int
    repeat: int = 0
    round: int = 0


class Reply(Record):
    """One answer of the agent at one moment. A silence has no proposals. `latency_s` is wall time over all attempts."""

    trace_id: str
    turn: int
    repeat: int = 0
    round: int = 0
    status: ReplyStatus
    proposals: tuple[str, ...] = ()
    text: str | None = None
    reasoning: str | None = None
    confidence: float | None = None
    advice: str | None = None  # what the judge's feedback told the agent before this answer (rounds from 1 on)
    notes: tuple[Note, ...] = ()
    dropped_turns: int = 0
    finish_reason: str | None = None
    attempts: int = 1
    usage: Usage | None = None
    latency_s: float | None = None
    error: str | None = None

    @property
    def key(self) -> ReplyKey:
        """The key under which a later line replaces an earlier one."""
        return ReplyKey(self.trace_id, self.turn, self.repeat, self.round)
