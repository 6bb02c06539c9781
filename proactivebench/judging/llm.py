"""The `llm` kind: any model asked with the card's own prompt, the proposal being data inside a nonce, at the end."""

from __future__ import annotations

import hashlib

from pydantic import Field, model_validator

from proactivebench.judging.base import Item
from proactivebench.judging.kind import ModelCard
from proactivebench.judging.model import ModelJudge, Question, asking
from proactivebench.judging.quoting import clip, fill, quote
from proactivebench.models.base import Message, Model
from proactivebench.records import JudgeIdentity


class LLMCard(ModelCard):
    """An LLM asked with the card's own prompt. `user` holds {{events}}, {{nonce}} and {{proposal}}, the last at the
    end so that prefixes are shared; everything filled in is escaped JSON, clipped to the caps."""

    system: str
    user: str
    max_proposal_chars: int = Field(default=4000, ge=100)
    max_event_chars: int = Field(default=2000, ge=100)

    @model_validator(mode="after")
    def _placeholders(self) -> LLMCard:
        for name in ("{{events}}", "{{proposal}}"):
            if self.user.count(name) != 1:
                raise ValueError(f"user must hold {name} exactly once")
        if self.user.index("{{events}}") > self.user.index("{{proposal}}"):
            raise ValueError("user must hold {{proposal}} after {{events}}")
        if "{{nonce}}" not in self.user:
            raise ValueError("user must hold {{nonce}} around the proposal")
        return self


class LLMJudge(ModelJudge):
    """Asks an LLM whether the user would accept a proposal, or agrees that none was needed."""

    def __init__(self, card: LLMCard, engine: Model, identity: JudgeIdentity, *, seed: int = 0) -> None:
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


KIND = asking(LLMJudge, LLMCard)
