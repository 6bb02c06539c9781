"""Pictures of runs, one figure a question. Drawn without a display; the same runs give the same bytes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from textwrap import wrap
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from proactivebench.judging.measurement import worth
from proactivebench.records import MetricValue, Task, Trace
from proactivebench.records.reports import deciders
from proactivebench.scoring.alignment import Aligned
from proactivebench.scoring.boundaries import at_boundary
from proactivebench.scoring.chance import over_family
from proactivebench.scoring.metric import Need
from proactivebench.scoring.registry import METRICS, Plane, metric_for, planes, utility_key, utility_metric
from proactivebench.scoring.signflip import p_equals
from proactivebench.scoring.stated import RiskCoverage, curve, tabulate_stated

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
GREY = "#777777"
_NEED = COLOURS[0]
_OTHERS = (("diamonds", "D"), ("squares", "s"))  # marks of the values by other rules of need
STYLE = {
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
    with mpl.rc_context(STYLE):
        figure.savefig(path, dpi=160, bbox_inches="tight", **dated)
    return path


def draw_intervals(runs: Aligned, beside: Mapping[str, float] = {}) -> Figure:  # never changed
    """The metric of each run with its 95 % interval, best first, hollow below it the values by other rules of need;
    trivial agents, and what else stands `beside` the runs by name, as lines."""
    lines: dict[float, list[str]] = {}
    trivial = {name: values[runs.key] for name, values in runs.section(0).anchors.items() if runs.key in values}
    for name, value in {**trivial, **beside}.items():
        lines.setdefault(round(value, 3), []).append(name)
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(7, 1.3 + 0.32 * len(runs.names)), layout="constrained")
        axes = figure.add_subplot()
        found, others = [runs.value(run) for run in range(len(runs.names))], runs.judged[0].beside
        sign = -1 if runs.metric.better == "down" else 1
        order = sorted(range(len(found)), key=lambda run: sign * (found[run].value or 0), reverse=True)
        for row, run in enumerate(order):
            _interval(axes, found[run], row)
            for (_, mark), rule in zip(_OTHERS, others, strict=False):
                other = runs.section(run).metrics.get(f"{runs.key}_{rule}")
                if runs.metric.both_rules and other and other.value is not None:
                    axes.plot(other.value, row + 0.25, mark, color=GREY, fillstyle="none", markersize=4)
        for place, (value, names) in enumerate(sorted(lines.items())):
            axes.axvline(value, color=GREY, linestyle=":", linewidth=1, zorder=0)
            axes.text(value, -0.75 - 0.5 * (place % 3), ", ".join(names), color=GREY, ha="center", va="bottom")
        axes.set_yticks(range(len(order)), [_chance_label(runs, run) for run in order])
        axes.set_ylim(len(order) - 0.4, -0.7)
        where = f", {runs.split}" if runs.split else ""
        drawn = [f"{word}: by the {rule} rule" for (word, _), rule in zip(_OTHERS, others, strict=False)]
        rules = "".join(f"; {each}" for each in drawn) if runs.metric.both_rules else ""
        title = metric_for(runs.key).title
        axes.set_xlabel(f"{title}, 95 % interval over {len(runs.traces)} traces{where}{rules}")
        by_chance = "p: against as many offers at random, Holm over these runs" if _by_need(runs) else ""
        note(figure, runs, by_chance)
    return figure


def _by_need(runs: Aligned) -> bool:
    return runs.metric.judge_free and Need.LABELS in runs.metric.needs


def _chance_label(runs: Aligned, run: int) -> str:
    """A run's name, with the p of its offers falling on need where that is what is drawn."""
    rule = runs.judged[run].rule
    p = over_family([runs.section(one).chance for one in range(len(runs.names))])[run].get(rule)
    return runs.names[run] if p is None or not _by_need(runs) else f"{runs.names[run]} ({p_equals(p)})"


def _interval(axes: Axes, found: MetricValue, row: int) -> None:
    if found.value is None:
        axes.text(0.02, row, found.reason or "undefined", color=GREY, va="center", transform=axes.get_yaxis_transform())
        return
    if found.interval:
        axes.plot(found.interval, (row, row), color=COLOURS[0], linewidth=2, solid_capstyle="butt")
    axes.plot(found.value, row, "o", color=COLOURS[0], fillstyle="full" if found.interval else "none")


def draw_planes(runs: Aligned) -> Figure:
    """Two metrics against each other, a panel a picture of the registry: when agents speak by people's labels of need,
    and what a judge says of what they offer, with lines of equal F1."""
    with mpl.rc_context(STYLE):
        pictures = planes()
        figure = Figure(figsize=(5 * len(pictures), 4.6), layout="constrained")
        panels = figure.subplots(1, len(pictures), squeeze=False)[0]
        named: dict[str, Any] = {}
        for axes, plane in zip(panels, pictures, strict=True):
            if plane.equal_f1:
                _equal_f1(axes)
            drawn = [_point(axes, runs, run, plane) for run in range(len(runs.names))]
            _trivial(axes, runs, plane)
            if not any(drawn):
                axes.text(0.5, 0.5, "undefined for these runs", color=GREY, ha="center")
            title = plane.name if plane.across.judge_free else f"{plane.name} by {runs.judged[0].judge.name}"
            across, up = (metric.title.partition(":")[0] for metric in (plane.across, plane.up))
            axes.set(xlim=(0, 1.03), ylim=(0, 1.03), title=title, xlabel=across, ylabel=up)
            named |= dict(zip(*reversed(axes.get_legend_handles_labels()), strict=True))
        figure.legend(list(named.values()), list(named), loc="outside right upper")
        note(figure, runs)
    return figure


def _trivial(axes: Axes, runs: Aligned, plane: Plane) -> None:
    """Where trivial agents stand in a picture: a cross, or a line where only one of its metrics is known of them.
    Between two crosses lies whoever offers at random."""
    crosses = []
    for name, values in runs.section(0).anchors.items():
        across, up = values.get(plane.across.key), values.get(plane.up.key)
        if across is not None and up is not None:
            crosses.append((across, up))
            axes.plot(across, up, "x", color=GREY, clip_on=False)
            left = across > 0.5
            axes.annotate(name, (across, up), color=GREY, xytext=(-4 if left else 4, -12 if up > 0.5 else 6),
                          textcoords="offset points", ha="right" if left else "left")  # fmt: skip
        elif across is not None and across > 0:
            axes.axvline(across, color=GREY, linestyle=":", linewidth=1)
            axes.text(across + 0.01, 0.01, name, color=GREY, rotation=90, va="bottom")
    if len(crosses) > 1:
        axes.plot(*zip(*crosses, strict=True), color=GREY, linestyle=":", linewidth=1, zorder=0)


def _point(axes: Axes, runs: Aligned, run: int, plane: Plane) -> bool:
    metrics = runs.section(run).metrics
    across, up = metrics[plane.across.key], metrics[plane.up.key]
    if across.value is None or up.value is None:
        return False
    colour = COLOURS[run % len(COLOURS)]
    for found, along in ((across, True), (up, False)):
        if found.interval:
            x, y = (found.interval, (up.value,) * 2) if along else ((across.value,) * 2, found.interval)
            axes.plot(x, y, color=colour, alpha=0.35, linewidth=1)
    axes.plot(across.value, up.value, MARKERS[run % len(MARKERS)], color=colour, label=runs.names[run], clip_on=False)
    return True


def _equal_f1(axes: Axes) -> None:
    for level in np.arange(0.1, 1.0, 0.1):
        recall = np.linspace(level / (2 - level), 1, 200)
        axes.plot(recall, level * recall / (2 * recall - level), color="#DDDDDD", linewidth=0.8, zorder=0)
        axes.text(level / (2 - level), 1.0, f"{level:.1f}", color="#AAAAAA", fontsize=7, va="bottom", ha="center")


def draw_utility(runs: Aligned, miss: float) -> Figure:
    """Mean utility per moment by the cost of a false alarm; where lines cross, another agent becomes the better one."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(7.5, 4.2), layout="constrained")
        axes = figure.add_subplot()
        costs = (0.0, 4.0)  # a straight line between: utility is linear in λ
        for run, name in enumerate(runs.names):
            ends = [value for cost in costs if (value := runs.another(utility_metric(cost, miss), run)) is not None]
            if len(ends) == len(costs):
                axes.plot(costs, ends, color=COLOURS[run % len(COLOURS)],
                          linestyle=("-", "--", "-.")[run // len(COLOURS) % 3], label=name)  # fmt: skip
        missed = runs.section(0).anchors.get("never", {}).get(utility_key(1, 1))  # of an agent without false alarms
        if missed is not None:
            axes.axhline(miss * missed, color=GREY, linestyle=":", linewidth=1)
            axes.text(4, miss * missed, "never", color=GREY, va="bottom", ha="right")
        axes.set(xlabel="cost of a false alarm, λ (an accepted offer is worth 1)", xlim=(0, 4),
                 ylabel=f"utility per moment (a miss costs {miss:g})")  # fmt: skip
        if axes.get_legend_handles_labels()[0]:
            figure.legend(loc="outside right upper")
        else:
            axes.text(2, 0, "undefined for these runs", color=GREY, ha="center")
        note(figure, runs)
    return figure


def draw_risk(runs: Aligned) -> Figure:
    """Risk against coverage, a line a run: how many of its surest offers were rejected, from the surest alone to all.
    The end of each line is its share of rejected offers, marked there; a level line is of someone whose confidence
    says nothing."""
    area = next(metric for metric in METRICS.values() if isinstance(metric.of_stated, RiskCoverage))
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(7.5, 4.6), layout="constrained")
        axes = figure.add_subplot()
        left = []
        for run, name in enumerate(runs.names):
            found = runs.section(run).metrics.get(area.key)
            if found is None or found.value is None:
                left.append(f"{name}: {found.reason if found else 'not in this report'}")
                continue
            coverage, risk = curve(tabulate_stated([runs.judged[run].stated], runs.traces)[0].sum(axis=0))
            colour = COLOURS[run % len(COLOURS)]
            axes.plot(coverage, risk, color=colour, linestyle=("-", "--", "-.")[run // len(COLOURS) % 3],
                      label=f"{name} (area {area.shown(found.value)})")  # fmt: skip
            axes.plot(coverage[-1], risk[-1], MARKERS[run % len(MARKERS)], color=colour, clip_on=False)
        axes.set(xlim=(0, 1.03), ylim=(0, 1.03), xlabel="coverage: share of offers made, the surest first",
                 ylabel=f"risk: share of these rejected by {runs.judged[0].judge.name}")  # fmt: skip
        if axes.get_legend_handles_labels()[0]:
            figure.legend(loc="outside right upper")
        else:
            axes.text(0.5, 0.5, "undefined for these runs", color=GREY, ha="center")
        note(figure, runs, "not drawn: " + "; ".join(left) if left else "")
    return figure


def draw_timeline(runs: Aligned, task: Task | None = None, trace: str | None = None) -> Figure:
    """Every moment of every run (first rollout), trace after trace, coloured by what it came to; above, where the
    data are at hand, need by each rule, boundaries of activity and people's votes. `trace`: that one alone, large."""
    shown = [trace] if trace else runs.traces[:MOST_TRACES]
    data = {one.trace_id: one for one in task.traces} if task else {}
    people = _peoples_rows(task, [data[name] for name in shown if name in data]) if task else []
    rows = [[judged.outcomes[name][0] for name in shown] for judged in runs.judged]
    width = max(len(row) for traces in rows for row in traces)
    names = [*people, *runs.names]
    with mpl.rc_context(STYLE):
        columns = min(3, len(shown))
        lines = -(-len(shown) // columns)
        figure = Figure(figsize=(11, lines * (0.6 + (0.3 if trace else 0.17) * len(names)) + 0.8), layout="constrained")
        panels = figure.subplots(lines, columns, squeeze=False)
        seen: set[str] = set()
        for place, axes in enumerate(panels.flat):
            if place >= len(shown):
                axes.axis("off")
                continue
            cells = [traces[place].ljust(width, ".") for traces in rows]
            seen |= set("".join(traces[place] for traces in rows))
            _outcome_cells(axes, cells, top=len(people))
            if shown[place] in data and task:
                _people_above(axes, task, data[shown[place]], people)
            axes.set_title(shown[place], loc="left", fontsize=8)
            axes.set_yticks(range(len(names)), names if place % columns == 0 else [""] * len(names), fontsize=7)
            axes.set_xticks(range(0, width, 5))
            axes.set(xlim=(-0.5, width - 0.5), ylim=(len(names) - 0.5, -0.5))
            axes.tick_params(length=2, labelsize=7)
        patches = [Patch(color=OUTCOMES[letter][1], label=OUTCOMES[letter][0]) for letter in OUTCOMES if letter in seen]
        patches += [Patch(color=_NEED, label="need (an episode)")] if people else []
        figure.legend(handles=patches, loc="outside upper center", ncols=len(patches))
        left = 0 if trace else len(runs.traces) - len(shown)
        above = "upright lines: boundaries of activity; votes: accepted upwards, rejected or not yet downwards"
        note(figure, runs, f"{left} more traces are not shown" if left else "", above if people else "")
    return figure


def _outcome_cells(axes: Axes, cells: list[str], top: int) -> None:
    """One row of coloured cells a run, from row `top` on."""
    letters = list(OUTCOMES)
    axes.imshow(
        [[letters.index(letter) for letter in line] for line in cells],
        cmap=ListedColormap([colour for _, colour in OUTCOMES.values()]),
        vmin=-0.5, vmax=len(letters) - 0.5, aspect="auto", interpolation="nearest",
        extent=(-0.5, len(cells[0]) - 0.5, top + len(cells) - 0.5, top - 0.5),
    )  # fmt: skip
    axes.hlines(np.arange(len(cells) + 1) + top - 0.5, -0.5, len(cells[0]) - 0.5, color="white", linewidth=1)
    axes.vlines(np.arange(len(cells[0]) + 1) - 0.5, top - 0.5, top + len(cells) - 0.5, color="white", linewidth=1)


def _peoples_rows(task: Task, traces: list[Trace]) -> list[str]:
    """The rows above the runs: what people said of the traces, and boundaries."""
    labels = [label for trace in traces for label in trace.labels or () if label]
    rules = [rule for rule in task.need_rules if any(label.needs(rule) is not None for label in labels)]
    voted = any(label.tasks for label in labels)
    return [f"need, {rule}" for rule in rules] + (["votes"] if voted else []) + (["boundaries"] if traces else [])


def _people_above(axes: Axes, task: Task, trace: Trace, rows: list[str]) -> None:
    """Need by each rule, votes and boundaries of a trace, in rows of these names."""
    labels = trace.labels or (None,) * len(trace.events)
    for row, name in enumerate(rows):
        if name == "boundaries":
            at = np.flatnonzero(at_boundary(trace)) - 0.5
            axes.vlines(at, row - 0.4, row + 0.4, color="#333333", linewidth=1.5)
        elif name == "votes":
            said = [label.said if label else None for label in labels]
            most = max((max(one.accept, one.reject + one.not_yet) for one in said if one), default=0) or 1
            for turn, one in enumerate(said):
                if one:
                    for start, number, colour in (
                        (0, -one.accept, OUTCOMES["A"][1]),
                        (0, one.reject, OUTCOMES["R"][1]),
                        (one.reject, one.not_yet, COLOURS[4]),
                    ):
                        axes.bar(turn, 0.45 * number / most, 0.7, bottom=row + 0.45 * start / most, color=colour)
    for rule in task.need_rules:
        if f"need, {rule}" in rows:
            need = np.array([label.needs(rule) is True if label else False for label in labels])
            edges = np.flatnonzero(np.diff(np.concatenate([[0], need.astype(int), [0]])))
            spans = [(start - 0.42, end - start - 0.16) for start, end in edges.reshape(-1, 2).tolist()]
            axes.broken_barh(spans, (rows.index(f"need, {rule}") - 0.3, 0.6), color=_NEED)


def note(figure: Figure, runs: Aligned, *more: str) -> None:
    """What must be known before a picture is believed, under it."""
    judged = runs.judged[0]
    said = [
        *runs.cautions,
        f"judge {judged.judge.id}: {deciders(runs.judged)}",
        *worth(judged),
        *runs.marks,
        *runs.conditions,
        *runs.unknown_conditions,
        *more,
    ]
    lines = [line for text in filter(None, said) for line in wrap(text, int(16 * figure.get_figwidth()))]
    below = -0.15 / figure.get_figheight()  # inches, clear of axis labels whatever the height
    figure.text(0.01, below, "\n".join(lines), color=GREY, fontsize=7, va="top")
