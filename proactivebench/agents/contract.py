"""The contract of an agent: at each moment of a user's activity it sees what happened so far, and acts or stays quiet.

What stands here is promised: fields and methods are added, none is renamed or taken away within a major version.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from numbers import Real
from typing import Any

from proactivebench.records import Event, Usage


class Decision(StrEnum):
    """What an agent does at a moment. `SILENT` and `WAIT` leave the user alone; `OFFER`, `ASK` and `ACT` interrupt.
    Every task of this version knows `SILENT` and `OFFER`; the others are refused until a task declares them."""

    SILENT = "silent"
    OFFER = "offer"
    ASK = "ask"
    WAIT = "wait"
    ACT = "act"


class Verdict(StrEnum):
    """What an agent was told of an earlier answer: the judge rejected it, or was heard and did not (it accepted, or
    could not say)."""

    REJECTED = "rejected"
    NOT_REJECTED = "not_rejected"


@dataclass(frozen=True, slots=True)
class Action:
    """What an agent does at a moment. `Action()` is silence; `Action(offers=["…"])` an offer.

    Args:
        offers: texts, best first; as many count as `Moment.candidates` says.
        decision: follows from `offers` where it is not given.
        p_need: how likely the user wants help at all, from 0 to 1, if the agent states it.
        p_accept: how likely the user accepts (the first of) the offers, from 0 to 1, if the agent states it: its
            stated confidence in the metrics.
        usage: tokens that this action took, if the agent counts them.

    Raises:
        TypeError: for offers that are no texts, and numbers that are none.
        ValueError: for a decision nobody knows, an offer without text, a silence with one, a probability outside 0–1.
    """

    offers: Sequence[str] = ()
    decision: Decision | str | None = None
    p_need: float | None = None
    p_accept: float | None = None
    usage: Usage | None = None

    def __post_init__(self) -> None:
        offers = (self.offers,) if isinstance(self.offers, str) else tuple(self.offers)
        if not all(isinstance(offer, str) for offer in offers):
            raise TypeError("offers are texts")
        decision = Decision(self.decision or (Decision.OFFER if offers else Decision.SILENT))
        if decision is Decision.OFFER and not offers:
            raise ValueError("an offer has a text: give offers, or decision='silent'")
        if decision in (Decision.SILENT, Decision.WAIT) and offers:
            raise ValueError(f"decision='{decision}' has no offers: leave one of the two out")
        for name in ("p_need", "p_accept"):
            object.__setattr__(self, name, _probability(name, getattr(self, name)))
        if self.usage is not None and not isinstance(self.usage, Usage):
            raise TypeError("usage is a proactivebench.Usage")
        object.__setattr__(self, "offers", offers)
        object.__setattr__(self, "decision", decision)


@dataclass(frozen=True, slots=True)
class PastAction:
    """An answer the agent gave before: at `turn`, in `round` (0 is the first answer at a moment). `verdict` and
    `reason` are what it was told of it, None where the protocol tells nothing; `readable` is false where what it
    returned was no action, so that the user saw nothing."""

    turn: int
    round: int
    offers: tuple[str, ...]
    verdict: Verdict | None = None
    reason: str | None = None
    readable: bool = True


@dataclass(frozen=True, slots=True)
class TraceStart:
    """A trace that begins. `repeat` counts independent rollouts of it; `seed` differs from repeat to repeat."""

    trace_id: str
    repeat: int = 0
    seed: int = 0
    candidates: int = 1
    feedback_rounds: int = 0


@dataclass(frozen=True, slots=True)
class Moment:
    """What an agent sees when it is asked: nothing of what comes later, and nothing of what people said about it.

    Attributes:
        trace_id: the session of a user that this is a moment of.
        turn: the number of the newest observation, from 0.
        observations: what happened so far, newest last; each has `time` (a text) and `event`.
        history: what the agent answered at earlier moments of this trace, in order, all rounds; empty where the
            protocol shows agents observations alone (`--history observations`).
        rounds: what it answered at this very moment before, with the reason it is asked again.
        candidates: how many offers count.
        repeat, round, seed: the independent rollout; the answer within the moment; a seed that counts repeats in.
    """

    trace_id: str
    turn: int
    observations: tuple[Event, ...]
    history: tuple[PastAction, ...] = ()
    rounds: tuple[PastAction, ...] = ()
    candidates: int = 1
    repeat: int = 0
    round: int = 0
    seed: int = 0

    @property
    def observation(self) -> Event:
        """The newest observation."""
        return self.observations[-1]

    @property
    def rejected(self) -> tuple[str, ...]:
        """Texts of this agent that it was told were rejected in this trace, in order."""
        past = (*self.history, *self.rounds)
        return tuple(offer for action in past if action.verdict is Verdict.REJECTED for offer in action.offers)


Acted = Action | str | Sequence[str] | None
"""What `act` may return: an action; a text, the offer as it is; several texts, best first; None for silence."""


class Agent(ABC):
    """A proactive agent. A subclass has `act`; the other methods are there to be overridden where they are of use.

    An agent may remember: `start` gives the one that lives through a trace. Anything callable that takes a `Moment` is
    an agent too, and so is any object with `act`.
    """

    def start(self, trace: TraceStart) -> Agent | Awaitable[Agent]:  # noqa: ARG002 - for those who override it
        """The agent for a trace that begins, once for each trace and repeat: a fresh one, where it remembers anything.
        By itself an agent serves all traces at once."""
        return self

    @abstractmethod
    def act(self, moment: Moment) -> Acted | Awaitable[Acted]:
        """What to do at `moment`; sync (in a thread of its own) or async. An exception is no answer: the run stays
        incomplete, and the same command asks again."""

    def remember(self, moment: Moment, action: PastAction) -> None:
        """A run is resumed in the middle of a trace: at `moment` this agent, in an earlier sitting, did `action`.
        Called after `start` for each such answer, in order; `moment.history` of later moments has them all too."""

    def close(self) -> Any:
        """The trace is over, or the run: let go of what is held. Sync or async."""


def _probability(name: str, value: object) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError(f"{name} is a number from 0 to 1")
    number = float(value)
    if not 0 <= number <= 1:
        raise ValueError(f"{name}={number:g} is no probability: give a number from 0 to 1")
    return number
