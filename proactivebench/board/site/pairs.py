"""Any two entries of a table: how far apart they are, and whether that could be chance, all comparisons allowed for.

The tests are those of `proactivebench compare`. Adjusted p-values are over all pairs of the family, which is fixed when
a board is built, whatever a reader filters; pairs are told of the best entries only, since a page must not grow with
the square of a board.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from proactivebench.board.site.legend import RULES
from proactivebench.board.site.ranking import smallest_first
from proactivebench.errors import UsageError
from proactivebench.records import (
    Conditions,
    NeedRule,
    PairComparison,
    ProtocolIdentity,
    Report,
    Task,
    TaskIdentity,
    digest,
)
from proactivebench.scoring.alignment import align
from proactivebench.scoring.comparison import Paired, pair_up, told
from proactivebench.scoring.conditions import condition_differences, conditions_of, unknown_conditions
from proactivebench.scoring.metric import Metric
from proactivebench.scoring.power import LEVEL
from proactivebench.scoring.registry import METRICS, metric_for
from proactivebench.scoring.signflip import joint_signflip, signflip
from proactivebench.scoring.timing import SORTED_BY, Timing, need_counts, needs_of, suffixes

LISTED = 200  # pairs that a page lists
PAIRED = 100  # entries of a table whose pairs are told, the best by each metric
JUDGED = ("f1", "precision")  # under a judge that leads
FIRST, SECOND = "{first}", "{second}"  # where names go into what is said of conditions
_EXACT = 2_016  # pairs up to which p is adjusted by the very test of `compare`: those of 64 runs
_ROOM = 160  # characters of a phrase: foreign parameters stand in it, for each of many pairs
_CLOSE = 0.0005

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Tests:
    """All told pairs of a table by one metric. `judge` is None where nobody's verdicts matter, `says` names the rule of
    need or the judge; `family` counts the pairs that the adjusted p (`p_joint`) allows for. Pairs name entries by key,
    the one with the greater value first."""

    key: str
    title: str
    says: str
    better: str
    judge: str | None
    traces: int
    family: int
    pairs: tuple[PairComparison, ...]


@dataclass(frozen=True, slots=True)
class PairTable:
    """The pairs of the entries that answered the same data under the same protocol. `names[key]` is what a reader sees,
    `reports[key]` what they answered under."""

    id: str
    task: TaskIdentity
    protocol: ProtocolIdentity
    names: dict[str, str]
    reports: dict[str, Report]
    tests: tuple[Tests, ...]

    def in_names(self, first: str, second: str) -> str:
        """`conditions` in words, with the names of the two."""
        said = "; ".join(self.conditions(first, second))
        return said.replace(FIRST, self.names[first]).replace(SECOND, self.names[second])

    def conditions(self, first: str, second: str) -> tuple[str, ...]:
        """How the conditions of two entries differ, a phrase each, and what of them is not known: `FIRST` and `SECOND`
        stand for their names."""
        return _conditions(*(conditions_of(self.reports[key]).model_dump_json() for key in (first, second)))


@dataclass(frozen=True, slots=True)
class Candidate:
    """An entry that takes part in tests: when it spoke, and under which leading judges its verdicts may be compared."""

    key: str
    name: str
    report: Report
    timing: Timing | None
    judges: frozenset[str] = frozenset()


def pair_tables(candidates: Sequence[Candidate], tasks: Mapping[str, Task]) -> list[PairTable]:
    """The pairs of `candidates`, a table for each data version and protocol; `tasks` are the data at hand, by hash."""
    by_data: dict[str, dict[str, list[Candidate]]] = {}
    for each in candidates:
        report = each.report
        by_data.setdefault(report.task.data_hash, {}).setdefault(report.protocol.hash, []).append(each)
    return [
        table
        for data_hash, groups in by_data.items()
        for table in _of_data(list(groups.values()), tasks.get(data_hash))
        if table.tests
    ]


def _of_data(groups: Sequence[Sequence[Candidate]], task: Task | None) -> Iterator[PairTable]:
    found: list[list[Tests]] = [[] for _ in groups]
    if task is not None:
        timed = [[(each.key, each.timing) for each in group if each.timing is not None] for group in groups]
        for rule in task.need_rules:
            for place, one in enumerate(_need_tests(task, timed, rule)):
                found[place] += [one] if one.pairs else []
    for place, group in enumerate(groups):
        for judge in sorted({judge for each in group for judge in each.judges}):
            found[place] += _judged_tests([each for each in group if judge in each.judges], judge)
    for group, tests in zip(groups, found, strict=True):
        first = group[0].report
        yield PairTable(
            id=f"pairs-{digest([first.task.data_hash, first.protocol.hash])[:8]}",
            task=first.task,
            protocol=first.protocol,
            names={each.key: each.name for each in group},
            reports={each.key: each.report for each in group},
            tests=tuple(tests),
        )


def _need_tests(task: Task, groups: Sequence[Sequence[tuple[str, Timing]]], rule: NeedRule) -> Iterator[Tests]:
    """Need detection by `rule`, one table a group, p adjusted over the pairs of all groups together."""
    names = [trace.trace_id for trace in task.traces]
    needs = needs_of(task)[rule]
    metric = METRICS[SORTED_BY]
    measure = metric.measure
    assert measure is not None  # noqa: S101 - a function of counts
    grouped = [
        (
            [key for key, _ in group],
            np.array([need_counts(timing.flags(names), needs) for _, timing in group]),
        )
        for group in groups
    ]
    paired = [pair_up(measure, counts) if len(keys) > 1 else None for keys, counts in grouped]
    adjusted = _adjusted([each for each in paired if each is not None])
    family = sum(int(np.isfinite(each).sum()) for each in adjusted)
    for (keys, _), pairs in zip(grouped, paired, strict=True):
        joint = adjusted.pop(0) if pairs is not None else np.empty(0)
        yield Tests(
            key=SORTED_BY + suffixes(task.need_rules)[rule],
            title=_sentence(metric.title),
            says=RULES[rule],
            better=metric.better,
            judge=None,
            traces=len(names),
            family=family,
            pairs=tuple(_told(pairs, keys, joint, metric)) if pairs is not None else (),
        )


def _judged_tests(group: Sequence[Candidate], judge: str) -> Iterator[Tests]:
    if len(group) < 2:
        return
    for key in JUDGED:
        try:
            runs = align([each.report for each in group], key, judge=judge)
        except UsageError:  # a table that does not hold what the metric counts
            continue
        pairs = pair_up(runs.measure, runs.counts)
        (joint,) = _adjusted([pairs])
        told_of = tuple(_told(pairs, [each.key for each in group], joint, runs.metric))
        if told_of:
            title, family = _sentence(metric_for(key).title), int(np.isfinite(joint).sum())
            says = f"judge {runs.judged[0].judge.name}"
            yield Tests(key, title, says, runs.metric.better, judge, len(runs.traces), family, told_of)


def _adjusted(groups: Sequence[Paired]) -> list[Floats]:
    """Step-down max-T p-values over the pairs of all groups together, NaN where a pair has no test."""
    found = [np.full(len(pairs.values), np.nan) for pairs in groups]
    tested = [np.isfinite(pairs.values).all(axis=1) & (pairs.values.shape[1] > 1) for pairs in groups]
    values = [pairs.values[known] for pairs, known in zip(groups, tested, strict=True)]
    if not any(map(len, values)):
        return found
    joint = step_down(np.concatenate(values))
    ends = np.cumsum([len(part) for part in values])[:-1]
    for p, known, part in zip(found, tested, np.split(joint, ends), strict=True):
        p[known] = part
    return found


def step_down(differences: Floats) -> Floats:
    """`joint_signflip` for any number of pairs, (pairs, traces) in, (pairs,) out.

    Where pairs are very many it is in single precision, and pairs of about equal statistic share the greatest p among
    them, at most .0005 above their own. Pairs are taken from the smallest statistic on, as in `ranking.significant`.
    """
    if len(differences) <= _EXACT:
        return joint_signflip(differences)
    order, still, chunks = smallest_first(differences)
    shares = np.empty(len(order))
    for chunk in chunks:
        most, least = (chunk.after >= chunk.thresholds[0]).mean(), (chunk.before >= chunk.thresholds[-1]).mean()
        shares[chunk.places] = chunk.shares() if most - least > _CLOSE else most
    adjusted = np.empty(len(order))
    adjusted[order] = np.maximum.accumulate(shares[::-1])[::-1]
    adjusted[still] = 1.0
    return adjusted


def _told(pairs: Paired, keys: Sequence[str], joint: Floats, metric: Metric) -> Iterator[PairComparison]:
    """The pairs of the best entries with a value, those with the greater value first in each."""
    sign = -1.0 if metric.better == "down" else 1.0
    best = [int(run) for run in np.argsort(-sign * pairs.theta, kind="stable") if not np.isnan(pairs.theta[run])]
    place = {pair: number for number, pair in enumerate(zip(pairs.first.tolist(), pairs.second.tolist(), strict=True))}
    for ahead, behind in combinations(best[:PAIRED], 2):
        first, second = min(ahead, behind), max(ahead, behind)
        number = place[first, second]
        values = pairs.values[number]
        p = np.array([np.nan if np.isnan(joint[number]) else signflip(values)])
        one = Paired(
            pairs.theta,
            np.array([ahead]),
            np.array([behind]),
            (values if first == ahead else -values)[None],
        )
        adjusted = {"p": p, "p_joint": joint[number : number + 1]}
        yield told(one, 0, (keys[ahead], keys[behind]), adjusted, metric.high - metric.low)


@cache
def _conditions(first: str, second: str) -> tuple[str, ...]:
    both = [Conditions.model_validate_json(each) for each in (first, second)]
    names = (FIRST, SECOND)
    said = (*condition_differences(both, names), *unknown_conditions(both, names))
    return tuple(phrase if len(phrase) <= _ROOM else phrase[: _ROOM - 1] + "…" for phrase in said)


def told_apart(pairs: Iterable[PairComparison]) -> int:
    """How many pairs differ by the adjusted p."""
    return sum(pair.p_joint is not None and pair.p_joint <= LEVEL for pair in pairs)


def closest(pairs: Sequence[PairComparison]) -> list[PairComparison]:
    """The pairs that a page lists: those with the least p first."""
    least = sorted(pairs, key=lambda pair: (_or_one(pair.p_joint), _or_one(pair.p)))
    return least[:LISTED]


def pair_words(pair: PairComparison) -> str:
    """What the test of a pair comes to."""
    if pair.reason:
        return pair.reason
    return "can be told apart" if pair.p_joint is not None and pair.p_joint <= LEVEL else "cannot be told apart"


def _sentence(title: str) -> str:
    return title[:1].upper() + title[1:]


def _or_one(p: float | None) -> float:
    return 1.0 if p is None else p


def flat_pairs(table: PairTable) -> Iterator[dict[str, object]]:
    """The pairs of a table, one level of names and values each."""
    for tests in table.tests:
        for pair in tests.pairs:
            low, high = pair.interval or (None, None)
            yield {
                "task": table.task.name,
                "data_hash": table.task.data_hash,
                "protocol": table.protocol.name,
                "protocol_hash": table.protocol.hash,
                "metric": tests.key,
                "says": tests.says,
                "judge": tests.judge,
                "first": pair.first,
                "second": pair.second,
                "difference": pair.difference,
                "low": low,
                "high": high,
                "stderr": pair.stderr,
                "p": pair.p,
                "p_max_t": pair.p_joint,
                "pairs_in_family": tests.family,
                "traces": tests.traces,
                "reason": pair.reason,
                "conditions": table.in_names(pair.first, pair.second),
            }
