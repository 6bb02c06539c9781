"""Stop means stop: after one signal nothing new is sent, by whomever; after two nothing is waited for."""

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from proactivebench import protocols
from proactivebench.evaluation import run_async
from proactivebench.judging.stage import VerdictStage
from proactivebench.models.base import Answer
from proactivebench.protocols import load_protocol
from proactivebench.records import Decoding, Moment, Reply, ReplyStatus, Usage
from proactivebench.rollout import Rollout
from proactivebench.stopping import go_on
from proactivebench.store import RunStore
from tests.judging.scripted import ACCEPT, REJECT
from tests.scripted import ScriptedAgent, ScriptedJudge, offer, tiny_task
from tests.servers.chat import Fault, Hang, Say, chat_server

COMMAND = [sys.executable, "-m", "proactivebench"]
SAMPLE = ["--tasks", "proactivebench_sample"]


def asks_a_judge(seen):
    return "verdict" in json.dumps(seen.body["messages"])


class Interrupted:
    """A command that got `signals` once `server` had `enough` requests, and what the server saw by then and after."""

    def __init__(self, server, command, enough, signals=1):
        process = subprocess.Popen(
            [*COMMAND, *map(str, command)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        deadline = time.monotonic() + 60
        while len(server.asked) < enough and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.005)
        for _ in range(signals):
            process.send_signal(signal.SIGINT)
            time.sleep(0.15)  # what was on its way arrives
        self.before = len(server.asked)
        _, self.said = process.communicate(timeout=60)
        self.after = len(server.asked) - self.before
        self.code = process.returncode


def endpoint(server, *more):
    return ["--model", "endpoint", "--model_args", f"base_url={server.base_url},model=m", *SAMPLE, *more]


def run_command(server, folder, *more):
    return ["run", *endpoint(server, "--output_path", folder, "--concurrency", "4", *more)]


def judged_by(server, judge="llm"):
    behind = f"base_url={server.base_url},model=j"
    return ["--judge", judge, "--no-judge_cache", "--judge_model", "endpoint", "--judge_model_args", behind]


def finish(command):
    return subprocess.run([*COMMAND, *map(str, command)], capture_output=True, text=True, timeout=120, check=False)


def replies_to_judge(folder):
    done = finish(["run", "--model", "always", *SAMPLE, "--predict_only", "--output_path", folder])
    assert done.returncode == 0, done.stderr


def test_a_pause_between_retries_ends_with_the_signal(tmp_path):
    with chat_server(lambda _: Fault(503, "busy", headers={"Retry-After": "60"})) as server:
        done = Interrupted(server, run_command(server, tmp_path / "r", "--max_retries", "9"), enough=4)
    assert (done.code, done.after) == (130, 0)
    assert "same command" in done.said


def test_no_further_attempt_is_made_and_the_next_sitting_goes_on_after_those_that_were(tmp_path):
    card = tmp_path / "patient.yaml"
    shipped = (Path(protocols.__file__).parent / "cards" / "standard.yaml").read_text(encoding="utf-8")
    card.write_text(shipped.replace("max_attempts: 1", "max_attempts: 4"), encoding="utf-8")
    more = ["--protocol", card, "--limit", "1", "--predict_only"]
    with chat_server(lambda _: Say("not JSON", after=0.6)) as server:
        done = Interrupted(server, run_command(server, tmp_path / "r", *more), enough=2)
        assert (done.code, done.after) == (130, 0)
        (kept,) = RunStore(tmp_path / "r").replies().values()
        assert (kept.status, kept.heard, kept.text) == (ReplyStatus.ERROR, done.before, "not JSON")
    with chat_server(lambda _: Say("not JSON"), port=server.port) as server:
        assert finish(run_command(server, tmp_path / "r", *more)).returncode == 0
        replies = RunStore(tmp_path / "r").replies()
        assert len(server.asked) == 4 * len(replies) - done.before
    assert {reply.attempts for reply in replies.values()} == {4}


@pytest.mark.parametrize("feedback", [False, True], ids=["the scoring judge", "the feedback judge"])
def test_the_judges_queue_is_not_worked_off(tmp_path, feedback):
    def script(seen):
        return Say(REJECT, after=0.6) if asks_a_judge(seen) else Say(offer("help"))

    with chat_server(script) as server:
        rounds = ["--feedback_rounds", "2"] if feedback else []
        done = Interrupted(server, run_command(server, tmp_path / "r", *judged_by(server), *rounds), enough=12)
    assert (done.code, done.after) == (130, 0)


def test_judging_alone_stops_as_well(tmp_path):
    replies_to_judge(tmp_path / "r")
    with chat_server(lambda _: Say(ACCEPT, after=0.6)) as server:
        command = ["judge", tmp_path / "r", *judged_by(server), "--concurrency", "4"]
        done = Interrupted(server, command, enough=6)
    assert (done.code, done.after) == (130, 0)
    (judge,) = RunStore(tmp_path / "r").judge_ids()
    assert len(RunStore(tmp_path / "r").verdicts(judge)) == done.before


def test_a_served_classifier_stops_as_well(tmp_path):
    replies_to_judge(tmp_path / "r")
    card = tmp_path / "served.yaml"
    card.write_text(
        "name: served\nversion: '1'\nsummary: served\nkind: classifier\nlabel: 1\nthreshold: 0.5\n"
        "text: '{{events}} {{proposal}}'\nsilence: none\n", encoding="utf-8",
    )  # fmt: skip
    with chat_server(lambda _: Fault(503, "busy", after=0.3)) as server:
        command = ["judge", tmp_path / "r", *judged_by(server, card), "--concurrency", "4"]
        done = Interrupted(server, command, enough=6)
    assert (done.code, done.after) == (130, 0), done.said


def test_a_second_signal_drops_what_is_in_flight_and_keeps_what_was_answered(tmp_path):
    answered = []

    def script(seen):
        answered.append(seen)
        return Say(offer(None)) if len(answered) <= 6 else Hang()

    with chat_server(script) as server:
        done = Interrupted(server, run_command(server, tmp_path / "r"), enough=8, signals=2)
    assert done.code == 130
    assert "Traceback" not in done.said
    assert len(RunStore(tmp_path / "r").replies()) == 6


def test_a_second_signal_does_not_wait_for_a_thread_that_works_in_this_process():
    code = (
        "import asyncio, os, signal, threading, time\n"
        "from proactivebench.cli.interrupt import until_interrupted\n"
        "async def work():\n"
        "    asyncio.get_running_loop().call_later(0.1, os.kill, os.getpid(), signal.SIGINT)\n"
        "    asyncio.get_running_loop().call_later(0.3, os.kill, os.getpid(), signal.SIGINT)\n"
        "    await asyncio.to_thread(time.sleep, 600)\n"
        "until_interrupted(work(), asyncio.Event())\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 130
    assert "interrupted" in done.stderr


def test_an_attempt_of_an_earlier_sitting_counts_in_the_reply():
    def roll(agent, stop_after=None, stored=()):
        replies, stop = [], asyncio.Event()

        class Stops(ScriptedAgent):
            async def answer(self, request):
                said = await agent.answer(request)
                if len(agent.requests) == stop_after:
                    stop.set()
                return said

        protocol = load_protocol("standard")
        protocol.max_attempts = 3
        rollout = Rollout(
            agent=Stops(), protocol=protocol, decoding=Decoding(), traces=tiny_task(1).traces, stop=stop,
            emit=lambda _, reply: replies.append(reply), stored={reply.key: reply for reply in stored},
        )  # fmt: skip
        asyncio.run(rollout.run())
        return replies

    agent = ScriptedAgent(lambda _: Answer("?", usage=Usage(prompt_tokens=10, completion_tokens=1), latency_s=1.0))
    first = roll(agent, stop_after=2)
    (last,) = roll(agent, stored=first)
    assert len({request.seed for request in agent.requests}) == len(agent.requests) == 3
    assert (last.status, last.heard, last.attempts) == (ReplyStatus.UNPARSABLE, None, 3)
    assert (last.usage.prompt_tokens, last.latency_s) == (30, 3.0)


def test_a_judge_that_was_not_asked_leaves_no_verdict(tmp_path):
    class Heeding(ScriptedJudge):
        async def judge(self, items):
            stop.set()
            go_on()
            return await super().judge(items)

    stop, appended = asyncio.Event(), []

    class Log:
        append = appended.extend

    async def work():
        stage = VerdictStage(Heeding(), Log(), {}, stop=stop)
        reply = Reply(trace_id="trace_0", turn=0, status=ReplyStatus.SILENT)
        assert await stage.verdicts_on([(Moment(tiny_task(1).traces[0], 0), reply)]) == [[]]

    asyncio.run(work())
    assert appended == []


def test_an_interruption_reaches_work_that_runs_beside_an_event_loop():
    """As in a notebook: the loop is taken, so the work runs in a thread, and Ctrl-C comes to the main one."""
    ended = []

    async def long():
        os.kill(os.getpid(), signal.SIGINT)
        try:
            await asyncio.sleep(600)
        finally:
            ended.append(True)

    async def notebook():
        run_async(long())

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    loop = asyncio.new_event_loop()
    try:
        with contextlib.suppress(KeyboardInterrupt):
            loop.run_until_complete(notebook())
    finally:
        loop.close()
        signal.signal(signal.SIGINT, before)
    assert ended == [True]
