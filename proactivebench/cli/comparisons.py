"""A comparison as text: what can be said first, then the numbers it rests on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from proactivebench.cli.terminal import copyable, safe
from proactivebench.records import Comparison, MeasurementStatus, PairComparison, Standing
from proactivebench.scoring.metric import Need, number
from proactivebench.scoring.population import FIGURES
from proactivebench.scoring.power import LEVEL
from proactivebench.scoring.registry import metric_for
from proactivebench.scoring.signflip import p_equals, p_value

_MOST_PAIRS = 20
_BY: dict[MeasurementStatus | None, str] = {
    MeasurementStatus.BASELINE: "word overlap",
    MeasurementStatus.UNMEASURED: "a judge that nobody measured",
    MeasurementStatus.PAPER: "the paper's judge",
}


def print_comparison(result: Comparison, console: Console, notes: Sequence[str] = ()) -> None:
    """Print who leads, who is tied, and every pair with its effect, its tests and what they could have seen, by both
    rules of need where people labelled it. `notes` are what else must be known before any number."""
    for line in result.conditions:
        console.print(Text(f"conditions: {safe(line)}", style="yellow"))
    for line in (*result.marks, *result.warnings, *notes):
        command = copyable(f"note: {safe(line)}", console.width)
        console.print(Text(command or f"note: {safe(line)}", style="yellow"), soft_wrap=command is not None)
    for one in (result, *result.rules.values()):
        said = " ".join(verdict(one))
        console.print(Text(f"By the {one.rule} rule: {said}" if one.rule else said, style="bold"))
    console.print()
    where = f" on split {result.split}" if result.split else ""
    console.print(Text(f"{result.metric} over {result.traces} traces{where}"))
    console.print(Text(safe(_judge_line(result))))
    console.print(_standings(result))
    for line in (*_chance_lines(result), *_population_lines(result)):
        console.print(Text(line))
    console.print()
    told_apart = [
        place for place, pair in enumerate(result.pairs) if pair.p_joint is not None and pair.p_joint <= LEVEL
    ]
    every = range(len(result.pairs))
    shown = every if len(every) <= _MOST_PAIRS else told_apart[:_MOST_PAIRS]
    for place in shown:
        for line in pair_lines(result.pairs[place]):
            console.print(Text(line))
        for rule, other in result.rules.items():
            for line in pair_lines(other.pairs[place], head=f"  by the {rule} rule"):
                console.print(Text(line))
    if len(shown) < len(every):
        console.print(Text(f"{len(told_apart)} of {len(every)} pairs differ; --json has all pairs"))


def _judge_line(result: Comparison) -> str:
    if result.worth is None and Need.LABELS in metric_for(result.metric).needs:
        return "people's labels of need; no judge's verdict on an offer is in it"
    return f"judge {result.judge}: {result.deciders}"


def verdict(result: Comparison) -> list[str]:
    """What the comparison comes to, in a sentence or two."""
    if len(result.pairs) == 1:
        return [_told_apart(result, result.pairs[0])]
    leading = [safe(standing.name) for standing in result.standings if standing.leading]
    apart = sum(pair.p_joint is not None and pair.p_joint <= LEVEL for pair in result.pairs)
    lines = [f"{apart} of {len(result.pairs)} pairs can be told apart on {result.title} (max-T, .05)."]
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
        return f"{names} cannot be told apart on {result.title}: {p_equals(pair.p)}{impossible}."
    ahead = (pair.difference > 0) == (result.better != "down")
    first, second = (pair.first, pair.second) if ahead else (pair.second, pair.first)
    word = "better than" if result.better else "different from"
    if result.worth in _BY:
        higher, lower = (pair.first, pair.second) if pair.difference > 0 else (pair.second, pair.first)
        return (
            f"{safe(higher)} has the higher {result.title} than {safe(lower)} by {_BY[result.worth]} "
            f"({p_equals(pair.p)}), which does not say which of them is of more use."
        )
    return f"{safe(first)} is {word} {safe(second)} on {result.title}: {p_equals(pair.p)}."


def _standings(result: Comparison) -> Table:
    metric = metric_for(result.metric)
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("rank", no_wrap=True)
    table.add_column("run", overflow="fold")
    table.add_column("value", justify="right", no_wrap=True)
    table.add_column("95 % interval", overflow="fold")
    by_rule = {rule: {one.name: one for one in other.standings} for rule, other in result.rules.items()}
    for rule in by_rule:
        table.add_column(rule, justify="right", no_wrap=True)
    for standing in result.standings:
        table.add_row(
            _rank(standing, result),
            Text(safe(standing.name)),
            metric.shown(standing.value),
            Text(_interval(standing)),
            *(metric.shown(others[standing.name].value) for others in by_rule.values()),
        )
    return table


def _chance_lines(result: Comparison) -> Iterator[str]:
    """Whose offers fall on need more often than at random, by each rule; only where need is what is compared."""
    if Need.LABELS not in metric_for(result.metric).needs or Need.OFFERS in metric_for(result.metric).needs:
        return
    for rule in dict.fromkeys(rule for standing in result.standings for rule in standing.chance_holm):
        known = [(one, one.chance_holm[rule]) for one in result.standings if rule in one.chance_holm]
        beating = [f"{safe(one.name)} ({p_equals(p)})" for one, p in known if p <= LEVEL]
        named = ", ".join(beating) or "none of them"
        yield f"better than as many offers at random, {rule} rule, Holm over these {len(known)}: {named}"


def _population_lines(result: Comparison) -> Iterator[str]:
    """Whether the order holds for users of any readiness to accept: of two runs in words, of more how often."""
    for metric, title in FIGURES.items():
        pairs = [pair for pair in result.population if pair.metric == metric]
        title += "".join(f", judged by {_BY[pair.worth]}" for pair in pairs[:1] if pair.worth in _BY)
        if len(pairs) > 1:
            same = sum(pair.same for pair in pairs)
            yield f"{title}: {same} of {len(pairs)} pairs have the same order for harsh, median and lenient users"
        for pair in pairs if len(pairs) == 1 else ():
            held = "is the same" if pair.same else "is not the same"
            each = ", ".join(f"{third} {one:.3f} and {other:.3f}" for third, (one, other) in pair.values.items())
            names = f"{safe(pair.first)} and {safe(pair.second)}"
            yield f"the order of {names} {held} for harsh, median and lenient users by {title} ({each})"


def _rank(standing: Standing, result: Comparison) -> str:
    if standing.rank is None or not result.ranks:
        return "–"
    low, high = standing.rank
    return f"{low}" if low == high else f"{low}–{high}"


def _interval(standing: Standing) -> str:
    if standing.interval:
        return f"[{number(standing.interval[0])}, {number(standing.interval[1])}]"
    return f"({standing.reason})" if standing.reason else ""


def pair_lines(pair: PairComparison, head: str | None = None) -> list[str]:
    """One pair in two or three lines of at most 80 columns where names allow; `head` in place of the two names."""
    head = head or f"{safe(pair.first)} − {safe(pair.second)}"
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
