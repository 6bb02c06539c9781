"""Metrics from a judge's verdicts on everything and people's on a random part: right whatever the judge is worth.

θ = λ·mean_all(f) + mean_L(y − λf), with f the verdict, y the person's and L the labelled part; λ takes from the judge
as much as it has shown to know. Source: Angelopoulos et al. 2023, PPI++.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from proactivebench.errors import DataError
from proactivebench.files import foreign, read_bytes
from proactivebench.records import Adjusted, HumanLabel, MetricValue
from proactivebench.scoring.answers import Answers
from proactivebench.scoring.counting import Counts, zeros
from proactivebench.scoring.decisions import ACCEPTED, REJECTED
from proactivebench.scoring.intervals import jackknife_variance, t_quantile
from proactivebench.scoring.measures import F1, Ratio
from proactivebench.scoring.metric import Interval, Metric, Need
from proactivebench.scoring.offers import Column
from proactivebench.scoring.outcomes import Outcomes
from proactivebench.text import BadLine, read_lines

METHOD = "prediction_powered"
_WANTED = "JSON Lines, one label a line: {trace_id, turn, candidate (-1 = silence), accepted, random, blind}"
FEWEST_LABELLED = 30
FEWEST_TRACES = 4
C = Column

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Stratum:
    """Scored items of one stratum: their trace, the judge's verdict, and the person's (NaN where nobody was asked)."""

    trace: Ints
    verdict: Floats
    person: Floats
    sure: bool = False  # people's labels decided all of it: nothing to correct

    @property
    def labelled(self) -> NDArray[np.bool_]:
        """Which items a person decided."""
        return ~np.isnan(self.person)

    def without(self, trace: int) -> Stratum:
        """The items of all other traces."""
        left = self.trace != trace
        return Stratum(self.trace[left], self.verdict[left], self.person[left], self.sure)

    def rate(self) -> float:
        """The share people accept."""
        if self.sure:
            return float(self.verdict.mean()) if len(self.verdict) else 0.0
        return prediction_powered_mean(self.verdict, self.person)

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


def prediction_powered_mean(verdict: Floats, person: Floats) -> float:
    """θ over all verdicts and the labelled part of `person` (NaN elsewhere)."""
    labelled = ~np.isnan(person)
    f, y = verdict[labelled], person[labelled]
    variance = float(f.var())
    weight = 0.0 if variance == 0 else float(np.clip(((f - f.mean()) * (y - y.mean())).mean() / variance, 0, 1))
    return weight * float(verdict.mean()) + float((y - weight * f).mean())


def load_human_labels(path: str | Path) -> tuple[HumanLabel, ...]:
    """The labels of a JSONL file (gzipped or not), one a line. Raises `DataError` with the first bad line."""
    content = read_bytes(Path(path), _WANTED)
    labels: list[HumanLabel] = []
    try:
        for _, label in read_lines(content, HumanLabel.model_validate_json):
            labels.append(label)
    except BadLine as error:
        if not labels and (other := foreign(path, content, _WANTED, own="a file of people's labels")):
            raise other from None
        raise DataError(f"{path}:{error.number}: {_problem(error)}: give {_WANTED}") from error
    if not labels:
        raise DataError(f"{path} holds no label: give {_WANTED}")
    return tuple(labels)


def _problem(error: BadLine) -> str:
    if not isinstance(error.__cause__, ValidationError):
        return str(error)
    problem = error.__cause__.errors()[0]
    return f"{'.'.join(str(part) for part in problem['loc']) or 'JSON'}: {problem['msg']}"


def correct_with_people(
    answers: Answers, found: Outcomes, labels: Iterable[HumanLabel], metrics: Sequence[Metric]
) -> Adjusted:
    """`metrics`, the judged ones that are defined for a run, corrected by people's labels on a random part of it."""
    given = list(labels)
    if answers.moments.candidates > 1:
        return Adjusted(method=METHOD, refused="several candidates a moment: people's labels are on single offers")
    if not all(label.random and label.blind for label in given):
        why = "some labels are not stated to be drawn at random and decided blind to the verdict"
        return Adjusted(method=METHOD, refused=why)
    people, misplaced = _places(answers, given)
    offers = _stratum(answers, found, found.offered, found.offers, people)
    silences = _stratum(answers, found, found.silent, found.silences, people)
    refusal = offers.refusal("offers")
    if refusal:
        return Adjusted(method=METHOD, refused=refusal)
    no_silences = silences.refusal("silences")
    warnings = [f"{misplaced} labels are on no answer of this run"] if misplaced else []
    if no_silences:
        warnings.append(f"metrics of offers alone: {no_silences}")
    values = {
        metric.key: estimate(metric, offers, silences)
        for metric in metrics
        if not (no_silences and Need.SILENCES in metric.needs)
    }
    labelled = int(offers.labelled.sum() + silences.labelled.sum())
    return Adjusted(method=METHOD, metrics=values, warnings=tuple(warnings), details={"labelled": float(labelled)})


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


def _places(answers: Answers, labels: list[HumanLabel]) -> tuple[dict[tuple[int, int, bool], float], int]:
    """Labels by (moment, repeat, is an offer), those on the round that counts, and how many fit nowhere."""
    moments, places, misplaced = answers.moments, {}, 0
    for label in labels:
        start, length = moments.place.get(label.trace_id, (0, 0))
        inside = 0 <= label.turn < length and 0 <= label.repeat < moments.repeats
        if not inside or int(answers.last[start + label.turn, label.repeat]) != label.round:
            misplaced += 1
            continue
        places[start + label.turn, label.repeat, label.candidate >= 0] = float(label.accepted)
    return places, misplaced


def _stratum(
    answers: Answers,
    found: Outcomes,
    there: NDArray[np.bool_],
    verdicts: NDArray[np.int8],
    people: dict[tuple[int, int, bool], float],
) -> Stratum:
    scored = there[:, :, None] & np.isin(verdicts, (ACCEPTED, REJECTED))
    counted = scored.any(axis=2)
    with np.errstate(invalid="ignore"):
        share = ((verdicts == ACCEPTED) & scored).sum(axis=2) / scored.sum(axis=2)
    moment, repeat = np.nonzero(counted)
    offers = there is found.offered
    person = np.array(
        [people.get((m, s, offers), np.nan) for m, s in zip(moment.tolist(), repeat.tolist(), strict=True)]
    )
    trace = np.searchsorted(answers.moments.starts, moment, side="right") - 1
    sure = bool(found.sure[counted].all()) and bool(counted.any())
    return Stratum(trace, share[counted], person.reshape(-1), sure)
