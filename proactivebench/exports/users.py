"""`--to users`: how a run meets each user whose votes are kept apart, one line a user, for a spreadsheet."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from proactivebench.board.entry.escaping import csv_text
from proactivebench.errors import DataError
from proactivebench.exports.source import Source
from proactivebench.records import UserFigures
from proactivebench.scoring.users import NOT_APART
from proactivebench.store import write_whole

USERS_FILE = "users.csv"


def users_csv(users: Iterable[UserFigures]) -> str:
    """Users as CSV, in their order; what is not defined is an empty cell."""
    names = list(UserFigures.model_fields)
    return csv_text([names, *([getattr(user, name) for name in names] for user in users)])


def write_users(source: Source, folder: Path) -> list[Path]:
    """Write `users.csv`; returns its path. Raises `DataError` where nobody's votes are kept apart."""
    if not source.report.users:
        raise DataError(f"{source.task.name} has no figures per user: {NOT_APART}")
    return [write_whole(folder / USERS_FILE, users_csv(source.report.users))]
