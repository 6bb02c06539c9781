"""What a run's labels will buy, by its own counts and what its judge is known to be worth."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from proactivebench.annotation.precision import Expected, agreement, half_width
from proactivebench.annotation.runs import Answered
from proactivebench.garbage import collector_paused
from proactivebench.judging.errors import judge_errors
from proactivebench.judging.measurement import speaking_for
from proactivebench.records import ErrorCount, ItemStratum, JudgeErrors, JudgeIdentity
from proactivebench.reporting import measured_of, measurements_in
from proactivebench.scoring.answers import PROPOSED
from proactivebench.scoring.decisions import ACCEPTED, REJECTED, judge_named, read_verdicts
from proactivebench.scoring.outcomes import outcomes, views
from proactivebench.scoring.prediction_powered import FEWEST_LABELLED
from proactivebench.traces import trace_hashes

PLANNED = (30, 60, 120)  # labels in each stratum that a forecast is made for
ACCEPTED_ON_RELEASE = {ItemStratum.OFFERS: 0.39, ItemStratum.SILENCES: 0.67}  # share of votes; moments without need
ICC = {ItemStratum.OFFERS: 0.05, ItemStratum.SILENCES: 0.08}  # within a trace of the release (METRICS.md section 3)
_EDGE = 0.1  # no share is expected nearer to 0 or 1: a judge's errors leave that open

Masks = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Forecast:
    """Half-widths of one run's prediction-powered F1, infinite where there will be no interval: `half_widths` by the
    number of labels in each stratum, `of_job` with those of the job; `lacking` says what keeps the job from correcting
    the score, and `grounds` in words what was assumed of people and judge."""

    run: str
    agent: str
    half_widths: dict[int, float]
    of_job: float
    lacking: tuple[str, ...]
    grounds: str


def forecast(
    answered: Answered,
    drawn: Mapping[ItemStratum, Sequence[float]],
    judge: str | None = None,
    correlation: float | None = None,
) -> Forecast:
    """How wide the interval of a run's F1 will be.

    Args:
        answered: The run.
        drawn: By stratum the probability of each of its answers that the job settles. Unequal ones are worth as many
            labels as (Σw)²/Σw², with w = 1/probability (Kish).
        judge: Whose verdicts to go by, id or name. Default: the first that judged the run.
        correlation: Of its verdicts with people's. Default: what its measured errors say; 0 where nobody measured it.

    Raises:
        UnknownName: No such judge has judged the run.
    """
    offers, silences, grounds = expected(answered, judge, correlation)
    strata = {ItemStratum.OFFERS: offers, ItemStratum.SILENCES: silences}

    def enough(labels: Mapping[ItemStratum, int]) -> bool:
        return all(one.certain or not one.size or labels[name] >= FEWEST_LABELLED for name, one in strata.items())

    settled = {name: len(drawn.get(name, ())) for name in strata}
    worth = [effective(drawn.get(name, ())) for name in strata]
    return Forecast(
        run=answered.run.path,
        agent=answered.run.agent,
        half_widths={
            labels: half_width(offers, silences, labels)
            if enough({name: min(labels, one.size) for name, one in strata.items()})
            else math.inf
            for labels in PLANNED
        },
        of_job=half_width(offers, silences, *worth) if enough(settled) else math.inf,
        lacking=tuple(
            f"{settled[name]} labels of {name}, and it takes {FEWEST_LABELLED}"
            for name, one in strata.items()
            if one.size and not one.certain and settled[name] < FEWEST_LABELLED
        ),
        grounds=grounds,
    )


def effective(probabilities: Sequence[float]) -> float:
    """As how many labels those are worth whose answers were drawn with these probabilities: (Σw)²/Σw², w = 1/p."""
    weights = [1 / one for one in probabilities]
    return sum(weights) ** 2 / sum(weight * weight for weight in weights) if weights else 0.0


def expected(
    answered: Answered, judge: str | None = None, correlation: float | None = None
) -> tuple[Expected, Expected, str]:
    """What is expected of people's labels of a run's offers and of its silences, and on what grounds, in words.

    Where the data's labels decided they are known. Else people are expected to accept what a judge that is measured
    accepts, corrected by its errors; and under any other, or none, what people accepted on the release. Arguments and
    errors are those of `forecast`.
    """
    named = _judge(answered, judge)
    verdicts = _Verdicts.of(answered, named) if named else None
    found = {stratum: _stratum(answered, stratum, verdicts, correlation) for stratum in ItemStratum}
    said = [f"{one.accepted:.0%} of {name} accepted ({why})" for name, (one, why) in found.items() if one.size]
    grounds = ", ".join(said) + (f"; r is of {named.name}'s verdicts with theirs" if named else "; no verdicts")
    return found[ItemStratum.OFFERS][0], found[ItemStratum.SILENCES][0], grounds


@dataclass(frozen=True, slots=True)
class _Verdicts:
    """A judge's verdicts on a run: by stratum which were given and which accept; `sure` where labels decided; the
    judge's errors, as far as they are known, and whether its verdicts say what people think (`leads`)."""

    given: dict[ItemStratum, Masks]
    accepting: dict[ItemStratum, Masks]
    sure: Masks
    errors: JudgeErrors | None
    leads: bool

    @classmethod
    def of(cls, answered: Answered, judge: JudgeIdentity) -> _Verdicts:
        answers, manifest = answered.answers, answered.manifest
        with collector_paused():
            decisions = read_verdicts(answers, judge, answered.store.iter_verdicts(judge.id))
        found = outcomes(answers, decisions, judge, next(views(answers, judge)))
        codes = {
            ItemStratum.OFFERS: (found.offers, found.offered),
            ItemStratum.SILENCES: (found.silences, found.silent),
        }
        known = speaking_for(measured_of(judge, manifest), trace_hashes(answered.task))
        scored = {name: np.isin(code, (ACCEPTED, REJECTED)) for name, (code, _) in codes.items()}
        return cls(
            given={name: there[:, :, None] & scored[name] for name, (_, there) in codes.items()},
            accepting={name: code == ACCEPTED for name, (code, _) in codes.items()},
            sure=found.sure,
            errors=judge_errors(judge, known),
            leads=measurements_in(manifest, answered.task)[judge.id].leads,
        )

    def rates(self, stratum: ItemStratum) -> tuple[float, float] | None:
        """Sensitivity and specificity towards acceptance, where both are measured."""
        if self.errors is None:
            return None
        of_offers = (self.errors.correct_detection, self.errors.false_alarm)
        of_silences = (self.errors.correct_rejection, self.errors.missed_need)
        first, second = of_offers if stratum is ItemStratum.OFFERS else of_silences
        return (_rate(first), _rate(second)) if first and second and first.items and second.items else None


def _stratum(
    answered: Answered, stratum: ItemStratum, found: _Verdicts | None, correlation: float | None
) -> tuple[Expected, str]:
    offered = answered.status == PROPOSED
    there = offered if stratum is ItemStratum.OFFERS else ~offered & answered.answers.final(answered.status)
    sizes = [int(count) for count in answered.answers.moments.per_trace(there.sum(axis=1).astype(np.float64))]
    share, icc = ACCEPTED_ON_RELEASE[stratum], ICC[stratum]
    if found is None or not found.given[stratum].any():
        return Expected(sizes, share, 0.0, icc), "as on the release"
    given = found.given[stratum]
    said = float(found.accepting[stratum][given].mean())
    if found.sure[given.any(axis=2)].all():
        return Expected(sizes, said, 0.0, icc, certain=True), "the labels of the data"
    rates, why = found.rates(stratum), "as on the release"
    if found.leads:
        better = sum(rates) - 1 if rates else 1.0
        share = (said + rates[1] - 1) / better if rates and better > _EDGE else said  # METRICS.md section 5
        share, why = min(1 - _EDGE, max(_EDGE, share)), "its verdicts and errors"
    if correlation is None:
        correlation = agreement(*rates, share) if rates else 0.0
    return Expected(sizes, share, correlation, icc), f"{why}, r = {correlation:.2f}"


def _judge(answered: Answered, wanted: str | None) -> JudgeIdentity | None:
    judges = answered.store.judges.values()
    return next(iter(judges), None) if wanted is None else judge_named(wanted, judges, answered.run.path)


def _rate(count: ErrorCount) -> float:
    return count.correct / count.items
