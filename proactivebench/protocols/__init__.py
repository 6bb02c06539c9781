"""Protocols: how a moment becomes a conversation, and how a reply is read."""

from __future__ import annotations

from collections.abc import Mapping

from proactivebench.protocols.base import Parsed, Protocol
from proactivebench.protocols.cards import PaperCard, load_card, shipped_cards
from proactivebench.protocols.tokens import PromptEstimate, estimate_prompt_tokens

__all__ = [
    "Parsed",
    "PromptEstimate",
    "Protocol",
    "estimate_prompt_tokens",
    "load_protocol",
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

    return StandardProtocol(card)
