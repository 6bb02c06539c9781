"""`--to users`: how a run meets each user whose votes are kept apart, one line a user, for a spreadsheet."""

from __future__ import annotations

from pathlib import Path

from proactivebench.board.site.users import USERS_FILE, users_csv
from proactivebench.errors import DataError
from proactivebench.exports.source import Source
from proactivebench.scoring.users import NOT_APART
from proactivebench.store import write_whole


def write_users(source: Source, folder: Path) -> list[Path]:
    """Write `users.csv`; returns its path. Raises `DataError` where nobody's votes are kept apart."""
    if not source.report.users:
        raise DataError(f"{source.task.name} has no figures per user: {NOT_APART}")
    return [write_whole(folder / USERS_FILE, users_csv(source.report.users))]
