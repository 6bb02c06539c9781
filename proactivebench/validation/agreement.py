"""Agreement among people, and between a judge and people, beyond chance.

A *table* of ratings has a row for every item and a column for every person; NaN where a person gave none.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from proactivebench.records import Record
from proactivebench.scoring.intervals import FEWEST_TRACES, t_quantile

Floats = NDArray[np.float64]

DRAWS = 2_000  # of a bootstrap
_LEAST_KEPT = 0.95  # of the draws a statistic must be defined in
_NORMAL = 1.959963984540054  # the normal distribution's 97.5 % point
_ZERO = 1e-12


class Estimate(Record):
    """A figure with its 95 % interval, or the reason why it or the interval is missing. `items` it rests on."""

    value: float | None
    interval: tuple[float, float] | None = None
    reason: str | None = None
    items: int = 0


class Gwet(Record):
    """Gwet's AC1 with its standard error and 95 % interval, items taken as independent; None where one is undefined."""

    value: float | None
    stderr: float | None = None
    interval: tuple[float, float] | None = None


class Consistency(Record):
    """Intraclass correlation of consistency: of single votes, and of the mean of `k` people's; None where undefined."""

    k: int
    items: int
    single: float | None
    mean: float | None


def cohen_kappa(first: Sequence[bool], second: Sequence[bool]) -> float | None:
    """Cohen's κ of two raters on the same items (Cohen 1960); None where chance alone explains everything."""
    n = len(first)
    if n == 0:
        return None
    agree = sum(a == b for a, b in zip(first, second, strict=True)) / n
    p, q = sum(first) / n, sum(second) / n
    chance = p * q + (1 - p) * (1 - q)
    return None if chance >= 1 else (agree - chance) / (1 - chance)


def krippendorff_alpha(units: Iterable[Sequence[bool]]) -> float | None:
    """Krippendorff's α for nominal ratings (Krippendorff 2011): `units` holds each item's ratings, any number of them.

    Items with one rating say nothing. None where no two ratings differ.
    """
    counts = np.array([(len(unit), sum(unit)) for unit in units], dtype=float).reshape(-1, 2)
    found = float(_alpha(_alpha_sums(counts[:, 0], counts[:, 1]).sum(axis=0)))
    return None if np.isnan(found) else found


def alpha_over_traces(table: Floats, traces: Sequence[Hashable], *, seed: int = 0) -> Estimate:
    """Krippendorff's α of a table of 0 and 1, with the interval of a bootstrap over traces.

    Args:
        table: (items, people), NaN where there is no rating.
        traces: The trace of each item.
        seed: Of the bootstrap.
    """
    pairable = int((_counts(table)[0] > 1).sum())
    if not pairable:
        return Estimate(value=None, reason="no item has two votes")
    found = bootstrapped(_alpha_sums(*_counts(table)), traces, _alpha, seed=seed)
    if found.value is None:
        return found.model_copy(update={"reason": "everybody always says the same", "items": pairable})
    return found.model_copy(update={"items": pairable})


def bootstrapped(
    sums: Floats,
    traces: Sequence[Hashable],
    statistic: Callable[[Floats], Floats],
    *,
    low: float = -1.0,
    high: float = 1.0,
    seed: int = 0,
) -> Estimate:
    """A statistic of sums over items, with the interval of a bootstrap over traces: the 2.5 and 97.5 % points of
    `DRAWS` samples of whole traces, drawn with replacement, their distances from the value widened by √(G/(G − 1))·t/z
    for G traces (t with G − 1 degrees of freedom). Plain percentiles are too narrow with few clusters (Hesterberg
    2015): with 12 traces they cover .87 to .93, and widened .92 to .96 (perf/results/agreement.md).

    Args:
        sums: (items, columns): what each item adds.
        traces: The trace of each item.
        statistic: Of summed columns, (…, columns) → (…); NaN where it is undefined.
        low: The least value it can have, at which the interval ends.
        high: The greatest.
        seed: Of the draws.

    Returns:
        The estimate; without interval below four traces, where every draw gives the same, or where it is undefined in
        more than one draw of twenty.
    """
    value = float(statistic(sums.sum(axis=0)))
    if np.isnan(value):
        return Estimate(value=None, reason="undefined")
    names = {name: place for place, name in enumerate(dict.fromkeys(traces))}
    by_trace = np.zeros((len(names), sums.shape[1]))
    np.add.at(by_trace, [names[trace] for trace in traces], sums)
    by_trace = by_trace[by_trace.any(axis=1)]
    size = len(by_trace)
    if size < FEWEST_TRACES:
        return Estimate(value=value, reason=f"no interval: fewer than {FEWEST_TRACES} traces")
    drawn = np.random.default_rng(seed).multinomial(size, np.full(size, 1 / size), size=DRAWS)
    values = statistic(drawn @ by_trace)
    known = values[~np.isnan(values)]
    if len(known) < _LEAST_KEPT * DRAWS:
        return Estimate(value=value, reason="no interval: rests on few traces")
    if np.ptp(known) < _ZERO:
        return Estimate(value=value, reason="no interval: identical in every trace")
    ends = value + widening(size) * (np.quantile(known, [0.025, 0.975]) - value)
    return Estimate(value=value, interval=(max(low, float(ends[0])), min(high, float(ends[1]))))


def widening(traces: int) -> float:
    """By how much `bootstrapped` widens percentiles: √(G/(G − 1))·t/z for G traces."""
    return float(np.sqrt(traces / (traces - 1))) * t_quantile(0.975, traces - 1) / _NORMAL


def gwet_ac1(table: Floats) -> Gwet:
    """Gwet's AC1 of a table of 0 and 1 (Gwet 2008), with missing ratings as in Gwet's *Handbook of Inter-Rater
    Reliability* (2014): items with one rating count towards how often each answer is given, the others alone towards
    agreement. The variance is conditional on these people, over items taken as independent; the interval Student's t
    with items − 1 degrees of freedom, cut at 1. None where no item has two ratings; without interval where everybody
    always says the same, or there is one item.
    """
    ratings, ones = _counts(table)
    ratings, ones = ratings[ratings > 0], ones[ratings > 0]
    n, several = len(ratings), ratings > 1
    if not several.any():
        return Gwet(value=None)
    given = np.stack([ratings - ones, ones], axis=1)
    agreeing = _agreeing(ratings, ones)
    share = (given / ratings[:, None]).mean(axis=0)
    chance = float((share * (1 - share)).sum())
    observed = float(agreeing[several].mean())
    value = (observed - chance) / (1 - chance)
    if chance == 0 or n < 2:
        return Gwet(value=value)
    own = n / several.sum() * (agreeing - chance * several) / (1 - chance)
    by_chance = given @ (1 - share) / ratings
    apart = own - 2 * (1 - value) * (by_chance - chance) / (1 - chance) - value
    stderr = float(np.sqrt((apart**2).sum() / (n * (n - 1))))
    reach = t_quantile(0.975, n - 1) * stderr
    return Gwet(value=value, stderr=stderr, interval=(value - reach, min(1.0, value + reach)))


def consistency(votes: Floats, blocks: Sequence[Hashable]) -> Consistency:
    """The intraclass correlation of consistency, (MSB − MSW)/(MSB + (k − 1)·MSW), and of a mean of k, (MSB − MSW)/MSB:
    ICC(C,1) and ICC(C,k) of McGraw & Wong (1996), Shrout & Fleiss' ICC(3,1) and ICC(3,k), with sums of squares and
    degrees of freedom added over blocks, so that nobody's mean within a block enters.

    Args:
        votes: (items, k), none missing.
        blocks: The block of each item: items that the same k people rated, in the same order of columns.
    """
    k = votes.shape[1]
    between = within = free_between = free_within = 0.0
    for rows in _places(blocks).values():
        centred = votes[rows] - votes[rows].mean(axis=0)
        items = centred.mean(axis=1)
        between, free_between = between + k * float((items**2).sum()), free_between + len(rows) - 1
        within += float(((centred - items[:, None]) ** 2).sum())
        free_within += (len(rows) - 1) * (k - 1)
    if not free_between or not free_within:
        return Consistency(k=k, items=len(votes), single=None, mean=None)
    first, second = between / free_between, within / free_within
    whole = first + (k - 1) * second
    return Consistency(
        k=k,
        items=len(votes),
        single=(first - second) / whole if whole else None,
        mean=(first - second) / first if first else None,
    )


@dataclass(frozen=True, slots=True)
class Block:
    """Ratings without gaps cut from a table: `votes` (items, k), and per item its trace and the columns of the k
    `people` who rated it."""

    votes: Floats
    traces: list[Hashable]
    people: NDArray[np.int64]

    @property
    def blocks(self) -> list[Hashable]:
        """Each item's block: a trace and the people who rated it."""
        return [(trace, *people) for trace, people in zip(self.traces, self.people.tolist(), strict=True)]


def complete(table: Floats, traces: Sequence[Hashable], k: int) -> Block:
    """The items of a table that exactly `k` people rated."""
    there = ~np.isnan(table)
    rows = np.flatnonzero(there.sum(axis=1) == k)
    people = np.nonzero(there[rows])[1].reshape(len(rows), k)
    return Block(np.take_along_axis(table[rows], people, axis=1), [traces[row] for row in rows.tolist()], people)


def usual_number(table: Floats) -> int | None:
    """How many people most often rated an item, of two or more; the greater of equals. None where it was always one."""
    sizes = _counts(table)[0].astype(int)
    counted = np.bincount(sizes[sizes > 1])
    return None if not len(counted) else int(len(counted) - 1 - counted[::-1].argmax())


def pairwise(table: Floats) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """On how many items each two people said the same, and how many both rated: two (people, people) matrices."""
    there = (~np.isnan(table)).astype(np.int64)
    ones = np.where(np.isnan(table), 0, table).astype(np.int64)
    zeros = there - ones
    return ones.T @ ones + zeros.T @ zeros, there.T @ there


def observed_agreement(table: Floats) -> float | None:
    """The share of agreeing pairs of ratings, averaged over items with two or more; None where there is none."""
    ratings, ones = _counts(table)
    several = ratings > 1
    return float(_agreeing(ratings, ones)[several].mean()) if several.any() else None


def against_others(table: Floats, traces: Sequence[Hashable], *, person: int | None = None, seed: int = 0) -> Estimate:
    """Each person's votes (or those of the one in column `person`) as answers, the majority of the others on the same
    item as the truth (more than half of them; a tie is none): balanced accuracy, pooled, with the interval of a
    bootstrap over traces. Items on which nobody else voted are left out."""
    there = ~np.isnan(table)
    votes = np.nan_to_num(table)
    others = there.sum(axis=1, keepdims=True) - there
    most = 2 * (votes.sum(axis=1, keepdims=True) - votes) > others
    counted = there & (others > 0)
    if person is not None:
        counted[:, [place for place in range(table.shape[1]) if place != person]] = False
    yes, no = counted & most, counted & ~most
    sums = np.stack(
        [(yes * votes).sum(axis=1), yes.sum(axis=1), (no * (1 - votes)).sum(axis=1), no.sum(axis=1)], axis=1
    )
    items = int(counted.any(axis=1).sum())
    found = bootstrapped(sums, traces, _balanced, low=0.0, seed=seed)
    reason = found.reason if found.value is not None else "the others never, or always, accept"
    return found.model_copy(update={"items": items, "reason": reason if items else "nobody else voted on the same"})


def _balanced(sums: Floats) -> Floats:
    """(recall + specificity)/2 of summed columns; NaN where one is undefined."""
    right, yes, left, no = np.moveaxis(sums, -1, 0)
    known = (yes > 0) & (no > 0)
    found: Floats = np.where(known, (right / np.where(yes > 0, yes, 1) + left / np.where(no > 0, no, 1)) / 2, np.nan)
    return found


def _counts(table: Floats) -> tuple[Floats, Floats]:
    """Per item how many ratings there are, and how many of them are 1."""
    return (~np.isnan(table)).sum(axis=1).astype(float), np.nansum(table, axis=1)


def _agreeing(ratings: Floats, ones: Floats) -> Floats:
    """Per item the share of pairs of its ratings that are alike; 0 where there is no pair."""
    zeros = ratings - ones
    return (ones * (ones - 1) + zeros * (zeros - 1)) / np.where(ratings > 1, ratings * (ratings - 1), 1)


def _alpha_sums(ratings: Floats, ones: Floats) -> Floats:
    """What each item adds to α: its ratings, how many are 1, and its coincidences of unlike ratings."""
    several = ratings > 1
    unlike = 2 * ones * (ratings - ones) / np.where(several, ratings - 1, 1)
    return np.stack([ratings, ones, unlike], axis=1) * several[:, None]


def _alpha(sums: Floats) -> Floats:
    """1 − (n − 1)·observed/expected of summed columns; NaN where nothing is expected to differ."""
    n, ones, unlike = np.moveaxis(sums, -1, 0)
    expected = 2 * ones * (n - ones)
    found: Floats = np.where(expected > 0, 1 - (n - 1) * unlike / np.where(expected > 0, expected, 1), np.nan)
    return found


def _places(names: Sequence[Hashable]) -> dict[Hashable, list[int]]:
    """Where each name stands."""
    found: dict[Hashable, list[int]] = {}
    for place, name in enumerate(names):
        found.setdefault(name, []).append(place)
    return found
