"""Finding JSON objects in free text, in linear time and without ever raising."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

DEEPEST = 64
_MOST_UNREADABLE = 1000  # each failure costs a count of the lines before it; no reply comes near
_WINDOW = 1 << 14  # beyond it, what was searched is left behind, so that this count stays short
_START = re.compile(r'\{(?=\s*["}])')
# What may stand after a text's last object without saying anything: fences, closing tags, a model's special tokens.
_TAIL = re.compile(r"(?:[\s`\ufeff]|</[\w|:.-]{1,60}>|<\|[\w|/-]{1,60}>|<(?:eos|end_of_turn)>)*")


class Pairs(list[tuple[str, Any]]):
    """A decoded JSON object as its pairs, so that a key given twice can be seen."""

    def values_of(self, key: str) -> list[Any]:
        """Every value given under `key`, in order."""
        return [value for name, value in self if name == key]


@dataclass(frozen=True, slots=True)
class Found:
    """An outermost JSON object and where it stands: `text[start:end]`."""

    start: int
    end: int
    pairs: Pairs


# Numbers never decide anything, and int() refuses thousands of digits: every number is read as a float.
# Raw line breaks inside strings are accepted: small models write them and there is one way to read them.
_DECODER = json.JSONDecoder(object_pairs_hook=Pairs, parse_int=float, strict=False)


def find_objects(text: str) -> list[Found]:
    """The outermost readable JSON objects in `text`, in order. Nesting deeper than any reply needs ends the search, and
    so does garbage by the thousand.

    After an unreadable object the search goes on where decoding failed, which keeps it linear.
    """
    found: list[Found] = []
    position = unreadable = behind = 0  # `rest` is the text without what is `behind`; positions count in `rest`
    rest = text
    while unreadable < _MOST_UNREADABLE and (start := _START.search(rest, position)):
        try:
            pairs, end = _DECODER.raw_decode(rest, start.start())
        except json.JSONDecodeError as error:
            position = max(error.pos, start.end())
            unreadable += 1
            if position > _WINDOW:
                rest, behind, position = rest[position:], behind + position, 0
        except RecursionError:
            break
        else:
            if end - start.start() > DEEPEST and too_deep(pairs):
                break
            found.append(Found(behind + start.start(), behind + end, pairs))
            position = end
    return found


def too_deep(value: Any) -> bool:
    """Whether lists and objects nest deeper than any text needs. What the interpreter's own limit lets through depends
    on the stack at hand; this does not."""
    level = [value]
    for _ in range(DEEPEST):
        level = [child for parent in level for child in _children(parent)]
        if not level:
            return False
    return True


def _children(value: Any) -> Sequence[Any]:
    if isinstance(value, Pairs):
        return [child for _, child in value]
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else ()


def outside(text: str, found: Sequence[Found]) -> list[str]:
    """What stands before, between and after the objects."""
    edges = [0, *(edge for item in found for edge in (item.start, item.end)), len(text)]
    return [text[left:right] for left, right in zip(edges[::2], edges[1::2], strict=True)]


def broken(text: str, found: Sequence[Found], key: str) -> bool:
    """Whether `key` also stands outside the objects that can be read, as in one that cannot."""
    answer = re.compile(re.escape(json.dumps(key, ensure_ascii=False)) + r"\s*:")
    return any(answer.search(piece) for piece in outside(text, found))


def says_more(text: str, end: int) -> bool:
    """Whether anything that says something follows in `text` from `end` on: then what stands before it was a draft if
    the text was cut off."""
    tail = _TAIL.match(text, end)
    return tail is None or tail.end() < len(text)
