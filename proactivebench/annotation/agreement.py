"""How far the people of a job agree, with each other and with themselves, on the need and on offers apart."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from proactivebench.anchors import against_others as held_against_others
from proactivebench.annotation.ballots import Ballots, Kind, ballots_of, by_session, needs_by_person
from proactivebench.annotation.job import JobFolder, nobody_voted
from proactivebench.annotation.spoken import seconds_an_item
from proactivebench.records import AnnotationItem, Answer, MetricValue, NeedRule, Record, Vote, VoteKey
from proactivebench.scoring.counting import zeros
from proactivebench.scoring.intervals import Resampled, spread
from proactivebench.scoring.offers import Column
from proactivebench.scoring.registry import METRICS
from proactivebench.scoring.timing import SORTED_BY, measured
from proactivebench.validation.agreement import (
    Consistency,
    Estimate,
    Floats,
    Gwet,
    against_others,
    alpha_over_traces,
    cohen_kappa,
    complete,
    consistency,
    gwet_ac1,
    observed_agreement,
    pairwise,
    usual_number,
)
from proactivebench.validation.ceiling import Ceiling, ceiling_of
from proactivebench.validation.drift import Drift, drift

FEWEST_PEOPLE = 3
ALPHA_ONLY = "two people or fewer: of what people share, α only"
C = Column


class Repeats(Record):
    """How one person answered what came a second time: `pairs` with two votes, the share of them that stayed, and κ
    (None where chance alone explains it)."""

    pairs: int
    same: float
    kappa: float | None


class Person(Record):
    """One person's votes on one kind of question: the share `accepted` of them, its `drift`, those asked twice, and
    balanced accuracy against the majority of the others (None with two people or fewer). `premature` and `unsure` are
    shares of all answers."""

    annotator: str
    votes: int
    accepted: Estimate
    drift: Drift | None
    repeats: Repeats | None
    against_others: Estimate | None
    premature: float
    unsure: float


class Pair(Record):
    """On how many questions two people said the `same`, of those `both` voted on."""

    first: str
    second: str
    same: int
    both: int


class Human(Record):
    """The human row by one need rule: one person's need against that of the others, over moments."""

    rule: NeedRule
    value: MetricValue


class KindAgreement(Record):
    """Agreement on one kind of question. What needs three people is None below that, with the `reason`.

    `usual` is α on the questions with as many votes as most have, on which `icc` rests, too; None where all that have
    two votes have as many. `observed` is the share of agreeing pairs, averaged over questions with two votes;
    `one_human` is everybody's vote against the majority of the others, pooled; `human` the same of the need at a
    moment, the row of need tables.
    """

    kind: Kind
    questions: int
    votes: int
    people: tuple[Person, ...]
    alpha: Estimate
    usual: Estimate | None = None
    reason: str | None = None
    observed: float | None = None
    pairs: tuple[Pair, ...] = ()
    ac1: Gwet | None = None
    icc: Consistency | None = None
    one_human: Estimate | None = None
    human: tuple[Human, ...] = ()
    ceiling: Ceiling | None = None
    no_ceiling: str | None = None
    premature: float = 0.0
    unsure: float = 0.0


class Said(Record):
    """One person's answer to a question, with their reason."""

    annotator: str
    answer: Answer
    reason: str | None = None


class Disputed(Record):
    """A question of an item that people answered: the need (`offer` None) or an offer's text."""

    offer: str | None
    said: tuple[Said, ...]


class Disagreement(Record):
    """An item that people disagree on: `apart` of `pairs` of votes differ, over all its questions."""

    item_id: str
    trace_id: str
    turn: int
    apart: int
    pairs: int
    questions: tuple[Disputed, ...]

    @property
    def share(self) -> float:
        """The share of pairs of votes that differ."""
        return self.apart / self.pairs


class JobAgreement(Record):
    """How far a job's people agree: per kind of question, how long each took (median seconds an item, where known), and
    the items they disagree on most, those with the greatest share of differing pairs first."""

    job: str
    sealed: bool
    kinds: tuple[KindAgreement, ...]
    seconds: dict[str, float]
    disagreements: tuple[Disagreement, ...] = ()


def agreement_of(folder: JobFolder, *, most: int = 20, seed: int = 0) -> JobAgreement:
    """How far a job's people agree.

    Args:
        folder: The job.
        most: So many items that they disagree on are told.
        seed: Of bootstraps and random orders.

    Raises:
        UsageError: Nobody has voted yet.
        DataError: A file holds what cannot be a vote.
    """
    votes = folder.votes()
    if not any(vote.counts for vote in votes.values()):
        raise nobody_voted(folder)
    kinds = []
    for kind in Kind:
        ballots = ballots_of(folder.items.values(), votes.values(), kind)
        if np.isfinite(ballots.table).any():
            found = kind_agreement(ballots, seed=seed)
            if found.reason is None:
                found = found.model_copy(
                    update={"human": human_rows(needs_by_person(folder, votes.values(), kind), kind)}
                )
            kinds.append(found)
    return JobAgreement(
        job=folder.job.name,
        sealed=folder.job.sealed,
        kinds=tuple(kinds),
        seconds=_seconds(votes.values()),
        disagreements=tuple(_disagreements(folder, votes)[:most]),
    )


def kind_agreement(ballots: Ballots, *, seed: int = 0) -> KindAgreement:
    """Agreement on the questions of one kind, the human row of whole moments apart."""
    table, traces = ballots.table, ballots.traces
    several = len(ballots.people) >= FEWEST_PEOPLE
    answers = [one.answer for one in ballots.answers]
    found = KindAgreement(
        kind=ballots.kind,
        questions=int((~np.isnan(table)).any(axis=1).sum()),
        votes=int((~np.isnan(table)).sum()),
        people=tuple(_person(ballots, place, several=several, seed=seed) for place in range(len(ballots.people))),
        alpha=alpha_over_traces(table, traces, seed=seed),
        reason=None if several else ALPHA_ONLY,
        premature=_share(answers, Answer.PREMATURE),
        unsure=_share(answers, Answer.UNSURE),
    )
    if not several:
        return found
    same, both = pairwise(table)
    names = ballots.people
    ceiling, no_ceiling = _ceiling(ballots)
    size = usual_number(table)
    cut = complete(table, traces, size) if size else None
    return found.model_copy(
        update={
            "observed": observed_agreement(table),
            "pairs": tuple(
                Pair(first=names[a], second=names[b], same=int(same[a, b]), both=int(both[a, b]))
                for a in range(len(names))
                for b in range(a + 1, len(names))
            ),
            "ac1": _ac1(table),
            "icc": consistency(cut.votes, cut.blocks) if cut else None,
            "usual": (
                alpha_over_traces(cut.votes, cut.traces, seed=seed)
                if cut and len(cut.votes) < found.alpha.items
                else None
            ),
            "one_human": against_others(table, traces, seed=seed),
            "ceiling": ceiling,
            "no_ceiling": no_ceiling,
        }
    )


def human_rows(votes: Sequence[Sequence[Sequence[Mapping[str, bool]]]], kind: Kind) -> tuple[Human, ...]:
    """One person's need against that of the others, as balanced accuracy over moments: by offers, whether they accept
    any against whether the others accept one, all or most of them; asked, their answer against that of most others.
    `votes` as `needs_by_person` gives them."""
    held = held_against_others(votes)
    if kind is Kind.NEED:
        held = {NeedRule.ASKED: held[NeedRule.MAJORITY]} if held else {}
    return tuple(
        Human(rule=rule, value=measured(shown, {rule: needed})[SORTED_BY]) for rule, (shown, needed) in held.items()
    )


def _person(ballots: Ballots, place: int, *, several: bool, seed: int) -> Person:
    name = ballots.people[place]
    own = ballots.of(name)
    sessions = by_session(own, ballots.traces)
    votes = [vote for session in sessions.values() for vote in session]
    return Person(
        annotator=name,
        votes=len(votes),
        accepted=share_over_traces(sessions.values()),
        drift=drift(list(sessions.values()), seed=seed),
        repeats=_repeats(ballots, name),
        against_others=against_others(ballots.table, ballots.traces, person=place, seed=seed) if several else None,
        premature=_share([one.answer for one in own], Answer.PREMATURE),
        unsure=_share([one.answer for one in own], Answer.UNSURE),
    )


def share_over_traces(sessions: Iterable[Sequence[bool]]) -> Estimate:
    """The share of votes that accept, with its interval over traces: that of precision, whose counts are the same.
    `sessions` has each trace's votes."""
    given = list(sessions)
    counts = zeros(len(given))
    counts[:, C.TP] = [sum(votes) for votes in given]
    counts[:, C.FP] = [len(votes) - sum(votes) for votes in given]
    votes = int(counts.sum())
    if not votes:
        return Estimate(value=None, reason="no votes")
    found = spread(METRICS["precision"], Resampled(counts))
    reason = "too few votes" if found.reason and found.reason.startswith("too few") else found.reason
    return Estimate(value=found.value, interval=found.interval, reason=reason, items=votes)


def _share(answers: Sequence[Answer], which: Answer) -> float:
    return sum(answer is which for answer in answers) / len(answers) if answers else 0.0


def _repeats(ballots: Ballots, name: str) -> Repeats | None:
    first = {one.question: one.answer.vote for one in ballots.answers if one.annotator == name}
    pairs = [
        (before, one.answer.vote)
        for one in ballots.again
        if one.annotator == name and (before := first.get(one.question)) is not None and one.answer.vote is not None
    ]
    if not pairs:
        return None
    kappa = cohen_kappa([a for a, _ in pairs], [b for _, b in pairs])
    return Repeats(pairs=len(pairs), same=sum(a == b for a, b in pairs) / len(pairs), kappa=kappa)


def _ac1(table: Floats) -> Gwet:
    """Gwet's AC1; without the interval of no width that its formula gives where all questions are alike."""
    found = gwet_ac1(table)
    return found if found.stderr else found.model_copy(update={"stderr": None, "interval": None})


def _ceiling(ballots: Ballots) -> tuple[Ceiling | None, str | None]:
    """What any judge can reach, by questions with as many votes as most have, of three or more; or why it is not
    known."""
    enough = (~np.isnan(ballots.table)).sum(axis=1) >= FEWEST_PEOPLE
    size = usual_number(ballots.table[enough])
    if size is None:
        return None, f"no question has {FEWEST_PEOPLE} votes"
    cut = complete(ballots.table, ballots.traces, size)
    try:
        return ceiling_of(cut.votes, cut.blocks, cut.people.tolist()), None
    except ValueError as error:
        return None, str(error)


def _seconds(votes: Iterable[Vote]) -> dict[str, float]:
    """The median seconds an item took, of each person where it is known."""
    by_person: dict[str, list[Vote]] = defaultdict(list)
    for vote in votes:
        by_person[vote.annotator].append(vote)
    found = {name: seconds_an_item(own) for name, own in sorted(by_person.items())}
    return {name: seconds for name, seconds in found.items() if seconds is not None}


def _disagreements(folder: JobFolder, votes: Mapping[VoteKey, Vote]) -> list[Disagreement]:
    """The items that people disagree on, most first; of equals those with more votes, then in the job's order."""
    asked: dict[str, dict[str | None, list[Vote]]] = defaultdict(lambda: defaultdict(list))
    for vote in votes.values():
        if not vote.occasion:
            asked[vote.item_id][vote.offer_id].append(vote)
    found = []
    for item in folder.items.values():
        if item.item_id in asked:
            one = _disagreement(item, asked[item.item_id])
            if one.apart:
                found.append(one)
    return sorted(found, key=lambda one: (-one.share, -one.pairs))


def _disagreement(item: AnnotationItem, said: Mapping[str | None, list[Vote]]) -> Disagreement:
    texts: dict[str | None, str | None] = {None: None, **{offer.offer_id: offer.text for offer in item.offers}}
    apart = pairs = 0
    questions = []
    for offer_id, text in texts.items():
        given = sorted(said.get(offer_id, ()), key=lambda vote: vote.annotator)
        counted = [vote.answer.vote for vote in given if vote.answer and vote.answer.vote is not None]
        apart += sum(counted) * (len(counted) - sum(counted))
        pairs += len(counted) * (len(counted) - 1) // 2
        if given:
            answers = tuple(
                Said(annotator=v.annotator, answer=v.answer, reason=v.reason) for v in given if v.answer is not None
            )
            questions.append(Disputed(offer=text, said=answers))
    return Disagreement(
        item_id=item.item_id,
        trace_id=item.trace_id,
        turn=item.turn,
        apart=apart,
        pairs=pairs,
        questions=tuple(questions),
    )
