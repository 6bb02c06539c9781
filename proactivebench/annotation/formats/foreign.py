"""Foreign files within bounds: text and JSON that others wrote, the words that tools have for an answer, and times."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from proactivebench.errors import DataError, WrongFile
from proactivebench.files import foreign, read_bytes
from proactivebench.records import Answer, Event, printable
from proactivebench.records.votes import possible_time
from proactivebench.text import BadLine, NotReadable, load_strict, read_lines

MOST_FILE = 256 * 2**20  # bytes: a hundred times the release's annotation
MOST_TEXT = 100_000  # characters of one event or offer
_HEAD = 65_536
_CENTURY = 4_102_444_800  # seconds; later stamps are no seconds

_NEED = {
    Answer.YES: ("yes", "y", "true", "1", "need", "help needed"),
    Answer.NO: ("no", "n", "false", "0", "no need", "no help needed"),
}
_OFFER = {
    Answer.ACCEPT: ("accept", "accepted", "yes", "y", "true", "1"),
    Answer.REJECT: ("reject", "rejected", "no", "n", "false", "0"),
    Answer.PREMATURE: ("premature", "not yet", "too early"),
}
_UNSURE = ("unsure", "not sure", "don't know", "skip", "skipped")
_WORDS = {
    on_offer: {word: answer for answer, words in known.items() for word in words}
    | dict.fromkeys(_UNSURE, Answer.UNSURE)
    for on_offer, known in ((False, _NEED), (True, _OFFER))
}


def text_of(path: Path, wanted: str) -> str:
    """A file's text, a byte order mark left out. Raises `WrongFile`."""
    content = read_bytes(path, wanted, most=MOST_FILE)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        other = foreign(path, content, wanted)
        raise other or WrongFile(f"{path}: not UTF-8 at byte {error.start}; save it as UTF-8") from None


def values_of(path: Path, wanted: str) -> list[tuple[str, Any]]:
    """What a JSON file holds, each with where it stands: the members of its list, or the one object it is; of JSON
    Lines the value of each line. Raises `WrongFile` or `DataError` naming what cannot be read."""
    text = text_of(path, wanted)
    try:
        whole = load_strict(text)
    except NotReadable as error:
        if _begins_with_a_value(text):
            return list(_each_line(path, text))
        other = None if text.lstrip()[:1] in ("[", "{") else foreign(path, text[:_HEAD].encode(), wanted)
        raise other or WrongFile(f"{path}: {error}: give {wanted}") from None
    if isinstance(whole, list):
        return [(f"{path}: entry {number}", value) for number, value in enumerate(whole, start=1)]
    return [(str(path), whole)]


def _begins_with_a_value(text: str) -> bool:
    """Whether a first line is JSON and others follow, as in JSON Lines."""
    first, _, rest = text.lstrip().partition("\n")
    try:
        load_strict(first)
    except NotReadable:
        return False
    return bool(rest.strip())


def lines_of(path: Path, wanted: str) -> list[tuple[str, Any]]:
    """The value of each line of JSON Lines, with where it stands. Raises like `values_of`."""
    return list(_each_line(path, text_of(path, wanted)))


def _each_line(path: Path, text: str) -> Iterator[tuple[str, Any]]:
    try:
        for number, value in read_lines(text.encode("utf-8"), load_strict):
            yield f"{path}:{number}", value
    except BadLine as error:
        raise DataError(f"{path}:{error.number}: {error}") from None


def names_in(path: Path) -> dict[str, str]:
    """A map of annotators' names to pseudonyms, in a JSON file. Raises `WrongFile` or `DataError`."""
    wanted = "a JSON object of names and their pseudonyms"
    found = values_of(path, wanted)
    whole = found[0][1] if len(found) == 1 else None
    if not isinstance(whole, dict) or not all(isinstance(name, str) for name in whole.values()):
        raise WrongFile(f"{path} is no map of names: give {wanted}")
    return whole


def answer_of(word: Any, where: str, *, on_offer: bool) -> Answer:
    """The answer that a word means, whatever its case. Raises `DataError` naming `where` and the words there are."""
    known = _WORDS[on_offer]
    found = known.get(" ".join(word.casefold().replace("_", " ").split())) if isinstance(word, str) else None
    if found is None:
        ways = "accept, reject, premature, unsure" if on_offer else "yes, no, unsure"
        raise DataError(f"{where}: {short(word)} is no answer to {'an offer' if on_offer else 'the need'}: use {ways}")
    return found


def time_of(value: Any, where: str) -> datetime | None:
    """When something was said: ISO 8601 (without a zone: UTC) or Unix seconds; None for nothing. Raises `DataError`."""
    if value is None or value == "":
        return None
    try:
        if isinstance(value, str):
            found = datetime.fromisoformat(value.strip())
            return possible_time(found if found.tzinfo else found.replace(tzinfo=UTC))
        if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < _CENTURY:
            return datetime.fromtimestamp(value, UTC)
    except (ValueError, OverflowError):
        pass
    raise DataError(f"{where}: {short(value)} is no time: write it as 2026-11-25T09:30:00Z")


def seconds_of(value: Any, where: str) -> float | None:
    """A duration in seconds; None for nothing. Raises `DataError` where it is negative, endless or no number."""
    if value is None or value == "":
        return None
    try:
        found = float(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else math.nan
    except (ValueError, OverflowError):
        found = math.nan
    if not (math.isfinite(found) and found >= 0):
        raise DataError(f"{where}: {short(value)} is no number of seconds")
    return found


def occasion_of(value: Any, where: str) -> int:
    """Which showing of an item an answer is to; tools that have one kind of number write it as 1.0. Raises `DataError`
    where it is no whole number from 0."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise DataError(f"{where}: occasion is {short(value)}, not a number from 0")
    return value


def text_in(value: Any, where: str, what: str) -> str:
    """A text of an event or offer, as it can be stored. Raises `DataError` where it is none or longer than any is."""
    if not isinstance(value, str):
        raise DataError(f"{where}: {what} is {short(value)}, not text")
    if len(value) > MOST_TEXT:
        raise DataError(f"{where}: {what} has {len(value):,} characters, more than {MOST_TEXT:,}: shorten it")
    return printable(value)


def member(value: Any, key: str, where: str) -> Any:
    """A member of a JSON object. Raises `DataError` where it is no object or has no such key."""
    if not isinstance(value, dict):
        raise DataError(f"{where}: {short(value)} stands where an object with {key!r} belongs")
    if key not in value:
        raise DataError(f"{where}: the key {key!r} is missing")
    return value[key]


def list_in(value: Any, where: str, what: str) -> list[Any]:
    """A list. Raises `DataError` where it is none."""
    if not isinstance(value, list):
        raise DataError(f"{where}: {what} is {short(value)}, not a list")
    return value


def event_of(value: Any, where: str, time: str = "time", event: str = "event") -> Event:
    """An event; a time that is a number becomes text, any other is kept as it is written. Raises `DataError`."""
    when = member(value, time, where)
    if isinstance(when, int | float) and not isinstance(when, bool):
        when = str(when)
    return Event(time=text_in(when, where, time), event=text_in(member(value, event, where), where, event))


def short(value: Any) -> str:
    """A value for a message: one line, not long."""
    if isinstance(value, str):
        text = json.dumps(value[:60], ensure_ascii=True)
        return text if len(value) <= 60 else text[:-1] + '…"'
    if isinstance(value, list):
        return f"a list of {len(value)}"
    if isinstance(value, dict):
        return "an object"
    return json.dumps(value) if value is None or isinstance(value, bool | int | float) else type(value).__name__


def told(events: Sequence[Event]) -> Iterator[tuple[str, str]]:
    """When and what of each event, for people: the clock (UTC) of one that has Unix seconds, with the gap to the one
    before; other times as they stand."""
    before: float | None = None
    for event in events:
        stamp = _stamp(event.time)
        when = event.time
        if stamp is not None:
            when = datetime.fromtimestamp(stamp, UTC).strftime("%H:%M:%S")
            when += "" if before is None else f" ({stamp - before:+,.0f} s)"
        yield when, event.event
        before = stamp


def _stamp(time: str) -> float | None:
    try:
        stamp = float(time)
    except ValueError:
        return None
    return stamp if 0 <= stamp < _CENTURY else None


def as_json(value: Any) -> str:
    """JSON for a file that people may look into."""
    return json.dumps(value, ensure_ascii=False, indent=1, allow_nan=False) + "\n"
