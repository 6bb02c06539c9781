"""Servers that know fewer roles, insist on their order, stream only or want thoughts back say so in many words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from proactivebench.errors import UsageError
from proactivebench.models.base import Answer, Message, Reasoned, Request
from proactivebench.models.endpoint.model import EndpointModel
from proactivebench.models.turns import join_turns, merge_system, reasoning_of
from proactivebench.records import Decoding
from tests.models.asking import SCHEMA, ask, request, with_agent
from tests.servers.chat import ChatServer, Fault, Say, Seen, Step, chat_server, refusal

Rule = Callable[[dict[str, Any]], Step | None]


def server_of(rule: Rule) -> Any:
    """A server that holds every request against `rule`."""

    class Ruled(ChatServer):
        def _step(self, seen: Seen) -> Step:
            return rule(seen.body) or Say("{}")

    return chat_server(kind=Ruled)


def found_and_asked(rule: Rule, asked: Request | None = None, **changes: Any) -> tuple[dict[str, Any], Answer, Any]:
    """What the probe found, the answer to a request, and that request as it went out at last."""

    async def use(agent: EndpointModel) -> tuple[dict[str, Any], Answer]:
        return await agent.start(), await agent.complete(asked or request(schema=SCHEMA))

    with server_of(rule) as server:
        found, answer = with_agent(server, use, **changes)
        return found, answer, server.asked[-1].body


def roles(body: dict[str, Any]) -> list[str]:
    return [message["role"] for message in body["messages"]]


NO_SYSTEM_ROLE = [
    "System role not supported",
    "system role is not supported by this template",
    "This model does not support system messages.",
    "This model doesn't support the 'system' role",
    "System prompts are not supported",
    "Developer instruction is not enabled for models/gemma-3-1b-it",
    "Unsupported value: 'messages[0].role' does not support 'system' with this model.",
    "Only user and assistant roles are supported!",
    "Only user, assistant and tool roles are supported, but got system.",
    "Conversation roles must alternate user/assistant/user/assistant/...",
    'roles must alternate between "user" and "assistant", but found multiple',
    "Invalid role 'system': use 'user' or 'assistant'",
    "Unexpected role 'system' found",
    "messages.0.role: Input should be 'user' or 'assistant'",
    "the role of the first message must be user",
    "The role of messages with odd index must be user or function",
    "system角色不支持",
]


@pytest.mark.parametrize("words", NO_SYSTEM_ROLE)
def test_a_system_role_that_is_not_taken_is_merged_whatever_the_words(words: str) -> None:
    found, answer, body = found_and_asked(lambda body: refusal(words) if "system" in roles(body) else None)
    assert answer.failure is None
    assert (found["system_role"], found["response_format"], found["seed"]) == (False, "json_schema, strict", True)
    assert body["messages"] == [{"role": "user", "content": "be brief\n\nopens a file"}]


def test_a_validation_error_that_points_at_the_role_is_understood() -> None:
    detail = [
        {"type": "enum", "loc": ["body", "messages", 0, "role"], "msg": "value is not a valid enumeration member"}
    ]
    found, _, _ = found_and_asked(lambda body: Fault(422, {"detail": detail}) if "system" in roles(body) else None)
    assert found["system_role"] is False


def test_a_refusal_of_the_system_role_without_words_costs_nothing_else() -> None:
    found, answer, _ = found_and_asked(lambda body: refusal("bad request") if "system" in roles(body) else None)
    assert answer.failure is None
    assert (found["system_role"], found["temperature"], found["seed"]) == (False, True, True)
    assert found["response_format"] == "json_schema, strict"


def test_neighbours_of_one_role_are_joined_from_the_first_refusal_on() -> None:
    def strict(body: dict[str, Any]) -> Step | None:
        spoken = [role for role in roles(body) if role != "system"]
        alternate = all(role == ("user", "assistant")[place % 2] for place, role in enumerate(spoken))
        return None if alternate else refusal("After the optional system message, roles must alternate user/assistant")

    said = (Message("system", "s"), Message("user", "a"), Message("user", "b"), Message("assistant", "c"))
    crowded = Request((*said, Message("user", "d")), Decoding())
    found, answer, body = found_and_asked(strict, crowded)
    assert (answer.failure, found["system_role"], found["alternating_roles"]) == (None, True, False)
    assert [message["content"] for message in body["messages"]] == ["s", "a\n\nb", "c", "d"]


def test_a_refusal_that_only_mentions_roles_is_the_moments_own() -> None:
    def flagged(body: dict[str, Any]) -> Step | None:
        return refusal("the user's role play was flagged") if "play" in body["messages"][-1]["content"] else None

    with server_of(flagged) as server:
        assert ask(server, request("play")).failure == "refused"
        assert len(server.asked) == 1


# --- thoughts ---------------------------------------------------------------------------------------------------------

TURNS = Request(
    (
        Message("system", "s"),
        Message("user", "a"),
        Reasoned("assistant", "b", "because"),
        Message("user", "c"),
        Message("assistant", "d"),
        Message("user", "e"),
    ),
    Decoding(),
)


def wants_thoughts(body: dict[str, Any]) -> Step | None:
    bare = any(m["role"] == "assistant" and "reasoning_content" not in m for m in body["messages"])
    return refusal("The `reasoning_content` in the thinking mode must be passed back to the API.") if bare else None


def thoughts(body: dict[str, Any]) -> list[str | None]:
    return [m.get("reasoning_content") for m in body["messages"] if m["role"] == "assistant"]


def test_thoughts_go_back_once_a_server_wants_them_and_the_same_request_is_asked_again() -> None:
    _, answer, body = found_and_asked(wants_thoughts, TURNS)
    assert (answer.failure, answer.attempts) == (None, 2)
    assert thoughts(body) == ["because", ""]


def test_thoughts_stay_here_where_nobody_asks_for_them() -> None:
    _, _, body = found_and_asked(lambda _: None, TURNS)
    assert all(set(message) == {"role", "content"} for message in body["messages"])


def test_thoughts_go_back_from_the_start_where_the_user_says_so() -> None:
    _, answer, body = found_and_asked(wants_thoughts, TURNS, args={"reasoning": "return"})
    assert (answer.attempts, thoughts(body)) == (1, ["because", ""])


def test_thoughts_that_the_user_keeps_and_the_server_wants_stop_the_run() -> None:
    with pytest.raises(UsageError, match=r"wants its thoughts back .*leave reasoning=drop out"):
        found_and_asked(wants_thoughts, TURNS, args={"reasoning": "drop"})


def test_thoughts_that_the_user_returns_and_the_server_refuses_stop_the_run() -> None:
    def bare(body: dict[str, Any]) -> Step | None:
        return refusal("reasoning_content is not permitted in the input") if any(thoughts(body)) else None

    with pytest.raises(UsageError, match=r"does not take thoughts back .*leave reasoning=return out"):
        found_and_asked(bare, TURNS, args={"reasoning": "return"})


def test_thoughts_that_go_back_take_room_in_the_context() -> None:
    long = Request(
        (*TURNS.messages[:2], Reasoned("assistant", "b", "x" * 3000), Message("user", "c")),
        Decoding(max_gen_toks=10),
    )
    dropped = [
        found_and_asked(lambda _: None, long, args={"max_length": "400", "reasoning": way})[1].dropped_turns
        for way in ("drop", "return")
    ]
    assert dropped == [0, 1]


# --- streams ----------------------------------------------------------------------------------------------------------

STREAM_ONLY = [
    "This model only support stream mode, please enable the stream parameter to access the model.",
    "Stream must be set to true",
    "Non-streaming requests are not supported for this model",
    "only streaming responses are available",
    "parameter.enable_thinking must be set to false for non-streaming calls",
]
EVENTS = 'data: {"choices": [{"index": 0, "delta": {"content": "{}"}, "finish_reason": "stop"}]}\n\ndata: [DONE]\n\n'


@pytest.mark.parametrize("words", STREAM_ONLY)
def test_a_server_that_only_streams_is_asked_for_a_stream(words: str) -> None:
    def rule(body: dict[str, Any]) -> Step:
        return Fault(200, EVENTS, content_type="text/event-stream") if body.get("stream") else refusal(words)

    found, answer, body = found_and_asked(rule)
    assert (found["stream"], found["response_format"], answer.text) == (True, "json_schema, strict", "{}")
    assert body["stream_options"] == {"include_usage": True}


def test_usage_is_not_asked_for_where_a_streaming_server_does_not_know_how() -> None:
    def rule(body: dict[str, Any]) -> Step:
        if "stream_options" in body:
            return refusal("Unrecognized request argument supplied: stream_options")
        return Fault(200, EVENTS, content_type="text/event-stream")

    found, answer, _ = found_and_asked(rule, args={"stream": "on"})
    assert (found["stream_usage"], answer.text) == (False, "{}")


def test_a_stream_that_the_user_ruled_out_and_the_server_insists_on_stops_the_run() -> None:
    with pytest.raises(UsageError, match=r"answers only as a stream .*leave stream=off out"):
        found_and_asked(lambda _: refusal(STREAM_ONLY[0]), args={"stream": "off"})


# --- the conversations themselves -------------------------------------------------------------------------------------


def test_a_message_with_thoughts_is_to_everybody_else_a_message() -> None:
    bare, thoughtful = Message("assistant", "x"), Reasoned("assistant", "x", "hm")
    assert (thoughtful == bare, hash(thoughtful) == hash(bare), tuple(thoughtful)) == (True, True, ("assistant", "x"))
    assert thoughtful._asdict() == bare._asdict() == {"role": "assistant", "content": "x"}
    assert (reasoning_of(thoughtful), reasoning_of(bare)) == ("hm", None)


def test_joined_turns_keep_all_thoughts() -> None:
    (joined,) = join_turns(
        [Reasoned("assistant", "a", "1"), Message("assistant", "b"), Reasoned("assistant", "c", "2")]
    )
    assert (joined.content, reasoning_of(joined)) == ("a\n\nb\n\nc", "1\n\n2")


def test_no_system_message_is_lost_when_roles_are_merged() -> None:
    said = [Message("system", "a"), Message("system", "b"), Message("user", "c"), Message("system", "d")]
    assert merge_system(said) == (Message("user", "a\n\nb\n\nc"), Message("user", "d"))
    assert merge_system([Message("system", "a")]) == (Message("user", "a"),)
    assert merge_system(()) == ()
