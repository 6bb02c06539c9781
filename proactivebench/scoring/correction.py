"""Metrics corrected for a judge's measured errors: Rogan and Gladen's estimator, stratum by stratum, with the
uncertainty of the error rates drawn from their posteriors.

It holds only if the judge errs on this agent's answers as it did on those it was measured on, which nothing in the
numbers can show: it is never made unasked, and refused wherever something speaks against it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from proactivebench.records import Adjusted, ErrorCount, JudgeErrors, MetricValue
from proactivebench.scoring.counting import Count, Counts, zeros
from proactivebench.scoring.definedness import Lacking, why_undefined
from proactivebench.scoring.intervals import (
    FEWEST_TRACES,
    effective_size,
    jackknife_variance,
    t_quantile,
)
from proactivebench.scoring.measures import combine, total
from proactivebench.scoring.metric import Metric, Need
from proactivebench.scoring.offers import Column
from proactivebench.scoring.registry import METRICS

METHOD = "judge_errors"
DRAWS = 10_000
FEWEST_ITEMS = 20
FEWEST_KEPT = 0.8  # share of the draws that are possible
FURTHEST_OUT = 2.0  # standard errors that a corrected rate may lie outside 0–1
_NORMAL = 1.96
C = Column

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Stratum:
    """The offers (or the silences) that one judge decided: `accepted` of `items`, worth `size` independent ones, and
    how well the judge knows acceptance (`sensitivity`) and rejection (`specificity`); None = it cannot be wrong."""

    accepted: float
    items: float
    size: float
    sensitivity: ErrorCount | None = None
    specificity: ErrorCount | None = None

    @property
    def corrected(self) -> float:
        """π = (q + c − 1)/(s + c − 1), the share people would accept: plug-in, not kept within 0–1."""
        q = self.accepted / self.items if self.items else 0.0
        if self.sensitivity is None or self.specificity is None:
            return q
        s, c = (count.correct / count.items for count in (self.sensitivity, self.specificity))
        return (q + c - 1) / (s + c - 1) if s + c != 1 else float("nan")

    @property
    def outside(self) -> float:
        """How far π lies outside 0–1, in standard errors by the delta method from q, s and c; 0 inside."""
        pi = self.corrected
        beyond = max(-pi, pi - 1, 0.0)
        if not beyond or not self.items or self.sensitivity is None or self.specificity is None:
            return 0.0
        s, c = ((count.correct, count.items) for count in (self.sensitivity, self.specificity))
        margin = s[0] / s[1] + c[0] / c[1] - 1
        q = (self.accepted / self.items * self.size, self.size)
        variance = _variance(*q) + (1 - pi) ** 2 * _variance(*c) + pi**2 * _variance(*s)
        return beyond * abs(margin) / float(np.sqrt(variance))

    def draw(self, random: np.random.Generator, draws: int) -> tuple[Floats, Floats]:
        """Draws of π, and of s + c − 1."""
        if not self.items:
            return np.zeros(draws), np.ones(draws)
        q = random.beta(*_jeffreys(self.accepted / self.items * self.size, self.size), draws)
        if self.sensitivity is None or self.specificity is None:
            return q, np.ones(draws)
        s, c = (
            random.beta(*_jeffreys(count.correct, count.items), draws) for count in (self.sensitivity, self.specificity)
        )
        with np.errstate(divide="ignore", invalid="ignore"):
            return (q + c - 1) / (s + c - 1), s + c - 1


def _jeffreys(hits: float, items: float) -> tuple[float, float]:
    return hits + 0.5, items - hits + 0.5


def _variance(hits: float, items: float) -> float:
    """Variance of a share of which so much is known: that of the distribution it is drawn from."""
    a, b = _jeffreys(hits, items)
    return a * b / ((a + b) ** 2 * (a + b + 1))


def correct(
    counts: Counts,
    errors: JudgeErrors | None,
    *,
    judge_hash: str,
    candidates: int = 1,
    lacking: Lacking = MappingProxyType({}),
    draws: int = DRAWS,
    seed: int = 0,
) -> Adjusted:
    """The judged metrics of a run, from pooled counts (traces, columns), as people would have judged it: medians and
    95 % intervals of the draws. `refused` is set where the measured errors cannot carry a correction; a metric that is
    undefined for the run, which may lack what `lacking` names, stays so."""
    whole = counts.sum(axis=0)
    refusal = _refusal(counts, whole, errors, judge_hash, candidates)
    if refusal or errors is None:
        return Adjusted(method=METHOD, refused=refusal)
    return correct_strata(
        offers=(
            _stratum(counts, C.SURE_TP, C.SURE_FP, ()),
            _stratum(counts, C.TP, C.FP, (C.SURE_TP, C.SURE_FP), errors.correct_detection, errors.false_alarm),
        ),
        silences=(
            _stratum(counts, C.SURE_TN, C.SURE_FN, ()),
            _stratum(counts, C.TN, C.FN, (C.SURE_TN, C.SURE_FN), errors.correct_rejection, errors.missed_need),
        ),
        share_size=_size(counts, combine(counts, total(C.TP, C.FP)), combine(counts, total(C.TP, C.FP, C.TN, C.FN))),
        metrics=judged_metrics(whole, lacking),
        draws=draws,
        seed=seed,
    )


def correct_strata(
    offers: tuple[Stratum, ...],
    silences: tuple[Stratum, ...],
    share_size: float,
    *,
    metrics: Sequence[Metric],
    draws: int = DRAWS,
    seed: int = 0,
) -> Adjusted:
    """The correction itself. The share of offers among all moments is drawn too, as of `share_size` independent
    moments; how a stratum is divided between judges is taken as it is."""
    random = np.random.default_rng(seed)
    number, offered = (sum(part.items for part in parts) for parts in ((*offers, *silences), offers))
    share = random.beta(*_jeffreys(offered / number * share_size, share_size), draws)
    kept = np.ones(draws, dtype=bool)
    rates = []
    for stratum in (offers, silences):
        items, rate = sum(part.items for part in stratum), np.zeros(draws)
        for part in stratum:
            pi, margin = part.draw(random, draws)
            if np.quantile(margin, 0.025) <= 0:
                return Adjusted(method=METHOD, refused="the judge is not shown to know acceptance from rejection")
            if part.outside > FURTHEST_OUT:
                why = f"people would accept {part.corrected:.0%}, {part.outside:.1f} standard errors beyond what can be"
                return Adjusted(method=METHOD, refused=f"the error rates do not transfer: {why}")
            kept &= (margin > 0) & (pi >= 0) & (pi <= 1)
            rate += pi * (part.items / items if items else 0.0)
        rates.append(rate)
    if kept.mean() < FEWEST_KEPT:
        why = f"the error rates do not transfer: only {kept.mean():.0%} of the draws are possible"
        return Adjusted(method=METHOD, refused=why)
    drawn = _tables(share[kept] * number, rates[0][kept], (1 - share[kept]) * number, rates[1][kept])
    details = {"kept": float(kept.mean())}
    plug_in = (_rate(offers), _rate(silences))
    if all(0 <= rate <= 1 for rate in plug_in):  # impossible counts are never stored
        number_of = (np.array([part]) for part in (offered, plug_in[0], number - offered, plug_in[1]))
        table = _tables(*number_of)[0]
        details |= {column.name: float(table[column]) for column in (C.TP, C.FP, C.TN, C.FN)}
    return Adjusted(method=METHOD, metrics=dict(_values(drawn, metrics)), details=details)


def _rate(stratum: tuple[Stratum, ...]) -> float:
    items = sum(part.items for part in stratum)
    return sum(part.corrected * part.items for part in stratum) / items if items else 0.0


def _tables(offers: Floats, accepted: Floats, silences: Floats, right: Floats) -> Counts:
    """Judged outcomes from numbers of offers and silences and their acceptance rates: (draws, columns)."""
    counts = zeros(len(offers))
    counts[:, C.TP], counts[:, C.FP] = offers * accepted, offers * (1 - accepted)
    counts[:, C.TN], counts[:, C.FN] = silences * right, silences * (1 - right)
    return counts


def judged_metrics(whole: Counts, lacking: Lacking) -> list[Metric]:
    """The metrics that the four judged outcomes determine, those defined for the run."""
    return [
        metric
        for metric in METRICS.values()
        if metric.measure is not None
        and metric.measure.cells[:1] == (C.TP,)
        and metric.needs <= {Need.OFFERS, Need.SILENCES}
        and why_undefined(metric, whole, lacking) is None
    ]


def _values(drawn: Counts, metrics: Sequence[Metric]) -> Iterator[tuple[str, MetricValue]]:
    for metric in metrics:
        assert metric.measure is not None  # noqa: S101  # `judged_metrics` has just seen to it
        values = metric.measure(drawn)
        values = values[np.isfinite(values)]
        if not len(values):
            yield metric.key, MetricValue(value=None, reason=metric.undefined)
            continue
        low, middle, high = np.quantile(values, (0.025, 0.5, 0.975))
        yield metric.key, MetricValue(value=float(middle), interval=(float(low), float(high)))


def _stratum(
    counts: Counts,
    accepted: Count,
    rejected: Count,
    sure: tuple[Count, ...],
    sensitivity: ErrorCount | None = None,
    specificity: ErrorCount | None = None,
) -> Stratum:
    """The part of a stratum that is left without the `sure` columns."""
    hits = counts[:, accepted] - (counts[:, sure[0]] if sure else 0)
    items = hits + counts[:, rejected] - (counts[:, sure[1]] if sure else 0)
    return Stratum(float(hits.sum()), float(items.sum()), _size(counts, hits, items), sensitivity, specificity)


def _size(counts: Counts, hits: Floats, items: Floats) -> float:
    """How many independent items the jackknife error of hits/items is worth, widened from normal to t."""
    whole, number = float(items.sum()), float(hits.sum())
    if not whole:
        return 0.0
    quantile = t_quantile(0.975, len(counts) - 1)
    rest = whole - items
    variance = 0.0
    if (rest > 0).all():
        variance = jackknife_variance((number - hits) / rest)
    q = number / whole
    independent = effective_size(whole, int((items > 0).sum()))
    if variance > 1e-24:
        independent = min(q * (1 - q) / variance, whole)
    return float(independent * (_NORMAL / quantile) ** 2)


def _refusal(counts: Counts, whole: Counts, errors: JudgeErrors | None, judge_hash: str, candidates: int) -> str | None:
    if candidates > 1:
        return "several candidates a moment: one verdict's errors do not give a moment's"
    if errors is None:
        return "the judge's errors were never measured"
    if errors.judge_hash != judge_hash:
        return "the errors were measured on another judge"
    if errors.leaked:
        return "the judge's errors were measured on contexts it may have seen: they are too small"
    if not errors.same_population:
        return f"the judge's errors were measured on other answers ({errors.population}): it errs otherwise on these"
    if len(counts) < FEWEST_TRACES:
        return f"fewer than {FEWEST_TRACES} traces"
    if whole[[C.TP, C.FP, C.TN, C.FN]].sum() == 0:
        return "no scored moment"
    classes = {
        "accepted offers": (errors.correct_detection, whole[C.TP] + whole[C.FP] - whole[C.SURE_TP] - whole[C.SURE_FP]),
        "rejected offers": (errors.false_alarm, whole[C.TP] + whole[C.FP] - whole[C.SURE_TP] - whole[C.SURE_FP]),
        "right silences": (errors.correct_rejection, whole[C.TN] + whole[C.FN] - whole[C.SURE_TN] - whole[C.SURE_FN]),
        "wrong silences": (errors.missed_need, whole[C.TN] + whole[C.FN] - whole[C.SURE_TN] - whole[C.SURE_FN]),
    }
    for name, (count, needed) in classes.items():
        if needed > 0 and (count is None or count.items < FEWEST_ITEMS):
            there = 0 if count is None else count.items
            return f"{there} validation items among {name}, fewer than {FEWEST_ITEMS}"
    return None
