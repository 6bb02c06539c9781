"""The one parser: what a reply's text says. It never raises and never repairs; what is ambiguous is unparsable."""

from __future__ import annotations

import json
import re
from enum import StrEnum
from typing import Any

from proactivebench.protocols.base import Parsed
from proactivebench.protocols.contract import CONFIDENCE_KEY, TASK_KEY
from proactivebench.protocols.objects import Pairs, find_objects, outside, too_deep
from proactivebench.protocols.reasoning import split_reasoning
from proactivebench.records import Note, ReplyStatus

RULES = "1"  # part of every protocol's hash: raise it when any rule below changes

_BROKEN_ANSWER = re.compile(f'"{TASK_KEY}"\\s*:')
_NULL_WORDS = frozenset({"", "null", "none"})


class Extraction(StrEnum):
    """Where the reply's object stands: ANYWHERE in the text (fences and prose around it are ignored; the task key must
    be there), or as the RELEASED script takes it (first json fence, else the whole text; no task key is silence)."""

    ANYWHERE = "anywhere"
    RELEASED = "released"


def parse_reply(
    text: str, *, candidates: int = 1, confidence: bool = False, extraction: Extraction = Extraction.ANYWHERE
) -> Parsed:
    """Read a reply with up to `candidates` proposals: PROPOSED, SILENT, EMPTY (nothing but reasoning) or UNPARSABLE.

    A task keeps its text to the character, outer spaces included. With `confidence` the stated number from 0 to 1
    is read, else None. The table of rules: docs/protocols.md.
    """
    reasoning, answer = split_reasoning(text)
    if not answer.strip("\ufeff \t\r\n\f\v"):
        return Parsed(ReplyStatus.EMPTY, reasoning=reasoning)
    objects = released_objects(answer) if extraction is Extraction.RELEASED else _objects(answer)
    readings = [_read(item, candidates) for item in objects]
    if not readings:
        return Parsed(ReplyStatus.UNPARSABLE, reasoning=reasoning)
    stated = {_confidence(item) for item in objects} if confidence else set()
    return Parsed(
        *_agreed(readings),
        reasoning=reasoning,
        confidence=stated.pop() if len(stated) == 1 else None,
        notes=tuple(dict.fromkeys(note for reading in readings for note in reading.notes)),
    )


def released_block(answer: str) -> str:
    """What the released script decodes: the first closed block that opens with a json fence line, else the whole."""
    start = answer.find("```json\n")
    end = answer.find("\n```", start + 8) if start >= 0 else -1
    return answer[start + 8 : end] if end >= 0 else answer.removeprefix("\ufeff")


def released_objects(answer: str) -> list[Pairs]:
    """The one object the released script would read, a missing task key filled in; none where it would fail."""
    try:
        pairs = json.loads(released_block(answer), object_pairs_hook=Pairs)
    except (ValueError, RecursionError):
        return []
    if not isinstance(pairs, Pairs) or too_deep(pairs):
        return []
    return [pairs if pairs.values_of(TASK_KEY) else Pairs([*pairs, (TASK_KEY, None)])]


def _objects(answer: str) -> list[Pairs]:
    """Every object that holds the task key; none where another such object stands beside them that cannot be read."""
    found = find_objects(answer)
    if len(found) == 1 and found[0].end - found[0].start == len(answer):  # nothing but the object, as most replies are
        return [found[0].pairs] if found[0].pairs.values_of(TASK_KEY) else []
    if any(_BROKEN_ANSWER.search(piece) for piece in outside(answer, found)):
        return []
    return [item.pairs for item in found if item.pairs.values_of(TASK_KEY)]


def _read(item: Pairs, candidates: int) -> Parsed:
    """What one object says. A task key given twice must say the same both times."""
    readings = [_read_task(value, candidates) for value in item.values_of(TASK_KEY)]
    status, proposals = _agreed(readings)
    notes = [note for reading in readings for note in reading.notes]
    return Parsed(status, proposals, notes=(*notes, *([Note.DUPLICATE_KEY] if len(readings) > 1 else [])))


def _agreed(readings: list[Parsed]) -> tuple[ReplyStatus, tuple[str, ...]]:
    """What all readings say; UNPARSABLE where they differ."""
    if len(readings) == 1:
        return readings[0].status, readings[0].proposals
    said = {(reading.status, reading.proposals) for reading in readings}
    return said.pop() if len(said) == 1 else (ReplyStatus.UNPARSABLE, ())


def _read_task(value: Any, candidates: int) -> Parsed:
    """What stands under the task key."""
    if value is None:
        return Parsed(ReplyStatus.SILENT)
    if isinstance(value, str):
        if value.strip().casefold() in _NULL_WORDS:
            return Parsed(ReplyStatus.SILENT, notes=(Note.NULL_STRING,))
        return Parsed(ReplyStatus.PROPOSED, (value,))
    if isinstance(value, list) and not isinstance(value, Pairs) and candidates > 1:
        return _read_list(value, candidates)
    # The released agent script leaves the test file's own dict in place where a call fails.
    failed = isinstance(value, Pairs) and bool(value.values_of("candidate_task"))
    return Parsed(ReplyStatus.UNPARSABLE, notes=(Note.TASK_NOT_TEXT, *([Note.FAILED_CALL] if failed else [])))


def _read_list(values: list[Any], candidates: int) -> Parsed:
    """What a list of candidates says: nulls are left out, and only texts may remain, of which the first k count."""
    readings = [_read_task(value, 1) for value in values]
    notes = tuple(dict.fromkeys(note for reading in readings for note in reading.notes))
    if any(reading.status is ReplyStatus.UNPARSABLE for reading in readings):
        return Parsed(ReplyStatus.UNPARSABLE, notes=notes)
    proposals = tuple(proposal for reading in readings for proposal in reading.proposals)
    if not proposals:
        return Parsed(ReplyStatus.SILENT, notes=notes)
    if len(proposals) > candidates:
        notes = (*notes, Note.EXTRA_CANDIDATES)
    return Parsed(ReplyStatus.PROPOSED, proposals[:candidates], notes=notes)


def _confidence(item: Pairs) -> float | None:
    """The number from 0 to 1 stated in the object, None for anything else (NaN and repeats included)."""
    stated = item.values_of(CONFIDENCE_KEY)
    if len(stated) == 1 and isinstance(stated[0], float) and 0 <= stated[0] <= 1:
        return stated[0]
    return None
