"""What an agent's action amounts to as an answer: it is written down in the protocol's own form, and read from there
like anybody's, so that nothing in a returned text is ever taken for more than the offer it is."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from proactivebench.agents.contract import Action, Decision
from proactivebench.errors import UsageError
from proactivebench.models.base import Answer
from proactivebench.models.endpoint.reply import usage_of
from proactivebench.protocols.base import Protocol
from proactivebench.protocols.contract import CONFIDENCE_KEY, reply_text
from proactivebench.protocols.parser import LONGEST_OFFER, MOST_CANDIDATES
from proactivebench.text.loading import NotReadable, load_json

KNOWN = (Decision.SILENT, Decision.OFFER)  # what every suite of this version has
_SHOWN = 2_000  # characters of what is no action, kept as evidence
_OTHERS = 10  # offers beyond the number that counts that are written down
_NOTHING = frozenset({"", "null", "none"})


def answer_of(returned: object, protocol: Protocol) -> Answer:
    """The answer that what an agent returned amounts to: None, a text, several texts or an `Action`; anything else is
    written down as what it is, which no protocol reads as an offer.

    Raises `UsageError` for a decision that the suite does not have.
    """
    if returned is None:
        returned = Action()
    elif isinstance(returned, str):
        return _offered([returned], protocol)
    elif isinstance(returned, list | tuple) and all(isinstance(text, str) for text in returned):
        return _offered(list(returned), protocol)
    if isinstance(returned, Action):
        return _acted(returned, protocol)
    plain = isinstance(returned, bool | int | float | bytes)
    return no_action({"type": type(returned).__qualname__[:100], **({"value": str(returned)[:100]} if plain else {})})


def answer_of_message(body: Mapping[str, Any], protocol: Protocol) -> Answer:
    """The answer in a JSON object, as processes and HTTP agents send it: `decision` or `offers` or both, and what they
    state. Raises `UsageError` for a decision that the suite does not have."""
    offers = body.get("offers")
    offers = [offers] if isinstance(offers, str) else [] if offers is None else offers
    said = body.get("decision")
    if not isinstance(offers, list) or not all(isinstance(text, str) for text in offers):
        return no_action(body)
    if said not in (None, *Decision) or ("decision" not in body and "offers" not in body):
        return no_action(body)
    try:
        action = Action(
            offers,
            said,
            p_need=_stated(body.get("p_need")),
            p_accept=_stated(body.get("p_accept")),
            usage=usage_of(body.get("usage")),
        )
    except ValueError:
        return no_action(body)
    return _acted(action, protocol)


def no_action(evidence: object) -> Answer:
    """The answer of an agent that returned no action at all."""
    text = json.dumps(evidence, ensure_ascii=False, default=lambda value: type(value).__qualname__)
    return Answer(text=reply_text({"returned": text[:_SHOWN]}), in_process=True)


def _acted(action: Action, protocol: Protocol) -> Answer:
    if action.decision not in KNOWN:
        raise UsageError(
            f"the agent decided '{action.decision}', and this task knows {' and '.join(KNOWN)}: return one of those"
        )
    stated = {"p_need": action.p_need, CONFIDENCE_KEY: action.p_accept}
    found = _offered(
        list(action.offers), protocol, {name: value for name, value in stated.items() if value is not None}
    )
    return replace(found, usage=action.usage, confidence=action.p_accept, p_need=action.p_need)


def _offered(offers: list[str], protocol: Protocol, stated: Mapping[str, float] | None = None) -> Answer:
    """The texts as they are, none of them longer than what shows that it is too long. Those beyond the number that
    counts stand beside them, for who looks."""
    room = protocol.identity.candidates
    texts = [text[: LONGEST_OFFER + 1] for text in offers[: MOST_CANDIDATES + 1]]
    said = [text for text in texts if text.strip().casefold() not in _NOTHING]
    counted, others = said[:room] or texts[:1], [text[:_SHOWN] for text in said[room : room + _OTHERS]]
    besides = {**(stated or {}), **({"other_offers": others} if others else {})}
    return Answer(text=_with(protocol.render(counted), besides), in_process=True)


def _with(text: str, besides: Mapping[str, Any]) -> str:
    """A rendered reply with what else was said in it, where it is an object."""
    if not besides:
        return text
    try:
        reply = load_json(text)
    except NotReadable:
        return text
    return json.dumps({**reply, **besides}, ensure_ascii=False) if isinstance(reply, dict) else text


def _stated(value: Any) -> float | None:
    """A probability a message states; None for anything that is none, as in replies of models."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if number and 0 <= value <= 1 else None
