"""Training the lexical baseline: ridge logistic regression by Newton's method, calibrated on left-out traces.

Nothing here is random: the same labels give the same weights, byte for byte (rounded to six digits).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from proactivebench.judging.lexical.features import proposal_features, silence_features
from proactivebench.judging.lexical.weights import OTHER, Head, Heads, Weights, feature_names
from proactivebench.records import digest
from proactivebench.traces import LabelledItem
from proactivebench.traces.index import text_hash

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]

RIDGE = 20.0
FEWEST = 3  # traces
COMMAND = "proactivebench judges train lexical"
_DIGITS = 6


def train(items: Sequence[LabelledItem], *, ridge: float = RIDGE) -> Weights:
    """Weights from labelled items: one set for each trace left out and one from all. `ridge` is the penalty on
    standardised weights. Raises ValueError with fewer than three traces, or where people always say the same."""
    traces = sorted({item.trace for item in items})
    if len(traces) < FEWEST:
        raise ValueError(f"{len(traces)} traces: leaving one out twice over needs three")
    offers = _Table(items, offers=True)
    silences = _Table(items, offers=False)
    sets = {
        name: Heads(proposals=offers.head(left_out, ridge), silences=silences.head(left_out, ridge))
        for name, left_out in ((OTHER, None), *((trace, trace) for trace in traces))
    }
    return Weights(data_hash=items_hash(items), command=COMMAND, ridge=ridge, features=feature_names(), sets=sets)


def train_own(items: Sequence[LabelledItem], data: str, command: str, *, ridge: float = RIDGE) -> Weights:
    """Weights from other people's labels, called `data`: as `train`, with the traces recorded, so that each is known
    again. Traces that begin alike (with the same two events, or one being the beginning of another) are left out
    together. Raises ValueError as `train` does."""
    named = _alike(items)
    texts: dict[str, dict[str, tuple[str, ...]]] = {}
    for item in items:
        known = texts.setdefault(named[item.trace], {})
        hashed = tuple(text_hash(event.event) for event in item.events)
        known[item.trace] = max(known.get(item.trace, ()), hashed, key=len)
    weights = train([replace(item, trace=named[item.trace]) for item in items], ridge=ridge)
    traces = {name: tuple(" ".join(hashes) for hashes in known.values()) for name, known in sorted(texts.items())}
    return weights.model_copy(
        update={"data": data, "data_hash": items_hash(items), "command": command, "traces": traces}
    )


def _alike(items: Sequence[LabelledItem]) -> dict[str, str]:
    """By trace the name of the first that begins as it does."""
    whole: dict[str, tuple[str, ...]] = {}
    for item in items:
        events = tuple(event.event for event in item.events)
        whole[item.trace] = max(whole.get(item.trace, ()), events, key=len)
    first: dict[tuple[str, ...], str] = {}
    return {name: first.setdefault(events[:2], name) for name, events in sorted(whole.items())}


def items_hash(items: Sequence[LabelledItem]) -> str:
    """sha256 over all that training and validation read of the items."""
    return digest(
        [
            [[[e.time, e.event] for e in item.events], item.pred_task, item.votes, item.help_needed, item.valid]
            for item in items
        ]
    )


class _Table:
    """The rows of one stratum as arrays."""

    def __init__(self, items: Sequence[LabelledItem], *, offers: bool) -> None:
        import numpy as np

        rows = [item for item in items if (item.pred_task is not None) == offers]
        features = [
            silence_features(item.events) if item.pred_task is None else proposal_features(item.events, item.pred_task)
            for item in rows
        ]
        self.what = "offers" if offers else "silences"
        if not rows:
            raise ValueError(f"nobody voted on {self.what}")
        if len({item.valid for item in rows}) < 2:
            raise ValueError(f"people say the same of all {len(rows)} {self.what}: nothing to learn")
        self.x: Array = np.array(features, dtype=float)
        self.y: Array = np.array([item.valid for item in rows], dtype=float)
        self.trace: Array = np.array([item.trace for item in rows])

    def head(self, left_out: str | None, ridge: float) -> Head:
        """The head that never saw `left_out`, calibrated on predictions for traces left out of its own training."""
        import numpy as np

        seen = self.trace != left_out
        x, y, trace = self.x[seen], self.y[seen], self.trace[seen]
        if len(set(y)) < 2:
            raise ValueError(f"without {left_out} people say the same of all {len(y)} {self.what}: nothing to learn")
        scores = np.zeros(len(y))
        for name in np.unique(trace):
            rest = trace != name
            weights, intercept = fit(x[rest], y[rest], ridge)
            scores[~rest] = x[~rest] @ weights + intercept
        (slope,), shift = fit(scores[:, None], y, 0.0)
        weights, intercept = fit(x, y, ridge)
        return Head(
            weights=tuple(round(float(w), _DIGITS) for w in slope * weights),
            intercept=round(float(slope * intercept + shift), _DIGITS),
            threshold=round(float(y.mean()), _DIGITS),
        )


def fit(x: Array, y: Array, ridge: float) -> tuple[Array, float]:
    """Logistic weights and intercept on raw features: Newton's method on standardised ones, `ridge`/2 · |w|² added."""
    import numpy as np

    mean, scale = x.mean(axis=0), x.std(axis=0)
    scale[scale == 0] = 1.0
    z = np.column_stack([np.ones(len(x)), (x - mean) / scale])
    penalty = np.diag([0.0] + [ridge] * x.shape[1])
    w = np.zeros(z.shape[1])
    for _ in range(100):
        p = 1 / (1 + np.exp(np.clip(-z @ w, -700, 700)))
        gradient = z.T @ (p - y) + penalty @ w
        hessian = (z * (p * (1 - p))[:, None]).T @ z + penalty
        step = np.linalg.lstsq(hessian, gradient, rcond=None)[0]
        w -= step
        if np.abs(step).max() < 1e-10:
            break
    weights = w[1:] / scale
    return weights, float(w[0] - weights @ mean)
