"""Do offers fall on moments of need more often than as many offers placed at random within the same traces?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from proactivebench.scoring.signflip import holm

DRAWS = 9_999
SEED = 2410_12361

Flags = NDArray[np.bool_]


class Chance(NamedTuple):
    """The share of random placements that do at least as well, (1 + those)/(1 + draws), and how many were drawn."""

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


def beats_chance(offers: Sequence[Flags], need: Sequence[Flags], draws: int = DRAWS, seed: int = SEED) -> Chance:
    """A permutation test of need detection, judge-free.

    Offers are permuted within each trace over all its moments but the first: nobody needs help at the first event, so
    an agent that is silent only there would beat chance by that alone. Balanced accuracy grows with the offers that
    fall on need when the numbers of offers and of needs are fixed, so their count is what is compared.

    Args:
        offers: per trace, whether there was an offer; shape (moments,) or (moments, repeats).
        need: per trace, whether help was needed; shape (moments,).
        draws: random placements.
        seed: of the draws; one seed for all runs, so that equal runs have equal p.

    Returns:
        The one-sided p; 1 where no offer could have fallen elsewhere, as for an agent that always or never offers.
    """
    observed, counts = 0, []
    for shown, needed in zip(offers, need, strict=True):
        tail, wanted = (shown[:, None] if shown.ndim == 1 else shown)[1:], needed[1:]
        observed += int(tail[wanted].sum())
        counts += [(int(wanted.sum()), int((~wanted).sum()), made) for made in tail.sum(axis=0).tolist()]
    placed = _at_random(tuple(counts), draws, seed)
    return Chance((1 + int((placed >= observed).sum())) / (1 + draws), draws)


@lru_cache(maxsize=128)
def _at_random(counts: tuple[tuple[int, int, int], ...], draws: int, seed: int) -> NDArray[np.int64]:
    """How many offers fall on need, `draws` times: `counts` are, per trace and repeat, the moments with need, those
    without, and the offers made. Drawing is what costs, and the same runs are scored again and again."""
    rng = np.random.default_rng(seed)
    placed = np.zeros(draws, dtype=np.int64)
    for good, bad, made in counts:
        placed += rng.hypergeometric(good, bad, made, size=draws) if made and good else 0
    placed.flags.writeable = False
    return placed
