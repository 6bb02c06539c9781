"""The end of every verb that scores: the report on standard output, then whether its numbers may be used."""

from __future__ import annotations

from pathlib import Path

from proactivebench.records import Report, Task
from proactivebench.store import RunStore


def conclude(
    store: RunStore, task: Task, *, prices: Path | None = None, human_labels: Path | None = None, as_json: bool
) -> None:
    """Score the run, write and print its report. `prices` is a price table that names the agent, `human_labels` what
    people said of this run's answers. Raises `InvalidRun` where the run is incomplete or invalid."""
    from proactivebench.evaluation import check_valid, score_run

    report = score_run(store, task, prices, human_labels)
    print_as(report, as_json=as_json)
    check_valid(report)


def print_as(report: Report, *, as_json: bool) -> None:
    """Print a report: as JSON and nothing else, or as tables."""
    if as_json:
        print(report.model_dump_json(indent=2))
        return
    from rich.console import Console

    from proactivebench.cli.tables import print_report

    print_report(report, Console())
