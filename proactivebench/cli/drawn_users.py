"""Users on one axis, agents on the other: whom each agent serves, in one picture."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from proactivebench.cli.drawings import GREY, STYLE, note
from proactivebench.records import UserFigures
from proactivebench.scoring.alignment import Aligned

MOST_USERS = 80


def draw_users(runs: Aligned, users: Sequence[Sequence[UserFigures]]) -> Figure:
    """Each run's balanced accuracy against each user's own need, a row a run, a column a user; who needs most stands
    first, with the share of moments they need help at above. Users without moments of both kinds are left out.

    Args:
        runs: the runs, in their order.
        users: of each run its figures per user.
    """
    tables = [{user.user: user for user in each if user.balanced_accuracy is not None} for each in users]
    known = {name: user for table in tables for name, user in table.items()}
    order = sorted(known, key=lambda name: (-known[name].need_rate, name))
    shown = order[:MOST_USERS]
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(max(6.0, 2.5 + 0.26 * len(shown)), 2.6 + 0.34 * len(tables)), layout="constrained")
        axes = figure.add_subplot()
        if not shown:
            axes.text(0.5, 0.5, "no user has moments of both kinds", color=GREY, ha="center")
            axes.axis("off")
            note(figure, runs)
            return figure
        values = [[_accuracy(table.get(name)) for name in shown] for table in tables]
        image = axes.imshow(values, cmap="PuOr", vmin=0, vmax=1, aspect="auto", interpolation="nearest")
        figure.colorbar(image, ax=axes, label="balanced accuracy", shrink=0.8)
        for row, line in enumerate(values):
            for column, value in enumerate(line):
                if not np.isnan(value):
                    dark = abs(value - 0.5) > 0.3
                    text = f"{value:.2f}".lstrip("0") or "0"
                    axes.text(column, row, text, ha="center", va="center", fontsize=6, color="w" if dark else "k")
        small = [f"{name} *" if known[name].small else name for name in shown]
        axes.set_yticks(range(len(tables)), runs.names)
        axes.set_xticks(range(len(shown)), small, rotation=90, fontsize=6)
        above = axes.secondary_xaxis("top")
        rates = [f"{known[name].need_rate:.2f}".lstrip("0") for name in shown]
        above.set_xticks(range(len(shown)), rates, fontsize=6)
        above.set_xlabel("share of their moments at which the user needed help")
        axes.set_xlabel("users (* few moments of one kind)")
        left = len(order) - len(shown)
        note(figure, runs, f"{left} more users are not shown" if left else "")
    return figure


def _accuracy(user: UserFigures | None) -> float:
    found = user.balanced_accuracy if user else None
    return float("nan") if found is None else found
