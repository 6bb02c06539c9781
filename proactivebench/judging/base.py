"""The judge contract: items go in, opinions come out. One contract owns the prompt and the parser of its verdict."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple

from proactivebench.parameters import Parameters
from proactivebench.records import (
    Design,
    JudgeIdentity,
    Moment,
    ReplyKey,
    Stratum,
    Task,
    Trace,
    Usage,
    VerdictStatus,
    question_hash,
)


@dataclass(frozen=True, slots=True)
class Item:
    """One thing to decide: a proposal (None = the agent stayed silent) at a moment. `key` is the reply's;
    `candidate` is its place among the reply's proposals (−1 for silence)."""

    moment: Moment
    proposal: str | None
    key: ReplyKey
    candidate: int = -1
    judge_repeat: int = 0

    @property
    def question(self) -> str:
        """16 hex digits over what the judge is asked."""
        return question_hash(self.moment, self.proposal)


@dataclass(frozen=True, slots=True)
class Opinion:
    """What a judge says of one item. `judge` names the member that decided; `cause` says why nothing is scored."""

    status: VerdictStatus
    judge: str
    probability: float | None = None
    reason: str | None = None
    cause: str | None = None
    usage: Usage | None = None
    latency_s: float | None = None
    clipped: int = 0
    spread: float | None = None


class Ballot(NamedTuple):
    """What people said of one offer at a turn of a trace: their votes, with the pseudonym behind each where known."""

    turn: int
    text: str
    votes: tuple[bool, ...]
    annotators: tuple[str, ...] = ()


class Estimate(NamedTuple):
    """What deciding items will take at least: requests to models, about so many prompt tokens (characters / 4) and at
    most so many completion tokens, without second attempts."""

    requests: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0

    def plus(self, other: Estimate) -> Estimate:
        """Both together."""
        return Estimate(*(one + two for one, two in zip(self, other, strict=True)))


class Judge(ABC):
    """Decides for the user. `identity` goes into the manifest and names the verdict file. With `lockstep` (local
    judges, engines in process) items come in batches, one at a time; without (served models) each as soon as it is
    there, many calls of `judge` at once: the engine bounds its own concurrency."""

    identity: JudgeIdentity
    lockstep: bool = True

    def check(self, task: Task) -> None:
        """Refuse (`UsageError`) before the first request what this judge cannot decide on `task`."""

    def hear(self, votes: Mapping[Trace, Sequence[Ballot]]) -> None:
        """Before it is measured: what people said of the offers of these traces, which carry no labels. Only a judge
        that goes by a person's earlier votes listens, and it uses none on what it is asked about or after it."""

    def attach(self, parameters: Parameters) -> None:
        """Before `start`, in a run: where what is found out about the servers of its models is kept."""

    async def start(self) -> dict[str, Any]:
        """Get ready (load weights, probe the server)."""
        return {}

    @abstractmethod
    async def judge(self, items: Sequence[Item]) -> list[Opinion | None]:
        """One opinion per item, in order; None where this judge has none (composition then asks the next)."""

    def deciders(self, stratum: Stratum) -> Iterator[Judge]:
        """Who in this judge can be wrong about a stratum: itself, or its members one by one."""
        if self.identity.fallible(stratum):
            yield self

    def design(self, traces: Sequence[Trace]) -> Design | None:  # noqa: ARG002
        """What measuring it on these sessions amounts to, where it records itself what it was trained on; None where
        its card has to say."""
        return None

    def estimate(self, items: Sequence[Item]) -> Estimate:  # noqa: ARG002
        """What deciding `items` will take: nothing, where no model is asked."""
        return Estimate()

    async def close(self) -> None:
        """Let go of connections and memory."""


@asynccontextmanager
async def started(judge: Judge) -> AsyncIterator[None]:
    """`judge`, started and in the end closed."""
    try:
        await judge.start()
        yield
    finally:
        await judge.close()
