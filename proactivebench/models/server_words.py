"""What a server says, on one line and without the key, and what it means by that, in whatever wording."""

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


# --- its meaning ------------------------------------------------------------------------------------------------------


def _any(*wordings: str) -> re.Pattern[str]:
    return re.compile("|".join(wordings), re.IGNORECASE)


_TOO_LARGE = _any(
    # codes
    r"context_length_exceeded|context_window_exceeded|exceed_context_size|contextwindowexceeded|request_too_large",
    r"tokens_limit_reached|string_above_max_length|max_prompt_tokens_exceeded|prompt_too_long",
    # words that need no others
    r"(?:prompt|inputs?|messages|conversation|request body|request entity|payload|context)(?: is| are|:)* "
    r"too (?:long|large|big)\b",
    r"(?:prompt|input|messages|conversation)s? (?:exceeds?|is longer than|is larger than|over)\b",
    r"request (?:entity |body )?too large|too many (?:input |prompt )?tokens|range of (?:input length|max_tokens)",
    r"exceed(?:s|ed)? max(?:imum)? length|session_len|tokens must be reduced|limit exceeded by \d+ tokens",
    r"reduce (?:your|the) (?:message size|messages?|(?:input|context|prompt)? ?length|prompt|input)\b",
    r"too big compared to kv|physical batch size|tokens must be at least 1, got (?:-\d|0)",
    r"\b(?:messages|content)\b.{0,80}(?:string too long|at most \d+ characters)|string too long.{0,60}maximum length",
    r"超长|过长|超(?:过|出)[^。]{0,12}(?:长度|上下文|最大)",
    r"\b(?:does not|doesn't|do not|don't|will not|won't|cannot|can't|no longer) fits? (?:in|into|within|inside)\b",
    r"(?:not enough|no|insufficient|out of) (?:\w+ )?(?:space|room|slots?|capacity)\b"
    r"(?: is| are)?(?: left| remaining)? (?:in|within) .{0,20}\b(?:context|kv|window)",
    # lengths of a context in other languages, where only a refusal speaks of them
    r"longueur (?:de |du )?contexte|longitud (?:del? )?contexto|(?:comprimento|tamanho) d[eo] contexto"
    r"|kontext(?:länge|fenster|größe)|lunghezza (?:del |di )?contesto|コンテキスト(?:長|ウィンドウ)|длин\w+ контекст",
)
_MORE = (
    r"exceed|too (?:long|large|big|many)|(?:longer|larger|bigger) than|(?<!be )greater than|beyond|overflow|reduce"
    r"|at most|\bover\b|(?<!be )\babove\b|(?<!be )\bmore than\b|allowance|built for|capped"
)
_TURN = r"prompts?|inputs?|messages?|requests?|conversation|sequence|text|chat|dialogue"
_SIZES = (  # what has a size, and that something is more than it
    (
        _any(
            r"context[ _-]?(?:length|window|size|limit)|maximum (?:prompt|input|model|sequence) length|n_ctx",
            r"max\w*[ _-](?:model|sequence|seq|position|input|prompt|session)\w*[ _-]?len\w*",
        ),
        _any(_MORE, r"maximum|only|smaller|increase"),
    ),
    (
        _any(
            rf"\b(?:{_TURN})\b.{{0,60}}\btokens?\b|\btokens?\b.{{0,60}}\b(?:{_TURN})\b",
            r"\binput length\b|\btoken (?:count|limit)\b",
        ),
        _any(_MORE, r"less than|fewer than|<=|maximum (?:number|allowed)"),
    ),
    (
        _any(
            r"max[_ ]?(?:new|completion|output|gen|generation)?[_ ]?tok\w*|maximum tokens|output tokens",
            r"completion tokens|tokens to generate",
        ),
        _any(_MORE, r"less than|fewer than|<=|\d > \d|(?:valid|supported) range|maximum (?:allowed|value)"),
    ),
)
_SPEED = _any(
    r"rate[ _-]?limit|per[ _-](?:second|minute|min|hour|day)\b|\b[TR]P[MDS]\b|too many requests",
    r"time[ _-]?out|timed out",
)
_CONTENT = _any(
    r"moderat|flagged|guardrail|data_?inspection|prohibited_content|responsible[ _]ai|safety (?!net)",
    r"(?:inappropriate|harmful|unsafe|sensitive|prohibited|offensive|toxic|disallowed) (?:\w+ )?"
    r"(?:content|input|prompt|text|words?)",
    r"content[ _-]?(?:polic|filter|manage|violat|restrict|block|safety|risk|guideline|rule)|敏感|违规|审核",
)
_ABOUT_CONTENT = _any(r"\bcontents?\b(?![ _-]?(?:type|length|encoding|negotiation|range))")
_ABOUT_ACCESS = _any(
    r"permission|access|authori[sz]|credential|\bkeys?\b|subscri|region|countr|territor|\bplan\b|billing|\brole\b"
)
_SPENT = _any(
    r"insufficient[ _](?:user[ _])?(?:quota|balance|credits?|funds)|exceeded_current_quota|arrearage",
    r"billing[ _](?:hard[ _]limit|not[ _]active)|billing_hard_limit_reached|credit balance is too low",
    r"balance (?:is )?(?:not enough|insufficient|too low)|(?:out of|no more|not enough) credits",
    r"credits? (?:are |is |have been |has been )?exhausted|free ?tier\w* (?:of the model )?has been exhausted",
    r"余额不足|欠费",
)
_CURRENT_QUOTA = _any(r"exceeded your (?:current |monthly )?quota")
_COMES_BACK = _any(r"retry in|try again in|retry_?delay|RESOURCE_EXHAUSTED|free_tier_requests")


def too_large(message: str, code: str = "") -> bool:
    """Whether an error says that the request, or prompt and answer together, is more than the server can hold."""
    if _TOO_LARGE.search(code) or _TOO_LARGE.search(message):
        return True
    return not _SPEED.search(message) and any(what.search(message) and more.search(message) for what, more in _SIZES)


def about_content(message: str, code: str = "") -> bool:
    """Whether an error is about what this very request says, rather than about who sends it."""
    if _CONTENT.search(code) or _CONTENT.search(message):
        return True
    return bool(_ABOUT_CONTENT.search(message)) and not _ABOUT_ACCESS.search(message)


def out_of_money(message: str, code: str = "") -> bool:
    """Whether an error says that the account has nothing left, so that waiting does not help."""
    if _SPENT.search(code) or _SPENT.search(message):
        return True
    both = f"{code} {message}"  # some vendors say the same of a limit per minute
    return bool(_CURRENT_QUOTA.search(message)) and not (_COMES_BACK.search(both) or _SPEED.search(both))
