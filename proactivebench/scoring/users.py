"""Users told apart: what each of those who voted needed themselves, and how an agent's offers meet that.

A user is a pseudonym where votes carry one, and then the same person in every trace; else a place among the votes of a
trace: the release has no names, and its annotators stand in one order throughout a trace."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from proactivebench.records import MomentLabels, Trace, UserFigures

Values = NDArray[np.float64]

FEWEST = 10  # users of both classes below which their mean has no interval
NOT_APART = "no votes of people are kept apart in these data; `annotate` collects them, and the release has some"
_OFFERS, _NO_REPLY = "ARU?", "."  # outcome letters
SMALL = 5  # moments of need, or without it, below which a user's own figures say little


@dataclass(frozen=True)
class Users:
    """What users said of moments that follow each other: entry i says that user `who[i]` (a place in `names`) needed
    help at moment `where[i]`, or not (`need[i]`). `votes` and `accepted` count each user's votes on offers, and those
    that accept; `moments` is how many moments there are."""

    names: tuple[str, ...]
    who: NDArray[np.int64]
    where: NDArray[np.int64]
    need: NDArray[np.bool_]
    votes: NDArray[np.int64]
    accepted: NDArray[np.int64]
    moments: int

    @classmethod
    def of(cls, traces: Iterable[Trace]) -> Users:
        """The users of some traces, in the order in which they first vote. Of the same traces they are read once in a
        process: every entry of a board asks for them, several times."""
        return _read(tuple(traces))

    def sums(self, values: Values) -> Values:
        """Per user the sum of `values` of entries: (users,)."""
        found: Values = np.bincount(self.who, weights=values, minlength=len(self.names)).astype(np.float64)
        return found

    def weights(self, answered: Values) -> tuple[Values, Values]:
        """What an offer at each moment adds to the sum of all users' recalls, and a silence to that of their
        specificities: for every user who needed help there (or did not), one over how many such moments the user has.
        Users without moments of both kinds add nothing. `answered` is the share of rollouts with an answer; all
        (moments,)."""
        share = answered[self.where]
        needed, free = self.sums(share * self.need), self.sums(share * ~self.need)
        both = (needed > 0) & (free > 0)

        def at_moments(count: Values, entries: NDArray[np.bool_]) -> Values:
            each = np.divide(1.0, count, out=np.zeros(len(count)), where=both)[self.who] * entries
            return np.bincount(self.where, weights=each, minlength=self.moments).astype(np.float64)

        return at_moments(needed, self.need), at_moments(free, ~self.need)

    def figures(self, offered: Values, answered: Values) -> tuple[UserFigures, ...]:
        """How offers meet each user, those who need most first. `offered` and `answered` are shares of the rollouts at
        each moment: (moments,)."""
        at, share = offered[self.where], answered[self.where]
        needed, free = self.sums(share * self.need), self.sums(share * ~self.need)
        met, needless = self.sums(at * self.need), self.sums(at * ~self.need)
        rows = [
            _figures(
                name, *(values[place].item() for values in (needed, free, met, needless, self.votes, self.accepted))
            )
            for place, name in enumerate(self.names)
            if needed[place] + free[place] > 0
        ]
        return tuple(sorted(rows, key=lambda row: (-row.need_rate, -row.moments, row.user)))


@lru_cache(maxsize=8)
def _read(traces: tuple[Trace, ...]) -> Users:
    places: dict[str, int] = {}
    entries: list[tuple[int, int, bool]] = []
    votes: list[int] = []
    accepted: list[int] = []
    start = 0
    for trace in traces:
        for turn, label in enumerate(trace.labels or ()):
            if label is None:
                continue
            for name, need in own_needs(label, trace.trace_id).items():
                if name not in places:
                    places[name] = len(places)
                    votes.append(0)
                    accepted.append(0)
                entries.append((places[name], start + turn, need))
            for name, vote in _votes(label, trace.trace_id):
                votes[places[name]] += 1
                accepted[places[name]] += vote
        start += len(trace.events)
    columns = np.array(entries, dtype=np.int64).reshape(-1, 3).T
    return Users(
        tuple(places), columns[0], columns[1], columns[2] == 1, np.array(votes, dtype=np.int64),
        np.array(accepted, dtype=np.int64), start,
    )  # fmt: skip


def _figures(
    name: str, needed: float, free: float, met: float, needless: float, votes: int, accepted: int
) -> UserFigures:
    recall, rate = met / needed if needed else None, needless / free if free else None
    return UserFigures(
        user=name,
        moments=needed + free,
        need_rate=needed / (needed + free),
        votes=votes,
        acceptance=accepted / votes if votes else None,
        balanced_accuracy=None if recall is None or rate is None else (recall + 1 - rate) / 2,
        recall=recall,
        needless_offer_rate=rate,
        small=min(needed, free) < SMALL,
    )


def own_needs(label: MomentLabels, trace: str) -> dict[str, bool]:
    """What each user needed at a moment of `trace`: by their own answer where they were asked (of several, most), else
    whether they accept any stored offer."""
    asked: dict[str, list[bool]] = {}
    for name, answer in zip(_names(label.asked_by, len(label.asked), trace), label.asked, strict=True):
        asked.setdefault(name, []).append(answer)
    found: dict[str, bool] = {}
    for name, vote in _votes(label, trace):
        found[name] = found.get(name, False) or vote
    return found | {name: 2 * sum(answers) > len(answers) for name, answers in asked.items()}


def _votes(label: MomentLabels, trace: str) -> Iterator[tuple[str, bool]]:
    for task in label.tasks:
        yield from zip(_names(task.annotators, len(task.votes), trace), task.votes, strict=True)


def _names(known: Sequence[str], number: int, trace: str) -> Sequence[str]:
    return known or [f"{trace} #{place}" for place in range(1, number + 1)]


def figures_of(traces: Sequence[Trace], outcomes: Mapping[str, Sequence[str]]) -> tuple[UserFigures, ...]:
    """The figures per user of a run, from what each moment came to (`JudgeReport.outcomes`): traces without any are
    left out."""
    scored = [trace for trace in traces if outcomes.get(trace.trace_id)]
    if not scored:
        return ()
    offered, answered = [], []
    for trace in scored:
        letters = np.array([list(rollout.ljust(len(trace.events), _NO_REPLY)) for rollout in outcomes[trace.trace_id]])
        offered.append(np.isin(letters, list(_OFFERS)).mean(axis=0))
        answered.append((letters != _NO_REPLY).mean(axis=0))
    return Users.of(scored).figures(np.concatenate(offered), np.concatenate(answered))


def another_person(traces: Sequence[Trace]) -> tuple[Values, Values, Values]:
    """How well another person's need tells a user's own: per trace the summed recalls and specificities of its users
    (each the mean over the others, on the moments of which both spoke), and how many users have such others."""
    met, spared, sizes = np.zeros(len(traces)), np.zeros(len(traces)), np.zeros(len(traces))
    for place, trace in enumerate(traces):
        said = _by_user(trace)
        for user, own in said.items():
            others = (_between(own, theirs) for other, theirs in said.items() if other != user)
            found = [pair for pair in others if pair is not None]
            if found:
                met[place] += sum(recall for recall, _ in found) / len(found)
                spared[place] += sum(quiet for _, quiet in found) / len(found)
                sizes[place] += 1
    return met, spared, sizes


def _by_user(trace: Trace) -> dict[str, dict[int, bool]]:
    found: dict[str, dict[int, bool]] = {}
    for turn, label in enumerate(trace.labels or ()):
        for name, need in (own_needs(label, trace.trace_id) if label else {}).items():
            found.setdefault(name, {})[turn] = need
    return found


def _between(own: Mapping[int, bool], other: Mapping[int, bool]) -> tuple[float, float] | None:
    """Recall and specificity of one person's need as offers against another's."""
    shared = [turn for turn in own if turn in other]
    met = [other[turn] for turn in shared if own[turn]]
    quiet = [not other[turn] for turn in shared if not own[turn]]
    return (sum(met) / len(met), sum(quiet) / len(quiet)) if met and quiet else None
