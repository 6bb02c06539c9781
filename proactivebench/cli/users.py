"""Users told apart, as tables: how a run meets each of those whose votes are known."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.table import Table
from rich.text import Text

from proactivebench.cli.terminal import safe
from proactivebench.records import UserFigures
from proactivebench.scoring.metric import number
from proactivebench.scoring.users import SMALL

TITLE = "for whom: against what each user needed themselves (whoever needs most first)"
SMALL_MARK = f"* fewer than {SMALL} moments of need, or without: a few moments decide these figures"


def users_table(users: Sequence[UserFigures]) -> Table:
    """One line a user: how often they needed help and what they accept, then how the agent's offers meet it."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("user", ratio=1, overflow="fold")
    for title in ("moments", "own\nneed", "accepts", "balanced\naccuracy", "need\nrecall", "needless"):
        table.add_column(title, justify="right")
    for user in users:
        figures = (user.need_rate, user.acceptance, user.balanced_accuracy, user.recall, user.needless_offer_rate)
        cells = (f"{user.moments:g}", *(number(figure, 2) for figure in figures))
        style = "dim" if user.small else ""
        table.add_row(
            Text(safe(user.user) + ("*" if user.small else ""), style), *(Text(cell, style) for cell in cells)
        )
    return table


def users_lines(users: Sequence[UserFigures]) -> Iterator[str]:
    """What to know of the users of a run, in a line or two."""
    known = [user.balanced_accuracy for user in users if user.balanced_accuracy is not None]
    ends = f"; balanced accuracy from {min(known):.2f} to {max(known):.2f}" if known else ""
    rates = [user.need_rate for user in users]
    yield (
        f"{len(users)} users, {len(known)} with moments of both kinds{ends}; they needed help at {min(rates):.2f} to "
        f"{max(rates):.2f} of their moments"
    )
    if any(user.small for user in users):
        yield SMALL_MARK
