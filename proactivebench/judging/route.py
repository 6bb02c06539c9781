"""Composition: each stratum (silences, proposals) has a chain of judges, and the first with an opinion decides."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from functools import reduce
from types import MappingProxyType
from typing import Any
from typing import Protocol as Interface

from proactivebench.errors import UsageError
from proactivebench.judging.base import Ballot, Estimate, Item, Judge, Opinion
from proactivebench.judging.labels import LabelsJudge
from proactivebench.parameters import Parameters
from proactivebench.records import JudgeIdentity, NeedRule, Stratum, Task, Trace, VerdictStatus
from proactivebench.together import together

NO_VOTES = "no_votes"


class Engine(Interface):
    """What runs behind members and is started and closed once: an agent, or a classifier's scorer."""

    lockstep: bool

    def attach(self, parameters: Parameters) -> None:
        """Where what is found out is kept."""

    async def start(self) -> dict[str, Any]:
        """Get ready; returns what was found out."""

    async def close(self) -> None:
        """Let go of connections and memory."""


class RoutedJudge(Judge):
    """The judge behind every spec. It starts and closes the `engines` (by name) its members share.

    A silence without a source gets no opinion (None: it is not asked); a proposal on which no member has an opinion is
    unscored with the cause `no_votes`.
    """

    def __init__(
        self,
        identity: JudgeIdentity,
        silence: Sequence[Judge],
        proposals: Sequence[Judge],
        engines: Mapping[str, Engine] = MappingProxyType({}),
    ) -> None:
        self.identity = identity
        self._silence = tuple(silence)
        self._proposals = tuple(proposals)
        self._engines = dict(engines)
        self.lockstep = all(judge.lockstep for judge in (*silence, *proposals)) or any(
            e.lockstep for e in engines.values()
        )

    def check(self, task: Task) -> None:
        """Refuse labels that decide alone on a task with unlabelled moments, and whatever a member refuses."""
        chains: tuple[tuple[Stratum, tuple[Judge, ...]], ...]
        chains = (("silence", self._silence), ("proposals", self._proposals))
        for stratum, chain in chains:
            last = chain[-1] if chain else None
            if isinstance(last, LabelsJudge) and (lacking := last.lacking(task, stratum)):
                asked = stratum == "silence" and last.card.rule is NeedRule.ASKED
                voted = stratum == "silence" and NeedRule.ASKED in task.need_rules
                word, what = ("labels", "votes on offers" if voted else "labels")
                if asked:
                    word, what = "labels:asked", "direct answer on need"
                raise UsageError(
                    f"judge {word} for {stratum}: {lacking} of {task.moments} moments of {task.name} have no {what}: "
                    f"name another judge, or one to follow ({stratum}={word}+lexical)"
                )
            for judge in chain:
                judge.check(task)

    def hear(self, votes: Mapping[Trace, Sequence[Ballot]]) -> None:
        """Every member does."""
        for judge in (*self._silence, *self._proposals):
            judge.hear(votes)

    def deciders(self, stratum: Stratum) -> Iterator[Judge]:
        """Those of the stratum's chain."""
        for judge in self._silence if stratum == "silence" else self._proposals:
            yield from judge.deciders(stratum)

    def estimate(self, items: Sequence[Item]) -> Estimate:
        """What the first of each chain takes: who follows is asked only where it has no opinion."""
        silent = [item for item in items if item.proposal is None]
        offers = [item for item in items if item.proposal is not None]
        asked = ((self._silence, silent), (self._proposals, offers))
        return reduce(Estimate.plus, (chain[0].estimate(mine) for chain, mine in asked if chain), Estimate())

    def attach(self, parameters: Parameters) -> None:
        """Each model behind keeps what is found out about it under its name."""
        for name, engine in self._engines.items():
            engine.attach(parameters.below(name))

    async def start(self) -> dict[str, Any]:
        """Start the models behind; what they found out, by model name."""
        found = await together(engine.start() for engine in self._engines.values())
        # a backend of lm-eval knows only now whether it runs in this process or asks a server
        self.lockstep = not self._engines or any(engine.lockstep for engine in self._engines.values())
        return {name: facts for name, facts in zip(self._engines, found, strict=True) if facts}

    async def close(self) -> None:
        """Close the models behind."""
        await asyncio.gather(*(engine.close() for engine in self._engines.values()))

    async def judge(self, items: Sequence[Item]) -> list[Opinion | None]:
        """One opinion per item, in order; None for a silence nobody is asked about."""
        opinions: list[Opinion | None] = [None] * len(items)
        silent = [i for i, item in enumerate(items) if item.proposal is None]
        offers = [i for i, item in enumerate(items) if item.proposal is not None]
        for places, chain in ((silent, self._silence), (offers, self._proposals)):
            open_places = places
            for judge in chain:
                if not open_places:
                    break
                answers = await judge.judge([items[i] for i in open_places])
                for i, answer in zip(open_places, answers, strict=True):
                    opinions[i] = answer
                open_places = [i for i in open_places if opinions[i] is None]
            if chain:
                for i in open_places:
                    opinions[i] = Opinion(VerdictStatus.UNSCORED, chain[-1].identity.name, cause=NO_VOTES)
        return opinions
