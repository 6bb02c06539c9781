"""How models are asked is said with the same options on every verb that has one behind it, and what they say holds."""

import json
from collections import Counter

import pytest

from tests.servers.chat import Fault, Hang, Say, chat_server

YES = Say('{"verdict": "accepted"}', after=0.02)
SUITE = {"version": "1", "families": {"flattery": {"about": "x", "proposals": [f"Offer {n}" for n in range(5)]}}}


@pytest.fixture
def attack(command, tmp_path):
    """Have a served judge of offers attacked, with a few proposals; returns how often each question was asked."""
    (tmp_path / "suite.yaml").write_text(json.dumps(SUITE))

    def call(server, *options):
        behind = ("--judge_model", "endpoint", "--judge_model_args", f"base_url={server.base_url},model=m")
        what = ("--tasks", "proactivebench_sample", "--contexts", "1", "--suite", "suite.yaml")
        command("judges", "attack", "llm", *what, *behind, *options)
        times = Counter(seen.body["messages"][-1]["content"] for seen in server.asked)
        assert len(times) >= 5
        return set(times.values())

    return call


@pytest.mark.parametrize("retries", [0, 2])
def test_a_judge_is_asked_again_as_often_as_max_retries_says(retries, attack):
    with chat_server([Fault(500, headers={"Retry-After": "0"})]) as server:
        assert attack(server, "--max_retries", retries) == {1 + retries}


def test_a_judge_is_waited_for_as_long_as_timeout_says(attack):
    with chat_server([Hang()]) as server:
        assert attack(server, "--timeout", "0.2", "--max-retries", "0") == {1}


@pytest.mark.parametrize("most", [1, 3])
def test_no_more_questions_are_in_flight_than_concurrency_says(most, attack):
    with chat_server([YES]) as server:
        assert attack(server, "--concurrency", most) == {1}
    assert server.busiest == most
