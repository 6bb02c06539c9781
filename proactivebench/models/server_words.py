"""What a server says, on one line and without the key."""

from __future__ import annotations

import json
import re
from functools import lru_cache
from typing import Any

_LONG = 12  # characters of a key that no text holds by chance
_SAID = 300  # characters of a server's message worth keeping
_READ = 65_536  # characters of a body in which its message is looked for
_KEYS = re.compile(r"\b(?:sk|pk|key)-[\w*.-]{8,}|\bBearer\s+\S+|\bhf_\w{16,}", re.IGNORECASE)

# --- its words --------------------------------------------------------------------------------------------------------


def said(text: str, longest: int = _SAID) -> tuple[str, tuple[str, ...]]:
    """The server's own words in one line, and the parameters it points at, from the body of an error."""
    text = text[:_READ]
    try:
        body = json.loads(text)
    except (ValueError, RecursionError):
        return one_line(_page_title(text), longest), ()
    error = body.get("error") or body if isinstance(body, dict) else body
    if not isinstance(error, dict):
        return one_line(str(error), longest), ()
    detail = error.get("message") or error.get("detail") or error.get("msg") or error.get("error") or text
    places = [error.get("param")] if isinstance(error.get("param"), str) else []
    # validation errors of FastAPI servers list where each fault lies: {"loc": ["body", "seed"], "msg": …}
    listed = detail.get("detail") if isinstance(detail, dict) else detail
    if isinstance(listed, list):
        faults = [fault for fault in listed if isinstance(fault, dict)]
        found = [(_places(fault.get("loc")), fault.get("msg")) for fault in faults]
        places += [place for where, _ in found for place in where]
        detail = "; ".join(f"{'.'.join(where)}: {what}" for where, what in found) or text
    heads = tuple(re.split(r"[.\[]", str(place))[0] for place in places)
    return one_line(str(detail), longest), heads


def codes(text: str) -> str:
    """The codes and types an error's body gives, in one string: words meant for programs, not for people."""
    try:
        body = json.loads(text[:_READ])
    except (ValueError, RecursionError):
        return ""
    error = body.get("error") or body if isinstance(body, dict) else None
    within = [one for one in (body, error) if isinstance(one, dict)]
    return " ".join(one_line(str(one[name])) for one in within for name in ("code", "type", "status") if one.get(name))


def _places(where: Any) -> list[str]:
    return [str(place) for place in where] if isinstance(where, list | tuple) else []


def _page_title(text: str) -> str:
    if not looks_like_html(text):
        return text or "no message"
    title = re.search(r"<title[^>]{0,200}>([^<]{0,500})", text[: _SAID * 20], re.IGNORECASE)
    return f"an HTML page, '{title[1].strip()}'" if title else "an HTML page"


def looks_like_html(text: str) -> bool:
    """Whether a body is a web page rather than what an API says."""
    return text[:_READ].lstrip("\ufeff \t\r\n")[:15].lower().startswith(("<!doctype", "<html", "<head", "<body"))


def one_line(text: str, longest: int = _SAID) -> str:
    """Foreign text on one line, cut to a length worth keeping, without control characters."""
    flat = " ".join("".join(c if c.isprintable() else " " for c in text[:_READ]).split())
    return flat if len(flat) <= longest else flat[: longest - 1] + "…"


def in_a_word(error: str | None, cause: str | None = None) -> str:
    """What an error can be counted by: the status or the exception it begins with, else its cause; never foreign
    text."""
    named = re.match(r"\d{3}\b|\w{0,40}(?:Error|Exception)\b", error or "")
    return named[0] if named else cause or "no_answer"


# --- the key ----------------------------------------------------------------------------------------------------------


def scrub(text: str, key: str) -> str:
    """`text` without the key, should a server have echoed it, and without whatever else looks like one. To be done
    before a text is cut: half a key is no longer recognised."""
    if len(key) >= _LONG:
        text = _cut(text, key)
    elif key:  # a filler such as "x" or "token": inside other words it is not the key, and those are read
        text = re.sub(rf"(?<!\w){re.escape(key)}(?!\w)", "[key]", text)
    return _KEYS.sub("[key]", text)


def without_key(text: str, key: str) -> str:
    """A model's own `text` without the key. A filler in its place, such as EMPTY or a plain word, is nothing to hide,
    and neither is what merely looks like a key: an answer may well be about one."""
    secret = len(key) >= _LONG or (len(key) >= 8 and re.search(r"\d", key) and re.search(r"[^\W\d]", key))
    return _cut(text, key) if secret else text


def _cut(text: str, key: str) -> str:
    """`text` without `key`, also where JSON escapes are in it: they are gone once the text is read."""
    text = text.replace(key, "[key]")
    return _spelled(key).sub("[key]", text) if "\\" in text else text


@lru_cache
def _spelled(key: str) -> re.Pattern[str]:
    ways = (rf"(?:{re.escape(c)}|\\{re.escape(c)}|\\u(?i:{ord(c):04x}))" for c in key)
    return re.compile("".join(ways))
