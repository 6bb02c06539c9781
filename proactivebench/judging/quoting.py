"""Foreign text in a prompt: clipped, escaped JSON data, filled in by one pass that never reads what it filled in."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping
from typing import NamedTuple

_PLACEHOLDER = re.compile(r"\{\{(\w+)\}\}")
# Characters a reader does not see as such: controls, bidi and zero-width marks, tags, lone surrogates, private use.
_UNSEEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
# What chat templates turn into special tokens inside content: <|im_end|>, </s>, [INST].
_TEMPLATE_MARK = re.compile(r"[<>]|\[(?=/?[A-Z_]+\])")


class Clipped(NamedTuple):
    """A text within its cap, and how many characters were left out."""

    text: str
    dropped: int


def clip(text: str, cap: int) -> Clipped:
    """The first `cap` characters of `text`."""
    return Clipped(text[:cap], max(0, len(text) - cap))


def fill(template: str, values: Mapping[str, str]) -> str:
    """`template` with each {{name}} replaced once; a placeholder inside a value stays text."""
    return _PLACEHOLDER.sub(lambda match: values[match[1]], template)


def _escape(character: str) -> str:
    code = ord(character)
    if code > 0xFFFF:
        high, low = divmod(code - 0x10000, 0x400)
        return f"\\u{0xD800 + high:04x}\\u{0xDC00 + low:04x}"
    return f"\\u{code:04x}"


def quote(value: object) -> str:
    """`value` as one line of JSON in which letters of all scripts stay readable, while unseen characters, angle
    brackets and chat-template marks are escaped: nothing in it can end the data or open a role."""
    text = json.dumps(value, ensure_ascii=False)
    text = _TEMPLATE_MARK.sub(lambda match: _escape(match[0]), text)
    return "".join(_escape(c) if unicodedata.category(c) in _UNSEEN else c for c in text)
