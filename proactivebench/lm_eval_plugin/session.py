"""One task under lm-eval: what is asked, of whom, who judges, and where it is saved."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from proactivebench.agents import REPLAY
from proactivebench.agents.programs.program import Program
from proactivebench.agents.replay.origin import origin_of
from proactivebench.errors import InvalidRun
from proactivebench.evaluation import Evaluation, judge_run, run_async
from proactivebench.judging import Judge
from proactivebench.lm_eval_plugin.identity import agent_for
from proactivebench.lm_eval_plugin.instruction import InstructedProtocol
from proactivebench.lm_eval_plugin.options import RUN_FOLDER, Options
from proactivebench.lm_eval_plugin.transcript import Row, transcript
from proactivebench.preparation import check_asked, decoding, judge_for, prepare, replayed
from proactivebench.records import Moment, Reply, ReplyKey, Task, Trace, Verdict, digest
from proactivebench.resources import cache_folder
from proactivebench.store import RunStore

if TYPE_CHECKING:
    from lm_eval.api.model import LM

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Session:
    """The parts of a run, made from the options of a task; `opened` is the run directory once there is one."""

    options: Options
    evaluation: Evaluation
    judges: dict[str, Judge]
    opened: RunStore | None = None
    shard: int | None = None

    @classmethod
    def of(cls, options: Options, *, history: str | None = None) -> Session:
        """Load the data and create the judges. Raises `UsageError` and `DataError` in one line."""
        evaluation = prepare(replace(options.settings, history=history or options.settings.history))
        made = [judge_for(options.settings, spec, evaluation.task) for spec in options.judges]
        return cls(options, evaluation, {judge.identity.id: judge for judge in made})

    @property
    def task(self) -> Task:
        """The data."""
        return self.evaluation.task

    def moment(self, doc: Mapping[str, Any]) -> Moment:
        """The moment a document of the static task is about."""
        trace = next(trace for trace in self.task.traces if trace.trace_id == doc["trace_id"])
        return Moment(trace, doc["turn"])

    def ask(
        self, *, gen_kwargs: Mapping[str, Any], instruction: str | None, limit: int | None, repeats: int, judged: bool
    ) -> None:
        """Take lm-eval's own options in, and refuse before the first request what a judge cannot decide."""
        protocol = self.evaluation.protocol
        if isinstance(protocol, InstructedProtocol):
            protocol = protocol.inner
        if instruction:
            protocol = InstructedProtocol(protocol, instruction)
        self.evaluation = replace(
            self.evaluation,
            protocol=protocol,
            decoding=decoding(gen_kwargs, protocol),
            limit=limit,
            repeats=repeats,
        )
        for judge in self.judges.values() if judged else ():
            judge.check(self.task)

    def asked(self) -> dict[str, Any]:
        """What answers are asked with, as samples say it; without `decoding` where nobody knows it."""
        evaluation = self.evaluation
        found = {"protocol": evaluation.protocol.identity.model_dump(mode="json", exclude_none=True)}
        if evaluation.decoding is not None:
            found["decoding"] = evaluation.decoding.model_dump(mode="json", exclude_none=True)
        return found

    def roll_out(self, lm: LM, trace_ids: Sequence[str], *, alone: bool) -> dict[str, list[str]]:
        """Per trace one transcript a repeat, rolled out by `lm` where they are not stored already.

        Raises `InvalidRun` where an answer is still missing afterwards: what came is saved, and running again asks
        only for the rest.
        """
        wanted = set(trace_ids)
        traces = [trace for trace in self.task.traces if trace.trace_id in wanted]
        self.shard = lm.rank if lm.world_size > 1 else None
        evaluation = self._as_given(lm)
        agent = agent_for(lm, self.options.model_args, evaluation)
        evaluation = replace(
            evaluation,
            agent=agent,
            decoding=None if isinstance(agent, Program) else evaluation.decoding,
            traces=traces,
            shard=self.shard,
            concurrency=max(1, len(traces) * self.evaluation.repeats),  # the backend bounds what runs at once
        )
        self.evaluation = evaluation
        folder = self._folder(alone=alone)
        print(f"proactivebench: replies and verdicts of {self.task.name} are saved in {folder}")  # noqa: T201
        self.opened = run_async(evaluation.run(folder))
        replies = self.opened.replies()
        self._refuse_incomplete(traces, replies, folder)
        return {
            trace.trace_id: [
                transcript(trace, replies, repeat, evaluation.protocol) for repeat in range(evaluation.repeats)
            ]
            for trace in traces
        }

    def _as_given(self, lm: LM) -> Evaluation:
        """The evaluation for this model: answers that are replayed keep the protocol and decoding they were given
        under. Raises `UsageError` for a model under a protocol that asks nothing."""
        from proactivebench.lm_eval_plugin.models import AgentModel

        word = lm.word if isinstance(lm, AgentModel) else type(lm).__name__
        if isinstance(lm, AgentModel) and word == REPLAY:
            return replayed(self.evaluation, origin_of(lm.model_args))
        check_asked(self.evaluation.protocol, word)
        return self.evaluation

    def judge(self, judge_id: str, store: RunStore, traces: Sequence[Trace]) -> dict[str, Row]:
        """Per trace what `judge_id` decides on the replies in `store`; asks only for verdicts that are missing."""
        share = self.task.part(traces)
        judge, repeats = self.judges[judge_id], self.options.settings.judge_repeats
        run_async(judge_run(store, share, judge, repeats, shard=self.shard))
        replies: dict[str, list[Reply]] = {}
        verdicts: dict[str, list[Verdict]] = {}
        for reply in store.replies().values():
            replies.setdefault(reply.trace_id, []).append(reply)
        for verdict in store.verdicts(judge_id).values():
            verdicts.setdefault(verdict.trace_id, []).append(verdict)
        return {
            trace.trace_id: Row.of(judge_id, replies.get(trace.trace_id, ()), verdicts.get(trace.trace_id, ()))
            for trace in traces
        }

    def _folder(self, *, alone: bool) -> Path:
        named = os.environ.get(RUN_FOLDER)
        if named:
            return Path(named) if alone else Path(named) / self.task.name
        return cache_folder() / "lm-eval" / digest(self.evaluation.manifest().identity())[:16]

    def _refuse_incomplete(self, traces: Sequence[Trace], replies: Mapping[ReplyKey, Reply], folder: Path) -> None:
        keys = [
            ReplyKey(trace.trace_id, turn, repeat)
            for trace in traces
            for repeat in range(self.evaluation.repeats)
            for turn in range(len(trace.events))
        ]
        missing = [key for key in keys if not (key in replies and replies[key].status.final)]
        if missing:
            reasons = [reply.error for key in missing if (reply := replies.get(key)) and reply.error]
            raise InvalidRun(
                f"{len(missing)} of {len(keys)} moments have no answer"
                + (f" ({reasons[0]})" if reasons else "")
                + f"; those that came are saved in {folder}: run the same command again to ask for the rest"
            )
