"""The picture of a sweep: what a moment costs by the cost of a false alarm, and what is risked for how many offers."""

from __future__ import annotations

import matplotlib as mpl
from matplotlib.figure import Figure

from proactivebench.cli.drawings import COLOURS, GREY, STYLE
from proactivebench.records import Sweeps
from proactivebench.sweeping import RISK

CHOSEN = {
    "other traces": "; swept: each trace by a threshold chosen on the others",
    "given": "; swept by the threshold given",
    "costs": "; swept by PRISM's rule",
}


def draw_costs(found: Sweeps) -> Figure:
    """Left, cost over λ, swept with its band, as answered, `never` and `always`; right, of the offers kept at each
    threshold the share rejected."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(10, 4.2), layout="constrained")
        left, right = figure.subplots(1, 2)
        for place, one in enumerate(found.sweeps):
            colour = COLOURS[place % len(COLOURS)]
            grid = [point.false_alarm for point in one.curve]
            values = [point.swept.value or 0.0 for point in one.curve]
            ends = [point.swept.interval or (value,) * 2 for point, value in zip(one.curve, values, strict=True)]
            left.fill_between(grid, *zip(*ends, strict=True), color=colour, alpha=0.15, linewidth=0)
            left.plot(grid, values, color=colour, label=f"{one.name}, swept")
            own = [point.answered.value or 0.0 for point in one.curve]
            bounds = [point.answered.interval or (value,) * 2 for point, value in zip(one.curve, own, strict=True)]
            left.fill_between(grid, *zip(*bounds, strict=True), color=colour, alpha=0.07, linewidth=0)
            left.plot(grid, own, color=colour, linestyle="--", label=f"{one.name}, as answered")
            kept = [row for row in one.rows if row.metrics[RISK].value is not None]
            risks = [row.metrics[RISK].value or 0.0 for row in kept]
            right.plot([row.coverage for row in kept], risks, "o-", color=colour, markersize=3, label=one.name)
        first = found.sweeps[0]
        for name in ("never", "always"):
            line = [getattr(point, name) for point in first.curve]
            left.plot([point.false_alarm for point in first.curve], line, color=GREY, linestyle=":", linewidth=1)
            inside = 1.0 if name == "always" else first.curve[-1].false_alarm
            at = min(first.curve, key=lambda point: abs(point.false_alarm - inside))
            left.annotate(name, (at.false_alarm, getattr(at, name)), color=GREY, xytext=(2, 3),
                          textcoords="offset points", ha="right")  # fmt: skip
        highest = max(first.point.never, *((point.answered.value or 0.0) for point in first.curve))
        left.set(xlabel="cost of a false alarm, λ", ylabel=f"cost of a moment (a miss costs {first.miss:g})",
                 xlim=(0, first.curve[-1].false_alarm), ylim=(0, 1.1 * highest or 1))  # fmt: skip
        right.set(xlabel="share of offers kept", ylabel="share of those rejected", xlim=(0, 1.03), ylim=(0, 1.03))
        left.legend(loc="upper left", fontsize=8)
        bands = f"bands: 95 % over {first.traces} traces{CHOSEN[first.chosen_on]}"
        figure.supxlabel(bands, fontsize=8, color=GREY)
    return figure
