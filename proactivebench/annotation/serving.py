"""The local server of an annotation job: each link opens one person's page, and every answer is on disk before it is
answered to."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Annotated, Any

from aiohttp import web
from pydantic import Field, TypeAdapter, ValidationError

from proactivebench.annotation.annotators import withdraw, withdrawn
from proactivebench.annotation.job import JobFolder
from proactivebench.annotation.page import render
from proactivebench.annotation.showing import Click, Material, NotYet
from proactivebench.annotation.voting import OpenVotes, Voter
from proactivebench.errors import BadArgument, CannotWrite, DataError, ProactiveBenchError, UsageError
from proactivebench.records import Annotator, Consent
from proactivebench.records.base import Record
from proactivebench.store import write_whole
from proactivebench.web.guard import page, read_body, token_sha256
from proactivebench.web.serving import application

FIRST_PORT = 8765
MOST_OPEN = 50  # votes files that are held at a time
_PORT_FILE = ".serving.port"
_PORT = TypeAdapter(Annotated[int, Field(ge=1, le=65_535)])
_STATUSES: dict[type[ProactiveBenchError], int] = {
    NotYet: 409,
    CannotWrite: 507,
    DataError: 507,  # a votes file that was edited while it is being written: nothing is added to it
    UsageError: 507,  # one that another process holds
}
_WITHDRAWN = "this link has ended: whoever had it withdrew, and what they said is deleted"


class Agreed(Record):
    """What the page sends on consent: the sha256 of the instructions that were shown."""

    instructions: str


class Nothing(Record):
    """The body of a request that says all by its address."""


class AnnotationServer:
    """The pages of a job's annotators, as an app.

    Args:
        material: What is asked.
        annotators: Who has a link.
        say: Told in one line, for the terminal, of what keeps an answer from being written, and when it is over.
    """

    def __init__(self, material: Material, annotators: Iterable[Annotator], say: Callable[[str], None]) -> None:
        self._material = material
        self._voters = {one.token_sha256: Voter(material, one) for one in annotators}
        self._open: dict[Voter, None] = {}  # whose file is held, who was here last comes last
        self._ended = set(withdrawn(material.folder))
        self._say = say
        base = "/a/{token:[A-Za-z0-9_-]+}"
        self.app = application(
            [
                web.get(base, self._to_page),
                web.get(f"{base}/", self._page),
                web.get(f"{base}/state", self._state),
                web.get(base + "/showing/{index}", self._showing),
                web.post(f"{base}/vote", self._vote),
                web.post(f"{base}/consent", self._consent),
                web.post(f"{base}/withdraw", self._withdraw),
            ],
            statuses=_STATUSES,
            say=say,
        )
        self.app.on_cleanup.append(self._close)

    # --- routes -------------------------------------------------------------------------------------------------------

    async def _to_page(self, request: web.Request) -> web.StreamResponse:
        self._voter(request)
        raise web.HTTPFound(request.rel_url.with_path(f"{request.path}/", keep_query=True))

    async def _page(self, request: web.Request) -> web.StreamResponse:
        self._voter(request)
        return page(*render(_language(request, self._material.languages), self._material.page_texts))

    async def _state(self, request: web.Request) -> web.StreamResponse:
        return await self._answer(self._voter(request), lambda votes: votes.progress.state())

    async def _showing(self, request: web.Request) -> web.StreamResponse:
        voter, index = self._voter(request), _index(request.match_info["index"])
        return await self._answer(voter, lambda votes: votes.progress.showing(index))

    async def _vote(self, request: web.Request) -> web.StreamResponse:
        voter, click = self._voter(request), await read_body(request, Click)

        def vote(votes: OpenVotes) -> dict[str, Any]:
            given = votes.progress.vote(click, datetime.now(UTC))
            if given is not None:
                votes.write(given)
            return {**votes.progress.showing(click.index), "position": votes.progress.position}

        return await self._answer(voter, vote, writes=True)

    async def _consent(self, request: web.Request) -> web.StreamResponse:
        voter, agreed = self._voter(request), await read_body(request, Agreed)

        def consent(votes: OpenVotes) -> dict[str, Any]:
            if agreed.instructions != self._material.instructions_sha256:
                raise NotYet("the instructions are others now: load the page again and read them")
            if not votes.progress.consented:
                name, at = voter.annotator.pseudonym, datetime.now(UTC)
                votes.write(Consent(annotator=name, instructions=agreed.instructions, at=at))
            return votes.progress.state()

        return await self._answer(voter, consent, writes=True)

    async def _withdraw(self, request: web.Request) -> web.StreamResponse:
        voter, _ = self._voter(request), await read_body(request, Nothing)

        def leave(_votes: OpenVotes) -> dict[str, Any]:
            voter.close()
            withdraw(self._material.folder, voter.annotator.pseudonym)
            self._ended.add(voter.annotator.token_sha256)
            return {"withdrawn": True}

        return await self._answer(voter, leave, writes=True)

    # --- by itself ----------------------------------------------------------------------------------------------------

    def _voter(self, request: web.Request) -> Voter:
        token = token_sha256(request.match_info["token"])
        if token in self._ended:
            raise web.HTTPGone(text=_WITHDRAWN)
        if token not in self._voters:
            raise web.HTTPNotFound(text="nobody has this link: open it as it was given, or ask for a new one")
        return self._voters[token]

    async def _answer(
        self, voter: Voter, work: Callable[[OpenVotes], dict[str, Any]], *, writes: bool = False
    ) -> web.Response:
        """What `work` gives with one person's votes: one request of theirs after the other, beside other people's."""
        async with voter.turn:
            if voter.annotator.token_sha256 in self._ended:
                raise web.HTTPGone(text=_WITHDRAWN)
            self._open.pop(voter, None)
            self._open[voter] = None
            try:
                found = await asyncio.to_thread(voter.do, work)
            except (NotYet, BadArgument):
                raise
            except ProactiveBenchError as error:
                self._tell(voter, str(error))
                raise
            if writes:
                self._tell(voter, None)
        await self._close_idle()
        return web.json_response(found)

    def _tell(self, voter: Voter, trouble: str | None) -> None:
        """Say what goes wrong once, not at every try, and that it is over."""
        if trouble != voter.trouble:
            voter.trouble = trouble
            self._say(f"{voter.annotator.pseudonym}: {trouble or 'answers are written again'}")

    async def _close_idle(self) -> None:
        """Let go of the files of those who were here longest ago: as many as hundreds need no memory or open files."""
        while len(self._open) > MOST_OPEN:
            idle = next(iter(self._open))
            del self._open[idle]
            async with idle.turn:
                idle.close()

    async def _close(self, _app: web.Application) -> None:
        for voter in self._voters.values():
            async with voter.turn:
                voter.close()


def _index(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise BadArgument(f"{text[:20]!r} is no item's number")
    return int(text)


def _language(request: web.Request, languages: tuple[str, ...]) -> str:
    """The page's language: what the address asks for, or what the browser likes best, of those there are."""
    known = {one.lower(): one for one in languages}
    asked = [request.query.get("lang", ""), *_accepted(request.headers.get("Accept-Language", ""))]
    words = (one for word in asked for one in (word.lower(), word.lower().partition("-")[0]))
    return next((known[word] for word in words if word in known), languages[0])


def _accepted(header: str) -> list[str]:
    """The languages of an Accept-Language header, the best liked first; words of it that are none come last."""
    weighed = []
    for part in header.split(",")[:20]:
        word, _, weight = part.partition(";q=")
        try:
            weighed.append((-float(weight or 1), word.strip()))
        except ValueError:
            weighed.append((0.0, word.strip()))
    return [word for _, word in sorted(weighed, key=lambda one: one[0])]


def last_port(folder: JobFolder) -> tuple[int, bool]:
    """The port that the links given so far have, and whether there are any; else the one to begin with."""
    try:
        return _PORT.validate_json((folder.path / _PORT_FILE).read_bytes()), True
    except (OSError, ValidationError):
        return FIRST_PORT, False


def keep_port(folder: JobFolder, port: int) -> None:
    """Note the port that links have from now on. Raises `CannotWrite`."""
    write_whole(folder.path / _PORT_FILE, f"{port}\n")
