"""An agent that is a server: one POST a moment, and what its failures mean."""

import re
import socket

import pytest

from proactivebench.agents import create_agent
from proactivebench.errors import UsageError
from proactivebench.protocols import load_protocol
from proactivebench.records import Cause, ReplyKey, ReplyStatus
from tests.agents.programs import run
from tests.scripted import tiny_task
from tests.servers.agent import Raw, agent_server

SECOND = ReplyKey("trace_0", 1)


def http(url, *, timeout_s=5.0, max_retries=0, concurrency=4, **args):
    """The agent at `url`."""
    return create_agent(
        "http", {"url": url, **args}, protocol=load_protocol("standard"), task=tiny_task(), timeout_s=timeout_s,
        max_retries=max_retries, concurrency=concurrency,
    )  # fmt: skip


def test_every_moment_is_one_post_with_all_that_happened_so_far(tmp_path):
    with agent_server(lambda m: {"offers": [f"help {m['turn']}"] if m["turn"] else []}) as server:
        replies = run(tmp_path, http(server.url), tiny_task(3))
    assert [reply.proposals for reply in replies.values()] == [(), ("help 1",), ("help 2",)]
    last = server.asked[-1]
    assert (last.path, last.message["type"], last.message["version"]) == ("/act", "moment", 1)
    assert [one["event"] for one in last.message["observations"]] == [f"does thing {n} of 0" for n in range(3)]
    assert [past["offers"] for past in last.message["history"]] == [[], ["help 1"]]
    assert len({asked.message["id"] for asked in server.asked}) == len(server.asked) == 3
    assert "Authorization" not in last.headers


@pytest.mark.parametrize(
    ("said", "status", "error"),
    [
        (Raw(500, b"out of order"), ReplyStatus.ERROR, "500: out of order"),
        (Raw(429, b'{"error": "slow down"}'), ReplyStatus.ERROR, "429: slow down"),
        (Raw(422, b'{"error": "no"}'), ReplyStatus.REFUSED, "422: no"),
        (Raw(200, b"<html><title>Busy</title></html>"), ReplyStatus.ERROR, "an HTML page"),
        (Raw(200, b""), ReplyStatus.ERROR, "an empty body"),
        (Raw(200, b'{"offers": ['), ReplyStatus.ERROR, "broken JSON"),
        (Raw(200, b'["help"]'), ReplyStatus.ERROR, "a JSON list"),
        (Raw(200, b'{"error": "no model"}'), ReplyStatus.ERROR, "no model"),
        (Raw(200, b'{"offers": ["' + b"x" * (9 << 20) + b'"]}'), ReplyStatus.ERROR, "more than 8 MiB"),
        (Raw(200, b'{"offers', declared=100), ReplyStatus.ERROR, "payload|Payload|Length"),
        (Raw(200, b'{"offers": []}', after=0.8), ReplyStatus.ERROR, "no answer within 0.4 s"),
        (Raw(401, b"key?"), ReplyStatus.ERROR, "401: key?"),
    ],
)
def test_a_fault_after_an_answer_is_what_it_is_for_endpoints(tmp_path, said, status, error):
    slow = said.after > 0
    with agent_server(lambda m: said if m["turn"] == 1 else {"offers": []}) as server:
        replies = run(tmp_path, http(server.url, timeout_s=0.4 if slow else 5.0), tiny_task(2, 1))
    reply = replies[SECOND]
    assert reply.status is status
    assert re.search(error, reply.error or "")
    assert replies[ReplyKey("trace_1", 0)].status is ReplyStatus.SILENT


def test_a_fault_that_passes_is_asked_again_at_once_and_by_the_same_command(tmp_path):
    failures = [2]

    def script(message):
        if message["turn"] == 1 and failures[0]:
            failures[0] -= 1
            return Raw(503, b"later")
        return {"offers": ["help"]}

    with agent_server(script) as server:
        assert run(tmp_path, http(server.url, max_retries=0), tiny_task(2))[SECOND].status is ReplyStatus.ERROR
        reply = run(tmp_path, http(server.url, max_retries=2), tiny_task(2))[SECOND]
        assert (reply.status, reply.attempts) == (ReplyStatus.PROPOSED, 2)
        assert [asked.message["turn"] for asked in server.asked] == [0, 1, 1, 1]


def test_what_is_no_action_is_unparsable_by_the_agents_own_doing(tmp_path):
    with agent_server(lambda _: {"offers": 42}) as server:
        reply = run(tmp_path, http(server.url), tiny_task(1))[ReplyKey("trace_0", 0)]
    assert (reply.status, reply.cause) == (ReplyStatus.UNPARSABLE, Cause.WRONG_TYPE)


@pytest.mark.parametrize(
    ("said", "says"),
    [
        (
            Raw(302, headers={"Location": "http://127.0.0.1:9/new?key=abc"}),
            r"moved to http://127\.0\.0\.1:9/new .*url=",
        ),
        (Raw(404, b"no such path"), r"takes no moment \(404: no such path\): check url="),
        (Raw(401, b"who are you?"), r"does not let us in \(401: who are you\?\): set key_env="),
        (Raw(402, b"pay"), "wants payment"),
    ],
)
def test_a_server_that_lets_nobody_in_ends_the_run(tmp_path, said, says):
    with agent_server(lambda _: said) as server, pytest.raises(UsageError, match=says):
        run(tmp_path, http(server.url), tiny_task(1))


def test_a_server_that_is_not_there_ends_the_run_before_anything_is_asked(tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(UsageError, match=r"nobody answers at .*: start the agent, or check url="):
        run(tmp_path, http(f"http://127.0.0.1:{port}/act"), tiny_task(1))


def test_a_key_comes_from_the_named_variable_and_goes_nowhere_else(tmp_path, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-the-vendors-own-0123")
    monkeypatch.setenv("MY_AGENT", "secret-of-my-agent-01")
    with agent_server(lambda _: Raw(500, b"bad secret-of-my-agent-01")) as server:
        agent = http(server.url, key_env="MY_AGENT", key_header="x-agent")
        reply = run(tmp_path, agent, tiny_task(1))[ReplyKey("trace_0", 0)]
        assert server.asked[0].headers["x-agent"] == "secret-of-my-agent-01"
        assert "Authorization" not in server.asked[0].headers
    assert "secret-of-my-agent" not in (reply.error or "") + str(agent.identity)
    monkeypatch.delenv("MY_AGENT")
    with agent_server(lambda _: {}) as server, pytest.raises(UsageError, match="set MY_AGENT in the environment"):
        run(tmp_path / "2", http(server.url, key_env="MY_AGENT"), tiny_task(1))


@pytest.mark.parametrize(
    ("args", "says"),
    [
        ({"url": ""}, "needs an address"),
        ({"url": "127.0.0.1:80"}, "needs an address"),
        ({"url": "ftp://x/y"}, "needs an address"),
        ({"url": "http://u@x/y"}, "carries credentials"),
        ({"url": "http://u:p@x/y"}, "looks like a secret"),
        ({"url": "http://x/y?api_key=abc"}, "looks like a secret"),
        ({"url": "http://x", "key_header": "x-a"}, "give key_env="),
        ({"url": "http://x", "model": "m"}, "does not know model"),
    ],
)
def test_an_address_that_cannot_be_is_refused(args, says):
    with pytest.raises(UsageError, match=says):
        http(args.pop("url"), **args)
