"""What a comparison can see: minimum detectable difference, power, and traces needed."""

from __future__ import annotations

import numpy as np

from proactivebench.errors import UsageError
from proactivebench.scoring.intervals import t_quantile

POWER = 0.8
MOST_TRACES = 1_000_000
REFERENCE_TRACES = 12
# Standard errors of a difference in F1 between two runs over 12 traces, by how alike their agents are.
TYPICAL_STDERR = {"near-identical": 0.038, "related": 0.047, "unrelated": 0.062}


def minimum_detectable_difference(stderr: float, traces: int, power: float = POWER) -> float:
    """The true difference that a two-sided .05 test over `traces` finds with probability `power`, to first order:
    (t₍.975₎ + t₍power₎)·SE."""
    return (t_quantile(0.975, traces - 1) + t_quantile(power, traces - 1)) * stderr


def power_at(difference: float, stderr: float, traces: int) -> float:
    """Probability that a two-sided .05 t test over `traces` finds a true `difference`: noncentral t."""
    from scipy.special import nctdtr

    if stderr == 0:
        return 1.0 if difference else 0.05
    freedom, critical = traces - 1, t_quantile(0.975, traces - 1)
    shift = abs(difference) / stderr
    if shift > 30:  # the distribution function loses its precision there, and the power is 1
        return 1.0
    return float(1 - nctdtr(freedom, shift, critical) + nctdtr(freedom, shift, -critical))


def planned_stderr(stderr: float, traces: int, more: int) -> float:
    """A standard error seen on `traces`, as expected on `more`."""
    return stderr * float(np.sqrt(traces / more))


def traces_needed(difference: float, stderr: float, traces: int = REFERENCE_TRACES, power: float = POWER) -> int:
    """The fewest traces whose minimum detectable difference is at most `difference`, from a standard error on `traces`.

    Raises `UsageError` where a million would not do, or the difference is not positive.
    """
    if difference <= 0:
        raise UsageError(f"a difference of {difference:g} cannot be planned for: give one above 0")
    low, high = 2, 2
    while _mdd(high, stderr, traces, power) > difference:
        low, high = high, high * 2
        if high > MOST_TRACES:
            raise UsageError(f"more than {MOST_TRACES:,} traces would be needed to see {difference:g}")
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if _mdd(middle, stderr, traces, power) <= difference else (middle + 1, high)
    return high


def _mdd(more: int, stderr: float, traces: int, power: float) -> float:
    return minimum_detectable_difference(planned_stderr(stderr, traces, more), more, power)
