"""What a run was asked: identities of data, agent, protocol and judge, and the manifest."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, StrictInt, field_validator, model_validator

from proactivebench.records import formats
from proactivebench.records.activity import NeedRule
from proactivebench.records.base import Record
from proactivebench.records.measurement import Fingerprint, Measured, Measurement, MeasurementStatus


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


class Code(Record):
    """Where code from outside this package came from: the distribution (or the file, or the module) with its version,
    and the sha256 of its source; None where there was none to read."""

    package: str
    version: str | None = None
    sha256: str | None = None


class AgentIdentity(Record):
    """Who answers: the `--model` word, its arguments without secrets, and the name a table shows; `code` is that of an
    agent or model from outside this package."""

    model: str
    model_args: dict[str, str] = {}
    name: str
    code: Code | None = None


class ProtocolIdentity(Record):
    """How a moment becomes a conversation. `hash` covers every text and rule, the feedback judge included."""

    name: str
    version: str
    hash: str
    history: str
    candidates: int = 1
    feedback_rounds: int = 0
    feedback_judge: str | None = None
    code: Code | None = None  # of a protocol from outside this package; it counts in the hash


class Decoding(Record):
    """How the agent generates. Names as in lm-eval's `--gen_kwargs`; `extra` is passed through."""

    temperature: float = Field(default=0.0, ge=0)
    top_p: float | None = Field(default=None, gt=0, le=1)
    max_gen_toks: int = Field(default=1024, gt=0)
    until: tuple[str, ...] = ()
    extra: dict[str, Any] = {}


Stratum = Literal["silence", "proposals"]


class JudgeMember(Record):
    """One source of verdicts in a judge: `stratum` is what it decides (one that decides both stands there twice),
    `name` what its verdicts say decided, `kind` its card's kind (`labels` are people's votes, read by `rule`), and
    `fallible` whether it can be wrong."""

    stratum: Stratum
    name: str
    kind: str
    rule: NeedRule | None = None
    fallible: bool = True
    code: Code | None = None  # of a kind from outside this package

    @property
    def people(self) -> bool:
        """Whether stored votes of people decide."""
        return self.kind == "labels"


class JudgeWords(Record):
    """How a judge was asked for, in the words of `--judge`, `--judge_model`, `--judge_model_args` and
    `--judge_gen_kwargs`; never a key."""

    judge: str
    model: str | None = None
    model_args: dict[str, str] = {}
    gen_kwargs: dict[str, Any] = {}


class JudgeIdentity(Record):
    """Who decides. `id` is name-hash8: file name, lm-eval filter name and board key alike. `silence` and `proposals`
    spell the source of each for people (None = nobody is asked); `members` say what those sources are, in the order of
    each chain. `baseline` rows are never ranked. `weights` are those declared for the model behind a judge that is
    known by them, or `undeclared`; `runtime` (numeric type, engine) and `words` are recorded and make it no other
    judge."""

    id: str
    name: str
    hash: str
    silence: str | None = None
    proposals: str | None = None
    members: tuple[JudgeMember, ...] = ()
    baseline: bool = False
    deterministic: bool = False
    model: str | None = None
    weights: str | None = None
    runtime: dict[str, str] = {}
    words: JudgeWords | None = None
    card: dict[str, Any] = {}

    @model_validator(mode="after")
    def _members_for_what_is_asked(self) -> JudgeIdentity:
        if "members" not in self.model_fields_set:  # an older version's: told from its cards
            told = formats.judge_members({"silence": self.silence, "proposals": self.proposals, "card": self.card})
            object.__setattr__(self, "members", tuple(map(JudgeMember.model_validate, told)))
            self.model_fields_set.add("members")
            return self
        for stratum, source in (("silence", self.silence), ("proposals", self.proposals)):
            if (source is None) == any(member.stratum == stratum for member in self.members):
                raise ValueError(f"{self.id}: {stratum} by {source or 'nobody'}, and members say otherwise")
        return self

    def chain(self, stratum: Stratum) -> tuple[JudgeMember, ...]:
        """The members asked about a stratum, in their order: the first with an opinion decides."""
        return tuple(member for member in self.members if member.stratum == stratum)

    def fallible(self, stratum: Stratum) -> bool:
        """Whether anybody is asked about a stratum who can be wrong."""
        return any(member.fallible for member in self.chain(stratum))

    def infallible(self, stratum: Stratum) -> frozenset[str]:
        """What verdicts say decided where it was a member that cannot be wrong."""
        return frozenset(member.name for member in self.chain(stratum) if not member.fallible)

    @property
    def unmeasured(self) -> Measurement:
        """What its verdicts are worth where no measurement of it is known."""
        if not any(member.fallible for member in self.members):
            return Measurement(status=MeasurementStatus.PEOPLE, reason="people's own votes decide")
        if self.baseline:
            return Measurement(status=MeasurementStatus.BASELINE, reason="a baseline, which measures no usefulness")
        return Measurement(status=MeasurementStatus.UNMEASURED, reason="nobody has measured its errors")

    @property
    def label_rule(self) -> NeedRule | None:
        """The rule of the need labels that alone decide on silence; None where a judge does, or nobody."""
        chain = self.chain("silence")
        return chain[0].rule or NeedRule.UNANIMOUS if len(chain) == 1 and chain[0].people else None


class Session(Record):
    """One sitting of a run: when it started (ISO 8601, UTC), with which versions, over how many traces and repeats.
    `plugins` says what its words stood for: `agents:never`, `judges:llm`, … with the package, its version and the
    hash of its code."""

    started: str
    versions: dict[str, str]
    plugins: dict[str, Code] = {}
    limit: int | None = None
    repeats: int = 1


class Swept(Record):
    """Where a swept run comes from: the agent and the replies (sha256) it was made of, and which offers were kept:
    `rule`, the costs it was for, and per trace the threshold (None: silence)."""

    source: str
    sha256: str
    rule: str
    false_alarm: float
    miss: float
    need: NeedRule
    thresholds: dict[str, float | None] = {}
    dropped: int

    @property
    def words(self) -> str:
        """The provenance in a line."""
        given = sorted({"silent" if one is None else f"{one:g}" for one in self.thresholds.values()})
        how = f"threshold {', '.join(given)}" if given else "PRISM's rule"
        costs = f"a false alarm at {self.false_alarm:g}, a miss at {self.miss:g}"
        return f"swept from {self.source}, {how} ({costs}): {self.dropped} of its offers were made silences"


class Manifest(Record):
    """What was asked of a run. `identity` is what a resumed run must share; sessions and judges only accumulate.
    `decoding` is None where nobody knows it: answers replayed from elsewhere."""

    format: StrictInt = formats.MANIFEST  # of one that was read: the number it would be written with
    task: TaskIdentity
    agent: AgentIdentity
    protocol: ProtocolIdentity
    decoding: Decoding | None = None
    seed: int
    preset: str | None = None  # the word this was asked by (not identity)
    silence_source: str | None = None
    parameters: dict[str, Any] = {}  # what a probe of the server found: kept for the whole run (not identity)
    judge_parameters: dict[str, dict[str, Any]] = {}  # the same of the models behind each judge, by judge and model
    swept: Swept | None = None
    judges: dict[str, JudgeIdentity] = {}
    measured: tuple[
        Measured, ...
    ] = ()  # of the judges above or their members, as known when they judged (not identity)
    fingerprints: tuple[Fingerprint, ...] = ()
    sessions: tuple[Session, ...] = ()

    @field_validator("format")
    @classmethod
    def _of_any_format(cls, number: int) -> int:
        return formats.known(number, formats.MANIFEST)

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
        asked = self.model_dump(
            mode="json",
            exclude={
                "format": True,
                "task": {"spec", "source", "notes"},
                "agent": {"model_args": set(TRANSPORT_ARGS), "code": {"package", "version"}},
                "protocol": {"code": {"package", "version"}},
                "parameters": True,
                "judge_parameters": True,
                "judges": True,
                "measured": True,
                "fingerprints": True,
                "sessions": True,
                "silence_source": True,
                "preset": True,
            },
        )
        if asked["swept"] is None:  # as it was before runs could be swept
            del asked["swept"]
        for part in ("agent", "protocol"):  # of ours: as it was before anything came from elsewhere
            if asked[part]["code"] is None:
                del asked[part]["code"]
        return asked
