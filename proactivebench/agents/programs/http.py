"""An agent that is a server: one POST a moment, a JSON object back. What fails is what it is for endpoints."""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from time import perf_counter
from typing import Any
from urllib.parse import urlsplit

from proactivebench.agents.base import Call, Turn
from proactivebench.agents.contract import Moment
from proactivebench.agents.programs.actions import answer_of_message
from proactivebench.agents.programs.messages import moment_message
from proactivebench.agents.programs.program import Program
from proactivebench.errors import AuthenticationFailed, BadArgument, UnknownName, Unreachable
from proactivebench.models.base import Answer
from proactivebench.models.endpoint.errors import Rejected, Server, Transient, failed, persistently
from proactivebench.models.endpoint.http_client import HttpClient
from proactivebench.models.endpoint.line import Connection, Tally
from proactivebench.models.endpoint.options import key_header, key_variable
from proactivebench.models.secrets import refuse_secrets
from proactivebench.records import AgentIdentity

_KNOWN = ("url", "name", "key_env", "key_header")
_CONNECT_S = 10.0


class HttpAgent(Program):
    """`HttpAgent(call)`: posts each moment to the `url` in `call.args`, at most `concurrency` at once. A key goes along
    only where `key_env` names the variable that holds it. A request that fails is sent again, as endpoints' are.

    Raises `UsageError` for arguments that cannot be.
    """

    def __init__(self, call: Call) -> None:
        protocol, _ = call.setting
        super().__init__(protocol, concurrency=call.concurrency, timeout_s=call.timeout_s)
        args = _args(call.args)
        self._url, self._retries = args["url"], call.max_retries
        self._key_env, self._header = key_variable(args), key_header(args)
        self._jitter = random.Random()
        self._connections = call.concurrency
        self._connection: Connection | None = None
        self.identity = AgentIdentity(
            model=call.word, model_args={"url": self._url}, name=args.get("name", "").strip()[:80] or "http agent"
        )

    @classmethod
    def of(cls, call: Call) -> HttpAgent:
        """The server that a call names."""
        return cls(call)

    async def start(self) -> dict[str, Any]:
        """Knock at the server's door. Raises `UsageError` where nobody is there, or a key is missing."""
        connection = self._open()
        if connection.client.proxy is None:
            address = urlsplit(self._url)
            port = address.port or (443 if address.scheme == "https" else 80)
            try:
                async with asyncio.timeout(min(_CONNECT_S, self.timeout_s)):
                    _, writer = await asyncio.open_connection(address.hostname, port)
            except OSError as error:
                why = error.strerror or type(error).__name__
                raise Unreachable(f"nobody answers at {self._url} ({why}): start the agent, or check url=…") from error
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()
        return {}

    async def ask(self, request: Turn, moment: Moment) -> Answer:  # noqa: ARG002 - the moment says it all
        """What the server answers."""
        name = f"{moment.trace_id}/{moment.repeat}/{moment.turn}/{moment.round}"
        message, came, tally = moment_message(moment, name), perf_counter(), Tally()
        connection = self._open()
        async with self.slots:
            started = perf_counter()
            try:
                body, _ = await persistently(lambda: connection.post(message, tally), self._retries, self._jitter)
                connection.server.answered()
            except (Rejected, Transient) as fault:
                answer = failed(fault)
            else:
                answer = answer_of_message(body, self.protocol)
            latency_s = perf_counter() - started
        return replace(answer, attempts=max(1, tally.attempts), latency_s=latency_s, queue_s=started - came)

    async def close(self) -> None:
        """Close all connections."""
        if self._connection is not None:
            await self._connection.client.close()

    def _open(self) -> Connection:
        if self._connection is None:
            key = self._key()
            header = {self._header or "Authorization": key if self._header else f"Bearer {key}"} if key else {}
            client = HttpClient(self._url, header, connections=self._connections, timeout_s=self.timeout_s)
            server = Server(self._url, "", self._key_env or "key_env=…", key, argument="url")
            self._connection = Connection(client, server, key, self.timeout_s)
        return self._connection

    def _key(self) -> str:
        if self._key_env is None:
            return ""
        key = os.environ.get(self._key_env, "").strip()
        if not key or not (key.isascii() and key.isprintable()):
            raise AuthenticationFailed(
                f"no usable key for {self._url}: set {self._key_env} in the environment, without quotes"
            )
        return key


def _args(given: Mapping[str, str]) -> dict[str, str]:
    refuse_secrets(given)
    args = {name: str(value).strip() for name, value in given.items()}
    unknown = sorted(set(args) - set(_KNOWN))
    if unknown:
        raise UnknownName(
            f"--model http does not know {', '.join(unknown)} in --model_args: it takes {', '.join(_KNOWN)}"
        )
    try:
        address = urlsplit(args.get("url", ""))
        usable = address.scheme in ("http", "https") and address.hostname and address.port != 0
    except ValueError:
        usable = None
    if not usable:
        raise BadArgument("--model http needs an address: --model_args url=http://127.0.0.1:8000/act")
    if address.username or address.password:
        raise BadArgument("url carries credentials, and it is written to disk: name a variable with key_env=… instead")
    if args.get("key_header") and not args.get("key_env"):
        raise BadArgument("key_header names a header for a key, and no key is named: give key_env=… too")
    return args
