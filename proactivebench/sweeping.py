"""Sweeping a threshold over a run's stored offers, and writing what comes of it as a run. Nobody is asked again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np

from proactivebench.errors import BadArgument, DataError, InvalidRun, NotComparable
from proactivebench.records import (
    SILENCE,
    CostDifference,
    CostPoint,
    JudgeIdentity,
    Measurement,
    Moment,
    NeedRule,
    Note,
    Reply,
    ReplyKey,
    ReplyStatus,
    SpeakingRule,
    Sweep,
    Sweeps,
    Swept,
    Task,
    ThresholdRow,
    Verdict,
    VerdictStatus,
    question_hash,
)
from proactivebench.reporting import measurements_in
from proactivebench.scoring.alignment import unique_names
from proactivebench.scoring.answers import Answers, read_replies
from proactivebench.scoring.counting import Counts
from proactivebench.scoring.decisions import judge_named, read_verdicts
from proactivebench.scoring.intervals import FEWEST_TRACES, Resampled, t_quantile
from proactivebench.scoring.moments import Moments
from proactivebench.scoring.offers import Column
from proactivebench.scoring.outcomes import View, outcomes
from proactivebench.scoring.registry import METRICS
from proactivebench.scoring.thresholds import (
    FALSE_ALARMS,
    NOBODY,
    BreakEven,
    Costs,
    Estimate,
    Floats,
    Items,
    Reference,
    cost_metric,
    grid_p_values,
    metric_value,
    paired,
    speaks_by_prism,
)
from proactivebench.store import RunStore
from proactivebench.traces.kept import IN_THE_RUN, keep

RISK = "false_discovery_rate"  # of the offers kept, the share rejected
SHOWN = ("precision", "recall", "f1", "need_detection_balanced_accuracy", RISK)
COLUMNS = {  # of these in a terminal, and what stands above them
    "precision": "precision",
    "recall": "recall",
    "f1": "F1",
    "need_detection_balanced_accuracy": "need det.",
    "cost": "cost",
}
FEWEST = 2  # traces: one is scored with what the others say


@dataclass(frozen=True)
class Asked:
    """How offers are kept: by which rule, for which costs, from a threshold on that somebody gives (None: chosen on the
    other traces); by whose verdicts and which rule of need (None: the run's own)."""

    false_alarm: float = 1.0
    miss: float = 0.5
    rule: SpeakingRule = SpeakingRule.THRESHOLD
    threshold: float | None = None
    judge: str | None = None
    need: NeedRule | None = None

    @property
    def costs(self) -> Costs:
        """The costs asked for."""
        return Costs(self.false_alarm, self.miss)


class Sweeping:
    """A run, read for sweeping. Raises `UsageError` and `DataError` where it cannot be swept, in one line."""

    def __init__(self, store: RunStore, task: Task, asked: Asked) -> None:
        self.store, self.task, self.asked = store, task, asked
        self.manifest = store.manifest
        self.name = self.manifest.agent.name
        self.judge = _judge(store, asked.judge)
        moments = Moments.expected(task, self.manifest)
        self.need = asked.need or self.judge.label_rule or moments.rules[0]
        self.replies = store.replies()
        self.answers = read_replies(moments, self.replies.values())
        decisions = read_verdicts(self.answers, self.judge, store.iter_verdicts(self.judge.id))
        need = moments.need(self.need)
        if not (need >= 0).any():
            raise DataError(
                f"{task.name} has no need labels by the {self.need} rule, by which a dropped offer is right or wrong: "
                "label the data (annotate), or give another --need"
            )
        view = View("", self.need, labels=True, candidates=moments.candidates)
        found = outcomes(self.answers, decisions, self.judge, view)
        self.items = Items.of(self.answers, decisions, found, _stated_need(self.answers, self.replies), need)
        self._refuse()
        given = () if asked.threshold is None else (asked.threshold,)
        self.thresholds = self.items.thresholds(given)
        self.counts = self.items.counts(self.items.kept(self.thresholds))
        self.answered = self.counts[0]

    def _refuse(self) -> None:
        items, where = self.items, self.store.path
        status = self.answers.at(self.answers.status, self.answers.last)
        missing = int((~self.answers.final(status)).sum())
        if missing:
            raise InvalidRun(f"{where} is incomplete: {missing} moments have no final reply; finish the run first")
        if not items.offered.any():
            raise DataError(f"{where} has no offer with a verdict at a labelled moment: there is nothing to keep back")
        if np.isnan(items.p_accept[items.offered]).all():
            raise DataError(
                f"{where} states no confidence (p_accept) with its offers: run the agent with --protocol "
                "standard-confidence, which asks for it"
            )
        if self.asked.rule is SpeakingRule.PRISM and np.isnan(items.p_need[items.offered]).all():
            raise DataError(
                f"{where} states no p_need, which PRISM's rule takes: run the agent with --protocol "
                "standard-confidence, which asks for it"
            )
        if len(items.traces) < FEWEST:
            raise DataError(f"{where} has one trace: a threshold is chosen on other traces than it is scored on")

    @property
    def worth(self) -> Measurement:
        """What the verdicts on the offers are worth."""
        return measurements_in(self.manifest, self.task).get(self.judge.id, self.judge.unmeasured)

    def estimate(self, costs: Costs) -> Estimate:
        """What a moment costs, swept for these costs."""
        if self.asked.rule is SpeakingRule.PRISM:
            return costs.fixed(self.by_prism(costs))
        if self.asked.threshold is not None:
            return costs.fixed(self.counts[self._given])
        return costs.chosen(self.counts)

    def as_answered(self, costs: Costs) -> Estimate:
        """What a moment costs as the agent answered."""
        return costs.fixed(self.answered)

    def by_prism(self, costs: Costs) -> Counts:
        """Counts (traces, columns) by PRISM's rule."""
        kept = self.items.kept_by_prism(costs.false_alarm, costs.miss)
        found: Counts = self.items.counts(kept[None])[0]
        return found

    @property
    def _given(self) -> int:
        return int(np.flatnonzero(self.thresholds == self.asked.threshold)[0])

    def of_traces(self, costs: Costs) -> dict[str, float]:
        """The threshold that each trace is scored with; none by PRISM's rule."""
        if self.asked.rule is SpeakingRule.PRISM:
            return {}
        if self.asked.threshold is not None:
            return dict.fromkeys(self.items.traces, self.asked.threshold)
        best = self.thresholds[costs.best_elsewhere(self.counts)]
        return dict(zip(self.items.traces, best.tolist(), strict=True))

    def report(self) -> Sweep:
        """Everything that is said of the run."""
        asked, costs = self.asked, self.asked.costs
        grid = np.unique([*FALSE_ALARMS, asked.false_alarm]).tolist()
        every = [Costs(false_alarm, asked.miss) for false_alarm in grid]
        swept, answered = [self.estimate(one) for one in every], [self.as_answered(one) for one in every]
        silent = [one.fixed(self.counts[-1]) for one in every]
        p, joint = grid_p_values(paired(swept, answered))
        p_never, never_joint = grid_p_values(paired(swept, silent))
        reference = Reference.of(self.answered)
        curve = tuple(
            CostPoint(
                false_alarm=one.false_alarm,
                swept=mine.told,
                answered=own.told,
                never=reference.never(one),
                always=reference.always(one),
                threshold=self._cheapest(one),
                difference=mine.value - own.value,
                p=float(p[place]),
                p_joint=float(joint[place]),
                p_never=float(p_never[place]),
                p_never_joint=float(never_joint[place]),
            )
            for place, (one, mine, own) in enumerate(zip(every, swept, answered, strict=True))
        )
        whole = self.answered.sum(axis=0)
        metrics = {key: METRICS[key] for key in SHOWN} | {"cost": cost_metric(asked.false_alarm, asked.miss)}
        prism = asked.rule is SpeakingRule.PRISM
        options: list[tuple[float | None, Counts]] = [(0.0, self.answered), (None, self.by_prism(costs))]
        if not prism:
            options = list(zip(map(_told, self.thresholds.tolist()), self.counts, strict=True))
        even = BreakEven(self.answered, asked.miss)
        offers = float(whole[Column.OFFERS])
        return Sweep(
            name=self.name,
            judge=self.judge.id,
            judged_by=self.judge.proposals or "",
            need=self.need,
            rule=asked.rule,
            chosen_on="costs" if prism else "other traces" if asked.threshold is None else "given",
            false_alarm=asked.false_alarm,
            miss=asked.miss,
            traces=len(self.items.traces),
            moments=float(self.items.weight.sum()),
            offers=offers,
            left_out=self.items.left_out,
            unstated=self.items.unstated,
            rows=tuple(
                ThresholdRow(
                    threshold=threshold,
                    kept=float(counts[:, Column.OFFERS].sum()),
                    coverage=float(counts[:, Column.OFFERS].sum() / offers),
                    metrics={name: metric_value(metric, Resampled(counts)) for name, metric in metrics.items()},
                )
                for threshold, counts in options
            ),
            point=curve[grid.index(asked.false_alarm)],
            thresholds={trace: _told(one) for trace, one in self.of_traces(costs).items()},
            curve=curve,
            break_even={"never": even.never, "always": even.always},
        )

    def _cheapest(self, costs: Costs) -> float | None:
        prism = self.asked.rule is SpeakingRule.PRISM
        return None if prism else _told(float(self.thresholds[costs.best(self.counts)]))

    # --- a run of its own ---------------------------------------------------------------------------------------------

    def write(self, path: Path) -> list[str]:
        """Write the swept run into a new folder, each trace by the threshold chosen on the others: the replies, those
        kept back as silences with the note `swept`, and the stored verdicts that still hold.

        Returns what must be known of it. Raises `UsageError` where the folder holds something else, `CannotWrite`.
        """
        of_traces = self.of_traces(self.asked.costs)
        dropped = {key for key, reply in self._last() if not self._keeps(reply, of_traces)}
        judges, notes = {}, []
        for name in self.store.judge_ids():
            judge = self.manifest.judges.get(name)
            if judge is None or (judge.silence is not None and judge.label_rule is None):
                notes.append(f"{name} decides on silences itself and was not asked: proactivebench judge {path}")
            else:
                judges[name] = judge
        swept = Swept(
            source=self.name,
            sha256=_hash(self.replies),
            rule=self.asked.rule,
            false_alarm=self.asked.false_alarm,
            miss=self.asked.miss,
            need=self.need,
            thresholds={trace: _told(one) for trace, one in of_traces.items()},
            dropped=len(dropped),
        )
        store = RunStore(path)
        agent = self.manifest.agent.model_copy(update={"name": f"{self.name} (swept)"})
        store.begin(self.manifest.model_copy(update={"agent": agent, "swept": swept, "judges": judges}))
        if self.manifest.task.spec == IN_THE_RUN:
            keep(self.task, store.path)
        with store.append_replies() as log:
            log.append(_silenced(reply) if key in dropped else reply for key, reply in self.replies.items())
        for name, judge in judges.items():
            with store.append_verdicts(name) as log:
                log.append(self._verdicts(judge, dropped))
        return [swept.words, *notes]

    def _last(self) -> Iterator[tuple[ReplyKey, Reply]]:
        """The offers that count: those of the last round."""
        rounds: dict[tuple[str, int, int], int] = {}
        for key in self.replies:
            rounds[key[:3]] = max(rounds.get(key[:3], 0), key.round)
        for key, reply in self.replies.items():
            if key.round == rounds[key[:3]] and reply.status is ReplyStatus.PROPOSED:
                yield key, reply

    def _keeps(self, reply: Reply, of_traces: Mapping[str, float]) -> bool:
        stated = reply.confidence
        if self.asked.rule is SpeakingRule.THRESHOLD:
            return (stated or 0.0) >= of_traces.get(reply.trace_id, 0.0)
        if stated is None or reply.p_need is None:
            return False
        return speaks_by_prism(stated, reply.p_need, self.asked.false_alarm, self.asked.miss)

    def _verdicts(self, judge: JudgeIdentity, dropped: set[ReplyKey]) -> Iterator[Verdict]:
        for verdict in self.store.verdicts(judge.id).values():
            if ReplyKey(verdict.trace_id, verdict.turn, verdict.repeat, verdict.round) not in dropped:
                yield verdict
        rule = judge.label_rule
        if rule is None:
            return
        traces = {trace.trace_id: trace for trace in self.task.traces}
        for key in sorted(dropped):
            moment = Moment(traces[key.trace_id], key.turn)
            need = moment.labels.needs(rule) if moment.labels else None
            if need is not None:
                yield Verdict(
                    **key._asdict(),
                    candidate=SILENCE,
                    status=VerdictStatus.REJECTED if need else VerdictStatus.ACCEPTED,
                    judge=judge.chain("silence")[0].name,
                    question=question_hash(moment, None),
                )


def sweep(runs: Sequence[Sweeping]) -> Sweeps:
    """The runs swept alike and, of more than one, how their costs differ at each λ: paired by trace, sign-flip, max-T
    over λ and pairs. Raises `NotComparable` where they differ in data, traces or judge."""
    names = unique_names([run.name for run in runs])
    reports = [run.report().model_copy(update={"name": name}) for run, name in zip(runs, names, strict=True)]
    notes = []
    for run, one in zip(runs, reports, strict=True):
        if not (worth := run.worth).leads:
            notes.append(
                f"{one.name}: {one.judge}: {worth.reason or worth.status}; costs are no better than its verdicts"
            )
        if one.left_out:
            notes.append(f"{one.name}: {one.left_out} moments without a need label or a verdict are left out")
        if one.unstated:
            notes.append(f"{one.name}: {one.unstated} offers state no confidence and are the first to be dropped")
        if len(run.items.traces) < FEWEST_TRACES:
            notes.append(f"{one.name}: {len(run.items.traces)} traces are too few for intervals")
    first, differences = runs[0], []
    for other in runs[1:]:
        _refuse_unlike(first, other)
    if len(runs) > 1:
        grid = [Costs(point.false_alarm, first.asked.miss) for point in reports[0].curve]
        estimates = [[run.estimate(costs) for costs in grid] for run in runs]
        pairs = [(a, b) for a in range(len(runs)) for b in range(a + 1, len(runs))]
        values = np.concatenate([paired(estimates[a], estimates[b]) for a, b in pairs])
        p, joint = grid_p_values(values)
        places = [(a, b, place) for a, b in pairs for place in range(len(grid))]
        for row, (a, b, place) in enumerate(places):
            delta = estimates[a][place].value - estimates[b][place].value
            differences.append(
                CostDifference(
                    first=reports[a].name,
                    second=reports[b].name,
                    false_alarm=grid[place].false_alarm,
                    difference=delta,
                    interval=_reach(values[row], delta),
                    p=float(p[row]),
                    p_joint=float(joint[row]),
                )
            )
    return Sweeps(sweeps=tuple(reports), differences=tuple(differences), notes=tuple(notes))


def _reach(values: Floats, delta: float) -> tuple[float, float] | None:
    """Δ ± t·SE over traces; None where every trace agrees or there are too few."""
    traces = len(values)
    if traces < FEWEST_TRACES or not values.any():
        return None
    reach = t_quantile(0.975, traces - 1) * float(values.std(ddof=1)) / traces**0.5
    return delta - reach, delta + reach


def _refuse_unlike(first: Sweeping, other: Sweeping) -> None:
    differing = [
        what
        for what, one, two in (
            ("data", first.task.data_hash, other.task.data_hash),
            ("traces", first.items.traces, other.items.traces),
            ("judges", first.judge.hash, other.judge.hash),
            ("rules of need", first.need, other.need),
        )
        if one != two
    ]
    if differing:
        raise NotComparable(
            f"{first.store.path} and {other.store.path} have different {', '.join(differing)}: sweep them one by one"
        )


def _judge(store: RunStore, wanted: str | None) -> JudgeIdentity:
    judges = {name: judge for name, judge in store.judges.items() if judge.proposals is not None}
    if not judges:
        raise DataError(
            f"{store.path} has no verdicts on its offers, so nobody knows which are false alarms: give it some, "
            f"proactivebench judge {store.path}"
        )
    if wanted is None and len(judges) > 1:
        raise BadArgument(f"several judges decided on {store.path} ({', '.join(judges)}): choose one with --judge")
    if wanted is None:
        return next(iter(judges.values()))
    return judge_named(wanted, judges.values(), str(store.path))


def _stated_need(answers: Answers, replies: Mapping[ReplyKey, Reply]) -> Floats:
    """The p_need of the last reply at each moment and repeat, NaN where none is stated."""
    found = np.full(answers.last.shape, np.nan)
    for key, reply in replies.items():
        start, length = answers.moments.place.get(key.trace_id, (0, 0))
        if reply.p_need is None or not 0 <= key.turn < length or not 0 <= key.repeat < answers.moments.repeats:
            continue
        if answers.last[start + key.turn, key.repeat] == key.round:
            found[start + key.turn, key.repeat] = reply.p_need
    return found


def _silenced(reply: Reply) -> Reply:
    return reply.model_copy(update={"status": ReplyStatus.SILENT, "proposals": (), "notes": (*reply.notes, Note.SWEPT)})


def _hash(replies: Mapping[ReplyKey, Reply]) -> str:
    found = sha256()
    for key in sorted(replies):
        found.update(replies[key].model_dump_json(exclude_none=True).encode())
    return found.hexdigest()


def _told(threshold: float) -> float | None:
    return None if threshold >= NOBODY else threshold
