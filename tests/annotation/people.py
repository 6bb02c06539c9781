"""People at a job's pages, as their browsers talk to the server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import aiohttp

from proactivebench.annotation.annotators import admit
from proactivebench.annotation.job import JobFolder
from proactivebench.annotation.serving import AnnotationServer
from proactivebench.annotation.showing import Material
from proactivebench.records import Vote, VoteKey
from proactivebench.web.serving import bind, listening


class Said(NamedTuple):
    """What the server answered."""

    status: int
    json: Any


class Person:
    """One browser window: a link, and what can be done with it."""

    def __init__(self, session: aiohttp.ClientSession, link: str) -> None:
        self._session, self.link = session, link

    async def get(self, path: str) -> Said:
        """What stands there."""
        async with self._session.get(self.link + path) as answer:
            return Said(answer.status, await answer.json())

    async def post(self, path: str, body: Any) -> Said:
        """What is said to that."""
        async with self._session.post(self.link + path, json=body) as answer:
            return Said(answer.status, await answer.json())

    async def consent(self) -> None:
        """Agree to the instructions as they stand."""
        state = (await self.get("state")).json
        assert (await self.post("consent", {"instructions": state["instructions_sha256"]})).json["consented"]

    async def click(self, index: int, answer: str | None, offer: str | None = None, **more: Any) -> Said:
        """One answer."""
        return await self.post("vote", {"index": index, "offer_id": offer, "answer": answer, **more})

    async def answer_all(self, choose: Callable[[str], str], *, most: int | None = None) -> int:
        """Go on from where they are: yes to every need, and `choose` for each offer's text; returns the position."""
        position: int = (await self.get("state")).json["position"]
        total: int = (await self.get("state")).json["total"]
        last = total if most is None else min(total, position + most)
        while position < last:
            said = await self.click(position, "yes", seconds=1.5)
            for offer in said.json["offers"]:
                said = await self.click(position, choose(offer["text"]), offer["offer_id"])
                assert said.status == 200
            position = said.json["position"]
        return position


class Serving:
    """A job that is served in this process."""

    def __init__(self, folder: JobFolder, tokens: dict[str, str], port: int, session: aiohttp.ClientSession) -> None:
        self.folder, self.tokens, self.port, self._session = folder, tokens, port, session
        self.said: list[str] = []

    def person(self, name: str) -> Person:
        """A window of one of those whose link was made here."""
        return Person(self._session, f"http://127.0.0.1:{self.port}/a/{self.tokens[name]}/")


@asynccontextmanager
async def served(path: Path, names: Iterable[str] = ("ann", "bob")) -> AsyncIterator[Serving]:
    """Serve a job, with a link for each of `names`."""
    folder = JobFolder(path)
    there = admit(folder, names)
    async with aiohttp.ClientSession() as session:
        serving = Serving(folder, there.tokens, 0, session)
        app = AnnotationServer(Material(folder), there.annotators.values(), serving.said.append).app
        async with listening(app, bind(0)) as serving.port:
            yield serving


def run(work: Callable[[], Awaitable[None]]) -> None:
    """Run a test's coroutine."""

    async def awaited() -> None:
        await asyncio.wait_for(work(), timeout=60)

    asyncio.run(awaited())


def votes(folder: JobFolder) -> dict[VoteKey, Vote]:
    """All votes as they stand on disk."""
    return JobFolder(folder.path).votes(practice=True)
