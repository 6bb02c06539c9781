"""The line to one server: one request with its retries, its limits in time, and the key kept out of every message."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any

from proactivebench.agents.base import Answer, add_usage
from proactivebench.agents.endpoint_errors import Transient, failure, pause, root_cause, scrub
from proactivebench.agents.endpoint_options import Options
from proactivebench.agents.endpoint_reply import Json, decode, error_status, read, usage_of
from proactivebench.errors import UsageError
from proactivebench.records import Usage
from proactivebench.stopping import go_on, rest

if TYPE_CHECKING:
    from openai import AsyncOpenAI

_CONNECT_S = 10.0
_IDLE_S = 4.0  # below the 5 s after which common servers hang up on an idle connection


@dataclass(slots=True)
class Tally:
    """What one answer has cost so far: HTTP requests sent, successful or not, and their tokens."""

    attempts: int = 0
    usage: Usage | None = None


@dataclass(slots=True)
class Line:
    """Sends chat completions to one server. At most `connections` are open at once; the client is made on first use,
    inside the running event loop, and reads the key from the environment then."""

    options: Options
    connections: int
    timeout_s: float
    jitter: random.Random = field(default_factory=random.Random)
    _client: AsyncOpenAI | None = None
    _raw: Any = None
    _key: str = ""

    async def send(self, payload: Json, tally: Tally, max_retries: int) -> Answer:
        """The answer to `payload`, asked up to 1 + `max_retries` times.

        Raises `Transient` when all attempts failed, `Rejected` for a request the server will never take, `UsageError`
        where no request can succeed, `Stopped` where the run is to stop and nothing was sent.
        """
        failures = 0
        while True:
            go_on()
            tally.attempts += 1
            try:
                return await self._once(payload, tally)
            except Transient as fault:
                failures += 1
                if failures > max_retries or not await rest(pause(failures, fault.retry_after, self.jitter)):
                    raise

    async def _once(self, payload: Json, tally: Tally) -> Answer:
        from openai import APIStatusError

        client = self._client or self._open()
        try:
            async with asyncio.timeout(self.timeout_s):  # the client's own timeouts restart with every byte
                response = await client.post("/chat/completions", cast_to=self._raw, body=payload)
        except TimeoutError:
            raise Transient(f"no answer within {self.timeout_s:g} s") from None
        except APIStatusError as error:
            raise self._failure(error.status_code, error.response) from None
        except Exception as error:  # libraries differ in what they wrap, but whatever it is, there is no answer
            raise Transient(root_cause(error, self._key)) from None
        body = decode(response.content, self._key)
        tally.usage = add_usage(tally.usage, usage_of(body))
        status = error_status(body)
        if status is not None:
            raise self._failure(status, response)
        return read(body)

    def _failure(self, status: int, response: Any) -> Exception:
        text = scrub(response.text, self._key)
        return failure(status, response.headers, text, model=self.options.model, url=self.options.base_url)

    def _open(self) -> AsyncOpenAI:
        import openai

        self._key = self.options.key
        http, self._raw = _transport(openai, self.connections)
        self._client = openai.AsyncOpenAI(
            api_key=self._key,
            base_url=self.options.base_url,
            default_query=dict(self.options.query) or None,
            timeout=openai.Timeout(self.timeout_s, connect=min(_CONNECT_S, self.timeout_s), pool=None),
            max_retries=0,
            http_client=http,
        )
        return self._client

    async def close(self) -> None:
        """Close all connections; the line may be used again after."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()


def _transport(openai: Any, connections: int) -> tuple[Any, Any]:
    """An HTTP client with room for all `connections`, and its response class. On aiohttp where the installed client
    offers it: a third of the processor time of the default, whose pool walks all connections for each request."""
    for name in ("DefaultAioHttpClient", "DefaultAsyncHttpxClient"):
        kind = getattr(openai, name, None)
        if kind is None:
            continue
        base = next(parent for parent in kind.__mro__ if parent.__name__ == "AsyncClient")
        library = import_module(base.__module__.partition(".")[0])  # httpx, or its successor in newer clients
        limits = library.Limits(
            max_connections=connections, max_keepalive_connections=connections, keepalive_expiry=_IDLE_S
        )
        try:
            return kind(limits=limits), library.Response
        except RuntimeError:  # offered, but its parts are not installed
            continue
    raise UsageError("the installed openai package has no asynchronous HTTP client: install openai>=1.60")
