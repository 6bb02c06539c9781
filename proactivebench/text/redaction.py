"""Redaction: what people's texts hold and nobody else should read, each replaced by a plain mark of its kind.

Kinds are data (`KINDS`); a user's own words are kinds too (`own_kinds`). What is redacted stays readable, redacting
again changes nothing, and no text costs more than its length: every pattern's repeats are bounded or possessive
(tested). It knows forms, not meanings: names of people, streets and firms it cannot know; give those as own words.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from proactivebench.text.redaction_checks import (
    Span,
    bearer,
    card,
    header,
    home,
    iban,
    identity,
    ipv4,
    ipv6,
    login,
    named_secret,
    password,
    phone,
    query,
    random_value,
    token,
)


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of thing that is redacted.

    Attributes:
        name: What it is called in reports; several patterns may share one.
        mark: What stands in its place, in square brackets.
        pattern: Where it may stand.
        span: Where in a match it does stand; None: the match is none after all. Without one: the whole match, or its
            group `secret`.
    """

    name: str
    mark: str
    pattern: re.Pattern[str]
    span: Callable[[re.Match[str]], Span | None] | None = None

    def found(self, match: re.Match[str]) -> Span | None:
        """Where in a match of `pattern` the thing itself stands, or None."""
        if self.span is not None:
            return self.span(match)
        return match.span("secret") if "secret" in self.pattern.groupindex else match.span()


# While a text is worked on, each mark in it stands as one noncharacter, which no pattern matches or looks past.
_HELD = "\ufdd0-\ufdef"
_MOST_MARKS = 32
_W = "A-Za-z0-9_" + _HELD  # not \w: where Chinese is written, nothing parts a number from the words around it
_NOT = rf"\s\"'<>{_HELD}"
_EQUALS = r"[\"']?\s{0,3}(?:=>|:=|[=:：])\s{0,3}"
_VALUE = rf"(?:\"(?P<double>[^\"\n{_HELD}]++)|'(?P<single>[^'\n{_HELD}]++)|(?P<bare>[^{_NOT},;&)}}\]，。；、）]++))"
_ONE_WORD = "password|passwd|passphrase|passcode|pwd|密码|口令"
_OTHER_WORD = (
    "token|secret|api[_ -]?key|apikey|access[_-]?key(?:[_-]?id)?|secret[_-]?key|private[_-]?key|auth[_-]?key"
    "|client[_-]?secret|credentials?|session[_-]?id|令牌|密钥"
)


def _kind(
    name: str, pattern: str, span: Callable[[re.Match[str]], Span | None] | None = None, *, flags: int = 0
) -> Kind:
    return Kind(name, f"[{name}]", re.compile(pattern, flags), span)


KINDS: tuple[Kind, ...] = (
    _kind(
        "key",
        r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----(?:\s{0,4}[A-Za-z-]{1,20}: [^\n\ufdd0-\ufdef]{0,80}\n){0,3}"
        r"[A-Za-z0-9+/=\s\\]*+(?:-----END [A-Z ]{0,30}PRIVATE KEY-----)?",
    ),
    _kind(
        "query", rf"(?:https?://|wss?://|ftp://|www\.)[^{_NOT}?#]*+(?:\?(?P<secret>[^{_NOT}，。；、）」)\]]++))?", query
    ),
    _kind(
        "query",
        rf"(?<![{_W}.@/-])(?:[A-Za-z0-9-]{{1,63}}+\.){{1,5}}[A-Za-z]{{2,24}}(?::\d{{1,5}})?/[^{_NOT}?#]*+"
        rf"(?:\?(?P<secret>[^{_NOT}，。；、）」)\]]++))?",
        query,
    ),
    _kind("login", rf"(?<=://)(?P<secret>[^{_NOT}/@?#]{{1,200}})(?=@)", login),
    _kind(
        "token",
        rf"(?<![{_W}-])(?:sk-[\w-]{{16,}}+|hf_[A-Za-z0-9]{{20,}}+|gh[pousr]_[A-Za-z0-9]{{20,}}+|github_pat_\w{{20,}}+"
        r"|glpat-[\w-]{16,}+|(?:AKIA|ASIA)[0-9A-Z]{16}|xox[a-z]-[A-Za-z0-9-]{10,}+|AIza[\w-]{30,}+|ya29\.[\w-]{20,}+"
        r"|npm_[A-Za-z0-9]{30,}+|pypi-[\w-]{30,}+|[srp]k_(?:live|test)_[A-Za-z0-9]{16,}+|dckr_pat_[\w-]{20,}+"
        r"|SG\.[\w-]{16,}+\.[\w-]{16,}+|eyJ[\w-]{6,}+\.[\w-]{6,}+(?:\.[\w-]*+)?|\d{8,10}:[A-Za-z0-9_-]{35})",
        token,
        flags=re.ASCII,  # so that no letter before a prefix is one that the rest may hold
    ),
    _kind("token", r"hooks\.slack\.com/services/(?P<secret>[A-Za-z0-9/]++)"),
    _kind(
        "token",
        r"(?:Bearer|Basic)\s{1,3}(?P<secret>[A-Za-z0-9._~+/=-]{12,}+)",
        bearer,
        flags=re.IGNORECASE,
    ),
    _kind(
        "token",
        rf"(?<![{_W}-])(?:Set-Cookie|Cookie|(?:Proxy-)?Authorization)\s{{0,2}}:\s{{0,2}}(?P<secret>[^\r\n\"'{_HELD}]++)",
        header,
        flags=re.IGNORECASE,
    ),
    _kind("password", rf"(?:{_ONE_WORD}){_EQUALS}{_VALUE}", password, flags=re.IGNORECASE),
    _kind(
        "password",
        rf"(?:(?:{_ONE_WORD})\s{{0,2}}(?:is|was|为|是)\s{{0,2}}|--(?:password|passwd|pass)\s{{1,3}}){_VALUE}",
        password,
        flags=re.IGNORECASE,
    ),
    _kind("token", rf"(?:{_OTHER_WORD}){_EQUALS}{_VALUE}", named_secret, flags=re.IGNORECASE),
    _kind("token", rf"--(?:{_OTHER_WORD})\s{{1,3}}{_VALUE}", named_secret, flags=re.IGNORECASE),
    _kind("token", r"(?<=\w)[\"']?\s{0,2}[=:]\s{0,2}[\"']?(?P<secret>[A-Za-z0-9+/_=-]{20,}+)", random_value),
    _kind(
        "e-mail",
        r"(?<![A-Za-z0-9À-ÿ._%+\-\ufdd0-\ufdef])(?P<user>[A-Za-z0-9À-ÿ._%+-]++)@"
        r"(?:[A-Za-z0-9-]{1,63}+\.){1,8}[A-Za-z]{2,24}+(?![0-9_\ufdd0-\ufdef])",
        login,
    ),
    _kind("login", rf"(?<![{_W}.-])(?P<secret>[a-z_][a-z0-9_-]{{0,31}}@[A-Za-z0-9.-]{{1,64}}+)(?=[: ][~/])"),
    _kind(
        "user",
        rf"(?<![{_W}.~-])(?:/home/|/Users/|[A-Za-z]:(?:\\{{1,2}}|/)(?:Users|Documents and Settings)(?:\\{{1,2}}|/))"
        r"(?P<secret>[\w.$@+-]++(?:(?: [A-Z][\w.-]{0,30}){1,2}(?=\\))?)",
        home,
    ),
    _kind("IBAN", rf"(?<![{_W}])[A-Z]{{2}}\d\d(?:[ -]?[A-Z0-9]){{11,40}}+", iban),
    _kind(
        "card number",
        rf"(?<![{_W}.-])(?:\d{{13,19}}|\d{{4}}(?:[ -]\d{{4}}){{3}}(?:[ -]\d{{1,3}})?|\d{{4}}[ -]\d{{6}}[ -]\d{{5}})"
        rf"(?![{_W}]|\.\d)",
        card,
    ),
    _kind("ID number", rf"(?<![{_W}.-])(?:\d{{17}}[\dXx]|\d{{3}}-\d{{2}}-\d{{4}})(?![{_W}-])", identity),
    _kind(
        "phone number",
        rf"(?<![{_W}.+-])(?:\+|00(?=[1-9]\d{{0,2}}[ ()./-]))\(?[1-9](?:[ ()./-]{{0,2}}\d){{7,14}}(?![\d{_HELD}]|\.\d)",
        phone,
    ),
    _kind(
        "phone number",
        rf"(?<![{_W}.+-])(?:\([2-9]\d\d\) ?[2-9]\d\d[ .-]|[2-9]\d\d([.-])[2-9]\d\d\1)\d{{4}}(?![{_W}-]|\.\d)",
    ),
    _kind("phone number", rf"(?<![{_W}.+-])1[3-9]\d(?:\d{{8}}|([ -])\d{{4}}\1\d{{4}})(?![{_W}-]|\.\d)"),
    _kind("phone number", rf"(?<![{_W}.+/-])0\d{{2,4}}[ /-]\d{{6,8}}(?![{_W}/-]|\.\d)"),
    _kind(
        "phone number", rf"(?<![{_W}.+-])0[1-9](?:([ .])\d\d)(?:\1\d\d){{3}}(?![{_W}-]|[ .]?[0-9A-Fa-f]{{2}}(?![{_W}]))"
    ),
    _kind(
        "phone number",
        r"(?:\b(?:tel|phone|telephone|mobile|cell|fax|whatsapp)(?: number| no\.?)?|电话|手机号?|联系方式)"
        rf"[:. 是为：]{{1,4}}(?P<secret>\+?\(?\d(?:[ ()./-]{{0,2}}\d){{6,14}})(?![\d{_HELD}])",
        flags=re.IGNORECASE,
    ),
    _kind("IP address", rf"(?<![{_W}.])\d{{1,3}}(?:\.\d{{1,3}}){{3}}(?![{_W}]|\.\d)", ipv4),
    _kind("IP address", rf"(?<![{_W}:.])[0-9A-Fa-f]{{0,4}}(?::[0-9A-Fa-f]{{0,4}}){{2,8}}+(?![{_W}:])", ipv6),
    _kind(
        "MAC address", rf"(?<![{_W}:-])[0-9A-Fa-f]{{2}}([:-])(?:[0-9A-Fa-f]{{2}}\1){{4}}[0-9A-Fa-f]{{2}}(?![{_W}:-])"
    ),
)
OWN = "removed"


def redact(text: str, own: Sequence[Kind] = ()) -> str:
    """`text` with a mark in place of each thing that only its owner should read.

    Args:
        text: Any text.
        own: Kinds beside `KINDS`, tried before them (`own_kinds`).

    Returns:
        The text; itself where nothing was found. `redact(redact(text)) == redact(text)`.
    """
    return redacted(text, own)[0]


def redacted(text: str, own: Sequence[Kind] = ()) -> tuple[str, Counter[str]]:
    """As `redact`, and how many things of each kind (by its name) were replaced.

    Raises:
        ValueError: with more than 32 different marks.
    """
    kinds = (*own, *KINDS)
    marks = _marks(tuple(kind.mark for kind in kinds))
    held = {mark: chr(0xFDD0 + place) for place, mark in enumerate(marks)}
    counts: Counter[str] = Counter()
    work = _STRAY.sub("\ufffd", text)
    if "[" in work:
        work = _any_of(marks).sub(lambda mark: held[mark.group()], work)
    for _ in kinds:  # once, and again where something came to light: bounded, whatever the text
        before = counts.total()
        for kind in kinds:
            work = _replaced(work, kind, held[kind.mark], counts)
        if counts.total() == before:
            break
    if not counts and work.isascii():  # nothing is held either
        return (text, counts)
    shown = {ord(character): mark for mark, character in held.items()}
    return work.translate(shown), counts


def own_kinds(lines: str) -> tuple[Kind, ...]:
    """Kinds from a user's list: a line is a text that is removed wherever it stands, in any case, or `regex:` and a
    pattern. Blank lines and lines that begin with `#` say nothing.

    Raises:
        ValueError: with the line's number, where a pattern cannot be read or matches the empty text.
    """
    found = []
    for number, line in enumerate(lines.lstrip("\ufeff").splitlines(), 1):
        word = line.strip()
        if not word or word.startswith("#"):
            continue
        source = word.removeprefix("regex:").strip() if word.startswith("regex:") else re.escape(word)
        try:
            pattern = re.compile(source, re.IGNORECASE)
        except (re.error, OverflowError, RecursionError) as error:
            raise ValueError(f"line {number}: no regular expression ({error})") from None
        if pattern.match("") or not source:
            raise ValueError(f"line {number}: it matches the empty text; give something that it must find")
        found.append(Kind(OWN, f"[{OWN}]", pattern))
    return tuple(found)


_STRAY = re.compile(f"[{_HELD}]")


@lru_cache
def _marks(given: tuple[str, ...]) -> tuple[str, ...]:
    marks = tuple(dict.fromkeys(given))
    if len(marks) > _MOST_MARKS:
        raise ValueError(f"{len(marks)} different marks: at most {_MOST_MARKS}")
    return marks


@lru_cache
def _any_of(marks: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(map(re.escape, marks)))


def _replaced(text: str, kind: Kind, held: str, counts: Counter[str]) -> str:
    """`text` with everything of one kind held by one character, counted."""
    parts: list[str] = []
    done = 0
    for match in kind.pattern.finditer(text):
        span = kind.found(match)
        if span is None or span[0] == span[1] or _STRAY.search(text, *span):
            continue
        parts += [text[done : span[0]], held]
        done = span[1]
        counts[kind.name] += 1
    return "".join([*parts, text[done:]]) if parts else text
