"""Are these runs different? Paired tests over traces on jackknife pseudo-values of the pooled metric."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from proactivebench.records import (
    Comparison,
    JudgeReport,
    Measurement,
    MeasurementStatus,
    NeedRule,
    PairComparison,
    Report,
    Standing,
)
from proactivebench.records.reports import deciders
from proactivebench.scoring.alignment import Aligned, align
from proactivebench.scoring.chance import over_family
from proactivebench.scoring.counting import Counts
from proactivebench.scoring.intervals import ONE_TRACE, Resampled, leave_one_out, spread, t_quantile
from proactivebench.scoring.measures import Measure
from proactivebench.scoring.offers import Column
from proactivebench.scoring.population import orders
from proactivebench.scoring.power import LEVEL, minimum_detectable_difference
from proactivebench.scoring.registry import BY_JUDGE, BY_PEOPLE, metric_for
from proactivebench.scoring.signflip import (
    benjamini_hochberg,
    holm,
    joint_signflip,
    mcnemar,
    signflip,
    smallest_p,
)

FEWEST_TESTABLE = 6  # below, no two-sided sign-flip test can reach .05
IDENTICAL = "identical in every trace"
UNTESTABLE = f"cannot be tested: fewer than {FEWEST_TESTABLE} traces differ"

_UNRANKED = {
    MeasurementStatus.BASELINE: "baseline judge, not comparable",
    MeasurementStatus.UNMEASURED: "unmeasured judge, not comparable",
    MeasurementStatus.PAPER: "the paper's judge, trained on these moments",
}

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Paired:
    """Differences of one metric between runs: `theta` (runs,) pooled values; `values` (pairs, traces) the recentred
    pseudo-values v_g = p_g − p̄ + Δ; NaN for pairs where a leave-one-out value is undefined."""

    theta: Floats
    first: NDArray[np.int64]
    second: NDArray[np.int64]
    values: Floats

    @property
    def difference(self) -> Floats:
        """Δ of each pair."""
        found: Floats = self.theta[self.first] - self.theta[self.second]
        return found

    @property
    def stderr(self) -> Floats:
        """SE of each Δ: √(Σ (p_g − p̄)²/(G(G−1)))."""
        traces = self.values.shape[1]
        if traces < 2:
            return np.full(len(self.values), np.nan)
        found: Floats = self.values.std(axis=1, ddof=1) / np.sqrt(traces)
        return found


def pair_up(measure: Measure, counts: Counts) -> Paired:
    """All pairs of runs, from counts (runs, traces, columns)."""
    runs, traces, _ = counts.shape
    theta = measure(counts.sum(axis=1))
    pseudo = traces * theta[:, None] - (traces - 1) * measure(leave_one_out(counts))
    pairs = np.array(list(combinations(range(runs), 2)), dtype=np.int64).reshape(-1, 2)
    first, second = pairs.T
    apart = pseudo[first] - pseudo[second]
    values = apart - apart.mean(axis=1, keepdims=True) + (theta[first] - theta[second])[:, None]
    # Rounding leaves dust where two runs agree; a trace without a difference must not count as one.
    scale = np.maximum(1.0, np.abs(pseudo[first]) + np.abs(pseudo[second]))
    values[np.abs(values) <= 1e-12 * scale] = 0.0
    return Paired(theta, first, second, values)


def leading_metric(reports: Sequence[Report]) -> str:
    """What runs are compared and gated on where nobody says: need detection where people labelled need, else F1."""
    defined = all(
        (found := judged.overall.metrics.get(BY_PEOPLE.key)) is not None and found.value is not None
        for report in reports
        for judged in report.judges
    )
    return (BY_PEOPLE if defined and all(report.judges for report in reports) else BY_JUDGE).key


def compare(
    reports: Sequence[Report],
    metric: str = BY_JUDGE.key,
    *,
    judge: str | None = None,
    split: str | None = None,
    anyway: bool = False,
    names: Sequence[str] | None = None,
) -> Comparison:
    """Compare runs on `metric`, pair by pair and all together, over the traces of `split` (None = all); by the other
    rule of need too, where people labelled need and the metric changes with it.

    Raises `UsageError` where runs differ in data, protocol, judge or traces (unless `anyway`), see `align`.
    """
    aligned = partial(align, reports, judge=judge, split=split, anyway=anyway, names=names)
    runs = aligned(metric)
    others = {rule: aligned(f"{metric}_{rule}") for rule in _other_rules(runs, metric)}
    own = runs.judged[0].rule
    rules = {
        rule: _compared(other).model_copy(update={"rule": rule, "title": runs.metric.title})
        for rule, other in others.items()
    }
    whole = dict(zip(runs.names, runs.judged, strict=True)) if split is None else {}
    by_need = rules and (runs.metric.judge_free or runs.judged[0].judge.label_rule)
    found = {"rules": rules, "rule": own.value if by_need else None, "population": tuple(orders(whole))}
    return _compared(runs).model_copy(update=found)


def _other_rules(runs: Aligned, metric: str) -> Iterator[str]:
    """The rules of need by which the metric can be read as well."""
    if metric != runs.metric.key or not runs.metric.silences_matter:
        return
    own = runs.judged[0].judge.label_rule or (runs.judged[0].rule if runs.metric.judge_free else None)
    for rule in NeedRule:
        if rule is not own and all(rule in judged.tables for judged in runs.judged):
            yield rule.value


def _compared(runs: Aligned) -> Comparison:
    paired = pair_up(runs.measure, runs.counts)
    tested = np.isfinite(paired.values).all(axis=1) & (paired.values.shape[1] > 1)
    p_joint, p = np.full(len(tested), np.nan), np.full(len(tested), np.nan)
    p_holm, p_fdr = p.copy(), p.copy()
    if tested.any():
        p[tested] = [signflip(row) for row in paired.values[tested]]
        p_joint[tested] = joint_signflip(paired.values[tested])
        p_holm[tested], p_fdr[tested] = holm(p[tested]), benjamini_hochberg(p[tested])
    adjusted = {"p": p, "p_joint": p_joint, "p_holm": p_holm, "p_fdr": p_fdr}
    worth = None if runs.metric.judge_free else _worth(runs.judged)
    ranks = worth in (None, *(status for status in MeasurementStatus if Measurement(status=status).ranks))
    return Comparison(
        metric=runs.key,
        title=metric_for(runs.key).title,
        better=runs.metric.better,
        split=runs.split,
        judge=runs.judged[0].judge.id,
        deciders=deciders(runs.judged),
        worth=worth,
        ranks=ranks,
        traces=len(runs.traces),
        standings=tuple(_standings(runs, paired, p_joint, ranks=ranks)),
        pairs=tuple(_pair(runs, paired, place, adjusted) for place in range(len(tested))),
        marks=runs.marks,
        conditions=runs.conditions + runs.unknown_conditions,
        warnings=tuple(_warnings(runs, ranks=ranks)),
    )


def _worth(judged: Sequence[JudgeReport]) -> MeasurementStatus:
    """What the verdicts behind all the runs are worth: as much as the least of them."""
    return max((found.measurement.status for found in judged), key=list(MeasurementStatus).index)


def _pair(runs: Aligned, paired: Paired, place: int, adjusted: dict[str, Floats]) -> PairComparison:
    first, second = int(paired.first[place]), int(paired.second[place])
    whom = (runs.names[first], runs.names[second])
    lacking = next((run for run in (first, second) if np.isnan(paired.theta[run])), None)
    if lacking is not None:
        why = f"undefined for {runs.names[lacking]}: {runs.reasons[lacking]}"
        return PairComparison(first=whom[0], second=whom[1], difference=None, reason=why)
    found = told(paired, place, whom, adjusted, runs.metric.high - runs.metric.low)
    if Column.TP not in runs.measure.cells:
        return found
    # McNemar's looks at right and wrong by verdict.
    secondary = mcnemar(*_discordant(runs.judged[first], runs.judged[second], runs.traces))
    return found.model_copy(update={"mcnemar_p": secondary})


def told(
    paired: Paired, place: int, whom: tuple[str, str], adjusted: Mapping[str, Floats], widest: float
) -> PairComparison:
    """One pair of `paired` in figures: its effect with error and interval, its p and those `adjusted` for all pairs (by
    field, NaN where there is no test), or why it has none. `widest` is the metric's range."""
    delta, values, traces = float(paired.difference[place]), paired.values[place], paired.values.shape[1]
    found = PairComparison(first=whom[0], second=whom[1], difference=delta)
    if np.isnan(adjusted["p"][place]):
        return found.model_copy(update={"reason": ONE_TRACE if traces > 1 else "one trace"})
    tests = {name: float(p[place]) for name, p in adjusted.items()}
    found = found.model_copy(update={"smallest_p": smallest_p(values), **tests})
    if not values.any():
        return found.model_copy(update={"reason": IDENTICAL, "stderr": 0.0})
    stderr = float(paired.stderr[place])
    reach = t_quantile(0.975, traces - 1) * stderr
    reason = UNTESTABLE if (values != 0).sum() < FEWEST_TESTABLE else None
    return found.model_copy(
        update={
            "stderr": stderr,
            "interval": (max(-widest, delta - reach), min(widest, delta + reach)),
            "detectable": minimum_detectable_difference(stderr, traces),
            "reason": reason,
        }
    )


def _standings(runs: Aligned, paired: Paired, p: Floats, *, ranks: bool) -> Iterator[Standing]:
    sign = {"up": 1.0, "down": -1.0}.get(runs.metric.better, 0.0)
    theta, count = paired.theta, len(runs.names)
    won = (p <= LEVEL) & (sign * paired.difference > 0)
    lost = (p <= LEVEL) & (sign * paired.difference < 0)
    worse_than_it = np.bincount(paired.first[won], minlength=count) + np.bincount(paired.second[lost], minlength=count)
    better_than_it = np.bincount(paired.second[won], minlength=count) + np.bincount(paired.first[lost], minlength=count)
    places = np.where(np.isnan(theta), np.inf, -(sign or 1.0) * theta)
    order = sorted(range(count), key=lambda run: (places[run], runs.names[run]))
    scored = int(np.isfinite(theta).sum())
    behind = set(paired.second[won & (paired.first == order[0])]) | set(
        paired.first[lost & (paired.second == order[0])]
    )
    chances = [runs.section(run).chance for run in range(count)]
    by_holm = over_family(chances)
    for run in order:
        alone = spread(runs.metric, Resampled(runs.counts[run]))
        known = bool(np.isfinite(theta[run]))
        ranked = known and sign != 0 and ranks
        yield Standing(
            name=runs.names[run],
            value=float(theta[run]) if known else None,
            interval=alone.interval,
            reason=alone.reason if known else runs.reasons[run],
            chance=chances[run],
            chance_holm=by_holm[run],
            rank=(1 + int(better_than_it[run]), scored - int(worse_than_it[run])) if ranked else None,
            leading=ranked and run not in behind,
        )


def _discordant(first: JudgeReport, second: JudgeReport, traces: Sequence[str]) -> tuple[int, int]:
    """Moments (first rollout) that both runs have scored and only one got right: by the first, by the second."""
    better = worse = 0
    for name in traces:
        for a, b in zip(first.outcomes[name][0], second.outcomes[name][0], strict=False):
            if a in "ARar" and b in "ARar":
                better += a in "Aa" and b in "Rr"
                worse += a in "Rr" and b in "Aa"
    return better, worse


def _by_people(runs: Aligned) -> Iterator[str]:
    """Where people labelled answers of a run: what they make of the metric, which is compared by the judge."""
    for run, (name, judged) in enumerate(zip(runs.names, runs.judged, strict=True)):
        found = judged.people.metrics.get(runs.key) if judged.people and runs.split is None else None
        if found and found.value is not None and judged.people:
            by_judge = runs.metric.shown(runs.value(run).value)
            ends = f" [{', '.join(map(runs.metric.shown, found.interval))}]" if found.interval else ""
            yield (
                f"{name}: {runs.key} is {runs.metric.shown(found.value)}{ends} by people "
                f"({judged.people.labelled_by}), {by_judge} by the judge, by whose verdicts it is compared"
            )


def _warnings(runs: Aligned, *, ranks: bool) -> Iterator[str]:
    yield from runs.cautions
    yield from _by_people(runs)
    if not ranks:
        yield f"{_UNRANKED[_worth(runs.judged)]}: these standings rank nothing"
    if len(runs.traces) < FEWEST_TESTABLE:
        yield f"{len(runs.traces)} traces: no difference can be tested at .05 with fewer than {FEWEST_TESTABLE}"
