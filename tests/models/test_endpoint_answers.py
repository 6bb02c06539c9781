"""What an endpoint's completion becomes: text, reasoning, usage, refusals."""

import pytest

from proactivebench.models.base import Failure, TokenLogprobs
from proactivebench.records import Decoding, Usage
from tests.models.asking import SCHEMA, ask, request
from tests.servers.chat import Fault, Say, chat_server, refusal


def test_a_completion_is_an_answer_with_its_cost() -> None:
    with chat_server([Say("hello", after=0.1)]) as server:
        answer = ask(server)
    assert (answer.text, answer.failure, answer.truncated, answer.finish_reason) == ("hello", None, False, "stop")
    assert answer.attempts == 1
    assert answer.usage == Usage(prompt_tokens=10, completion_tokens=5)
    assert answer.latency_s is not None
    assert 0.1 <= answer.latency_s < 1


def test_the_request_carries_messages_decoding_and_seed() -> None:
    decoding = Decoding(temperature=0.3, top_p=0.9, max_gen_toks=77, until=("\n\n",), extra={"top_k": 5})
    with chat_server() as server:
        ask(server, request("one", "two", "three", decoding=decoding, seed=1234, schema=SCHEMA))
        body = server.asked[0].body
    assert [message["role"] for message in body["messages"]] == ["system", "user", "assistant", "user"]
    assert body["messages"][1]["content"] == "one"
    expected = {"model": "m", "temperature": 0.3, "top_p": 0.9, "max_tokens": 77, "stop": ["\n\n"], "top_k": 5}
    assert {name: body[name] for name in expected} == expected
    assert body["seed"] == 1234
    assert body["response_format"]["json_schema"]["schema"] == SCHEMA


def test_schema_off_asks_for_plain_text_even_in_the_probe() -> None:
    with chat_server() as server:
        ask(server, request(schema=SCHEMA), args={"schema": "off"})
        assert all("response_format" not in seen.body for seen in server.requests)


def test_cached_and_reasoning_tokens_are_kept() -> None:
    usage = {
        "prompt_tokens": 100,
        "completion_tokens": 50,
        "prompt_tokens_details": {"cached_tokens": 80},
        "completion_tokens_details": {"reasoning_tokens": 30},
    }
    with chat_server([Say(usage=usage)]) as server:
        expected = Usage(prompt_tokens=100, completion_tokens=50, cached_tokens=80, reasoning_tokens=30)
        assert ask(server).usage == expected


@pytest.mark.parametrize("usage", [{}, {"prompt_tokens": None, "completion_tokens": "many"}, {"prompt_tokens": -1}])
def test_odd_usage_is_nothing_said(usage: dict[str, object]) -> None:
    with chat_server([Say("x", usage=usage)]) as server:
        assert ask(server).usage in (None, Usage())


def test_no_usage_at_all_is_none() -> None:
    with chat_server([Fault(200, {"choices": [{"message": {"content": "x"}, "finish_reason": "stop"}]})]) as server:
        answer = ask(server)
    assert (answer.text, answer.usage) == ("x", None)


@pytest.mark.parametrize("field", ["reasoning_content", "reasoning"])
def test_reasoning_is_kept_apart_from_the_text(field: str) -> None:
    with chat_server([Say("no", message={field: "let me think"})]) as server:
        answer = ask(server)
    assert (answer.text, answer.reasoning) == ("no", "let me think")


def test_content_in_parts_is_joined_and_thoughts_kept_apart() -> None:
    parts = [
        {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]},
        {"type": "text", "text": "a"},
        {"type": "text", "text": "b"},
    ]
    with chat_server([Say(message={"content": parts})]) as server:
        answer = ask(server)
    assert (answer.text, answer.reasoning) == ("ab", "hm")


@pytest.mark.parametrize("content", ["", None])
def test_empty_and_null_content_are_empty_text_not_a_failure(content: str | None) -> None:
    with chat_server([Say(message={"content": content})]) as server:
        answer = ask(server)
    assert (answer.text, answer.failure) == ("", None)


def test_null_content_beside_reasoning_is_empty_text() -> None:
    with chat_server([Say(message={"content": None, "reasoning_content": "so long"}, finish="length")]) as server:
        answer = ask(server)
    assert (answer.text, answer.reasoning, answer.truncated) == ("", "so long", True)


def test_finish_reason_length_is_truncated_and_keeps_its_text() -> None:
    with chat_server([Say('{"Proactive', finish="length")]) as server:
        answer = ask(server)
    assert (answer.text, answer.truncated, answer.finish_reason) == ('{"Proactive', True, "length")


def test_a_content_filter_is_a_refusal() -> None:
    with chat_server([Say("half a sent", finish="content_filter")]) as server:
        answer = ask(server, max_retries=3)
        assert len(server.asked) == 1
    assert (answer.failure, answer.text, answer.error) == (Failure.REFUSED, None, "content filter")
    assert answer.usage == Usage(prompt_tokens=10, completion_tokens=5)


def test_a_refusal_field_is_a_refusal_in_the_models_words() -> None:
    with chat_server([Say(message={"content": None, "refusal": "I cannot help\nwith that"})]) as server:
        answer = ask(server)
    assert (answer.failure, answer.error) == (Failure.REFUSED, "the model refused: I cannot help with that")


@pytest.mark.parametrize("status", [400, 422, 451])
def test_a_request_the_server_rejects_is_refused_with_its_message_and_not_asked_again(status: int) -> None:
    with chat_server([refusal("messages.1: odd", status=status)]) as server:
        answer = ask(server, max_retries=3)
        assert len(server.asked) == 1
    assert answer.failure is Failure.REFUSED
    assert answer.error == f"{status}: messages.1: odd"


def test_log_probabilities_are_read_where_asked_for() -> None:
    token = {"token": "yes", "logprob": -0.1, "top_logprobs": [{"token": "yes", "logprob": -0.1}]}
    with chat_server([Say("yes", choice={"logprobs": {"content": [token]}})]) as server:
        answer = ask(server, request(top_logprobs=5))
        assert (server.asked[0].body["logprobs"], server.asked[0].body["top_logprobs"]) == (True, 5)
    assert answer.logprobs == (TokenLogprobs("yes", (("yes", -0.1),)),)
