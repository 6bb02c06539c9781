"""What the endpoint tests share: one request, and an agent that talks to a scripted server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from proactivebench.models.base import Answer, Message, Request
from proactivebench.models.endpoint.model import EndpointModel
from proactivebench.records import Decoding
from tests.servers.chat import ChatServer

T = TypeVar("T")
SCHEMA = {"type": "object", "properties": {"task": {"type": "string"}}, "required": ["task"]}


def request(*texts: str, **changes: Any) -> Request:
    """A system prompt, then the texts as user and assistant in turn."""
    roles = ("user", "assistant")
    spoken = tuple(Message(roles[i % 2], text) for i, text in enumerate(texts or ("opens a file",)))
    return Request((Message("system", "be brief"), *spoken), changes.pop("decoding", Decoding()), **changes)


@asynccontextmanager
async def agent_at(server: ChatServer | str, word: str = "endpoint", **changes: Any) -> AsyncIterator[EndpointModel]:
    """An agent for `server`; `changes` are constructor arguments, `args` more model arguments."""
    url = server if isinstance(server, str) else server.base_url
    args = {"base_url": url, "model": "m", **changes.pop("args", {})}
    agent = EndpointModel(word, args, **{"timeout_s": 5.0, "max_retries": 0, **changes})
    try:
        yield agent
    finally:
        await agent.close()


def with_agent(server: ChatServer | str, use: Callable[[EndpointModel], Awaitable[T]], **changes: Any) -> T:
    """What `use` makes of an agent for `server`."""

    async def run() -> T:
        async with agent_at(server, **changes) as agent:
            return await use(agent)

    return asyncio.run(run())


def ask(server: ChatServer | str, asked: Request | None = None, **changes: Any) -> Answer:
    """The answer to one request."""
    return with_agent(server, lambda agent: agent.complete(asked or request()), **changes)
