"""Small tasks and requests for agents that read the moment instead of the conversation."""

import asyncio

from proactivebench.agents.base import Actor, Turn
from proactivebench.models.base import Answer
from proactivebench.records import Decoding, Event, Moment, MomentLabels, Task, TaskVotes, Trace


def votes(task: str, *given: bool) -> TaskVotes:
    """The votes on one task."""
    return TaskVotes(task=task, votes=given)


def labels(*tasks: TaskVotes) -> MomentLabels:
    """A moment's labels with these voted tasks."""
    return MomentLabels(need=any(all(task.votes) for task in tasks), tasks=tasks)


def trace_of(name: str, *events: str, given: tuple[MomentLabels | None, ...] | None = None) -> Trace:
    """A trace of these events, a second apart."""
    seen = tuple(Event(time=str(100 + turn), event=event) for turn, event in enumerate(events))
    return Trace(trace_id=name, split="coding", events=seen, labels=given)


def task_of(*traces: Trace, name: str = "small") -> Task:
    """A task of these traces."""
    return Task(name=name, version="1", revision="r", licence="l", date="d", source="s", traces=traces)


def request(trace: Trace, turn: int, *, repeat: int = 0, round: int = 0, seed: int = 0) -> Turn:  # noqa: A002
    """What a rollout asks at one moment; the conversation is left out."""
    return Turn((), Decoding(), moment=Moment(trace, turn), repeat=repeat, round=round, seed=seed + repeat)


def answers(agent: Actor, *requests: Turn) -> list[Answer]:
    """The agent's answers, asked one after the other."""

    async def ask() -> list[Answer]:
        return [await agent.answer(one) for one in requests]

    return asyncio.run(ask())
