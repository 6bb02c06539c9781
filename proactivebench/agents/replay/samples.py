"""Stored answers in lm-eval's samples files, written by this project's tasks with `--log_samples`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from proactivebench.agents.replay.runs import WANTED, answer_of
from proactivebench.agents.replay.stored import StoredAnswers
from proactivebench.errors import DataError
from proactivebench.files import foreign, read_bytes
from proactivebench.models.base import Answer
from proactivebench.protocols.base import Protocol
from proactivebench.records import Reply, ReplyKey, Task
from proactivebench.store import first_problem
from proactivebench.text import BadLine, load_json, read_lines

_OWN = "a file of lm-eval samples"


def read_samples(path: Path, task: Task, protocol: Protocol) -> StoredAnswers | None:
    """The answers of a samples file, of rollouts and of moments asked one by one; None if `path` is no such file.

    Several judges repeat the same answers: each counts once. Raises `DataError` for lines that are no samples of ours.
    """
    if not is_samples(path):
        return None
    turns = {trace.trace_id: len(trace.events) for trace in task.traces}
    answers: dict[ReplyKey, Answer] = {}
    outside: set[ReplyKey] = set()
    content = read_bytes(path, WANTED)
    for number, sample in _samples(path, content):
        try:
            for key, answer in _answers(sample, protocol):
                if key.turn < turns.get(key.trace_id, 0):
                    answers[key] = answer
                else:
                    outside.add(key)
        except ValidationError as error:
            raise DataError(f"{path}:{number} holds no reply: {first_problem(error)}") from error
        except (ValueError, KeyError, IndexError, TypeError, AttributeError):
            if number == 1 and (other := foreign(path, content, WANTED, own=_OWN)):
                raise other from None
            raise DataError(
                f"{path}:{number} is no sample of this project's tasks, the file is {_OWN} of others: give {WANTED}"
            ) from None
    name = path.name.removesuffix(".gz").removesuffix(".jsonl")
    return StoredAnswers(name, answers, {"replies_outside_task": len(outside)} if outside else {})


def _samples(path: Path, content: bytes) -> Iterator[tuple[int, Any]]:
    """The samples as lm-eval writes them, NaN and all."""
    try:
        yield from read_lines(content, load_json)
    except BadLine as error:
        line = f"{path}:{error.number}"
        raise foreign(path, content, WANTED) or DataError(f"{line} is not JSON: give {WANTED}") from None


def is_samples(path: Path) -> bool:
    """Whether a file bears the name of lm-eval's samples."""
    return path.is_file() and path.name.startswith("samples_") and path.name.endswith((".jsonl", ".jsonl.gz"))


def _answers(sample: dict[str, Any], protocol: Protocol) -> Iterator[tuple[ReplyKey, Answer]]:
    doc, texts = sample["doc"], sample["resps"][0]
    for repeat, text in enumerate(texts):
        if "turn" in doc:
            yield ReplyKey(doc["trace_id"], doc["turn"], repeat), Answer(text=text)
            continue
        for turn in load_json(text)["turns"]:
            reply = Reply.model_validate(turn["reply"])
            yield reply.key, answer_of(reply, protocol)
