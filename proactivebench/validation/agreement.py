"""Agreement among people, and between a judge and people, beyond chance."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def cohen_kappa(first: Sequence[bool], second: Sequence[bool]) -> float | None:
    """Cohen's κ of two raters on the same items (Cohen 1960); None where chance alone explains everything."""
    n = len(first)
    if n == 0:
        return None
    agree = sum(a == b for a, b in zip(first, second, strict=True)) / n
    p, q = sum(first) / n, sum(second) / n
    chance = p * q + (1 - p) * (1 - q)
    return None if chance >= 1 else (agree - chance) / (1 - chance)


def krippendorff_alpha(units: Iterable[Sequence[bool]]) -> float | None:
    """Krippendorff's α for nominal ratings (Krippendorff 2011): `units` holds each item's ratings, any number of them.

    Items with one rating say nothing. None where no two ratings differ.
    """
    pairable = [unit for unit in units if len(unit) > 1]
    n = sum(len(unit) for unit in pairable)
    ones = sum(sum(unit) for unit in pairable)
    expected = 2 * ones * (n - ones)
    if not expected:
        return None
    observed = sum(2 * sum(unit) * (len(unit) - sum(unit)) / (len(unit) - 1) for unit in pairable)
    return 1 - (n - 1) * observed / expected
