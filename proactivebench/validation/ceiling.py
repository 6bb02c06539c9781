"""What any judge can reach: how well people predict each other, and what that leaves for one who is nobody in
particular."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

from proactivebench.records import Record
from proactivebench.traces import LabelledItem, labelled_items
from proactivebench.validation.agreement import consistency
from proactivebench.validation.figures import rank_auc

FEWEST = 3  # people who vote
_GRID = 20_000


class Ceiling(Record):
    """How far people agree on items with as many votes each, and what follows for a judge.

    `auc_pooled`: the others' mean vote predicts one's, all votes pooled; `auc_within`: the same within an annotator, so
    that nobody's threshold enters. `consistency`: the intraclass correlation of single votes, annotators' means removed
    within each trace; `reliability` that of the mean of an item's votes (Spearman–Brown), whose root no judge's
    correlation with that mean exceeds. `model_auc`, `model_balanced_accuracy`: what a judge reaches that knows each
    item's true share of acceptance, of a Beta distribution with that consistency, against the majority of an item's
    votes; None where votes are no more alike than by chance.
    """

    votes: int
    on: str = "offers"
    people: int = 3
    auc_pooled: float
    auc_within: float
    consistency: float
    reliability: float
    model_auc: float | None
    model_balanced_accuracy: float | None

    @property
    def sentence(self) -> str:
        """The ceiling of judges of what was voted `on`, in words."""
        return self.words(self.on)

    def words(self, of: str) -> str:
        """The ceiling in words, where the items are `of` a kind."""
        who = "two people predict a third's vote" if self.people == 3 else f"{self.people - 1} people predict another's"
        least = f"{self.people} people" if self.people != 3 else "three"
        model = (
            "too little for a model of such votes"
            if self.model_auc is None or self.model_balanced_accuracy is None
            else f"by a model of such votes it ends at AUC {self.model_auc:.2f}, balanced accuracy "
            f"{self.model_balanced_accuracy:.2f} on {of}"
        )
        return (
            f"{who} with AUC {self.auc_pooled:.3f}, {self.auc_within:.3f} within an annotator; single votes agree with "
            f"an ICC of {self.consistency:.2f}, so that no impersonal judge correlates above "
            f"{max(0.0, self.reliability) ** 0.5:.2f} with the mean of {least}; {model}"
        )


@cache
def released_ceiling() -> Ceiling:
    """The ceiling by the released votes. Raises `DataError` where the release cannot be had."""
    return ceiling(labelled_items())


def ceiling_or_why(rows: Iterable[LabelledItem]) -> tuple[Ceiling | None, str | None]:
    """The ceiling by these votes, or why they tell none."""
    try:
        return ceiling(rows), None
    except ValueError as error:
        return None, str(error)


def ceiling(rows: Iterable[LabelledItem]) -> Ceiling:
    """The ceiling by the votes on offers that at least three people voted on (where nobody did, by their answers on
    need), of these the ones with the usual number of votes (of equals the greater). An annotator is a pseudonym where
    votes carry one (the first vote of each counts), else a place within a trace, as the release keeps them apart.
    Raises `ValueError` where there are no such votes, or where people agree on everything."""
    rows = list(rows)
    by_need = not any(row.pred_task is not None and row.votes for row in rows)
    voted = [
        (row.trace, votes)
        for row in rows
        if (row.pred_task is None) == by_need and len(votes := _by_person(row)) >= FEWEST
    ]
    if not voted:
        raise ValueError("no offer has three people's votes")
    sizes = Counter(len(votes) for _, votes in voted)
    usual = max(sizes, key=lambda size: (sizes[size], size))
    kept = [(trace, votes) for trace, votes in voted if len(votes) == usual]
    table = np.array([list(votes.values()) for _, votes in kept], dtype=float)
    found = ceiling_of(table, [(trace, tuple(votes)) for trace, votes in kept], [list(votes) for _, votes in kept])
    return found.model_copy(update={"on": "need"}) if by_need else found


def _by_person(row: LabelledItem) -> dict[Hashable, bool]:
    """Each person's first vote on an offer, in the order of their names."""
    names: tuple[Hashable, ...] = row.annotators or tuple((row.trace, place) for place in range(len(row.votes)))
    found: dict[Hashable, bool] = {}
    for name, vote in zip(names, row.votes, strict=True):
        found.setdefault(name, vote)
    return {name: found[name] for name in sorted(found, key=str)} if row.annotators else found


def ceiling_of(votes: NDArray[np.float64], blocks: Sequence[Hashable], voters: Sequence[Sequence[Hashable]]) -> Ceiling:
    """The ceiling by votes without gaps.

    Args:
        votes: (items, k) of 0 and 1, k at least 3.
        blocks: The block of each item: items of one trace that the same people voted on, in the same order.
        voters: Who gave each vote, as the annotators within whom others' votes are to order it.

    Raises:
        ValueError: People agree on every item, or as many are for each.
    """
    k = votes.shape[1]
    others = (votes.sum(axis=1, keepdims=True) - votes) / (k - 1)
    pooled = rank_auc(others.ravel(), votes.ravel() == 1)
    within = _within(others, votes, voters)
    found = consistency(votes, blocks)
    alike, reliability = found.single, found.mean
    if pooled is None or within is None or alike is None:
        raise ValueError("people agree on every item: nothing to predict")
    if reliability is None:
        raise ValueError("as many people are for each item: nothing tells items apart")
    model = _model(float(votes.mean()), alike, k) if 0 < alike < 1 else None
    return Ceiling(
        votes=votes.size,
        people=k,
        auc_pooled=pooled,
        auc_within=within,
        consistency=alike,
        reliability=reliability,
        model_auc=model[0] if model else None,
        model_balanced_accuracy=model[1] if model else None,
    )


def _within(
    others: NDArray[np.float64], votes: NDArray[np.float64], voters: Sequence[Sequence[Hashable]]
) -> float | None:
    """The share of one annotator's accepted and rejected items that the others' votes order rightly, over all pairs
    of one annotator's; None where there is no such pair."""
    flat = [who for row in voters for who in row]
    names = {who: place for place, who in enumerate(dict.fromkeys(flat))}
    whose = np.array([names[who] for who in flat])
    predicted, right = others.ravel(), votes.ravel() == 1
    ordered = pairs = 0.0
    for place in range(len(names)):
        own = whose == place
        found = rank_auc(predicted[own], right[own])
        if found is not None:
            size = float(right[own].sum() * (~right[own]).sum())
            ordered, pairs = ordered + found * size, pairs + size
    return ordered / pairs if pairs else None


def _model(mean: float, alike: float, k: int) -> tuple[float, float]:
    """AUC and the best balanced accuracy of the true share p against the majority of `k` votes, p of the Beta
    distribution with this mean and intraclass correlation; by quadrature over its quantiles."""
    from scipy.stats import beta, binom

    size = 1 / alike - 1
    shares = beta.ppf((np.arange(_GRID) + 0.5) / _GRID, mean * size, (1 - mean) * size)
    right = binom.sf(k // 2, k, shares)
    above = right[::-1].cumsum()[::-1] / right.sum()  # accepted of those at or above
    below = np.concatenate([[0.0], (1 - right).cumsum()[:-1]]) / (1 - right).sum()
    area = float((above * np.diff(np.append(below, 1.0))).sum())
    return area, float(((above + below) / 2).max())
