"""Agents and judges that do what a test tells them to."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence

from proactivebench.agents.base import Actor, Turn
from proactivebench.judging.base import Item, Judge, Opinion
from proactivebench.models.base import Answer, Failure
from proactivebench.records import (
    AgentIdentity,
    Event,
    JudgeIdentity,
    MomentLabels,
    Task,
    TaskVotes,
    Trace,
    VerdictStatus,
)


def offer(text: str | None) -> str:
    """A well-formed reply that offers `text` (None = silence)."""
    return json.dumps({"Purpose": "p", "Thoughts": "t", "Proactive Task": text, "Response": None})


class ScriptedAgent(Actor):
    """Answers with what `script` returns: a reply's text, an Answer, or an exception to raise."""

    def __init__(
        self,
        script: Callable[[Turn], str | Answer | Exception] = lambda _: offer(None),
        *,
        lockstep: bool = False,
        delay: Callable[[Turn], float] | None = None,
    ) -> None:
        self.identity = AgentIdentity(model="scripted", name="scripted")
        self.lockstep = lockstep
        self.requests: list[Turn] = []
        self.batches: list[int] = []
        self.running = self.most_running = 0
        self._script = script
        self._delay = delay

    async def answer(self, request: Turn) -> Answer:
        self.requests.append(request)
        self.running += 1
        self.most_running = max(self.running, self.most_running)
        try:
            if self._delay:
                await asyncio.sleep(self._delay(request))
            said = self._script(request)
        finally:
            self.running -= 1
        if isinstance(said, Exception):
            raise said
        return said if isinstance(said, Answer) else Answer(text=said)

    async def answer_all(self, requests: Sequence[Turn]) -> list[Answer]:
        self.batches.append(len(requests))
        return [await self.answer(request) for request in requests]


class ScriptedJudge(Judge):
    """Decides with what `script` returns: a verdict status, an Opinion, None, or an exception to raise."""

    def __init__(
        self,
        script: Callable[[Item], VerdictStatus | Opinion | Exception | None] = lambda _: VerdictStatus.ACCEPTED,
        *,
        name: str = "scripted",
        lockstep: bool = True,
    ) -> None:
        self.identity = JudgeIdentity(id=f"{name}-00000000", name=name, hash="0" * 64, silence=name, proposals=name)
        self.lockstep = lockstep
        self.items: list[Item] = []
        self._script = script

    async def judge(self, items: Sequence[Item]) -> list[Opinion | None]:
        self.items.extend(items)
        await asyncio.sleep(0)
        return [self._opinion(self._script(item)) for item in items]

    def _opinion(self, said: VerdictStatus | Opinion | Exception | None) -> Opinion | None:
        if isinstance(said, Exception):
            raise said
        return Opinion(said, self.identity.name) if isinstance(said, VerdictStatus) else said


def failed(message: str = "connection refused") -> Answer:
    """An answer that did not come."""
    return Answer(text=None, failure=Failure.ERROR, error=message)


def tiny_task(*lengths: int) -> Task:
    """A labelled task with one trace per length; help is needed at odd turns, where 'help N' was accepted by all."""
    return Task(
        name="tiny",
        version="1",
        revision="0",
        licence="Apache-2.0",
        date="2026-01-01",
        source="tests",
        traces=tuple(_trace(number, length) for number, length in enumerate(lengths or (3, 2))),
    )


def _trace(number: int, length: int) -> Trace:
    return Trace(
        trace_id=f"trace_{number}",
        split="coding" if number % 2 == 0 else "writing",
        events=tuple(
            Event(time=str(1000.0 + 30 * turn), event=f"does thing {turn} of {number}") for turn in range(length)
        ),
        labels=tuple(
            MomentLabels(
                need=turn % 2 == 1,
                tasks=(TaskVotes(task=f"help {turn}", votes=(turn % 2 == 1,) * 3),),
            )
            for turn in range(length)
        ),
    )
