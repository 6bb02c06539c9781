"""Runs side by side: the same judge, the same traces, or the reasons why not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from proactivebench.errors import NotComparable
from proactivebench.naming import did_you_mean
from proactivebench.records import JudgeReport, MetricValue, Report, SplitReport
from proactivebench.scoring.allowances import unknown_metric
from proactivebench.scoring.conditions import condition_differences, conditions_of, unknown_conditions
from proactivebench.scoring.counting import Counts, zeros
from proactivebench.scoring.decisions import judge_named
from proactivebench.scoring.definedness import (
    NOT_COUNTED,
    reported,
    stored_counts,
    stored_lacking,
    value_of,
    why_undefined,
)
from proactivebench.scoring.measures import Measure
from proactivebench.scoring.metric import Metric
from proactivebench.scoring.registry import METRICS, split_key
from proactivebench.scoring.stated import tabulate_stated


@dataclass(frozen=True)
class Aligned:
    """Runs over common traces: `counts` is (runs, traces, columns), the columns those that `measure` reads, NaN
    throughout where a run's metric is undefined, so that no formula gives it a number; `reasons` say why. `marks` say
    how the runs differ all the same, `conditions` how the conditions differ under which they answered, and what of
    those is not known."""

    names: tuple[str, ...]
    judged: tuple[JudgeReport, ...]
    metric: Metric
    measure: Measure
    key: str
    split: str | None
    traces: tuple[str, ...]
    counts: Counts
    reasons: tuple[str | None, ...]
    marks: tuple[str, ...]
    conditions: tuple[str, ...] = ()
    unknown_conditions: tuple[str, ...] = ()
    cautions: tuple[str, ...] = ()  # what must be known of single runs before any number of theirs is believed

    def value(self, run: int) -> MetricValue:
        """The metric as the run's own report has it, over the same traces."""
        return self.section(run).metrics.get(self.key, MetricValue(value=None, reason="not in this report"))

    def section(self, run: int) -> SplitReport:
        """A run's own report over the split, or over all traces."""
        judged = self.judged[run]
        return judged.overall if self.split is None else judged.splits[self.split]

    def another(self, metric: Metric, run: int) -> float | None:
        """Another metric of a run over the same traces; None where it is undefined."""
        table = self.judged[run].tables[""]
        return value_of(metric, stored_counts(table, self.traces).sum(axis=0), stored_lacking(table))[0]


def align(
    reports: Sequence[Report],
    metric: str,
    *,
    judge: str | None = None,
    split: str | None = None,
    anyway: bool = False,
    names: Sequence[str] | None = None,
    remedy: str = "--anyway compares them and says so",
) -> Aligned:
    """The reports over their common traces, for `metric` under `judge` (an id or a name; None = the one they share).

    Raises `UsageError` where the metric is unknown or no function of counts, the judge is not there or ambiguous, or
    the runs differ in data, protocol, judge or traces and `anyway` is not given.
    """
    known, measure, view = metric_of(metric)
    judged = _judges(reports, judge, anyway=anyway)
    marks = tuple(differences(reports, judged))
    if marks and not anyway:
        raise NotComparable(f"these runs cannot be compared: {'; '.join(marks)}: {remedy}")
    names = tuple(names or unique_names([report.agent.name for report in reports]))
    conditions = [conditions_of(report) for report in reports]
    tables = []
    for report, found in zip(reports, judged, strict=True):
        if view not in found.tables:
            raise NotComparable(f"{report.agent.name} has no {metric}: score the run again, or choose another metric")
        tables.append(found.tables[view])
    traces = [
        name
        for name, where in judged[0].trace_splits.items()
        if split in (None, where) and all(name in table.rows for table in tables)
    ]
    if not traces:
        raise NotComparable(_nothing_shared(judged, split))
    counts, reasons = zeros(len(tables), len(traces)), []
    if known.of_stated is not None:
        counts = tabulate_stated([found.stated for found in judged], traces)
    for run, table in enumerate(tables):
        found_counts = stored_counts(table, traces)
        reasons.append(why_undefined(known, found_counts.sum(axis=0), stored_lacking(table)))
        if known.of_stated is not None and reasons[run] is None and not judged[run].stated:
            reasons[run] = NOT_COUNTED
        if reasons[run]:
            counts[run] = np.nan
        elif known.of_stated is None:
            counts[run] = found_counts
    return Aligned(
        names=names,
        judged=judged,
        metric=replace(known, measure=measure),
        measure=measure,
        key=metric,
        split=split,
        traces=tuple(traces),
        counts=counts,
        reasons=tuple(reasons),
        marks=marks,
        conditions=tuple(condition_differences(conditions, names)),
        unknown_conditions=tuple(unknown_conditions(conditions, names)),
        cautions=tuple(_cautions(reports, judged, names)),
    )


def _nothing_shared(judged: Sequence[JudgeReport], split: str | None) -> str:
    splits = sorted({where for found in judged for where in found.trace_splits.values()})
    if split is None or split in splits:
        return f"the runs share no trace{f' of split {split}' if split else ''}: nothing can be compared"
    return f"there is no split '{split}': {did_you_mean(split, splits)}there are {', '.join(splits)}"


def metric_of(key: str) -> tuple[Metric, Measure, str]:
    """The metric, its measure and the view that `key` names. Raises `UsageError` for what cannot be compared."""
    try:
        base, view = split_key(key)
    except KeyError:
        raise unknown_metric(key) from None
    if not reported(METRICS[base], view):
        raise NotComparable(f"no report has {key}: {base} is the same in every view of a run; choose {base}")
    measure = METRICS[base].measure or METRICS[base].of_stated
    if measure is None:
        raise NotComparable(f"{base} is no function of counts per trace and cannot be tested: choose another metric")
    return METRICS[base], measure, view


def differences(reports: Sequence[Report], judged: Sequence[JudgeReport]) -> list[str]:
    """How runs differ in what they must share to be compared: data, protocol, judge, traces."""
    first, decider, found = reports[0], judged[0], []
    for report, other in zip(reports[1:], judged[1:], strict=True):
        pair = f"{first.agent.name} and {report.agent.name}"
        if report.task.data_hash != first.task.data_hash:
            found.append(f"different data ({pair}: {_either(first.task.name, report.task.name)})")
        if report.protocol.hash != first.protocol.hash:
            asked = (f"{each.protocol.name} {each.protocol.version}" for each in (first, report))
            found.append(f"different protocols ({pair}: {_either(*asked)})")
        if other.judge.hash != decider.judge.hash:
            found.append(f"different judges ({pair}: {_either(decider.judge.id, other.judge.id)})")
        if set(other.trace_splits) != set(decider.trace_splits):
            found.append(f"different traces ({pair}: {len(decider.trace_splits)} and {len(other.trace_splits)})")
    return list(dict.fromkeys(found))


def _cautions(reports: Sequence[Report], judged: Sequence[JudgeReport], names: Sequence[str]) -> Iterator[str]:
    for report, found, name in zip(reports, judged, names, strict=True):
        if not report.complete:
            yield f"{name} is incomplete: {report.missing} moments have no answer"
        why = report.invalid(found)
        if why:
            yield f"{name} is invalid: {why}"
        for said in ([report.caution] if report.caution else [], report.findings[:1]):
            yield from (f"{name}: {line}" for line in said)


def unique_names(agents: Sequence[str]) -> list[str]:
    """A name per run: its agent's, numbered where two runs share it."""
    names: list[str] = []
    for agent in agents:
        name, number = agent, 2
        while name in names:
            name, number = f"{agent} ({number})", number + 1
        names.append(name)
    return names


def _either(first: str, second: str) -> str:
    return first if first == second else f"{first}, {second}"


def _judges(reports: Sequence[Report], wanted: str | None, *, anyway: bool) -> tuple[JudgeReport, ...]:
    shared = set.intersection(*({found.judge.id for found in report.judges} for report in reports))
    if wanted is not None:
        both = [one for one in reports[0].judges if one.judge.id in shared and wanted in (one.judge.id, one.judge.name)]
        best = min(both, key=lambda one: not one.measurement.leads, default=None)  # several may bear one name
        return tuple(_named(report, best.judge.id if best else wanted) for report in reports)
    ordered = [found.judge.id for found in reports[0].judges if found.judge.id in shared]
    if len(ordered) > 1:
        raise NotComparable(f"several judges decided on all runs ({', '.join(ordered)}): choose one with --judge")
    if not ordered and not anyway:
        each = "; ".join(f"{r.agent.name}: {', '.join(found.judge.id for found in r.judges)}" for r in reports)
        raise NotComparable(f"no judge decided on all runs ({each}): judge them alike, or compare with --anyway")
    return tuple(_named(report, ordered[0]) if ordered else report.judges[0] for report in reports)


def _named(report: Report, wanted: str) -> JudgeReport:
    judge = judge_named(wanted, (found.judge for found in report.judges), report.agent.name)
    return next(found for found in report.judges if found.judge is judge)
