"""One verdict for a pipeline: did the candidate get worse than the baseline?"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from proactivebench.errors import InvalidRun, UsageError
from proactivebench.records import GateResult, GateRule, JudgeReport, Report
from proactivebench.scoring.alignment import Aligned, align
from proactivebench.scoring.comparison import LEVEL, pair_up
from proactivebench.scoring.intervals import t_quantile
from proactivebench.scoring.power import minimum_detectable_difference
from proactivebench.scoring.signflip import signflip

_MOST_CHANGES = 20
_NO_DROP = 1e-12


def gate(
    baseline: Report,
    candidate: Report,
    metric: str = "f1",
    *,
    max_drop: float = 0.05,
    rule: GateRule = GateRule.SIGNIFICANT,
    exact: bool = False,
    judge: str | None = None,
    split: str | None = None,
) -> GateResult:
    """Whether `candidate` passes against `baseline`: `metric` may fall by `max_drop` at most, by `rule`. With `exact`
    nothing at all may change: for frozen replies, where every difference is the code's.

    Raises `InvalidRun` where a run is incomplete or invalid; `UsageError` where the runs cannot be compared, or the
    baseline has no such metric, or the metric has no better end.
    """
    if max_drop < 0:
        raise UsageError(f"--max_drop {max_drop:g} is negative: give the drop that is still allowed, 0 or more")
    runs = align([baseline, candidate], metric, judge=judge, split=split, names=("baseline", "candidate"))
    for name, report, judged in zip(runs.names, (baseline, candidate), runs.judged, strict=True):
        _check(name, report, judged)
    if runs.metric.better == "":
        raise UsageError(f"{metric} has no better end and cannot be gated: choose another metric")
    before, after = (runs.value(run).value for run in (0, 1))
    if before is None:
        raise UsageError(f"the baseline has no {metric} ({runs.value(0).reason}): choose another metric")
    found = GateResult(
        passed=False,
        metric=metric,
        rule=rule,
        exact=exact,
        max_drop=max_drop,
        baseline=baseline.agent.name,
        candidate=candidate.agent.name,
        judge=runs.judged[0].judge.id,
        baseline_value=before,
        candidate_value=after,
        traces=len(runs.traces),
        why=f"{metric} became undefined: {runs.value(1).reason}",
    )
    if after is not None:
        found = _measured(found, runs)
    return _unchanged(found, *runs.judged) if exact else found


def _measured(found: GateResult, runs: Aligned) -> GateResult:
    sign = 1.0 if runs.metric.better == "up" else -1.0
    paired = pair_up(runs.measure, runs.counts[::-1])
    delta = sign * float(paired.difference[0])
    values, traces = sign * paired.values[0], len(runs.traces)
    testable = traces > 1 and bool(np.isfinite(values).all())
    stderr = float(paired.stderr[0]) if testable else None
    p = signflip(values, "lower") if testable else None
    reach = None if stderr is None else t_quantile(0.95, traces - 1) * stderr
    passed, why = _decide(found, delta, p, reach)
    return found.model_copy(
        update={
            "passed": passed,
            "why": why,
            "difference": delta,
            "stderr": stderr,
            "p": p,
            "not_excluded": None if reach is None else max(0.0, reach - delta),
            "detectable": None if stderr is None else minimum_detectable_difference(stderr, traces),
            "warnings": tuple(_blind_spots(found, values, testable=testable)),
        }
    )


def _decide(found: GateResult, delta: float, p: float | None, reach: float | None) -> tuple[bool, str]:
    """Pass or not, and the sentence that says why."""
    drop = f"{found.metric} {'fell' if delta < 0 else 'rose'} by {abs(delta):.4f}, {found.max_drop:g} may be lost"
    beyond = delta < -found.max_drop - _NO_DROP
    match found.rule:
        case GateRule.POINT:
            return not beyond, drop
        case GateRule.NONINFERIOR:
            if reach is None:
                return False, f"{drop}; no drop can be excluded: the metric rests on one trace"
            within = delta - reach >= -found.max_drop - _NO_DROP
            return within, f"{drop}; drops up to {max(0.0, reach - delta):.4f} are not excluded"
        case GateRule.SIGNIFICANT:
            if not beyond:
                return True, drop
            if p is None:
                return True, f"{drop}; more than allowed, but the metric rests on one trace and cannot be tested"
            worse = p <= LEVEL
            return not worse, f"{drop}; {'' if worse else 'not '}significant (one-sided p = {p:.3f})"


def _blind_spots(found: GateResult, values: np.ndarray, *, testable: bool) -> Iterator[str]:
    differing = int((values != 0).sum())
    if found.rule is GateRule.SIGNIFICANT and testable and 0 < differing < 5:
        yield f"only {differing} traces differ: this rule can fail nothing with fewer than 5"
    if found.rule is GateRule.SIGNIFICANT and not testable:
        yield "the metric rests on one trace: this rule can fail nothing here"


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
            if key.startswith("latency"):
                continue  # a clock's reading, not a result
            old_value, new_value = (
                s.metrics[key].value if key in s.metrics else None for s in (old_section, new_section)
            )
            if old_value != new_value:
                yield f"{key} ({where}): {old_value} → {new_value}"


def _check(name: str, report: Report, judged: JudgeReport) -> None:
    if not report.complete:
        missing = report.moments_expected - report.moments_answered
        raise InvalidRun(f"the {name} is incomplete: {missing} of {report.moments_expected} moments have no answer")
    if not judged.valid:
        raise InvalidRun(
            f"the {name} is invalid: {judged.unscored_share:.1%} of its judge's verdicts are unscored (2 % are allowed)"
        )
