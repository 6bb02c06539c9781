"""What each moment came to: the outcome of its last reply under the judge's verdicts, or another view of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from proactivebench.records import JudgeIdentity, NeedRule
from proactivebench.scoring.answers import ERROR, MISSING, PROPOSED, Answers
from proactivebench.scoring.decisions import ACCEPTED, REJECTED, UNSCORED, Decisions

UNASKED = 3
LETTERS = np.array(list("ARU?aru-."))  # offers, then silences, by verdict; then no outcome
OFFER, SILENCE, NO_OUTCOME = 0, 4, 8


@dataclass(frozen=True, slots=True)
class View:
    """One way to read the same replies. `labels` says that need labels decide on silence, by `rule`; `rule` is also
    what "need" means. `candidates` keeps the first so many of each reply."""

    name: str
    rule: NeedRule
    labels: bool
    candidates: int
    judged: bool = True

    @property
    def suffix(self) -> str:
        """What the view adds to a metric's key."""
        return f"_{self.name}" if self.name else ""


def views(answers: Answers, judge: JudgeIdentity) -> Iterator[View]:
    """What a report shows: the run's own silence source, the label rules, the first round, the first candidates."""
    moments = answers.moments
    rule = judge.label_rule
    own = View("", rule or moments.rules[0], labels=rule is not None, candidates=moments.candidates)
    yield own
    if any(trace.labels is not None for trace in moments.traces):
        for other in (NeedRule.MAJORITY, NeedRule.UNANIMOUS, NeedRule.ASKED):
            if other in moments.rules and (other is not rule or other is NeedRule.MAJORITY):
                yield View(other.value, other, labels=True, candidates=moments.candidates)
    if moments.rounds > 1:
        yield View("round0", own.rule, own.labels, moments.candidates)
    for candidates in range(1, moments.candidates):
        yield View(f"pred{candidates}", own.rule, own.labels, candidates)


@dataclass(frozen=True)
class Outcomes:
    """One view of a run, arrays (moments, repeats, judge repeats): `offers` and `silences` hold verdict codes (UNASKED
    where nobody was asked) and are read where `offered` and `silent` say so. `accepted`, `rejected` and `unscored`
    count candidates."""

    offered: NDArray[np.bool_]
    silent: NDArray[np.bool_]
    unclean: NDArray[np.bool_]
    offers: NDArray[np.int8]
    silences: NDArray[np.int8]
    sure: NDArray[np.bool_]  # people's labels decided
    accepted: NDArray[np.int16]
    rejected: NDArray[np.int16]
    unscored: NDArray[np.int16]

    def letters(self) -> NDArray[np.str_]:
        """One letter per moment and repeat, on the first judge repeat: see `records.JudgeReport`."""
        code = np.full(self.offered.shape, NO_OUTCOME, dtype=np.int8)
        code[self.offered] = OFFER + self.offers[:, :, 0][self.offered]
        code[self.silent] = SILENCE + self.silences[:, :, 0][self.silent]
        return LETTERS[code]


def outcomes(answers: Answers, decisions: Decisions, judge: JudgeIdentity, view: View) -> Outcomes:
    """The outcomes of a run in `view`."""
    rounds = answers.rounds_of(view.name)
    status = answers.at(answers.status, rounds)
    slots = answers.flat(rounds)
    offered = status == PROPOSED
    silent = ~offered & (status != ERROR) & (status != MISSING)

    verdicts = decisions.status[slots, : view.candidates]
    present = (np.arange(view.candidates) < answers.at(answers.offered, rounds)[:, :, None])[..., None]
    accepted, rejected, unscored = (
        ((verdicts == code) & present).sum(axis=2, dtype=np.int16) for code in (ACCEPTED, REJECTED, UNSCORED)
    )
    offers = np.where(accepted > 0, ACCEPTED, np.where((unscored > 0) | (rejected == 0), UNSCORED, REJECTED))
    if judge.proposals is None:
        offers = np.full_like(offers, UNASKED)
    decided = decisions.sure[slots, 0]
    if view.labels:
        decided = decided | (silent & (answers.moments.need(view.rule) >= 0)[:, None])[:, :, None]
    return Outcomes(
        offered=offered,
        silent=silent,
        unclean=silent & ~answers.clean(status),
        offers=offers.astype(np.int8),
        silences=_silences(answers, decisions, judge, view, slots),
        sure=decided,
        accepted=accepted,
        rejected=rejected,
        unscored=unscored,
    )


def _silences(
    answers: Answers, decisions: Decisions, judge: JudgeIdentity, view: View, slots: NDArray[np.int64]
) -> NDArray[np.int8]:
    if judge.silence is None:
        verdicts = np.full((*slots.shape, decisions.repeats), UNASKED, dtype=np.int8)
    else:
        verdicts = decisions.status[slots, 0]
    if view.labels:
        need = answers.moments.need(view.rule)
        labelled = need >= 0
        verdicts = verdicts.copy()
        verdicts[~labelled[:, None, None] & decisions.sure[slots, 0]] = UNASKED  # people said so by another rule
        verdicts[labelled] = np.where(need[labelled] == 1, REJECTED, ACCEPTED)[:, None, None]
    return verdicts
