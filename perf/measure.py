"""What a benchmark hands back: measured numbers, each with the bound it was promised to keep, if there is one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Measure:
    """One measured number; `at_most` is the promise, None where there is none."""

    name: str
    value: float
    unit: str = ""
    at_most: float | None = None

    @property
    def kept(self) -> bool:
        """Whether the promise is kept."""
        return self.at_most is None or self.value <= self.at_most


def table(measures: Iterable[Measure]) -> str:
    """The measures as a Markdown table, the promises beside them."""
    lines = ["| measured | value | promised | |", "|---|---:|---:|---|"]
    for m in measures:
        promised = "" if m.at_most is None else f"≤ {m.at_most:g} {m.unit}".rstrip()
        verdict = "" if m.at_most is None else ("kept" if m.kept else "MISSED")
        lines.append(f"| {m.name} | {_number(m.value)} {m.unit} | {promised} | {verdict} |".replace("  ", " "))
    return "\n".join(lines)


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
