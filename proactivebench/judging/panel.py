"""The `panel` kind: several judges vote on every item, by the rule, the minimum and the tie its card states."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import reduce
from typing import Literal

from pydantic import Field, model_validator

from proactivebench.judging.base import Ballot, Estimate, Item, Judge, Opinion
from proactivebench.judging.identity import panel_identity
from proactivebench.judging.kind import BaseCard, Building, JudgeKind
from proactivebench.models.base import add_usage
from proactivebench.records import JudgeIdentity, Stratum, Task, Trace, Usage, VerdictStatus
from proactivebench.together import together

ACCEPTED, REJECTED, UNSCORED = VerdictStatus.ACCEPTED, VerdictStatus.REJECTED, VerdictStatus.UNSCORED


class PanelCard(BaseCard):
    """Several judges vote. `minimum` valid members are needed; `tie` says what an even split means."""

    panel: tuple[str, ...] = Field(min_length=2)
    rule: Literal["majority", "mean"] = "majority"
    tie: Literal["accepted", "rejected", "unscored"] = "rejected"
    minimum: int = Field(default=2, ge=1)
    threshold: float = Field(default=0.5, gt=0, lt=1)

    @property
    def members(self) -> tuple[str, ...]:
        """The judges who vote."""
        return self.panel

    @model_validator(mode="after")
    def _enough_members(self) -> PanelCard:
        if self.minimum > len(self.panel):
            raise ValueError(f"minimum {self.minimum} of {len(self.panel)} members can never be reached")
        return self


class PanelJudge(Judge):
    """Asks all members about every item. Members that are unscored or have no opinion are not valid votes; below the
    card's minimum the item is unscored (`too_few_members`), and an even split is what the card's `tie` says."""

    def __init__(self, card: PanelCard, members: Sequence[Judge], identity: JudgeIdentity) -> None:
        self.card = card
        self.members = tuple(members)
        self.identity = identity
        in_process = any(member.lockstep and not member.identity.deterministic for member in members)
        self.lockstep = in_process or all(member.lockstep for member in members)

    def check(self, task: Task) -> None:
        """Whatever a member refuses."""
        for member in self.members:
            member.check(task)

    def hear(self, votes: Mapping[Trace, Sequence[Ballot]]) -> None:
        """Every member does."""
        for member in self.members:
            member.hear(votes)

    def deciders(self, stratum: Stratum) -> Iterator[Judge]:
        """The members, one by one."""
        for member in self.members:
            yield from member.deciders(stratum)

    def estimate(self, items: Sequence[Item]) -> Estimate:
        """What all members take."""
        return reduce(Estimate.plus, (member.estimate(items) for member in self.members), Estimate())

    async def judge(self, items: Sequence[Item]) -> list[Opinion | None]:
        """One opinion per item."""
        votes = await together(member.judge(items) for member in self.members)
        return [vote(self.card, opinions) for opinions in zip(*votes, strict=True)]


def vote(card: PanelCard, opinions: Sequence[Opinion | None]) -> Opinion:
    """What a panel's opinions on one item amount to. `spread` is the share of valid members against the verdict;
    `reason` names each member's vote; usage is summed, latency the slowest member's."""
    heard = [opinion for opinion in opinions if opinion is not None]
    valid = [opinion for opinion in heard if opinion.status is not UNSCORED]
    usage: Usage | None = None
    for opinion in heard:
        usage = add_usage(usage, opinion.usage)
    latencies = [opinion.latency_s for opinion in heard if opinion.latency_s is not None]
    status, probability, cause = _decide(card, valid)
    if status is UNSCORED and any((opinion.cause or "").startswith("error") for opinion in heard):
        cause = f"error:{cause}"  # as for a member alone: asked again once it can be reached
    against = sum(opinion.status is not status for opinion in valid) / len(valid) if valid else None
    return Opinion(
        status,
        card.name,
        probability=probability,
        reason="; ".join(_said(opinion) for opinion in heard) or None,
        cause=cause,
        usage=usage,
        latency_s=max(latencies, default=None),
        clipped=max((opinion.clipped for opinion in heard), default=0),
        spread=None if status is UNSCORED else against,
    )


def _decide(card: PanelCard, valid: Sequence[Opinion]) -> tuple[VerdictStatus, float | None, str | None]:
    if len(valid) < card.minimum:
        return UNSCORED, None, "too_few_members"
    accepting = sum(opinion.status is ACCEPTED for opinion in valid)
    if card.rule == "mean":
        stated = [opinion.probability for opinion in valid if opinion.probability is not None]
        if len(stated) < card.minimum:
            return UNSCORED, None, "too_few_probabilities"
        mean = sum(stated) / len(stated)
        if mean == card.threshold:
            return _tie(card, mean)
        return (ACCEPTED if mean > card.threshold else REJECTED), mean, None
    if 2 * accepting == len(valid):
        return _tie(card, None)
    return (ACCEPTED if 2 * accepting > len(valid) else REJECTED), None, None


def _tie(card: PanelCard, probability: float | None) -> tuple[VerdictStatus, float | None, str | None]:
    if card.tie == "unscored":
        return UNSCORED, None, "tie"
    return VerdictStatus(card.tie), probability, None


def _said(opinion: Opinion) -> str:
    word = opinion.status if opinion.status is not UNSCORED else f"unscored ({opinion.cause})"
    return f"{opinion.judge}: {word}"


def _build(card: PanelCard, building: Building) -> PanelJudge:
    members = [building.member(word) for word in card.panel]
    return PanelJudge(card, members, panel_identity(card, members))


KIND = JudgeKind(PanelCard, _build)
