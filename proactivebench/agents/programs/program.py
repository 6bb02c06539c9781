"""Agents that are programs: what they see at a moment, and what it is to fail. How they are reached is theirs."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import replace
from time import perf_counter

from proactivebench.agents.base import Actor, Turn
from proactivebench.agents.contract import Moment, PastAction, TraceStart, Verdict
from proactivebench.models.base import Answer, Failure
from proactivebench.models.secrets import without_secrets
from proactivebench.models.server_words import one_line
from proactivebench.protocols.base import Protocol
from proactivebench.records import Event, ProtocolIdentity, Reply
from proactivebench.records import Moment as MomentOfTrace
from proactivebench.stopping import go_on


class NoAnswer(Exception):
    """The program gave no answer: it raised, took too long, ended, or said something else than an answer."""


class Program(Actor):
    """Asks a program. A subclass says how (`ask`); whatever fails there is an `error`, asked again by the same command
    and never within one sitting, since a program may remember what it was asked."""

    asked_once = True

    def __init__(self, protocol: Protocol, *, concurrency: int, timeout_s: float) -> None:
        self.protocol = protocol
        self.timeout_s = timeout_s
        self.slots = asyncio.Semaphore(concurrency)

    @abstractmethod
    async def ask(self, request: Turn, moment: Moment) -> Answer:
        """The program's answer. Raises `NoAnswer` where there is none, `UsageError` where no moment can have one."""

    async def answer(self, request: Turn) -> Answer:
        """The answer at one moment."""
        go_on()
        started = perf_counter()
        try:
            answer = await self.ask(request, moment_of(request, self.protocol.identity))
        except NoAnswer as fault:
            why = one_line(without_secrets(str(fault)))
            answer = Answer(None, failure=Failure.ERROR, error=why, in_process=True)
        spent = perf_counter() - started
        if answer.latency_s is not None:  # who knows better than us how much of it was waiting
            return answer
        return replace(answer, latency_s=spent - (answer.queue_s or 0.0))

    def place(self, moment: MomentOfTrace, repeat: int) -> tuple[str, int, int]:
        """What one and the same agent lives through: a trace and repeat, or, where it is shown observations alone and
        moments do not wait for each other, a single moment."""
        return moment.trace.trace_id, repeat, -1 if self.protocol.own_history else moment.turn


def moment_of(request: Turn, protocol: ProtocolIdentity) -> Moment:
    """What a program sees of a request."""
    return Moment(
        trace_id=request.moment.trace.trace_id,
        turn=request.moment.turn,
        observations=tuple(map(_seen, request.moment.events)),
        history=tuple(action for replies in request.history for action in _told(replies, None, protocol)),
        rounds=tuple(_told(request.rounds, request.advice, protocol)),
        candidates=protocol.candidates,
        repeat=request.repeat,
        round=request.round,
        seed=request.seed,
    )


def _seen(event: Event) -> Event:
    """An event without what is declared of it: where a new task begins is for an agent to see."""
    return event if event.boundary is None else Event(time=event.time, event=event.event)


def start_of(request: Turn, protocol: ProtocolIdentity) -> TraceStart:
    """What a program is told when a trace begins."""
    return TraceStart(
        request.moment.trace.trace_id, request.repeat, request.seed, protocol.candidates, protocol.feedback_rounds
    )


def lived(request: Turn, protocol: ProtocolIdentity) -> Iterator[tuple[Moment, PastAction]]:
    """The moments before a request, with what was answered there: what another sitting lived through."""
    trace = request.moment.trace
    for turn, replies in enumerate([*request.history, request.rounds]):
        advice = request.advice if turn == len(request.history) else None
        for place, action in enumerate(_told(replies, advice, protocol)):
            before = replace(
                request,
                moment=MomentOfTrace(trace, replies[place].turn),
                history=request.history[:turn],
                rounds=replies[:place],
                advice=replies[place].advice,
                round=place,
            )
            yield moment_of(before, protocol), action


def _told(replies: Sequence[Reply], advice: str | None, protocol: ProtocolIdentity) -> Iterator[PastAction]:
    """The answers at a moment with what was said of each: a later round begins with the advice on the one before."""
    reasons = [*(reply.advice for reply in replies[1:]), advice]
    for reply, reason in zip(replies, reasons, strict=False):
        verdict = Verdict.REJECTED if reason is not None else None
        if verdict is None and reply.round < protocol.feedback_rounds:
            verdict = Verdict.NOT_REJECTED
        yield PastAction(reply.turn, reply.round, reply.proposals, verdict, reason, reply.status.clean)
