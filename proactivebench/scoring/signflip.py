"""Sign-flip tests: exact, one pair or many at once.

Under the null hypothesis a trace's difference is as likely to favour one run as the other, so each of the 2^G sign
vectors of the G differences is as likely as the observed one.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import numpy as np
from numpy.typing import NDArray

MOST_EXACT = 20  # traces up to which one pair is tested over all sign vectors
MOST_EXACT_JOINT = 13  # the same for many pairs together
DRAWS = 99_999
JOINT_DRAWS = 19_999
_SLACK = 1e-9  # sums this close (relative) are ties
_BLOCK = 512

Floats = NDArray[np.float64]
Side = Literal["two", "lower"]


def signflip(differences: Floats, side: Side = "two", seed: int = 0) -> float:
    """p-value of Σ differences over its sign flips, identity included. `lower` asks how often a flip gives so small a
    sum or a smaller one. All sign vectors up to 20 traces, 99,999 random ones beyond."""
    values = differences[differences != 0]
    if not len(values):
        return 1.0
    slack = _SLACK * float(np.abs(values).sum())
    observed = float(values.sum())
    if len(values) <= MOST_EXACT:
        return _exact(values, observed, slack, side)
    hits = 0
    random = np.random.default_rng(seed)
    for size in _blocks(DRAWS):
        sums = random.choice((-1.0, 1.0), size=(size, len(values))) @ values
        hits += int(
            (np.abs(sums) >= abs(observed) - slack).sum() if side == "two" else (sums <= observed + slack).sum()
        )
    return (1 + hits) / (1 + DRAWS)


def _exact(values: Floats, observed: float, slack: float, side: Side) -> float:
    # The sums of both halves, joined by binary search: 2^(G/2) steps in place of 2^G.
    half = len(values) // 2
    left, right = _sums(values[:half]), np.sort(_sums(values[half:]))
    if side == "lower":
        hits = int(np.searchsorted(right, observed + slack - left, side="right").sum())
    else:
        reach = abs(observed) - slack
        high = len(right) - np.searchsorted(right, reach - left, side="left")
        low = np.searchsorted(right, -reach - left, side="right")
        # Where the observed sum is (nearly) 0 every flip is as extreme, and the two counts overlap.
        hits = int(np.minimum(high + low, len(right)).sum())
    return float(hits / 2 ** len(values))


def _sums(values: Floats) -> Floats:
    sums = np.zeros(1)
    for value in values:
        sums = np.concatenate([sums + value, sums - value])
    return sums


def smallest_p(differences: Floats) -> float:
    """The smallest two-sided p-value these differences could have given: 2/2^m for m non-zero ones."""
    return float(min(1.0, 2.0 / 2.0 ** int((differences != 0).sum())))


def joint_signflip(differences: Floats, seed: int = 0) -> Floats:
    """Step-down max-T adjusted p-values of many pairs, (pairs, traces) in, (pairs,) out.

    T_i(s) = |Σ s_g v_gi|/√(Σ v_gi²) with the same signs for all pairs, so that their dependence counts. All sign
    vectors up to 13 traces, 19,999 random ones beyond. Source: Westfall and Young 1993, algorithm 2.8.
    """
    pairs, traces = differences.shape
    scale = np.sqrt((differences**2).sum(axis=1))
    unit = np.divide(differences, scale[:, None], out=np.zeros_like(differences), where=scale[:, None] > 0)
    observed = np.abs(unit.sum(axis=1))
    order = np.argsort(-observed, kind="stable")
    ranked, thresholds = unit[order], observed[order] - _SLACK
    hits = np.zeros(pairs)
    total = 0
    for signs in _sign_blocks(traces, seed):
        statistics = np.abs(signs @ ranked.T)
        # The largest statistic among this hypothesis and all that come after it in the order.
        greatest = np.maximum.accumulate(statistics[:, ::-1], axis=1)[:, ::-1]
        hits += (greatest >= thresholds).sum(axis=0)
        total += len(signs)
    adjusted = np.empty(pairs)
    adjusted[order] = np.maximum.accumulate(hits / total)
    adjusted[scale == 0] = 1.0
    return adjusted


def _sign_blocks(traces: int, seed: int) -> Iterator[Floats]:
    """Sign vectors in blocks: half of all (a vector and its opposite give the same statistic), or the identity and
    so many random ones."""
    if traces <= MOST_EXACT_JOINT:
        codes = np.arange(2 ** max(traces - 1, 0))
        signs = 1 - 2 * ((codes[:, None] >> np.arange(traces)) & 1).astype(np.float64)
        for start in range(0, len(signs), _BLOCK):
            yield signs[start : start + _BLOCK]
        return
    random = np.random.default_rng(seed)
    yield np.ones((1, traces))
    for size in _blocks(JOINT_DRAWS):
        yield random.choice((-1.0, 1.0), size=(size, traces))


def _blocks(draws: int) -> Iterator[int]:
    for start in range(0, draws, _BLOCK):
        yield min(_BLOCK, draws - start)


def holm(p: Floats) -> Floats:
    """Holm's adjusted p-values."""
    order = np.argsort(p, kind="stable")
    steps = len(p) - np.arange(len(p))
    adjusted = np.empty(len(p))
    adjusted[order] = np.minimum(1, np.maximum.accumulate(steps * p[order]))
    return adjusted


def benjamini_hochberg(p: Floats) -> Floats:
    """Benjamini and Hochberg's adjusted p-values (false discovery rate)."""
    order = np.argsort(-p, kind="stable")
    ranks = len(p) - np.arange(len(p))
    adjusted = np.empty(len(p))
    adjusted[order] = np.minimum(1, np.minimum.accumulate(p[order] * len(p) / ranks))
    return adjusted


def mcnemar(better: int, worse: int) -> float:
    """Exact two-sided McNemar test of `better` against `worse` discordant moments. Ignores traces."""
    from scipy.special import bdtr

    discordant = better + worse
    return 1.0 if discordant == 0 else float(min(1.0, 2 * bdtr(min(better, worse), discordant, 0.5)))


def p_value(p: float, digits: int = 3) -> str:
    """A p-value as text: never 0, whatever it is rounded to."""
    return "< .001" if p < 0.001 else f"{p:.{digits}f}"


def p_equals(p: float, digits: int = 3) -> str:
    """A p-value in a sentence: `p = 0.031`, or `p < .001`."""
    return f"p {'' if p < 0.001 else '= '}{p_value(p, digits)}"
