"""What people said of a run's own answers, as tables: their figures beside the judge's, and where the two part."""

from __future__ import annotations

from rich.table import Table
from rich.text import Text

from proactivebench.records import Adjusted, JudgeReport, MetricValue
from proactivebench.scoring.metric import Metric, MetricTable
from proactivebench.scoring.registry import SHARE, in_table


def by_people_table(judged: JudgeReport, people: Adjusted) -> Table:
    """The judged metrics by people's labels, each with its interval, and by the judge beside it."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("", ratio=1, overflow="fold")
    for head in ("people", "95 % interval", "judge", "95 % interval"):
        table.add_column(head, justify="right", no_wrap=True)
    for metric in in_table(MetricTable.JUDGED):
        found = people.metrics.get(metric.key)
        if found is not None:
            by_judge = judged.overall.metrics.get(metric.key)
            table.add_row(Text(metric.key), *_cells(found, metric), *_cells(by_judge, metric, style="dim"))
    return table


def parting_table(people: Adjusted) -> Table:
    """Of the labelled offers and silences: which share people and the judge accept, and on which they agree."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("of the labelled", ratio=1, overflow="fold")
    for head in ("people accept", "judge accepts", "they agree", "part on"):
        table.add_column(head, justify="right")
    for side in people.strata:
        if side.labelled:
            figures = (_with_interval(found) for found in (side.people, side.judge, side.agreement))
            table.add_row(Text(f"{side.labelled} {side.stratum}"), *map(Text, figures), Text(str(len(side.parted))))
    return table


def _cells(found: MetricValue | None, metric: Metric, style: str = "") -> tuple[Text, Text]:
    if found is None or found.value is None:
        return Text("–", style), Text("")
    ends = f"[{', '.join(map(metric.shown, found.interval))}]" if found.interval else ""
    return Text(metric.shown(found.value), style), Text(ends, "dim")


def _with_interval(found: MetricValue) -> str:
    if found.value is None:
        return "–"
    ends = f"\n[{', '.join(map(SHARE.shown, found.interval))}]" if found.interval else ""
    return SHARE.shown(found.value) + ends
