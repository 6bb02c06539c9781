"""What every export is made from: a whole, valid run, read once, with nothing in it that belongs to this machine."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from proactivebench.records import TRANSPORT_ARGS, JudgeReport, Manifest, Reply, ReplyKey, Report, Task, Trace, Verdict
from proactivebench.reporting import check_valid, report_of, task_of
from proactivebench.store import RunStore

_PATH = re.compile(r"(?<![\w:/.~-])(?:~|[A-Za-z]:)?[/\\](?:[^\s/\\:'\"<>|]+[/\\])+([^\s/\\:'\"<>|]*)")
_CREDENTIALS = re.compile(r"(?<=://)[^/@\s]+@")


@dataclass(frozen=True, slots=True)
class Source:
    """A run ready to be exported."""

    task: Task
    manifest: Manifest
    report: Report
    replies: dict[ReplyKey, Reply]
    verdicts: dict[str, list[Verdict]]

    @classmethod
    def read(cls, path: Path, tasks: str | None = None) -> Source:
        """The run at `path`. Raises `InvalidRun` where its numbers may not be used, `DataError` where it is none."""
        store = RunStore(path)
        task = task_of(store, tasks)
        report = report_of(store, task)
        check_valid(report)
        verdicts = {name: list(store.verdicts(name).values()) for name in store.judge_ids()}
        return cls(task, store.manifest, report, store.replies(), verdicts)

    @property
    def started(self) -> str:
        """When the run began (ISO 8601, UTC)."""
        return self.manifest.sessions[0].started if self.manifest.sessions else ""

    @property
    def traces(self) -> tuple[Trace, ...]:
        """The traces that were asked for."""
        return self.task.traces[: self.manifest.limit]

    @property
    def agent_name(self) -> str:
        """The agent's name as others may see it."""
        return str(public(self.manifest.agent.name))

    @property
    def model_args(self) -> dict[str, str]:
        """The agent's arguments as others may see them: how it was reached is left out."""
        shown = {name: value for name, value in self.manifest.agent.model_args.items() if name not in TRANSPORT_ARGS}
        return {name: str(public(value)) for name, value in shown.items()}

    def last_reply(self, trace_id: str, turn: int, repeat: int) -> Reply | None:
        """The reply that counts at a moment: that of the last round."""
        rounds = self.manifest.protocol.feedback_rounds
        keys = (ReplyKey(trace_id, turn, repeat, number) for number in range(rounds, -1, -1))
        return next((self.replies[key] for key in keys if key in self.replies), None)

    def outcome(self, judged: JudgeReport, trace_id: str, turn: int, repeat: int) -> str:
        """The letter of a moment's outcome under a judge (see `JudgeReport.outcomes`)."""
        return judged.outcomes[trace_id][repeat][turn]


def public(value: Any) -> Any:
    """`value` with every path of a machine cut down to its last part and no credentials in addresses."""
    if isinstance(value, dict):
        return {key: public(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [public(item) for item in value]
    if isinstance(value, str):
        return _PATH.sub(lambda match: match[1] or "folder", _CREDENTIALS.sub("", value))
    return value


def sanitized(name: str) -> str:
    """A model's name as a folder name."""
    return re.sub(r"[\"<>:/|\\?*\[\]\s]+", "__", name).strip("._") or "model"
