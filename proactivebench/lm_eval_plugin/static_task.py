"""The task whose document is one moment: plain generation, native to lm-eval, and another measurement."""

from __future__ import annotations

from collections.abc import Sequence
from tempfile import TemporaryDirectory
from typing import Any

from proactivebench.lm_eval_plugin.task import ProactiveTask
from proactivebench.lm_eval_plugin.transcript import Row
from proactivebench.models.base import Answer
from proactivebench.records import Moment, Reply, ReplyKey
from proactivebench.rollout import reply_from
from proactivebench.store import RunStore


class StaticTask(ProactiveTask):
    """A document is a moment, asked alone with the events so far: plain generation that any lm-eval model takes."""

    history = "observations"

    def texts(self) -> dict[str, Any]:
        """The protocol's system message, where lm-eval looks for it."""
        first = self._session.task.traces[0]
        system = self._session.evaluation.protocol.conversation(Moment(first, 0), ())[0]
        return {"description": system.content}

    def documents(self) -> list[dict[str, Any]]:
        """One a moment."""
        protocol = self._session.evaluation.protocol
        return [
            {
                "trace_id": trace.trace_id,
                "split": trace.split,
                "turn": turn,
                "text": protocol.conversation(Moment(trace, turn), ())[-1].content,
            }
            for trace in self._session.task.traces
            for turn in range(len(trace.events))
        ]

    def rows(self, judge_id: str, answers: Sequence[Sequence[str]], docs: Sequence[dict[str, Any]]) -> list[str]:
        """Read the answers, judge them, and give each moment its row."""
        traces = {trace.trace_id: trace for trace in self._session.task.traces}
        replies = [
            self._reply(doc, repeat, text)
            for doc, texts in zip(docs, answers, strict=True)
            for repeat, text in enumerate(texts[: self._session.evaluation.repeats])
        ]
        with TemporaryDirectory(prefix="proactivebench-") as folder:
            store = RunStore(folder)
            store.begin(self._session.evaluation.manifest())
            with store.append_replies() as log:
                log.append(replies)
            asked = [traces[name] for name in dict.fromkeys(doc["trace_id"] for doc in docs)]
            found = self._session.judge(judge_id, store, asked)
        rows = []
        for doc in docs:
            mine = found[doc["trace_id"]]
            at = [reply for reply in mine.replies if reply.turn == doc["turn"]]
            said = [verdict for verdict in mine.verdicts if verdict.turn == doc["turn"]]
            rows.append(Row.of(judge_id, at, said).dumps())
        return rows

    def _reply(self, doc: dict[str, Any], repeat: int, text: str) -> Reply:
        parsed = self._session.evaluation.protocol.parse(text)
        return reply_from(ReplyKey(doc["trace_id"], doc["turn"], repeat), [Answer(text=text)], parsed, None)
