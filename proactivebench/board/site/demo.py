"""A table of a few runs as one page: what `proactivebench demo` leaves behind."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from proactivebench.board.site.headline import Named, boards, groups
from proactivebench.board.site.pages import one_file
from proactivebench.errors import CannotWrite
from proactivebench.records import Report


def render_demo_board(
    reports: Sequence[Report],
    output_path: str | Path,
    *,
    lead: Sequence[str] = (),
    commands: Sequence[tuple[str, str]] = (),
) -> Path:
    """Write `reports` as one self-contained page, the tables of each (data, protocol) together; returns its path.
    `lead` stands before them, `commands` (what for, and the command) after.

    Raises `CannotWrite` where the page cannot be written.
    """
    named = [Named(report.agent.name, report) for report in reports]
    found = [
        (
            group[0].report.task,
            group[0].report.protocol,
            boards(group),
            list(dict.fromkeys(warning for one in group for warning in _warnings(one.report))),
        )
        for group in groups(named)
    ]
    page = one_file(
        "demo.html.j2", title="ProactiveBench: demonstration", groups=found, lead=tuple(lead), commands=tuple(commands)
    )
    path = Path(output_path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(page, encoding="utf-8")
    except OSError as error:
        raise CannotWrite(f"cannot write {path}: {error.strerror}; choose another --output_path") from error
    return path


def _warnings(report: Report) -> tuple[str, ...]:
    return (*report.warnings, *(warning for judged in report.judges for warning in judged.warnings))
