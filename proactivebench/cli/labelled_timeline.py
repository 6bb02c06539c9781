"""A trace with its labels, for a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from proactivebench.cli.terminal import safe
from proactivebench.records import MomentLabels, NeedRule, Task, Trace
from proactivebench.scoring.boundaries import boundaries

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

Cells = tuple["Text", "Text", "Text"]


def heading(task: Task, trace: Trace) -> Text:
    """What trace this is, of which task, with how many events and, on a second line, needs by each rule."""
    from rich.text import Text

    labels = [label for label in trace.labels or () if label is not None]
    needs = ", ".join(f"{sum(label.needs(rule) is True for label in labels)} ({rule})" for rule in task.need_rules)
    told = f"help needed at {needs}" if labels else "no labels"
    about = f"  {safe(task.name)} · {safe(trace.split)} · {len(trace.events)} events\n{told}"
    return Text.assemble((safe(trace.trace_id), "bold"), about)


def rows(trace: Trace, lead: NeedRule = NeedRule.UNANIMOUS) -> Iterator[Cells]:
    """Per event a row of turn and time, the mark of need by the rule that leads, what happened; below it a row of what
    people said when asked whether they want help, and one per task they voted on."""
    from rich.text import Text

    labels = trace.labels or (None,) * len(trace.events)
    moments = zip(trace.events, _clock(trace), labels, boundaries(trace), strict=True)
    for turn, (event, time, label, why) in enumerate(moments):
        when = Text.assemble((f"{turn:>3}", "bold"), (f"{time:>9}", "dim"))
        change = Text.assemble(need_mark(label, lead), ("┃" if why else " ", "blue"), " ")
        yield when, change, Text(safe(event.event))
        if label and label.asked:
            yield Text(" " * 12), Text(_votes(label.asked), "dim"), Text("asked: help now?", "dim")
        for voted in label.tasks if label else ():
            style = "green" if voted.accepted else "dim"
            yield Text(" " * 12), Text(_votes(voted.votes), style), Text(safe(voted.task), style)


def grid(found: Iterable[Cells]) -> Table:
    """The rows as a table without lines, so that long texts wrap inside their column."""
    from rich.table import Table

    table = Table.grid(padding=(0, 1))
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for cells in found:
        table.add_row(*cells)
    return table


def legend(lead: NeedRule = NeedRule.UNANIMOUS) -> Text:
    """What the marks mean."""
    from rich.text import Text

    if lead is NeedRule.ASKED:
        return Text(
            "● need: most of those asked want help   ○ no need   ┃ boundary of activity   ✓✗ answers and votes", "dim"
        )
    return Text(
        "● need: all accept some task   ◐ only a majority does   ○ no need   ┃ boundary of activity   ✓✗ votes", "dim"
    )


def _votes(votes: tuple[bool, ...]) -> str:
    return "".join("✓" if vote else "✗" for vote in votes)


def need_mark(label: MomentLabels | None, lead: NeedRule) -> tuple[str, str]:
    """The sign of need at a moment, by the rule that leads, and its colour."""
    need = label.needs(lead) if label else None
    if label is None or need is None:
        return "·", "dim"
    if lead is NeedRule.ASKED:
        return ("●", "green") if need else ("○", "dim")
    if label.need:
        return "●", "green"
    return ("◐", "yellow") if label.need_majority else ("○", "dim")


def _clock(trace: Trace) -> list[str]:
    """Times since the first event (`+1:05`) where all are seconds; else as they stand."""
    try:
        seconds = [float(event.time) for event in trace.events]
        return [_offset(second - seconds[0]) for second in seconds]
    except (ValueError, OverflowError):  # "Day 1, 11:00 PM"; "inf"
        return [safe(event.time) for event in trace.events]


def _offset(seconds: float) -> str:
    sign = "-" if seconds < 0 else "+"
    minutes, rest = divmod(round(abs(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{sign}{hours}:{minutes:02}:{rest:02}" if hours else f"{sign}{minutes}:{rest:02}"
