"""The `reward-model` kind: the published judge, asked with the release's exact prompt."""

from __future__ import annotations

from proactivebench.agents.base import Agent
from proactivebench.judging.base import Item
from proactivebench.judging.cards import RewardModelCard
from proactivebench.judging.model import ModelJudge, Question
from proactivebench.judging.released import RewardTemplate
from proactivebench.records import JudgeIdentity


class RewardModelJudge(ModelJudge):
    """Asks a model exactly as the release asks its reward model. Proposals stand in the prompt as the release puts
    them, unescaped and uncut: this judge is published, not hardened."""

    def __init__(
        self,
        card: RewardModelCard,
        engine: Agent,
        identity: JudgeIdentity,
        template: RewardTemplate,
        *,
        seed: int = 0,
    ) -> None:
        super().__init__(card, engine, identity, seed=seed)
        self.template = template

    def ask(self, item: Item) -> Question:
        """The release's messages for this item."""
        # Half a character (a lone surrogate) cannot be sent at all: it would leave the item unscored at will.
        proposal = None if item.proposal is None else item.proposal.encode("utf-8", "replace").decode()
        return Question(self.template.messages(item.moment, proposal))
