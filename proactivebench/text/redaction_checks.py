"""What tells a secret from its likes: check digits, lengths, chance-like letters, and the words of code and prose."""

from __future__ import annotations

import itertools
import re
from ipaddress import AddressValueError, IPv4Address, IPv6Address

Span = tuple[int, int]

# Lengths of IBANs by country (ISO 13616 registry).
_IBAN = (
    "AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DK18 DO28 EE20 EG29 "
    "ES24 FI18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 "
    "LB28 LC32 LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 MK19 MR27 MT31 MU30 NL18 NO15 PK24 PL28 PS29 PT25 "
    "QA29 RO24 RS22 SA24 SC31 SE24 SI19 SK24 SM27 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20"
)
_IBAN_LENGTHS = {word[:2]: int(word[2:]) for word in _IBAN.split()}
_PLACEHOLDER = re.compile(
    r"(?:none|null|nil|true|false|undefined|empty|string|str|bytes|required|changeme|(?:your|my|the)?[_-]?(?:password|passwd"
    r"|passphrase|passcode|pwd|pass|secret|token|api_?key|key|credentials?|session_?id)s?|x+|\*+|\.+|•+|…+|[-_]+)",
    re.IGNORECASE,
)
_CODE = re.compile(
    r"[$<{\[(%*&!|]|[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*[(\[]|(?:self|this|os|req|request|config|settings|args)\."
)
_VERSION = re.compile(
    r"(?:version|release|build|ver|v|section|chapter|figure|table|§|版本|章|节)[\s:：.]{0,2}$", re.IGNORECASE
)
_NOBODY = frozenset(
    {"user", "username", "name", "you", "me", "public", "shared", "default", "all-users", "root", "runner", "guest"}
    | {"admin", "administrator", "page", "index", "dashboard", "profile", "settings", "ubuntu"}
)
_NOT_A_PERSON = frozenset({"git"})
_LETTERS_ALONE = re.compile(r"[A-Za-z]+")


def is_random(value: str, shortest: int = 20, fewest_digits: int = 2) -> bool:
    """Whether `value` looks drawn by chance: digits among letters of both cases, and its classes (lower, upper, digit)
    change as seldom words and identifiers do. Hexadecimal numbers, such as a commit's, are not."""
    if len(value) < shortest:
        return False
    classes = [0 if c.islower() else 1 if c.isupper() else 2 if c.isdigit() else 3 for c in value]
    if classes.count(2) < fewest_digits or not {0, 1} <= set(classes):
        return False
    changes = sum(a != b for a, b in itertools.pairwise(classes))
    return changes >= 0.36 * (len(value) - 1)


def _value(match: re.Match[str]) -> tuple[str, Span, bool]:
    """The value of a key=value pair, where it stands, and whether it is quoted."""
    group = match.lastgroup or "bare"
    return match.group(group), match.span(group), group != "bare"


def password(match: re.Match[str]) -> Span | None:
    """A password after its name: whatever stands there, but for what code and prose put there."""
    value, span, quoted = _value(match)
    if _PLACEHOLDER.fullmatch(value) or (not quoted and _CODE.match(value)):
        return None
    text, start, end = match.string, *span
    before = text[match.start() : start]
    if quoted:  # "password: 'x'" in prose and code alike
        return span if " " not in value or len(value) < 40 else None
    if text[end : end + 1] in ("(", "["):
        return None
    if before.endswith("="):
        return span
    said = value.rstrip(".!?")  # "password: then he …", "password is correct", "password = form"
    plain = _LETTERS_ALONE.fullmatch(said) or re.fullmatch(r"[a-z]+(?:[_.'-][a-z]+)*", said) or not said.isascii()
    return None if plain or len(said) < 4 else (start, start + len(said))


def named_secret(match: re.Match[str]) -> Span | None:
    """A token after its name: letters with digits among them, eight or more; not a number, name, path or call."""
    value, span, quoted = _value(match)
    if _PLACEHOLDER.fullmatch(value) or (
        not quoted and (_CODE.match(value) or match.string[span[1] : span[1] + 1] == "(")
    ):
        return None
    if " " in value or not value.isascii():
        return None
    end = span[1] if quoted else span[0] + len(value.rstrip(".!?:"))
    return (span[0], end) if _letters_and_digits(value) else None


def header(match: re.Match[str]) -> Span | None:
    """What a header says to the line's end, where a part of it looks like a token."""
    parts = re.split(r"[\s;=,]+", match.group("secret"))
    found = any(is_random(part, 12) or _letters_and_digits(part) for part in parts)
    return match.span("secret") if found else None


def _letters_and_digits(value: str) -> bool:
    digits = sum(c.isdigit() for c in value)
    long = len(value) >= 16 and not value.islower() and not value.isupper()
    words = re.fullmatch(r"[A-Za-z]+(?:[_.-][A-Za-z]+)*[_.-]?\d{0,2}", value)  # token_1, some-name2
    return is_random(value, 16, 0) or (
        len(value) >= 8
        and digits >= (1 if long else 2)
        and any(c.isalpha() for c in value)
        and not words
        and "/" not in value[:1]
    )


def random_value(match: re.Match[str]) -> Span | None:
    """What follows a sign and looks drawn by chance."""
    return _random(match, 20, 2)


def bearer(match: re.Match[str]) -> Span | None:
    """What follows `Bearer` or `Basic` and looks drawn by chance, by less."""
    return _random(match, 12, 0)


def _random(match: re.Match[str], shortest: int, fewest_digits: int) -> Span | None:
    value = match.group("secret").rstrip(".")
    start = match.start("secret")
    return (start, start + len(value)) if is_random(value, shortest, fewest_digits) else None


def token(match: re.Match[str]) -> Span | None:
    """A token by its prefix: it has a digit, which no class name of the same beginning has."""
    return match.span() if any(c.isdigit() for c in match.group()) else None


def query(match: re.Match[str]) -> Span | None:
    """The query of an address; without a scheme before it, one that has a value."""
    value = match.group("secret")
    if value is None:
        return None
    end = match.end("secret") - (len(value) - len(value.rstrip(".,;:!")))
    schemed = match.group().startswith(("http", "ws", "ftp", "www."))
    return (match.start("secret"), end) if schemed or "=" in value else None


def login(match: re.Match[str]) -> Span | None:
    """Who logs in, or an address of e-mail; `git@` is nobody."""
    groups = match.re.groupindex
    who = match.group("user") if "user" in groups else match.group("secret")
    if who in _NOT_A_PERSON or not who.strip("."):
        return None
    return match.span("secret") if "secret" in groups else match.span()


def home(match: re.Match[str]) -> Span | None:
    """The name in a home folder's path, where it is somebody's."""
    name = match.group("secret").rstrip(".")
    if not name or name.casefold() in _NOBODY or re.search(r"\.(?:html?|php|aspx?|jsx?|tsx?|vue)$", name):
        return None
    return match.start("secret"), match.start("secret") + len(name)


def iban(match: re.Match[str]) -> Span | None:
    """An account's number of its country's length with the right check digits (ISO 7064, mod 97)."""
    text, due = match.group(), _IBAN_LENGTHS.get(match.group()[:2], 0)
    places = [place for place, c in enumerate(text) if c.isalnum()]
    if not due or len(places) < due:
        return None
    end = places[due - 1] + 1
    if text[end : end + 1].isalnum():
        return None
    plain = "".join(text[place] for place in places[:due])
    number = "".join(str(int(c, 36)) for c in plain[4:] + plain[:4])
    return (match.start(), match.start() + end) if int(number) % 97 == 1 else None


def card(match: re.Match[str]) -> Span | None:
    """A payment card's number: a first digit that is in use, and Luhn's check digit."""
    digits = [int(c) for c in match.group() if c.isdigit()]
    if digits[0] not in (3, 4, 5, 6) and not 22 <= 10 * digits[0] + digits[1] <= 27:
        return None
    if len(set(digits)) == 1:
        return None
    doubled = sum(d if place % 2 == 0 else (2 * d - 9 if d > 4 else 2 * d) for place, d in enumerate(reversed(digits)))
    return match.span() if doubled % 10 == 0 else None


def identity(match: re.Match[str]) -> Span | None:
    """A Chinese identity number (GB 11643: birthday, check digit) or a number of the US social security."""
    text = match.group()
    if "-" in text:
        area, group, serial = text.split("-")
        valid = area not in ("000", "666") and area < "900" and group != "00" and serial != "0000"
        return match.span() if valid else None
    born = 1900 <= int(text[6:10]) < 2100 and 1 <= int(text[10:12]) <= 12 and 1 <= int(text[12:14]) <= 31
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    check = "10X98765432"[sum(w * int(d) for w, d in zip(weights, text, strict=False)) % 11]
    return match.span() if born and check == text[17].upper() else None


def phone(match: re.Match[str]) -> Span | None:
    """A number with its country's: no decimal fraction, no sum."""
    text = match.group()
    decimal = text.count(".") == 1 and re.fullmatch(r"\+\d+\.\d+", text)
    return None if decimal else match.span()


def ipv4(match: re.Match[str]) -> Span | None:
    """An address of the internet, not a version, a heading's number, or the machine itself."""
    text = match.group()
    try:
        address = IPv4Address(text)
    except AddressValueError:
        return None
    if address.is_loopback or address.is_unspecified or text.startswith("255."):
        return None
    before = match.string[max(0, match.start() - 20) : match.start()]
    return None if _VERSION.search(before) else match.span()


def ipv6(match: re.Match[str]) -> Span | None:
    """An address of version 6, not a time and not a name with `::` in it."""
    text = match.group()
    try:
        address = IPv6Address(text)
    except AddressValueError:
        return None
    if address.is_loopback or address.is_unspecified:
        return None
    groups = [group for group in text.split(":") if group]
    global_or_local = len(groups[0]) == 4 and groups[0][0].lower() in "23f"
    return match.span() if len(groups) == 8 or (global_or_local and not text.startswith(":")) else None
