"""How well verdicts agree with people: figures per category and overall, each with its interval over traces."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from proactivebench.records import ErrorCount, Record
from proactivebench.scoring.calibration import calibration_error
from proactivebench.scoring.intervals import FEWEST_TRACES, effective_size, jackknife_variance, t_quantile, wilson
from proactivebench.validation.agreement import cohen_kappa, krippendorff_alpha
from proactivebench.validation.items import Category

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


class Figure(Record):
    """One figure with its 95 % interval, or the reason why it or the interval is missing."""

    value: float | None
    interval: tuple[float, float] | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Ratings:
    """Verdicts beside what people said, one entry per item: `verdict` is 1, 0 or NaN (unscored), `probability` may be
    NaN, `trace` is the cluster's name."""

    category: Sequence[Category]
    verdict: Floats
    probability: Floats
    trace: NDArray[np.str_]

    def where(self, mask: Bools) -> Ratings:
        """The entries where `mask` is true."""
        kept = [category for category, keep in zip(self.category, mask, strict=True) if keep]
        return Ratings(kept, self.verdict[mask], self.probability[mask], self.trace[mask])

    @property
    def scored(self) -> Ratings:
        """Without unscored entries."""
        return self.where(~np.isnan(self.verdict))

    @property
    def right(self) -> Bools:
        """What people accept."""
        return np.array([category.accepted for category in self.category], dtype=bool)

    @property
    def offers(self) -> Bools:
        """Where there is a proposal."""
        return np.array([category.offer for category in self.category], dtype=bool)

    def of(self, category: Category) -> Ratings:
        """One category's entries."""
        return self.where(np.array([c is category for c in self.category], dtype=bool))


def error_count(ratings: Ratings, category: Category) -> ErrorCount:
    """How many scored verdicts of a category agree with people."""
    scored = ratings.scored.of(category)
    return ErrorCount(correct=int((scored.verdict == scored.right).sum()), items=len(scored.verdict))


def accuracy_in(category: Category) -> Callable[[Ratings], float | None]:
    """The share of a category's scored verdicts that agree with people."""
    return lambda ratings: _share(error_count(ratings, category))


def accuracy(ratings: Ratings) -> float | None:
    """Share of scored verdicts that agree with people."""
    scored = ratings.scored
    return float((scored.verdict == scored.right).mean()) if len(scored.verdict) else None


def balanced_accuracy(ratings: Ratings) -> float | None:
    """Mean of the four categories' accuracies (of the two there are, where one stratum is missing)."""
    strata = [(Category.CORRECT_DETECTION, Category.FALSE_ALARM), (Category.CORRECT_REJECTION, Category.MISSED_NEED)]
    shares = [[_share(error_count(ratings, category)) for category in stratum] for stratum in strata]
    known = [share for stratum in shares if stratum != [None, None] for share in stratum]
    return None if not known or None in known else float(np.mean([share for share in known if share is not None]))


def f1(ratings: Ratings) -> float | None:
    """F1 of acceptance: the judge's accepted verdicts against what people accept."""
    scored = ratings.scored
    accepts, right = scored.verdict == 1, scored.right
    whole = 2 * int((accepts & right).sum()) + int((accepts != right).sum())
    return 2 * int((accepts & right).sum()) / whole if whole else None


def recall(ratings: Ratings) -> float | None:
    """Of what people accept, the share that the judge accepts."""
    scored = ratings.scored
    return float((scored.verdict[scored.right] == 1).mean()) if scored.right.any() else None


def precision(ratings: Ratings) -> float | None:
    """Of what the judge accepts, the share that people accept."""
    scored = ratings.scored
    accepts = scored.verdict == 1
    return float(scored.right[accepts].mean()) if accepts.any() else None


def false_discovery_rate(ratings: Ratings) -> float | None:
    """Of what the judge accepts, the share that people reject: the paper's "false alarm"."""
    share = precision(ratings)
    return None if share is None else 1 - share


def auc(ratings: Ratings) -> float | None:
    """Probability that an accepted item has the higher stated probability (ties count half): Mann–Whitney."""
    stated = ratings.where(~np.isnan(ratings.probability))
    return rank_auc(stated.probability, stated.right)


def rank_auc(scores: Floats, right: Bools) -> float | None:
    """The same of any scores; None where all are right, or none is."""
    from scipy.stats import rankdata

    n, m = int(right.sum()), int((~right).sum())
    if not n or not m:
        return None
    return float((rankdata(scores)[right].sum() - n * (n + 1) / 2) / (n * m))


def brier(ratings: Ratings) -> float | None:
    """Mean squared difference of stated probability and what people said."""
    stated = ratings.where(~np.isnan(ratings.probability))
    return float(((stated.probability - stated.right) ** 2).mean()) if len(stated.verdict) else None


def ece(ratings: Ratings) -> float | None:
    """Expected calibration error over ten bins of equal count."""
    stated = ratings.where(~np.isnan(ratings.probability))
    return calibration_error(stated.probability, stated.right.astype(float)) if len(stated.verdict) else None


def kappa(ratings: Ratings) -> float | None:
    """Cohen's κ of the judge with people."""
    scored = ratings.scored
    return cohen_kappa((scored.verdict == 1).tolist(), scored.right.tolist())


def alpha(ratings: Ratings) -> float | None:
    """Krippendorff's α of the judge with people."""
    scored = ratings.scored
    pairs = zip((scored.verdict == 1).tolist(), scored.right.tolist(), strict=True)
    return krippendorff_alpha(list(pairs))


def _of_stratum(figure: Callable[[Ratings], float | None], *, offers: bool) -> Callable[[Ratings], float | None]:
    return lambda ratings: figure(ratings.where(ratings.offers == offers))


FIGURES: Mapping[str, Callable[[Ratings], float | None]] = {
    "balanced_accuracy": balanced_accuracy,
    "balanced_accuracy_offers": _of_stratum(balanced_accuracy, offers=True),
    "balanced_accuracy_silences": _of_stratum(balanced_accuracy, offers=False),
    "recall": recall,
    "precision": precision,
    "accuracy": accuracy,
    "false_discovery_rate": false_discovery_rate,
    "f1": f1,
    **{f"accuracy_{category.lower()}": accuracy_in(category) for category in Category},
    "auc_offers": _of_stratum(auc, offers=True),
    "auc_silences": _of_stratum(auc, offers=False),
    "brier_offers": _of_stratum(brier, offers=True),
    "brier_silences": _of_stratum(brier, offers=False),
    "ece_offers": _of_stratum(ece, offers=True),
    "ece_silences": _of_stratum(ece, offers=False),
    "kappa": kappa,
    "kappa_offers": _of_stratum(kappa, offers=True),
    "kappa_silences": _of_stratum(kappa, offers=False),
    "alpha": alpha,
}
_SIGNED = {"kappa", "kappa_offers", "kappa_silences", "alpha"}
_SHARES = {f"accuracy_{category.lower()}": category for category in Category}
_MEANS: Mapping[str, Sequence[Category]] = {
    "balanced_accuracy": tuple(Category),
    "balanced_accuracy_offers": (Category.CORRECT_DETECTION, Category.FALSE_ALARM),
    "balanced_accuracy_silences": (Category.CORRECT_REJECTION, Category.MISSED_NEED),
}
_NO_INTERVAL = {"ece_offers": "biased upwards in samples", "ece_silences": "biased upwards in samples"}


def figures(ratings: Ratings, only: Collection[str] | None = None) -> dict[str, Figure]:
    """All figures (or `only` some, by name) with their intervals: t·SE over traces, on the logit scale for shares,
    plain for κ and α; Wilson's at the effective number of items for a category's share, or a mean of such, that does
    not vary."""
    return {name: _figure(name, compute, ratings) for name, compute in FIGURES.items() if only is None or name in only}


def _figure(name: str, compute: Callable[[Ratings], float | None], ratings: Ratings) -> Figure:
    value = compute(ratings)
    if value is None:
        return Figure(value=None, reason="nothing to compute it from")
    if name in _NO_INTERVAL:
        return Figure(value=value, reason=_NO_INTERVAL[name])
    traces = np.unique(ratings.trace)
    if len(traces) < FEWEST_TRACES:
        return Figure(value=value, reason=f"fewer than {FEWEST_TRACES} traces")
    left_out = [compute(ratings.where(ratings.trace != trace)) for trace in traces]
    known = [one for one in left_out if one is not None]
    if len(known) < len(left_out):
        return Figure(value=value, reason="rests on one trace")
    stderr, t = float(np.sqrt(jackknife_variance(np.array(known)))), t_quantile(0.975, len(traces) - 1)
    if name in _SHARES and (stderr < 1e-12 or not 0 < value < 1):
        return Figure(value=value, interval=_wilson_share(ratings, _SHARES[name], t))
    if name in _MEANS and (stderr < 1e-12 or not 0 < value < 1):
        return Figure(value=value, interval=_wilson_mean(ratings, _MEANS[name], t))
    if stderr < 1e-12:
        return Figure(value=value, reason="the same without any one trace")
    if name in _SIGNED:
        return Figure(value=value, interval=(max(-1.0, value - t * stderr), min(1.0, value + t * stderr)))
    if not 0 < value < 1:
        return Figure(value=value, reason="at the end of its range")
    logit, reach = np.log(value / (1 - value)), t * stderr / (value * (1 - value))
    ends = float(1 / (1 + np.exp(reach - logit))), float(1 / (1 + np.exp(-reach - logit)))
    return Figure(value=value, interval=ends)


def _wilson_share(ratings: Ratings, category: Category, t: float) -> tuple[float, float]:
    """Wilson's interval of a category's share at its effective number of items (METRICS: interval P where SE is 0)."""
    count, items = error_count(ratings, category), ratings.scored.of(category)
    return wilson(count.correct / count.items, effective_size(count.items, len(np.unique(items.trace))), t)


def _wilson_mean(ratings: Ratings, categories: Sequence[Category], t: float) -> tuple[float, float]:
    """The interval of a mean of categories' shares that does not vary over traces, or is 0 or 1: each share's Wilson
    ends combined as in interval B, uncorrelated."""
    counts = {category: error_count(ratings, category) for category in categories}
    known = [category for category in categories if counts[category].items]
    shares = np.array([counts[category].correct / counts[category].items for category in known])
    ends = np.array([_wilson_share(ratings, category, t) for category in known])
    reach = np.sqrt(((ends - shares[:, None]) ** 2).sum(axis=0)) / len(known)
    value = float(shares.mean())
    return max(0.0, value - float(reach[0])), min(1.0, value + float(reach[1]))


def _share(count: ErrorCount) -> float | None:
    return count.correct / count.items if count.items else None
