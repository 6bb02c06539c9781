"""The `lexical` kind: two small trained heads. A baseline; it measures grounding, not usefulness."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from proactivebench.judging.base import Item, Judge, Opinion
from proactivebench.judging.kind import BaseCard, Building, JudgeKind
from proactivebench.judging.lexical.features import proposal_features, silence_features
from proactivebench.judging.lexical.weights import OTHER, Heads, Weights, read_weights
from proactivebench.records import Design, JudgeIdentity, Trace, VerdictStatus


class LexicalCard(BaseCard):
    """Two small logistic heads over lexical features; `weights` is a file beside the card, which records the traces it
    was trained on."""

    weights: str


class LexicalJudge(Judge):
    """Decides every item. A trace it was trained on, recognised by its content, is judged by the set that never saw
    it."""

    def __init__(self, weights: Weights, identity: JudgeIdentity) -> None:
        self.weights = weights
        self.identity = identity
        self._heads: dict[int, tuple[Trace, Heads]] = {}

    def design(self, traces: Sequence[Trace]) -> Design:
        """Leave one trace out where it was trained on any of these."""
        seen = any(self.weights.set_for(trace) != OTHER for trace in traces)
        return "leave-one-trace-out" if seen else "direct"

    async def judge(self, items: Sequence[Item]) -> list[Opinion | None]:
        """One opinion per item."""
        return [self.opinion(item) for item in items]

    def opinion(self, item: Item) -> Opinion:
        """The decision on one item, with its probability."""
        heads, events = self.heads(item.moment.trace), item.moment.events
        if item.proposal is None:
            head, features = heads.silences, silence_features(events)
        else:
            head, features = heads.proposals, proposal_features(events, item.proposal)
        probability = head.probability(features)
        status = VerdictStatus.ACCEPTED if probability >= head.threshold else VerdictStatus.REJECTED
        return Opinion(status, self.identity.name, probability=probability)

    def heads(self, trace: Trace) -> Heads:
        """The weight set for a trace."""
        known = self._heads.get(id(trace))
        if known is None or known[0] is not trace:
            known = (trace, self.weights.sets[self.weights.set_for(trace)])
            self._heads[id(trace)] = known
        return known[1]


def _build(card: LexicalCard, building: Building) -> LexicalJudge:
    """The judge of a card, whose weights lie beside it. Raises DataError where they cannot be used."""
    path = building.folder / card.weights
    weights = read_weights(path)
    content = hashlib.sha256(path.read_bytes()).hexdigest()
    return LexicalJudge(weights, building.identity(card, content=content, baseline=True, deterministic=True))


KIND = JudgeKind(LexicalCard, _build)
