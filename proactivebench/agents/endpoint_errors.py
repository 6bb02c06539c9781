"""What a server's failures mean: ask again, this request is refused, or nothing can succeed. And in whose words."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from proactivebench.errors import UsageError

LONGEST_WAIT_S = 60.0  # a server may ask for more; it is asked again after this long all the same
_FIRST_WAIT_S = 0.5
_LONG = 12  # characters of a key that no message holds by chance
_SAID = 300  # characters of a server's message worth keeping
_KEYS = re.compile(r"\b(?:sk|pk|key)-[\w*.-]{8,}|\bBearer\s+\S+|\bhf_\w{16,}", re.IGNORECASE)


class Transient(Exception):
    """No answer this time: transport, timeout, 408, 409, 429, 5xx, a body that is no completion."""

    def __init__(self, cause: str, *, status: int | None = None, retry_after: float | None = None) -> None:
        super().__init__(cause)
        self.status = status
        self.retry_after = retry_after


class Rejected(Exception):
    """The server says no to this very request. `places` are the parameters its error points at, if it does."""

    def __init__(self, status: int, message: str, places: tuple[str, ...] = ()) -> None:
        super().__init__(f"{status}: {message}")
        self.status = status
        self.message = message
        self.places = places

    def named(self, parameters: Iterable[str]) -> str | None:
        """The one of `parameters` that the error is about: the one it points at, else the first its text mentions."""
        known = tuple(parameters)
        for place in self.places:
            if place in known:
                return place
        found = {name: re.search(rf"(?<![\w]){re.escape(name)}(?![\w])", self.message) for name in known}
        mentioned = {name: match.start() for name, match in found.items() if match}
        return min(mentioned, key=lambda name: mentioned[name]) if mentioned else None


def failure(status: int, headers: Mapping[str, str], text: str, *, model: str, url: str) -> Exception:
    """What an HTTP status with its body means, as the exception to raise."""
    message, places = said(text)
    if status in (401, 403):
        return UsageError(
            f"{url} does not let us in ({status}: {message}): "
            "set PROACTIVEBENCH_API_KEY or OPENAI_API_KEY to a key that may use this model"
        )
    if status == 402:  # about the account, not about the request: every other one would be refused for good as well
        return UsageError(f"{url} wants payment ({status}: {message}): top up the account, then run the same command")
    if status == 404:
        return UsageError(
            f"{url} knows no model '{model}' or no chat API at this address ({status}: {message}): "
            "check model=… and base_url=… (it usually ends in /v1)"
        )
    if status in (408, 409, 429) or not 400 <= status < 500:
        return Transient(f"{status}: {message}", status=status, retry_after=retry_after(headers))
    return Rejected(status, message, places)


def said(text: str) -> tuple[str, tuple[str, ...]]:
    """The server's own words in one line, and the parameters it points at, from the body of an error."""
    try:
        body = json.loads(text)
    except ValueError:
        return one_line(_page_title(text)), ()
    error = body.get("error", body) if isinstance(body, dict) else body
    if not isinstance(error, dict):
        return one_line(str(error)), ()
    detail = error.get("message") or error.get("detail") or error.get("msg") or text
    places = [error.get("param")] if isinstance(error.get("param"), str) else []
    # validation errors of FastAPI servers list where each fault lies: {"loc": ["body", "seed"], "msg": …}
    listed = detail.get("detail") if isinstance(detail, dict) else detail
    if isinstance(listed, list):
        faults = [fault for fault in listed if isinstance(fault, dict)]
        places += [str(place) for fault in faults for place in fault.get("loc", ())]
        detail = "; ".join(f"{'.'.join(map(str, fault.get('loc', ())))}: {fault.get('msg')}" for fault in faults)
    heads = tuple(re.split(r"[.\[]", str(place))[0] for place in places)
    return one_line(str(detail)), heads


def _page_title(text: str) -> str:
    if not looks_like_html(text):
        return text or "no message"
    title = re.search(r"<title[^>]*>(.*?)</title>", text, re.IGNORECASE | re.DOTALL)
    return f"an HTML page, '{title[1].strip()}'" if title else "an HTML page"


def looks_like_html(text: str) -> bool:
    """Whether a body is a web page rather than what an API says."""
    return text.lstrip()[:15].lower().startswith(("<!doctype", "<html", "<head", "<body"))


def one_line(text: str) -> str:
    """Foreign text on one line, cut to a length worth keeping, without control characters."""
    flat = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return flat if len(flat) <= _SAID else flat[: _SAID - 1] + "…"


def scrub(text: str, key: str) -> str:
    """`text` without the key, should a server have echoed it, and without whatever else looks like one. To be done
    before a text is cut: half a key is no longer recognised."""
    if len(key) >= _LONG:
        text = text.replace(key, "[key]")
    elif key:  # a filler such as "x" or "token": inside other words it is not the key, and those are read
        text = re.sub(rf"(?<!\w){re.escape(key)}(?!\w)", "[key]", text)
    return _KEYS.sub("[key]", text)


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
    """Seconds to wait after so many failures: what the server asked, else doubling from half a second; both capped.
    Never earlier than asked, up to a tenth later, so that a crowd turned away together does not return together."""
    if asked:
        return min(asked, LONGEST_WAIT_S) * jitter.uniform(1, 1.1)
    return min(_FIRST_WAIT_S * 2.0 ** min(failures - 1, 10), LONGEST_WAIT_S) * jitter.uniform(0.5, 1)


def root_cause(error: BaseException, key: str) -> str:
    """The deepest cause of a transport error in one line: clients wrap it twice and keep the least of it."""
    while error.__cause__ is not None:
        error = error.__cause__
    return one_line(scrub(f"{type(error).__name__}: {error}" if str(error) else type(error).__name__, key))
