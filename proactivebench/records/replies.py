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
    NO_TASK_WORDS = "no_task_words"  # an offer that says in words that there is none, such as "N/A"
    FINISH_UNKNOWN = "finish_unknown"  # the server's word for how generation ended is none we know
    BYTES_REPLACED = "bytes_replaced"  # broken UTF-8, read as U+FFFD
    KEY_CUT = "key_cut"  # the API key stood in the answer and was cut out
    SWEPT = "swept"  # an offer that `sweep` made a silence: the text is still the agent's


class Cause(StrEnum):
    """Why a reply is not clean, where its status alone does not say."""

    MALFORMED = "malformed"  # unparsable: no object that can be read, or several that differ
    WRONG_TYPE = "wrong_type"  # unparsable: a number, list or dict where the task's text was due
    TEMPLATE = "template"  # unparsable: a literal of the prompt's own example, or no letter or digit in it
    ECHO = "echo"  # unparsable: a text of the harness itself, handed back
    TOO_LONG = "too_long"  # unparsable: an offer longer than any reader takes
    AFTER_CUT = "after_cut"  # truncated: an object stands before the cut, but it is not the last thing
    NO_TEXT = "no_text"  # empty: tokens were generated, and none of them is an answer
    NO_TOKENS = "no_tokens"  # error or empty: the server says that it generated nothing
    TOO_LARGE = "too_large"  # error: the request does not fit the server's context
    FAILED_INSIDE = "failed_inside"  # error: a failure reported inside a 200


class Fault(StrEnum):
    """Whose doing an unclean final reply is."""

    MODEL = "model"
    PROVIDER = "provider"


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
    """One answer of the agent at one moment. A silence has no proposals. `latency_s` is wall time over all attempts.
    `heard` is set where a run was stopped between a reply's attempts: so many answers came, and it goes on after them.
    """

    trace_id: str
    turn: int
    repeat: int = 0
    round: int = 0
    status: ReplyStatus
    cause: Cause | None = None
    proposals: tuple[str, ...] = ()
    text: str | None = None
    reasoning: str | None = None
    confidence: float | None = None
    p_need: float | None = None  # how likely the agent says that help is wanted at all
    advice: str | None = None  # what the judge's feedback told the agent before this answer (rounds from 1 on)
    notes: tuple[Note, ...] = ()
    dropped_turns: int = 0
    finish_reason: str | None = None
    attempts: int = 1
    heard: int | None = None
    usage: Usage | None = None
    latency_s: float | None = None
    queue_s: float | None = None
    error: str | None = None

    @property
    def key(self) -> ReplyKey:
        """The key under which a later line replaces an earlier one."""
        return ReplyKey(self.trace_id, self.turn, self.repeat, self.round)

    @property
    def fault(self) -> Fault | None:
        """Whose doing it is that this reply is not clean (the provider's are `refused` and an `empty` without a token
        generated); None for clean replies and for those that are not final."""
        if self.status.clean or not self.status.final:
            return None
        if self.status is ReplyStatus.REFUSED:
            return Fault.PROVIDER
        if self.status is ReplyStatus.EMPTY and self.cause is not Cause.NO_TEXT:
            generated = self.usage.completion_tokens if self.usage else None
            return Fault.MODEL if generated and self.cause is None else Fault.PROVIDER
        return Fault.MODEL
