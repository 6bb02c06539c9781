"""Protocols: how a moment becomes a conversation, and how a reply is read."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

from proactivebench.errors import BadArgument, DataError, UsageError
from proactivebench.protocols.base import Parsed, Protocol
from proactivebench.protocols.cards import Declared, Making, declared, shipped_cards
from proactivebench.protocols.tokens import PromptEstimate, estimate_prompt_tokens
from proactivebench.records import ProtocolIdentity, digest

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
    found = declared(name_or_file, {key: value for key, value in given.items() if value is not None})
    making = Making(pins, lambda candidates: load_protocol(READER, candidates=candidates))
    protocol = found.kind.build(found.card, making)
    return protocol if found.code is None else _known_by_code(protocol, found)


def _known_by_code(protocol: Protocol, found: Declared) -> Protocol:
    """A protocol from outside: its card is its identity, and the code that reads the card counts in its hash."""
    own, code = found.card.identity(), found.code
    identity = own.model_copy(update={"hash": digest([own.hash, code.sha256 if code else None]), "code": code})
    try:
        protocol.identity = identity  # type: ignore[misc]
    except AttributeError:
        raise BadArgument(
            f"protocol {found.card.name}: its identity cannot be set: derive it from StandardProtocol or Terms"
        ) from None
    return protocol


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
