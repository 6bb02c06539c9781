"""A real OpenAI-compatible chat server on loopback whose every answer, delay and fault is scripted.

    with chat_server([Say("no"), Fault(500), Hang()]) as server:
        ... server.base_url ... server.asked[0].body["messages"]

A script is a list of steps (one a request, in order of arrival; the last one repeats) or a function from the request
to a step. The agent's own probe (`endpoint_probe.QUESTION`) gets `probe`, so scripts need not count it.
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any
from urllib.parse import urlsplit

from aiohttp import web

from proactivebench.models.endpoint.probe import QUESTION


@dataclass(frozen=True)
class Seen:
    """A request as it arrived, `at` seconds on the monotonic clock."""

    path: str
    headers: Mapping[str, str]
    body: dict[str, Any]
    at: float

    @property
    def probe(self) -> bool:
        """Whether this is the agent finding out what the server takes."""
        return bool(self.body.get("messages")) and self.body["messages"][-1].get("content") == QUESTION


@dataclass(frozen=True)
class Say:
    """A completion. `message` overrides fields of the message (`content: None`, `reasoning_content`, `refusal`)."""

    text: str = '{"Proactive Task": null}'
    after: float = 0.0
    finish: str = "stop"
    message: Mapping[str, Any] = field(default_factory=dict)
    usage: Mapping[str, Any] | None = None
    choice: Mapping[str, Any] = field(default_factory=dict)

    def completion(self) -> dict[str, Any]:
        """The body of the HTTP response."""
        message = {"role": "assistant", "content": self.text, **self.message}
        choice = {"index": 0, "message": message, "finish_reason": self.finish, **self.choice}
        usage = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15} if self.usage is None else self.usage
        return {"id": "x", "object": "chat.completion", "created": 0, "model": "m", "choices": [choice], "usage": usage}


@dataclass(frozen=True)
class Fault:
    """Any other response: a status with a body (a dict is sent as JSON) and headers."""

    status: int
    body: str | bytes | dict[str, Any] = "out of order"
    headers: Mapping[str, str] = field(default_factory=dict)
    after: float = 0.0
    content_type: str | None = None


@dataclass(frozen=True)
class Drop:
    """The connection breaks: before any byte (`sent` = 0) or after that many bytes of a longer body."""

    sent: int = 0


@dataclass(frozen=True)
class Hang:
    """No answer for `seconds`; with `trickle`, a byte now and then, so that the line never seems dead."""

    seconds: float = 3600.0
    trickle: bool = False


@dataclass(frozen=True)
class Raw:
    """These bytes in place of an HTTP response, then the connection is closed."""

    data: bytes


@dataclass(frozen=True)
class Pieces:
    """A body sent piece by piece under these headers; the connection then stays open for `hold` seconds."""

    pieces: Sequence[bytes]
    headers: Mapping[str, str] = field(default_factory=dict)
    hold: float = 0.0


Step = Say | Fault | Drop | Hang | Raw | Pieces
Script = Sequence[Step] | Callable[[Seen], Step]


def refusal(message: str, param: str | None = None, code: str | None = None, status: int = 400) -> Fault:
    """An error as the vendor words it."""
    error = {"message": message, "type": "invalid_request_error", "param": param, "code": code}
    return Fault(status, {"error": error})


@dataclass
class ChatServer:
    """What a test sees of the server: where it is, and all it was asked."""

    script: Script
    probe: Step = field(default_factory=Say)
    requests: list[Seen] = field(default_factory=list)
    base_url: str = ""
    busiest: int = 0  # most requests in flight at once
    _busy: int = 0

    @property
    def asked(self) -> list[Seen]:
        """The requests without the agent's probes."""
        return [seen for seen in self.requests if not seen.probe]

    @property
    def port(self) -> int:
        """Where it listens, so that a later server can take its place."""
        return urlsplit(self.base_url).port or 0

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """One HTTP request, answered by the script."""
        body = json.loads(await request.read() or b"{}")
        seen = Seen(request.path, dict(request.headers), body, perf_counter())
        self.requests.append(seen)
        self._busy += 1
        self.busiest = max(self.busiest, self._busy)
        try:
            return await _perform(self._step(seen), request)
        finally:
            self._busy -= 1

    def _step(self, seen: Seen) -> Step:
        if callable(self.script):
            return self.probe if seen.probe else self.script(seen)
        return self.probe if seen.probe else self.script[min(len(self.asked), len(self.script)) - 1]


async def _perform(step: Step, request: web.Request) -> web.StreamResponse:
    if isinstance(step, Say):
        await asyncio.sleep(step.after)
        return web.json_response(step.completion())
    if isinstance(step, Fault):
        await asyncio.sleep(step.after)
        as_json = isinstance(step.body, dict)
        text = step.body if isinstance(step.body, str | bytes) else json.dumps(step.body)
        kind = step.content_type or ("application/json" if as_json else "text/plain")
        body = text.encode() if isinstance(text, str) else text
        return web.Response(status=step.status, body=body, headers=dict(step.headers), content_type=kind)
    if isinstance(step, Raw):
        if request.transport is not None:
            request.transport.write(step.data)
            await asyncio.sleep(0.02)
            request.transport.close()
        raise asyncio.CancelledError
    if isinstance(step, Pieces):
        response = web.StreamResponse(headers=dict(step.headers))
        await response.prepare(request)
        for piece in step.pieces:
            await response.write(piece)
            await asyncio.sleep(0)
        await asyncio.sleep(step.hold)
        return response
    if isinstance(step, Hang) and not step.trickle:
        await asyncio.sleep(step.seconds)
    response = web.StreamResponse(headers={"Content-Type": "application/json", "Content-Length": "100000"})
    if isinstance(step, Hang):
        await response.prepare(request)
        for _ in range(int(step.seconds / 0.05)):
            await response.write(b" ")
            await asyncio.sleep(0.05)
    elif step.sent:
        await response.prepare(request)
        await response.write(b"{" + b" " * (step.sent - 1))
    if request.transport is not None:
        request.transport.abort()
    return response


@contextmanager
def chat_server(
    script: Script = (Say(),), probe: Step | None = None, port: int = 0, kind: type[ChatServer] = ChatServer
) -> Iterator[ChatServer]:
    """A server in a thread of its own for the length of the block."""
    server = kind(script, probe or Say())
    ready, done = threading.Event(), asyncio.Event()
    loops: list[asyncio.AbstractEventLoop] = []

    async def serve() -> None:
        loops.append(asyncio.get_running_loop())
        app = web.Application(client_max_size=2**26)
        app.router.add_route("*", "/{path:.*}", server.answer)
        runner = web.AppRunner(app, shutdown_timeout=0.1, access_log=None, handler_cancellation=True)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", port, backlog=1024)
        await site.start()
        server.base_url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
        ready.set()
        await done.wait()
        await runner.cleanup()

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    if not ready.wait(10):
        raise RuntimeError("the chat server did not start")
    try:
        yield server
    finally:
        loops[0].call_soon_threadsafe(done.set)
        thread.join(10)
