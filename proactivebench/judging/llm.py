"""The `llm` kind: any model asked with the card's own prompt, the proposal being data inside a nonce, at the end."""

from __future__ import annotations

import hashlib

from proactivebench.agents.base import Agent, Message
from proactivebench.judging.base import Item
from proactivebench.judging.cards import LLMCard
from proactivebench.judging.model import ModelJudge, Question
from proactivebench.judging.quoting import clip, fill, quote
from proactivebench.records import JudgeIdentity


class LLMJudge(ModelJudge):
    """Asks an LLM whether the user would accept a proposal, or agrees that none was needed."""

    def __init__(self, card: LLMCard, engine: Agent, identity: JudgeIdentity, *, seed: int = 0) -> None:
        super().__init__(card, engine, identity, seed=seed)
        self._prompt = card
        self._card_hash = card.hash

    def ask(self, item: Item) -> Question:
        """Events first, one JSON line each (a later moment's prompt continues an earlier one's), the proposal last."""
        lines, clipped = [], 0
        for event in item.moment.events:
            text, dropped = clip(event.event, self._prompt.max_event_chars)
            time, late = clip(event.time, self._prompt.max_event_chars)
            lines.append(quote({"time": time, "event": text, **_dropped(dropped)}))
            clipped += dropped + late
        proposal: dict[str, object] = {"proposal": None}
        if item.proposal is not None:
            text, dropped = clip(item.proposal, self._prompt.max_proposal_chars)
            proposal = {"proposal": text, **_dropped(dropped)}
            clipped += dropped
        values = {"events": "\n".join(lines), "proposal": quote(proposal), "nonce": self._nonce(item)}
        user = fill(self._prompt.user, values)
        return Question((Message("system", self._prompt.system), Message("user", user)), clipped)

    def _nonce(self, item: Item) -> str:
        """Depends on the proposal itself, so that no proposal can contain it; the same question has the same one."""
        return hashlib.sha256(f"{self._card_hash}:{item.question}".encode()).hexdigest()[:16]


def _dropped(characters: int) -> dict[str, int]:
    return {"characters_left_out": characters} if characters else {}
