"""The `reward-model` kind: the published judge, asked with the release's exact prompt."""

from __future__ import annotations

from typing import ClassVar

from proactivebench.judging.base import Item
from proactivebench.judging.kind import Building, JudgeKind, ModelCard
from proactivebench.judging.model import ModelJudge, Question
from proactivebench.judging.released import RewardTemplate, read_reward_template
from proactivebench.models.base import Model
from proactivebench.records import JudgeIdentity


class RewardModelCard(ModelCard):
    """The published reward model's prompt, read from the pinned release; nothing of it stands in the card."""

    known_by_weights: ClassVar[bool] = True


class RewardModelJudge(ModelJudge):
    """Asks a model exactly as the release asks its reward model. Proposals stand in the prompt as the release puts
    them, unescaped and uncut: this judge is published, not hardened."""

    def __init__(
        self,
        card: RewardModelCard,
        engine: Model,
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


def _build(card: RewardModelCard, building: Building) -> RewardModelJudge:
    engine, template = building.engine(card), read_reward_template()
    identity = building.identity(card, model=engine.identity, content=template.hash)
    return RewardModelJudge(card, engine, identity, template, seed=building.seed)


KIND = JudgeKind(RewardModelCard, _build)
