"""The `labels` kind: what people said about a moment decides."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Self

from proactivebench.judging.base import Item, Judge, Opinion
from proactivebench.judging.kind import BaseCard, Building, JudgeKind
from proactivebench.records import JudgeIdentity, MomentLabels, NeedRule, Stratum, Task, TaskVotes, VerdictStatus


class LabelsCard(BaseCard):
    """People's stored labels decide."""

    fallible: ClassVar[bool] = False

    rule: NeedRule = NeedRule.UNANIMOUS

    @property
    def need_rule(self) -> NeedRule | None:
        """The rule it reads need by."""
        return self.rule

    def ruled(self, rule: NeedRule) -> Self:
        """The card under another rule."""
        return self.model_copy(update={"rule": rule})


class LabelsJudge(Judge):
    """Silence is right iff the moment is not one of need by the card's rule; a proposal is decided by the majority of
    the votes on its exact text at that moment. No opinion where people said nothing."""

    def __init__(self, card: LabelsCard, identity: JudgeIdentity) -> None:
        self.card = card
        self.identity = identity

    def lacking(self, task: Task, stratum: Stratum) -> int:
        """Number of moments of a task at which nobody said anything that it could decide a stratum by."""
        return task.lacking(self.card.rule) if stratum == "silence" else task.unlabelled

    async def judge(self, items: Sequence[Item]) -> list[Opinion | None]:
        """One opinion per item; None where nobody labelled the moment or voted on the text."""
        return [self.opinion(item) for item in items]

    def opinion(self, item: Item) -> Opinion | None:
        """What people said about one item."""
        labels = item.moment.labels
        if labels is None:
            return None
        if item.proposal is None:
            need = labels.needs(self.card.rule)
            return None if need is None else Opinion(_status(not need), f"{self.card.name}:{self.card.rule}")
        votes = votes_on(labels, item.proposal)
        return None if votes is None else Opinion(_status(votes.accepted), self.card.name)


def votes_on(labels: MomentLabels, proposal: str) -> TaskVotes | None:
    """All votes on this exact text at this moment, pooled over its copies; None without any. Pseudonyms stand beside
    them only where every vote has one."""
    copies = [stored for stored in labels.tasks if stored.task == proposal]
    votes = tuple(vote for stored in copies for vote in stored.votes)
    named = tuple(name for stored in copies for name in stored.annotators)
    whole = len(named) == len(votes)
    return TaskVotes(task=proposal, votes=votes, annotators=named if whole else ()) if votes else None


def _status(right: bool) -> VerdictStatus:
    return VerdictStatus.ACCEPTED if right else VerdictStatus.REJECTED


def _build(card: LabelsCard, building: Building) -> LabelsJudge:
    return LabelsJudge(card, building.identity(card, silence=f"{card.name}:{card.rule}", deterministic=True))


KIND = JudgeKind(LabelsCard, _build)
