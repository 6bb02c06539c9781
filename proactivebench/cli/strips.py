"""A trace in a few lines of a terminal, one character a moment: need, episodes, boundaries, people's votes, offers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from proactivebench.cli.terminal import safe
from proactivebench.records import MomentLabels, NeedRule, Trace
from proactivebench.scoring.boundaries import boundaries

if TYPE_CHECKING:
    from rich.text import Text

_TICKS = 5
_NAME = 16  # letters before the strip
_NARROWEST = 10
# By outcome letter (`records.JudgeReport`): the sign, and its colour.
_OUTCOMES = {
    "A": ("✓", "bold green"), "R": ("✗", "bold red"), "U": ("?", "bold yellow"), "?": ("■", "cyan"), ".": (" ", ""),
}  # fmt: skip
_SILENCE = ("·", "dim")
LEGEND = (
    "█ need (side by side: one episode)  ┃ boundary of activity  + ten votes or more\n"
    "offers: ✓ accepted  ✗ rejected  ? unscored  ■ not judged"
)


def strips(trace: Trace, rules: Sequence[NeedRule], outcomes: Mapping[str, str], width: int) -> Iterator[Text]:
    """A trace in lines of at most `width` characters. `outcomes` has a letter for each moment, by whose offers or
    verdicts they are."""
    rows = list(_rows(trace, rules, outcomes))
    size = max(_NARROWEST, width - _NAME)
    for start in range(0, len(trace.events), size):
        for name, cells in rows:
            yield _line(name, cells[start : start + size])


def _rows(
    trace: Trace, rules: Sequence[NeedRule], outcomes: Mapping[str, str]
) -> Iterator[tuple[str, Sequence[tuple[str, str]]]]:
    """Each row's name and its cells, a sign with its colour for every moment."""
    turns = range(len(trace.events))
    labels = trace.labels or (None,) * len(trace.events)
    yield "turn", _ticks(len(trace.events))
    yield "boundary", [("┃", "blue") if why else (" ", "") for why in boundaries(trace)]
    for rule in rules:
        need = [label.needs(rule) if label else None for label in labels]
        if any(each is not None for each in need):
            yield f"need, {rule}", [_needed(each) for each in need]
    for name, style, counts in _votes(labels):
        if any(counts):
            yield name, [_count(number, style) for number in counts]
    for name, row in outcomes.items():
        yield name, [_OUTCOMES.get(row[turn : turn + 1] or ".", _SILENCE) for turn in turns]


def _ticks(moments: int) -> list[tuple[str, str]]:
    marks = "".join(str(turn).ljust(_TICKS) for turn in range(0, moments, _TICKS))
    return [(mark, "dim") for mark in marks[:moments]]


def _needed(need: bool | None) -> tuple[str, str]:
    return (" ", "") if need is None else ("█", "green") if need else ("·", "dim")


def _votes(labels: Sequence[MomentLabels | None]) -> Iterator[tuple[str, str, list[int]]]:
    said = [label.said if label else None for label in labels]
    yield "votes: accept", "green", [one.accept if one else 0 for one in said]
    yield "votes: reject", "red", [one.reject if one else 0 for one in said]
    yield "votes: not yet", "yellow", [one.not_yet if one else 0 for one in said]
    asked = [label.asked if label else () for label in labels]
    yield "asked: yes", "green", [sum(one) for one in asked]
    yield "asked: no", "red", [len(one) - sum(one) for one in asked]


def _count(number: int, style: str) -> tuple[str, str]:
    return ("·", "dim") if not number else (str(number) if number < 10 else "+", style)


def _line(name: str, cells: Sequence[tuple[str, str]]) -> Text:
    from rich.text import Text

    label = safe(name)
    label = label if len(label) < _NAME else label[: _NAME - 2] + "…"
    return Text.assemble((label.ljust(_NAME), "dim"), *cells)
