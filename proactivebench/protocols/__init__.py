"""Protocols: how a moment becomes a conversation, and how a reply is read."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

from proactivebench.errors import DataError, UsageError
from proactivebench.protocols.base import Parsed, Protocol
from proactivebench.protocols.cards import PaperCard, ReleasedCard, load_card, shipped_cards
from proactivebench.protocols.tokens import PromptEstimate, estimate_prompt_tokens
from proactivebench.records import ProtocolIdentity

READER, RELEASED = "standard", "released"  # who reads answers of other protocols; what answers from elsewhere carry

__all__ = [
    "READER",
    "RELEASED",
    "Parsed",
    "PromptEstimate",
    "Protocol",
    "estimate_prompt_tokens",
    "load_protocol",
    "protocol_of",
    "shipped_cards",
]


def load_protocol(
    name_or_file: str,
    *,
    history: str | None = None,
    candidates: int | None = None,
    feedback_rounds: int | None = None,
    feedback_judge: str | None = None,
    pins: Mapping[str, str] | None = None,
) -> Protocol:
    """A shipped protocol by name, or a card file, with what is given in place of what the card says.

    `feedback_judge` is the judge's id, so that its hash counts in the protocol's. `pins` (sha256 by path) replaces the
    release's pins for `paper`, whose prompts are fetched and verified here. Raises `UsageError` for what makes no sense
    and `DataError` where the release cannot be read.
    """
    given = {
        "history": history,
        "candidates": candidates,
        "feedback_rounds": feedback_rounds,
        "feedback_judge": feedback_judge,
    }
    card = load_card(name_or_file, {key: value for key, value in given.items() if value is not None})
    if isinstance(card, PaperCard):
        from proactivebench.protocols.paper import PaperProtocol
        from proactivebench.protocols.released import read_prompts

        return PaperProtocol(card, read_prompts(pins))
    from proactivebench.protocols.standard import StandardProtocol

    if isinstance(card, ReleasedCard):
        from proactivebench.protocols.recorded import RecordedProtocol

        return RecordedProtocol(card.identity(), load_protocol(READER, candidates=card.candidates))
    return StandardProtocol(card)


def protocol_of(identity: ProtocolIdentity) -> Protocol:
    """The protocol under which stored answers were given: itself where it is shipped here, with the same texts and
    rules, else one that only reads them."""
    from proactivebench.protocols.recorded import RecordedProtocol

    if identity.name in shipped_cards():  # never a path
        with suppress(UsageError, DataError):
            found = load_protocol(
                identity.name,
                history=identity.history,
                candidates=identity.candidates,
                feedback_rounds=identity.feedback_rounds or None,
                feedback_judge=identity.feedback_judge,
            )
            if found.identity.hash == identity.hash:
                return found
    return RecordedProtocol(identity, load_protocol(READER, candidates=identity.candidates))
