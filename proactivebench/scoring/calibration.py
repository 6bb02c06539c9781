"""How far the agent's stated confidence can be believed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

BINS = 10


def calibration_error(confidence: NDArray[np.float64], accepted: NDArray[np.float64]) -> float | None:
    """Expected calibration error over ten bins of (nearly) equal count: Σ share · |mean confidence − accept rate|.

    Ties are kept in the order given by a stable sort. None without offers. Source: Naeini et al. 2015, with the
    equal-count bins of Nguyen and O'Connor 2015.
    """
    if not len(confidence):
        return None
    order = np.argsort(confidence, kind="stable")
    bins = [part for part in np.array_split(order, BINS) if len(part)]
    gaps = [len(part) * abs(confidence[part].mean() - accepted[part].mean()) for part in bins]
    return float(sum(gaps) / len(confidence))
