"""The one parser: what a reply's text says. It never raises and never repairs; what is ambiguous is unparsable."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Any, NamedTuple

from proactivebench.protocols.base import Parsed
from proactivebench.protocols.contract import ACCEPT_KEY, CONFIDENCE_KEY, NEED_KEY, TASK_KEY
from proactivebench.protocols.no_task import says_no_task
from proactivebench.protocols.own_texts import OwnTexts
from proactivebench.records import Cause, Note, ReplyStatus
from proactivebench.text import (
    NotReadable,
    Pairs,
    broken,
    find_objects,
    load_json,
    outside,
    says_more,
    split_reasoning,
)

RULES = "2"  # part of every protocol's hash: raise it when any rule below, or in proactivebench/text, changes

LONGEST_OFFER = 16 * 2**10  # bytes
LONGEST_REPLY = 8 * 2**20  # characters
MOST_CANDIDATES = 1000  # in one list, however few of them count
_NULL_WORDS = frozenset({"", "null", "none"})
_NO_TEXTS = OwnTexts()


class Extraction(StrEnum):
    """Where the reply's object stands: ANYWHERE in the text (fences and prose around it are ignored; the task key must
    be there), or as the RELEASED script takes it (first json fence, else the whole text; no task key is silence)."""

    ANYWHERE = "anywhere"
    RELEASED = "released"


class Taken(NamedTuple):
    """The objects that are read, whether text follows the last that stands there (it may have been a draft), and the
    text beside them."""

    objects: list[Pairs]
    trailing: bool = False
    beside: str = ""


def parse_reply(
    text: str,
    *,
    candidates: int = 1,
    confidence: bool = False,
    extraction: Extraction = Extraction.ANYWHERE,
    own: OwnTexts = _NO_TEXTS,
    heard: Sequence[str] = (),
) -> Parsed:
    """Read a reply with up to `candidates` proposals: PROPOSED, SILENT, EMPTY (nothing but reasoning) or UNPARSABLE.

    A task keeps its text to the character, outer spaces included. With `confidence` the numbers from 0 to 1 that
    the agent states are read, else None. `own` are the protocol's texts and `heard` what else the agent was told:
    neither is an answer. The table of rules: docs/protocols.md.
    """
    if len(text) > LONGEST_REPLY:
        return Parsed(ReplyStatus.UNPARSABLE, cause=Cause.TOO_LONG)
    reasoning, answer = split_reasoning(text)
    if not answer.strip("\ufeff \t\r\n\f\v"):
        return Parsed(ReplyStatus.EMPTY, reasoning=reasoning)
    taken = _released(answer) if extraction is Extraction.RELEASED else _anywhere(answer)
    cause = _repeated(answer, taken, own)
    if cause or not taken.objects:
        cause = cause or Cause.MALFORMED
        return Parsed(ReplyStatus.UNPARSABLE, reasoning=reasoning, cause=cause, trailing=taken.trailing)
    tasks = _Tasks(candidates, own, heard)
    readings = [tasks.read(item) for item in taken.objects]
    status, proposals, cause = _agreed(readings)
    stated = taken.objects if confidence else []
    return Parsed(
        status,
        proposals,
        reasoning=reasoning,
        confidence=_all_say([_accept(item) for item in stated]),
        p_need=_all_say([_number(item, NEED_KEY) for item in stated]),
        notes=_noted(readings),
        cause=cause,
        trailing=taken.trailing,
    )


def _repeated(answer: str, taken: Taken, own: OwnTexts) -> Cause | None:
    """ECHO or TEMPLATE where the answer as a whole is one of the harness's texts, or an object in it the placeholder.

    An object alone is none: a prompt may well show how silence is written, and then silence is written so."""
    if any(own.marked(value for _, value in item) for item in taken.objects):
        return Cause.ECHO
    if len(answer) > LONGEST_OFFER or (taken.objects and not own.long(taken.beside)):
        return None
    return own.whole(answer)


def released_block(answer: str) -> str:
    """What the released script decodes: the first closed block that opens with a json fence line, else the whole."""
    start, end = _block(answer)
    return answer[start:end].removeprefix("\ufeff") if end == len(answer) else answer[start:end]


def _block(answer: str) -> tuple[int, int]:
    start = answer.find("```json\n")
    end = answer.find("\n```", start + 8) if start >= 0 else -1
    return (start + 8, end) if end >= 0 else (0, len(answer))


def _released(answer: str) -> Taken:
    """The one object the released script would read, a missing task key filled in; none where it would fail."""
    start, end = _block(answer)
    trailing = says_more(answer, end)
    try:
        pairs = load_json(released_block(answer), pairs=Pairs)
    except NotReadable:
        return Taken([], trailing)
    if not isinstance(pairs, Pairs):
        return Taken([], trailing)
    read = pairs if pairs.values_of(TASK_KEY) else Pairs([*pairs, (TASK_KEY, None)])
    return Taken([read], trailing, f"{answer[:start]} {answer[end:]}")


def _anywhere(answer: str) -> Taken:
    """Every object that holds the task key; none where another such object stands beside them that cannot be read."""
    found = find_objects(answer)
    ours = [item for item in found if item.pairs.values_of(TASK_KEY)]
    if len(found) == 1 and found[0].end - found[0].start == len(answer):  # nothing but the object, as most replies are
        return Taken([item.pairs for item in ours])
    trailing = bool(ours) and says_more(answer, ours[-1].end)
    if broken(answer, found, TASK_KEY):
        return Taken([], trailing)
    return Taken([item.pairs for item in ours], trailing, " ".join(outside(answer, found)))


class _Tasks(NamedTuple):
    """Reads what stands under the task key."""

    candidates: int
    own: OwnTexts
    heard: Sequence[str]

    def read(self, item: Pairs) -> Parsed:
        """What one object says. A task key given twice must say the same both times."""
        readings = [self._task(value, self.candidates) for value in item.values_of(TASK_KEY)]
        status, proposals, cause = _agreed(readings)
        doubled = (Note.DUPLICATE_KEY,) if len(readings) > 1 else ()
        return Parsed(status, proposals, notes=(*_noted(readings), *doubled), cause=cause)

    def _task(self, value: Any, candidates: int) -> Parsed:
        if value is None:
            return Parsed(ReplyStatus.SILENT)
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, list) and not isinstance(value, Pairs) and candidates > 1:
            return self._list(value)
        # The released agent script leaves the test file's own dict in place where a call fails.
        failed = isinstance(value, Pairs) and bool(value.values_of("candidate_task"))
        notes = (Note.TASK_NOT_TEXT, *([Note.FAILED_CALL] if failed else []))
        return Parsed(ReplyStatus.UNPARSABLE, notes=notes, cause=Cause.WRONG_TYPE)

    def _text(self, value: str) -> Parsed:
        if len(value) > LONGEST_OFFER or len(value.encode("utf-8", "surrogatepass")) > LONGEST_OFFER:
            return Parsed(ReplyStatus.UNPARSABLE, cause=Cause.TOO_LONG)
        if value.strip().casefold() in _NULL_WORDS:
            return Parsed(ReplyStatus.SILENT, notes=(Note.NULL_STRING,))
        denied = says_no_task(value)  # also where a prompt has taught the words
        cause = self.own.taken(value, self.heard)
        if cause and not (denied and cause is Cause.TEMPLATE):
            return Parsed(ReplyStatus.UNPARSABLE, cause=cause)
        return Parsed(ReplyStatus.PROPOSED, (value,), notes=(Note.NO_TASK_WORDS,) if denied else ())

    def _list(self, values: list[Any]) -> Parsed:
        """What a list of candidates says: nulls are left out and only offers may remain, of which the first k count."""
        if len(values) > MOST_CANDIDATES:
            return Parsed(ReplyStatus.UNPARSABLE, cause=Cause.TOO_LONG)
        readings = [self._task(value, 1) for value in values]
        notes = _noted(readings)
        unread = next((reading for reading in readings if reading.status is ReplyStatus.UNPARSABLE), None)
        if unread is not None:
            return Parsed(ReplyStatus.UNPARSABLE, notes=notes, cause=unread.cause)
        proposals = tuple(proposal for reading in readings for proposal in reading.proposals)
        if not proposals:
            return Parsed(ReplyStatus.SILENT, notes=notes)
        if len(proposals) > self.candidates:
            notes = (*notes, Note.EXTRA_CANDIDATES)
        return Parsed(ReplyStatus.PROPOSED, proposals[: self.candidates], notes=notes)


def _agreed(readings: Sequence[Parsed]) -> tuple[ReplyStatus, tuple[str, ...], Cause | None]:
    """What all readings say; UNPARSABLE where they differ."""
    said = {(reading.status, reading.proposals) for reading in readings}
    if len(said) > 1:
        return ReplyStatus.UNPARSABLE, (), Cause.MALFORMED
    return readings[0].status, readings[0].proposals, readings[0].cause


def _noted(readings: Sequence[Parsed]) -> tuple[Note, ...]:
    return tuple(dict.fromkeys(note for reading in readings for note in reading.notes))


def _accept(item: Pairs) -> float | None:
    """How sure the object is of its offer. Cards that ask for one number alone have another name for it."""
    return _number(item, ACCEPT_KEY if item.values_of(ACCEPT_KEY) else CONFIDENCE_KEY)


def _number(item: Pairs, key: str) -> float | None:
    """The number from 0 to 1 stated in the object, None for anything else (NaN and repeats included)."""
    stated = item.values_of(key)
    if len(stated) == 1 and isinstance(stated[0], float) and 0 <= stated[0] <= 1:
        return stated[0]
    return None


def _all_say(stated: Sequence[float | None]) -> float | None:
    """The number that all objects state; None where they differ."""
    said = set(stated)
    return said.pop() if len(said) == 1 else None
