"""What a run comes to for people of different readiness to accept: METRICS.md, section 6."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from proactivebench.records import JudgeReport, PopulationBand, PopulationOrder, Thresholds
from proactivebench.scoring.answers import Answers
from proactivebench.scoring.decisions import ACCEPTED, REJECTED, Decisions
from proactivebench.scoring.outcomes import Outcomes
from proactivebench.scoring.registry import BY_JUDGE

THIRDS = ("harsh", "median", "lenient")
ACCEPTANCE = "share of offers accepted"
FIGURES = {BY_JUDGE.key: BY_JUDGE.title, "acceptance": ACCEPTANCE}  # by the band's field
_CLIP = 1e-3

Floats = NDArray[np.float64]


def thirds(shifts: Sequence[float]) -> Mapping[str, Floats]:
    """The d_u of the harsh, the median and the lenient third; the middle ones are fewer or more where three do not go
    into their number."""
    return dict(zip(THIRDS, np.array_split(np.sort(np.asarray(shifts, dtype=float)), 3), strict=True))


def accepted_by(probability: Floats, shifts: Floats) -> Floats:
    """The mean over people of σ(score + d_u), for each probability that a judge gives."""
    held = np.clip(probability, _CLIP, 1 - _CLIP)
    score = np.log(held / (1 - held))
    found: Floats = (1 / (1 + np.exp(-(score[..., None] + shifts)))).mean(axis=-1)
    return found


def band_of(
    answers: Answers, decisions: Decisions, found: Outcomes, thresholds: Thresholds, missed: float | None
) -> PopulationBand:
    """The band of a run whose verdicts were read with their probabilities. `missed` counts the wrong silences, which
    stand as they are (None: nobody was asked about silences)."""
    if answers.moments.candidates > 1:
        return PopulationBand(refused="several candidates a moment: no one probability says whether any is accepted")
    scored = found.offered[:, :, None] & np.isin(found.offers, (ACCEPTED, REJECTED))
    weight = 1 / (found.offers.shape[1] * found.offers.shape[2])
    stated = decisions.probability[answers.flat(answers.last), 0]
    people = scored & found.sure
    judged = scored & ~found.sure
    without = int((judged & np.isnan(stated)).sum())
    if not judged.any():
        return PopulationBand(refused="no offer was decided by a judge that can be wrong")
    if without:
        return PopulationBand(refused=f"{without} of {int(judged.sum())} verdicts on offers carry no probability")
    offers, fixed = scored.sum() * weight, (people & (found.offers == ACCEPTED)).sum() * weight
    acceptance, f1 = {}, {}
    for name, shifts in thirds(thresholds.shifts).items():
        accepted = float(fixed + accepted_by(stated[judged], shifts).sum() * weight)
        acceptance[name] = accepted / float(offers)
        if missed is not None:
            f1[name] = 2 * accepted / (accepted + float(offers) + missed)
    return PopulationBand(
        people=thresholds.people,
        acceptance=acceptance,
        f1=f1,
        offers=float(offers),
        by_people=float(people.sum() * weight),
    )


def orders(named: Mapping[str, JudgeReport]) -> Iterator[PopulationOrder]:
    """For each pair of runs whose bands are of the same people: whether their order is the same in all thirds."""
    for (first, one), (second, other) in combinations(named.items(), 2):
        here, there = one.population, other.population
        if here is None or there is None or here.people != there.people:
            continue
        for metric in FIGURES:
            mine, theirs = getattr(here, metric), getattr(there, metric)
            if mine.keys() != set(THIRDS) or theirs.keys() != set(THIRDS):
                continue
            signs = {float(np.sign(round(mine[third] - theirs[third], 12))) for third in THIRDS}
            values = {third: (mine[third], theirs[third]) for third in THIRDS}
            yield PopulationOrder(
                metric=metric,
                first=first,
                second=second,
                same=len(signs) == 1,
                values=values,
                worth=one.measurement.status,
            )
