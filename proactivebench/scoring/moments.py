"""What a run is expected to answer: its moments as arrays."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from proactivebench.errors import DataError
from proactivebench.records import OFFER_RULES, Manifest, NeedRule, Task, Trace
from proactivebench.scoring.boundaries import at_boundary
from proactivebench.scoring.episodes import Episodes
from proactivebench.scoring.users import Users

Needs = NDArray[np.int8]

UNLABELLED = -1
SHORTEST_SPAN = 60.0  # seconds below which a trace's stamps say nothing about an hour


@dataclass(frozen=True)
class Moments:
    """The moments of the first `limit` traces, flattened in order: trace g owns [starts[g], starts[g + 1]). `rules` say
    whether help was needed, the one that leads first."""

    traces: tuple[Trace, ...]
    repeats: int
    candidates: int
    rounds: int
    rules: tuple[NeedRule, ...] = OFFER_RULES

    @classmethod
    def expected(cls, task: Task, manifest: Manifest) -> Moments:
        """The moments `manifest` asks for. Raises `DataError` where there are none."""
        if not task.traces[: manifest.limit]:
            raise DataError(f"{task.name} has no traces to score: choose other data, or another --limit")
        return cls(
            traces=task.traces[: manifest.limit],
            repeats=manifest.repeats,
            candidates=manifest.protocol.candidates,
            rounds=manifest.protocol.feedback_rounds + 1,
            rules=task.need_rules,
        )

    @cached_property
    def starts(self) -> NDArray[np.int64]:
        """First moment of each trace, and the number of moments."""
        return np.cumsum([0] + [len(trace.events) for trace in self.traces])

    @cached_property
    def place(self) -> dict[str, tuple[int, int]]:
        """First moment and number of moments, by trace id."""
        return {
            trace.trace_id: (int(start), len(trace.events))
            for trace, start in zip(self.traces, self.starts, strict=False)
        }

    @property
    def count(self) -> int:
        """Number of moments, repeats not counted."""
        return int(self.starts[-1])

    def per_trace(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Sums over each trace's moments (axis 0)."""
        return np.add.reduceat(values, self.starts[:-1], axis=0)

    def need(self, rule: NeedRule) -> Needs:
        """1 where help was needed by `rule`, 0 where not, −1 where nobody said."""
        if rule not in self._needs:
            self._needs[rule] = np.concatenate([need_of(trace, rule) for trace in self.traces])
        return self._needs[rule]

    @cached_property
    def _needs(self) -> dict[NeedRule, Needs]:
        return {}

    def episodes(self, rule: NeedRule) -> Episodes:
        """The episodes of need by `rule`."""
        if rule not in self._episodes:
            self._episodes[rule] = Episodes.of(self.need(rule), self.starts)
        return self._episodes[rule]

    @cached_property
    def _episodes(self) -> dict[NeedRule, Episodes]:
        return {}

    @cached_property
    def users(self) -> Users:
        """What each of those who voted needed, see `scoring.users`."""
        return Users.of(self.traces)

    @cached_property
    def boundaries(self) -> NDArray[np.bool_]:
        """Whether activity changes with each moment, see `scoring.boundaries`."""
        return np.concatenate([at_boundary(trace) for trace in self.traces])

    @cached_property
    def hours(self) -> NDArray[np.float64]:
        """Duration of each trace with usable times, 0 for the others."""
        return np.array([duration(trace) / 3600 for trace in self.traces])


def need_of(trace: Trace, rule: NeedRule) -> Needs:
    """Whether help was needed at each moment of a trace: 1, 0, or −1 where nobody said."""
    if trace.labels is None:
        return np.full(len(trace.events), UNLABELLED, dtype=np.int8)
    said = (None if label is None else label.needs(rule) for label in trace.labels)
    return np.array([UNLABELLED if need is None else need for need in said], dtype=np.int8)


def duration(trace: Trace) -> float:
    """Seconds from first to last event; 0 where a stamp is no number, one steps backwards, or it is under a minute."""
    try:
        stamps = np.array([float(event.time) for event in trace.events])
    except ValueError:
        return 0.0
    usable = np.isfinite(stamps).all() and (np.diff(stamps) >= 0).all() and stamps[-1] - stamps[0] >= SHORTEST_SPAN
    return float(stamps[-1] - stamps[0]) if usable else 0.0
