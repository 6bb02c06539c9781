"""The published models' answers, replayed: counts against those read off the released files by hand."""

import asyncio
import os
from collections import Counter
from pathlib import Path

import pytest

from proactivebench.agents.replay.agent import ReplayAgent
from proactivebench.protocols import load_protocol
from proactivebench.records import Note
from proactivebench.traces import load_task
from tests.agents.moments import answers, request

MIRROR = os.environ.get("PROACTIVEBENCH_MIRROR", "")
pytestmark = pytest.mark.skipif(not Path(MIRROR, "eval/traces_new").is_dir(), reason="PROACTIVEBENCH_MIRROR is unset")

PROTOCOL = load_protocol("standard", history="observations")

# model: proposals, null strings, silences, failed calls, dicts as task
COUNTS = {
    "activeqwen": (222, 0, 4, 0, 1),
    "claude-3-5-sonnet": (184, 0, 22, 21, 0),
    "claude-3-sonnet-20240229": (67, 67, 93, 0, 0),
    "gpt-4o": (216, 10, 1, 0, 0),
    "gpt-4o-mini": (224, 1, 2, 0, 0),
    "llama3-70b": (195, 1, 31, 0, 0),
    "qwen2-72b-instruct": (155, 7, 65, 0, 0),
    "qwen2-7b": (225, 2, 0, 0, 0),
}


def counted(agent: ReplayAgent, task_name: str) -> Counter[str]:
    task = load_task(task_name)
    asked = [request(trace, turn) for trace in task.traces for turn in range(len(trace.events))]
    kinds: Counter[str] = Counter()
    for answer in answers(agent, *asked):
        parsed = None if answer.text is None else PROTOCOL.parse(answer.text)
        if parsed is None:
            kinds[answer.error or ""] += 1
        elif Note.FAILED_CALL in parsed.notes:
            kinds["failed_call"] += 1
        else:
            kinds[next(iter(parsed.notes), parsed.status).value] += 1
    return kinds


@pytest.mark.parametrize("model", COUNTS)
@pytest.mark.parametrize("task_name", ["proactivebench_published", "proactivebench"])
def test_every_published_answer_is_counted_for_what_it_is(model: str, task_name: str) -> None:
    agent = ReplayAgent(
        {"path": str(Path(MIRROR, "eval/traces_new", model))}, protocol=PROTOCOL, task=load_task(task_name)
    )
    kinds = counted(agent, task_name)
    names = ("proposed", "null_string", "silent", "failed_call", "task_not_text")
    assert tuple(kinds[name] for name in names) == COUNTS[model]
    missing = 6 if task_name == "proactivebench" else 0
    assert kinds["no stored answer"] == missing
    assert asyncio.run(agent.start())["moments_without_answer"] == missing


def test_a_published_model_by_name_gives_the_same_answers_as_its_folder() -> None:
    task = load_task("proactivebench_published")
    named = ReplayAgent({"released": "gpt-4o"}, protocol=PROTOCOL, task=task)
    folder = ReplayAgent({"path": str(Path(MIRROR, "eval/traces_new/gpt-4o"))}, protocol=PROTOCOL, task=task)
    assert named.identity.model_args["sha256"] == folder.identity.model_args["sha256"]


def test_the_six_moments_without_an_answer_are_the_dropped_ones() -> None:
    task = load_task("proactivebench")
    agent = ReplayAgent({"released": "qwen2-7b"}, protocol=PROTOCOL, task=task)
    missing = {
        (trace.trace_id, turn)
        for trace in task.traces
        for turn in range(len(trace.events))
        if answers(agent, request(trace, turn))[0].text is None
    }
    assert Counter(name for name, _ in missing) == {"code_13": 3, "code_15": 1, "code_16": 1, "writing_12": 1}
