"""Words that nobody knows, answered with the nearest that somebody does."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import SequenceMatcher

MOST = 3


def nearest(word: str, known: Iterable[str], cutoff: float = 0.6) -> list[str]:
    """At most three of the known words that are most like `word`, the likeliest first; case and dashes aside."""
    asked = _plain(word)
    likeness = {one: SequenceMatcher(None, asked, _plain(one)).ratio() for one in known}
    cutoff = 1.0 if 1.0 in likeness.values() else cutoff
    return [one for one in sorted(likeness, key=lambda one: (-likeness[one], one)) if likeness[one] >= cutoff][:MOST]


def did_you_mean(word: str, known: Iterable[str], cutoff: float = 0.6) -> str:
    """A question, with a space behind it: `did you mean gpt-4o or gpt-4o-mini? `; nothing where none is near."""
    found = nearest(word, known, cutoff)
    if not found:
        return ""
    return f"did you mean {' or '.join(found) if len(found) < MOST else f'{found[0]}, {found[1]} or {found[2]}'}? "


def _plain(word: str) -> str:
    return word.casefold().replace("-", "").replace("_", "").replace(".", "")
