"""Finding JSON objects in free text, in linear time and without ever raising."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

_DEEPEST = 64
_MOST_UNREADABLE = 1000  # each failure costs a count of the lines before it; no reply comes near
_START = re.compile(r'\{(?=\s*["}])')


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
    position = unreadable = 0
    while unreadable < _MOST_UNREADABLE and (start := _START.search(text, position)):
        try:
            pairs, end = _DECODER.raw_decode(text, start.start())
        except json.JSONDecodeError as error:
            position = max(error.pos, start.end())
            unreadable += 1
        except RecursionError:
            break
        else:
            if end - start.start() > _DEEPEST and too_deep(pairs):
                break
            found.append(Found(start.start(), end, pairs))
            position = end
    return found


def too_deep(value: Any) -> bool:
    """Whether lists and objects nest deeper than any reply needs. What the interpreter's own limit lets through depends
    on the stack at hand; this does not."""
    level = [value]
    for _ in range(_DEEPEST):
        level = [
            child[1] if isinstance(parent, Pairs) else child
            for parent in level
            if isinstance(parent, list)
            for child in parent
        ]
        if not level:
            return False
    return True


def outside(text: str, found: list[Found]) -> list[str]:
    """What stands before, between and after the objects."""
    edges = [0, *(edge for item in found for edge in (item.start, item.end)), len(text)]
    return [text[left:right] for left, right in zip(edges[::2], edges[1::2], strict=True)]
