"""What labels will buy: how wide the interval of the prediction-powered F1 is to be, before anybody has labelled."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from proactivebench.scoring.intervals import FEWEST_TRACES, t_quantile


@dataclass(frozen=True, slots=True)
class Expected:
    """One stratum of a run, offers or silences, and what is expected of the people who label it.

    Args:
        sizes: How many answers of the stratum each trace of the run has, in the order of the traces, 0 included.
        accepted: The share that people are expected to accept, 0–1.
        correlation: Between the judge's verdict and the people's on one answer, 0–1; 0 where there are no verdicts:
            then λ is 0 and the labels stand alone.
        icc: Intraclass correlation of people's verdicts within a trace. The design effect of m answers from each trace
            is 1 + (m − 1)·icc.
        certain: Labels that came with the data decide all of the stratum: none of it needs to be drawn.
    """

    sizes: Sequence[int]
    accepted: float
    correlation: float = 0.0
    icc: float = 0.0
    certain: bool = False

    @property
    def size(self) -> int:
        """Answers in the stratum."""
        return sum(self.sizes)

    def variance(self, labelled: float) -> float:
        """The variance over traces and draws of the share accepted, from so many labels drawn at random of all.

        θ = λ·mean(f) + mean_L(y − λf) at the best λ, with σ² = θ(1 − θ), r the correlation and c the ICC:
        σ²·[(1 − c)·(r²/N + (1 − r²)/n) + c·E Σ_g (n_g/n)²], with n_g of the n labels in trace g.
        """
        whole = self.size
        if not whole:
            return 0.0
        drawn = whole if self.certain else min(labelled, whole)
        if drawn <= 0:
            return math.inf
        spread = self.accepted * (1 - self.accepted)
        known = self.correlation**2
        alone = known / whole + (1 - known) / drawn
        return spread * ((1 - self.icc) * alone + self.icc * self._together(drawn))

    def _together(self, drawn: float) -> float:
        """E Σ_g (n_g/n)² of a simple random sample: hypergeometric n_g."""
        whole = self.size
        shares = np.asarray(self.sizes, dtype=float) / whole
        again = (drawn - 1) / drawn * (whole * shares - 1) / max(whole - 1, 1)  # a second label from the same trace
        return float((shares * (1 / drawn + again)).sum())


def half_width(offers: Expected, silences: Expected, labelled: float, labelled_silences: float | None = None) -> float:
    """Half the width to be expected of the 95 % interval of the prediction-powered F1.

    The interval is that of METRICS.md section 5: the jackknife over traces of the whole estimator, logit form of
    J = TP/(TP+FP+FN), both ends mapped to F1. Its variance is taken to first order in J = A/B with A = Pθ_O and
    B = P + S(1 − θ_S): what the traces' unequal numbers of offers and silences contribute, as they stand in the run,
    and P²·V(θ_O) + J²·S²·V(θ_S) by `Expected.variance`.

    Args:
        offers: The run's offers.
        silences: The run's silences, over the same traces.
        labelled: Labels of offers, drawn at random; all of them where there are fewer.
        labelled_silences: Labels of silences; as many as of offers where None.

    Returns:
        The half-width, 0–1; infinite where no interval is to be had: fewer than four traces, no label.

    Raises:
        ValueError: The strata are not over the same traces.
    """
    if len(offers.sizes) != len(silences.sizes):
        raise ValueError(f"{len(offers.sizes)} traces of offers, {len(silences.sizes)} of silences")
    traces = len(offers.sizes)
    missed = silences.size * (1 - silences.accepted)
    top, bottom = offers.size * offers.accepted, offers.size + missed
    if traces < FEWEST_TRACES or not top:
        return math.inf
    share = top / bottom
    unequal = _sizes(offers) * offers.accepted - share * (_sizes(offers) + _sizes(silences) * (1 - silences.accepted))
    variance = traces / (traces - 1) * float((unequal**2).sum())
    variance += offers.size**2 * offers.variance(labelled)
    drawn = labelled if labelled_silences is None else labelled_silences
    variance += (share * silences.size) ** 2 * silences.variance(drawn)
    if not share < 1 or math.isinf(variance):
        return math.inf
    reach = t_quantile(0.975, traces - 1) * math.sqrt(variance) / bottom * _shortfall(traces - 1)
    scaled = reach / (share * (1 - share))
    low, high = (1 / (1 + math.exp(-(math.log(share / (1 - share)) + side * scaled))) for side in (-1, 1))
    return high / (1 + high) - low / (1 + low)


def agreement(sensitivity: float, specificity: float, accepted: float) -> float:
    """The correlation of a judge's verdicts with people's, from its rates against them: of what people accept it
    accepts `sensitivity`, of what they reject it rejects `specificity`; `accepted` is people's share. 0 where either
    never changes, or the judge does no better than chance."""
    said = sensitivity * accepted + (1 - specificity) * (1 - accepted)
    if not 0 < said < 1 or not 0 < accepted < 1:
        return 0.0
    both = (sensitivity + specificity - 1) * accepted * (1 - accepted)
    return max(0.0, both / math.sqrt(accepted * (1 - accepted) * said * (1 - said)))


def _sizes(stratum: Expected) -> NDArray[np.float64]:
    return np.asarray(stratum.sizes, dtype=float)


def _shortfall(freedom: int) -> float:
    """How far a standard error falls short of the root of its mean square: E[χ]/√ν, about 1 − 1/(4ν)."""
    return math.exp(math.lgamma((freedom + 1) / 2) - math.lgamma(freedom / 2)) * math.sqrt(2 / freedom)
