"""Do offers fall on moments of need more often than as many offers placed at random within the same traces?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from math import comb
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from proactivebench.scoring.signflip import holm

DRAWS = 9_999

Flags = NDArray[np.bool_]
Needs = NDArray[np.int8]
Shares = NDArray[np.float64]


class Chance(NamedTuple):
    """The share of random placements that do at least as well, (1 + those)/(1 + draws), and of how many."""

    p: float
    draws: int


def over_family(chances: Sequence[Mapping[str, float]]) -> list[dict[str, float]]:
    """The p of several runs by need rule, adjusted by Holm over those of them that have one by that rule.

    Args:
        chances: per run of the family, p by need rule.

    Returns:
        The same, adjusted.
    """
    found: list[dict[str, float]] = [{} for _ in chances]
    for rule in dict.fromkeys(rule for one in chances for rule in one):
        known = [place for place, one in enumerate(chances) if rule in one]
        for place, p in zip(known, holm(np.array([chances[place][rule] for place in known])), strict=True):
            found[place][rule] = float(p)
    return found


def beats_chance(offers: Sequence[Flags], need: Sequence[Needs | Flags], draws: int = DRAWS) -> Chance:
    """A permutation test of need detection, judge-free.

    Offers are permuted within each trace over all its moments but the first: nobody needs help at the first event, so
    an agent that is silent only there would beat chance by that alone. Balanced accuracy grows with the offers that
    fall on need when the numbers of offers and of needs are fixed, so their count is what is compared. Its distribution
    over all placements is known: what of `draws` placements is expected to do as well is counted, and none is drawn.

    Args:
        offers: per trace, whether there was an offer; shape (moments,) or (moments, repeats).
        need: per trace, whether help was needed, −1 where nobody said, which is left out; shape (moments,).
        draws: placements that p is told as if by; their number bounds it from below.

    Returns:
        The one-sided p; 1 where no offer could have fallen elsewhere, as for an agent that always or never offers.
    """
    observed, counts = 0, []
    for shown, needed in zip(offers, need, strict=True):
        known = needed[1:] >= 0
        tail, wanted = (shown[:, None] if shown.ndim == 1 else shown)[1:][known], needed[1:][known] == 1
        observed += int(tail[wanted].sum())
        counts += [(int(wanted.sum()), int((~wanted).sum()), made) for made in tail.sum(axis=0).tolist()]
    as_good = round(float(_on_need(tuple(sorted(counts)))[observed:].sum()), 12)
    return Chance((1 + draws * as_good) / (1 + draws), draws)


@lru_cache(maxsize=128)
def _on_need(counts: tuple[tuple[int, int, int], ...]) -> Shares:
    """The chance of each number of offers on need, where offers are placed at random: `counts` are, per trace and
    repeat, the moments with need, those without, and the offers made. Each number of a trace is hypergeometric, and a
    sum of independent ones has the convolution of their shares."""
    whole = np.ones(1)
    for good, bad, made in counts:
        whole = np.convolve(whole, _hypergeometric(good, bad, made))
    whole.flags.writeable = False
    return whole


@lru_cache(maxsize=4096)
def _hypergeometric(good: int, bad: int, made: int) -> Shares:
    ways = comb(good + bad, made)
    return np.array([comb(good, hits) * comb(bad, made - hits) / ways for hits in range(min(good, made) + 1)])
