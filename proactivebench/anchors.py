"""The rows that stand in every table of when to speak: computed from the data, submitted by nobody, never ranked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np

from proactivebench.agents import baseline
from proactivebench.agents.base import Turn
from proactivebench.agents.baselines import Offer
from proactivebench.errors import ProactiveBenchError
from proactivebench.records import OFFER_RULES, Decoding, MetricValue, Moment, NeedRule, Report, Task, TaskVotes
from proactivebench.scoring.chance import beats_chance
from proactivebench.scoring.timing import (
    RATE,
    Flags,
    distinct_share,
    measured,
    needs_of,
    of_users,
    per_user,
    rules_by_chance,
    suffixes,
    timed,
)
from proactivebench.scoring.users import another_person
from proactivebench.traces import labelled_items, load_task
from proactivebench.traces.benchmark import PUBLISHED, RELEASED

NEED_ORACLE, HUMAN, ASKED = "need-oracle", "one human", "one human, asked for need"
BY_DEFINITION = "so by definition"

Held = tuple[list[Flags], list[Flags]]

_DEFINED = frozenset({"always", "never", "parrot"})
_POOLED = "who voted, pooled: what people share, no agent need exceed"
_SAYS = {
    "lexical-need": "offers one fixed text where the lexical baseline, which never saw the trace, hears a need",
    "best-candidate": "offers what people liked best of what they were shown, wherever they were shown anything",
    "skip-first": "offers one fixed text everywhere but at a trace's first event",
    "parrot": "offers the user's last action, always",
    "always": "offers one fixed text, always",
    "never": "offers nothing",
}


@dataclass(frozen=True, slots=True)
class Anchor:
    """A row that puts all others in their place: its `name`, and what it does in words.

    `metrics` has need recall, needless offers, need-detection balanced accuracy and the share of moments with an offer
    under their keys, the rule appended (`_majority`) for those beside the leading one. Intervals are missing where a
    figure is so by definition. `chance` is the p of its offers falling on need, not corrected for others (empty where
    they were not its own to place); `distinct` the share of its offers that differ; `people`: no agent, but those who
    labelled.
    """

    name: str
    says: str
    metrics: dict[str, MetricValue]
    chance: dict[NeedRule, float] = field(default_factory=dict)
    distinct: float | None = None
    people: bool = False


def anchors_of(task: Task, rate: float) -> tuple[Anchor, ...]:
    """The anchors of `task`; `random` offers at `rate` of the moments, as expected values. Those that depend on the
    data alone are computed once in a process. None where moments lack need labels."""
    return (*_fixed(task), _random(task, rate)) if task.labelled else ()


def anchors_beside(reports: Sequence[Report], task: Task | None = None) -> tuple[Anchor, ...]:
    """The anchors on the traces of runs on the same data; `random` offers as often as these runs on average. `task` is
    that data where it is at hand; else it is looked for, and none where it is not found, or another by now."""
    rates = [
        found.value
        for report in reports
        for judged in report.judges[:1]
        if (found := judged.overall.metrics.get(RATE)) is not None and found.value is not None
    ]
    if not rates:
        return ()
    task = task_beside(reports, task)
    if task is None:
        return ()
    scored = reports[0].judges[0].trace_splits
    traces = tuple(trace for trace in task.traces if trace.trace_id in scored)
    if traces and len(traces) < len(task.traces):
        task = task.part(traces)
    return anchors_of(task, float(np.mean(rates)))


def task_beside(reports: Sequence[Report], task: Task | None = None) -> Task | None:
    """The data of runs on the same data: `task`, or what is found under its name; None where it is another by now."""
    stated = reports[0].task
    if task is None:
        try:
            task = load_task(stated.spec or stated.name)
        except ProactiveBenchError:
            return None
    return task if task.data_hash == stated.data_hash else None


@lru_cache(maxsize=8)
def _fixed(task: Task) -> tuple[Anchor, ...]:
    agents = (_agent(task, name, says) for name, says in _SAYS.items() if name != "best-candidate" or _voted(task))
    return (_oracle(task), *_people(task), *agents)


def _agent(task: Task, name: str, says: str) -> Anchor:
    """The baseline `name` as `--model` has it."""
    said = _said(task, baseline(name).offers())
    offered = {
        trace.trace_id: ("".join("01"[text is not None] for text in texts),)
        for trace, texts in zip(task.traces, said, strict=True)
    }
    timing = timed(task, offered, distinct_share([[(text,) for texts in said for text in texts if text is not None]]))
    metrics = _exact(timing.metrics) if name in _DEFINED else timing.metrics
    return Anchor(name, says, metrics, timing.chance, timing.distinct)


def _said(task: Task, offer: Offer) -> list[list[str | None]]:
    """What a baseline offers at each moment of each trace."""
    return [
        [offer(Turn((), Decoding(), moment=Moment(trace, turn))) for turn in range(len(trace.events))]
        for trace in task.traces
    ]


def _voted(task: Task) -> bool:
    return any(label and label.tasks for trace in task.traces for label in trace.labels or ())


def _oracle(task: Task) -> Anchor:
    """Offers exactly at the need moments of the rule: of each rule another agent, each under its own."""
    needs = needs_of(task)
    offers = {rule: [each == 1 for each in need] for rule, need in needs.items()}
    metrics = _apart(task, {rule: measured(offers[rule], {rule: need}) for rule, need in needs.items()})
    metrics |= per_user(task, offers[task.need_rules[0]])
    chance = {rule: beats_chance(offers[rule], needs[rule]).p for rule in rules_by_chance(task)}
    return Anchor(NEED_ORACLE, "offers exactly where the rule says that help was needed", _exact(metrics), chance)


def _apart(task: Task, metrics: Mapping[NeedRule, Mapping[str, MetricValue]]) -> dict[str, MetricValue]:
    """Figures of another agent by each rule, under the keys that a table of the task has for them; how often it offers
    by the leading rule that it has figures by."""
    found: dict[str, MetricValue] = {}
    for rule, suffix in reversed(suffixes(task.need_rules).items()):
        own = metrics.get(rule, {})
        found |= {key if key == RATE else key + suffix: value for key, value in own.items()}
    return found


def _random(task: Task, rate: float) -> Anchor:
    """Offers at `rate` of the moments, wherever: what is to be expected of it."""
    shares = [np.full(len(trace.events), rate) for trace in task.traces]
    says = f"offers at {rate:.0%} of the moments, at random: what to expect of it"
    return Anchor("random", says, _exact(measured(shares, needs_of(task)) | per_user(task, shares)))


def _exact(metrics: dict[str, MetricValue]) -> dict[str, MetricValue]:
    """Figures that hold on any data: there is nothing to be uncertain of."""
    return {
        key: value if value.value is None else MetricValue(value=value.value, interval_reason=BY_DEFINITION)
        for key, value in metrics.items()
    }


def _people(task: Task) -> Iterator[Anchor]:
    """One of the people against the others, by what they accepted and, where they were asked, by need itself."""
    seen = load_task(RELEASED) if task.name == PUBLISHED else task  # people voted on the moments as released
    labels = [trace.labels or () for trace in seen.traces]
    held = against_others(
        [
            [[_by_person(each.votes, each.annotators) for each in label.tasks] if label else [] for label in trace]
            for trace in labels
        ]
    )
    how = "accepts some stored offer"
    if NeedRule.ASKED in seen.need_rules:
        how = f"says so when asked; by the offer rules {how}"
        by_most = against_others(
            [[[_by_person(label.asked, label.asked_by)] if label else [] for label in trace] for trace in labels]
        )
        held |= {NeedRule.ASKED: by_most[NeedRule.MAJORITY]} if by_most else {}
    apart = of_users(*another_person(seen.traces)) if held else {}
    yield from _human(HUMAN, f"one person's need ({how}) against that of the others {_POOLED}", seen, held, apart)
    if seen.name == RELEASED:
        silences = {item.events: item.votes for item in labelled_items() if item.pred_task is None}
        asked = [
            [
                [_by_person([not silent for silent in silences.get(trace.events[: turn + 1], ())])]
                for turn in range(len(trace.events))
            ]
            for trace in seen.traces
        ]
        says = f"one person's vote on need itself against that of the others {_POOLED}"
        yield from _human(ASKED, says, seen, against_others(asked), {})


def _human(
    name: str, says: str, task: Task, held: Mapping[NeedRule, Held], apart: Mapping[str, MetricValue]
) -> Iterator[Anchor]:
    """The row of what people say, by each rule, held against the others; none where nobody has others. `apart`: against
    each of the others by themselves."""
    if held:
        metrics = {rule: measured(shown, {rule: needed}, in_order=False) for rule, (shown, needed) in held.items()}
        yield Anchor(name, says, _apart(task, metrics) | dict(apart), people=True)


def against_others(votes: Sequence[Sequence[Sequence[Mapping[str, bool]]]]) -> dict[NeedRule, Held]:
    """Each voter of a moment as the agent, the others as the need, pooled: would u accept anything, and do the others
    accept something, all or most of them? Only moments on each of whose offers two voted or more, and of their voters
    those who voted on all of them; nothing where there is none.

    Args:
        votes: Per trace, moment and offer each person's vote.

    Returns:
        By offer rule, per trace what those people wanted, and what the others needed.
    """
    shown: list[Flags] = []
    needed: dict[NeedRule, list[Flags]] = {rule: [] for rule in OFFER_RULES}
    for trace in votes:
        placed = [(moment, u) for moment in trace if min(map(len, moment), default=0) > 1 for u in _voters(moment)]
        if not placed:
            continue
        shown.append(np.array([any(given[u] for given in moment) for moment, u in placed]))
        others = [[tuple(v for w, v in given.items() if w != u) for given in moment] for moment, u in placed]
        needed[NeedRule.UNANIMOUS].append(np.array([any(map(all, given)) for given in others]))
        most = [any(TaskVotes(task="", votes=each).accepted for each in given) for given in others]
        needed[NeedRule.MAJORITY].append(np.array(most))
    return {rule: (shown, need) for rule, need in needed.items()} if shown else {}


def _voters(moment: Sequence[Mapping[str, bool]]) -> list[str]:
    """Who voted on all offers of a moment."""
    return [u for u in moment[0] if all(u in given for given in moment)]


def _by_person(votes: Sequence[bool], names: Sequence[str] = ()) -> dict[str, bool]:
    """Votes by who gave them: by their place where that is not known."""
    return dict(zip(names or map(str, range(len(votes))), votes, strict=True))
