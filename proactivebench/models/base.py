"""The contract of a model: a conversation goes in, its completion comes out. It knows no moment and no task: agents ask
it about moments, judges about answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple, Self, TypeVar

from proactivebench.errors import BadArgument
from proactivebench.parameters import Parameters
from proactivebench.records import AgentIdentity, Cause, Decoding, Note, Usage
from proactivebench.together import together

T = TypeVar("T")


class Message(NamedTuple):
    """One chat message. Roles: system, user, assistant."""

    role: str
    content: str


class Reasoned(Message):
    """An assistant message with the thoughts that led to it. They are for servers that want them back; for everybody
    else it is a message of its role and content."""

    reasoning: str | None

    def __new__(cls, role: str, content: str, reasoning: str | None = None) -> Reasoned:
        """A message that carries `reasoning` beside its text."""
        message = super().__new__(cls, role, content)
        message.reasoning = reasoning
        return message


@dataclass(frozen=True, slots=True)
class Request:
    """One conversation to complete. `schema` is the JSON schema of the answer, used where the server supports it.
    `seed` counts repeats and attempts in. `readable` says whether a text can be read as an answer, where a server
    leaves open whether it is a whole one."""

    messages: tuple[Message, ...]
    decoding: Decoding
    seed: int = 0
    schema: dict[str, Any] | None = None
    top_logprobs: int = 0
    readable: Callable[[str], bool] | None = None


class TokenLogprobs(NamedTuple):
    """One generated token and the likeliest tokens at its place, as (text, natural log-probability)."""

    token: str
    top: tuple[tuple[str, float], ...]


class Failure(StrEnum):
    """Why there is no answer. REFUSED is final (the endpoint rejects this very request); ERROR may pass on a retry."""

    REFUSED = "refused"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: `text` without reasoning (None where the call failed), how generation ended, what it cost.
    `truncated` is set where the server says `length` or the tokenizer counts the generation limit.
    `latency_s` is wall time in seconds over all `attempts`, pauses between them included, and `queue_s` the wait before
    the first, until fewer requests were in flight. `usage` sums the attempts; `dropped_turns` did not fit.
    `in_process` is set where no server stands between: an empty answer is then the model's own. `cause` and `notes` go
    into the reply as they are, and so do `confidence` and `p_need`, whatever the protocol reads from the text."""

    text: str | None
    reasoning: str | None = None
    failure: Failure | None = None
    error: str | None = None
    truncated: bool = False
    finish_reason: str | None = None
    attempts: int = 1
    usage: Usage | None = None
    latency_s: float | None = None
    queue_s: float | None = None
    dropped_turns: int = 0
    logprobs: tuple[TokenLogprobs, ...] = ()
    cause: Cause | None = None
    notes: tuple[Note, ...] = ()
    in_process: bool = False
    confidence: float | None = None
    p_need: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelCall:
    """How a model is asked for: the word of `--model` or `--judge_model` with its arguments, and how hard it may be
    asked."""

    word: str
    args: Mapping[str, str]
    concurrency: int = 16
    timeout_s: float = 120.0
    max_retries: int = 5
    batch_size: str = "1"
    device: str | None = None


class Engine:
    """What is started before it is asked and closed afterwards: a model, or whoever answers the turns of a rollout.

    With `lockstep` it is asked in batches, else each by itself.
    """

    identity: AgentIdentity
    lockstep: bool = False

    def attach(self, parameters: Parameters) -> None:
        """Before `start`, in a run: where what is found out about a server is kept, and what earlier sittings found."""

    async def start(self) -> dict[str, Any]:
        """Get ready (load weights, probe the server); returns what was found out, for the manifest."""
        return {}

    async def close(self) -> None:
        """Let go of connections and memory."""


def from_arguments(kind: Callable[..., T], call: ModelCall) -> T:
    """What a call asks for, of a class whose arguments are the call's by name. Raises `UsageError`."""
    try:
        return kind(**call.args)
    except TypeError as error:
        said = str(error).replace(f"{kind.__name__}.__init__()", "it")
        raise BadArgument(f"--model {call.word}: {said}: correct --model_args") from error


class Model(Engine):
    """Completes conversations. A model overrides `complete` (free-running: each conversation at its own pace) or, with
    `lockstep` set, `complete_all` (an in-process engine: a batch at a time).

    A model that overrides neither cannot be made: each of the two would only call the other.

    Both raise `UsageError` where going on makes no sense for any request (401, 403, 404, an unknown model).
    """

    def expect(self, decoding: Decoding, schema: dict[str, Any] | None = None, top_logprobs: int = 0) -> None:
        """Before `start`: requests of this kind will come, so that a server can be probed with just these."""

    @classmethod
    def of(cls, call: ModelCall) -> Model:
        """The model that a call asks for: its arguments are those of the class, by name. Raises `UsageError`."""
        return from_arguments(cls, call)

    def __new__(cls, *_args: object, **_kwargs: object) -> Self:
        """A new model. Raises `TypeError` where it could complete nothing."""
        if cls.complete is Model.complete and cls.complete_all is Model.complete_all:
            raise TypeError(f"{cls.__name__} can complete nothing: a Model overrides complete or complete_all")
        return super().__new__(cls)

    async def complete(self, request: Request) -> Answer:
        """The completion of one conversation."""
        return (await self.complete_all([request]))[0]

    async def complete_all(self, requests: Sequence[Request]) -> list[Answer]:
        """The completions of several conversations, in their order."""
        return await together(self.complete(request) for request in requests)


def add_usage(first: Usage | None, second: Usage | None) -> Usage | None:
    """The sum of two usages, field by field; None counts as nothing said."""
    if first is None or second is None:
        return first or second
    sums: dict[str, int | None] = {}
    for field in Usage.model_fields:
        a, b = getattr(first, field), getattr(second, field)
        sums[field] = None if a is None and b is None else (a or 0) + (b or 0)
    return Usage(**sums)
