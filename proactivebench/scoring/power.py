"""What a comparison can see: minimum detectable difference, power, and traces needed."""

from __future__ import annotations

from math import isnan

import numpy as np

from proactivebench.errors import BadArgument
from proactivebench.records import GateRule
from proactivebench.scoring.intervals import t_quantile
from proactivebench.scoring.registry import BY_JUDGE, BY_PEOPLE

POWER = 0.8
LEVEL = 0.05
MOST_TRACES = 1_000_000
REFERENCE_TRACES = 12
# Standard errors of a difference between two runs over 12 traces, by how alike their agents are: of F1 as simulated, of
# need detection the first and last tenth and the median of the 105 pairs of released models (unanimous rule).
TYPICAL_STDERR = {
    BY_PEOPLE.key: {"alike": 0.020, "related": 0.035, "unlike": 0.054},
    BY_JUDGE.key: {"near-identical": 0.038, "related": 0.047, "unrelated": 0.062},
}


def minimum_detectable_difference(stderr: float, traces: int, power: float = POWER) -> float:
    """The true difference that a two-sided .05 test over `traces` finds with probability `power`, to first order:
    (t₍.975₎ + t₍power₎)·SE."""
    return (t_quantile(0.975, traces - 1) + t_quantile(power, traces - 1)) * stderr


def detectable_drop(rule: GateRule, allowed: float, stderr: float, traces: int, metrics: int = 1) -> float:
    """The true drop that a gate fails with probability .8, to first order; `metrics` share the level of the rule
    `significant`."""
    reach = _beyond(rule, traces, metrics) + t_quantile(POWER, traces - 1)
    return max(0.0, allowed + reach * stderr)


def unchanged_passes(rule: GateRule, allowed: float, stderr: float, traces: int, metrics: int = 1) -> float:
    """The chance that a gate passes a candidate that is neither better nor worse, to first order."""
    from scipy.special import stdtr

    if stderr == 0:
        return 1.0
    return float(stdtr(traces - 1, allowed / stderr + _beyond(rule, traces, metrics)))


def _beyond(rule: GateRule, traces: int, metrics: int) -> float:
    """How many standard errors more than what is allowed an observed drop must be before `rule` fails it."""
    match rule:
        case GateRule.SIGNIFICANT:
            return t_quantile(1 - LEVEL / metrics, traces - 1)
        case GateRule.POINT:
            return 0.0
        case GateRule.NONINFERIOR:
            return -t_quantile(1 - LEVEL, traces - 1)


def power_at(difference: float, stderr: float, traces: int) -> float:
    """Probability that a two-sided .05 t test over `traces` finds a true `difference`: noncentral t."""
    from scipy.special import nctdtr

    if stderr == 0:
        return 1.0 if difference else 0.05
    freedom, critical = traces - 1, t_quantile(0.975, traces - 1)
    shift = abs(difference) / stderr
    if shift > 30:  # the distribution function loses its precision there, and the power is 1
        return 1.0
    below = float(nctdtr(freedom, shift, -critical))
    return float(1 - nctdtr(freedom, shift, critical)) + (0.0 if isnan(below) else below)  # NaN where it is next to 0


def planned_stderr(stderr: float, traces: int, more: int) -> float:
    """A standard error seen on `traces`, as expected on `more`."""
    return stderr * float(np.sqrt(traces / more))


def traces_needed(difference: float, stderr: float, traces: int = REFERENCE_TRACES, power: float = POWER) -> int:
    """The fewest traces whose minimum detectable difference is at most `difference`, from a standard error on `traces`.

    Raises `UsageError` where a million would not do, or the difference is not positive.
    """
    if difference <= 0:
        raise BadArgument(f"a difference of {difference:g} cannot be planned for: give one above 0")
    low, high = 2, 2
    while _mdd(high, stderr, traces, power) > difference:
        low, high = high, high * 2
        if high > MOST_TRACES:
            raise BadArgument(f"more than {MOST_TRACES:,} traces would be needed to see {difference:g}")
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if _mdd(middle, stderr, traces, power) <= difference else (middle + 1, high)
    return high


def _mdd(more: int, stderr: float, traces: int, power: float) -> float:
    return minimum_detectable_difference(planned_stderr(stderr, traces, more), more, power)
