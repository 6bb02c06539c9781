"""Answers as servers really send them: streamed, packed, far too long, with broken bytes or the key in them."""

import gzip
import json
import zlib
from collections.abc import Iterator
from time import perf_counter
from typing import Any

import pytest

from proactivebench.models.base import Answer, Failure, TokenLogprobs
from proactivebench.models.endpoint.model import EndpointModel
from proactivebench.records import Cause, Note, Usage
from tests.models.asking import ask, request, with_agent
from tests.servers.chat import ChatServer, Fault, Pieces, Say, Seen, Step, chat_server

KEY = "sesame-street-0815-and-more"
EVENTS = {"Content-Type": "text/event-stream"}
JSON = {"Content-Type": "application/json"}


def completion(text: Any) -> dict[str, Any]:
    return {"choices": [{"message": {"content": text}, "finish_reason": "stop"}]}


def event(said: Any) -> bytes:
    return b"data: " + json.dumps(said).encode() + b"\n\n"


def chunk(finish: str | None = None, **delta: Any) -> bytes:
    return event({"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]})


DONE = b"data: [DONE]\n\n"
USAGE = event({"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 2}})
HELLO = [chunk(role="assistant", content=""), chunk(content="hel"), chunk("stop", content="lo"), USAGE, DONE]


# --- streams ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("headers", [EVENTS, JSON, {"Content-Type": "text/plain"}])
@pytest.mark.parametrize("before", [[], [b": PROCESSING\n\n"], [b"event: message\r\n"], [b"\xef\xbb\xbf"]])
def test_a_stream_is_read_as_one_answer_whatever_it_is_called(headers: dict[str, str], before: list[bytes]) -> None:
    with chat_server([Pieces([*before, *HELLO], headers)]) as server:
        answer = ask(server)
    assert (answer.text, answer.finish_reason) == ("hello", "stop")
    assert answer.usage == Usage(prompt_tokens=3, completion_tokens=2)


def test_a_stream_may_be_cut_into_pieces_anywhere() -> None:
    whole = b"".join([chunk(reasoning_content="ähm 中"), chunk("stop", content="Grüße 中文"), USAGE, DONE])
    for size in (1, 2, 7, 100):
        pieces = [whole[at : at + size] for at in range(0, len(whole), size)]
        with chat_server([Pieces([piece.replace(b"\n", b"\r\n") for piece in pieces], EVENTS)]) as server:
            answer = ask(server)
        assert (answer.text, answer.reasoning, answer.notes) == ("Grüße 中文", "ähm 中", ())


def test_the_end_that_is_announced_ends_it_though_the_connection_stays_open() -> None:
    with chat_server([Pieces(HELLO, EVENTS, hold=30)]) as server:
        started = perf_counter()
        assert ask(server, timeout_s=20).text == "hello"
        assert perf_counter() - started < 15


def test_json_that_is_called_a_stream_and_a_stream_without_a_last_word_are_read() -> None:
    with chat_server([Fault(200, json.dumps(completion("fine")), content_type="text/event-stream")]) as server:
        assert ask(server).text == "fine"
    with chat_server([Pieces([chunk("stop", content="fine")], EVENTS)]) as server:
        assert ask(server).text == "fine"


def test_log_probabilities_and_refusals_come_through_a_stream() -> None:
    token = {"token": "yes", "top_logprobs": [{"token": "yes", "logprob": -0.1}]}
    said = {"choices": [{"delta": {"content": "yes"}, "logprobs": {"content": [token]}, "finish_reason": "stop"}]}
    with chat_server([Pieces([event(said), DONE], EVENTS)]) as server:
        assert ask(server, request(top_logprobs=5)).logprobs == (TokenLogprobs("yes", (("yes", -0.1),)),)
    with chat_server([Pieces([chunk(refusal="I can"), chunk("stop", refusal="not"), DONE], EVENTS)]) as server:
        assert ask(server).error == "the model refused: I cannot"


@pytest.mark.parametrize(
    ("pieces", "cause"),
    [
        ([chunk(content='{"Purp')], Cause.FAILED_INSIDE),
        ([chunk(content='{"Purp'), event({"error": {"message": "engine died", "code": 500}})], Cause.FAILED_INSIDE),
        ([chunk(content="{}"), event({"error": {"message": "engine died"}}), DONE], Cause.FAILED_INSIDE),
        ([b"event: error\n" + event({"message": "overloaded"})], Cause.FAILED_INSIDE),
        ([event({"choices": [{"delta": {}, "error": {"message": "x"}, "finish_reason": "s"}]})], Cause.FAILED_INSIDE),
        ([chunk("error", content='{"Purp'), DONE], Cause.FAILED_INSIDE),
        ([chunk("stop", content=""), event({"choices": [], "usage": {"completion_tokens": 0}})], Cause.NO_TOKENS),
        ([DONE], None),
        ([b"data: {broken\n\n"], None),
        ([b"data: " + b"[" * 50_000 + b"\n\n"], None),
        ([b"data: 7\n\n"], None),
        ([chunk(content=7), DONE], None),
    ],
)  # fmt: skip
def test_a_stream_that_fails_on_its_way_is_no_answer(pieces: list[bytes], cause: Cause | None) -> None:
    with chat_server([Pieces(pieces, EVENTS), Say("again")]) as server:
        assert ask(server, max_retries=1).text == "again"
    with chat_server([Pieces(pieces, EVENTS)]) as server:
        answer = ask(server)
    assert (answer.failure, answer.cause) == (Failure.ERROR, cause)


# --- how it ended -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("word", ["stop", "STOP", "end_turn", "eos", "eos_token", "stop_sequence", "COMPLETE", None])
def test_the_words_servers_have_for_an_ordinary_end_are_known(word: str | None) -> None:
    with chat_server([Say("no JSON", choice={"finish_reason": word})]) as server:
        answer = ask(server)
    assert (answer.text, answer.truncated, answer.notes) == ("no JSON", False, ())


@pytest.mark.parametrize("word", ["length", "max_tokens", "MAX_TOKENS", "model_length"])
def test_the_words_for_an_answer_cut_off_are_known(word: str) -> None:
    with chat_server([Say('{"Purp', finish=word)]) as server:
        assert ask(server).truncated


@pytest.mark.parametrize("word", ["content_filter", "SAFETY", "PROHIBITED_CONTENT", "sensitive", "refusal"])
def test_the_words_for_an_answer_withheld_are_known(word: str) -> None:
    with chat_server([Say('{"Purp', finish=word)]) as server:
        assert ask(server).failure is Failure.REFUSED


WORDS = ["error", "abort", "insufficient_system_resource", "network_error", "load", "gone_fishing", "x" * 1000]


@pytest.mark.parametrize("word", WORDS)
@pytest.mark.parametrize("text", ["", '{"Purpose": "p", "Thou', "I would", "{{{{{{{", '{"a": '])
def test_an_end_nobody_knows_without_a_readable_answer_is_asked_again(word: str, text: str) -> None:
    with chat_server([Say(text, finish=word), Say("again")]) as server:
        assert ask(server, max_retries=1).text == "again"
    with chat_server([Say(text, finish=word)]) as server:
        answer = ask(server)
    assert (answer.failure, answer.cause, answer.finish_reason) == (Failure.ERROR, Cause.FAILED_INSIDE, short(word))


@pytest.mark.parametrize("word", WORDS)
def test_an_end_nobody_knows_with_a_readable_answer_is_taken_and_noted(word: str) -> None:
    with chat_server([Say('Well: {"Proactive Task": null}', finish=word)]) as server:
        answer = ask(server)
    assert (answer.failure, answer.finish_reason) == (None, short(word))
    assert answer.notes == (Note.FINISH_UNKNOWN,)


def test_who_asks_says_what_can_be_read() -> None:
    other = Say('{"Something": 3}', finish="abort")
    asked = request(readable=lambda text: "Proactive Task" in text)
    with chat_server([other, Say('{"Proactive Task": null}', finish="abort")]) as server:
        answer = ask(server, asked, max_retries=1)
    assert (answer.attempts, answer.notes) == (2, (Note.FINISH_UNKNOWN,))
    with chat_server([other]) as server:
        assert ask(server, asked).cause is Cause.FAILED_INSIDE


def short(word: str) -> str:
    return word if len(word) < 60 else word[:59] + "…"


@pytest.mark.parametrize(
    "failed",
    [
        Say('{"Proactive Task": null}', choice={"error": {"code": 502, "message": "Upstream idle timeout"}}),
        Say('{"Proactive Task": null}', message={"error": "lost the engine"}),
        Fault(200, {**Say("{}").completion(), "error": {"message": "Upstream idle timeout", "code": 400}}),
        Fault(200, {**Say("{}").completion(), "error": "lost the engine"}),
        Fault(200, {"error": {"message": "bad luck", "code": 400}}),
        Fault(200, {"error": {"message": "bad luck", "type": "server_error"}}),
        Fault(200, {"error": "bad luck", "choices": None}),
    ],
)
def test_a_failure_reported_inside_a_200_is_never_final(failed: Step) -> None:
    with chat_server([failed, Say("again")]) as server:
        assert ask(server, max_retries=1).text == "again"
    with chat_server([failed]) as server:
        answer = ask(server)
    assert (answer.failure, answer.text, answer.cause) == (Failure.ERROR, None, Cause.FAILED_INSIDE)


def test_a_parameter_refused_inside_a_200_is_left_out_at_once() -> None:
    def script(seen: Seen) -> Step:
        return Fault(200, {"error": {"message": "seed: unknown", "code": 400}}) if "seed" in seen.body else Say("fine")

    class Picky(ChatServer):
        def _step(self, seen: Seen) -> Step:
            return script(seen)

    with chat_server(kind=Picky) as server:
        assert ask(server, max_retries=5).text == "fine"
        assert sum("seed" in seen.body for seen in server.requests) == 1


def test_an_error_that_is_null_is_none() -> None:
    with chat_server([Fault(200, {**completion("fine"), "error": None})]) as server:
        assert ask(server).text == "fine"


NOTHING = {"prompt_tokens": 9, "completion_tokens": 0, "total_tokens": 9}


@pytest.mark.parametrize("content", ["", None, "  \n", [], [{"type": "text", "text": ""}]])
@pytest.mark.parametrize("finish", ["stop", "length", None])
def test_nothing_generated_is_asked_again_and_stays_an_error_with_its_cause(content: Any, finish: str | None) -> None:
    nothing = Say(message={"content": content}, usage=NOTHING, choice={"finish_reason": finish})
    with chat_server([nothing, Say("again")]) as server:
        assert ask(server, max_retries=1).text == "again"
    with chat_server([nothing]) as server:
        answer = ask(server)
    assert (answer.failure, answer.cause) == (Failure.ERROR, Cause.NO_TOKENS)


def test_tokens_without_a_text_are_the_models_own_doing() -> None:
    with chat_server([Say("")]) as server:
        assert (ask(server).text, ask(server).cause) == ("", Cause.NO_TEXT)
    with chat_server([Say(message={"content": None, "reasoning": "hm"}, usage=NOTHING)]) as server:
        assert (ask(server).text, ask(server).cause) == ("", Cause.NO_TEXT)
    with chat_server([Fault(200, completion(""))]) as server:
        assert (ask(server).text, ask(server).cause) == ("", None)


# --- parts ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "text", "thoughts"),
    [
        ([{"type": "output_text", "text": "a", "annotations": []}, {"type": "text", "text": "b"}], "ab", None),
        ([{"text": "a"}, "b"], "ab", None),
        ({"type": "text", "text": "a"}, "a", None),
        ([{"type": "text", "text": {"value": "a", "annotations": []}}], "a", None),
        ([{"type": "reasoning", "summary": [{"type": "summary_text", "text": "hm"}]}, {"text": "a"}], "a", "hm"),
        ([{"type": "redacted_thinking", "data": "…"}, {"type": "text", "text": "a"}], "a", None),
        ([{"type": "markdown", "content": "a"}, {"type": "image", "url": "x"}], "a", None),
    ],
)
def test_parts_of_any_type_that_hold_text_are_read(content: Any, text: str, thoughts: str | None) -> None:
    with chat_server([Say(message={"content": content})]) as server:
        answer = ask(server)
    assert (answer.text, answer.reasoning) == (text, thoughts)


@pytest.mark.parametrize("content", [[{"type": "blob", "blob": "x"}], [7], [None], {"kind": "blob"}, [{"text": 7}]])
def test_parts_that_hold_none_are_an_error_and_no_empty_answer(content: Any) -> None:
    with chat_server([Say(message={"content": content})]) as server:
        answer = ask(server)
    assert (answer.failure, answer.cause) == (Failure.ERROR, Cause.FAILED_INSIDE)


# --- bytes ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("broken", [b"\xe4\xbd", b"\xff", b"\xed\xa0\xbd", b"\\ud83d"])
def test_broken_characters_are_replaced_and_noted(broken: bytes, streamed: bool) -> None:
    whole = chunk("stop", content="caf@ ok") + DONE if streamed else json.dumps(completion("caf@ ok")).encode()
    with chat_server([Pieces([whole.replace(b"@", broken)], EVENTS if streamed else JSON)]) as server:
        answer = ask(server)
    assert answer.notes == (Note.BYTES_REPLACED,)
    assert answer.text
    assert answer.text.replace("\ufffd", "") == "caf ok"


@pytest.mark.parametrize("streamed", [False, True])
def test_a_key_in_an_answer_is_cut_out_and_noted(monkeypatch: pytest.MonkeyPatch, streamed: bool) -> None:
    monkeypatch.setenv("PROACTIVEBENCH_API_KEY", KEY)
    message = {"content": f"use {KEY} now", "reasoning_content": f"they gave me {KEY}"}
    body = {"choices": [{"message": message, "finish_reason": f"gone {KEY}"}]}
    body["choices"][0]["message"]["content"] += " {}"
    whole = event(body) + DONE if streamed else json.dumps(body).encode()
    with chat_server([Pieces([whole], EVENTS if streamed else JSON)]) as server:
        answer = ask(server)
    assert (answer.text, answer.reasoning) == ("use [key] now {}", "they gave me [key]")
    assert answer.finish_reason == "gone [key]"
    assert Note.KEY_CUT in answer.notes


# --- sizes ------------------------------------------------------------------------------------------------------------


def blanks(mebibytes: int) -> Iterator[bytes]:
    return (b" " * (1 << 20) for _ in range(mebibytes))


LONG = json.dumps(completion("x" * (9 << 20))).encode()


@pytest.mark.parametrize(
    "step",
    [
        Pieces([LONG], JSON),
        Pieces(list(blanks(9)), JSON),
        Pieces([gzip.compress(b" " * (64 << 20))], JSON | {"Content-Encoding": "gzip"}),
        Pieces([zlib.compress(LONG)], JSON | {"Content-Encoding": "deflate"}),
        Pieces([gzip.compress(b" " * (5 << 20)) * 2], JSON | {"Content-Encoding": "gzip"}),
        Pieces([chunk(content="x" * (1 << 20)) for _ in range(9)], EVENTS),
        Pieces([b"data: ", *blanks(9)], EVENTS),
        Pieces([b"data: " + b" " * (1 << 20) + b"\n" for _ in range(9)], EVENTS),
        Pieces([chunk(content=["x" * (1 << 20)]) for _ in range(9)], EVENTS),
        Pieces([b": " + b"x" * (1 << 20) + b"\n" for _ in range(9 << 3)], EVENTS),
    ],
)
def test_an_answer_beyond_all_measure_is_an_error_with_a_plain_cause(step: Pieces) -> None:
    with chat_server([step]) as server:
        answer = ask(server)
    most = 64 if b": x" in step.pieces[0][:9] else 8  # of what is not kept, more may come
    assert (answer.failure, answer.error) == (Failure.ERROR, f"an answer of more than {most} MiB")


def test_many_small_events_are_no_excess() -> None:
    events = [b"".join(chunk(content="a", padding="x" * 400) for _ in range(1000)) for _ in range(25)]
    with chat_server([Pieces([*events, chunk("stop"), DONE], EVENTS)]) as server:
        answer = ask(server)
    assert answer.text == "a" * 25_000


@pytest.mark.parametrize("status", [400, 500])
def test_of_an_endless_error_only_the_beginning_is_read(status: int) -> None:
    with chat_server([Fault(status, "no " + "x" * (20 << 20))]) as server:
        answer = ask(server)
    assert answer.error
    assert len(answer.error) < 350


@pytest.mark.parametrize(
    ("encoding", "packed"),
    [
        ("gzip", gzip.compress(json.dumps(completion("fine")).encode(), mtime=0)),
        ("deflate", zlib.compress(json.dumps(completion("fine")).encode())),
        ("deflate", zlib.compress(json.dumps(completion("fine")).encode(), wbits=-15)),
        ("identity", json.dumps(completion("fine")).encode()),
    ],
)
def test_packed_answers_are_read(encoding: str, packed: bytes) -> None:
    pieces = [packed[:9], packed[9:]]
    with chat_server([Pieces(pieces, JSON | {"Content-Encoding": encoding})]) as server:
        assert ask(server).text == "fine"


@pytest.mark.parametrize(
    ("encoding", "body", "words"),
    [
        ("gzip", b"not gzip at all", "not the gzip it says"),
        ("gzip", gzip.compress(json.dumps(completion("fine")).encode(), mtime=0)[:-20], "breaks off"),
        ("br", b"\x0b\x02\x80", "not asked for"),
    ],
)
def test_badly_packed_answers_are_an_error(encoding: str, body: bytes, words: str) -> None:
    with chat_server([Pieces([body], JSON | {"Content-Encoding": encoding})]) as server:
        answer = ask(server)
    assert answer.failure is Failure.ERROR
    assert words in (answer.error or "")


@pytest.mark.parametrize("depth", [900, 5_000, 200_000])
@pytest.mark.parametrize("field", ['{"choices": %s}', '{"choices": [{"message": {"content": %s}}]}', "%s"])
def test_nesting_without_end_is_an_error_and_no_crash(field: str, depth: int) -> None:
    deep = '{"type": "thinking", "thinking": [' * depth + "]}" * depth
    for body in (field % ("[" * depth + "]" * depth), field % f"[{deep}]"):
        with chat_server([Fault(200, body, content_type="application/json")]) as server:
            answer = ask(server)
        assert answer.failure is Failure.ERROR or not answer.text


def test_counts_beyond_all_measure_are_none() -> None:
    usage = {"prompt_tokens": 10**400, "completion_tokens": 5, "total_tokens": 0}
    with chat_server([Say("x", usage=usage)]) as server:
        assert ask(server).usage == Usage(completion_tokens=5)


def test_connections_are_kept_after_a_stream() -> None:
    async def twice(agent: EndpointModel) -> list[Answer]:
        return [await agent.complete(request()) for _ in range(2)]

    with chat_server([Pieces(HELLO, EVENTS)]) as server:
        assert [answer.text for answer in with_agent(server, twice)] == ["hello", "hello"]
