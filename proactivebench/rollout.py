"""Drives agents through traces. What happens at a moment is written once, as a generator that asks for answers and
advice; two schedulers run it: free (every trace at its own pace) and lockstep (one batch a turn over all traces)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain as joined

from proactivebench.agents.base import Actor, Turn
from proactivebench.models.base import Answer, Failure, add_usage
from proactivebench.protocols.base import Parsed, Protocol
from proactivebench.records import Cause, Decoding, Moment, Note, Reply, ReplyKey, ReplyStatus, Trace, printable
from proactivebench.stopping import Stopped, heeding
from proactivebench.together import task_group

_RETRY_SEED = 10_007  # an answer asked again gets another seed, far from those of the repeats


@dataclass(frozen=True, slots=True)
class Advise:
    """A reply on which the feedback judge is heard."""

    moment: Moment
    reply: Reply


Advisor = Callable[[Sequence[Advise]], Awaitable[list[str | None]]]
"""Says per reply what the agent should hear before it answers again; None = nothing, the answer stands."""

Chain = Generator[Turn | Advise, Answer | str | None, None]


@dataclass(slots=True)
class Rollout:
    """One rollout of `traces` × `repeats`. `stored` replies that are final are not asked again; every new reply goes to
    `emit` the moment it is there. `stop` ends the rollout early: requests in flight are waited for, none is sent, and a
    reply that was between two attempts is kept as it is, to go on with the next."""

    agent: Actor
    protocol: Protocol
    decoding: Decoding
    traces: Sequence[Trace]
    emit: Callable[[Moment, Reply], None]
    seed: int = 0
    repeats: int = 1
    concurrency: int = 16
    stored: Mapping[ReplyKey, Reply] = field(default_factory=dict)
    advisor: Advisor | None = None
    stop: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self) -> None:
        """Roll out all that is missing. Raises what the agent raises when no request can succeed."""
        with heeding(self.stop):
            if self.agent.lockstep:
                await self._lockstep(self.chains())
            else:
                await self._free(self.chains())

    def missing(self) -> int:
        """Number of moments × repeats that have no final reply yet."""
        return sum(
            not (reply and reply.status.final)
            for trace in self.traces
            for repeat in range(self.repeats)
            for turn in range(len(trace.events))
            for reply in [self.stored.get(ReplyKey(trace.trace_id, turn, repeat))]
        )

    # --- what happens in a trace --------------------------------------------------------------------------------------

    def chains(self) -> Iterable[Chain]:
        """The chains of dependent answers, longest first so that no long one is left for the end."""
        traces = sorted(self.traces, key=lambda trace: -len(trace.events))
        for repeat in range(self.repeats):
            for trace in traces:
                if self.protocol.own_history:
                    yield self._trace(trace, repeat)
                else:
                    yield from (self._moment_alone(Moment(trace, turn), repeat) for turn in range(len(trace.events)))

    def _trace(self, trace: Trace, repeat: int) -> Chain:
        history: list[list[Reply]] = []
        moment = Moment(trace, 0)
        try:
            for turn in range(len(trace.events)):
                moment = Moment(trace, turn)
                rounds = yield from self._moment(moment, repeat, history)
                if not rounds[-1].status.final:
                    return  # what follows would build on an answer that is not there
                history.append(rounds)
        finally:
            self.agent.released(moment, repeat)

    def _moment_alone(self, moment: Moment, repeat: int) -> Chain:
        try:
            yield from self._moment(moment, repeat, ())
        finally:
            self.agent.released(moment, repeat)

    def _moment(
        self, moment: Moment, repeat: int, history: Sequence[Sequence[Reply]]
    ) -> Generator[Turn | Advise, Answer | str | None, list[Reply]]:
        rounds: list[Reply] = []
        advice: str | None = None
        while True:
            key = ReplyKey(moment.trace.trace_id, moment.turn, repeat, len(rounds))
            reply = self.stored.get(key)
            if reply is None or not reply.status.final:
                reply = yield from self._answer(moment, key, history, rounds, advice)
                self.emit(moment, reply)
            rounds.append(reply)
            if len(rounds) > self.protocol.identity.feedback_rounds or not reply.status.final:
                return rounds
            if self._built_upon(key):
                return rounds
            following = self.stored.get(key._replace(round=len(rounds)))
            if following is not None and following.advice is not None:
                advice = following.advice
            else:
                heard = yield Advise(moment, reply)
                advice = heard if isinstance(heard, str) else None
            if advice is None:
                return rounds

    def _built_upon(self, key: ReplyKey) -> bool:
        """Whether this reply was the last of its moment when a later turn was answered: then it stays the last."""
        if not self.protocol.own_history or key._replace(round=key.round + 1) in self.stored:
            return False
        later = self.stored.get(key._replace(turn=key.turn + 1, round=0))
        return later is not None and later.status.final

    def _answer(
        self,
        moment: Moment,
        key: ReplyKey,
        history: Sequence[Sequence[Reply]],
        rounds: Sequence[Reply],
        advice: str | None,
    ) -> Generator[Turn | Advise, Answer | str | None, Reply]:
        messages = self.protocol.conversation(moment, history, rounds, advice)
        told = [said for reply in (*joined(*history), *rounds) if (said := reply.advice)] + ([advice] if advice else [])
        before = self.stored.get(key)
        heard = (before.heard or 0) if before else 0
        tries = [_heard_before(before)] if before and heard else []
        parsed: Parsed | None = None
        limit = 1 if self.agent.asked_once else self.protocol.max_attempts
        for attempt in range(min(heard, limit - 1), limit):
            try:
                answer = yield Turn(
                    messages=messages,
                    decoding=self.decoding,
                    moment=moment,
                    repeat=key.repeat,
                    round=key.round,
                    seed=self.seed + key.repeat + attempt * _RETRY_SEED,
                    schema=self.protocol.schema(),
                    readable=lambda text: _whole(self.protocol.parse(text, told)),
                    history=tuple(history),
                    rounds=tuple(rounds),
                    advice=advice,
                )
            except Stopped:
                if not tries:
                    raise
                stopped = replace(tries[-1], failure=Failure.ERROR, error=f"stopped after attempt {attempt} of {limit}")
                unfinished = reply_from(key, [*tries[:-1], stopped], None, advice)
                return unfinished.model_copy(update={"heard": attempt})
            if not isinstance(answer, Answer):
                raise TypeError("a request is answered with an Answer")
            tries.append(answer)
            parsed = None if answer.text is None else self.protocol.parse(answer.text, told)
            if parsed is None or reply_status(answer, parsed).clean:
                break
        return reply_from(key, tries, parsed, advice, before=before)

    # --- schedulers ---------------------------------------------------------------------------------------------------

    async def _free(self, chains: Iterable[Chain]) -> None:
        waiting = iter(chains)

        async def work() -> None:
            for chain in waiting:
                if self.stop.is_set():
                    return
                await self._run_chain(chain)

        async with task_group() as workers:
            for _ in range(max(1, self.concurrency)):
                workers.create_task(work())

    async def _run_chain(self, chain: Chain) -> None:
        step = _advance(chain, None)
        try:
            while step is not None and not self.stop.is_set():
                if isinstance(step, Turn):
                    step = _advance(chain, await self.agent.answer(step))
                else:
                    step = _advance(chain, (await self._advice([step]))[0])
        except Stopped:
            pass
        if step is not None:
            _halt(chain)

    async def _lockstep(self, chains: Iterable[Chain]) -> None:
        live = [(chain, step) for chain in chains if (step := _advance(chain, None)) is not None]
        while live and not self.stop.is_set():
            requests = [step for _, step in live if isinstance(step, Turn)]
            advises = [step for _, step in live if isinstance(step, Advise)]
            try:
                answers = iter(await self.agent.answer_all(requests) if requests else [])
            except Stopped:
                break
            advice = iter(await self._advice(advises) if advises else [])
            live = [
                (chain, following)
                for chain, step in live
                if (following := _advance(chain, next(answers) if isinstance(step, Turn) else next(advice))) is not None
            ]
        for chain, _ in live:
            _halt(chain)

    async def _advice(self, advises: Sequence[Advise]) -> list[str | None]:
        return [None] * len(advises) if self.advisor is None else await self.advisor(advises)


def _advance(chain: Chain, sent: Answer | str | None) -> Turn | Advise | None:
    """Run a chain up to its next wish; None where it has ended."""
    try:
        return chain.send(sent)
    except StopIteration:
        return None


def _halt(chain: Chain) -> None:
    """End a chain that waits for an answer which nobody will ask for."""
    try:
        chain.throw(Stopped())
    except (StopIteration, Stopped):
        return


def _heard_before(reply: Reply) -> Answer:
    """What an earlier sitting, stopped between the attempts of a reply, had heard so far."""
    return Answer(
        reply.text, attempts=reply.attempts, usage=reply.usage, latency_s=reply.latency_s, queue_s=reply.queue_s
    )


def reply_from(
    key: ReplyKey, tries: Sequence[Answer], parsed: Parsed | None, advice: str | None, before: Reply | None = None
) -> Reply:
    """The reply that the last of `tries` amounts to, with the cost of all of them. `parsed` is None where it failed.
    `before` is what an earlier sitting got at this place, if anything: nothing generated in both is final."""
    last = tries[-1]
    status = reply_status(last, parsed)
    if status is ReplyStatus.ERROR and last.cause is Cause.NO_TOKENS and before and before.cause is Cause.NO_TOKENS:
        status = ReplyStatus.EMPTY
    usage = None
    for answer in tries:
        usage = add_usage(usage, answer.usage)
    timed = [answer.latency_s for answer in tries if answer.latency_s is not None]
    queued = [answer.queue_s for answer in tries if answer.queue_s is not None]
    noted = [*(parsed.notes if parsed else ()), *last.notes, *([Note.CONTEXT_DROPPED] if last.dropped_turns else [])]
    return Reply(
        **key._asdict(),
        status=status,
        cause=_cause(status, last, parsed),
        proposals=tuple(map(printable, parsed.proposals)) if parsed and status.clean else (),
        text=printable(last.text),
        reasoning=printable(last.reasoning or (parsed.reasoning if parsed else None)),
        confidence=_stated(last.confidence, parsed.confidence) if parsed else None,
        p_need=_stated(last.p_need, parsed.p_need) if parsed else None,
        advice=advice,
        notes=tuple(dict.fromkeys(noted)),
        dropped_turns=last.dropped_turns,
        finish_reason=last.finish_reason,
        attempts=sum(answer.attempts for answer in tries),
        usage=usage,
        latency_s=sum(timed) if timed else None,
        queue_s=sum(queued) if queued else None,
        error=printable(last.error) or _unfinished(status, last),
    )


def _stated(beside: float | None, inside: float | None) -> float | None:
    """What the agent stated beside its text, or else inside of it."""
    return inside if beside is None else beside


def _cause(status: ReplyStatus, answer: Answer, parsed: Parsed | None) -> Cause | None:
    if status.clean:
        return None
    if status is ReplyStatus.EMPTY and (answer.in_process or (answer.text or "").strip()):
        return Cause.NO_TEXT
    if status is ReplyStatus.ERROR and answer.failure is None:
        return Cause.FAILED_INSIDE
    if answer.cause or parsed is None:
        return answer.cause
    if status is ReplyStatus.TRUNCATED:
        return Cause.AFTER_CUT if parsed.trailing else None
    return parsed.cause


def _unfinished(status: ReplyStatus, answer: Answer) -> str | None:
    if status is not ReplyStatus.ERROR or answer.failure is not None:
        return None
    return f"generation ended with '{answer.finish_reason}', which is no end we know, and left no answer"


def _whole(parsed: Parsed) -> bool:
    """Whether an answer whose end is in doubt says something, and says it last: before more there stands a draft."""
    return parsed.status.clean and not parsed.trailing


def reply_status(answer: Answer, parsed: Parsed | None) -> ReplyStatus:
    """The status of an answer. One that was cut off keeps its parsed status only where its object stands as the last
    thing in it: an object that more follows was a draft."""
    if answer.failure is Failure.REFUSED:
        return ReplyStatus.REFUSED
    if answer.failure is not None or parsed is None:
        return ReplyStatus.ERROR
    if not _whole(parsed) and Note.FINISH_UNKNOWN in answer.notes:
        return ReplyStatus.ERROR
    if answer.truncated and not _whole(parsed):
        return ReplyStatus.TRUNCATED
    return parsed.status
