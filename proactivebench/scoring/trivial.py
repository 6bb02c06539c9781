"""What the agents `never` and `always` would get on the same traces: the anchors beside every F1."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from proactivebench.scoring.definedness import value_of
from proactivebench.scoring.judged import Judged
from proactivebench.scoring.measures import Column, Counts
from proactivebench.scoring.registry import METRICS, Need

C = Column

# True of an agent that is never silent, whoever judges: see the definitions.
_ALWAYS = {"recall": 1.0, "false_alarm_rate": 1.0, "specificity": 0.0, "balanced_accuracy": 0.5}
_LIKE_OFFERS = frozenset({Need.OFFERS, Need.SILENCES, Need.LABELS})
_LABELS = frozenset({Need.LABELS})


def trivial_agents(judged: Judged, chosen: NDArray[np.int64]) -> dict[str, dict[str, float]]:
    """Metrics of `never` and `always` over the traces at `chosen`, where need labels or the definitions give them."""
    moments = judged.answers.moments
    found: dict[str, dict[str, float]] = {"never": {"proposal_rate": 0.0}, "always": {"proposal_rate": 1.0}}
    for view in judged.views:
        if view.name not in ("", "majority", "unanimous"):
            continue
        need = moments.need(view.rule)
        needed = float(moments.per_trace((need == 1).astype(float))[chosen].sum())
        free = float(moments.per_trace((need == 0).astype(float))[chosen].sum())
        if needed + free:
            given = _LIKE_OFFERS if view.labels else _LABELS
            found["never"] |= {key + view.suffix: value for key, value in _metrics(never, needed, free, given)}
            found["always"] |= {key + view.suffix: value for key, value in _metrics(always, needed, free, _LABELS)}
        if view.labels or judged.judge.silence:
            found["always"] |= {f"{key}{view.suffix}": value for key, value in _ALWAYS.items()}
    return found


def never(needed: float, free: float) -> Counts:
    """Counts of an agent that is always silent, where `needed` moments call for help and `free` do not."""
    counts = np.zeros(len(C))
    counts[[C.FN, C.NEED_SILENCES]] = needed
    counts[[C.TN, C.FREE_SILENCES]] = free
    counts[C.MOMENTS] = needed + free
    return counts


def always(needed: float, free: float) -> Counts:
    """Counts of an agent that is never silent; whether its offers are accepted is not known."""
    counts = np.zeros(len(C))
    counts[C.NEED_OFFERS], counts[C.FREE_OFFERS] = needed, free
    counts[[C.MOMENTS, C.OFFERS]] = needed + free
    return counts


@lru_cache(maxsize=256)
def _metrics(
    agent: Callable[[float, float], Counts], needed: float, free: float, given: frozenset[Need]
) -> tuple[tuple[str, float], ...]:
    """What is defined of an agent's metrics; the same for every run on the same traces."""
    counts = agent(needed, free)
    lacking = {need: "not known of it" for need in Need if need not in given}
    values = (
        (metric.key, value_of(metric, counts, lacking)[0])
        for metric in METRICS.values()
        if metric.measure is not None and metric.needs and not metric.stated
    )
    return tuple((key, value) for key, value in values if value is not None)
