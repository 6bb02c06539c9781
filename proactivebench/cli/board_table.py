"""A few runs side by side on a terminal: the board in its smallest form."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from proactivebench.board.rows import by_group, rows_of
from proactivebench.cli.terminal import safe
from proactivebench.records import MetricValue, Report

if TYPE_CHECKING:
    from rich.console import Console

_COLUMNS = (
    ("f1", "F1"),
    ("need_detection_balanced_accuracy", "Need det."),
    ("precision", "Prec."),
    ("recall", "Recall"),
    ("false_alarm_rate", "False al."),
    ("proposal_rate", "Offers"),
)

_BASELINE = "baseline judge: it measures grounding, not usefulness; not comparable, never ranked"


def print_board(reports: Sequence[Report], console: Console) -> None:
    """Print one table per (data, protocol, judge), best F1 first. F1 carries its 95 % interval."""
    from rich.table import Table

    rows = [row for place, report in enumerate(reports) for row in rows_of(report, key=str(place))]
    for group in by_group(rows):
        first = group[0]
        table = Table(
            title=f"{first.task.name}, protocol {first.protocol.name}, judge {first.judge.name}", title_justify="left"
        )
        table.add_column("agent")
        for _, title in _COLUMNS:
            table.add_column(title, justify="right")
        for row in group:
            figures = (_figure(row.metrics.get(key), with_interval=key == "f1") for key, _ in _COLUMNS)
            table.add_row(safe(row.name), *figures)
        console.print(table)
        if first.judge.baseline:
            console.print(_BASELINE, style="yellow", markup=False)
        for note in first.task.notes:
            console.print(f"note: {safe(note)}", style="yellow", markup=False)


def _figure(metric: MetricValue | None, *, with_interval: bool) -> str:
    if metric is None or metric.value is None:
        return "–"
    interval = metric.interval if with_interval else None
    return f"{metric.value:.3f}" + (f" ({interval[0]:.2f}–{interval[1]:.2f})" if interval else "")
