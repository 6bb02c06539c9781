"""Servers that fail: what is asked again, when, and what is not."""

import asyncio
import os
import random
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from time import perf_counter

import pytest

from proactivebench.errors import OutOfFiles, UsageError
from proactivebench.models.base import Answer, Failure
from proactivebench.models.endpoint.errors import LONGEST_WAIT_S, pause, retry_after
from proactivebench.models.endpoint.model import EndpointModel
from proactivebench.records import Cause, Usage
from tests.models.asking import agent_at, ask, request, with_agent
from tests.servers.chat import Drop, Fault, Hang, Say, Step, chat_server, refusal

SOON = {"retry-after-ms": "20"}


@pytest.mark.parametrize("status", [408, 409, 425, 429, 499, 500, 501, 502, 503, 504, 507, *range(520, 531), 599])
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
    for failures, longest in ((1, 0.5), (2, 1), (3, 2), (20, 8)):
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
    [(401, "OPENAI_API_KEY"), (402, "top up"), (403, "OPENAI_API_KEY"), (404, "check model="), (405, "base_url=")],
)
def test_what_no_request_can_survive_stops_the_run_at_once(status: int, advice: str) -> None:
    shut = refusal("no such thing", status=status)
    with chat_server([shut], probe=shut) as server:
        with pytest.raises(UsageError, match=advice) as stop:
            ask(server, max_retries=3)
        assert len(server.requests) == 1
    assert "no such thing" in str(stop.value)
    assert "\n" not in str(stop.value)


SHUT = [
    refusal("key revoked", status=401),
    refusal("forbidden", status=403),
    Fault(403, "<!doctype html><title>Just a moment</title>", content_type="text/html"),
    refusal("model unloaded", status=404),
    Fault(302, headers={"Location": "/login"}),
]


@pytest.mark.parametrize("shut", SHUT)
def test_a_server_that_has_answered_may_shut_its_door_for_a_moment(shut: Fault) -> None:
    with chat_server([Say("in"), shut, shut, Say("in again")]) as server:
        first, second = with_agent(server, lambda agent: each(agent, 2), max_retries=2)
    assert (first.text, second.text, second.attempts) == ("in", "in again", 3)


@pytest.mark.parametrize("shut", SHUT)
@pytest.mark.parametrize("retries", [0, 9])
def test_five_shut_doors_in_a_row_stop_the_run_and_four_with_an_answer_between_do_not(
    shut: Fault, retries: int
) -> None:
    with chat_server([shut]) as server:
        with pytest.raises(UsageError, match="5 times in a row, after it had answered"):
            with_agent(server, lambda agent: each(agent, 9), max_retries=retries)
        assert len(server.asked) == 5
    with chat_server([*[shut] * 4, Say(), *[shut] * 4, Say()]) as server:
        answers = with_agent(server, lambda agent: each(agent, 10), max_retries=0)
    assert [answer.failure for answer in answers] == [*[Failure.ERROR] * 4, None, *[Failure.ERROR] * 4, None]


async def each(agent: EndpointModel, times: int) -> list[Answer]:
    return [await agent.complete(request()) for _ in range(times)]


SPENT = [
    refusal("Insufficient credits", status=402),
    refusal("You exceeded your current quota, please check your plan.", code="insufficient_quota", status=429),
    refusal("Your credit balance is too low to access the API.", status=400),
    Fault(200, {"error": {"message": "Insufficient Balance", "code": 402}}),
]


@pytest.mark.parametrize("spent", SPENT)
def test_an_empty_account_stops_the_run_at_any_time(spent: Fault) -> None:
    with chat_server([Say(), spent]) as server:
        with pytest.raises(UsageError, match="top up the account"):
            with_agent(server, lambda agent: each(agent, 3), max_retries=3)
        assert len(server.asked) == 2


@pytest.mark.parametrize("status", [400, 403, 422, 451])
def test_moderation_concerns_its_moment_alone(status: int) -> None:
    flagged = refusal("Your input was flagged by our content policy", status=status)
    with chat_server([flagged, Say("fine")]) as server:
        first, second = with_agent(server, lambda agent: each(agent, 2), max_retries=3)
        assert len(server.asked) == 2
    assert (first.failure, second.text) == (Failure.REFUSED, "fine")


@pytest.mark.parametrize("status", [200, 400, 403, 404, 422, 503])
def test_a_web_page_says_nothing_of_the_request(status: int) -> None:
    page = Fault(status, "<!DOCTYPE html><title>Checking your browser</title>", content_type="text/html")
    with chat_server([page, Say("fine")]) as server:
        answer = ask(server, max_retries=1)
    assert (answer.text, answer.attempts) == ("fine", 2)


@pytest.mark.parametrize(
    "fault",
    [
        Fault(413),
        Fault(413, "<html><title>413 Request Entity Too Large</title>", content_type="text/html"),
        refusal("This model's maximum context length is 2048 tokens.", code="context_length_exceeded"),
        refusal("`inputs` tokens + `max_new_tokens` must be <= 2048", status=422),
        refusal("the request exceeds the available context size", status=500),
        Fault(200, {"error": {"message": "prompt is too long: 9999 tokens > 2048 maximum", "code": 400}}),
        Fault(200, {"error": "Requested tokens (3000) exceed context window of 2048"}),
        Say("", finish="model_context_window_exceeded"),
    ],
)
def test_a_request_too_large_is_a_named_error_that_is_not_asked_again_and_says_the_way_out(fault: Step) -> None:
    with chat_server([fault]) as server:
        answer = ask(server, max_retries=3)
        assert len(server.asked) == 1
    assert (answer.failure, answer.cause) == (Failure.ERROR, Cause.TOO_LARGE)
    assert answer.error
    assert "max_length" in answer.error
    assert "max_gen_toks" in answer.error


def test_a_redirect_is_not_followed_and_the_new_address_is_told_without_its_query() -> None:
    with chat_server() as other:
        elsewhere = other.base_url.replace("//", "//me:sesame@")
        moved = Fault(308, headers={"Location": f"{elsewhere}/chat/completions?token=abc"})
        with chat_server(probe=moved) as server, pytest.raises(UsageError, match="redirects are not followed") as stop:
            ask(server)
        assert other.base_url in str(stop.value)
        assert "token" not in str(stop.value)
        assert "sesame" not in str(stop.value)
        assert not other.requests


def test_a_proxy_in_use_is_named_without_its_password(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy"):
        monkeypatch.setenv(name, "http://user:sesame@127.0.0.1:9")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "")
    with chat_server() as server:
        error = ask(server).error or ""
    assert "(through the proxy http://127.0.0.1:9 of the environment)" in error
    assert "sesame" not in error
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with chat_server([Say("direct")]) as server:
        assert ask(server).text == "direct"


def test_a_proxy_that_cannot_be_used_is_said_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "socks5://127.0.0.1:9")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "")
    with chat_server() as server, pytest.raises(UsageError, match="a proxy that cannot be used"):
        ask(server)


def test_out_of_file_descriptors_is_one_line_and_its_own_exit_code() -> None:
    resource = pytest.importorskip("resource", reason="Windows sets no such limit")

    async def use(agent: EndpointModel) -> None:
        await agent.start()
        await agent.close()  # the next request needs a connection of its own
        limits = resource.getrlimit(resource.RLIMIT_NOFILE)
        lowest = os.dup(0)
        os.close(lowest)
        resource.setrlimit(resource.RLIMIT_NOFILE, (lowest, limits[1]))
        try:
            await agent.complete(request())
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, limits)

    with chat_server() as server, pytest.raises(OutOfFiles, match="ulimit -n") as stop:
        with_agent(server, use)
    assert stop.value.exit_code == 4
    assert "\n" not in str(stop.value)


def test_a_server_that_dies_between_requests_is_an_error_not_a_crash() -> None:
    async def use(agent: EndpointModel) -> None:
        await agent.start()
        closing.__exit__(None, None, None)
        answer = await agent.complete(request())
        assert answer.failure is Failure.ERROR
        assert answer.error

    closing = chat_server()
    with_agent(closing.__enter__(), use)


def test_no_more_requests_than_allowed_are_in_flight() -> None:
    async def use(agent: EndpointModel) -> None:
        await agent.complete_all([request() for _ in range(20)])

    with chat_server([Say(after=0.02)]) as server:
        with_agent(server, use, args={"num_concurrent": "3"}, concurrency=50)
        assert server.busiest == 3


def test_a_cancelled_answer_lets_go_of_its_slot_and_leaves_no_warnings(recwarn: pytest.WarningsRecorder) -> None:
    async def run(url: str) -> None:
        async with agent_at(url, concurrency=1) as agent:
            await agent.start()
            hanging = asyncio.create_task(agent.complete(request()))
            await asyncio.sleep(0.1)
            hanging.cancel()
            with pytest.raises(asyncio.CancelledError):
                await hanging
            assert (await agent.complete(request())).text == "free"

    with chat_server([Hang(), Say("free")]) as server:
        asyncio.run(run(server.base_url), debug=True)
    assert not [warning for warning in recwarn if issubclass(warning.category, ResourceWarning)]
