"""How far two judges agree who judged the same runs: raw and beyond chance, with intervals over traces."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from proactivebench.records import JudgeIdentity, Record, TaskIdentity, Verdict, VerdictKey, VerdictStatus
from proactivebench.records.runs import Stratum
from proactivebench.scoring.counting import Counts, zeros
from proactivebench.scoring.intervals import Resampled, Spread, spread
from proactivebench.scoring.measures import Matthews, Ratio, divide, total
from proactivebench.scoring.metric import Interval, Metric
from proactivebench.scoring.offers import Column
from proactivebench.scoring.registry import CLASSICAL

_STRATA: tuple[Stratum, ...] = ("proposals", "silence")
# Verdicts of two judges as outcomes: both accept, only the first, neither, only the second.
_CELLS = (Column.TP, Column.FP, Column.TN, Column.FN)


class Together(Record):
    """What two judges said of one run: per trace how many verdicts both accept, only the first accepts, both reject,
    and only the second accepts. What people's votes decided for both is left out: it is the same by definition."""

    first: str
    second: str
    stratum: Stratum
    traces: dict[str, tuple[int, int, int, int]]


@dataclass(frozen=True, slots=True)
class JudgeAgreement:
    """Two judges over all runs on the same data that both judged. `raw` is the share of verdicts that are alike,
    `kappa` Cohen's κ."""

    task: TaskIdentity
    first: JudgeIdentity
    second: JudgeIdentity
    stratum: Stratum
    runs: int
    verdicts: int
    raw: Spread
    kappa: Spread


class Kappa(Matthews):
    """Cohen's κ (1960) of two raters: (agreement − chance)/(1 − chance)."""

    __slots__ = ()

    def margins(self, counts: Counts) -> dict[str, Counts]:
        """How often each rater accepts and rejects."""
        both, first, neither, second = (counts[..., column] for column in self.cells)
        return {
            "acceptances by the first": both + first,
            "rejections by the first": neither + second,
            "acceptances by the second": both + second,
            "rejections by the second": neither + first,
        }

    def __call__(self, counts: Counts) -> Counts:
        """κ, NaN where chance alone explains everything."""
        both, first, neither, second = (counts[..., column] for column in self.cells)
        size = both + first + neither + second
        a, b = divide(both + first, size), divide(both + second, size)
        chance = a * b + (1 - a) * (1 - b)
        return divide(divide(both + neither, size) - chance, 1 - chance)


RAW = Metric(
    "judge_agreement", "Agreement", "verdicts alike/verdicts of both", "up", "no verdict of both", frozenset(),
    Interval.PROPORTION, CLASSICAL, Ratio(total(Column.TP, Column.TN), total(*_CELLS)), scarce="verdicts",
)  # fmt: skip
KAPPA = Metric(
    "judge_kappa", "Cohen's κ", "(agreement − chance)/(1 − chance)", "up", "chance alone explains everything",
    frozenset(), Interval.FISHER_Z, CLASSICAL, Kappa(*_CELLS), low=-1,
)  # fmt: skip


def judged_twice(
    judges: Mapping[str, JudgeIdentity], verdicts: Mapping[str, Iterable[Verdict]]
) -> tuple[Together, ...]:
    """What each two of an entry's judges said of the same answers. Unscored verdicts are none."""
    if len(judges) < 2:
        return ()
    said = {
        judge: {v.key: v for v in verdicts[judge] if v.status is not VerdictStatus.UNSCORED}
        for judge in sorted(judges)
        if judge in verdicts
    }
    return tuple(
        together
        for first, second in combinations(said, 2)
        for stratum in _STRATA
        if (together := _together(judges[first], judges[second], said[first], said[second], stratum)).traces
    )


def _together(
    first: JudgeIdentity,
    second: JudgeIdentity,
    one: Mapping[VerdictKey, Verdict],
    other: Mapping[VerdictKey, Verdict],
    stratum: Stratum,
) -> Together:
    sure = first.infallible(stratum), second.infallible(stratum)
    traces: dict[str, list[int]] = {}
    for key, verdict in one.items():
        twin = other.get(key)
        if twin is None or (verdict.candidate < 0) != (stratum == "silence"):
            continue
        if verdict.judge in sure[0] and twin.judge in sure[1]:
            continue
        accepts, agrees = (each.status is VerdictStatus.ACCEPTED for each in (verdict, twin))
        place = (0 if agrees else 1) if accepts else (3 if agrees else 2)
        traces.setdefault(verdict.trace_id, [0, 0, 0, 0])[place] += 1
    counted = {name: (n[0], n[1], n[2], n[3]) for name, n in sorted(traces.items())}
    return Together(first=first.id, second=second.id, stratum=stratum, traces=counted)


def judge_agreements(
    runs: Iterable[tuple[TaskIdentity, Mapping[str, JudgeIdentity], Sequence[Together]]],
) -> list[JudgeAgreement]:
    """The agreement of each two judges over all runs that both judged, by data; runs share their traces."""
    pooled: dict[tuple[str, str, str, Stratum], list[Together]] = {}
    tasks: dict[str, TaskIdentity] = {}
    identities: dict[str, JudgeIdentity] = {}
    for task, judges, found in runs:
        tasks.setdefault(task.data_hash, task)
        for together in found:
            if together.first in judges and together.second in judges:
                identities |= {judge: judges[judge] for judge in (together.first, together.second)}
                key = (task.data_hash, together.first, together.second, together.stratum)
                pooled.setdefault(key, []).append(together)
    return [
        _agreement(tasks[data_hash], identities[first], identities[second], stratum, found)
        for (data_hash, first, second, stratum), found in sorted(pooled.items())
    ]


def _agreement(
    task: TaskIdentity, first: JudgeIdentity, second: JudgeIdentity, stratum: Stratum, found: Sequence[Together]
) -> JudgeAgreement:
    names = sorted({name for together in found for name in together.traces})
    counts = zeros(len(names))
    for together in found:
        for place, name in enumerate(names):
            counts[place, list(_CELLS)] += together.traces.get(name, (0, 0, 0, 0))
    traces = Resampled(counts)
    return JudgeAgreement(
        task, first, second, stratum, len(found), int(counts.sum()), spread(RAW, traces), spread(KAPPA, traces)
    )


def flat_agreements(found: Iterable[JudgeAgreement]) -> Iterator[dict[str, object]]:
    """Agreements, one level of names and values each."""
    for each in found:
        yield {
            "task": each.task.name,
            "data_hash": each.task.data_hash,
            "stratum": each.stratum,
            "first": each.first.id,
            "second": each.second.id,
            "runs": each.runs,
            "verdicts": each.verdicts,
            "agreement": _number(each.raw.value),
            "agreement_low": each.raw.interval[0] if each.raw.interval else None,
            "agreement_high": each.raw.interval[1] if each.raw.interval else None,
            "kappa": _number(each.kappa.value),
            "kappa_low": each.kappa.interval[0] if each.kappa.interval else None,
            "kappa_high": each.kappa.interval[1] if each.kappa.interval else None,
            "reason": each.kappa.reason,
        }


def _number(value: float) -> float | None:
    return None if np.isnan(value) else value
