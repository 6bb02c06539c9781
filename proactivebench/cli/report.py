"""The end of every verb that scores: the report on standard output, then whether its numbers may be used."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from proactivebench.records import Report, Task
from proactivebench.store import RunStore

if TYPE_CHECKING:
    from proactivebench.reporting import ReportExtras


def conclude(store: RunStore, task: Task, beside: ReportExtras | None = None, *, as_json: bool) -> None:
    """Score the run, with what the user gave beside it, write and print its report. Raises `InvalidRun` where the run
    is incomplete or invalid."""
    from proactivebench.reporting import check_valid, score_run

    report = score_run(store, task, beside)
    print_as(report, task, store.path, as_json=as_json)
    check_valid(report, store)


def print_as(report: Report, task: Task, run: Path, *, as_json: bool) -> None:
    """Print the report of the run in a folder on `task`: as JSON and nothing else, or as tables, with the anchors
    beside it."""
    if as_json:
        print(report.model_dump_json(indent=2))
        return
    from rich.console import Console

    from proactivebench.anchors import anchors_beside
    from proactivebench.cli.tables import print_report

    print_report(report, Console(), run, anchors_beside([report], task))
