"""Metrics from a judge's verdicts on everything and people's on a random part: right whatever the judge is worth.

θ = λ·mean_all(f) + Σ_L w(y − λf)/Σ_L w, with f the verdict, y the person's, L the labelled part and w the inverse of an
answer's chance of being drawn; λ takes from the judge as much as it has shown to know. Source: Angelopoulos et al.
2023, PPI++; weights after Hájek 1971.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from proactivebench.records import Adjusted, MetricValue
from proactivebench.records.reports import PREDICTION_POWERED
from proactivebench.scoring.answers import Answers
from proactivebench.scoring.counting import Counts, zeros
from proactivebench.scoring.human_labels import People
from proactivebench.scoring.intervals import FEWEST_TRACES, jackknife_variance, t_quantile
from proactivebench.scoring.measures import F1, Ratio
from proactivebench.scoring.metric import Interval, Metric, Need
from proactivebench.scoring.offers import Column
from proactivebench.scoring.outcomes import Outcomes
from proactivebench.scoring.parting import Decided, by_people

METHOD = PREDICTION_POWERED
FEWEST_LABELLED = 30
C = Column

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Stratum:
    """Scored items of one stratum: their trace, the judge's verdict, the people's (NaN where nobody was asked), and the
    weights of these, in any unit (None: all alike)."""

    trace: Ints
    verdict: Floats
    person: Floats
    sure: bool = False  # people's labels decided all of it: nothing to correct
    weight: Floats | None = None

    @property
    def labelled(self) -> NDArray[np.bool_]:
        """Which items a person decided."""
        return ~np.isnan(self.person)

    def without(self, trace: int) -> Stratum:
        """The items of all other traces."""
        left = self.trace != trace
        weight = None if self.weight is None else self.weight[left]
        return Stratum(self.trace[left], self.verdict[left], self.person[left], self.sure, weight)

    def rate(self) -> float:
        """The share people accept."""
        if self.sure:
            return float(self.verdict.mean()) if len(self.verdict) else 0.0
        return prediction_powered_mean(self.verdict, self.person, self.weight)

    def refusal(self, name: str) -> str | None:
        """Why this stratum cannot be estimated."""
        if self.sure or not len(self.verdict):
            return None
        labelled = self.labelled
        if labelled.sum() < FEWEST_LABELLED:
            return f"{int(labelled.sum())} {name} labelled by people, fewer than {FEWEST_LABELLED}"
        if len(np.unique(self.trace[labelled])) < FEWEST_TRACES:
            return f"labelled {name} in fewer than {FEWEST_TRACES} traces"
        return None


def prediction_powered_mean(verdict: Floats, person: Floats, weight: Floats | None = None) -> float:
    """θ over all verdicts and the labelled part of `person` (NaN elsewhere), each label by its `weight`."""
    labelled = ~np.isnan(person)
    f, y = verdict[labelled], person[labelled]
    w = np.ones(len(y)) if weight is None else weight[labelled]

    def mean(values: Floats) -> float:
        return float((w * values).sum() / w.sum())

    trust = 0.0
    if f.min() < f.max():
        variance, covariance = mean((f - mean(f)) ** 2), mean((f - mean(f)) * (y - mean(y)))
        trust = float(np.clip(covariance / variance, 0, 1))
    return trust * float(verdict.mean()) + mean(y - trust * f)


def correct_with_people(answers: Answers, found: Outcomes, people: People, metrics: Sequence[Metric]) -> Adjusted:
    """`metrics`, the judged ones that are defined for a run, corrected by people's labels on a random part of it, and
    where people and the judge part."""
    if answers.moments.candidates > 1:
        return Adjusted(method=METHOD, refused="several candidates a moment: people's labels are on single offers")
    judged = Decided.of(found, offers=True), Decided.of(found, offers=False)
    offers, silences = (_stratum(answers, decided, people) for decided in judged)
    sides = tuple(by_people(answers, decided, people) for decided in judged)
    warnings = [f"labels on no answer of this run: {people.misplaced}, left out"] if people.misplaced else []
    refusal = people.refused or offers.refusal("offers")
    if refusal:
        return Adjusted(method=METHOD, refused=refusal, warnings=tuple(warnings), strata=sides)
    no_silences = silences.refusal("silences")
    if no_silences:
        warnings.append(f"metrics of offers alone: {no_silences}")
    values = {
        metric.key: estimate(metric, offers, silences)
        for metric in metrics
        if not (no_silences and Need.SILENCES in metric.needs)
    }
    labelled = int(offers.labelled.sum() + silences.labelled.sum())
    return Adjusted(
        method=METHOD,
        metrics=values,
        warnings=tuple(warnings),
        details={"labelled": float(labelled)},
        annotators=people.annotators,
        strata=sides,
    )


def estimate(metric: Metric, offers: Stratum, silences: Stratum) -> MetricValue:
    """One metric with its interval: the jackknife over traces of the whole estimator."""
    traces = np.union1d(offers.trace, silences.trace)
    whole = _counts(offers, silences)
    left_out = np.stack([_counts(offers.without(trace), silences.without(trace)) for trace in traces])
    measure = metric.measure
    assert measure is not None  # noqa: S101  # only functions of counts come here
    value = float(measure(whole))
    if np.isnan(value):
        return MetricValue(value=None, reason=metric.undefined)
    inner = measure.jaccard if isinstance(measure, F1) else measure
    middle, values = float(inner(whole)), inner(left_out)
    if np.isnan(values).any():
        return MetricValue(value=value, interval_reason="rests on one trace")
    stderr = float(np.sqrt(jackknife_variance(values)))
    reach = t_quantile(0.975, len(traces) - 1) * stderr
    if stderr <= 1e-12:
        return MetricValue(value=value, interval_reason="identical in every trace")
    if isinstance(inner, Ratio) and metric.interval is not Interval.STUDENT_T:
        if not 0 < middle < 1:
            return MetricValue(value=min(1.0, max(0.0, value)), interval_reason="at the edge of its range")
        logit, scaled = np.log(middle / (1 - middle)), reach / (middle * (1 - middle))
        ends = [float(1 / (1 + np.exp(-(logit + side * scaled)))) for side in (-1, 1)]
    else:
        ends = [max(metric.low, middle - reach), min(metric.high, middle + reach)]
    if isinstance(measure, F1):
        ends = [2 * end / (1 + end) for end in ends]
    return MetricValue(
        value=value, interval=(ends[0], ends[1]), stderr=float(np.sqrt(jackknife_variance(measure(left_out))))
    )


def _counts(offers: Stratum, silences: Stratum) -> Counts:
    counts = zeros()
    for stratum, right, wrong in ((offers, C.TP, C.FP), (silences, C.TN, C.FN)):
        known = len(stratum.verdict) > 0 and (stratum.sure or stratum.labelled.any())
        rate = stratum.rate() if known else 0.0
        counts[right], counts[wrong] = len(stratum.verdict) * rate, len(stratum.verdict) * (1 - rate)
    return counts


def _stratum(answers: Answers, decided: Decided, people: People) -> Stratum:
    said = [people.said.get(place) for place in decided.places]
    person = np.array([np.nan if one is None else float(one.majority) for one in said])
    chance = np.array([np.nan if one is None or one.probability is None else one.probability for one in said])
    weight = None
    if not np.isnan(chance).all():
        weight = np.nanmin(chance) / chance
    trace = answers.trace_of(decided.moment)
    return Stratum(trace, decided.verdict, person.reshape(-1), decided.sure, weight)
