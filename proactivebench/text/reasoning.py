"""Telling a model's reasoning from its answer by the tags models write, also unclosed or with the opening one left out.

Known by what they are called, not one by one: `<think>`, `<seed:think>`, `<|begin_of_thought|>`, `<reasoning>`,
`[THINK]`, `◁think▷`; and the channels of harmony and its like (`<|channel|>analysis<|message|>…`), of which only the
final one is the answer.
"""

from __future__ import annotations

import re
from enum import Enum, auto
from typing import NamedTuple

from proactivebench.text.objects import find_objects

_MARK = re.compile(
    r"<\|channel\|?>\s{0,9}(?P<channel>[a-z_]{0,40})(?:[^<]{0,100}(?:<\|constrain\|>[^<]{0,40})?<\|message\|>)?"
    r"|(?P<over><channel\|>|<\|(?:end|return|call)\|>)"
    r"|(?P<turn><\|start\|>\s{0,9}(?:assistant)?)"
    r"|<\|?\s{0,4}(?P<slash>/?)[\s|]{0,4}(?P<name>[^\W\d][\w:.-]{0,60})(?:\s[^<>]{0,200})?(?P<alone>/?)\|?>"
    r"|\[(?P<slash_2>/?)(?P<name_2>think(?:ing)?|thoughts?|reasoning|reflection)\]"
    r"|[◁＜](?P<slash_3>/?)(?P<name_3>[^\W\d]\w{0,60})[▷＞]",
    re.IGNORECASE,
)
_REASONING = re.compile(
    r"think|thought|reason|reflect|scratch[_-]?pad|monologue|ponder|deliberat|(?:^|[_:.-])cot(?:$|[_:.-])|^analysis$"
    r"|^inner_(?:prefix|suffix)$|^unused9[45]$|思考|推理",
    re.IGNORECASE,
)
_CLOSING = re.compile(r"^end(?:_|of)|_end$|_suffix$|^unused95$", re.IGNORECASE)
_FINAL = frozenset({"final", "answer", "response"})
# Harmony's channels as a server leaves them that drops special tokens: "analysisThe user …assistantfinal{…".
_LEAKED = re.compile(r"\s*(?:assistant)?(?:analysis|commentary)(?=[^\W\da-z_]|[\"'{*#])")
_LEAKED_MARK = re.compile(r"(?:assistant|^\s*)(?P<channel>analysis|commentary|final)(?![a-z_])")


class _Kind(Enum):
    OPEN = auto()
    CLOSE = auto()
    FINAL = auto()  # the answer begins here, whatever came before
    OVER = auto()  # a message ends: reasoning with it
    TURN = auto()  # says nothing


class _Mark(NamedTuple):
    start: int
    end: int
    kind: _Kind


def split_reasoning(text: str) -> tuple[str | None, str]:
    """The reasoning (None where no tag stands) and the answer, which is `text` unchanged where there is no reasoning.

    A tag inside a readable JSON object is text. What follows an opening tag that is never closed is reasoning: a
    draft is no answer. So is everything before a closing tag that was never opened, as chat templates that open the
    block themselves leave it.
    """
    marks = _marks(text)
    if not any(mark.kind in (_Kind.OPEN, _Kind.CLOSE, _Kind.FINAL) for mark in marks):
        return None, text
    reasoning: list[str] = []
    answer: list[str] = []
    position = 0
    thinking = False
    for mark in marks:
        piece = text[position : mark.start]
        position = mark.end
        (reasoning if thinking else answer).append(piece)
        if mark.kind in (_Kind.CLOSE, _Kind.FINAL) and not thinking:
            reasoning += answer
            answer = []
        if mark.kind is not _Kind.TURN:
            thinking = mark.kind is _Kind.OPEN
    (reasoning if thinking else answer).append(text[position:])
    return "\n".join(filter(None, map(str.strip, reasoning))), "".join(answer).strip()


def _marks(text: str) -> list[_Mark]:
    """The marks outside every readable JSON object, in order."""
    marks = [_Mark(*found.span(), kind) for found in _MARK.finditer(text) if (kind := _kind(found))]
    if _LEAKED.match(text):
        leaked = (_Mark(*found.span(), _channel(found["channel"])) for found in _LEAKED_MARK.finditer(text))
        marks = sorted([*marks, *leaked])
    objects = iter(find_objects(text) if marks else [])
    current = next(objects, None)
    outside = []
    for mark in marks:
        while current is not None and current.end <= mark.start:
            current = next(objects, None)
        if current is None or mark.start < current.start:
            outside.append(mark)
    return outside


def _kind(found: re.Match[str]) -> _Kind | None:
    """What a tag does; None for one that has nothing to do with reasoning."""
    if found["over"]:
        return _Kind.OVER
    if found["turn"]:
        return _Kind.TURN
    name = found["name"] or found["name_2"] or found["name_3"]
    if name is None:
        return _channel(found["channel"])
    if found["alone"] or not _REASONING.search(name):
        return None
    closes = found["slash"] or found["slash_2"] or found["slash_3"] or _CLOSING.search(name)
    return _Kind.CLOSE if closes else _Kind.OPEN


def _channel(name: str) -> _Kind:
    return _Kind.FINAL if name.casefold() in _FINAL else _Kind.OPEN
