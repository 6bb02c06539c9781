"""The lexical baseline's weights: a small JSON file, one set per left-out trace and one for other data."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from functools import cached_property
from operator import mul
from pathlib import Path

from pydantic import ValidationError

from proactivebench.errors import DataError
from proactivebench.judging.lexical.features import MOMENT_FEATURES, PROPOSAL_FEATURES, SILENCE_FEATURES
from proactivebench.records import Record, Trace
from proactivebench.traces.index import text_hash, which_release_trace

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
    """All sets: `sets[OTHER]` saw every labelled trace, `sets[name]` never saw that one, nor any that begins like it.

    `traces` says which those are, where they are not the release's: by name of the set the `text_hash` of the events of
    each of its traces, blanks between. `data` names the labels."""

    format: int = 1
    data: str | None = None
    data_hash: str
    command: str
    ridge: float
    features: dict[str, tuple[str, ...]]
    traces: dict[str, tuple[str, ...]] | None = None
    sets: dict[str, Heads]

    def set_for(self, trace: Trace) -> str:
        """The name of the set that never saw a trace; `OTHER` for one that none of them saw. A trace is known again by
        its events: two different texts, or half of them, must be shared."""
        if self.traces is None:
            name = which_release_trace(trace)
            return name if name in self.sets else OTHER
        texts = {text_hash(event.event) for event in trace.events}
        shared = Counter({name: max(len(texts & known) for known in traces) for name, traces in self._texts.items()})
        name, count = min(shared.items(), key=lambda item: (-item[1], item[0]), default=(OTHER, 0))
        return name if count >= 2 or (count and 2 * count >= len(texts)) else OTHER

    @cached_property
    def _texts(self) -> dict[str, list[frozenset[str]]]:
        return {name: [frozenset(trace.split()) for trace in traces] for name, traces in (self.traces or {}).items()}


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
    if not (weights.traces or {}).keys() <= weights.sets.keys():
        raise DataError(f"{path.name}: a trace it was trained on has no weights that never saw it: {train}")
    return weights
