"""Joins the stages: the one driver behind every surface. Rollout emits replies, the judge decides while it runs, and
the score follows."""

from __future__ import annotations

import asyncio
import platform
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any, TypeVar

from proactivebench.agents import create_agent
from proactivebench.agents.base import Agent
from proactivebench.errors import InvalidRun, UsageError
from proactivebench.judging import create_judge, default_spec
from proactivebench.judging.base import Judge
from proactivebench.judging.stage import VerdictStage, Work
from proactivebench.protocols import load_protocol
from proactivebench.protocols.base import Protocol
from proactivebench.records import (
    Decoding,
    Manifest,
    Moment,
    Reply,
    Report,
    Session,
    Task,
    TaskIdentity,
    Trace,
    Verdict,
    VerdictStatus,
)
from proactivebench.rollout import Advise, Rollout
from proactivebench.scoring import build_report
from proactivebench.store import RunStore
from proactivebench.traces import load_task

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the user asks for, in the words of the command line. Nothing here is checked before `prepare`."""

    model: str
    tasks: str
    model_args: Mapping[str, str] = field(default_factory=dict)
    judge: str | None = None  # None = the default of the task
    judge_model: str | None = None
    judge_model_args: Mapping[str, str] = field(default_factory=dict)
    predict_only: bool = False
    protocol: str = "standard"
    history: str | None = None
    candidates: int | None = None
    feedback_rounds: int | None = None
    feedback_judge: str | None = None
    gen_kwargs: Mapping[str, Any] = field(default_factory=dict)
    seed: int = 0
    repeats: int = 1
    judge_repeats: int = 1
    limit: int | None = None
    concurrency: int = 16
    timeout_s: float = 120.0
    max_retries: int = 5
    batch_size: str = "1"
    device: str | None = None


@dataclass(slots=True)
class Watch:
    """Who follows a run: called with every new reply and verdict, and once with how much there is to do."""

    started: Callable[[int, int], None] = lambda total, done: None
    reply: Callable[[Reply], None] = lambda reply: None
    verdict: Callable[[Verdict], None] = lambda verdict: None


@dataclass(slots=True)
class Evaluation:
    """Everything a run needs, ready to go: the parts of `Settings` made real. `judge` is None where only replies are
    wanted; `feedback` advises the agent between rounds, and may be the same judge."""

    task: Task
    agent: Agent
    protocol: Protocol
    decoding: Decoding
    judge: Judge | None = None
    feedback: Judge | None = None
    task_spec: str = ""
    seed: int = 0
    repeats: int = 1
    judge_repeats: int = 1
    limit: int | None = None
    concurrency: int = 16
    shard: int | None = None
    traces: Sequence[Trace] | None = None  # a rank's own share; None = the first `limit` of the task
    stop: asyncio.Event = field(default_factory=asyncio.Event)

    def manifest(self) -> Manifest:
        """What this evaluation asks of a run."""
        return Manifest(
            task=task_identity(self.task, self.task_spec),
            agent=self.agent.identity,
            protocol=self.protocol.identity,
            decoding=self.decoding,
            seed=self.seed,
            silence_source=self.judge.identity.silence if self.judge else None,
            judges={self.judge.identity.id: self.judge.identity} if self.judge else {},
            sessions=(
                Session(
                    started=datetime.now(UTC).isoformat(timespec="seconds"),
                    versions=versions(),
                    limit=self.limit,
                    repeats=self.repeats,
                ),
            ),
        )

    async def run(self, path: str | Path, watch: Watch | None = None) -> RunStore:
        """Roll out and judge what is missing in the run directory `path`. Every reply and verdict is saved as it comes.

        Raises `UsageError` where no request can succeed or the run was asked something else, `CannotWrite` where
        nothing can be saved, `KeyboardInterrupt` where `stop` ended it early.
        """
        watch = watch or Watch()
        judges = {judge.identity.id: judge for judge in (self.judge, self.feedback) if judge}
        for judge in judges.values():
            judge.check(self.task)
        store = RunStore(path)
        store.begin(self.manifest())
        async with AsyncExitStack() as stack:
            log = stack.enter_context(store.append_replies(self.shard))
            stages = {}
            for judge in judges.values():
                verdicts = stack.enter_context(store.append_verdicts(judge.identity.id, self.shard))
                stages[judge.identity.id] = VerdictStage(
                    judge, verdicts, store.verdicts(judge.identity.id), self.judge_repeats, watch.verdict
                )
                stack.push_async_callback(judge.close)
            stack.push_async_callback(self.agent.close)
            store.amend(judges={name: judge.identity for name, judge in judges.items()})
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
                decoding=self.decoding,
                traces=self.task.traces[: self.limit] if self.traces is None else self.traces,
                emit=emit,
                seed=self.seed,
                repeats=self.repeats,
                concurrency=self.concurrency,
                stored=stored,
                advisor=_advisor(advising) if advising else None,
                stop=self.stop,
            )
            moments = {trace.trace_id: trace for trace in self.task.traces}
            for reply in stored.values():
                queue.put_nowait((Moment(moments[reply.trace_id], reply.turn), reply))
            missing = rollout.missing()
            watch.started(sum(len(trace.events) for trace in rollout.traces) * self.repeats, missing)
            scoring = stages[self.judge.identity.id] if self.judge else None
            await self._join(rollout, missing, scoring, queue, store)
        if self.stop.is_set():
            raise KeyboardInterrupt
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
                store.amend(parameters=await self.agent.start())
                await rollout.run()
        finally:
            queue.put_nowait(None)
            if judging:
                await judging


def prepare(settings: Settings) -> Evaluation:
    """Make the parts a run needs. Raises `UsageError` or `DataError`, in one line, for whatever cannot be had."""
    task = load_task(settings.tasks)
    judge = None if settings.predict_only else judge_for(settings, settings.judge or default_spec(task), task)
    feedback = None
    if settings.feedback_rounds:
        feedback = judge_for(settings, settings.feedback_judge, task) if settings.feedback_judge else judge
        if feedback is None:
            raise UsageError("feedback rounds need a judge: give --feedback_judge, or leave out --predict_only")
        if judge and feedback.identity.id == judge.identity.id:
            feedback = judge
    protocol = load_protocol(
        settings.protocol,
        history=settings.history,
        candidates=settings.candidates,
        feedback_rounds=settings.feedback_rounds,
        feedback_judge=feedback.identity.id if feedback else None,
    )
    agent = create_agent(
        settings.model,
        settings.model_args,
        protocol=protocol,
        task=task,
        concurrency=settings.concurrency,
        timeout_s=settings.timeout_s,
        max_retries=settings.max_retries,
        batch_size=settings.batch_size,
        device=settings.device,
    )
    return Evaluation(
        task=task,
        agent=agent,
        protocol=protocol,
        decoding=decoding(settings.gen_kwargs, protocol),
        judge=judge,
        feedback=feedback,
        task_spec=settings.tasks,
        seed=settings.seed,
        repeats=settings.repeats,
        judge_repeats=settings.judge_repeats,
        limit=settings.limit,
        concurrency=settings.concurrency,
    )


def judge_for(settings: Settings, spec: str, task: Task) -> Judge:
    """The judge `spec` names, over the judge model of `settings` where one is given."""
    engine = None
    if settings.judge_model:
        engine = create_agent(
            settings.judge_model,
            settings.judge_model_args,
            protocol=None,
            task=None,
            concurrency=settings.concurrency,
            timeout_s=settings.timeout_s,
            max_retries=settings.max_retries,
            batch_size=settings.batch_size,
            device=settings.device,
        )
    return create_judge(spec, task=task, engine=engine)


def decoding(gen_kwargs: Mapping[str, Any], protocol: Protocol) -> Decoding:
    """Decoding from lm-eval's `--gen_kwargs` words over the protocol's defaults."""
    given = dict(gen_kwargs)
    until = given.pop("until", ())
    known = {name: given.pop(name) for name in ("temperature", "top_p", "max_gen_toks") if name in given}
    given.pop("do_sample", None)  # says nothing that the temperature does not say
    return Decoding(
        **{"max_gen_toks": protocol.default_max_gen_toks, **known},
        until=(until,) if isinstance(until, str) else tuple(until),
        extra=given,
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
        labelled=task.unlabelled == 0,
        notes=task.notes,
    )


def versions() -> dict[str, str]:
    """Versions of what shapes the numbers."""
    found = {"python": platform.python_version()}
    for name in ("proactivebench-eval", "lm-eval", "openai", "torch", "transformers", "vllm"):
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def task_of(store: RunStore, spec: str | None = None) -> Task:
    """The task a run was made on, loaded again (`spec` says where, should it have moved). Raises `UsageError` where the
    data is not the data of the run."""
    identity = store.manifest.task
    task = load_task(spec or identity.spec)
    if task.data_hash != identity.data_hash:
        raise UsageError(
            f"{store.path} was made on other data than {spec or identity.spec} holds now "
            f"({identity.data_hash[:8]} then, {task.data_hash[:8]} now): give the data it was made on with --tasks"
        )
    return task


async def judge_run(
    store: RunStore, task: Task, judge: Judge, judge_repeats: int = 1, watch: Watch | None = None
) -> None:
    """Ask `judge` for the verdicts that are missing on the stored replies of a run."""
    watch = watch or Watch()
    judge.check(task)
    traces = {trace.trace_id: trace for trace in task.traces}
    replies = store.replies()
    async with AsyncExitStack() as stack:
        log = stack.enter_context(store.append_verdicts(judge.identity.id))
        stack.push_async_callback(judge.close)
        stage = VerdictStage(judge, log, store.verdicts(judge.identity.id), judge_repeats, watch.verdict)
        queue: asyncio.Queue[Work | None] = asyncio.Queue()
        for reply in replies.values():
            queue.put_nowait((Moment(traces[reply.trace_id], reply.turn), reply))
        queue.put_nowait(None)
        store.amend(judges={judge.identity.id: judge.identity})
        await stage.drain(queue)


def score_run(store: RunStore, task: Task | None = None) -> Report:
    """Score a run under every judge that has given verdicts, and write `report.json`."""
    task = task or task_of(store)
    report = build_report(
        task, store.manifest, store.iter_replies(), {name: store.iter_verdicts(name) for name in store.judge_ids()}
    )
    store.write_report(report)
    return report


def check_valid(report: Report) -> None:
    """Raise `InvalidRun` where a report's numbers may not be used as they are: incomplete, or too much unscored."""
    missing = report.moments_expected - report.moments_answered
    if missing:
        raise InvalidRun(
            f"{missing} of {report.moments_expected} moments have no final reply: run the same command again"
        )
    for judged in report.judges:
        if not judged.valid:
            raise InvalidRun(
                f"{judged.unscored_share:.1%} of the verdicts of {judged.judge.name} are unscored (2 % are allowed): "
                "see the causes with `proactivebench show`, then judge again"
            )


def evaluate(
    agent: str, task: str, judge: str | None = None, output_path: str | Path = "runs/latest", **settings: Any
) -> Report:
    """Evaluate `agent` on `task`, judged by `judge` (None = the task's default): the whole road in one call.

    `agent`, `task` and `judge` are the words of `--model`, `--tasks` and `--judge`; `settings` are further fields of
    `Settings`. Calling it again resumes. Returns the report, which also stands in `output_path`/report.json.
    Raises `ProactiveBenchError`.
    """
    evaluation = prepare(Settings(model=agent, tasks=task, judge=judge, **settings))
    store = run_async(evaluation.run(output_path))
    return score_run(store, evaluation.task)


def score(run: str | Path) -> Report:
    """Score a run directory again and write its report."""
    return score_run(RunStore(run))


def run_async(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end, also where an event loop is already running (a notebook)."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(work)
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, work).result()


def _advisor(stage: VerdictStage) -> Callable[[Sequence[Advise]], Coroutine[Any, Any, list[str | None]]]:
    """What the feedback judge tells the agent: nothing where it accepts or cannot say, else its reasons."""

    async def advise(asked: Sequence[Advise]) -> list[str | None]:
        found = await stage.verdicts_on((advise.moment, advise.reply) for advise in asked)
        return [_advice(verdicts) for verdicts in found]

    return advise


def _advice(verdicts: Sequence[Verdict]) -> str | None:
    if not verdicts or any(verdict.status is not VerdictStatus.REJECTED for verdict in verdicts):
        return None
    reasons = [verdict.reason for verdict in verdicts if verdict.reason]
    return "\n".join(reasons) or "The user rejected this answer."


def _failed(task: asyncio.Task[Any]) -> bool:
    return not task.cancelled() and task.exception() is not None
