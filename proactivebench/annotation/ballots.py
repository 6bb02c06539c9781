"""Votes as tables: who said what to each question of one kind, and in which order."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from proactivebench.annotation.job import JobFolder
from proactivebench.records import AnnotationItem, Answer, Vote

Floats = NDArray[np.float64]


class Kind(StrEnum):
    """What people are asked: for the need, or for what they think of an offer."""

    NEED = "need"
    OFFERS = "offers"


@dataclass(frozen=True)
class Ballot:
    """One answer to one question: `question` is its place in the ballots, `order` counts the person's answers."""

    annotator: str
    question: int
    answer: Answer
    order: int


@dataclass(frozen=True)
class Ballots:
    """The answers to the questions of one kind, each at its first showing, and again where it came a second time.

    `traces` has the trace of each question, `table` (questions, people) its votes: 1 for, 0 against, NaN where a person
    gave none (unsure, or not reached). `again` holds the answers at a second showing.
    """

    kind: Kind
    people: tuple[str, ...]
    traces: tuple[Hashable, ...]
    answers: tuple[Ballot, ...]
    again: tuple[Ballot, ...] = ()

    @cached_property
    def table(self) -> Floats:
        """The votes: (questions, people)."""
        found = np.full((len(self.traces), len(self.people)), np.nan)
        column = {name: place for place, name in enumerate(self.people)}
        for one in self.answers:
            if one.answer.vote is not None:
                found[one.question, column[one.annotator]] = one.answer.vote
        return found

    def of(self, annotator: str) -> list[Ballot]:
        """What one person answered, in the order it was given."""
        return sorted((one for one in self.answers if one.annotator == annotator), key=lambda one: one.order)


def ballots_of(items: Iterable[AnnotationItem], votes: Iterable[Vote], kind: Kind) -> Ballots:
    """The answers among `votes` to the questions of one kind, practice left out; people by name."""
    questions: dict[tuple[str, str | None], Hashable] = {}
    for item in items:
        if not item.practice:
            asked = [None] if kind is Kind.NEED and item.ask_need else []
            offers = [offer.offer_id for offer in item.offers] if kind is Kind.OFFERS else []
            questions |= {(item.item_id, one): item.trace_id for one in [*asked, *offers]}
    place = {question: number for number, question in enumerate(questions)}
    first: list[Ballot] = []
    again: list[Ballot] = []
    people: set[str] = set()
    for vote in votes:
        number = place.get((vote.item_id, vote.offer_id))
        if number is not None and vote.answer is not None:
            given = again if vote.occasion else first
            given.append(Ballot(vote.annotator, number, vote.answer, vote.order))
            people.add(vote.annotator)
    return Ballots(kind, tuple(sorted(people)), tuple(questions.values()), tuple(first), tuple(again))


def needs_by_person(folder: JobFolder, votes: Iterable[Vote], kind: Kind) -> list[list[list[dict[str, bool]]]]:
    """Per trace, moment and question of one kind each person's vote, as `anchors.against_others` takes them: of offers
    their acceptance, of the need whether help is wanted."""
    moments: dict[str, dict[int, dict[str | None, dict[str, bool]]]] = defaultdict(
        lambda: defaultdict(lambda: defaultdict(dict))
    )
    for vote in votes:
        if vote.counts and (vote.offer_id is None) is (kind is Kind.NEED):
            item = folder.items[vote.item_id]
            moments[item.trace_id][item.turn][vote.offer_id][vote.annotator] = vote.accepts
    return [[list(offers.values()) for _, offers in sorted(trace.items())] for _, trace in sorted(moments.items())]


def by_session(ballots: Sequence[Ballot], traces: Sequence[Hashable]) -> Mapping[Hashable, list[bool]]:
    """One person's votes by trace, traces and votes in the order they came."""
    found: dict[Hashable, list[bool]] = {}
    for one in ballots:
        if one.answer.vote is not None:
            found.setdefault(traces[one.question], []).append(one.answer.vote)
    return found
