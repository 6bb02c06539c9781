"""Moment by moment: who needed help, who of a board's entries offered it, and which needs nobody met."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from proactivebench.records import OFFER_RULES, NeedRule, Task, TaskIdentity
from proactivebench.scoring.timing import Timing, needs_of

NAMED = 8  # entries that are named at a moment; the data files have all
_SHOWN = 140  # characters of an event
_SAID = {1: True, 0: False, -1: None}
_WHO = {
    NeedRule.UNANIMOUS: "all agree",
    NeedRule.MAJORITY: "most agree",
    NeedRule.ASKED: "most said yes",
}


@dataclass(frozen=True, slots=True)
class Spoke:
    """An entry as moments know it: when it offered."""

    key: str
    name: str
    timing: Timing


@dataclass(frozen=True, slots=True)
class Difficulty:
    """One moment: whether help was needed by each rule (None where nobody said), the leading one first, and which
    entries (their places) offered in at least half of their rollouts. `event` is its text, as far as it may be
    shown."""

    trace: str
    turn: int
    event: str
    need: dict[NeedRule, bool | None]
    offered: tuple[int, ...]

    @property
    def needed(self) -> str:
        """Who needed help, in words: by the leading rule, of the two offer rules by the stricter one that says so."""
        if all(said is None for said in self.need.values()):
            return "nobody said"
        lead = next(iter(self.need))
        shown = [lead] if lead is NeedRule.ASKED and self.need[lead] is not None else OFFER_RULES
        return next((_WHO[rule] for rule in shown if self.need.get(rule)), "no")

    @property
    def link(self) -> str:
        """The anchor of the moment on an entry's page."""
        return f"{self.trace}/{self.turn}"


@dataclass(frozen=True, slots=True)
class DifficultyTable:
    """The moments of one version of the data, with the entries on it in the order of a board."""

    id: str
    task: TaskIdentity
    entries: tuple[Spoke, ...]
    moments: tuple[Difficulty, ...]

    @property
    def rules(self) -> tuple[NeedRule, ...]:
        """The rules of need of the data, the leading one first."""
        return tuple(self.moments[0].need) if self.moments else OFFER_RULES

    @property
    def by_asking(self) -> bool:
        """Whether people were asked for need in so many words."""
        return NeedRule.ASKED in self.rules

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of need among which a reader can choose."""
        asked, offers = _WHO[NeedRule.ASKED], tuple(_WHO[rule] for rule in OFFER_RULES)
        heard = {moment.needed for moment in self.moments}
        words = tuple(word for word in (asked, *offers) if word in heard) if self.by_asking else offers
        return tuple(f"need:-{word.replace(' ', '-')}" for word in words)

    def met(self, rule: NeedRule) -> tuple[int, int, int, int]:
        """By `rule`: how many moments are needs, and how many of those no entry met, exactly one did, and all did."""
        offers = [len(moment.offered) for moment in self.moments if moment.need[rule]]
        return len(offers), offers.count(0), offers.count(1), offers.count(len(self.entries))

    def unmet(self, rule: NeedRule) -> tuple[Difficulty, ...]:
        """The needs by `rule` that no entry met."""
        return tuple(moment for moment in self.moments if moment.need[rule] and not moment.offered)

    def needless(self) -> tuple[int, int]:
        """How many moments need no help by any rule, and at how many of them at least half of the entries offered."""
        free = [
            len(moment.offered)
            for moment in self.moments
            if False in moment.need.values() and True not in moment.need.values()
        ]
        return len(free), sum(2 * offers >= len(self.entries) for offers in free)


def difficulty_tables(
    entries: Mapping[str, Sequence[Spoke]], tasks: Mapping[str, tuple[TaskIdentity, Task]], *, with_texts: bool = True
) -> list[DifficultyTable]:
    """A table for each version of the data that `entries` (by data hash) answered and that is at hand."""
    found = []
    for data_hash, spoke in entries.items():
        if spoke and data_hash in tasks:
            identity, task = tasks[data_hash]
            moments = tuple(_moments(task, spoke, with_texts=with_texts))
            found.append(DifficultyTable(f"moments-{data_hash[:8]}", identity, tuple(spoke), moments))
    return found


def _moments(task: Task, entries: Sequence[Spoke], *, with_texts: bool) -> Iterator[Difficulty]:
    needs = needs_of(task)
    names = [trace.trace_id for trace in task.traces]
    shares = [[flags.mean(axis=1) for flags in entry.timing.flags(names)] for entry in entries]
    for place, trace in enumerate(task.traces):
        for turn, event in enumerate(trace.events):
            yield Difficulty(
                trace=trace.trace_id,
                turn=turn,
                event=_cut(event.event) if with_texts else "",
                need={rule: _SAID[int(need[place][turn])] for rule, need in needs.items()},
                offered=tuple(entry for entry, share in enumerate(shares) if share[place][turn] >= 0.5),
            )


def flat_moments(table: DifficultyTable) -> Iterator[dict[str, object]]:
    """The moments of a table, one level of names and values each; without texts, which belong to others."""
    for moment in table.moments:
        yield {
            "task": table.task.name,
            "data_hash": table.task.data_hash,
            "trace_id": moment.trace,
            "turn": moment.turn,
            **{f"need_{rule}": said for rule, said in moment.need.items()},
            "offered": len(moment.offered),
            "entries": len(table.entries),
            "offered_by": " ".join(table.entries[place].key for place in moment.offered),
        }


def _cut(text: str) -> str:
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"
