"""What `--model_args` of an endpoint may say, and where its key comes from."""

import asyncio
import json
import logging

import pytest

from proactivebench.errors import UsageError
from proactivebench.models.endpoint.errors import scrub
from proactivebench.models.endpoint.model import EndpointModel
from proactivebench.models.endpoint.options import Options, parse_options
from tests.models.asking import agent_at, ask, request
from tests.servers.chat import ChatServer, Fault, Say, chat_server, refusal

KEY = "my-very-secret-key-0123456789"


@pytest.fixture(autouse=True)
def no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "PROACTIVEBENCH_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)


def options(**args: str) -> Options:
    return parse_options("endpoint", {"base_url": "http://localhost:8000/v1", "model": "m", **args})


def test_all_arguments_are_understood() -> None:
    found = options(
        max_length="4096",
        num_concurrent="7",
        timeout="2.5",
        max_retries="0",
        schema="off",
        stream="on",
        reasoning="return",
        key_env="MY_KEY",
        key_header="api-key",
    )
    assert (found.max_length, found.num_concurrent, found.timeout_s, found.max_retries) == (4096, 7, 2.5, 0)
    assert (found.schema, found.stream, found.reasoning) == (False, True, True)
    assert (found.key_env, found.key_header) == ("MY_KEY", "api-key")
    assert (options().stream, options().reasoning, options().key_header) == (None, None, None)
    assert options(key_header="Authorization").key_header is None


def test_addresses_as_lm_eval_writes_them_are_understood() -> None:
    found = options(
        base_url="http://localhost:8000/v1/chat/completions", tokenizer_backend="None", tokenized_requests="False"
    )
    assert found.base_url == "http://localhost:8000/v1"
    assert parse_options("endpoint", {"base_url": "https://h/v1/", "pretrained": "org/m"}).model == "org/m"


@pytest.mark.parametrize(
    ("args", "complaint"),
    [
        ({"base_url": ""}, "needs --model_args base_url="),
        ({"base_url": "localhost:8000/v1"}, "not an address"),
        ({"base_url": "http://h:port/v1"}, "not an address"),
        ({"base_url": "http://h/v1/completions"}, "text completion API"),
        ({"base_url": "http://someone@h/v1"}, "credentials"),
        ({"model": ""}, "needs the model's name"),
        ({"tempurature": "0"}, "does not know tempurature"),
        ({"max_length": "4k"}, "whole number"),
        ({"num_concurrent": "0"}, "at least 1"),
        ({"timeout": "0"}, "give seconds"),
        ({"schema": "maybe"}, "it is auto, on or off"),
        ({"stream": "sse"}, "it is auto, on or off"),
        ({"reasoning": "yes"}, "it is auto, return or drop"),
        ({"key_header": "api key"}, "NAME of the header"),
        ({"key_header": "Content-Type"}, "NAME of the header"),
        ({"key_header": f"x: {KEY}"}, "NAME of the header"),
        ({"key_env": KEY}, "NAME of an environment variable"),
        ({"tokenized_requests": "True"}, "does not know tokenized_requests"),
    ],
)
def test_what_is_not_understood_is_refused_with_what_to_do(args: dict[str, str], complaint: str) -> None:
    with pytest.raises(UsageError, match=complaint) as refused:
        options(**args)
    assert KEY not in str(refused.value)


@pytest.mark.parametrize("name", ["api_key", "token", "secret", "password", "auth_token"])
def test_a_key_among_the_arguments_is_refused_without_repeating_it(name: str) -> None:
    with pytest.raises(UsageError, match=name) as refused:
        options(**{name: KEY})
    assert KEY not in str(refused.value)


def test_identity_says_who_answers_and_not_how_fast_it_is_asked() -> None:
    args = {"base_url": "http://h/v1/", "model": "org/m", "num_concurrent": "9", "timeout": "3", "max_length": "2048"}
    identity = EndpointModel("endpoint", args | {"schema": "off", "max_retries": "1", "key_env": "MINE"}).identity
    assert (identity.model, identity.name) == ("endpoint", "org/m")
    assert identity.model_args == {"base_url": "http://h/v1", "model": "org/m", "max_length": "2048", "schema": "off"}


def test_openai_goes_to_the_vendor_or_where_the_environment_points(monkeypatch: pytest.MonkeyPatch) -> None:
    assert parse_options("openai", {"model": "m"}).base_url == "https://api.openai.com/v1"
    monkeypatch.setenv("OPENAI_BASE_URL", "https://proxy.example/v1/")
    assert parse_options("openai", {"model": "m"}).base_url == "https://proxy.example/v1"
    assert parse_options("openai", {"model": "m", "base_url": "https://here/v1"}).base_url == "https://here/v1"
    with pytest.raises(UsageError):
        parse_options("endpoint", {"model": "m"})


def test_the_vendor_without_a_key_is_refused_before_any_request() -> None:
    agent = EndpointModel("openai", {"model": "m"})
    with pytest.raises(UsageError, match="set OPENAI_API_KEY or PROACTIVEBENCH_API_KEY"):
        asyncio.run(agent.start())


def authorization(server: ChatServer) -> set[str]:
    return {seen.headers["Authorization"] for seen in server.requests}


def test_the_key_comes_from_the_environment_ours_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "theirs")
    with chat_server() as server:
        ask(server)
        assert authorization(server) == {"Bearer theirs"}
    monkeypatch.setenv("PROACTIVEBENCH_API_KEY", KEY)
    with chat_server() as server:
        ask(server)
        assert authorization(server) == {f"Bearer {KEY}"}
    monkeypatch.setenv("JUDGE_KEY", "third")
    with chat_server() as server:
        ask(server, args={"key_env": "JUDGE_KEY"})
        assert authorization(server) == {"Bearer third"}


def test_the_key_travels_in_the_header_that_is_named_and_in_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    with chat_server() as server:
        ask(server, args={"key_header": "api-key"})
    assert {seen.headers["api-key"] for seen in server.requests} == {KEY}
    assert all("Authorization" not in seen.headers for seen in server.requests)
    monkeypatch.delenv("OPENAI_API_KEY")
    with chat_server() as server, pytest.raises(UsageError, match="no key for"):
        ask(server, args={"key_header": "api-key"})


def test_a_named_variable_that_is_not_set_is_refused() -> None:
    with chat_server() as server, pytest.raises(UsageError, match="set NOT_THERE in the environment"):
        ask(server, args={"key_env": "NOT_THERE"})


def test_a_local_server_needs_no_key() -> None:
    with chat_server([Say("hi")]) as server:
        assert ask(server).text == "hi"


def test_a_key_with_stray_characters_is_told_without_showing_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", f"{KEY}é")
    with chat_server() as server, pytest.raises(UsageError, match="characters no key has") as refused:
        ask(server)
    assert KEY not in str(refused.value)


@pytest.mark.parametrize(
    "echo",
    [
        refusal(f"bad request by {KEY}"),
        Fault(500, f"{'x' * 285} {KEY}"),
        Fault(200, f"<html><title>{KEY}</title>"),
        Fault(200, f"{'{'}{'x' * 40} {KEY}"),
        Fault(200, {"error": {"message": f"who is {KEY}?", "code": 429}}),
    ],
)
def test_a_key_that_the_server_echoes_is_scrubbed_before_the_message_is_cut(
    echo: Fault, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    caplog.set_level(logging.DEBUG)
    with chat_server([echo]) as server:
        answer = ask(server)
    assert answer.error
    assert KEY[:12] not in answer.error
    assert KEY[:12] not in caplog.text


def test_an_echoed_key_is_scrubbed_from_what_stops_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    rejecting = chat_server(probe=refusal(f"Incorrect API key provided: {KEY}", status=401))
    with rejecting as server, pytest.raises(UsageError) as stop:
        ask(server)
    assert KEY not in str(stop.value)
    assert "[key]" in str(stop.value)


def test_other_keys_are_scrubbed_by_their_looks() -> None:
    assert scrub("Incorrect key sk-proj-abc*****xyz, Bearer abc.def", "") == "Incorrect key [key], [key]"


def test_a_filler_key_does_not_make_the_servers_words_unreadable() -> None:
    assert (
        scrub("max_tokens: extra inputs; your token is wrong", "token")
        == "max_tokens: extra inputs; your [key] is wrong"
    )
    assert scrub("exceeds max_tokens", "x") == "exceeds max_tokens"


def test_a_conversation_beyond_max_length_drops_its_oldest_turns() -> None:
    talk = request("first " * 100, "no", "second " * 100, "no", "third " * 10)
    with chat_server() as server:
        answer = ask(server, talk, args={"max_length": str(1024 + 330)})
        sent = [message["content"].split()[0] for message in server.asked[0].body["messages"]]
    assert (answer.dropped_turns, sent) == (1, ["be", "second", "no", "third"])


def test_the_rule_and_the_way_of_counting_are_recorded() -> None:
    async def run(url: str) -> dict[str, object]:
        async with agent_at(url, args={"max_length": "4096"}) as agent:
            return await agent.start()

    with chat_server() as server:
        context = asyncio.run(run(server.base_url))["context"]
    assert context == {"max_length": 4096, "rule": "drop-oldest-turns", "tokens_by": "estimate: bytes/3"}
    assert json.dumps(context)


def test_a_max_length_that_leaves_no_room_is_refused() -> None:
    with chat_server() as server, pytest.raises(UsageError, match="leaves no room beside max_gen_toks=1024"):
        ask(server, args={"max_length": "1000"})
