"""A few runs side by side on a terminal: the board in its smallest form, people's labels first."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import wrap
from typing import TYPE_CHECKING

from proactivebench.board.rows import Row, by_group, rows_of
from proactivebench.cli.terminal import safe
from proactivebench.records import MetricValue, Report

if TYPE_CHECKING:
    from rich.console import Console

_KEY = "need_detection_balanced_accuracy"
_PEOPLE = (
    ("need_detection_recall", "need met"),
    ("needless_offer_rate", "needless"),
    (_KEY, "balanced accuracy"),
    (f"{_KEY}_majority", "majority"),
)
_WIDTH = 80


def print_board(reports: Sequence[Report], console: Console) -> None:
    """Print one table per (data, protocol, judge), best at need detection first, in lines of 80 characters. What the
    judge says of the offers stands last, under the judge's name; names are never cut."""
    rows = [row for place, report in enumerate(reports) for row in rows_of(report, key=str(place))]
    for group in by_group(rows):
        first = group[0]
        _say(console, f"{first.task.name}, protocol {first.protocol.name}", style="bold")
        judged = "overlap F1" if first.judge.baseline else "judged F1"
        console.print(_line("agent", [title for _, title in _PEOPLE], judged), markup=False, style="bold")
        for row in sorted(group, key=_worth):
            figures = [_figure(row.metrics.get(key), with_interval=key == _KEY) for key, _ in _PEOPLE]
            console.print(
                _line(safe(row.name), figures, _figure(row.metrics.get("f1"), with_interval=False).rjust(len(judged))),
                markup=False,
                highlight=False,
            )
        if first.judge.baseline:
            _say(
                console, f"{judged}: a baseline's, which hears words, not usefulness; it ranks nothing", style="yellow"
            )
        for note in first.task.notes:
            _say(console, f"note: {note}", style="yellow")


def _worth(row: Row) -> tuple[float, str]:
    found = row.metrics.get(_KEY)
    return (-(found.value if found and found.value is not None else -1.0), row.name)


def _line(name: str, people: Sequence[str], judged: str) -> str:
    widths = (9, 9, 19, 9)
    cells = "".join(cell.rjust(width) for cell, width in zip(people, widths, strict=True))
    return f"{name:<15}{cells}  {judged}"


def _say(console: Console, text: str, style: str = "") -> None:
    from rich.text import Text

    for line in wrap(safe(text), _WIDTH):
        console.print(Text(line, style=style))


def _figure(metric: MetricValue | None, *, with_interval: bool) -> str:
    if metric is None or metric.value is None:
        return "–"
    interval = metric.interval if with_interval else None
    return f"{metric.value:.3f}" + (f" [{interval[0]:.2f}, {interval[1]:.2f}]" if interval else "")
