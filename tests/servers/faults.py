"""What a server does to a request that an agent or a judge has every right to: one list, by name.

Each kind is the response in place of a sound answer. `LOST` ones say nothing of the model: the request is made again,
now or by the same command, and the report is that of an undisturbed run. `STOPPING` ones end the run in one line, and
the same command goes on once they are over.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Mapping
from typing import Any

from tests.servers.chat import Drop, Fault, Hang, Raw, Say, Step

Kind = Callable[[Say], Step]


def _body(said: Any, status: int = 200, **headers: str) -> Kind:
    text = said if isinstance(said, str) else json.dumps(said)
    return lambda _: Fault(status, text, headers, content_type="application/json")


def _page(status: int) -> Kind:
    return lambda _: Fault(
        status, "<!doctype html><title>Just a moment</title><p>Checking your browser", content_type="text/html"
    )


def _error(status: int, message: str = "upstream failed", **more: Any) -> dict[str, Any]:
    return {"error": {"message": message, "code": status, **more}}


def _finish(word: str, text: str = '{"Purpose": "p", "Thou') -> Kind:
    return lambda _: Say(text, finish=word)


def _choice(**fields: Any) -> Kind:
    return lambda _: Say('{"Purpose": "p", "Thou', finish="stop", choice=fields)


def _half(say: Say) -> Step:
    return Fault(200, json.dumps(say.completion())[:-40], content_type="application/json")


def _raw(head: str, body: bytes) -> Kind:
    return lambda _: Raw(f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n{head}\r\n\r\n".encode() + body)


def _status(code: int, **headers: str) -> Kind:
    return lambda _: Fault(code, {"error": {"message": "not now", "code": code}}, headers)


def _stream(*events: str) -> Kind:
    text = "".join(f"data: {event}\n\n" for event in events)
    return lambda _: Fault(200, text, content_type="text/event-stream")


def _chunk(content: str, finish: str | None = None) -> str:
    choice = {"index": 0, "delta": {"content": content}, "finish_reason": finish}
    return json.dumps({"id": "x", "object": "chat.completion.chunk", "choices": [choice]})


_NO_TOKENS: Mapping[str, Any] = {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}

LOST: dict[str, Kind] = {
    **{f"status {code}": _status(code) for code in (408, 409, 425, 500, 501, 502, 503, 504, 507, 508, 529)},
    **{f"status {code} of a proxy": _status(code) for code in range(520, 528)},
    "429 with Retry-After in seconds": _status(429, **{"Retry-After": "0"}),
    "429 with Retry-After as a date": _status(429, **{"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}),
    "429 with retry-after-ms": _status(429, **{"retry-after-ms": "20"}),
    "429 with a Retry-After that is no time": _status(429, **{"Retry-After": "soon"}),
    "401 after a success": _status(401),
    "403 after a success": _status(403),
    "404 after a success": _status(404),
    "a web page with 200": _page(200),
    "a web page with 403": _page(403),
    "a web page with 503": _page(503),
    "an empty body": _body(""),
    "half a JSON": _half,
    "a JSON array": _body([]),
    "a JSON number": _body("7"),
    "a JSON null": _body("null"),
    "not JSON": _body("OK"),
    "no choices": _body({"id": "x", "object": "chat.completion"}),
    "empty choices": _body({"id": "x", "choices": []}),
    "null choices": _body({"id": "x", "choices": None}),
    "a choice that is null": _body({"choices": [None]}),
    "a choice without message": _body({"choices": [{"index": 0, "finish_reason": "stop"}]}),
    "a message that is null": _body({"choices": [{"index": 0, "message": None, "finish_reason": "stop"}]}),
    "content of a type nobody knows": lambda _: Say(message={"content": 7}),
    "a content part of a type nobody knows": lambda _: Say(message={"content": [{"type": "blob", "blob": "x"}]}),
    "an error in the body of a 200": _body(_error(502)),
    "an overload in the body of a 200": _body(_error(429, "Rate limit reached")),
    "an error text in the body of a 200": _body({"error": "internal"}),
    "an error beside empty choices": _body({**_error(500), "choices": []}),
    "an error beside an answer": lambda say: Fault(200, {**say.completion(), **_error(502, "Upstream idle timeout")}),
    "an error in the choice": _choice(error={"code": 502, "message": "Upstream idle timeout"}),
    "finish reason error": _finish("error"),
    "finish reason abort": _finish("abort"),
    "finish reason insufficient_system_resource": _finish("insufficient_system_resource"),
    "finish reason malformed_function_call": _finish("malformed_function_call", ""),
    "finish reason nobody knows, half an answer": _finish("gone_fishing"),
    "an empty answer of no tokens": lambda _: Say("", usage=_NO_TOKENS),
    "a null answer of no tokens": lambda _: Say(message={"content": None}, usage=_NO_TOKENS),
    "the connection dropped before an answer": lambda _: Drop(),
    "the connection dropped within the body": lambda _: Drop(50),
    "a server that hangs": lambda _: Hang(30),
    "a server that trickles": lambda _: Hang(30, trickle=True),
    "a body shorter than it says": _raw("Content-Length: 500", b'{"choices": ['),
    "a chunk cut off": _raw("Transfer-Encoding: chunked", b'400\r\n{"choices"'),
    "no HTTP at all": lambda _: Raw(b"SSH-2.0-OpenSSH_9.2\r\n"),
    "broken gzip": _raw("Content-Encoding: gzip\r\nContent-Length: 12", b"not gzip at!"),
    "a gzip of 64 MB of blanks": lambda _: Raw(_gzipped(b" " * (64 << 20))),
    "a body of 9 MB": _body({"choices": [], "padding": "x" * (9 << 20)}),
    "JSON nested 100,000 deep": _body("[" * 100_000),
    "a stream that ends without an end": _stream(_chunk('{"Purpose": "p", "Thou')),
    "an error in the stream": _stream(_chunk('{"Purp'), json.dumps(_error(500, "engine died"))),
    "a stream of nothing": _stream("[DONE]"),
}

STOPPING: dict[str, Kind] = {
    "402 of an empty account": lambda _: Fault(402, {"error": {"message": "Insufficient credits"}}),
    "429 of an exhausted quota": lambda _: Fault(
        429, {"error": {"message": "You exceeded your current quota", "code": "insufficient_quota"}}
    ),
    "a redirect": lambda _: Fault(307, "", {"Location": "http://127.0.0.1:9/v1/chat/completions"}),
    "401 from some point on": lambda _: Fault(401, {"error": {"message": "key revoked"}}),
    "404 from some point on": lambda _: Fault(404, {"error": {"message": "model unloaded"}}),
}


def _gzipped(content: bytes) -> bytes:
    body = gzip.compress(content)
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Encoding: gzip\r\nContent-Length: {len(body)}"
    return head.encode() + b"\r\n\r\n" + body
