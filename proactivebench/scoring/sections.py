"""One section of a report: every metric and count over some of the traces."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from proactivebench.records import Confusion, MetricValue, NeedRule, SplitReport
from proactivebench.scoring.answers import MISSING, PROPOSED, count_notes, count_statuses
from proactivebench.scoring.chance import beats_chance
from proactivebench.scoring.counting import Counts
from proactivebench.scoring.decisions import ACCEPTED, REJECTED
from proactivebench.scoring.definedness import reported, stored_counts, stored_lacking, why_undefined
from proactivebench.scoring.dispersion import components, intraclass_correlation
from proactivebench.scoring.intervals import Resampled, spread
from proactivebench.scoring.judged import Judged
from proactivebench.scoring.measures import Measure
from proactivebench.scoring.metric import VERDICTS, Metric, Need
from proactivebench.scoring.moments import UNLABELLED
from proactivebench.scoring.offers import Column
from proactivebench.scoring.outcomes import View
from proactivebench.scoring.registry import METRICS
from proactivebench.scoring.stated import tabulate_stated
from proactivebench.scoring.tables import Table, Values
from proactivebench.scoring.trivial import trivial_agents

C = Column

_VERDICTS_LACKING = frozenset({Need.OFFERS, Need.SILENCES})


class Section:
    """The traces at `chosen` (indices) of a judged run. `only` names the metrics to compute of those that are wanted of
    the run (None = all of them)."""

    def __init__(self, judged: Judged, chosen: NDArray[np.int64], only: Collection[str] | None = None) -> None:
        self.judged = judged
        self.only = only
        self.chosen = chosen
        moments = judged.answers.moments
        self.rows = np.concatenate([np.arange(moments.starts[g], moments.starts[g + 1]) for g in chosen])
        self._tables: dict[str, Table] = {}

    def table(self, view: str) -> Table:
        """The counts of a view, made when first asked for."""
        if view not in self._tables:
            self._tables[view] = Table(self.judged.counts[view][self.chosen])
        return self._tables[view]

    def report(self) -> SplitReport:
        """Everything that is said about these traces."""
        answers = self.judged.answers
        status = answers.at(answers.status, answers.last)[self.rows]
        notes = answers.at(answers.notes, answers.last)[self.rows]
        whole = self.table("").whole
        hours = answers.moments.hours[self.chosen]
        everything = self.judged.wanted is None
        return SplitReport(
            traces=len(self.chosen),
            moments=len(self.rows),
            answered=int(answers.final(status).sum()),
            confusion=Confusion(
                tp=whole[C.TP],
                fp=whole[C.FP],
                tn=whole[C.TN],
                fn=whole[C.FN],
                unscored=whole[C.UNSCORED_OFFERS] + whole[C.UNSCORED_SILENCES],
                not_asked=whole[C.UNASKED_OFFERS] + whole[C.UNASKED_SILENCES],
            ),
            metrics=dict(self._metrics()),
            statuses=count_statuses(status),
            notes=count_notes(notes[status != MISSING]),
            icc=dict(self._correlations()) if everything else {},
            timed_traces=int((hours > 0).sum()),
            timed_hours=float(hours.sum()),
            anchors=trivial_agents(self.judged, self.chosen) if everything else {},
            chance=dict(self._chance()) if everything else {},
            queueing=self._queueing() if everything else {},
        )

    def _queueing(self) -> dict[str, float]:
        """How long moments waited before they were asked, where that was taken."""
        waited = self.judged.spending.queue[self.rows]
        waited = waited[~np.isnan(waited)]
        return {f"p{share}": float(np.quantile(waited, share / 100)) for share in (50, 95)} if waited.size else {}

    def _chance(self) -> Iterator[tuple[str, float]]:
        """By need rule, whether offers fall on need more often than at random: nothing where a moment has no label or
        no final answer."""
        answers, moments = self.judged.answers, self.judged.answers.moments
        status = answers.at(answers.status, answers.last)
        if not answers.final(status[self.rows]).all():
            return
        places = [slice(moments.starts[g], moments.starts[g + 1]) for g in self.chosen]
        for rule in moments.rules:
            need = moments.need(rule)
            if (need[self.rows] == UNLABELLED).any() and not (rule is NeedRule.ASKED and rule is moments.rules[0]):
                continue
            yield rule.value, beats_chance([status[p] == PROPOSED for p in places], [need[p] for p in places]).p

    def _metrics(self) -> Iterator[tuple[str, MetricValue]]:
        for view in self.judged.views:
            asked = [m for m in METRICS.values() if self._wants(m.key, view) and reported(m, view.name)]
            table, lacking = self.table(view.name), self.judged.lacking(view)
            undefined = {m.key: why_undefined(m, table.whole, lacking) for m in asked}
            measured = [(m, m.measure) for m in asked if m.measure is not None and not undefined[m.key]]
            values = Values(table, measured) if measured else None
            places = {m.key: place for place, (m, _) in enumerate(measured)}
            for metric in asked:
                if undefined[metric.key]:
                    found = MetricValue(value=None, reason=undefined[metric.key])
                elif metric.of_stated is not None:
                    found = self._of_stated(metric, metric.of_stated)
                elif values is not None and metric.key in places:
                    found = self._measured(metric, table, values, places[metric.key])
                else:
                    value, reason = metric.computed(_Scope(self, view)) if metric.computed else (None, metric.undefined)
                    found = MetricValue(value=value, reason=reason)
                yield metric.key + view.suffix, found

    def _wants(self, key: str, view: View) -> bool:
        return self.judged.wants(key, view) and (self.only is None or key + view.suffix in self.only)

    def _of_stated(self, metric: Metric, measure: Measure) -> MetricValue:
        """A defined function of what was stated of offers."""
        traces = [self.judged.answers.moments.traces[g].trace_id for g in self.chosen]
        counts = tabulate_stated([self.judged.stated], traces)[0]
        found = spread(replace(metric, measure=measure), Resampled(counts))
        return MetricValue(
            value=found.value, interval=found.interval, interval_reason=found.reason, stderr=found.stderr
        )

    def _measured(self, metric: Metric, table: Table, values: Values, place: int) -> MetricValue:
        """A defined function of pooled counts, the one at `place` among those measured."""
        found = spread(metric, values.traces, values.values[place], values.variances[place])
        judged = metric.bounded and bool(metric.needs & VERDICTS)
        return MetricValue(
            value=found.value,
            interval=found.interval,
            interval_reason=found.reason,
            stderr=found.stderr,
            design_effect=values.design_effects[place],
            strict=_known(values.strict[place]) if judged else None,
            bounds=_range(values.unclean[place]) if metric.bounded else None,
            unscored_bounds=_range(values.unscored[place]) if judged else None,
            components=components(values.measures[place], table.counts),
        )

    def anchor(self, name: str, view: View) -> Counts | None:
        """Counts of a trivial agent's run over the same traces, or None where there is no such run."""
        report = self.judged.anchors.get(name)
        table = report and report.tables.get(view.name)
        ids = [self.judged.answers.moments.traces[g].trace_id for g in self.chosen]
        if not table or any(name not in table.rows for name in ids):
            return None
        if _VERDICTS_LACKING & stored_lacking(table).keys():
            return None
        whole: Counts = stored_counts(table, ids).sum(axis=0)
        return whole

    def _correlations(self) -> Iterator[tuple[str, float]]:
        counts = self.table("").counts[:, 0, 0]
        scored = counts[:, C.TP] + counts[:, C.FP]
        wanted = {
            "acceptance": (counts[:, C.TP], scored),
            "offer": (counts[:, C.OFFERS], counts[:, C.MOMENTS]),
        }
        moments = self.judged.answers.moments
        for rule in moments.rules:
            need = moments.need(rule)
            wanted[f"need_{rule}"] = (
                moments.per_trace((need == 1).astype(float))[self.chosen],
                moments.per_trace((need >= 0).astype(float))[self.chosen],
            )
        for name, (hits, items) in wanted.items():
            value = intraclass_correlation(hits, items)
            if value is not None:
                yield name, value


@dataclass(frozen=True, slots=True)
class _Scope:
    """A section in one view, as metrics see it that are no function of counts: see `scoring.metric.Scope`."""

    section: Section
    view: View

    @property
    def counts(self) -> Counts:
        """Counts per trace, repeat and judge repeat."""
        return self.section.table(self.view.name).counts

    @property
    def whole(self) -> Counts:
        """Pooled counts."""
        whole: Counts = self.section.table(self.view.name).whole
        return whole

    @property
    def need_decides(self) -> bool:
        """Whether labels say that silence was right."""
        return self.view.labels

    @property
    def latencies(self) -> NDArray[np.float64]:
        """Seconds of the moments that were timed."""
        times = self.section.judged.spending.latency[self.section.rows]
        timed: NDArray[np.float64] = times[~np.isnan(times)]
        return timed

    @property
    def stated(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Stated confidence of scored offers, and whether they were accepted."""
        answers, found = self.section.judged.answers, self.section.judged.outcomes[self.view.name]
        rows = self.section.rows
        confidence = answers.at(answers.confidence, answers.rounds_of(self.view.name))[rows][:, :, None]
        offers = found.offers[rows]
        known = found.offered[rows][:, :, None] & np.isin(offers, (ACCEPTED, REJECTED)) & ~np.isnan(confidence)
        accepted = (offers == ACCEPTED)[known].astype(np.float64)
        said: NDArray[np.float64] = np.broadcast_to(confidence, offers.shape)[known]
        return said, accepted

    def anchor(self, name: str) -> Counts | None:
        """Pooled counts of a trivial agent's run over the same traces."""
        return self.section.anchor(name, self.view)


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value


def _range(ends: tuple[float, float]) -> tuple[float, float] | None:
    return None if math.isnan(ends[0]) else ends
