"""One policy for every route that talks HTTP: what a status means, what is asked again and when, and what ends the run.

Transient          no answer this time; asked again, and an `error` where that does not help
└── TooLarge       the request is more than the server can hold; asking again does not help
Rejected           the server says no to this very request, for good
"""

from __future__ import annotations

import os
import random
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import TypeVar
from urllib.parse import urlsplit

from proactivebench.errors import (
    AuthenticationFailed,
    NotFound,
    OutOfFiles,
    PaymentRequired,
    ProactiveBenchError,
)
from proactivebench.models.base import Answer, Failure
from proactivebench.models.server_meaning import about_content, out_of_money, too_large
from proactivebench.models.server_words import codes, looks_like_html, one_line, said, scrub
from proactivebench.records import Cause
from proactivebench.stopping import go_on, rest

T = TypeVar("T")

LONGEST_WAIT_S = 60.0  # a server may ask for more; it is asked again after this long all the same
SHUT_DOORS = 5  # so many in a row, and a server that had let us in has shut us out
_FIRST_WAIT_S = 0.5
_LONGEST_OWN_WAIT_S = 8.0  # patience is a matter of how often: a server that is up again is not left waiting
_WAY_OUT = (
    "set max_length in --model_args, so that the oldest turns are left out, or lower max_gen_toks in --gen_kwargs"
)


class Meaning(StrEnum):
    """What a status says about a request."""

    AGAIN = "asked again"
    REFUSED = "refused"
    TOO_LARGE = "too large"
    DOOR = "not let in"
    ACCOUNT = "nothing left on the account"


@dataclass(frozen=True, slots=True)
class Rule:
    """What a group of statuses means where the words beside them do not say more."""

    statuses: tuple[int | range, ...]
    meaning: Meaning

    def holds(self, status: int) -> bool:
        """Whether the rule is about this status."""
        return any(status == one if isinstance(one, int) else status in one for one in self.statuses)


TABLE = (
    Rule((400, 422, 451), Meaning.REFUSED),
    Rule((413,), Meaning.TOO_LARGE),
    Rule((401, 403, 404, range(300, 400), 405, 406, 407, 410, 411, 415, 426), Meaning.DOOR),
    Rule((402,), Meaning.ACCOUNT),
    Rule((range(100, 1000),), Meaning.AGAIN),  # 408, 409, 425, 429, every 5xx, and what nobody has heard of
)


class Transient(Exception):
    """No answer this time: transport, timeout, 408, 409, 429, 5xx, a body that is no completion. `kind` is the cause
    a reply keeps, `finish` the server's word for how the answer ended, where it gave one."""

    def __init__(
        self,
        cause: str,
        *,
        status: int | None = None,
        retry_after: float | None = None,
        kind: Cause | None = None,
        finish: str | None = None,
    ) -> None:
        super().__init__(cause)
        self.status = status
        self.retry_after = retry_after
        self.kind = kind
        self.finish = finish


class Unusable(Transient):
    """The server took the request and says so (200), but what it gave is no answer."""


class TooLarge(Transient):
    """The request, or prompt and answer together, is more than the server can hold. It is not asked again."""

    def __init__(self, said: str, *, status: int | None = None) -> None:
        super().__init__(
            f"the request is too large for the server ({said}): {_WAY_OUT}", status=status, kind=Cause.TOO_LARGE
        )


class Rejected(Exception):
    """The server says no to this very request. `places` are the parameters its error points at, if it does; `inside`
    is set where it stood inside a 200 and not in the status: such a refusal is not final."""

    def __init__(self, status: int, message: str, places: tuple[str, ...] = (), *, inside: bool = False) -> None:
        super().__init__(f"{status}: {message}")
        self.status = status
        self.message = message
        self.places = places
        self.inside = inside

    def named(self, parameters: Iterable[str]) -> str | None:
        """The one of `parameters` that the error is about: the one it points at, else the first its text mentions."""
        known = tuple(parameters)
        for place in self.places:
            if place in known:
                return place
        found = {name: re.search(rf"(?<![\w]){re.escape(name)}(?![\w])", self.message) for name in known}
        mentioned = {name: match.start() for name, match in found.items() if match}
        return min(mentioned, key=lambda name: mentioned[name]) if mentioned else None


def failed(fault: Transient | Rejected) -> Answer:
    """The answer that a failed call amounts to."""
    if isinstance(fault, Transient):
        return Answer(None, failure=Failure.ERROR, error=str(fault), cause=fault.kind, finish_reason=fault.finish)
    if fault.inside:
        return Answer(None, failure=Failure.ERROR, error=str(fault), cause=Cause.FAILED_INSIDE)
    return Answer(None, failure=Failure.REFUSED, error=str(fault))


@dataclass(slots=True)
class Server:
    """What the responses of one server mean, in the light of those before: one that has answered and then says 401,
    403 or 404 may have a bad moment, one that never answered has not let us in.

    `url` and `model` are those of messages (no model: the server is an agent itself); `keys` names the variables a
    `key` is read from, `argument` the one the address was given in.
    """

    url: str
    model: str
    keys: str = "OPENAI_API_KEY"
    key: str = ""
    let_in: bool = False
    shut: int = 0
    argument: str = "base_url"

    def answered(self) -> None:
        """Note an answer."""
        self.let_in, self.shut = True, 0

    def failure(self, status: int, headers: Mapping[str, str], text: str, *, inside: bool = False) -> Exception:
        """What a status with its body means, as the exception to raise. `text` is free of keys; `inside` is set for
        an error that stood inside a 200."""
        long, places = said(text, 4_000)
        message, code = one_line(long), codes(text)
        passing = Transient(
            f"{status}: {message}",
            status=status,
            retry_after=retry_after(headers),
            kind=Cause.FAILED_INSIDE if inside else None,
        )
        match meaning(status, long, code, page=looks_like_html(text), head=message):
            case Meaning.ACCOUNT:
                return PaymentRequired(
                    f"{self.url} wants payment ({status}: {message}): top up the account, then run the same command"
                )
            case Meaning.TOO_LARGE:
                return TooLarge(f"{status}: {message}", status=status)
            case Meaning.REFUSED:
                return Rejected(status, message, places, inside=inside and not about_content(message, code))
            case Meaning.DOOR:
                self.shut += 1
                why = self._not_let_in(status, message, headers)
                if self.let_in and self.shut < SHUT_DOORS:
                    return Transient(why, status=status) if 300 <= status < 400 else passing
                often = f"{self.shut} times in a row, after it had answered: " if self.let_in else ""
                return (AuthenticationFailed if status in (401, 403, 407) else NotFound)(often + why)
            case _:
                return passing

    def _not_let_in(self, status: int, message: str, headers: Mapping[str, str]) -> str:
        if 300 <= status < 400:
            address = scrub(_bare(headers.get("Location") or ""), self.key) or "an address it does not name"
            return (
                f"{self.url} has moved to {address} ({status}), and redirects are not followed: "
                f"give the new address as {self.argument}=…"
            )
        if status in (401, 403):
            return (
                f"{self.url} does not let us in ({status}: {message}): set {self.keys} to a key that may use this "
                f"{'model' if self.model else 'agent'}"
            )
        if status == 407:
            return f"the proxy before {self.url} asks who we are (407): set HTTPS_PROXY=http://USER:PASSWORD@HOST:PORT"
        if not self.model:
            return f"{self.url} takes no moment ({status}: {message}): check {self.argument}=…"
        return (
            f"{self.url} knows no model '{self.model}' or no such API at this address ({status}: {message}): "
            "check model=… and base_url=… (it usually ends in /v1)"
        )


def meaning(status: int, message: str = "", code: str = "", *, page: bool = False, head: str | None = None) -> Meaning:
    """What a status means with the words beside it. `page`: they are a web page, which says nothing of the request.
    `head` is the beginning of a long message: further down, servers quote the request."""
    head = message if head is None else head
    by_table = next(rule.meaning for rule in TABLE if rule.holds(status))
    if page:
        return Meaning.AGAIN if by_table is Meaning.REFUSED else by_table
    if status >= 400 and out_of_money(head, code):
        return Meaning.ACCOUNT
    if by_table in (Meaning.REFUSED, Meaning.AGAIN) and too_large(message, code):
        return Meaning.TOO_LARGE
    if status == 403 and about_content(head, code):
        return Meaning.REFUSED
    return by_table


# --- asking again -----------------------------------------------------------------------------------------------------


async def persistently(attempt: Callable[[], Awaitable[T]], max_retries: int, jitter: random.Random) -> T:
    """What `attempt` returns, made up to 1 + `max_retries` times while it raises `Transient`, or `Rejected` for what
    stood inside a 200. Raises `Stopped` where the run is to stop and nothing was sent."""
    failures = 0
    while True:
        go_on()
        try:
            return await attempt()
        except TooLarge:
            raise
        except (Transient, Rejected) as fault:
            failures += 1
            if isinstance(fault, Rejected) and not fault.inside:
                raise
            asked = fault.retry_after if isinstance(fault, Transient) else None
            if failures > max_retries or not await rest(pause(failures, asked, jitter)):
                raise


def retry_after(headers: Mapping[str, str], now: datetime | None = None) -> float | None:
    """Seconds the server asks to wait (`retry-after-ms`; `Retry-After` in seconds or as an HTTP date), if it does."""
    milliseconds, asked = headers.get("retry-after-ms"), headers.get("retry-after")
    try:
        if milliseconds is not None:
            return max(0.0, float(milliseconds) / 1000)
        if asked is None:
            return None
        if re.fullmatch(r"\s*\d+(\.\d*)?\s*", asked):
            return float(asked)
        at = parsedate_to_datetime(asked)
        return max(0.0, ((at if at.tzinfo else at.replace(tzinfo=UTC)) - (now or datetime.now(UTC))).total_seconds())
    except (ValueError, OverflowError):
        return None


def pause(failures: int, asked: float | None, jitter: random.Random) -> float:
    """Seconds to wait after so many failures: what the server asked, else doubling from ½ up to 8; both capped.
    Never earlier than asked, up to a tenth later, so that a crowd turned away together does not return together."""
    if asked:
        return min(asked, LONGEST_WAIT_S) * jitter.uniform(1, 1.1)
    return min(_FIRST_WAIT_S * 2.0 ** min(failures - 1, 10), _LONGEST_OWN_WAIT_S) * jitter.uniform(0.5, 1)


# --- no response at all -----------------------------------------------------------------------------------------------


def no_response(error: BaseException, key: str, proxy: str | None = None) -> Exception:
    """What an error of the transport means, as the exception to raise: a passing one, told by its deepest cause and
    with the proxy it went through, or `OutOfFiles`. What already says what it means is left as it is."""
    if isinstance(error, Transient | Rejected | ProactiveBenchError):
        return error
    chain = [error]
    while (deeper := chain[-1].__cause__) is not None:
        chain.append(deeper)
    if OutOfFiles.behind(error) or _no_file_left():
        return OutOfFiles()
    words = f"{type(chain[-1]).__name__}: {chain[-1]}" if str(chain[-1]) else type(chain[-1]).__name__
    through = f" (through the proxy {_bare(proxy)} of the environment)" if proxy else ""
    return Transient(one_line(scrub(words, key)) + through)


def _no_file_left() -> bool:
    """Whether no file can be opened any more: name look-ups fail then in words that do not tell."""
    try:
        os.close(os.open(os.devnull, os.O_RDONLY))
    except OSError as error:
        return OutOfFiles.behind(error)
    return False


def _bare(address: str) -> str:
    """An address without what may be secret in it: name and password, query and fragment."""
    try:
        parts = urlsplit(one_line(address))
    except ValueError:
        return ""
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{host}{parts.path}" if host else parts.path
