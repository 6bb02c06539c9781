"""Stored answers in this project's own format: a run directory, or reply files (`replies*.jsonl`, also gzipped)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from proactivebench.agents.replay.stored import StoredAnswers
from proactivebench.errors import DataError, UsageError
from proactivebench.files import foreign, read_bytes
from proactivebench.models.base import Answer, Failure
from proactivebench.protocols.base import Protocol
from proactivebench.records import Reply, ReplyKey, ReplyStatus, Task
from proactivebench.store import RunStore, line_problem
from proactivebench.text import BadLine, read_lines

WANTED = "a run's folder, its replies.jsonl, lm-eval samples of this project's tasks, or a folder of released answers"
_FAILURES = {ReplyStatus.REFUSED: Failure.REFUSED, ReplyStatus.ERROR: Failure.ERROR}


def read_run(path: Path, task: Task, protocol: Protocol) -> StoredAnswers | None:
    """The answers of a run, by key with repeats and rounds; None if `path` is not of this format.

    Texts are read anew by the protocol at hand; what the server said (refused, cut off, failed) stays as it was.
    Raises `UsageError` for a run on other data, `DataError` for lines that are no replies.
    """
    files = _reply_files(path)
    if not files:
        return None
    name = path.name
    if path.is_dir() and (path / "manifest.json").is_file():
        manifest = RunStore(path).manifest
        name = manifest.agent.name
        if manifest.task.data_hash != task.data_hash:
            raise UsageError(
                f"{path} answered {manifest.task.name} ({manifest.task.data_hash[:8]}), not {task.name} "
                f"({task.data_hash[:8]}): choose its task, or give its replies.jsonl to go by trace and turn alone"
            )
    turns = {trace.trace_id: len(trace.events) for trace in task.traces}
    answers: dict[ReplyKey, Answer] = {}
    advice: dict[ReplyKey, str] = {}
    outside: set[ReplyKey] = set()
    for file in files:
        for reply in _replies(file):
            if reply.turn < turns.get(reply.trace_id, 0):
                answers[reply.key] = answer_of(reply, protocol)
                if reply.advice is not None:
                    advice[reply.key] = reply.advice
            else:
                outside.add(reply.key)
    return StoredAnswers(name, answers, {"replies_outside_task": len(outside)} if outside else {}, advice)


def _reply_files(path: Path) -> list[Path]:
    if path.is_dir():
        return sorted([*path.glob("replies*.jsonl"), *path.glob("replies*.jsonl.gz")])
    return [path] if path.is_file() and path.name.endswith((".jsonl", ".jsonl.gz")) else []


def _replies(file: Path) -> Iterator[Reply]:
    """The replies of one file; a last line that a crash cut off is left out, as is an empty one."""
    content = read_bytes(file, WANTED)
    try:
        for _, reply in read_lines(content, Reply.model_validate_json):
            yield reply
    except BadLine as error:
        if error.number == 1 and (other := foreign(file, content, WANTED, own="a log of replies or verdicts of a run")):
            raise other from None
        if error.number == content.count(b"\n") + 1 > 1:
            return
        raise DataError(f"{file}:{error.number} is no stored reply: {line_problem(error)}") from error


def answer_of(reply: Reply, protocol: Protocol) -> Answer:
    """The answer that was read as `reply`, to be read anew by `protocol`."""
    failure = _FAILURES.get(reply.status)
    text = reply.text
    if text is None and failure is None:
        text = protocol.render(reply.proposals) if reply.status.clean else ""
    return Answer(
        text=text,
        reasoning=reply.reasoning,
        failure=failure,
        error=reply.error,
        truncated=reply.status is ReplyStatus.TRUNCATED or reply.finish_reason == "length",
        finish_reason=reply.finish_reason,
        attempts=reply.attempts,
        usage=reply.usage,
        latency_s=reply.latency_s,
        dropped_turns=reply.dropped_turns,
        confidence=reply.confidence,
        p_need=reply.p_need,
    )
