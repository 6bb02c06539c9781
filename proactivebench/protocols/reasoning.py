"""Telling an agent's reasoning from its answer: `<think>` blocks, also unclosed or with the opening tag left out."""

from __future__ import annotations

import re

from proactivebench.protocols.objects import find_objects

_TAG = re.compile(r"<(/?)(?:think|thinking|thought|reasoning)>|\[(/?)THINK\]", re.IGNORECASE)


def split_reasoning(text: str) -> tuple[str | None, str]:
    """The reasoning (None where no tag stands) and the answer, which is `text` unchanged where there is no reasoning.

    A tag inside a readable JSON object is text. What follows an opening tag that is never closed is reasoning: a
    draft is no answer. So is everything before a closing tag that was never opened, as chat templates that open the
    block themselves leave it.
    """
    tags = _tags(text)
    if not tags:
        return None, text
    reasoning: list[str] = []
    answer: list[str] = []
    position = 0
    thinking = False
    for tag in tags:
        piece = text[position : tag.start()]
        if closes := bool(tag[1] or tag[2]):
            reasoning += [piece] if thinking else [*answer, piece]
            answer = answer if thinking else []
        else:
            (reasoning if thinking else answer).append(piece)
        thinking = not closes
        position = tag.end()
    (reasoning if thinking else answer).append(text[position:])
    return "\n".join(filter(None, map(str.strip, reasoning))), "".join(answer).strip()


def _tags(text: str) -> list[re.Match[str]]:
    """The tags outside every readable JSON object, in order."""
    tags = list(_TAG.finditer(text))
    objects = iter(find_objects(text) if tags else [])
    current = next(objects, None)
    outside = []
    for tag in tags:
        while current is not None and current.end <= tag.start():
            current = next(objects, None)
        if current is None or tag.start() < current.start:
            outside.append(tag)
    return outside
