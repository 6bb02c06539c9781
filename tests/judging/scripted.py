"""Scripted engines and small moments for tests of judges."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from proactivebench.judging import Item, Judge, Opinion
from proactivebench.models.base import Answer, Model, Request
from proactivebench.records import (
    AgentIdentity,
    Event,
    JudgeIdentity,
    Moment,
    MomentLabels,
    ReplyKey,
    Task,
    TaskVotes,
    Trace,
    VerdictStatus,
)

ACCEPT = '{"reason": "fits", "verdict": "accepted"}'
REJECT = '{"reason": "too early", "verdict": "rejected"}'


class ScriptedEngine(Model):
    """Answers from a list (the last one repeats) or a function of the request, and remembers what it was asked."""

    def __init__(
        self,
        script: Sequence[str | Answer] | Callable[[Request], str | Answer] = (ACCEPT,),
        *,
        lockstep: bool = False,
        model_args: dict[str, str] | None = None,
    ) -> None:
        self.identity = AgentIdentity(model="endpoint", model_args=model_args or {"model": "scripted"}, name="scripted")
        self.script = script
        self.lockstep = lockstep
        self.asked: list[Request] = []
        self.batches: list[int] = []
        self.starts = self.closes = 0

    async def start(self) -> dict[str, object]:
        self.starts += 1
        return {}

    async def close(self) -> None:
        self.closes += 1

    async def complete(self, request: Request) -> Answer:
        said = (
            self.script(request) if callable(self.script) else self.script[min(len(self.asked), len(self.script) - 1)]
        )
        self.asked.append(request)
        return said if isinstance(said, Answer) else Answer(said)

    async def complete_all(self, requests: Sequence[Request]) -> list[Answer]:
        self.batches.append(len(requests))
        return [await self.complete(request) for request in requests]


class ScriptedJudge(Judge):
    """Gives prepared opinions, one list per call; a callable decides per item."""

    def __init__(self, decide: Callable[[Item], Opinion | None], name: str = "scripted") -> None:
        self.identity = JudgeIdentity(id=f"{name}-00000000", name=name, hash=name, silence=name, proposals=name)
        self.decide = decide
        self.asked: list[Item] = []

    async def judge(self, items: Sequence[Item]) -> list[Opinion | None]:
        self.asked += items
        return [self.decide(item) for item in items]


def opinion(status: str, name: str = "scripted", **fields: object) -> Opinion:
    return Opinion(VerdictStatus(status), name, **fields)  # type: ignore[arg-type]


def trace(
    *texts: str, labels: Sequence[MomentLabels | None] | None = None, name: str = "t", split: str = "coding"
) -> Trace:
    events = tuple(Event(time=str(1000 + 10 * i), event=text) for i, text in enumerate(texts))
    return Trace(trace_id=name, split=split, events=events, labels=None if labels is None else tuple(labels))


def task(*traces: Trace) -> Task:
    return Task(name="x", version="1", revision="r", licence="l", date="2024", source="s", traces=traces)


def item(proposal: str | None, *, on: Trace | None = None, turn: int = 0, judge_repeat: int = 0) -> Item:
    where = on or trace("The user opens notes.txt.")
    candidate = -1 if proposal is None else 0
    return Item(Moment(where, turn), proposal, ReplyKey(where.trace_id, turn), candidate, judge_repeat)


def labelled(need: bool, *, majority: bool | None = None, **votes: Sequence[bool]) -> MomentLabels:
    tasks = tuple(TaskVotes(task=text, votes=tuple(given)) for text, given in votes.items())
    return MomentLabels(need=need, need_majority=majority, tasks=tasks)
