"""A real server that misbehaves, a real process that is killed: nothing is lost and nothing is paid for twice."""

import json
import os
import random
import signal
import subprocess
import sys
import time

import pytest

from proactivebench.store import RunStore
from tests.board.calling import call
from tests.scripted import offer
from tests.servers.chat import Drop, Fault, Hang, Say, chat_server

COMMAND = [sys.executable, "-m", "proactivebench"]


def arguments(server, path, *more):
    return [
        "run", "--model", "endpoint", "--model_args", f"base_url={server.base_url},model=m",
        "--tasks", "proactivebench_sample", "--output_path", str(path),
        "--timeout", "0.5", "--max_retries", "1", "--json", *more,
    ]  # fmt: skip


def run(server, path, *more):
    return call(*arguments(server, path, *more))


def reply_to(seen) -> Say:
    """An answer that depends on nothing but the question, so that undisturbed and resumed runs can be compared."""
    event = seen.body["messages"][-1]["content"]
    return Say(offer(f"help with {event[-30:]}" if len(event) % 3 == 0 else None), after=0.005)


def shown(done) -> dict:
    report = json.loads(done.out)
    for judge in report["judges"]:  # waiting is the one thing that differs between two runs
        for part in (judge["overall"], *judge["splits"].values()):
            part.pop("queueing")
            for key in ("latency_p50", "latency_p95"):
                part["metrics"].pop(key, None)
    return report["judges"][0]


def test_every_fault_leaves_every_moment_accounted_for_and_the_rerun_asks_only_what_is_missing(tmp_path):
    faults = [
        Fault(429, headers={"Retry-After": "0"}), Fault(500), Fault(503, "<html>gateway</html>"), Hang(), Drop(),
        Drop(50), Say(""), Say(message={"content": None}), Fault(200, "<html>hello</html>", content_type="text/html"),
        Fault(200, '{"choices": [{"mess'), Fault(400, {"error": {"message": "too long"}}), Say("no JSON at all"),
        Say('{"Proactive Task": "cut o', finish="length"),
    ]  # fmt: skip
    rng = random.Random(7)

    def script(seen):
        return rng.choice(faults) if rng.random() < 0.15 else reply_to(seen)

    with chat_server(script) as server:
        first = run(server, tmp_path / "r")
    stored = RunStore(tmp_path / "r").replies()
    failed = {key for key, reply in stored.items() if not reply.status.final}
    unclean = {reply.status.value for reply in stored.values() if reply.status.final and not reply.status.clean}
    assert first.code == 3, first.err
    assert failed
    assert unclean >= {"empty", "unparsable", "refused", "truncated"}
    report = json.loads(first.out)
    assert not report["complete"]
    assert report["moments_answered"] == len(stored) - len(failed)

    with chat_server(reply_to, port=server.port) as server:
        again = run(server, tmp_path / "r")
        assert len(server.asked) == 231 - (len(stored) - len(failed))
    assert again.code == 0, again.err
    report = json.loads(again.out)
    assert (report["complete"], report["moments_answered"]) == (True, 231)
    statuses = report["judges"][0]["overall"]["statuses"]
    assert sum(count for status, count in statuses.items() if status != "missing") == 231


@pytest.mark.parametrize("status", [401, 403, 404])
def test_what_no_retry_can_mend_stops_the_run_at_once(tmp_path, status):
    with chat_server(
        [Fault(status, {"error": {"message": "no"}})], probe=Fault(status, {"error": {"message": "no"}})
    ) as server:
        done = run(server, tmp_path / "r")
        assert len(server.requests) <= 2
    assert done.code == 2
    assert len(done.err.strip().splitlines()) <= 2


def test_a_dead_server_is_said_in_one_line(tmp_path):
    with chat_server() as server:
        gone = server.base_url
    args = ["--model_args", f"base_url={gone},model=m", "--max_retries", "0"]
    done = call("run", "--model", "endpoint", *args, "--tasks", "proactivebench_sample", "--output_path", tmp_path)
    assert done.code in (2, 3)
    assert gone in done.err
    assert "Traceback" not in done.err


def test_killed_at_ten_random_points_the_report_is_that_of_an_undisturbed_run(tmp_path):
    with chat_server(reply_to) as server:
        undisturbed = run(server, tmp_path / "whole")
        assert len(server.asked) == 231
    assert undisturbed.code == 0, undisturbed.err

    rng = random.Random(11)
    with chat_server(reply_to) as server:
        for _ in range(10):
            process = subprocess.Popen(
                [*COMMAND, *arguments(server, tmp_path / "killed", "--concurrency", "2")],
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            )  # fmt: skip
            answered = len(server.asked)
            target = answered + rng.randint(1, 20)
            while process.poll() is None and len(server.asked) < target:
                time.sleep(0.001)
            process.send_signal(signal.SIGKILL)
            process.wait()
            assert process.returncode == -signal.SIGKILL
        before = len(RunStore(tmp_path / "killed").replies())
        assert 0 < before < 231
        finished = run(server, tmp_path / "killed")
        lost = len(server.asked) - 231
    assert finished.code == 0, finished.err
    assert 0 <= lost <= 10 * 4  # at most those in flight at each kill, and as many on their way to the disk
    assert shown(finished) == shown(undisturbed)


def test_ctrl_c_drains_and_says_how_to_go_on(tmp_path):
    with chat_server(lambda _: Say(offer(None), after=0.2)) as server:
        process = subprocess.Popen(
            [*COMMAND, *arguments(server, tmp_path / "r")], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        while process.poll() is None and len(server.asked) < 15:
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=30)
        asked = len(server.asked)
    assert process.returncode == 130
    assert "same command" in said
    assert "Traceback" not in said
    assert len(RunStore(tmp_path / "r").replies()) == asked


@pytest.mark.skipif(os.geteuid() != 0 or sys.platform != "linux", reason="needs root to mount a small disk")
def test_a_full_disk_stops_the_run_with_what_is_saved_intact(tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", disk], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("this machine lets nobody mount")
    try:
        with chat_server(reply_to) as server:
            done = run(server, disk / "r")
        assert done.code == 4, done.err
        assert "No space left" in done.err
        saved = RunStore(disk / "r").replies()
        subprocess.run(["mount", "-o", "remount,size=16m", disk], check=True)
        with chat_server(reply_to, port=server.port) as server:
            again = run(server, disk / "r")
            assert len(server.asked) == 231 - len(saved)
        assert again.code == 0, again.err
    finally:
        subprocess.run(["umount", disk], check=True)
