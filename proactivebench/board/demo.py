"""A table of a few runs as one page: what `proactivebench demo` leaves behind."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from proactivebench.board.pages import one_file
from proactivebench.board.rows import COLUMNS, by_group, rows_of
from proactivebench.errors import CannotWrite
from proactivebench.records import Report


def render_demo_board(reports: Sequence[Report], output_path: str | Path) -> Path:
    """Write `reports` as one self-contained page with a table per (data, protocol, judge); returns its path.

    Raises `CannotWrite` where the page cannot be written.
    """
    rows = [row for place, report in enumerate(reports) for row in rows_of(report, key=f"run-{place}")]
    page = one_file("demo.html.j2", title="ProactiveBench: demonstration", groups=by_group(rows), columns=COLUMNS)
    path = Path(output_path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(page, encoding="utf-8")
    except OSError as error:
        raise CannotWrite(f"cannot write {path}: {error.strerror}; choose another --output_path") from error
    return path
