"""When two offers say the same: token sets and their Jaccard index."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

SIMILAR = 0.6  # offers above this are repeats

_CJK = "\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"  # Han and kana
_TOKEN = re.compile(rf"[{_CJK}]|[^\W_{_CJK}]+")


def tokens(text: str) -> frozenset[str]:
    """Tokens of `text` after NFKC and case folding: runs of letters and digits, each CJK character alone."""
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text)
    return frozenset(_TOKEN.findall(text.casefold()))


def jaccard(first: frozenset[str], second: frozenset[str]) -> float:
    """Shared share of two token sets, 0–1; two empty sets are the same."""
    if not first and not second:
        return 1.0
    shared = len(first & second)
    return shared / (len(first) + len(second) - shared)


def similar(first: Sequence[frozenset[str]], second: Sequence[frozenset[str]]) -> bool:
    """Whether two offers, as token sets of their candidates, are alike: the closest pair is above `SIMILAR`."""
    return any(jaccard(one, other) > SIMILAR for one in first for other in second)
