"""The lexical baseline's weights: a small JSON file, one set per left-out trace and one for other data."""

from __future__ import annotations

import math
from collections.abc import Sequence
from operator import mul
from pathlib import Path

from pydantic import ValidationError

from proactivebench.errors import DataError
from proactivebench.judging.lexical.features import MOMENT_FEATURES, PROPOSAL_FEATURES, SILENCE_FEATURES
from proactivebench.records import Record

OTHER = "other"  # the set for traces that are not of the release


class Head(Record):
    """A logistic model on raw features. Its probability is calibrated to the frequencies people showed; accepted from
    `threshold` on, their share of acceptance, which is the best rule where both errors weigh the same."""

    weights: tuple[float, ...]
    intercept: float
    threshold: float

    def probability(self, features: Sequence[float]) -> float:
        """P(people accept)."""
        if len(features) != len(self.weights):
            raise ValueError(f"{len(features)} features for {len(self.weights)} weights")
        score = self.intercept + sum(map(mul, self.weights, features))
        return 1 / (1 + math.exp(-score)) if score > -700 else 0.0


class Heads(Record):
    """One weight set."""

    proposals: Head
    silences: Head


class Weights(Record):
    """All sets: `sets[OTHER]` saw every labelled trace, `sets[name]` never saw that one."""

    format: int = 1
    data_hash: str
    command: str
    ridge: float
    features: dict[str, tuple[str, ...]]
    sets: dict[str, Heads]


def feature_names() -> dict[str, tuple[str, ...]]:
    """The features of each head, in order."""
    return {
        "proposals": (*PROPOSAL_FEATURES, *MOMENT_FEATURES),
        "silences": (*SILENCE_FEATURES, *MOMENT_FEATURES),
    }


def read_weights(path: Path) -> Weights:
    """The weights in a file. Raises DataError where it is missing, malformed or made for other features."""
    train = "make it with `proactivebench judges train lexical`"
    try:
        weights = Weights.model_validate_json(path.read_bytes())
    except OSError as error:
        raise DataError(f"{path.name}: cannot read the lexical weights ({error.strerror}): {train}") from None
    except ValidationError as error:
        raise DataError(f"{path.name}: not lexical weights ({error.error_count()} errors): {train}") from None
    if weights.features != feature_names() or OTHER not in weights.sets:
        raise DataError(f"{path.name}: made for other features: {train}")
    return weights
