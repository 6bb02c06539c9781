"""The line to one server: one request with its retries, its limits in time, and the key kept out of every message."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Callable
from contextlib import aclosing, suppress
from dataclasses import dataclass, field

from proactivebench.models.base import Answer, add_usage
from proactivebench.models.endpoint.errors import Rejected, Server, Transient, Unusable, no_response, persistently
from proactivebench.models.endpoint.http_client import MOST_BYTES, HttpClient, Response, too_much
from proactivebench.models.endpoint.options import Options
from proactivebench.models.endpoint.reply import Json, decode, error_inside, error_status, read, usage_of
from proactivebench.models.endpoint.stream import ENOUGH, Stream, head, looks_streamed
from proactivebench.models.server_words import scrub
from proactivebench.records import Usage

_LINGER_S = 0.25  # after the announced end of a stream, for a server to close it in due form


@dataclass(slots=True)
class Tally:
    """What one answer has cost so far: HTTP requests sent, successful or not, and their tokens."""

    attempts: int = 0
    usage: Usage | None = None


@dataclass(slots=True)
class Connection:
    """A server that can be asked: how to reach it, what is known of it, and the key no message may show."""

    client: HttpClient
    server: Server
    key: str
    timeout_s: float

    @classmethod
    def to(cls, options: Options, address: str, *, connections: int, timeout_s: float) -> Connection:
        """A connection to `address`, with the key and the words of `options`."""
        name, key = options.key_header, options.key
        headers = {name: key} if name else {"Authorization": f"Bearer {key}"}
        client = HttpClient(address, headers, connections=connections, timeout_s=timeout_s)
        return cls(client, Server(options.base_url, options.model, options.keys, key), key, timeout_s)

    async def post(self, payload: Json, tally: Tally) -> tuple[Json, bool]:
        """The body of the answer to `payload`, asked once, and whether broken UTF-8 was replaced in it.

        Raises `Transient` (`TooLarge`) or `Rejected` where it is a failure, `UsageError` where no request can succeed,
        `OutOfFiles` where none can be sent. Whoever can use the answer tells `server`.
        """
        tally.attempts += 1
        try:
            async with asyncio.timeout(self.timeout_s), self.client.post(payload) as response:
                headers = response.headers
                if not 200 <= response.status < 300:
                    raise self.server.failure(response.status, headers, scrub(await response.head(), self.key))
                body, replaced = await _received(response, self.key)
        except Exception as error:
            if type(error) is TimeoutError:  # ours, not one of the client's own kinds
                raise Transient(f"no answer within {self.timeout_s:g} s") from None
            raise no_response(error, self.key, self.client.proxy) from None
        tally.usage = add_usage(tally.usage, usage_of(body.get("usage")))
        status = error_status(body)
        if status is not None:
            text = scrub(json.dumps({"error": error_inside(body)}), self.key)
            raise self.server.failure(status, headers, text, inside=True)
        return body, replaced

    def read(self, body: Json, *, replaced: bool, readable: Callable[[str], bool] | None) -> Answer:
        """The answer in the body of a completion. Raises `Transient` where there is none."""
        try:
            answer = read(body, key=self.key, replaced=replaced, readable=readable)
        except Unusable:
            self.server.answered()
            raise
        self.server.answered()
        return answer


@dataclass(slots=True)
class Line:
    """Sends chat completions to one server. At most `connections` are open at once; the client is made on first use,
    inside the running event loop, and reads the key from the environment then. What comes as a stream of events,
    asked for (`"stream": true` in a payload) or not, is read as one."""

    options: Options
    connections: int
    timeout_s: float
    jitter: random.Random = field(default_factory=random.Random)
    _connection: Connection | None = None

    async def send(
        self, payload: Json, tally: Tally, max_retries: int, readable: Callable[[str], bool] | None = None
    ) -> Answer:
        """The answer to `payload`, asked up to 1 + `max_retries` times. `readable` is that of a `Request`.

        Raises `Transient` when all attempts failed (`TooLarge` at the first), `Rejected` for a request the server will
        never take, `UsageError` where no request can succeed, `OutOfFiles` where none can be sent, `Stopped` where the
        run is to stop and nothing was sent.
        """
        return await persistently(lambda: self._once(payload, tally, readable), max_retries, self.jitter)

    async def probe(self, payload: Json, max_retries: int) -> Answer | None:
        """As `send`; None where the server took the request and what it gave is no answer."""

        async def once() -> Answer | None:
            try:
                return await self._once(payload, Tally())
            except Unusable:
                return None
            except Rejected as refusal:  # of a probe it says what it says, wherever it stands
                refusal.inside = False
                raise

        return await persistently(once, max_retries, self.jitter)

    async def _once(self, payload: Json, tally: Tally, readable: Callable[[str], bool] | None = None) -> Answer:
        if self._connection is None:
            self._connection = Connection.to(
                self.options, self.options.address, connections=self.connections, timeout_s=self.timeout_s
            )
        body, replaced = await self._connection.post(payload, tally)
        return self._connection.read(body, replaced=replaced, readable=readable)

    async def close(self) -> None:
        """Close all connections; the line may be used again after."""
        if self._connection is not None:
            await self._connection.client.close()


async def _received(response: Response, key: str) -> tuple[Json, bool]:
    """The body of an answer, in one piece or streamed, and whether broken UTF-8 was replaced in it."""
    found, stream, undecided = bytearray(), None, True
    async with aclosing(response.pieces()) as pieces:
        async for piece in pieces:
            if stream is None:
                found += piece
                if len(found) > MOST_BYTES:
                    raise too_much()
                start = head(found) if undecided else b""
                if len(start) < ENOUGH:
                    continue
                undecided = False
                if not looks_streamed(response.headers.get("Content-Type", ""), start):
                    continue
                stream, piece = Stream(), bytes(found)
            stream.feed(piece)
            if stream.done:
                with suppress(Exception):
                    async with asyncio.timeout(_LINGER_S):
                        async for _ in pieces:
                            pass
                break
    if stream is None and undecided and looks_streamed(response.headers.get("Content-Type", ""), head(found)):
        stream = Stream()
        stream.feed(bytes(found))
    return decode(bytes(found), key) if stream is None else (stream.body(), stream.replaced)
