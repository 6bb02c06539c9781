"""What a server takes is found out once, with a tiny request, and never mistaken for a refusal of a moment."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from proactivebench.errors import UsageError
from proactivebench.models.base import Answer, Failure
from proactivebench.models.endpoint.model import EndpointModel
from proactivebench.records import Decoding
from tests.models.asking import SCHEMA, ask, request, with_agent
from tests.servers.chat import ChatServer, Drop, Fault, Hang, Say, Seen, Step, chat_server, refusal

Rule = Callable[[dict[str, Any]], Step | None]


def picky_server(rule: Rule) -> Any:
    """A server that holds every request, the probe's too, against `rule`."""

    class Picky(ChatServer):
        def _step(self, seen: Seen) -> Step:
            return rule(seen.body) or Say("{}")

    return chat_server(kind=Picky)


def start(server: ChatServer | str, decoding: Decoding | None = None, **changes: Any) -> dict[str, Any]:
    async def begin(agent: EndpointModel) -> dict[str, Any]:
        if decoding is not None:
            agent.expect(decoding, SCHEMA)
        return await agent.start()

    return with_agent(server, begin, **changes)


def start_and_ask(server: ChatServer, **changes: Any) -> tuple[dict[str, Any], Answer]:
    async def use(agent: EndpointModel) -> tuple[dict[str, Any], Answer]:
        return await agent.start(), await agent.complete(request(schema=SCHEMA, seed=7))

    return with_agent(server, use, **changes)


def test_one_request_settles_everything() -> None:
    with chat_server(probe=Say('{"greeting": "hi"}')) as server:
        found, _ = start_and_ask(server)
        assert len(server.requests) == 2
    assert found == {
        "token_limit": "max_tokens",
        "temperature": True,
        "seed": True,
        "logprobs": True,
        "response_format": "json_schema, strict",
        "response_format_enforced": True,
        "system_role": True,
        "alternating_roles": False,
        "stream": False,
        "stream_usage": True,
        "reasoning_returned": False,
    }


def test_the_probe_is_sent_like_the_requests_that_follow() -> None:
    decoding = Decoding(temperature=0.3, top_p=0.9, max_gen_toks=4096, until=("x",), extra={"top_k": 3})

    async def use(agent: EndpointModel) -> None:
        agent.expect(decoding, SCHEMA, top_logprobs=5)
        await agent.start()
        await agent.complete(request(decoding=decoding, schema=SCHEMA, top_logprobs=5))

    with chat_server() as server:
        with_agent(server, use)
        probe, asked = (seen.body for seen in server.requests)
    assert probe | {"messages": []} == asked | {"messages": []}


def thinking(body: dict[str, Any]) -> Step | None:
    limit = body.get("max_tokens") or body.get("max_completion_tokens") or 0
    text = "`max_tokens` must be greater than `thinking.budget_tokens`."
    return refusal(text) if body.get("thinking", {}).get("budget_tokens", 0) >= limit else None


def test_a_thinking_budget_fits_into_the_probe_where_it_fits_into_the_run() -> None:
    budget = {"thinking": {"type": "enabled", "budget_tokens": 1024}}
    with picky_server(thinking) as server:
        found = start(server, Decoding(max_gen_toks=4096, extra=budget))
        with pytest.raises(UsageError, match=r"does not take max_gen_toks=512 .*budget_tokens.*give another one"):
            start(server, Decoding(max_gen_toks=512, extra=budget))
    assert found["token_limit"] == "max_tokens"


NOTHING = {"id": "x", "object": "chat.completion", "model": "g", "usage": {"completion_tokens": 0}}


@pytest.mark.parametrize(
    "shape",
    [
        Fault(200, NOTHING),
        Fault(200, NOTHING | {"choices": []}),
        Fault(200, NOTHING | {"choices": None}),
        Say(""),
        Say('{"greeti', finish="length"),
        Say("", finish="length", message={"content": None, "reasoning_content": "hm"}),
    ],
)
def test_a_completion_of_any_shape_settles_the_parameters(shape: Step) -> None:
    with chat_server(probe=shape) as server:
        found, answer = start_and_ask(server)
    assert found["response_format"] == "json_schema, strict"
    assert answer.failure is None


def test_a_server_that_ignores_the_schema_silently_is_recorded_as_such() -> None:
    with chat_server(probe=Say("Hello!")) as server:
        assert start(server)["response_format_enforced"] is False


def reasoning_model(body: dict[str, Any]) -> Step | None:
    if "max_tokens" in body:
        text = (
            "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."
        )
        return refusal(text, "max_tokens", "unsupported_parameter")
    if body.get("temperature") not in (None, 1):
        text = "Unsupported value: 'temperature' does not support 0 with this model. Only the default (1) is supported."
        return refusal(text, "temperature", "unsupported_value")
    return None


def test_a_reasoning_model_gets_max_completion_tokens_and_no_temperature() -> None:
    with picky_server(reasoning_model) as server:
        found, answer = start_and_ask(server)
        body = server.asked[0].body
    assert (found["token_limit"], found["temperature"]) == ("max_completion_tokens", False)
    assert answer.failure is None
    assert body["max_completion_tokens"] == 1024
    assert "max_tokens" not in body
    assert "temperature" not in body
    assert body["seed"] == 7


def test_a_reasoning_model_that_runs_out_of_tokens_in_the_probe_has_taken_everything() -> None:
    out = refusal(
        "Could not finish the message because max_tokens or model output limit was reached. Try higher max_tokens."
    )
    with chat_server(probe=out) as server:
        found, _ = start_and_ask(server)
        assert len(server.requests) == 2
    assert (found["token_limit"], found["temperature"]) == ("max_tokens", True)


def test_validation_errors_that_only_point_at_a_field_are_understood() -> None:
    def no_seed(body: dict[str, Any]) -> Step | None:
        detail = [{"type": "extra_forbidden", "loc": ["body", "seed"], "msg": "Extra inputs are not permitted"}]
        return Fault(422, {"detail": detail}) if "seed" in body else None

    with picky_server(no_seed) as server:
        found, _ = start_and_ask(server)
        assert "seed" not in server.asked[0].body
    assert (found["seed"], found["temperature"], found["response_format"]) == (False, True, "json_schema, strict")


def only_json_object(body: dict[str, Any]) -> Step | None:
    """As llama-cpp-python: what it does not know is a failure of its own."""
    said = "[{'type': 'literal_error', 'loc': ('body', 'response_format', 'type'), 'msg': \"Input should be 'text'\"}]"
    kind = body.get("response_format", {}).get("type")
    return Fault(500, {"error": {"message": said}}, {"retry-after-ms": "5"}) if kind == "json_schema" else None


def test_a_server_that_fails_on_json_schema_is_asked_for_a_json_object_with_the_schema() -> None:
    with picky_server(only_json_object) as server:
        found, answer = start_and_ask(server, max_retries=1)
        assert server.asked[0].body["response_format"] == {"type": "json_object", "schema": SCHEMA}
    assert found["response_format"] == "json_object with schema"
    assert answer.failure is None


def test_a_server_without_any_response_format_is_asked_without() -> None:
    def none(body: dict[str, Any]) -> Step | None:
        return refusal("structured output is not available for this model") if "response_format" in body else None

    with picky_server(none) as server:
        found, answer = start_and_ask(server)
        assert "response_format" not in server.asked[0].body
    assert (found["response_format"], found["response_format_enforced"]) == ("none", None)
    assert answer.failure is None


def test_a_refusal_that_names_nothing_ends_with_the_least_that_is_taken() -> None:
    def bare(body: dict[str, Any]) -> Step | None:
        return refusal("bad request") if {"seed", "temperature", "response_format"} & set(body) else None

    with picky_server(bare) as server:
        found, answer = start_and_ask(server)
        assert len(server.requests) <= 8
    assert (found["seed"], found["temperature"], found["response_format"]) == (False, False, "none")
    assert answer.failure is None


OUTAGES = [Fault(500), Fault(502), Fault(503), Fault(504), Fault(429), Drop(), Fault(500, "<html>a proxy</html>")]


@pytest.mark.parametrize("outage", OUTAGES)
def test_an_outage_is_sat_out_with_the_patience_of_the_run(outage: Step) -> None:
    failures = iter([outage] * 5)
    with picky_server(lambda _: next(failures, None)) as server:
        found = start(server, max_retries=5)
        assert len(server.requests) == 6
    assert found["response_format"] == "json_schema, strict"


@pytest.mark.parametrize("failures", [1, 2, 3])
def test_a_server_that_fails_without_a_word_is_asked_again_in_the_same_form(failures: int) -> None:
    steps = iter([Fault(500, {"error": {"message": "internal"}})] * failures)
    with picky_server(lambda _: next(steps, None)) as server:
        found, _ = start_and_ask(server)
        assert server.asked[0].body["response_format"]["json_schema"]["strict"]
    assert found["response_format"] == "json_schema, strict"


def test_a_server_that_fails_without_a_word_on_every_schema_is_told_with_the_way_out() -> None:
    def speechless(body: dict[str, Any]) -> Step | None:
        return Fault(500, {"error": {"message": "internal"}}) if "response_format" in body else None

    told = pytest.raises(UsageError, match=r"fails on response_format 'json_schema, strict' .* add schema=off")
    with picky_server(speechless) as server, told:
        start(server)


def test_a_refusal_without_words_costs_only_the_parameter_it_is_about() -> None:
    with picky_server(lambda body: refusal("bad request") if "seed" in body else None) as server:
        found, answer = start_and_ask(server)
    assert (found["seed"], found["temperature"], found["response_format"]) == (False, True, "json_schema, strict")
    assert answer.failure is None


def test_a_refusal_of_a_moment_changes_nothing_of_what_was_found() -> None:
    def too_long(body: dict[str, Any]) -> Step | None:
        text = (
            "'max_tokens' is too large: 1024. The context is 2048 tokens and your prompt 1500; see temperature, seed."
        )
        return refusal(text, "max_tokens") if "long" in body["messages"][-1]["content"] else None

    async def use(agent: EndpointModel) -> tuple[Answer, Answer]:
        await agent.start()
        return await agent.complete(request("a long story", schema=SCHEMA)), await agent.complete(request("short"))

    with picky_server(too_long) as server:
        refused, answered = with_agent(server, use)
        assert len(server.asked) == 2
        assert "max_tokens" in server.asked[1].body
    assert (refused.failure, answered.failure) == (Failure.ERROR, None)


def test_a_schema_the_server_turns_down_later_is_left_out_from_then_on() -> None:
    def fussy(body: dict[str, Any]) -> Step | None:
        schema = body.get("response_format", {}).get("json_schema", {}).get("schema", {})
        return (
            refusal("Invalid schema for response_format 'answer'", "response_format") if "task" in str(schema) else None
        )

    async def use(agent: EndpointModel) -> list[Answer]:
        await agent.start()
        return [await agent.complete(request(schema=SCHEMA)) for _ in range(2)]

    with picky_server(fussy) as server:
        first, second = with_agent(server, use)
    assert (first.failure, second.failure) == (None, None)
    assert (first.attempts, second.attempts) == (3, 1)


def test_log_probabilities_the_server_does_not_give_are_not_asked_twice() -> None:
    def none(body: dict[str, Any]) -> Step | None:
        return refusal("logprobs are not supported by this model", "logprobs") if "logprobs" in body else None

    async def use(agent: EndpointModel) -> list[Answer]:
        await agent.start()
        return [await agent.complete(request(top_logprobs=5, decoding=Decoding())) for _ in range(2)]

    with picky_server(none) as server:
        assert [answer.attempts for answer in with_agent(server, use)] == [2, 1]


@pytest.mark.parametrize("name", ["top_k", "top_p", "stop"])
def test_a_parameter_the_user_asked_for_and_the_server_refuses_stops_the_run(name: str) -> None:
    decoding = Decoding(top_p=0.5, until=("x",), extra={"top_k": 3})
    with (
        picky_server(
            lambda body: refusal(f"Unrecognized request argument: {name}") if name in body else None
        ) as server,
        pytest.raises(UsageError, match=f"does not take {name} .*gen_kwargs"),
    ):
        start(server, decoding=decoding)


def test_a_request_with_another_decoding_is_probed_before_it_is_asked() -> None:
    with picky_server(reasoning_model) as server:
        assert ask(server, request(decoding=Decoding(temperature=0.7))).failure is None


def test_many_first_requests_share_one_probe() -> None:
    async def use(agent: EndpointModel) -> list[Answer]:
        return await agent.complete_all([request() for _ in range(10)])

    with chat_server() as server:
        with_agent(server, use)
        assert len(server.requests) == 11


def test_a_server_that_takes_nothing_is_told_in_one_line() -> None:
    told = pytest.raises(UsageError, match=r"refuses even a plain request .*Model is tired")
    with picky_server(lambda _: refusal("Model is tired")) as server, told:
        start(server)


@pytest.mark.parametrize("fault", [Drop(), Hang(), Fault(503), Fault(200, "<html>router login</html>")])
def test_a_server_that_gives_no_completion_at_the_start_is_told_in_one_line(fault: Step) -> None:
    told = pytest.raises(UsageError, match=r"no usable answer from .* start the server, or check base_url")
    with chat_server(probe=fault) as server, told as stop:
        start(server, timeout_s=0.2)
    assert "\n" not in str(stop.value)


def test_a_server_that_is_not_there_is_told_in_one_line() -> None:
    with pytest.raises(UsageError, match=r"no usable answer from http://127\.0\.0\.1:9/v1 \(.*\): start the server"):
        start("http://127.0.0.1:9/v1")


def test_an_unknown_model_is_told_in_one_line() -> None:
    unknown = refusal("The model `m` does not exist", code="model_not_found", status=404)
    with chat_server(probe=unknown) as server, pytest.raises(UsageError, match=r"knows no model 'm' .*check model="):
        start(server)
