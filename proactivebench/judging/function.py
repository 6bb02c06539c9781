"""Judges of a user's own without a card: a function that decides, a class of judges, or a judge ready made.

    def brief(moment, offer):
        # accepts short offers, and no silence after a failed test
        return len(offer) < 80 if offer else "failed" not in moment.events[-1].event

A function gets the moment and the offer (None: the agent stayed silent) and says whether the user would accept: True,
False, None (no opinion: the next judge of a chain decides), or an `Opinion`. It may be a coroutine.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

from proactivebench.judging.base import Item, Judge, Opinion
from proactivebench.judging.kind import BaseCard, Building, JudgeKind
from proactivebench.records import JudgeIdentity, Moment, VerdictStatus
from proactivebench.together import together

Decide = Callable[[Moment, str | None], Any]


class FunctionJudge(Judge):
    """Decides by a function. What it raises, or says that is no decision, leaves the item unscored with the cause."""

    def __init__(self, decide: Decide, identity: JudgeIdentity) -> None:
        self._decide = decide
        self.identity = identity

    async def judge(self, items: Sequence[Item]) -> list[Opinion | None]:
        """One opinion per item."""
        return await together(self._opinion(item) for item in items)

    async def _opinion(self, item: Item) -> Opinion | None:
        name = self.identity.name
        try:
            said = self._decide(item.moment, item.proposal)
            said = await said if inspect.isawaitable(said) else said
        except Exception as error:  # a user's own function may raise anything
            return Opinion(VerdictStatus.UNSCORED, name, cause=f"error:{type(error).__name__}", reason=str(error)[:300])
        if said is None or isinstance(said, Opinion):
            return said
        if isinstance(said, bool):
            return Opinion(VerdictStatus.ACCEPTED if said else VerdictStatus.REJECTED, name)
        return Opinion(VerdictStatus.UNSCORED, name, cause=f"no_verdict:{type(said).__name__}")


def deciding(decide: Decide) -> JudgeKind:
    """The kind of judge that decides by a function."""

    def build(card: BaseCard, building: Building) -> Judge:
        return FunctionJudge(decide, building.identity(card))

    return JudgeKind(BaseCard, build)


def prepared(judge: Judge | type[Judge]) -> JudgeKind:
    """The kind of a judge that takes no card: its class (made without arguments), or itself."""

    def build(card: BaseCard, building: Building) -> Judge:
        made = judge() if isinstance(judge, type) else judge
        made.identity = building.identity(card)
        building.keep(card.name, made)
        return made

    return JudgeKind(BaseCard, build)
