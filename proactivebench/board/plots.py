"""Three pictures of a table as geometry; a template turns them into SVG. Coordinates are the plot's own pixels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from proactivebench.board.rows import Row

SIZE, MARGIN = 320, 40
LINE_HEIGHT, LABEL_WIDTH, BAR_WIDTH = 18, 190, 300
MOST_BARS = 40


@dataclass(frozen=True, slots=True)
class Dot:
    """A run in the plane, with what a reader is told of it."""

    x: float
    y: float
    label: str
    anchor: bool


@dataclass(frozen=True, slots=True)
class Bar:
    """A run as a line with its interval; `low` and `high` are None where there is no interval."""

    y: float
    x: float
    low: float | None
    high: float | None
    label: str
    anchor: bool


@dataclass(frozen=True, slots=True)
class Plane:
    """A square plot of two metrics, each from 0 to 1, with curves of equal F1 where they make sense."""

    id: str
    title: str
    across: str
    up: str
    dots: tuple[Dot, ...]
    curves: tuple[tuple[str, str], ...] = ()  # (F1, path)


def bars(rows: Sequence[Row]) -> tuple[Bar, ...]:
    """F1 with intervals, best first: the trivial agents and as many others as a page can hold."""
    shown = [row for row in rows if not row.trivial][:MOST_BARS]
    shown = [row for row in rows if row in shown or row.trivial]
    drawn: list[Bar] = []
    for row in shown:
        metric = row.metrics.get("f1")
        if metric is None or metric.value is None:
            continue
        low, high = metric.interval or (None, None)
        y = LINE_HEIGHT * (len(drawn) + 0.5)
        ends = [None if end is None else LABEL_WIDTH + BAR_WIDTH * end for end in (low, high)]
        label = row.name if len(row.name) <= 26 else row.name[:25] + "…"
        drawn.append(Bar(y, LABEL_WIDTH + BAR_WIDTH * metric.value, ends[0], ends[1], label, row.trivial))
    return tuple(drawn)


def precision_recall(rows: Sequence[Row]) -> Plane:
    """Recall across, precision up, with curves of equal F1."""
    curves = tuple((f"{level:.1f}", _equal_f1(level)) for level in (0.2, 0.4, 0.6, 0.8))
    return Plane("pr", "Precision and recall", "recall", "precision", _dots(rows, "recall", "precision"), curves)


def alarms_and_needs(rows: Sequence[Row]) -> Plane:
    """False-alarm rate across, need recall up: the upper left corner is where an agent should be."""
    dots = _dots(rows, "false_alarm_rate", "need_recall")
    return Plane("alarms", "False alarms against needs met", "false-alarm rate", "need recall", dots)


def _dots(rows: Sequence[Row], across: str, up: str) -> tuple[Dot, ...]:
    found = []
    for row in rows:
        x, y = (row.metrics[key].value if key in row.metrics else None for key in (across, up))
        if x is not None and y is not None:
            found.append(Dot(_x(x), _y(y), f"{row.name}: {across} {x:.2f}, {up} {y:.2f}", row.trivial))
    return tuple(found)


def _equal_f1(level: float) -> str:
    """precision = F·r/(2r − F) for recall r from F/(2 − F) to 1."""
    start = level / (2 - level)
    recalls = [start + (1 - start) * (step / 24) ** 2 for step in range(25)]  # dense where the curve is steep
    points = [f"{_x(r):.1f},{_y(level * r / (2 * r - level)):.1f}" for r in recalls]
    return "M" + "L".join(points)


def _x(value: float) -> float:
    return MARGIN + SIZE * value


def _y(value: float) -> float:
    return 10 + SIZE * (1 - value)
