"""Where the lexical judge hears a need: what the agent `lexical-need` goes by."""

from __future__ import annotations

from functools import cache

from proactivebench.agents.baselines import GENERIC_OFFER, Baseline
from proactivebench.judging.base import Item
from proactivebench.judging.cards import LexicalCard, card_path, load_card
from proactivebench.judging.identity import member_identity
from proactivebench.judging.lexical.judge import LexicalJudge
from proactivebench.records import Moment, ReplyKey, VerdictStatus


def hears_need(moment: Moment) -> bool:
    """Whether the shipped lexical judge rejects silence at a moment. A trace of the release is judged by the set that
    never saw it."""
    item = Item(moment, None, ReplyKey(moment.trace.trace_id, moment.turn))
    return _judge().opinion(item).status is VerdictStatus.REJECTED


@cache
def _judge() -> LexicalJudge:
    card = load_card("lexical")
    if not isinstance(card, LexicalCard):
        raise TypeError("the shipped card `lexical` is of another kind")
    return LexicalJudge.from_card(card, card_path("lexical").parent, member_identity)


LEXICAL_NEED = Baseline(
    "lexical-need",
    "makes that offer where the lexical judge, which never saw the trace, hears a need",
    lambda request, _: GENERIC_OFFER if hears_need(request.moment) else None,
)
