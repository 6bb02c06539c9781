"""One verdict for a pipeline: did the candidate get worse than the baseline?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from proactivebench.errors import InvalidRun, NotComparable, UsageError
from proactivebench.records import GatedMetric, GateResult, GateRule, JudgeReport, Report
from proactivebench.records.reports import deciders
from proactivebench.scoring.alignment import Aligned, align
from proactivebench.scoring.allowances import Allowance, allowances
from proactivebench.scoring.comparison import leading_metric, pair_up
from proactivebench.scoring.intervals import t_quantile
from proactivebench.scoring.metric import MetricTable
from proactivebench.scoring.power import LEVEL, detectable_drop, unchanged_passes
from proactivebench.scoring.registry import METRICS, in_table, split_key
from proactivebench.scoring.signflip import holm, p_equals, p_value, signflip

_MOST_CHANGES = 20
_NO_DROP = 1e-12


def gate(
    baseline: Report,
    candidate: Report,
    metrics: str | Sequence[str] | None = None,
    *,
    max_drop: float | str | None = None,
    rule: GateRule = GateRule.SIGNIFICANT,
    exact: bool = False,
    judge: str | None = None,
    split: str | None = None,
    allow_conditions: bool = False,
) -> GateResult:
    """Whether `candidate` passes against `baseline`: none of `metrics` (`KEY` or `KEY=DROP`, DROP as `0.05` or `10%` of
    the baseline's value; None: need detection where people labelled need, else F1) may fall by more than its drop, by
    `rule`; `max_drop` is the drop of those that name none (None = .05). With `exact` nothing at all may change: for
    frozen replies, where every difference is the code's.

    Raises `InvalidRun` where a run is incomplete or invalid; `UsageError` where the runs cannot be compared, differ in
    their conditions (unless `allow_conditions`), the baseline has no such metric, or the rule could fail nothing.
    """
    named = leading_metric([baseline, candidate]) if metrics is None else metrics
    asked = allowances([named] if isinstance(named, str) else named, max_drop)
    aligned = [_aligned(each, baseline, candidate, judge, split) for each in asked]
    runs = aligned[0]
    for name, report, judged in zip(runs.names, (baseline, candidate), runs.judged, strict=True):
        _check(name, report, judged)
    if runs.conditions and not allow_conditions:
        raise NotComparable(
            f"the runs answered under different conditions ({'; '.join(runs.conditions)}): make them alike, or gate "
            "them all the same with --allow_conditions"
        )
    measured = [_measured(each, rule, over) for each, over in zip(asked, aligned, strict=True)]
    if rule is GateRule.SIGNIFICANT and not exact:
        _refuse_untestable(measured, len(runs.traces))
    decided = tuple(_decided(measured, len(runs.traces)))
    failed = [found.why for found in decided if not found.passed]
    result = GateResult(
        passed=not failed,
        rule=rule,
        exact=exact,
        baseline=baseline.agent.name,
        candidate=candidate.agent.name,
        judge=runs.judged[0].judge.id,
        deciders=deciders(runs.judged),
        traces=len(runs.traces),
        metrics=decided,
        why="; ".join(failed or [found.why for found in decided]),
        conditions=runs.conditions,
        warnings=tuple(_warnings(runs, asked)),
    )
    return _unchanged(result, *runs.judged) if exact else result


@dataclass(frozen=True, slots=True)
class _Measured:
    """A metric of both runs, before the verdict: `values` are a trace's share in the change, up being better; None
    where they are no numbers."""

    asked: Allowance
    rule: GateRule
    before: float
    after: float | None
    allowed: float
    undefined: str
    delta: float = 0.0
    values: NDArray[np.float64] | None = None
    stderr: float | None = None


def _aligned(asked: Allowance, baseline: Report, candidate: Report, judge: str | None, split: str | None) -> Aligned:
    key = asked.key if asked.metric.sums_up else _of_any_report()
    both = [baseline, candidate]
    runs = align(both, key, judge=judge, split=split, names=("baseline", "candidate"), remedy="gate runs of one kind")
    return runs if key == asked.key else replace(runs, key=asked.key, metric=asked.metric)


def _of_any_report() -> str:
    """A metric that every report has: runs are aligned by it where the gated one has no counts."""
    return next(metric.key for metric in in_table(MetricTable.OFFERED) if metric.measure is not None)


def _repeatable(key: str) -> bool:
    try:
        return METRICS[split_key(key)[0]].repeatable
    except KeyError:  # of a report that another version wrote
        return True


def _measured(asked: Allowance, rule: GateRule, runs: Aligned) -> _Measured:
    before, after = (runs.value(run).value for run in (0, 1))
    if before is None:
        raise UsageError(f"the baseline has no {asked.key} ({runs.value(0).reason}): choose another metric")
    rule = rule if asked.testable else GateRule.POINT
    undefined = f"{asked.key} became undefined: {runs.value(1).reason}"
    found = _Measured(asked, rule, before, after, asked.drop.of(before), undefined)
    if after is None:
        return found
    sign = 1.0 if asked.metric.better == "up" else -1.0
    if not asked.testable:
        return replace(found, delta=sign * (after - before))
    paired = pair_up(runs.measure, runs.counts[::-1])
    found = replace(found, delta=sign * float(paired.difference[0]))
    values = sign * paired.values[0]
    if len(runs.traces) < 2 or not np.isfinite(values).all():
        return found
    return replace(found, values=values, stderr=float(paired.stderr[0]))


def _refuse_untestable(measured: Sequence[_Measured], traces: int) -> None:
    """Raise `UsageError` where `significant` could fail nothing, whatever the drop."""
    tested = [found for found in measured if found.rule is GateRule.SIGNIFICANT]
    if tested and 2.0**-traces > LEVEL / len(tested):
        metrics = f"{len(tested)} metric{'s' if len(tested) > 1 else ''}"
        raise UsageError(
            f"the rule `significant` can fail nothing with {traces} traces and {metrics}: the least p is "
            f"{2.0**-traces:.4f}, and {LEVEL:g}/{len(tested)} is needed; choose --rule point, or give more traces"
        )
    for found in tested:
        if found.after is not None and found.values is None:
            raise UsageError(
                f"{found.asked.key} rests on one trace and the rule `significant` cannot test it: choose --rule point"
            )


def _decided(measured: Sequence[_Measured], traces: int) -> Iterator[GatedMetric]:
    tested = [found for found in measured if found.rule is GateRule.SIGNIFICANT and found.values is not None]
    p = np.array([signflip(found.values + found.allowed, "lower") for found in tested if found.values is not None])
    asked = sum(found.rule is GateRule.SIGNIFICANT for found in measured)  # one that became undefined was asked too
    of_each = dict(zip([found.asked.key for found in tested], zip(p, holm(p), strict=True), strict=True))
    for found in measured:
        yield _verdict(found, traces, max(1, asked), *of_each.get(found.asked.key, (None, None)))


def _verdict(found: _Measured, traces: int, metrics: int, p: float | None, adjusted: float | None) -> GatedMetric:
    reach = None if found.stderr is None else t_quantile(1 - LEVEL, traces - 1) * found.stderr
    passed, why = (False, found.undefined) if found.after is None else _decide(found, reach, p, adjusted)
    known = bool(found.stderr)  # a spread of 0 would claim that any drop is seen: it is not known
    context = (found.rule, found.allowed, found.stderr or 0.0, traces, metrics)
    return GatedMetric(
        metric=found.asked.key,
        better=found.asked.metric.better,
        rule=found.rule,
        passed=passed,
        max_drop=found.allowed,
        relative=found.asked.drop.amount if found.asked.drop.relative else None,
        baseline_value=found.before,
        candidate_value=found.after,
        difference=None if found.after is None else found.delta,
        stderr=found.stderr,
        p=None if p is None else float(p),
        p_adjusted=None if adjusted is None else float(adjusted),
        not_excluded=None if reach is None or not known else max(0.0, reach - found.delta),
        detectable=detectable_drop(*context) if known else None,
        unchanged_passes=unchanged_passes(*context) if known else None,
        why=why,
        warnings=tuple(_blind_spots(found)),
    )


def _decide(found: _Measured, reach: float | None, p: float | None, adjusted: float | None) -> tuple[bool, str]:
    """Pass or not, and the sentence that says why."""
    change = _change(found)
    beyond = found.delta < -found.allowed - _NO_DROP
    match found.rule:
        case GateRule.POINT:
            return not beyond, change
        case GateRule.NONINFERIOR:
            if reach is None:
                return False, f"{change}; no drop can be excluded: the metric rests on one trace"
            within = found.delta - reach >= -found.allowed - _NO_DROP
            return within, f"{change}; {_loss(found)}s up to {max(0.0, reach - found.delta):.4f} are not excluded"
        case GateRule.SIGNIFICANT:
            if p is None or adjusted is None:  # only where nothing may change: the changes decide
                return not beyond, change
            worse = adjusted <= LEVEL
            if not beyond:
                return True, change
            shown = f"one-sided {p_equals(p)}" + (f", by Holm {p_value(adjusted)}" if adjusted != p else "")
            return not worse, f"{change}; {'' if worse else 'not '}significantly more than allowed ({shown})"


def _change(found: _Measured) -> str:
    """What happened to the metric and what was allowed, in words that fit its better end."""
    down = found.asked.metric.better == "down"
    raw = -found.delta if down else found.delta
    moved = f"{'rose' if raw > 0 else 'fell'} by {abs(raw):.4f}" if abs(raw) > _NO_DROP else "did not change"
    share = f" ({100 * found.asked.drop.amount:.4g} % of {found.before:.4g})" if found.asked.drop.relative else ""
    return f"{found.asked.key} {moved}, it may {'rise' if down else 'fall'} by {found.allowed:.4g}{share}"


def _loss(found: _Measured) -> str:
    return "rise" if found.asked.metric.better == "down" else "drop"


def _blind_spots(found: _Measured) -> Iterator[str]:
    if not found.asked.testable:
        yield "has no interval over traces: held by the rule `point`"
    if found.stderr == 0:
        yield "changed alike in every trace: what the rule could have seen is not known"
    if found.rule is GateRule.SIGNIFICANT and found.values is not None and found.allowed == 0:
        differing = int((found.values != 0).sum())
        if 2.0**-differing > LEVEL:
            yield f"only {differing} traces differ: with no drop allowed, this rule can fail nothing with fewer than 5"


def _warnings(runs: Aligned, asked: Sequence[Allowance]) -> Iterator[str]:
    yield from runs.cautions
    yield from runs.unknown_conditions
    judge = runs.judged[0].judge
    judged = [each.key for each in asked if not each.metric.judge_free]
    if judged and not runs.judged[0].measurement.leads:
        kind = "a baseline judge" if judge.baseline else "a judge that nobody measured"
        yield f"{judge.id} is {kind}: {', '.join(judged)} says how it sees both runs, not what people would"


def _unchanged(found: GateResult, before: JudgeReport, after: JudgeReport) -> GateResult:
    changes = list(_changes(before, after))
    more = len(changes) - _MOST_CHANGES
    shown = tuple(changes[:_MOST_CHANGES]) + ((f"and {more} more",) if more > 0 else ())
    why = f"{len(changes)} values changed where nothing may" if changes else "nothing changed"
    return found.model_copy(update={"passed": not changes, "why": why, "changes": shown})


def _changes(before: JudgeReport, after: JudgeReport) -> Iterator[str]:
    """What differs between two reports: outcomes of moments, then metrics, in total and per split."""
    for name in sorted(before.outcomes.keys() | after.outcomes.keys()):
        old, new = before.outcomes.get(name, ()), after.outcomes.get(name, ())
        if old != new:
            yield f"outcomes of {name}: {'/'.join(old)} → {'/'.join(new)}"
    sections = {"total": (before.overall, after.overall)}
    sections |= {name: (found, after.splits[name]) for name, found in before.splits.items() if name in after.splits}
    for where, (old_section, new_section) in sections.items():
        for key in dict.fromkeys([*old_section.metrics, *new_section.metrics]):
            if not _repeatable(key):
                continue  # a clock's reading, not a result
            old_value, new_value = (
                s.metrics[key].value if key in s.metrics else None for s in (old_section, new_section)
            )
            if old_value != new_value:
                yield f"{key} ({where}): {old_value} → {new_value}"


def _check(name: str, report: Report, judged: JudgeReport) -> None:
    if not report.complete:
        raise InvalidRun(
            f"the {name} is incomplete: {report.missing} of {report.moments_expected} moments have no answer"
        )
    why = report.invalid(judged)
    if why:
        raise InvalidRun(f"the {name} is invalid: {why}")
