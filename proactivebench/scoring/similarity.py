"""When two offers say the same: token sets and their Jaccard index."""

from __future__ import annotations

from collections.abc import Sequence

from proactivebench.text import words

SIMILAR = 0.6  # offers above this are repeats


def tokens(text: str) -> frozenset[str]:
    """Tokens of `text` after NFKC and case folding: runs of letters and digits, each CJK character alone."""
    return frozenset(words(text))


def jaccard(first: frozenset[str], second: frozenset[str]) -> float:
    """Shared share of two token sets, 0–1; two empty sets are the same."""
    if not first and not second:
        return 1.0
    shared = len(first & second)
    return shared / (len(first) + len(second) - shared)


def similar(first: Sequence[frozenset[str]], second: Sequence[frozenset[str]]) -> bool:
    """Whether two offers, as token sets of their candidates, are alike: the closest pair is above `SIMILAR`."""
    return any(jaccard(one, other) > SIMILAR for one in first for other in second)
