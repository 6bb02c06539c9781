"""What a run was asked: identities of data, agent, protocol and judge, and the manifest."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from proactivebench.records.base import Record


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

    temperature: float = Field(default=0.0, ge=0)
    top_p: float | None = Field(default=None, gt=0, le=1)
    max_gen_toks: int = Field(default=1024, gt=0)
    until: tuple[str, ...] = ()
    extra: dict[str, Any] = {}


class JudgeIdentity(Record):
    """Who decides. `id` is name-hash8: file name, lm-eval filter name and board key alike. `silence` and `proposals`
    name the source of each (None = nobody is asked); `baseline` rows are never ranked; `fallible` members can be wrong
    (labels cannot)."""

    id: str
    name: str
    hash: str
    silence: str | None = None
    proposals: str | None = None
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
    """What was asked of a run. `identity` is what a resumed run must share; sessions and judges only accumulate.
    `decoding` is None where nobody knows it: answers replayed from elsewhere."""

    format: Literal[1] = 1  # another number is another version's run: refused, never guessed at
    task: TaskIdentity
    agent: AgentIdentity
    protocol: ProtocolIdentity
    decoding: Decoding | None = None
    seed: int
    silence_source: str | None = None
    parameters: dict[str, Any] = {}  # what a probe of the server found: kept for the whole run (not identity)
    judge_parameters: dict[str, dict[str, Any]] = {}  # the same of the models behind each judge, by judge and model
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
                "judge_parameters": True,
                "judges": True,
                "sessions": True,
                "silence_source": True,
            },
        )
