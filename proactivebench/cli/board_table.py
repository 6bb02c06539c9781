"""A few runs side by side on a terminal: the board in its smallest form, people's labels first."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import wrap
from typing import TYPE_CHECKING

from proactivebench.board.site.headline import Named, groups
from proactivebench.cli.terminal import copyable, safe
from proactivebench.judging.measurement import worth
from proactivebench.records import JudgeReport, MetricValue, Report
from proactivebench.records.reports import deciders
from proactivebench.scoring.chance import over_family
from proactivebench.scoring.metric import MetricTable
from proactivebench.scoring.registry import BY_JUDGE, BY_PEOPLE, in_table, metric_for, split_key, with_rules
from proactivebench.scoring.signflip import p_value

if TYPE_CHECKING:
    from rich.console import Console

_WIDTH, _NAME, _NARROW, _WITH_INTERVAL, _CHANCE = 80, 14, 9, 19, 7


def print_board(reports: Sequence[Report], console: Console) -> None:
    """Print one table per (data, protocol), best at need detection first, in lines of 80 characters. What a judge says
    of the offers stands last, with what its verdicts are worth; names are never cut."""
    for group in groups([Named(report.agent.name, report) for report in reports]):
        first = group[0].report
        _say(console, f"{first.task.name}, protocol {first.protocol.name}", style="bold")
        runs = [(one.name, one.report.judges[0]) for one in group]
        judge = runs[0][1]
        keys = with_rules(in_table(MetricTable.WHEN), judge.beside)
        overlap = "" if judge.measurement.leads else "overlap " if judge.judge.baseline else "unmeasured "
        heads = [*map(_head, keys), "chance".rjust(_CHANCE), f" {overlap}{BY_JUDGE.title}"]
        console.print("agent".ljust(_NAME) + "".join(heads), markup=False, style="bold")
        chances = over_family([judged.overall.chance for _, judged in runs])
        lines = [
            (judged, _line(name, judged, keys, chance)) for (name, judged), chance in zip(runs, chances, strict=True)
        ]
        for _, line in sorted(lines, key=lambda line: _worth(line[0])):
            console.print(line, markup=False, highlight=False)
        _say(console, f"chance: p against as many offers at random, Holm over these {len(runs)}")
        _say(console, f"{overlap}{BY_JUDGE.title}: {deciders([judged for _, judged in runs])}")
        for said in worth(judge):
            _say(console, said, style="yellow")
        for note in first.task.notes:
            _say(console, f"note: {note}", style="yellow")


def _worth(judged: JudgeReport) -> float:
    found = judged.overall.metrics.get(BY_PEOPLE.key)
    return -(found.value if found and found.value is not None else -1.0)


def _head(key: str) -> str:
    base, view = split_key(key)
    return (view or metric_for(base).short).rjust(_width(key))


def _width(key: str) -> int:
    base, view = split_key(key)
    return _WITH_INTERVAL if key == BY_PEOPLE.key else max(_NARROW, len(view or metric_for(base).short))


def _line(name: str, judged: JudgeReport, keys: Sequence[str], chance: dict[str, float]) -> str:
    metrics = judged.overall.metrics
    cells = [_figure(metrics.get(key), with_interval=key == BY_PEOPLE.key).rjust(_width(key)) for key in keys]
    p = chance.get(judged.rule)
    cells.append(("–" if p is None else p_value(p)).rjust(_CHANCE))
    cells.append(_figure(metrics.get(BY_JUDGE.key), with_interval=False).rjust(7))
    return safe(name).ljust(_NAME) + "".join(cells)


def _say(console: Console, text: str, style: str = "") -> None:
    from rich.text import Text

    command = copyable(safe(text), _WIDTH)
    for line in command.splitlines() if command else wrap(safe(text), _WIDTH):
        console.print(Text(line, style=style), soft_wrap=True)


def _figure(metric: MetricValue | None, *, with_interval: bool) -> str:
    if metric is None or metric.value is None:
        return "–"
    interval = metric.interval if with_interval else None
    return f"{metric.value:.3f}" + (f" [{interval[0]:.2f}, {interval[1]:.2f}]" if interval else "")
