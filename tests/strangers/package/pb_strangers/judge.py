"""A kind of judge: its card, and the judge of a card."""

from collections.abc import Sequence

from proactivebench import BaseCard, Item, Judge, JudgeKind, Opinion, VerdictStatus


class BriefCard(BaseCard):
    """Offers of at most `most` characters are accepted, and every silence."""

    most: int = 40


class BriefJudge(Judge):
    """Decides by length."""

    def __init__(self, card: BriefCard, identity) -> None:
        self.card, self.identity = card, identity

    async def judge(self, items: Sequence[Item]) -> list[Opinion | None]:
        """One opinion per item."""
        return [Opinion(self._status(item.proposal or ""), self.card.name) for item in items]

    def _status(self, offer: str) -> VerdictStatus:
        return VerdictStatus.ACCEPTED if len(offer) <= self.card.most else VerdictStatus.REJECTED


BRIEF = JudgeKind(BriefCard, lambda card, building: BriefJudge(card, building.identity(card, deterministic=True)))
