"""The nouns: all that is stored, exchanged or shown, as frozen pydantic models. The only schema in the project."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Any, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, model_validator


class Record(BaseModel):
    """A frozen record that refuses fields it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


def digest(value: Any) -> str:
    """sha256 (hex) of `value` as canonical JSON: sorted keys, no spaces, UTF-8."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


# --- what the user did --------------------------------------------------------------------------------------------


class Event(Record):
    """One thing the user did. `time` is kept as text: the release holds both Unix seconds and 'Day 1, 11:00 PM'."""

    time: str
    event: str


class TaskVotes(Record):
    """The votes people gave on one proposed task at one moment."""

    task: str
    votes: tuple[bool, ...] = Field(min_length=1)

    @property
    def accepted(self) -> bool:
        """Whether a majority accepts: two of three votes, both of two."""
        return 2 * sum(self.votes) > len(self.votes)


class MomentLabels(Record):
    """What people said about one moment. `need` is the unanimous rule, `need_majority` the majority rule
    (None where the data has one need label only: then both rules coincide)."""

    need: bool
    need_majority: bool | None = None
    tasks: tuple[TaskVotes, ...] = ()

    def needs(self, rule: NeedRule) -> bool:
        """Whether help was needed here, by `rule`."""
        if rule is NeedRule.MAJORITY and self.need_majority is not None:
            return self.need_majority
        return self.need


class NeedRule(StrEnum):
    """When a moment counts as a moment of need: some stored proposal accepted by all annotators, or by most of them."""

    UNANIMOUS = "unanimous"
    MAJORITY = "majority"


class Trace(Record):
    """One session of a user: its events in order and, where people labelled it, one label per event (or None)."""

    trace_id: str = Field(min_length=1)
    split: str = Field(min_length=1)
    events: tuple[Event, ...] = Field(min_length=1)
    labels: tuple[MomentLabels | None, ...] | None = None

    @model_validator(mode="after")
    def _one_label_per_event(self) -> Trace:
        if self.labels is not None and len(self.labels) != len(self.events):
            raise ValueError(f"{len(self.labels)} labels, {len(self.events)} events: give one per event, or null")
        return self


class Task(Record):
    """A benchmark: its traces with the provenance a reader needs to trust them. `revision` pins the data."""

    name: str
    version: str
    revision: str
    licence: str
    date: str
    source: str
    traces: tuple[Trace, ...]
    notes: tuple[str, ...] = ()

    @cached_property
    def data_hash(self) -> str:
        """sha256 over all traces with their labels: what a run was asked, and what runs must share to be compared."""
        return digest([trace.model_dump(mode="json") for trace in self.traces])

    @property
    def moments(self) -> int:
        """Number of moments (events) over all traces."""
        return sum(len(trace.events) for trace in self.traces)

    @property
    def unlabelled(self) -> int:
        """Number of moments without need labels."""
        return sum(len(t.events) if t.labels is None else sum(label is None for label in t.labels) for t in self.traces)


@dataclass(frozen=True, slots=True)
class Moment:
    """A trace up to one event (`turn`, from 0): where the agent answers and the user judges."""

    trace: Trace
    turn: int

    @property
    def events(self) -> tuple[Event, ...]:
        """The events so far, the current one last."""
        return self.trace.events[: self.turn + 1]

    @property
    def labels(self) -> MomentLabels | None:
        """What people said about this moment, if they did."""
        return None if self.trace.labels is None else self.trace.labels[self.turn]


# --- what the agent answered --------------------------------------------------------------------------------------


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


# --- what the judge decided ---------------------------------------------------------------------------------------

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


# --- what a run was asked -----------------------------------------------------------------------------------------


class TaskIdentity(Record):
    """Which data a run is about. `spec` is the `--tasks` word it was loaded by (not identity: files may move)."""

    spec: str = ""
    name: str
    version: str
    revision: str
    data_hash: str
    licence: str
    source: str
    labelled: bool
    notes: tuple[str, ...] = ()


# Arguments that say how a model is reached, not which model it is.
TRANSPORT_ARGS = frozenset(
    {"batch_size", "concurrency", "device", "max_batch_size", "max_retries", "num_concurrent", "timeout", "timeout_s"}
)


class AgentIdentity(Record):
    """Who answers: the `--model` word, its arguments without secrets, and the name a table shows."""

    model: str
    model_args: dict[str, str] = {}
    name: str


class ProtocolIdentity(Record):
    """How a moment becomes a conversation. `hash` covers every text and rule, the feedback judge included."""

    name: str
    version: str
    hash: str
    history: str
    candidates: int = 1
    feedback_rounds: int = 0
    feedback_judge: str | None = None


class Decoding(Record):
    """How the agent generates. Names as in lm-eval's `--gen_kwargs`; `extra` is passed through."""

    temperature: float = 0.0
    top_p: float | None = None
    max_gen_toks: int = 1024
    until: tuple[str, ...] = ()
    extra: dict[str, Any] = {}


class JudgeIdentity(Record):
    """Who decides. `id` is name-hash8: file name, lm-eval filter name and board key alike. `silence` and `proposals`
    name the source of each; `baseline` rows are never ranked; `fallible` members can be wrong (labels cannot)."""

    id: str
    name: str
    hash: str
    silence: str | None
    proposals: str | None
    baseline: bool = False
    deterministic: bool = False
    model: str | None = None
    card: dict[str, Any] = {}


class Session(Record):
    """One sitting of a run: when it started (ISO 8601, UTC), with which versions, over how many traces and repeats."""

    started: str
    versions: dict[str, str]
    limit: int | None = None
    repeats: int = 1


class Manifest(Record):
    """What was asked of a run. `identity` is what a resumed run must share; sessions and judges only accumulate."""

    format: int = 1
    task: TaskIdentity
    agent: AgentIdentity
    protocol: ProtocolIdentity
    decoding: Decoding
    seed: int
    silence_source: str | None = None
    parameters: dict[str, Any] = {}  # what a probe of the server found (not identity)
    judges: dict[str, JudgeIdentity] = {}
    sessions: tuple[Session, ...] = ()

    @property
    def repeats(self) -> int:
        """Independent rollouts asked for: the most any session wanted."""
        return max((session.repeats for session in self.sessions), default=1)

    @property
    def limit(self) -> int | None:
        """How many traces were asked for: the most any session wanted; None = all of them."""
        limits = [session.limit for session in self.sessions]
        return None if None in limits or not limits else max(limit for limit in limits if limit is not None)

    def identity(self) -> dict[str, Any]:
        """The part that may not change when a run resumes."""
        return self.model_dump(
            mode="json",
            exclude={
                "task": {"spec", "source", "notes"},
                "agent": {"model_args": set(TRANSPORT_ARGS)},
                "parameters": True,
                "judges": True,
                "sessions": True,
                "silence_source": True,
            },
        )


# --- what came out ------------------------------------------------------------------------------------------------


class MetricValue(Record):
    """One metric: its value (a fraction unless the metric says otherwise), or None with the reason; its 95 % interval,
    or the reason there is none; `strict` with unclean replies counted as wrong; `bounds` over unclean replies;
    `unscored_bounds` over unscored moments. `components` splits the variance into trace, sampling and judge."""

    value: float | None
    reason: str | None = None
    interval: tuple[float, float] | None = None
    interval_reason: str | None = None
    stderr: float | None = None
    design_effect: float | None = None
    strict: float | None = None
    bounds: tuple[float, float] | None = None
    unscored_bounds: tuple[float, float] | None = None
    components: dict[str, float] | None = None


class Confusion(Record):
    """Pooled counts of outcomes (fractions with repeats): offers accepted/rejected are tp/fp, silences tn/fn."""

    tp: float = 0
    fp: float = 0
    tn: float = 0
    fn: float = 0
    unscored: float = 0
    not_asked: float = 0  # silences without any source of verdicts


class SplitReport(Record):
    """Metrics and counts of one split, or of all traces pooled. `answered` counts final replies' moments over all
    repeats; `anchors` holds what the trivial agents `never` and `always` would get, where that is known."""

    traces: int
    moments: int
    metrics: dict[str, MetricValue]
    confusion: Confusion
    statuses: dict[str, int]
    notes: dict[str, int] = {}
    icc: dict[str, float] = {}
    answered: int = 0
    timed_traces: int = 0
    timed_hours: float = 0
    anchors: dict[str, dict[str, float]] = {}


class TraceTable(Record):
    """Pooled counts per trace, the unit of uncertainty: `rows[trace_id][i]` counts `columns[i]`. All that
    comparisons, gates and boards compute with."""

    columns: tuple[str, ...]
    rows: dict[str, tuple[float, ...]]


class ErrorCount(Record):
    """A judge against people on one class of validation items: `correct` of `items`."""

    correct: int = Field(ge=0)
    items: int = Field(ge=0)


class JudgeErrors(Record):
    """A judge's measured agreement with people, per stratum and class. Offers: `correct_detection` (people accept)
    and `false_alarm` (people reject); silences: `correct_rejection` and `missed_need`. None = not measured.
    `judge_hash` is the judge's whose errors these are; `leaked` if it may have seen the validation items;
    `population` says where the items came from."""

    judge_hash: str
    correct_detection: ErrorCount | None = None
    false_alarm: ErrorCount | None = None
    correct_rejection: ErrorCount | None = None
    missed_need: ErrorCount | None = None
    leaked: bool = False
    population: str
    same_population: bool = False


class HumanLabel(Record):
    """A person's decision on one answer of a run (`candidate` −1: a silence). `random` and `blind` state how it
    was collected: drawn at random from this run, and decided without seeing the judge's verdict."""

    trace_id: str
    turn: int
    repeat: int = 0
    round: int = 0
    candidate: int = SILENCE
    accepted: bool
    random: bool = False
    blind: bool = False


class Adjusted(Record):
    """Metrics corrected for the judge's errors: `method` is `judge_errors` or `prediction_powered`; `refused` says why
    there are none."""

    method: str
    metrics: dict[str, MetricValue] = {}
    refused: str | None = None
    warnings: tuple[str, ...] = ()
    details: dict[str, float] = {}


class JudgeReport(Record):
    """All metrics of one run under one judge. `valid` is false above 2 % unscored verdicts of fallible judges.

    `tables` holds the counts per trace of each view: `""` (the run's own silence source), `majority`, `unanimous`,
    `round0`, `pred1`…; `trace_splits` the split of each trace, in the task's order. `outcomes[trace_id]` is one string
    per repeat, a letter per turn: offer accepted `A`, rejected `R`, unscored `U`; silence accepted `a`, rejected `r`,
    unscored `u`; `-` not asked; `.` no final reply.
    """

    judge: JudgeIdentity
    valid: bool
    unscored_share: float
    overall: SplitReport
    splits: dict[str, SplitReport]
    causes: dict[str, int] = {}
    warnings: tuple[str, ...] = ()
    adjusted: tuple[Adjusted, ...] = ()
    verdicts: dict[str, int] = {}  # how many verdicts each member gave
    judge_repeats: int = 1
    trace_splits: dict[str, str] = {}
    tables: dict[str, TraceTable] = {}
    outcomes: dict[str, tuple[str, ...]] = {}
    extra: dict[str, Any] = {}


class Report(Record):
    """`report.json`: what a run shows, per judge. `complete` is false while any moment has no final reply."""

    format: int = 1
    task: TaskIdentity
    agent: AgentIdentity
    protocol: ProtocolIdentity
    decoding: Decoding
    seed: int
    repeats: int
    complete: bool
    moments_expected: int
    moments_answered: int
    judges: tuple[JudgeReport, ...]
    warnings: tuple[str, ...] = ()
