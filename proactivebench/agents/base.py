"""Who is asked at the turns of a rollout: a model with the protocol's words, a program, stored answers, a rule."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from proactivebench.errors import BadArgument
from proactivebench.models.base import Answer, Engine, Model, ModelCall, Request, from_arguments
from proactivebench.parameters import Parameters
from proactivebench.records import Decoding, Moment, Reply, Task
from proactivebench.together import together

if TYPE_CHECKING:
    from proactivebench.protocols.base import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn(Request):
    """What is asked at one moment of a rollout: the conversation that the protocol makes of it, and what it was made
    of. Models read the conversation alone; other actors read `moment`, the answers before it (`history`, turn by turn,
    and `rounds` at this very moment) and what was told of the last (`advice`)."""

    moment: Moment
    repeat: int = 0
    round: int = 0
    history: Sequence[Sequence[Reply]] = ()
    rounds: Sequence[Reply] = ()
    advice: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Call(ModelCall):
    """How an agent is asked for: a model's call, and the protocol and the task it answers with and about."""

    protocol: Protocol | None = None
    task: Task | None = None

    @property
    def setting(self) -> tuple[Protocol, Task]:
        """The protocol and the task. Raises `UsageError` where there are none: behind a judge."""
        if self.protocol is None or self.task is None:
            raise BadArgument(f"'{self.word}' answers moments of a task and cannot stand behind a judge: name a model")
        return self.protocol, self.task


class Actor(Engine):
    """Answers the turns of a rollout, in the protocol's own form. An actor overrides `answer` (free-running: each trace
    at its own pace) or, with `lockstep` set, `answer_all` (one batch a turn over all traces).

    An actor that overrides neither cannot be made: each of the two would only call the other.

    Both raise `UsageError` where going on makes no sense for any turn.
    """

    asked_once: bool = False  # whatever it says stands: for those who would say it again, and those who remember

    def expect(self, decoding: Decoding, schema: dict[str, Any] | None = None) -> None:
        """Before `start`: turns of this kind will come."""

    @classmethod
    def of(cls, call: Call) -> Actor:
        """The actor that a call asks for: its arguments are those of the class, by name. Raises `UsageError`."""
        return from_arguments(cls, call)

    def __new__(cls, *_args: object, **_kwargs: object) -> Self:
        """A new actor. Raises `TypeError` where it could answer nothing."""
        if cls.answer is Actor.answer and cls.answer_all is Actor.answer_all:
            raise TypeError(f"{cls.__name__} can answer nothing: an Actor overrides answer or answer_all")
        return super().__new__(cls)

    async def answer(self, turn: Turn) -> Answer:
        """The answer at one turn."""
        return (await self.answer_all([turn]))[0]

    async def answer_all(self, turns: Sequence[Turn]) -> list[Answer]:
        """The answers at several turns, in their order."""
        return await together(self.answer(turn) for turn in turns)

    def released(self, moment: Moment, repeat: int) -> None:
        """Nothing more of this trace and repeat is asked (with a history of observations: of this moment)."""


class ModelAgent(Actor):
    """A model as agent: it completes the conversations that the protocol makes of moments."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.identity = model.identity

    @property
    def lockstep(self) -> bool:  # type: ignore[override] # some models find out only when they start
        """As the model works."""
        return self.model.lockstep

    def expect(self, decoding: Decoding, schema: dict[str, Any] | None = None) -> None:
        """As the model is told."""
        self.model.expect(decoding, schema)

    def attach(self, parameters: Parameters) -> None:
        """To the model."""
        self.model.attach(parameters)

    async def start(self) -> dict[str, Any]:
        """Start the model."""
        return await self.model.start()

    async def answer(self, turn: Turn) -> Answer:
        """What the model says."""
        return await self.model.complete(turn)

    async def answer_all(self, turns: Sequence[Turn]) -> list[Answer]:
        """What the model says, in one batch."""
        return await self.model.complete_all(turns)

    async def close(self) -> None:
        """Close the model."""
        await self.model.close()
