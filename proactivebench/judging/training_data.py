"""On which of people's labels a judge's weights were trained, as whoever brings them says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator

NONE, UNKNOWN, RELEASE = "none", "unknown", "release"
ARGUMENT = "trained_on"
WAYS = "none, unknown, release, or the data sets: a name, FILE.jsonl or hf:ORG/NAME, with + between"


def declared(value: Any) -> Any:
    """What a card or `trained_on=` says, as names: () for `none`, None for `unknown`; anything that is no text or list
    of texts is left for the record to refuse."""
    if isinstance(value, str):
        words = tuple(word.strip() for word in value.split("+"))
        return None if words == (UNKNOWN,) else () if words in ((NONE,), ("",)) else words
    if isinstance(value, list | tuple) and all(isinstance(word, str) for word in value):
        return tuple(value)
    return value


TrainedOn = Annotated[tuple[str, ...] | None, BeforeValidator(declared)]


def said_of(card: Mapping[str, Any]) -> tuple[str, ...] | None:
    """What a stored card says of its judge's training labels: their names, () for none, None where nobody says. A kind
    that brings no weights of its own was trained on none; the published judge on the release's."""
    told = declared(card.get("trained_on"))
    if isinstance(told, tuple):
        return told
    if card.get("validation") == "leaked":
        return (RELEASE,)
    return None if "model_args" in card else ()
