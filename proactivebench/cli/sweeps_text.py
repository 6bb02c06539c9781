"""A sweep as text: what the threshold would have saved, then the table it rests on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from proactivebench.cli.terminal import safe
from proactivebench.records import MetricValue, SpeakingRule, Sweep, Sweeps, ThresholdRow
from proactivebench.scoring.metric import number
from proactivebench.scoring.power import LEVEL
from proactivebench.scoring.signflip import p_equals, p_value
from proactivebench.sweeping import COLUMNS

_MOST_ROWS = 10
_LAMBDAS = (0.25, 0.5, 1.0, 2.0, 4.0)


def print_sweeps(found: Sweeps, console: Console) -> None:
    """Print each run's sweep, and how runs differ."""
    for note in found.notes:
        console.print(Text(f"note: {safe(note)}", style="yellow"))
    for one in found.sweeps:
        _print(one, console)
    for first, second in dict.fromkeys((each.first, each.second) for each in found.differences):
        pairs = [each for each in found.differences if (each.first, each.second) == (first, second)]
        apart = [each for each in pairs if each.p_joint <= LEVEL]
        said = f"{safe(first)} against {safe(second)}, both swept: "
        if apart:
            said += f"costs differ for λ {', '.join(f'{each.false_alarm:g}' for each in apart)} (max-T over λ, .05)"
        else:
            said += f"no difference at any λ (max-T: smallest {p_equals(min(each.p_joint for each in pairs))})"
        console.print(Text(said, style="bold"))


def _print(one: Sweep, console: Console) -> None:
    console.print(Text(f"{safe(one.name)}: {_verdict(one)}", style="bold"))
    for line in _lines(one):
        console.print(Text(safe(line)))
    console.print(_thresholds(one))
    console.print(_curve(one))
    console.print()


def _verdict(one: Sweep) -> str:
    point = one.point
    difference, p = point.difference, point.p
    how = {"other traces": "by a threshold", "given": "by the threshold given", "costs": "by PRISM's rule"}
    if p > LEVEL:
        return f"keeping quiet {how[one.chosen_on]} makes no difference that can be seen ({p_equals(p)})"
    word = "saves" if difference < 0 else "costs"
    said = f"keeping quiet {how[one.chosen_on]} {word} {abs(difference):.3f} a moment ({p_equals(p)})"
    if difference > 0:
        return said
    over = point.never - (point.swept.value or 0.0)
    if over <= 0:
        return f"{said}, and silence everywhere is as cheap: its confidence is of no use here"
    if over >= -difference:
        return said
    return f"{said}, {over:.3f} of it beyond silence everywhere ({p_equals(point.p_never)})"


def _lines(one: Sweep) -> Iterator[str]:
    point = one.point
    yield (
        f"a false alarm costs {one.false_alarm:g}, a miss {one.miss:g}; need by the {one.need} rule, offers by "
        f"{one.judged_by}; {one.traces} traces, {one.moments:g} moments, {one.offers:g} offers"
    )
    yield f"cost of a moment: as answered {_told(point.answered)}, swept {_told(point.swept)}"
    yield f"                  never {point.never:.3f}, always (accepted where needed) {point.always:.3f}"
    if one.chosen_on == "other traces":
        chosen = ", ".join(sorted({_threshold(each) for each in one.thresholds.values()}))
        yield f"threshold: {_threshold(point.threshold)} on all traces; each is scored with the others' ({chosen})"
    never, always = one.break_even["never"], one.break_even["always"]
    if never is not None and always is not None:
        yield f"as answered it is cheaper than always for λ above {always:.2f}, than never for λ below {never:.2f}"


def _threshold(value: float | None) -> str:
    return "silent" if value is None else f"{value:g}"


def _told(found: MetricValue) -> str:
    ends = f" [{found.interval[0]:.3f}, {found.interval[1]:.3f}]" if found.interval else ""
    return f"{number(found.value)}{ends}"


def _cell(found: MetricValue) -> str:
    ends = f"\n{found.interval[0]:.2f}–{found.interval[1]:.2f}" if found.interval else ""
    return f"{number(found.value)}{ends}"


def _thresholds(one: Sweep) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("rule" if one.rule is SpeakingRule.PRISM else "p_accept ≥", justify="left")
    for name in ("offers kept", *COLUMNS.values()):
        table.add_column(name, justify="right")
    for row in _some(one.rows, one.point.threshold):
        name = _threshold(row.threshold)
        if one.rule is SpeakingRule.PRISM:
            name = "as answered" if row.threshold == 0 else "PRISM"
        elif row.threshold == one.point.threshold:
            name += " *"
        cells = (_cell(row.metrics[key]) for key in COLUMNS)
        table.add_row(name, f"{row.kept:g}\n{row.coverage:.0%}", *cells)
    return table


def _some(rows: Sequence[ThresholdRow], chosen: float | None) -> list[ThresholdRow]:
    """At most so many rows at even steps, the chosen one among them."""
    if len(rows) <= _MOST_ROWS:
        return list(rows)
    places = {round(step * (len(rows) - 1) / (_MOST_ROWS - 1)) for step in range(_MOST_ROWS)}
    places |= {place for place, row in enumerate(rows) if row.threshold == chosen}
    return [rows[place] for place in sorted(places)]


def _curve(one: Sweep) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("λ", "as answered", "swept, 95 %", "never", "always", "p answered", "p never"):
        table.add_column(name, justify="right")
    for point in one.curve:
        if point.false_alarm in (*_LAMBDAS, one.false_alarm):
            table.add_row(
                f"{point.false_alarm:g}", number(point.answered.value), _told(point.swept), number(point.never),
                number(point.always), p_value(point.p_joint), p_value(point.p_never_joint),
            )  # fmt: skip
    return table
