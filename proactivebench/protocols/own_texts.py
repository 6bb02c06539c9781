"""The harness's own texts, which are never an answer: what its prompts say, and the words it puts into histories."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from proactivebench.records import Cause
from proactivebench.text import find_objects, has_letter, words

_LONG = 5  # words in a row that are nobody's own, where they stand in a prompt
_MARKER = 3  # words a placeholder must have to be told from what agents think
_QUOTED = re.compile(r"\"([^\"\n]+)\"|'([^'\n]+)'|`([^`\n]+)`|“([^”\n]+)”|<([^<>\n]+)>|\[([^\[\]\n]+)\]|\{([^{}\n]+)\}")
_SENTENCE_END = re.compile(r"(?<=[.!?;:])\s+|(?<=[。！？；：])")
_SLOT = re.compile(r"\s*(?:<[^<>]*>|\{+[^{}]*\}+)\s*")  # `<task>`, `{{task}}`: a place to be filled in
_TYPES = frozenset({"string", "strings", "str", "array", "list", "number", "integer", "boolean", "object"})
_JOINING = frozenset({"null", "or", "of", "a", "an"})


class OwnTexts:
    """What a protocol itself says: `prompts` (asking texts and examples) and `remarks` (what it puts into histories,
    the `placeholder` for an unreadable answer first of all).

    Made once per protocol; texts of cards are as long as their authors write them.
    """

    def __init__(self, prompts: Iterable[str] = (), remarks: Iterable[str] = (), placeholder: str = "") -> None:
        prompts, remarks = tuple(prompts), (*remarks, placeholder)
        self._literals = {said for text in prompts for part in _fragments(text) if (said := _said(part))}
        self._remarks = {said for text in remarks for part in _fragments(text) if (said := _said(part))}
        self._whole_remarks = {said for text in remarks if (said := _said(text))}
        self._prompts = [f" {_said(text)} " for text in prompts]
        self._remarked = [f" {said} " for said in self._whole_remarks]
        marker = _said(placeholder)
        self._placeholder = marker if marker.count(" ") + 1 >= _MARKER else ""

    def taken(self, offer: str, heard: Sequence[str] = ()) -> Cause | None:
        """ECHO or TEMPLATE where `offer` is one of these texts, or nothing that says anything; None for an offer of the
        agent's own. `heard`: what else the agent was told in this conversation."""
        if not has_letter(offer) or _SLOT.fullmatch(offer):
            return Cause.TEMPLATE
        said = _said(offer)
        if self._is_remark(said) or (heard and said in map(_said, heard)):
            return Cause.ECHO
        spoken = set(said.split())
        if said in self._literals or (spoken & _TYPES and spoken <= _TYPES | _JOINING) or _within(said, self._prompts):
            return Cause.TEMPLATE
        return None

    def whole(self, answer: str) -> Cause | None:
        """ECHO or TEMPLATE where all that was answered are these texts, objects in it included."""
        said = _said(answer)
        if said in self._whole_remarks:
            return Cause.ECHO
        return Cause.TEMPLATE if said in self._literals or _within(said, self._prompts) else None

    @staticmethod
    def long(text: str) -> bool:
        """Whether a text has more words than may stand beside an answer by chance."""
        return len(words(text)) >= _LONG

    def marked(self, values: Iterable[Any]) -> bool:
        """Whether one of an answer's texts is the placeholder: then the answer repeats it, whatever its task."""
        limit = 4 * len(self._placeholder)
        return any(
            isinstance(value, str) and len(value) <= limit and _said(value) == self._placeholder
            for value in (values if self._placeholder else ())
        )

    def _is_remark(self, said: str) -> bool:
        if said in self._remarks or _within(said, self._remarked):
            return True
        return any(remark in f" {said} " for remark in self._remarked if remark.count(" ") > _LONG)


def schema_texts(schema: Mapping[str, Any]) -> str:
    """The key names of a schema, as a prompt would show them."""
    return "\n".join(f'"{name}"' for name in schema.get("properties", {}))


def _said(text: str) -> str:
    """A text as its words, so that case, spaces, quotes and punctuation do not matter."""
    return " ".join(words(text))


def _within(said: str, texts: Iterable[str]) -> bool:
    """Whether so many words stand, in a row, in one of the texts."""
    return said.count(" ") + 1 >= _LONG and any(f" {said} " in text for text in texts)


def _fragments(text: str) -> Iterator[str]:
    """What of a text could be handed back as if it were an answer: the whole, its lines and sentences, what it quotes,
    what it says of a key, the texts in its JSON."""
    yield text
    for line in text.splitlines():
        yield line
        yield from _SENTENCE_END.split(line)
        yield from (part for found in _QUOTED.finditer(line) for part in found.groups() if part)
    for found in find_objects(text):
        yield from _strings(found.pairs)


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _strings(inner)
