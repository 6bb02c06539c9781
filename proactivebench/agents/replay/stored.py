"""Answers given earlier, aligned to the moments of a task: what every replay reader returns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from proactivebench.models.base import Answer
from proactivebench.records import ReplyKey, Task, digest


@dataclass(frozen=True, slots=True)
class StoredAnswers:
    """Answers by key, the name of who gave them, and what was left out because the task has no place for it.
    `advice` is what the agent was told before the answer of a later round."""

    name: str
    answers: Mapping[ReplyKey, Answer]
    skipped: Mapping[str, int] = field(default_factory=dict)
    advice: Mapping[ReplyKey, str] = field(default_factory=dict)

    @property
    def content_hash(self) -> str:
        """sha256 over what the task will be answered with, wherever it is stored."""
        return digest(
            [
                [*key, answer.text, answer.reasoning, answer.failure, answer.truncated, answer.error]
                for key, answer in sorted(self.answers.items())
            ]
        )

    def missing(self, task: Task) -> int:
        """Number of moments of `task` without a stored first answer."""
        return sum(
            ReplyKey(trace.trace_id, turn) not in self.answers
            for trace in task.traces
            for turn in range(len(trace.events))
        )
