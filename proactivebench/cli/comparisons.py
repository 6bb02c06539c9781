"""A comparison as text: what can be said first, then the numbers it rests on."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table
from rich.text import Text

from proactivebench.cli.terminal import safe
from proactivebench.records import Comparison, PairComparison, Standing
from proactivebench.scoring.metric import number
from proactivebench.scoring.power import LEVEL
from proactivebench.scoring.signflip import p_equals, p_value

_MOST_PAIRS = 20


def print_comparison(result: Comparison, console: Console, other: Comparison | None = None) -> None:
    """Print who leads, who is tied, and every pair with its effect, its tests and what they could have seen; of the
    `other` comparison, by the other rule of need, what it comes to."""
    for line in result.conditions:
        console.print(Text(f"conditions: {safe(line)}", style="yellow"))
    for line in (*result.marks, *result.warnings):
        console.print(Text(f"note: {safe(line)}", style="yellow"))
    for line in verdict(result):
        console.print(Text(line, style="bold"))
    for line in verdict(other) if other else ():
        console.print(Text(f"By the majority rule: {line}", style="bold"))
    console.print()
    where = f" on split {result.split}" if result.split else ""
    console.print(Text(f"{result.metric} over {result.traces} traces{where}, judge {safe(result.judge)}"))
    console.print(_standings(result))
    console.print()
    told_apart = [pair for pair in result.pairs if pair.p_joint is not None and pair.p_joint <= LEVEL]
    shown = result.pairs if len(result.pairs) <= _MOST_PAIRS else told_apart[:_MOST_PAIRS]
    for pair in shown:
        for line in pair_lines(pair):
            console.print(Text(line))
    if len(shown) < len(result.pairs):
        console.print(Text(f"{len(told_apart)} of {len(result.pairs)} pairs differ; --json has all pairs"))


def verdict(result: Comparison) -> list[str]:
    """What the comparison comes to, in a sentence or two."""
    if len(result.pairs) == 1:
        return [_told_apart(result, result.pairs[0])]
    leading = [safe(standing.name) for standing in result.standings if standing.leading]
    apart = sum(pair.p_joint is not None and pair.p_joint <= LEVEL for pair in result.pairs)
    lines = [f"{apart} of {len(result.pairs)} pairs can be told apart (max-T, .05)."]
    if len(leading) == 1:
        lines.append(f"{leading[0]} leads alone.")
    elif leading:
        others = f" and {len(leading) - 5} more" if len(leading) > 5 else ""
        lines.append(f"{len(leading)} runs may be the best: {', '.join(leading[:5])}{others}.")
    return lines


def _told_apart(result: Comparison, pair: PairComparison) -> str:
    names = f"{safe(pair.first)} and {safe(pair.second)}"
    if pair.p is None or pair.difference is None:
        return f"{names} cannot be compared: {pair.reason}."
    if pair.reason and "identical" in pair.reason:
        return f"{names} are {pair.reason}."
    if pair.p > LEVEL:
        impossible = f" ({pair.reason})" if pair.reason else ""
        return f"{names} cannot be told apart on {result.metric}: {p_equals(pair.p)}{impossible}."
    ahead = (pair.difference > 0) == (result.better != "down")
    first, second = (pair.first, pair.second) if ahead else (pair.second, pair.first)
    word = "better than" if result.better else "different from"
    if not result.ranks:
        higher, lower = (pair.first, pair.second) if pair.difference > 0 else (pair.second, pair.first)
        return (
            f"{safe(higher)} has the higher {result.metric} by word overlap than {safe(lower)} ({p_equals(pair.p)}), "
            "which does not say which of them is of more use."
        )
    return f"{safe(first)} is {word} {safe(second)} on {result.metric}: {p_equals(pair.p)}."


def _standings(result: Comparison) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("rank", no_wrap=True)
    table.add_column("run", overflow="fold")
    table.add_column("value", justify="right", no_wrap=True)
    table.add_column("95 % interval", overflow="fold")
    for standing in result.standings:
        table.add_row(
            _rank(standing, result),
            Text(safe(standing.name)),
            number(standing.value),
            Text(_interval(standing)),
        )
    return table


def _rank(standing: Standing, result: Comparison) -> str:
    if standing.rank is None or not result.ranks:
        return "–"
    low, high = standing.rank
    return f"{low}" if low == high else f"{low}–{high}"


def _interval(standing: Standing) -> str:
    if standing.interval:
        return f"[{number(standing.interval[0])}, {number(standing.interval[1])}]"
    return f"({standing.reason})" if standing.reason else ""


def pair_lines(pair: PairComparison) -> list[str]:
    """One pair in two or three lines of at most 80 columns where names allow."""
    head = f"{safe(pair.first)} − {safe(pair.second)}"
    if pair.difference is None:
        return [f"{head}: {pair.reason}"]
    effect = f"{head}: {pair.difference:+.4f}"
    if pair.interval:
        effect += f" [{pair.interval[0]:+.4f}, {pair.interval[1]:+.4f}]"
    lines = [effect + (f", {pair.reason}" if pair.reason else "")]
    if pair.p is not None:
        tests = {"max-T": pair.p_joint, "Holm": pair.p_holm, "FDR": pair.p_fdr}
        said = ", ".join(f"{name} {p_value(p, 4)}" for name, p in tests.items() if p is not None)
        least = "" if pair.smallest_p is None else f"; least possible {p_value(pair.smallest_p, 4)}"
        lines.append(f"  {p_equals(pair.p, 4)}; {said}{least}")
    if pair.detectable:
        secondary = f"; McNemar {p_equals(pair.mcnemar_p, 4)} (ignores traces)" if pair.mcnemar_p is not None else ""
        lines.append(f"  could have seen {pair.detectable:.3f} (80 % power){secondary}")
    return lines
