"""Pictures of runs, one figure a question. Drawn without a display; the same runs give the same bytes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from proactivebench.records import MetricValue, SplitReport
from proactivebench.scoring.alignment import Aligned
from proactivebench.scoring.registry import metric_for, utility_metric

# Okabe and Ito's colours: told apart with any kind of colour vision.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#999999")
MARKERS = "osD^vP*X<>hp"
OUTCOMES = {
    "A": ("offer accepted", "#009E73"),
    "R": ("offer rejected", "#D55E00"),
    "U": ("offer unscored", "#999999"),
    "a": ("silence right", "#DCE9F2"),
    "r": ("silence wrong", "#F0C24B"),
    "u": ("silence unscored", "#C4C4C4"),
    "-": ("silence, not asked", "#EEF2F5"),
    "?": ("offer, not asked", "#56B4E9"),
    ".": ("no reply", "#FFFFFF"),
}
MOST_TRACES = 60  # of a timeline: more than that nobody reads
_GREY = "#777777"
_STYLE = {
    "text.parse_math": False,  # a model's name is text, not mathematics
    "svg.hashsalt": "proactivebench",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.frameon": False,
}


def save(figure: Figure, path: Path) -> Path:
    """Write a figure in the format its name says; returns the path."""
    dated: dict[str, Any] = {"metadata": {"Date": None}} if path.suffix == ".svg" else {}
    with mpl.rc_context(_STYLE):
        figure.savefig(path, dpi=160, bbox_inches="tight", **dated)
    return path


def draw_intervals(runs: Aligned) -> Figure:
    """The metric of each run with its 95 % interval, best first, and the trivial agents as lines."""
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(7, 1.3 + 0.32 * len(runs.names)), layout="constrained")
        axes = figure.add_subplot()
        found = [runs.value(run) for run in range(len(runs.names))]
        sign = -1 if runs.metric.better == "down" else 1
        order = sorted(range(len(found)), key=lambda run: sign * (found[run].value or 0), reverse=True)
        for row, run in enumerate(order):
            _interval(axes, found[run], row)
        for name, values in _section(runs, 0).anchors.items():
            if runs.key in values:
                axes.axvline(values[runs.key], color=_GREY, linestyle=":", linewidth=1, zorder=0)
                axes.text(values[runs.key], -0.75, name, color=_GREY, ha="center", va="bottom")
        axes.set_yticks(range(len(order)), [runs.names[run] for run in order])
        axes.set_ylim(len(order) - 0.4, -0.7)
        where = f", {runs.split}" if runs.split else ""
        axes.set_xlabel(f"{metric_for(runs.key).title}, 95 % interval over {len(runs.traces)} traces{where}")
        _note(figure, runs)
    return figure


def _interval(axes: Axes, found: MetricValue, row: int) -> None:
    if found.value is None:
        axes.text(
            0.02, row, found.reason or "undefined", color=_GREY, va="center", transform=axes.get_yaxis_transform()
        )
        return
    if found.interval:
        axes.plot(found.interval, (row, row), color=COLOURS[0], linewidth=2, solid_capstyle="butt")
    axes.plot(found.value, row, "o", color=COLOURS[0], fillstyle="full" if found.interval else "none")


def draw_precision_recall(runs: Aligned) -> Figure:
    """Precision against recall with lines of equal F1: by the judge's verdicts, and by need labels."""
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(10, 4.6), layout="constrained")
        panels = figure.subplots(1, 2)
        for axes, prefix, title in zip(panels, ("", "need_detection_"), ("judged", "need detection"), strict=True):
            _equal_f1(axes)
            drawn = [_point(axes, runs, run, prefix) for run in range(len(runs.names))]
            for name, values in _section(runs, 0).anchors.items():
                if f"{prefix}precision" in values and f"{prefix}recall" in values:
                    axes.plot(values[f"{prefix}recall"], values[f"{prefix}precision"], "x", color=_GREY, clip_on=False)
                    axes.annotate(name, (values[f"{prefix}recall"], values[f"{prefix}precision"]), color=_GREY,
                                  xytext=(-4, -12), textcoords="offset points", ha="right")  # fmt: skip
            if not prefix:
                axes.axvline(1, color=_GREY, linestyle=":", linewidth=1)
                axes.text(1.01, 0.01, "always", color=_GREY, rotation=90, va="bottom")
            if not any(drawn):
                axes.text(0.5, 0.5, "undefined for these runs", color=_GREY, ha="center")
            axes.set(xlim=(0, 1.03), ylim=(0, 1.03), xlabel="recall", ylabel="precision", title=title)
        handles, labels = panels[0].get_legend_handles_labels()
        if not handles:
            handles, labels = panels[1].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside right upper")
        _note(figure, runs)
    return figure


def _point(axes: Axes, runs: Aligned, run: int, prefix: str) -> bool:
    metrics = _section(runs, run).metrics
    recall, precision = metrics[f"{prefix}recall"], metrics[f"{prefix}precision"]
    if recall.value is None or precision.value is None:
        return False
    colour = COLOURS[run % len(COLOURS)]
    for across, along in ((recall, True), (precision, False)):
        if across.interval:
            x, y = (across.interval, (precision.value,) * 2) if along else ((recall.value,) * 2, across.interval)
            axes.plot(x, y, color=colour, alpha=0.35, linewidth=1)
    axes.plot(
        recall.value, precision.value, MARKERS[run % len(MARKERS)], color=colour, label=runs.names[run], clip_on=False
    )
    return True


def _equal_f1(axes: Axes) -> None:
    for level in np.arange(0.1, 1.0, 0.1):
        recall = np.linspace(level / (2 - level), 1, 200)
        axes.plot(recall, level * recall / (2 * recall - level), color="#DDDDDD", linewidth=0.8, zorder=0)
        axes.text(level / (2 - level), 1.0, f"{level:.1f}", color="#AAAAAA", fontsize=7, va="bottom", ha="center")


def draw_utility(runs: Aligned, miss: float) -> Figure:
    """Mean utility per moment by the cost of a false alarm; where lines cross, another agent becomes the better one."""
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(7.5, 4.2), layout="constrained")
        axes = figure.add_subplot()
        costs = (0.0, 4.0)  # a straight line between: utility is linear in λ
        for run, name in enumerate(runs.names):
            ends = [value for cost in costs if (value := runs.another(utility_metric(cost, miss), run)) is not None]
            if len(ends) == len(costs):
                axes.plot(costs, ends, color=COLOURS[run % len(COLOURS)],
                          linestyle=("-", "--", "-.")[run // len(COLOURS) % 3], label=name)  # fmt: skip
        accuracy = _section(runs, 0).anchors.get("never", {}).get("accuracy")
        if accuracy is not None:
            axes.axhline(-miss * (1 - accuracy), color=_GREY, linestyle=":", linewidth=1)
            axes.text(4, -miss * (1 - accuracy), "never", color=_GREY, va="bottom", ha="right")
        axes.set(xlabel="cost of a false alarm, λ (an accepted offer is worth 1)", xlim=(0, 4),
                 ylabel=f"utility per moment (a miss costs {miss:g})")  # fmt: skip
        if axes.get_legend_handles_labels()[0]:
            figure.legend(loc="outside right upper")
        else:
            axes.text(2, 0, "undefined for these runs", color=_GREY, ha="center")
        _note(figure, runs)
    return figure


def draw_timeline(runs: Aligned) -> Figure:
    """Every moment of every run (first rollout), trace after trace, coloured by what it came to."""
    shown = runs.traces[:MOST_TRACES]
    rows = [[judged.outcomes[name][0] for name in shown] for judged in runs.judged]
    width = max(len(row) for traces in rows for row in traces)
    letters = list(OUTCOMES)
    with mpl.rc_context(_STYLE):
        columns = min(3, len(shown))
        lines = -(-len(shown) // columns)
        figure = Figure(figsize=(11, lines * (0.6 + 0.17 * len(rows)) + 0.8), layout="constrained")
        panels = figure.subplots(lines, columns, squeeze=False)
        seen: set[str] = set()
        for place, axes in enumerate(panels.flat):
            if place >= len(shown):
                axes.axis("off")
                continue
            cells = [traces[place].ljust(width, ".") for traces in rows]
            seen |= set("".join(traces[place] for traces in rows))
            axes.imshow(
                [[letters.index(letter) for letter in line] for line in cells],
                cmap=ListedColormap([colour for _, colour in OUTCOMES.values()]),
                vmin=-0.5, vmax=len(letters) - 0.5, aspect="auto", interpolation="nearest",
            )  # fmt: skip
            axes.set_title(shown[place], loc="left", fontsize=8)
            axes.set_yticks(range(len(rows)), runs.names if place % columns == 0 else [""] * len(rows), fontsize=7)
            axes.set_xticks(range(0, width, 5))
            axes.tick_params(length=2, labelsize=7)
            axes.set_yticks(np.arange(len(rows) + 1) - 0.5, minor=True)
            axes.set_xticks(np.arange(width + 1) - 0.5, minor=True)
            axes.grid(which="minor", color="white", linewidth=1)
            axes.tick_params(which="minor", length=0)
        patches = [Patch(color=OUTCOMES[letter][1], label=OUTCOMES[letter][0]) for letter in letters if letter in seen]
        figure.legend(handles=patches, loc="outside upper center", ncols=len(patches))
        left = len(runs.traces) - len(shown)
        _note(figure, runs, f"{left} more traces are not shown" if left else "")
    return figure


def _note(figure: Figure, runs: Aligned, more: str = "") -> None:
    """What must be known before a picture is believed, under it."""
    baseline = "baseline judge, not comparable" if any(found.judge.baseline for found in runs.judged) else ""
    said = [
        *runs.cautions,
        f"judge {runs.judged[0].judge.id}",
        baseline,
        *runs.marks,
        *runs.conditions,
        *runs.unknown_conditions,
        more,
    ]
    below = -0.15 / figure.get_figheight()  # inches, clear of axis labels whatever the height
    figure.text(0.01, below, "; ".join(filter(None, said)), color=_GREY, fontsize=7, va="top")


def _section(runs: Aligned, run: int) -> SplitReport:
    judged = runs.judged[run]
    return judged.overall if runs.split is None else judged.splits[runs.split]
