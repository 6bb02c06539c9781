"""Sealed sets: traces that everybody has, with labels that the maintainers of a board alone have, and what may be told.

Nothing here writes. What leaves this module of the labels are figures over many moments, rounded: a moment's label
could be read off an exact figure, or off the difference of two."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from proactivebench.anchors import Anchor
from proactivebench.errors import DataError, WrongFile
from proactivebench.evaluation import task_identity
from proactivebench.judging.labels import votes_on
from proactivebench.records import MetricValue, Moment, NeedRule, Reply, Task, TaskIdentity
from proactivebench.scoring.registry import split_key
from proactivebench.scoring.timing import RATE, SORTED_BY, Timing, needs_of, suffixes, timing_of
from proactivebench.traces.index import TaskStructure, TraceStructure, event_hash, read_index
from proactivebench.traces.tasks import file_task

FEWEST = 20  # moments of need, and others; offers of an entry, and silences
DIGITS = 2
_TOLD = {
    "need_detection_recall": "need recall",
    "needless_offer_rate": "needless offers",
    SORTED_BY: "balanced accuracy",
}
WANTED = "the labelled traces of the sealed set, as `annotate publish --private_labels` writes them"
TOO_FEW = f"told only over {FEWEST} moments of need and as many others, for as many offers and silences"


@dataclass(frozen=True)
class SealedTask:
    """A sealed set: `public` is what agents are asked, `private` the same with the labels."""

    public: Task
    private: Task

    @property
    def data_hash(self) -> str:
        """What runs on it carry."""
        return self.public.data_hash

    @property
    def identity(self) -> TaskIdentity:
        """What a board calls it, whatever those who ran it do."""
        return task_identity(self.public, self.public.name)

    @cached_property
    def structure(self) -> TaskStructure:
        """Its traces, turns and events' hashes."""
        traces = tuple(
            TraceStructure(
                trace.trace_id, trace.split, tuple(map(event_hash, trace.events)), tuple(range(len(trace.events)))
            )
            for trace in self.public.traces
        )
        return TaskStructure(self.public.name, self.data_hash, traces)


def read_sealed(files: Iterable[Path]) -> dict[str, SealedTask]:
    """The sealed sets whose labels these files hold, by the data hash of what is public. No message quotes a file.

    Raises `WrongFile` for a file that is none, or leaves moments without a label.
    """
    found: dict[str, SealedTask] = {}
    for file in files:
        try:
            private = file_task(file)
        except WrongFile:
            raise
        except DataError as error:
            line = re.match(rf"{re.escape(str(file))}:(\d+)", str(error))
            where = f"line {line[1]} is no trace" if line else "it holds no traces"
            raise WrongFile(f"{file}: {where}: give {WANTED}") from None
        if private.name in read_index()["tasks"]:
            raise WrongFile(f"{file}: {private.name} is a set of its own: call the file after the sealed set")
        if not private.labelled:
            lacking = private.lacking(private.need_rules[0])
            raise WrongFile(f"{file}: {lacking} of {private.moments} moments have no label: give {WANTED}")
        public = private.model_copy(
            update={
                "traces": tuple(trace.model_copy(update={"labels": None}) for trace in private.traces),
                "revision": "sealed",
                "source": "sealed",
            }
        )
        found[public.data_hash] = SealedTask(public, private)
    return found


def sealed_timing(sealed: SealedTask, replies: Sequence[Reply]) -> Timing | None:
    """When `replies` offer, against the private labels, as far as it may be told. None where some moment has no final
    reply."""
    timing = timing_of(sealed.private, replies)
    if timing is None:
        return None
    rollouts = max((len(texts) for texts in timing.offered.values()), default=1)
    offers = sum(text.count("1") for texts in timing.offered.values() for text in texts) / rollouts
    if min(offers, sealed.public.moments - offers) < FEWEST:  # of one rollout: to offer again tells nothing more
        told = {
            key: value if key == RATE else MetricValue(value=None, reason=TOO_FEW)
            for key, value in timing.metrics.items()
        }
        return timing.model_copy(update={"metrics": told, "chance": dict.fromkeys(timing.chance, 1.0)})
    return timing.model_copy(
        update={
            "metrics": shielded(timing.metrics, sealed.private),
            "chance": {rule: rounded_chance(p) for rule, p in timing.chance.items()},
        }
    )


def shielded(metrics: Mapping[str, MetricValue], task: Task) -> dict[str, MetricValue]:
    """Figures by the labels of a sealed set as they may be told: those that count moments alone (where one need follows
    another tells too much), rounded, and by no rule that has too few moments."""
    few = {suffix for rule, suffix in suffixes(task.need_rules).items() if not _enough(task, rule)}
    return {key: value if key == RATE else _shielded(key, value, few) for key, value in metrics.items()}


def _shielded(key: str, value: MetricValue, few: Collection[str]) -> MetricValue:
    plain = split_key(key)[0]
    if plain not in _TOLD:
        return MetricValue(value=None, reason="not told of a sealed set")
    return MetricValue(value=None, reason=TOO_FEW) if key.removeprefix(plain) in few else _rounded(value)


def shielded_anchor(anchor: Anchor, task: Task) -> Anchor:
    """An anchor of a sealed set as it may be told: some offer where the labels say, so how often is rounded too."""
    metrics = shielded(anchor.metrics, task)
    return replace(
        anchor,
        metrics={key: _rounded(value) if key == RATE else value for key, value in metrics.items()},
        chance={rule: rounded_chance(p) for rule, p in anchor.chance.items()},
        distinct=None if anchor.distinct is None else round(anchor.distinct, DIGITS),
    )


def rounded_chance(p: float) -> float:
    """A p as it may be told."""
    return max(round(p, DIGITS), 10.0**-DIGITS)


def _enough(task: Task, rule: NeedRule) -> bool:
    needs = needs_of(task)[rule]
    return min(sum(int((need == known).sum()) for need in needs) for known in (0, 1)) >= FEWEST


def _rounded(value: MetricValue) -> MetricValue:
    if value.value is None:
        return value
    interval = value.interval and (round(value.interval[0], DIGITS), round(value.interval[1], DIGITS))
    return MetricValue(value=round(value.value, DIGITS), interval=interval, interval_reason=value.interval_reason)


def figures(sealed: SealedTask, timing: Timing | None, replies: Iterable[Reply]) -> tuple[str, ...]:
    """What may be told of an entry's answers, in words: a line for each rule of need, and one on its offers."""
    if timing is None:
        return ("not all moments are answered: nothing is told",)
    lines = []
    for rule, suffix in suffixes(sealed.private.need_rules).items():
        known = {name: timing.metrics.get(key + suffix) for key, name in _TOLD.items()}
        told = [f"{name} {_told(value)}" for name, value in known.items() if value and value.value is not None]
        lines.append(f"need by the {rule} rule, {sealed.public.moments} moments: {', '.join(told) or TOO_FEW}")
    return (*lines, _voted(sealed, replies))


def _voted(sealed: SealedTask, replies: Iterable[Reply]) -> str:
    """What people said of the offers that they voted on, word for word."""
    traces = {trace.trace_id: trace for trace in sealed.private.traces}
    offered = {(reply.trace_id, reply.turn, offer) for reply in replies for offer in reply.proposals}
    said = [
        votes.accepted
        for trace, turn, offer in offered
        if (labels := Moment(traces[trace], turn).labels) and (votes := votes_on(labels, offer))
    ]
    if len(said) < FEWEST:
        return f"fewer than {FEWEST} of its offers have people's votes: nothing is told of what they are worth"
    return f"of its offers that people voted on {sum(said) / len(said):.2f} are accepted"


def _told(value: MetricValue) -> str:
    ends = f" [{value.interval[0]:.2f}, {value.interval[1]:.2f}]" if value.interval else ""
    return f"{value.value:.2f}{ends}"
