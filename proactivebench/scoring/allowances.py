"""What a gate is asked to hold: metrics, and how much of each may be lost."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from proactivebench.errors import BadArgument, UnknownName, UsageError
from proactivebench.naming import did_you_mean
from proactivebench.scoring.metric import Metric
from proactivebench.scoring.registry import METRICS, metric_for

DEFAULT_DROP = 0.05
_NUMBER = re.compile(r"(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


@dataclass(frozen=True, slots=True)
class Drop:
    """A loss that is allowed: `amount` in the metric's unit or, if `relative`, as a share of the baseline's value."""

    amount: float
    relative: bool = False

    def of(self, value: float) -> float:
        """The loss in the metric's unit, from the baseline's `value`."""
        return self.amount * abs(value) if self.relative else self.amount


@dataclass(frozen=True, slots=True)
class Allowance:
    """One metric of a gate, by its key, and what of it may be lost."""

    key: str
    metric: Metric
    drop: Drop

    @property
    def testable(self) -> bool:
        """Whether rules other than `point` can hold it."""
        return self.metric.testable


def allowances(asked: Sequence[str], max_drop: float | str | None = None) -> list[Allowance]:
    """The metrics asked for as `KEY` or `KEY=DROP`; `max_drop` (None = .05) is for those on 0–1 that say none.

    Raises `UsageError` for metrics that are unknown, have no better end or come twice, for drops that are no size, and
    where a metric that is not on 0–1 says none.
    """
    general = drop(DEFAULT_DROP if max_drop is None else max_drop, "--max_drop")
    found: dict[str, Allowance] = {}
    for word in asked:
        key, equals, given = word.partition("=")
        key = key.strip()
        metric = _known(key)
        if key in found:
            raise BadArgument(f"--metric names {key} twice: leave one")
        if not equals and metric.drop_required:
            raise BadArgument(
                f"{key} is not on a scale from 0 to 1: say how much of it may be lost, as --metric {key}=0.1 or "
                f"--metric {key}=10%"
            )
        found[key] = Allowance(key, metric, drop(given, f"--metric {key}") if equals else general)
    if not found:
        raise BadArgument("a gate holds at least one metric: give --metric KEY[=DROP]")
    return list(found.values())


def drop(given: float | str, where: str) -> Drop:
    """The drop in `0.05`, `10%` or a number. Raises `UsageError`, naming `where` it stands."""
    text = str(given).strip()
    relative = text.endswith("%")
    number = text.removesuffix("%").strip()
    if number.startswith("-") and _NUMBER.fullmatch(number[1:]):
        raise BadArgument(f"{where} {text} is negative: give the drop that is still allowed, 0 or more")
    if not _NUMBER.fullmatch(number) or not math.isfinite(float(number)):
        raise BadArgument(f"{where} says '{text}', which is no drop: write 0.05, or 10% of the baseline's value")
    return Drop(float(number) / 100 if relative else float(number), relative)


def unknown_metric(key: str) -> UsageError:
    """The refusal of a key that no metric has: the nearest one, and all there are."""
    return UnknownName(f"there is no metric '{key}': {did_you_mean(key, METRICS)}there are {', '.join(METRICS)}")


def _known(key: str) -> Metric:
    try:
        metric = metric_for(key)
    except KeyError:
        raise unknown_metric(key) from None
    if metric.better == "":
        raise BadArgument(f"{key} has no better end and cannot be gated: choose another metric")
    return metric
