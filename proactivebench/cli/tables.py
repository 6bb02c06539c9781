"""A report as tables: first what a user decides on, then what to know before believing it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rich.console import Console
from rich.table import Table
from rich.text import Text

from proactivebench.cli.paper import paper_lines
from proactivebench.cli.terminal import safe
from proactivebench.presets import PAPER
from proactivebench.records import Adjusted, JudgeReport, MetricValue, Report, SplitReport
from proactivebench.scoring.correction import METHOD as JUDGE_ERRORS
from proactivebench.scoring.registry import METRICS, metric_for, split_key
from proactivebench.scoring.signflip import p_equals

PEOPLE = (
    "need_detection_recall",
    "needless_offer_rate",
    "need_detection_balanced_accuracy",
    "need_detection_balanced_accuracy_majority",
)
JUDGED = (
    "precision",
    "recall",
    "f1",
    "f1_majority",
    "false_discovery_rate",
    "false_alarm_rate",
    "accuracy",
    "balanced_accuracy",
    "mcc",
    "need_recall",
)
DECISIVE = (*PEOPLE, *JUDGED)
OFFERED = ("proposal_rate", "clean_rate")
_SHORT = 22  # letters of a key beside which the rule fits on its line
FALSE_ALARMS = (
    "false_discovery_rate: false alarm (paper), share of offers rejected; "
    "false_alarm_rate: false alarm (classical), share of wrong moments with an offer"
)
BEHAVIOUR = (
    "false_alarms_per_hour",
    "longest_streak",
    "longest_streak_mean",
    "repeat_rate",
    "utility_1_0.5",
    "break_even_never_0.5",
    "break_even_always_0.5",
    "candidate_precision",
    "accepted_per_1k_tokens",
    "cost_per_accepted",
    "latency_p50",
    "latency_p95",
    "confidence_brier",
    "confidence_ece",
)


def print_report(report: Report, console: Console) -> None:
    """Print `report`: what went wrong, when the agent spoke by people's labels, and per judge what it offered, with the
    trivial agents, the splits, the counts and the warnings."""
    say = _Voice(console)
    for notice in (*([report.caution] if report.caution else []), *report.findings):
        say.line(f"NOTE: {notice}", style="bold yellow")
    say.line(f"{report.agent.name} on {report.task.name}, protocol {report.protocol.name}", style="bold")
    if not report.complete:
        say.line(
            f"INCOMPLETE: {report.missing} of {report.moments_expected} moments have no final reply", style="bold red"
        )
    for warning in report.warnings:
        say.line(f"note: {warning}", style="yellow")
    if report.preset == PAPER.name:
        for line in paper_lines(report):
            say.line(line)
    if report.judges:
        _print_people(report.judges[0].overall, say)
    for judged in report.judges:
        _print_judge(judged, report, say)


def _print_people(section: SplitReport, say: _Voice) -> None:
    """When the agent spoke, by people's labels of need: the same under every judge."""
    say.line("")
    if all(section.metrics[key].value is None for key in PEOPLE if key in section.metrics):
        say.line("nobody labelled where help was needed: when it spoke is not judged by people here")
        return
    say.line("when to speak: people's labels of need (they say nothing about what was offered)", "bold")
    say.table(_metrics_table(section, (*PEOPLE, *OFFERED), trivial=True))
    if section.chance:
        named = ", ".join(f"{p_equals(p)} by the {rule} rule" for rule, p in section.chance.items())
        say.line(f"against as many offers placed at random within each trace: {named}")


def _print_judge(judged: JudgeReport, report: Report, say: _Voice) -> None:
    say.line("")
    say.line(f"what was offered: judge {judged.judge.id}", "bold")
    say.line("; ".join(_deciders(judged)))
    if judged.judge.baseline:
        say.line("baseline judge, not comparable: it hears how words overlap, and these figures rank nothing", "yellow")
    why = report.invalid(judged)
    if why:
        say.line(f"INVALID: {why}", "bold red")
    for warning in judged.warnings:
        say.line(f"note: {warning}", style="yellow")
    whole = judged.overall
    say.table(_metrics_table(whole, JUDGED, trivial=True, overlap=judged.judge.baseline))
    say.line(FALSE_ALARMS, "dim")
    say.table(_metrics_table(whole, BEHAVIOUR, trivial=False))
    if len(judged.splits) > 1:
        say.table(_splits_table(judged))
    for line in _counts(whole, judged, report):
        say.line(line)


def _deciders(judged: JudgeReport) -> Iterator[str]:
    """Who decided what: of each stratum how much people did, and how much whom else."""
    for stratum, word in (("proposals", "offers"), ("silence", "silences")):
        members = {member.name: member for member in judged.judge.members if member.stratum == stratum}
        given = judged.decided.get(stratum, {})
        if not members:
            yield f"{word}: nobody is asked"
            continue
        people = sum(count for name, count in given.items() if name in members and members[name].people)
        rules = [str(member.rule) for member in members.values() if member.people and member.rule]
        said = [f"{people} of {sum(given.values())} by people" + (f" ({rules[0]})" if people and rules else "")]
        said += [
            f"{count} by {name}" for name, count in given.items() if name not in members or not members[name].people
        ]
        yield f"{word}: {', '.join(said)}"


def _metrics_table(section: SplitReport, keys: Iterable[str], *, trivial: bool, overlap: bool = False) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("", ratio=1, overflow="fold")
    table.add_column("value", justify="right", no_wrap=True)
    table.add_column("95 % interval", overflow="fold", max_width=18 if trivial else 32)
    if trivial:
        table.add_column("never", justify="right", no_wrap=True)
        table.add_column("always", justify="right", no_wrap=True)
    never, always = section.anchors.get("never", {}), section.anchors.get("always", {})
    for key in keys:
        found = section.metrics.get(key)
        if found is None or (found.value is None and not trivial):
            continue
        arrow = {"up": "↑ ", "down": "↓ "}.get(metric_for(key).better, "  ")
        row = [
            Text((arrow + key if key in METRICS else _variant(key)) + (" (overlap)" if overlap else "")),
            Text(number(found.value)),
            Text(_interval(found), style=_quiet(found)),
        ]
        if trivial:
            row += [Text(number(never.get(key))), Text(number(always.get(key)))]
        table.add_row(*row)
    return table


def _variant(key: str) -> str:
    """A metric by another rule, as a row under the metric itself: over two lines where one would be too long."""
    base, view = split_key(key)
    apart = " " if len(base) <= _SHORT else "\n    "
    return f"  {base}{apart}by the {view} rule"


def _splits_table(judged: JudgeReport) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("split", overflow="fold", max_width=16)
    table.add_column("traces", justify="right")
    table.add_column("need detection, balanced accuracy", overflow="fold")
    table.add_column("overlap F1" if judged.judge.baseline else "F1", overflow="fold")
    rows = {"total": judged.overall, **judged.splits}
    for name, section in rows.items():
        cells = [section.metrics[key] for key in ("need_detection_balanced_accuracy", "f1")]
        table.add_row(
            Text(name), Text(str(section.traces)), *(Text(f"{number(c.value)} {_interval(c)}".strip()) for c in cells)
        )
    return table


def _counts(section: SplitReport, judged: JudgeReport, report: Report) -> Iterator[str]:
    table = section.confusion
    yield (
        f"outcomes: TP {table.tp:g}, FP {table.fp:g}, TN {table.tn:g}, FN {table.fn:g}, "
        f"unscored {table.unscored:g}, not asked {table.not_asked:g}"
    )
    yield "replies: " + _listed(section.statuses) + (f" over {report.repeats} repeats" if report.repeats > 1 else "")
    if section.notes:
        yield "of these: " + _listed(section.notes)
    if report.unclean and (report.unclean.model or report.unclean.provider):
        said = (f"by the model {_listed(report.unclean.model)}", f"by the provider {_listed(report.unclean.provider)}")
        yield "unclean: " + "; ".join(words for words in said if words[-1].isdigit())
    unclean = sum(section.statuses.get(name, 0) for name in ("unparsable", "truncated", "empty", "refused"))
    f1 = section.metrics["f1"]
    if unclean and f1.value is not None and f1.bounds and f1.strict is not None:
        low, high = f1.bounds
        yield f"unclean replies count as silence: strict F1 {f1.strict:.3f}, F1 within {low:.3f}–{high:.3f}"
    if judged.causes:
        yield "unscored verdicts: " + _listed(judged.causes)
    if judged.disagreement is not None:
        yield f"panel members against their panel's verdict: {judged.disagreement:.1%} on average"
    if judged.clipped:
        yield f"verdicts on texts cut at the judge's cap: {judged.clipped}"
    if judged.judge_repeats > 1 and f1.components:
        noise = (f1.components["judge"] * judged.judge_repeats) ** 0.5
        yield f"re-judge noise: F1 moves by {noise:.4f} (standard deviation of one of {judged.judge_repeats} repeats)"
    if f1.unscored_bounds and table.unscored:
        low, high = f1.unscored_bounds
        yield f"had all been scored: F1 within {low:.3f}–{high:.3f}"
    yield from _times(section)
    effect = f", design effect of F1 {f1.design_effect:.2f}" if f1.design_effect is not None else ""
    if section.icc:
        named = ", ".join(f"{name.replace('_', ' ')} {value:.2f}" for name, value in section.icc.items())
        yield f"within-trace correlation: {named}{effect}"
    for adjusted in judged.adjusted:
        yield from _adjusted(adjusted)


def _times(section: SplitReport) -> Iterator[str]:
    if section.queueing:
        middle, most = section.queueing["p50"], section.queueing["p95"]
        yield f"latency is from the first request on; before it {middle:.3g} s of queueing (95 %: {most:.3g} s)"
    if section.timed_traces:
        yield f"times: {section.timed_traces} of {section.traces} traces usable, {section.timed_hours:.2f} h"


def _adjusted(adjusted: Adjusted) -> Iterator[str]:
    name = adjusted.method.replace("_", " ")
    if adjusted.refused:
        yield f"corrected by {name}: refused, {adjusted.refused}"
        if adjusted.method == JUDGE_ERRORS:
            yield "people's labels on a random part of this run correct any judge: score --human_labels FILE"
        return
    yield f"corrected by {name}:"
    for key, value in adjusted.metrics.items():
        if key in DECISIVE:
            yield f"  {key} {number(value.value)} {_interval(value)}".rstrip()
    for warning in adjusted.warnings:
        yield f"note: {warning}"


def number(value: float | None) -> str:
    """A metric's value as a table shows it: three decimals, a dash where there is none."""
    if value is None:
        return "–"
    return f"{value:.3f}" if abs(value) < 1000 else f"{value:,.0f}"


def _interval(found: MetricValue) -> str:
    if found.value is None:
        return found.reason or ""
    if found.interval is not None:
        return f"[{number(found.interval[0])}, {number(found.interval[1])}]"
    known = found.interval_reason in (None, "no interval is known for it")
    return "" if known else f"({found.interval_reason})"


def _quiet(found: MetricValue) -> str:
    return "" if found.interval else "dim"


def _listed(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items() if count)


class _Voice:
    """Prints foreign text as text, never as markup, at the width of the terminal or of a page."""

    def __init__(self, console: Console) -> None:
        self.console = console

    def line(self, text: str, style: str = "") -> None:
        self.console.print(Text(safe(text), style=style), highlight=False)

    def table(self, table: Table) -> None:
        if table.row_count:
            self.console.print(table, width=min(self.console.width, 100))
            self.console.print()
