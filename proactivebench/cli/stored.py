"""Reports of runs named on the command line: a run directory, or a report.json."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from proactivebench.errors import DataError, ProactiveBenchError
from proactivebench.files import foreign, no_run, read_bytes
from proactivebench.naming import did_you_mean

if TYPE_CHECKING:
    from proactivebench.records import Report, Task

_WANTED, _OWN = "a run's folder or its report.json", "the report of a run"


def load_report(run: Path, *, as_written: bool = False) -> Report:
    """The report of a run: of a directory computed from its replies and verdicts, of a file as it stands.

    `as_written` takes a directory's report.json in place of computing it. Where a directory's data cannot be had, its
    report.json serves and standard error says so. Raises `DataError`.
    """
    if not run.exists() and run.suffix != ".json":
        raise no_run(run)
    if not run.is_dir():
        return read_report(run)
    written = run / "report.json"
    if as_written and written.exists():
        return read_report(written)
    from proactivebench.reporting import report_of, task_of
    from proactivebench.store import RunStore

    store = RunStore(run)
    try:
        return report_of(store, task_of(store))
    except ProactiveBenchError as error:
        if not written.exists():
            raise
        print(f"proactivebench: {run} is taken as its report.json has it: {str(error).split(';')[0]}", file=sys.stderr)
        return read_report(written)


def traces_of(task: Task, asked: str) -> str:
    """What to say of a trace that a task does not have: the nearest ones, and the first that there are."""
    names = [trace.trace_id for trace in task.traces]
    more = f" and {len(names) - 20} more" if len(names) > 20 else ""
    return f"{did_you_mean(asked, names)}it has {', '.join(names[:20])}{more}"


def read_report(file: Path) -> Report:
    """A report.json. Raises `DataError` where it is none."""
    from pydantic import ValidationError

    from proactivebench.records import Report
    from proactivebench.store import first_problem

    content = read_bytes(file, _WANTED)
    try:
        return Report.model_validate_json(content)
    except ValidationError as error:
        if other := foreign(file, content, _WANTED, own=_OWN):
            raise other from None
        raise DataError(f"{file} is no report this version reads: {first_problem(error)}") from error
