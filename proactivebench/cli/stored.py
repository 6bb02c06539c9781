"""Reports of runs named on the command line: a run directory, or a report.json."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from proactivebench.errors import DataError, ProactiveBenchError

if TYPE_CHECKING:
    from proactivebench.records import Report


def load_report(run: Path, *, as_written: bool = False) -> Report:
    """The report of a run: of a directory computed from its replies and verdicts, of a file as it stands.

    `as_written` takes a directory's report.json in place of computing it. Where a directory's data cannot be had, its
    report.json serves and standard error says so. Raises `DataError`.
    """
    if not run.is_dir():
        return read_report(run)
    written = run / "report.json"
    if as_written and written.exists():
        return read_report(written)
    from proactivebench.evaluation import report_of, task_of
    from proactivebench.store import RunStore

    store = RunStore(run)
    try:
        return report_of(store, task_of(store))
    except ProactiveBenchError as error:
        if not written.exists():
            raise
        print(f"proactivebench: {run} is taken as its report.json has it: {str(error).split(';')[0]}", file=sys.stderr)
        return read_report(written)


def read_report(file: Path) -> Report:
    """A report.json. Raises `DataError` where it is none."""
    from pydantic import ValidationError

    from proactivebench.records import Report

    try:
        return Report.model_validate_json(file.read_bytes())
    except FileNotFoundError:
        raise DataError(f"{file} is not there: give a run directory or a report.json") from None
    except OSError as error:
        raise DataError(f"cannot read {file}: {error.strerror}") from error
    except ValidationError as error:
        problem = error.errors()[0]
        where = ".".join(str(part) for part in problem["loc"])
        raise DataError(f"{file} is no report this version reads: {where or 'JSON'}: {problem['msg']}") from error
