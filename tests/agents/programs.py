"""Runs with agents that are programs, and a program that misbehaves as it is told to."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from proactivebench.agents import create_agent
from proactivebench.agents.base import Actor, Call
from proactivebench.agents.programs.given import agent_given, word_of
from proactivebench.evaluation import Evaluation, run_async
from proactivebench.protocols import load_protocol
from proactivebench.records import Reply, ReplyKey, Task
from proactivebench.store import RunStore
from tests.scripted import ScriptedJudge, tiny_task

FAULTY = '''"""Answers every moment of a trace but those of turn 1, where it does what its argument says."""
import json, os, subprocess, sys, time

def say(message, **said):
    print(json.dumps({"id": message["id"], **said}), flush=True)

def at_turn_1(kind, message):
    if kind == "raise":
        raise ValueError("boom, the key is " + os.environ.get("PB_TEST_API_KEY", ""))
    if kind == "hang":
        time.sleep(60)
    if kind == "late":
        time.sleep(float(sys.argv[2]))
        say(message, offers=["too late"])
    if kind == "prose":
        print("Loading the model...", flush=True)
    if kind == "half":
        sys.stdout.write('{"id": "')
        sys.stdout.flush()
        sys.exit(3)
    if kind == "endless":
        while True:
            sys.stdout.write("x" * 65536)
    if kind == "deaf":
        os.close(1)
        time.sleep(60)
    if kind == "children":
        subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
        os._exit(0)
    if kind == "other id":
        print(json.dumps({"id": "another", "offers": []}), flush=True)
    if kind == "twice":
        say(message, offers=[])
        say(message, offers=["once more"])
    if kind == "no object":
        print("[]", flush=True)

for line in sys.stdin:
    message = json.loads(line)
    if message["type"] == "start":
        continue
    if message["turn"] == 1:
        at_turn_1(sys.argv[1], message)
        if sys.argv[1] == "twice":
            continue
    say(message, offers=["turn %d by %d" % (message["turn"], os.getpid())])
'''


def call(task: Task | None = None, *, args: dict[str, str] | None = None, word: str = "mine", **fields: Any) -> Call:
    """How an agent is asked for in a run on `task`."""
    card = fields.pop("card", {})
    serving = {"concurrency": 4, "timeout_s": 20.0, "max_retries": 0} | fields
    protocol = load_protocol("standard", **card)
    return Call(word=word, args=args or {}, protocol=protocol, task=task or tiny_task(), **serving)


def given(target: Any, task: Task | None = None, **fields: Any) -> Actor:
    """The agent that an object is."""
    return agent_given(target, call(task, word=word_of(target), **fields))


def process(command: str, **fields: Any) -> Actor:
    """The agent that a command is."""
    card = fields.pop("card", {})
    serving = {"concurrency": 2, "timeout_s": 20.0} | fields
    return create_agent(
        "process", {"command": command}, protocol=load_protocol("standard", **card), task=tiny_task(), **serving
    )


def faulty(folder: Path, *words: str) -> str:
    """The command of the program that misbehaves."""
    file = folder / "faulty.py"
    file.write_text(FAULTY)
    return " ".join([sys.executable, str(file), *(f"'{word}'" for word in words)])


def run(
    path: Path, agent: Actor, task: Task | None = None, *, card: dict[str, Any] | None = None, **fields: Any
) -> dict[ReplyKey, Reply]:
    """All replies of a run of `agent`, saved in `path`."""
    evaluation = Evaluation(
        task=task or tiny_task(),
        agent=agent,
        protocol=load_protocol("standard", **(card or {})),
        decoding=None,
        **fields,
    )
    store: RunStore = run_async(evaluation.run(path))
    return store.replies()


def rejecting(*texts: str) -> ScriptedJudge:
    """A judge that rejects these offers with a reason, and every other answer not."""
    from proactivebench.judging.base import Opinion
    from proactivebench.records import VerdictStatus

    def script(item: Any) -> Opinion:
        rejected = item.proposal in texts
        status = VerdictStatus.REJECTED if rejected else VerdictStatus.ACCEPTED
        return Opinion(status, "scripted", reason=f"not {item.proposal}" if rejected else None)

    return ScriptedJudge(script)
