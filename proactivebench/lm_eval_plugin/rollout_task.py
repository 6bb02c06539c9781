"""The task whose document is a trace and whose one request is a whole rollout, over any lm-eval model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lm_eval.api.instance import Instance

from proactivebench.errors import UsageError
from proactivebench.lm_eval_plugin.request_type import REQUEST
from proactivebench.lm_eval_plugin.task import ProactiveTask


class RolloutTask(ProactiveTask):
    """A document is a trace; its one request is the whole rollout, and `--limit` counts traces."""

    def documents(self) -> list[dict[str, Any]]:
        """One a trace."""
        return [
            {
                "trace_id": trace.trace_id,
                "split": trace.split,
                "turns": len(trace.events),
                "text": f"{trace.trace_id}: {len(trace.events)} events, each answered in one conversation",
            }
            for trace in self._session.task.traces
        ]

    def fewshot_context(self, doc: dict[str, Any], *_: Any, **__: Any) -> str:
        """The conversations are the protocol's; lm-eval's own context would be of no use."""
        return self.doc_to_text(doc)

    def construct_requests(self, doc: dict[str, Any], ctx: str, **given: Any) -> Instance:
        """The rollout of one trace; what it is asked with stands in its arguments."""
        name, place, repeats = given.get("metadata") or (self.config.task, given.get("doc_id"), self.config.repeats)
        return Instance(
            request_type=REQUEST,
            doc=doc,
            arguments=(ctx, self._session.asked()),
            idx=0,
            metadata=(name, place, repeats or 1),
            task_name=name,
            doc_id=place,
        )

    def rows(self, judge_id: str, answers: Sequence[Sequence[str]], docs: Sequence[dict[str, Any]]) -> list[str]:  # noqa: ARG002
        """Judge what is stored of these traces."""
        store = self._session.opened
        if store is None:
            raise UsageError("there is no rollout to judge: lm-eval gave answers that were not asked for here")
        wanted = {doc["trace_id"] for doc in docs}
        traces = [trace for trace in self._session.task.traces if trace.trace_id in wanted]
        found = self._session.judge(judge_id, store, traces)
        return [found[doc["trace_id"]].dumps() for doc in docs]
