"""Where the lexical judge hears a need: what the agent `lexical-need` goes by."""

from __future__ import annotations

from functools import cache

from proactivebench.agents.baselines import GENERIC_OFFER, Baseline
from proactivebench.judging.base import Item
from proactivebench.judging.cards import declared
from proactivebench.judging.identity import member_identity
from proactivebench.judging.lexical.judge import LexicalCard, LexicalJudge
from proactivebench.judging.lexical.weights import read_weights
from proactivebench.records import Moment, ReplyKey, VerdictStatus


def hears_need(moment: Moment) -> bool:
    """Whether the shipped lexical judge rejects silence at a moment. A trace of the release is judged by the set that
    never saw it."""
    item = Item(moment, None, ReplyKey(moment.trace.trace_id, moment.turn))
    return _judge().opinion(item).status is VerdictStatus.REJECTED


@cache
def _judge() -> LexicalJudge:
    found = declared("lexical")
    if not isinstance(found.card, LexicalCard):
        raise TypeError("the shipped card `lexical` is of another kind")
    weights = read_weights(found.folder / found.card.weights)
    return LexicalJudge(weights, member_identity(found.card, found.card.name, found.card.name))


LEXICAL_NEED = Baseline(
    "lexical-need",
    "makes that offer where the lexical judge, which never saw the trace, hears a need",
    lambda request, _: GENERIC_OFFER if hears_need(request.moment) else None,
)
