"""Joins the stages: the one driver behind every surface. Rollout emits replies, the judge decides while it runs, and
the score follows."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from proactivebench.agents.base import Actor
from proactivebench.agents.replay.agent import ReplayAgent
from proactivebench.judging.base import Judge
from proactivebench.judging.kept import kept_fingerprints, kept_measured
from proactivebench.judging.stage import VerdictStage, Work
from proactivebench.judging.weights import refuse_other_weights
from proactivebench.parameters import RunParameters
from proactivebench.protocols.base import Protocol
from proactivebench.provenance import versions, words_of
from proactivebench.records import (
    Decoding,
    Fingerprint,
    Manifest,
    Measured,
    Moment,
    Reply,
    Session,
    Task,
    TaskIdentity,
    Trace,
    Verdict,
    VerdictStatus,
)
from proactivebench.rollout import Advise, Rollout
from proactivebench.stopping import Stopped, heeding
from proactivebench.store import RunStore
from proactivebench.traces.kept import IN_THE_RUN, keep

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a judge's errors: measurements against people, and fingerprints of the paper's judge."""

    measured: tuple[Measured, ...] = ()
    fingerprints: tuple[Fingerprint, ...] = ()


class Callbacks:
    """Who follows a run. Does nothing; a surface overrides what it wants to show."""

    def started(self, moments: int, missing: int) -> None:
        """A rollout begins: of `moments` (repeats counted) so many have no final reply yet."""

    def reply(self, reply: Reply) -> None:
        """A new reply is saved."""

    def verdict(self, verdict: Verdict) -> None:
        """A new verdict is saved."""


@dataclass(slots=True)
class Evaluation:
    """Everything a run needs, ready to go: the parts of `Settings` made real. `judge` is None where only replies are
    wanted; `feedback` advises the agent between rounds, and may be the same judge."""

    task: Task
    agent: Actor
    protocol: Protocol
    decoding: Decoding | None  # None = unknown: answers replayed from elsewhere
    judge: Judge | None = None
    feedback: Judge | None = None
    task_spec: str = ""
    preset: str | None = None
    seed: int = 0
    repeats: int = 1
    judge_repeats: int = 1
    limit: int | None = None
    concurrency: int = 16
    shard: int | None = None
    traces: Sequence[Trace] | None = None  # a rank's own share; None = the first `limit` of the task
    known: Known = field(default_factory=lambda: Known())  # of the judges' errors, beside what the cache holds
    stop: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        if self.limit is not None and self.limit >= len(self.task.traces):
            self.limit = None  # leaves nothing out, so it is none

    def manifest(self) -> Manifest:
        """What this evaluation asks of a run."""
        return Manifest(
            task=task_identity(self.task, self.task_spec),
            agent=self.agent.identity,
            protocol=self.protocol.identity,
            decoding=self.decoding,
            seed=self.seed,
            preset=self.preset,
            silence_source=self.judge.identity.silence if self.judge else None,
            judges={self.judge.identity.id: self.judge.identity} if self.judge else {},
            sessions=(
                Session(
                    started=datetime.now(UTC).isoformat(timespec="seconds"),
                    versions=versions(),
                    plugins=words_of(
                        self.agent.identity, self.protocol.identity, [self.judge.identity] if self.judge else []
                    ),
                    limit=self.limit,
                    repeats=self.repeats,
                ),
            ),
        )

    async def run(self, path: str | Path, watch: Callbacks | None = None) -> RunStore:
        """Roll out and judge what is missing in the run directory `path`. Every reply and verdict is saved as it comes.

        Raises `UsageError` where no request can succeed or the run was asked something else, `CannotWrite` where
        nothing can be saved. Where `stop` was set it returns early, with what was in flight saved.
        """
        watch = watch or Callbacks()
        judges = {judge.identity.id: judge for judge in (self.judge, self.feedback) if judge}
        for judge in judges.values():
            judge.check(self.task)
        store = RunStore(path)
        for judge in judges.values():
            refuse_other_weights(store.judges.get(judge.identity.id), judge.identity)
        store.begin(self.manifest())
        if self.task_spec == IN_THE_RUN:
            keep(self.task, store.path)
        self.agent.expect(self.decoding or Decoding(), self.protocol.schema())
        self.agent.attach(RunParameters(store))
        async with AsyncExitStack() as stack:
            log = stack.enter_context(store.append_replies(self.shard))
            stages = {}
            for judge in judges.values():
                judge.attach(RunParameters(store, judge.identity.id))
                verdicts = stack.enter_context(store.append_verdicts(judge.identity.id, self.shard))
                stages[judge.identity.id] = VerdictStage(
                    judge, verdicts, store.verdicts(judge.identity.id), self.judge_repeats, watch.verdict, self.stop
                )
                stack.push_async_callback(judge.close)
            stack.push_async_callback(self.agent.close)
            store.amend(judges={name: judge.identity for name, judge in judges.items()})
            keep_known(store, self.known, *judges.values())
            stored = store.replies()
            queue: asyncio.Queue[Work | None] = asyncio.Queue()

            def emit(moment: Moment, reply: Reply) -> None:
                log.append([reply])
                watch.reply(reply)
                queue.put_nowait((moment, reply))

            advising = stages[self.feedback.identity.id] if self.feedback else None
            rollout = Rollout(
                agent=self.agent,
                protocol=self.protocol,
                decoding=self.decoding or Decoding(),
                traces=self.task.traces[: self.limit] if self.traces is None else self.traces,
                emit=emit,
                seed=self.seed,
                repeats=self.repeats,
                concurrency=self.concurrency,
                stored=stored,
                advisor=_advisor(advising) if advising else _stored_advice(self.agent),
                stop=self.stop,
            )
            for work in _works(stored.values(), self.task):
                queue.put_nowait(work)
            missing = rollout.missing()
            watch.started(sum(len(trace.events) for trace in rollout.traces) * self.repeats, missing)
            scoring = stages[self.judge.identity.id] if self.judge else None
            await self._join(rollout, missing, scoring, queue, store)
        return store

    async def _join(
        self,
        rollout: Rollout,
        missing: int,
        stage: VerdictStage | None,
        queue: asyncio.Queue[Work | None],
        store: RunStore,
    ) -> None:
        """Run rollout and judge side by side; where one fails for good, the other finishes what is in flight."""
        judging = asyncio.create_task(stage.drain(queue)) if stage else None
        if judging:
            judging.add_done_callback(lambda done: rollout.stop.set() if _failed(done) else None)
        try:
            if missing or self.feedback:
                with suppress(Stopped), heeding(self.stop):
                    store.amend(parameters=await self.agent.start())
                    await rollout.run()
        except asyncio.CancelledError:
            if judging:
                judging.cancel()
            raise
        finally:
            queue.put_nowait(None)
            if judging:
                await judging


def keep_known(store: RunStore, known: Known, *judges: Judge) -> None:
    """Keep with a run what is known of its judges' errors: given, and in the user's cache."""
    identities = [judge.identity for judge in judges]
    store.amend(
        measured=(*(found for one in identities for found in kept_measured(one)), *known.measured),
        fingerprints=(*(found for one in identities for found in kept_fingerprints(one)), *known.fingerprints),
    )


def task_identity(task: Task, spec: str) -> TaskIdentity:
    """The provenance of a task, as a manifest keeps it."""
    return TaskIdentity(
        spec=spec or task.name,
        name=task.name,
        version=task.version,
        revision=task.revision,
        data_hash=task.data_hash,
        licence=task.licence,
        source=task.source,
        labelled=task.labelled,
        notes=task.notes,
    )


async def judge_run(
    store: RunStore,
    task: Task,
    judge: Judge,
    judge_repeats: int = 1,
    watch: Callbacks | None = None,
    stop: asyncio.Event | None = None,
    shard: int | None = None,
    known: Known | None = None,
) -> None:
    """Ask `judge` for the verdicts that are missing on the stored replies to the traces of `task`, until `stop` is
    set. A rank names its `shard` and gives its share of the traces. What is `known` of its errors, and what the user's
    cache holds of it, is kept with the run."""
    watch = watch or Callbacks()
    judge.check(task)
    refuse_other_weights(store.judges.get(judge.identity.id), judge.identity)
    judge.attach(RunParameters(store, judge.identity.id))
    replies = store.replies()
    async with AsyncExitStack() as stack:
        log = stack.enter_context(store.append_verdicts(judge.identity.id, shard))
        stack.push_async_callback(judge.close)
        stage = VerdictStage(judge, log, store.verdicts(judge.identity.id), judge_repeats, watch.verdict, stop)
        queue: asyncio.Queue[Work | None] = asyncio.Queue()
        for work in _works(replies.values(), task):
            queue.put_nowait(work)
        queue.put_nowait(None)
        store.amend(judges={judge.identity.id: judge.identity})
        keep_known(store, known or Known(), judge)
        await stage.drain(queue)


def _works(replies: Iterable[Reply], task: Task) -> Iterator[Work]:
    """The replies with their moments; one to a moment that `task` does not have is nothing to judge."""
    traces = {trace.trace_id: trace for trace in task.traces}
    for reply in replies:
        trace = traces.get(reply.trace_id)
        if trace is not None and 0 <= reply.turn < len(trace.events):
            yield Moment(trace, reply.turn), reply


def run_async(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end, also where an event loop is already running (a notebook). An interruption ends it."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(work)
    cancel: Future[Callable[[], object]] = Future()
    outcome: Future[T] = Future()

    async def watched() -> T:
        task = asyncio.ensure_future(work)
        cancel.set_result(partial(asyncio.get_running_loop().call_soon_threadsafe, task.cancel))
        return await task

    def run() -> None:
        try:
            outcome.set_result(asyncio.run(watched()))
        except BaseException as error:
            outcome.set_exception(error)

    thread = threading.Thread(target=run)
    try:
        thread.start()
        return outcome.result()
    except KeyboardInterrupt:  # heard here, not where the work is
        cancel.result()()
        thread.join()
        raise


def _advisor(stage: VerdictStage) -> Callable[[Sequence[Advise]], Coroutine[Any, Any, list[str | None]]]:
    """What the feedback judge tells the agent: nothing where it accepts or cannot say, else its reasons."""

    async def advise(asked: Sequence[Advise]) -> list[str | None]:
        found = await stage.verdicts_on((advise.moment, advise.reply) for advise in asked)
        return [_advice(verdicts) for verdicts in found]

    return advise


def _stored_advice(agent: Actor) -> Callable[[Sequence[Advise]], Coroutine[Any, Any, list[str | None]]] | None:
    """What replayed answers were told between their rounds; None for agents that are asked now."""
    if not isinstance(agent, ReplayAgent):
        return None

    async def advise(asked: Sequence[Advise]) -> list[str | None]:
        return [agent.advice_after(advise.reply.key) for advise in asked]

    return advise


def _advice(verdicts: Sequence[Verdict]) -> str | None:
    if not verdicts or any(verdict.status is not VerdictStatus.REJECTED for verdict in verdicts):
        return None
    reasons = [verdict.reason for verdict in verdicts if verdict.reason]
    return "\n".join(reasons) or "The user rejected this answer."


def _failed(task: asyncio.Task[Any]) -> bool:
    return not task.cancelled() and task.exception() is not None
