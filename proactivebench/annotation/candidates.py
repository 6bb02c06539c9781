"""The offers that people vote on where data is labelled: of all that were proposed at a moment, the most central ones.

Likeness of two offers is the cosine of their TF-IDF vectors: words as `text.words` has them, counted, weighted with
log((1 + D)/(1 + d)) + 1, where d of all D different offers have the word. The release kept five proposals with the
least total cosine distance to the others; it does not say of which vectors.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property

from proactivebench.text import words

Vector = Mapping[str, float]


class Likeness:
    """Cosines between offers, by the words of all offers that are given. Raises nothing."""

    def __init__(self, offers: Iterable[str]) -> None:
        self._offers = list(dict.fromkeys(offers))

    @cached_property
    def _weights(self) -> dict[str, float]:
        having = Counter(word for offer in self._offers for word in set(words(offer)))
        return {word: math.log((1 + len(self._offers)) / (1 + count)) + 1 for word, count in having.items()}

    def vector(self, offer: str) -> Vector:
        """The offer's weighted words, of length 1; empty where it has no word."""
        counted = {word: count * self._weights.get(word, 1.0) for word, count in Counter(words(offer)).items()}
        length = math.sqrt(sum(value * value for value in counted.values()))
        return {word: value / length for word, value in counted.items()}

    def central(self, offers: Sequence[str], most: int) -> list[str]:
        """At most so many of different offers, those with the least total cosine distance to all others, nearest
        first; of equals the one that comes first in the alphabet."""
        if len(offers) <= most:
            return list(offers)
        vectors = [self.vector(offer) for offer in offers]
        totals = [sum(1 - _cosine(one, other) for other in vectors if other is not one) for one in vectors]
        ordered = sorted(range(len(offers)), key=lambda place: (round(totals[place], 9), offers[place]))
        return [offers[place] for place in ordered[:most]]


def _cosine(first: Vector, second: Vector) -> float:
    short, long = (first, second) if len(first) <= len(second) else (second, first)
    return sum(value * long.get(word, 0.0) for word, value in short.items())
