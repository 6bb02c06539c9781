"""What any judge can reach: how well people predict each other, and what that leaves for one who is nobody in
particular."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

import numpy as np
from numpy.typing import NDArray

from proactivebench.records import Record
from proactivebench.traces import LabelledItem, labelled_items
from proactivebench.validation.figures import rank_auc

_GRID = 20_000


class Ceiling(Record):
    """How far people agree on offers with three votes, and what follows for a judge.

    `auc_pooled`: two people's mean vote predicts a third's, all votes pooled; `auc_within`: the same within an
    annotator, so that nobody's threshold enters. `consistency`: the intraclass correlation of single votes, annotators'
    means removed within each trace; `reliability` that of a mean of three (Spearman–Brown), whose root no judge's
    correlation with that mean exceeds. `model_auc`, `model_balanced_accuracy`: what a judge reaches that knows each
    offer's true share of acceptance, of a Beta distribution with that consistency, against the majority of three votes.
    """

    votes: int
    auc_pooled: float
    auc_within: float
    consistency: float
    reliability: float
    model_auc: float
    model_balanced_accuracy: float

    @property
    def sentence(self) -> str:
        """The ceiling in words."""
        return (
            f"two people predict a third's vote with AUC {self.auc_pooled:.3f}, {self.auc_within:.3f} within an "
            f"annotator; single votes agree with an ICC of {self.consistency:.2f}, so that no impersonal judge "
            f"correlates above {self.reliability**0.5:.2f} with the mean of three; by a model of such votes it ends at "
            f"AUC {self.model_auc:.2f}, balanced accuracy {self.model_balanced_accuracy:.2f} on offers"
        )


@cache
def released_ceiling() -> Ceiling:
    """The ceiling by the released votes. Raises `DataError` where the release cannot be had."""
    return ceiling(labelled_items())


def ceiling(rows: Iterable[LabelledItem]) -> Ceiling:
    """The ceiling by the votes on offers with three votes; an annotator is a place within a trace, as the release
    keeps them apart. Raises `ValueError` where there are no such offers."""
    offers = [row for row in rows if row.pred_task is not None and len(row.votes) == 3]
    if not offers:
        raise ValueError("no offer has three votes")
    votes = np.array([row.votes for row in offers], dtype=float)
    traces = np.array([row.trace for row in offers])
    others = (votes.sum(axis=1, keepdims=True) - votes) / 2
    pooled = rank_auc(others.ravel(), votes.ravel() == 1)
    if pooled is None:
        raise ValueError("people agree on every offer: nothing to predict")
    consistency = _consistency(votes, traces)
    reliability = 3 * consistency / (1 + 2 * consistency)
    auc, balanced = _model(float(votes.mean()), consistency)
    return Ceiling(
        votes=votes.size,
        auc_pooled=pooled,
        auc_within=_within(others, votes, traces),
        consistency=consistency,
        reliability=reliability,
        model_auc=auc,
        model_balanced_accuracy=balanced,
    )


def _within(others: NDArray[np.float64], votes: NDArray[np.float64], traces: NDArray[np.str_]) -> float:
    """The share of one annotator's accepted and rejected offers that the others' votes order rightly, over all pairs
    of one annotator's."""
    ordered = pairs = 0.0
    for trace in np.unique(traces):
        for place in range(votes.shape[1]):
            said = votes[traces == trace, place] == 1
            found = rank_auc(others[traces == trace, place], said)
            if found is not None:
                size = float(said.sum() * (~said).sum())
                ordered, pairs = ordered + found * size, pairs + size
    return ordered / pairs


def _consistency(votes: NDArray[np.float64], traces: NDArray[np.str_]) -> float:
    """(MSB − MSW)/(MSB + (k − 1)·MSW) of single votes, each annotator's mean within a trace removed."""
    k = votes.shape[1]
    between = within = free_between = free_within = 0.0
    for trace in np.unique(traces):
        centred = votes[traces == trace] - votes[traces == trace].mean(axis=0)
        items = centred.mean(axis=1)
        between, free_between = between + k * float((items**2).sum()), free_between + len(items) - 1
        within += float(((centred - items[:, None]) ** 2).sum())
        free_within += (len(items) - 1) * (k - 1)
    first, second = between / free_between, within / free_within
    return float((first - second) / (first + (k - 1) * second))


def _model(mean: float, consistency: float) -> tuple[float, float]:
    """AUC and the best balanced accuracy of the true share p against the majority of three votes, p of the Beta
    distribution with this mean and intraclass correlation; by quadrature over its quantiles."""
    from scipy.stats import beta

    size = 1 / consistency - 1
    shares = beta.ppf((np.arange(_GRID) + 0.5) / _GRID, mean * size, (1 - mean) * size)
    right = shares**3 + 3 * shares**2 * (1 - shares)
    above = right[::-1].cumsum()[::-1] / right.sum()  # accepted of those at or above
    below = np.concatenate([[0.0], (1 - right).cumsum()[:-1]]) / (1 - right).sum()
    area = float((above * np.diff(np.append(below, 1.0))).sum())
    return area, float(((above + below) / 2).max())
