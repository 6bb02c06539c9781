"""Metrics that are no function of pooled counts: each takes a scope and gives its value, or None and the reason."""

from __future__ import annotations

import numpy as np

from proactivebench.scoring.calibration import calibration_error
from proactivebench.scoring.metric import Computed, Scope
from proactivebench.scoring.offers import Column
from proactivebench.scoring.stated import NOT_STATED

C = Column
Found = tuple[float | None, str | None]

NO_MOMENT, NOT_TIMED = "no moment", "no reply timed"


def longest_streak(scope: Scope) -> Found:
    """The longest run of offers in any trace and sample."""
    return (float(scope.counts[..., C.STREAK].max()), None) if scope.whole[C.MOMENTS] else (None, NO_MOMENT)


def latency(share: float) -> Computed:
    """The quantile of a moment's wall time, linearly interpolated."""

    def computed(scope: Scope) -> Found:
        times = scope.latencies
        return (float(np.quantile(times, share)), None) if times.size else (None, NOT_TIMED)

    return computed


def confidence_error(scope: Scope) -> Found:
    """How far stated confidence is from what was accepted, see `calibration_error`."""
    value = calibration_error(*scope.stated)
    return value, NOT_STATED if value is None else None


def break_even_never(miss: float) -> Computed:
    """The cost of a false alarm at which the agent is worth as much as `never`: λ* = (TP + μ(FN_never − FN))/FP."""

    def computed(scope: Scope) -> Found:
        tp, fp, fn = (scope.whole[column] for column in (C.TP, C.FP, C.FN))
        other = scope.anchor("never")
        if fp == 0:
            return None, "no rejected offer"
        if scope.need_decides:
            return float((tp + miss * (scope.whole[C.NEED_SCORED] - fn)) / fp), None
        if other is None:
            return None, "FN of `never` unknown: no need labels decide, and no `never` run was given"
        return float((tp + miss * (other[C.FN] - fn)) / fp), None

    return computed


def break_even_always(miss: float) -> Computed:
    """The same against `always`: λ* = (TP_always − TP + μ·FN)/(FP_always − FP)."""

    def computed(scope: Scope) -> Found:
        tp, fp, fn = (scope.whole[column] for column in (C.TP, C.FP, C.FN))
        other = scope.anchor("always")
        if other is None:
            return None, "no `always` run under the same judge was given"
        if other[C.FP] <= fp:
            return None, "`always` has no more false alarms"
        return float((other[C.TP] - tp + miss * fn) / (other[C.FP] - fp)), None

    return computed
