"""Figures per user as a file for a spreadsheet."""

from __future__ import annotations

from collections.abc import Iterable

from proactivebench.board.entry.escaping import csv_text
from proactivebench.records import UserFigures

USERS_FILE = "users.csv"


def users_csv(users: Iterable[UserFigures]) -> str:
    """Users as CSV, in their order; what is not defined is an empty cell."""
    names = list(UserFigures.model_fields)
    return csv_text([names, *([getattr(user, name) for name in names] for user in users)])
