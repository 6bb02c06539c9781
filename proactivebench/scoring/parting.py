"""Where people and a judge part: of the answers that people labelled, what each of them accepts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from proactivebench.records import SILENCE, Adjusted, ByPeople, MetricValue, Parted
from proactivebench.scoring.answers import Answers
from proactivebench.scoring.counting import zeros
from proactivebench.scoring.decisions import ACCEPTED, REJECTED
from proactivebench.scoring.human_labels import People, Place
from proactivebench.scoring.intervals import Resampled, spread
from proactivebench.scoring.offers import Column
from proactivebench.scoring.outcomes import Outcomes
from proactivebench.scoring.registry import SHARE

C = Column
_MOST_NAMED = 5  # answers on which people and the judge part that are named, of each stratum
_SAYS = {"offers": ("rejects", "accepts"), "silences": ("says that help was due", "says that it was right")}
_VOTE = {"offers": "accept", "silences": "want no help"}
_SHARE = replace(SHARE, scarce="labels")


@dataclass(frozen=True)
class Decided:
    """The scored answers of one stratum of a run, offers or silences: moment and repeat of each, the share of the
    judge's repeats that accept it, and whether people's stored labels decided all of them."""

    offers: bool
    moment: NDArray[np.int64]
    repeat: NDArray[np.int64]
    verdict: NDArray[np.float64]
    sure: bool

    @classmethod
    def of(cls, found: Outcomes, *, offers: bool) -> Decided:
        """Those of a view of a run."""
        there, verdicts = (found.offered, found.offers) if offers else (found.silent, found.silences)
        scored = there[:, :, None] & np.isin(verdicts, (ACCEPTED, REJECTED))
        counted = scored.any(axis=2)
        share = ((verdicts == ACCEPTED) & scored).sum(axis=2)[counted] / scored.sum(axis=2)[counted]
        moment, repeat = np.nonzero(counted)
        return cls(offers, moment, repeat, share, bool(counted.any() and found.sure[counted].all()))

    @cached_property
    def places(self) -> list[Place]:
        """Where each stands."""
        pairs = zip(self.moment.tolist(), self.repeat.tolist(), strict=True)
        return [(moment, repeat, self.offers) for moment, repeat in pairs]


def by_people(answers: Answers, decided: Decided, people: People) -> ByPeople:
    """What people and the judge say of the labelled answers of a stratum, each counted once, with 95 % intervals over
    traces, and the answers on which they part. Of several judge repeats the majority counts."""
    said = [(place, people.said.get(where)) for place, where in enumerate(decided.places)]
    both = [(place, one) for place, one in said if one is not None]
    chosen = np.array([place for place, _ in both], dtype=np.int64)
    person = np.array([one.majority for _, one in both], dtype=bool)
    judge = decided.verdict[chosen] > 0.5
    trace = answers.trace_of(decided.moment[chosen])
    parted = [
        _parted(answers, decided, place, accepted=bool(judge[number]), votes=(one.accepted, one.votes))
        for number, (place, one) in enumerate(both)
        if judge[number] != person[number]
    ]
    return ByPeople(
        stratum="offers" if decided.offers else "silences",
        items=len(decided.verdict),
        labelled=len(both),
        unscored=sum(offer == decided.offers for _, _, offer in people.said) - len(both),
        stored=decided.sure,
        votes=sum(one.votes for _, one in both),
        premature=sum(one.premature for _, one in both),
        people=_share(person, trace),
        judge=_share(judge, trace),
        agreement=_share(person == judge, trace),
        parted=tuple(parted),
    )


def _share(hits: NDArray[np.bool_], trace: NDArray[np.int64]) -> MetricValue:
    if not len(hits):
        return MetricValue(value=None, reason="nothing labelled")
    counts = zeros(len(np.unique(trace)))
    at = np.unique(trace, return_inverse=True)[1]
    np.add.at(counts, (at, np.where(hits, C.TP, C.FP)), 1)
    known = spread(_SHARE, Resampled(counts))
    return MetricValue(value=known.value, interval=known.interval, interval_reason=known.reason, stderr=known.stderr)


def _parted(answers: Answers, decided: Decided, place: int, *, accepted: bool, votes: Sequence[int]) -> Parted:
    moment = int(decided.moment[place])
    trace = int(answers.trace_of(decided.moment[place : place + 1])[0])
    return Parted(
        trace_id=answers.moments.traces[trace].trace_id,
        turn=moment - int(answers.moments.starts[trace]),
        repeat=int(decided.repeat[place]),
        candidate=0 if decided.offers else SILENCE,
        judge=accepted,
        accepted=votes[0],
        votes=votes[1],
    )


def parting_lines(people: Adjusted) -> Iterator[str]:
    """What else is to be known of the labels: how many say "not yet", what has no verdict, and some of the answers on
    which people and the judge part."""
    for side in people.strata:
        if side.premature:
            yield f"{side.premature} of {side.votes} votes on {side.stratum} say 'not yet': they count as rejections"
        if side.stored and side.labelled:
            yield f"{side.stratum} are decided by votes that came with the data: these labels change no figure"
        if side.unscored:
            yield f"{side.unscored} labelled {side.stratum} have no verdict of the judge: left out"
        if side.parted:
            named = "; ".join(_named(side, one) for one in side.parted[:_MOST_NAMED])
            more = f"; and {len(side.parted) - _MOST_NAMED} more" if len(side.parted) > _MOST_NAMED else ""
            yield f"{side.stratum} they part on: {named}{more}"


def _named(side: ByPeople, one: Parted) -> str:
    again = f" (rollout {one.repeat})" if one.repeat else ""
    judge = _SAYS[side.stratum][one.judge]
    return f"{one.trace_id}/{one.turn}{again}, {one.accepted} of {one.votes} {_VOTE[side.stratum]}, the judge {judge}"
