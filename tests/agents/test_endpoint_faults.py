"""Servers that fail: what is asked again, when, and what is not."""

import asyncio
import random
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from time import perf_counter

import pytest

from proactivebench.agents.base import Failure
from proactivebench.agents.endpoint import EndpointAgent
from proactivebench.agents.endpoint_errors import LONGEST_WAIT_S, pause, retry_after
from proactivebench.errors import UsageError
from proactivebench.records import Usage
from tests.agents.asking import agent_at, ask, request, with_agent
from tests.servers.chat import Drop, Fault, Hang, Say, Step, chat_server, refusal

SOON = {"retry-after-ms": "20"}


@pytest.mark.parametrize("status", [408, 409, 429, 500, 502, 503, 504, 529])
def test_what_may_pass_is_asked_again(status: int) -> None:
    with chat_server([Fault(status, headers=SOON), Fault(status, headers=SOON), Say("at last")]) as server:
        answer = ask(server, max_retries=2)
    assert (answer.text, answer.attempts) == ("at last", 3)


def test_retries_are_bounded_and_the_last_cause_is_told() -> None:
    with chat_server([Fault(503, "down for\nmaintenance", headers=SOON)]) as server:
        answer = ask(server, max_retries=2)
        assert len(server.asked) == 3
    assert (answer.failure, answer.text, answer.attempts) == (Failure.ERROR, None, 3)
    assert answer.error == "503: down for maintenance"


def test_latency_is_wall_time_over_all_attempts() -> None:
    with chat_server([Fault(500, headers={"retry-after-ms": "150"}, after=0.1), Say(after=0.1)]) as server:
        latency = ask(server, max_retries=1).latency_s
    assert latency is not None
    assert 0.35 <= latency < 1


def test_retry_after_in_seconds_is_honoured() -> None:
    with chat_server([Fault(429, headers={"Retry-After": "0.6"}), Say()]) as server:
        ask(server, max_retries=1)
        first, second = server.asked
    assert 0.6 <= second.at - first.at < 1


def test_retry_after_is_read_as_seconds_as_date_and_in_milliseconds() -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    assert retry_after({"retry-after": "7"}, now) == 7
    assert retry_after({"retry-after": format_datetime(now + timedelta(seconds=9), usegmt=True)}, now) == 9
    assert retry_after({"retry-after": format_datetime(now - timedelta(seconds=9), usegmt=True)}, now) == 0
    assert retry_after({"retry-after-ms": "250", "retry-after": "9"}, now) == 0.25
    assert retry_after({"retry-after": "soon"}, now) is None
    assert retry_after({}, now) is None


def test_waits_follow_the_server_else_double_with_jitter_and_are_capped() -> None:
    jitter = random.Random(0)
    assert all(3 <= pause(1, 3, jitter) <= 3.3 for _ in range(50))
    assert pause(1, 86_400, jitter) <= 1.1 * LONGEST_WAIT_S
    for failures, longest in ((1, 0.5), (2, 1), (3, 2), (20, LONGEST_WAIT_S)):
        waits = {pause(failures, None, jitter) for _ in range(50)}
        assert longest / 2 <= min(waits) < max(waits) <= longest
    assert pause(1, 0, jitter) > 0.2  # «at once» is no licence to hammer


@pytest.mark.parametrize(
    ("fault", "cause"),
    [
        (Fault(200, "<!DOCTYPE html><title>Welcome</title>", content_type="text/html"), "an HTML page, 'Welcome'"),
        (Fault(200, "<html><body>hi</body></html>"), "an HTML page"),
        (Fault(200, '{"choices": [{"message": {"con', content_type="application/json"), "broken JSON"),
        (Fault(200, "", content_type="application/json"), "an empty body"),
        (Fault(200, "[1, 2]", content_type="application/json"), "a JSON list"),
        (Fault(200, {"id": "x"}), "without choices"),
        (Fault(200, {"choices": []}), "without choices"),
        (Fault(200, {"choices": [{"message": None}]}), "without choices"),
        (Say(message={"content": 5}), "content is a JSON int"),
        (Fault(200, {"error": {"message": "upstream busy", "code": 503}}), "503: upstream busy"),
        (Drop(), "disconnected"),
        (Drop(sent=50), ""),
        (Fault(302, headers={"Location": "http://127.0.0.1:9/"}), ""),
    ],
)
def test_what_is_no_completion_is_an_error_asked_again_with_a_short_cause(fault: Step, cause: str) -> None:
    with chat_server([fault]) as server:
        answer = ask(server, max_retries=1)
        assert len(server.asked) == 2 or isinstance(fault, Fault)
    assert (answer.failure, answer.text, answer.attempts) == (Failure.ERROR, None, 2)
    assert answer.error is not None
    assert cause in answer.error
    assert len(answer.error) < 350
    assert "\n" not in answer.error


def test_json_under_a_wrong_content_type_is_still_a_completion() -> None:
    body = '{"choices": [{"message": {"content": "fine"}, "finish_reason": "stop"}]}'
    with chat_server([Fault(200, body, content_type="text/plain")]) as server:
        assert ask(server).text == "fine"


@pytest.mark.parametrize("hang", [Hang(), Hang(trickle=True)])
def test_a_server_that_hangs_is_given_up_after_the_timeout_even_if_it_trickles(hang: Hang) -> None:
    with chat_server([hang, Say("awake")]) as server:
        started = perf_counter()
        assert ask(server, timeout_s=0.2, max_retries=1).text == "awake"
        assert perf_counter() - started < 60  # the server hangs for an hour
        answer = ask(server, timeout_s=0.2)
    with chat_server([hang]) as server:
        answer = ask(server, timeout_s=0.2)
    assert (answer.failure, answer.error) == (Failure.ERROR, "no answer within 0.2 s")


def test_tokens_of_failed_attempts_count_too() -> None:
    spoiled = Fault(200, {"choices": [], "usage": {"prompt_tokens": 10, "completion_tokens": 2}})
    with chat_server([spoiled, Say()]) as server:
        answer = ask(server, max_retries=1)
    assert answer.usage == Usage(prompt_tokens=20, completion_tokens=7)


@pytest.mark.parametrize(
    ("status", "advice"),
    [(401, "OPENAI_API_KEY"), (402, "top up"), (403, "OPENAI_API_KEY"), (404, "check model=")],
)
def test_what_no_request_can_survive_stops_the_run_at_once(status: int, advice: str) -> None:
    with chat_server([refusal("no such thing", status=status)]) as server:
        with pytest.raises(UsageError, match=advice) as stop:
            ask(server, max_retries=3)
        assert len(server.asked) == 1
    assert "no such thing" in str(stop.value)
    assert "\n" not in str(stop.value)


def test_a_server_that_dies_between_requests_is_an_error_not_a_crash() -> None:
    async def use(agent: EndpointAgent) -> None:
        await agent.start()
        closing.__exit__(None, None, None)
        answer = await agent.answer(request())
        assert answer.failure is Failure.ERROR
        assert answer.error

    closing = chat_server()
    with_agent(closing.__enter__(), use)


def test_no_more_requests_than_allowed_are_in_flight() -> None:
    async def use(agent: EndpointAgent) -> None:
        await agent.answer_all([request() for _ in range(20)])

    with chat_server([Say(after=0.02)]) as server:
        with_agent(server, use, args={"num_concurrent": "3"}, concurrency=50)
        assert server.busiest == 3


def test_a_cancelled_answer_lets_go_of_its_slot_and_leaves_no_warnings(recwarn: pytest.WarningsRecorder) -> None:
    async def run(url: str) -> None:
        async with agent_at(url, concurrency=1) as agent:
            await agent.start()
            hanging = asyncio.create_task(agent.answer(request()))
            await asyncio.sleep(0.1)
            hanging.cancel()
            with pytest.raises(asyncio.CancelledError):
                await hanging
            assert (await agent.answer(request())).text == "free"

    with chat_server([Hang(), Say("free")]) as server:
        asyncio.run(run(server.base_url), debug=True)
    assert not [warning for warning in recwarn if issubclass(warning.category, ResourceWarning)]
