"""A run under one judge, counted: every view's outcomes and counts, ready for any scope of traces."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from proactivebench.records import JudgeIdentity, JudgeReport, TraceTable
from proactivebench.scoring.answers import Answers
from proactivebench.scoring.counting import Counts, Tally, pooled, tabulate
from proactivebench.scoring.decisions import ACCEPTED, REJECTED, Decisions
from proactivebench.scoring.definedness import NO_OFFER_VERDICTS, NO_SILENCE_VERDICTS, stored_table
from proactivebench.scoring.efficiency import Prices, latencies, queueing, spent_money, spent_tokens
from proactivebench.scoring.metric import Need
from proactivebench.scoring.outcomes import Outcomes, View, outcomes, views
from proactivebench.scoring.registry import METRICS

_SCORED = (ACCEPTED, REJECTED)


@dataclass(frozen=True)
class Spending:
    """What the agent spent per moment and repeat, and why that is not known."""

    tokens: NDArray[np.float64]
    money: NDArray[np.float64]
    latency: NDArray[np.float64]
    queue: NDArray[np.float64]
    no_tokens: str | None
    no_money: str | None

    @classmethod
    def of(cls, answers: Answers, prices: Prices | None) -> Spending:
        """The spending of a run."""
        tokens = spent_tokens(answers)
        nothing = np.zeros(answers.last.shape)
        known = tokens is not None and prices is not None
        return cls(
            tokens=nothing if tokens is None else tokens,
            money=spent_money(answers, prices) if known and prices is not None else nothing,
            latency=latencies(answers),
            queue=queueing(answers),
            no_tokens="no usage" if tokens is None else None,
            no_money=None if known else "no usage" if tokens is None else "no prices given",
        )


@dataclass(frozen=True)
class Judged:
    """One judge's reading of a run. `anchors` are reports of `never` and `always` under the same judge; `wanted` names
    the only metrics asked for (None = all)."""

    answers: Answers
    decisions: Decisions
    judge: JudgeIdentity
    spending: Spending
    anchors: Mapping[str, JudgeReport]
    wanted: Collection[str] | None = None

    @cached_property
    def views(self) -> tuple[View, ...]:
        """The views this run and judge allow and somebody asks for, the run's own first."""
        own, *others = views(self.answers, self.judge)
        return (own, *(view for view in others if any(self.wants(key, view) for key in METRICS)))

    def wants(self, key: str, view: View) -> bool:
        """Whether metric `key` is asked for in `view`."""
        return self.wanted is None or key + view.suffix in self.wanted

    @cached_property
    def outcomes(self) -> dict[str, Outcomes]:
        """Outcomes by view name."""
        return {view.name: outcomes(self.answers, self.decisions, self.judge, view) for view in self.views}

    @cached_property
    def counts(self) -> dict[str, Counts]:
        """Counts by view name: (traces, repeats, judge repeats, columns)."""
        spent = self.spending
        return {
            view.name: tabulate(Tally(self.answers, self.outcomes[view.name], view, spent.tokens, spent.money))
            for view in self.views
        }

    def tables(self) -> dict[str, TraceTable]:
        """Pooled counts per trace by view name, with what each lacks."""
        ids = [trace.trace_id for trace in self.answers.moments.traces]
        return {view.name: stored_table(pooled(self.counts[view.name]), ids, self.lacking(view)) for view in self.views}

    def letters(self) -> dict[str, tuple[str, ...]]:
        """Outcome letters by trace id: one string per repeat."""
        letters, starts = self.outcomes[""].letters(), self.answers.moments.starts.tolist()
        return {
            trace.trace_id: tuple("".join(column) for column in letters[start:end].T.tolist())
            for trace, start, end in zip(self.answers.moments.traces, starts, starts[1:], strict=False)
        }

    @cached_property
    def stated(self) -> dict[str, tuple[tuple[float, float, float], ...]]:
        """By trace what was stated of its scored offers, the highest first, and how many of these were accepted and
        rejected, each repeat and judge repeat weighted 1/(n·r); only traces of which anything was stated."""
        answers, found = self.answers, self.outcomes[""]
        said = answers.at(answers.confidence, answers.last)
        if np.isnan(said).all():
            return {}
        verdicts = {code: (found.offered[:, :, None] & (found.offers == code)).mean(axis=2) for code in _SCORED}
        verdicts = {code: share / said.shape[1] for code, share in verdicts.items()}
        rows, starts = {}, answers.moments.starts.tolist()
        for trace, start, end in zip(answers.moments.traces, starts, starts[1:], strict=False):
            by_value: dict[float, tuple[float, float]] = {}
            for turn, repeat in np.argwhere(~np.isnan(said[start:end])).tolist():
                at = start + turn, repeat
                counted = [float(verdicts[code][at]) for code in _SCORED]
                if any(counted):
                    before = by_value.get(float(said[at]), (0.0, 0.0))
                    by_value[float(said[at])] = before[0] + counted[0], before[1] + counted[1]
            if by_value:
                rows[trace.trace_id] = tuple((value, *sums) for value, sums in sorted(by_value.items(), reverse=True))
        return rows

    def lacking(self, view: View) -> dict[Need, str]:
        """What nobody was asked or said in a view, with the reason."""
        found = {}
        if self.judge.proposals is None:
            found[Need.OFFERS] = NO_OFFER_VERDICTS
        if self.judge.silence is None and not view.labels:
            found[Need.SILENCES] = NO_SILENCE_VERDICTS
        if self.spending.no_tokens:
            found[Need.USAGE] = self.spending.no_tokens
        if self.spending.no_money:
            found[Need.PRICES] = self.spending.no_money
        return found
