"""A report as tables: first what people said, then what a judge adds, then what to know before believing it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from proactivebench.anchors import Anchor
from proactivebench.cli.labelled_answers import by_people_table, parting_table
from proactivebench.cli.paper import paper_lines
from proactivebench.cli.terminal import copyable, safe
from proactivebench.cli.users import users_lines
from proactivebench.judging.measurement import worth
from proactivebench.presets import PAPER
from proactivebench.records import (
    Adjusted,
    JudgeReport,
    MeasurementStatus,
    MetricValue,
    NeedRule,
    PopulationBand,
    Report,
    SplitReport,
)
from proactivebench.scoring.correction import METHOD as JUDGE_ERRORS
from proactivebench.scoring.metric import Metric, MetricTable, Need
from proactivebench.scoring.parting import parting_lines
from proactivebench.scoring.population import ACCEPTANCE
from proactivebench.scoring.registry import BY_JUDGE, BY_PEOPLE, in_table, metric_for, split_key, with_rules
from proactivebench.scoring.signflip import p_equals

_SHORT = 16  # letters of a key beside which the rule fits on its line
_ARROWS = {"up": "↑ ", "down": "↓ ", "": "  "}
_HEADLINE = (MetricTable.WHEN, MetricTable.OFFERED)
_MORE = tuple(table for table in MetricTable if table not in (*_HEADLINE, MetricTable.JUDGED))
_OTHERS = tuple(table for table in _MORE if table not in (MetricTable.TIME, MetricTable.USERS))
# What stands behind a figure whose judge does not lead, so that nobody takes it for what people would say.
_QUALIFIED = {MeasurementStatus.BASELINE: "overlap", MeasurementStatus.UNMEASURED: "unmeasured"}
GRID = "utility of a moment by the costs of a false alarm (λ) and of a miss; λ*: break-even with never, with always"


def print_report(report: Report, console: Console, run: Path | None = None, anchors: Sequence[Anchor] = ()) -> None:
    """Print `report`: what went wrong, when the agent spoke by people's labels, what judges say of its offers (a judge
    that leads directly after people, others last), with the trivial agents, the splits, the counts and the warnings.
    `run` is where it lies: commands that are said name it. `anchors` stand beside the run."""
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
    for judged in report.judges:
        _print_labelled(judged, say)
    if report.preset == PAPER.name:
        for line in paper_lines(report):
            say.line(line)
    if report.judges:
        _print_people(report.judges[0], say, report.agent.name, anchors)
    leading = [judged for judged in report.judges if judged.measurement.leads]
    for judged in leading:
        _print_judge(judged, report, say, run)
    if report.judges:
        _print_time(report.judges[0], say)
        _print_users(report, say, anchors, run)
        _print_agent(report.judges[0].overall, report, say)
    for judged in report.judges:
        if not judged.measurement.leads:
            _print_judge(judged, report, say, run)


def _print_labelled(judged: JudgeReport, say: _Voice) -> None:
    """What people said of the run's own answers, with the judge's figures beside, and where they part."""
    people = judged.people
    if people is None:
        return
    say.gap()
    say.line(f"what people said of this run's answers, beside judge {judged.judge.id}", "bold")
    say.line(people.labelled_by)
    for warning in people.warnings:
        say.line(f"note: {warning}", "yellow")
    if people.refused:
        say.line(f"no figures from people's labels: {people.refused}", "yellow")
    say.table(by_people_table(judged, people))
    say.table(parting_table(people))
    for line in parting_lines(people):
        say.line(line)


def _print_people(judged: JudgeReport, say: _Voice, name: str, anchors: Sequence[Anchor]) -> None:
    """When the agent spoke, by people's labels of need: the same under every judge. With the rows it stands between."""
    section = judged.overall
    say.gap()
    labelled = any(_value(section, metric.key) is not None for metric in in_table(MetricTable.WHEN))
    if labelled:
        asked = " by what they said when asked" if judged.rule is NeedRule.ASKED else ""
        say.line(f"when to speak: people's labels of need{asked} (they say nothing about what was offered)", "bold")
    else:
        say.line("nobody labelled where help was needed: when it spoke is not judged by people here")
    tables = _HEADLINE if labelled else (MetricTable.OFFERED,)
    say.table(_metrics_table(section, with_rules(in_table(*tables), judged.beside), trivial=True))
    if section.chance:
        named = ", ".join(f"{p_equals(p)} by the {rule} rule" for rule, p in section.chance.items())
        say.line(f"against as many offers placed at random within each trace: {named}")
    if labelled and anchors:
        say.gap()
        say.table(_anchor_table(name, judged, anchors))


def _anchor_table(name: str, judged: JudgeReport, anchors: Sequence[Anchor]) -> Table:
    """The run between what trivial agents and people themselves come to; rows of equal figures together."""
    keys = with_rules(in_table(MetricTable.WHEN), judged.beside)
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("beside it, best first", ratio=1, overflow="fold")
    for key in keys:
        base, view = split_key(key)
        table.add_column(view or metric_for(base).short, justify="right")
    rows = [(judged.overall.metrics, f"{safe(name)} (this run)", "bold")]
    together: dict[tuple[float | None, ...], list[Anchor]] = {}
    for anchor in anchors:
        together.setdefault(tuple(_figure(anchor.metrics, key) for key in keys), []).append(anchor)
    rows += [(alike[0].metrics, ", ".join(anchor.name for anchor in alike), "") for alike in together.values()]
    for metrics, names, style in sorted(rows, key=lambda row: -(_figure(row[0], BY_PEOPLE.key) or 0)):
        cells = (metric_for(key).shown(_figure(metrics, key)) for key in keys)
        table.add_row(Text(names, style), *(Text(cell, style) for cell in cells))
    return table


def _figure(metrics: Mapping[str, MetricValue], key: str) -> float | None:
    found = metrics.get(key)
    return found.value if found else None


def _print_time(judged: JudgeReport, say: _Voice) -> None:
    """How episodes of need are met, and what comes at boundaries of activity: no judge has a part in it."""
    free = [metric for metric in in_table(MetricTable.TIME) if metric.judge_free]
    known = [metric for metric in free if _value(judged.overall, metric.key) is not None]
    labelled = any(Need.LABELS in metric.needs for metric in known)
    if known:
        by = "people's labels of need and the " if labelled else ""
        say.gap()
        say.line(f"{MetricTable.TIME}, by {by}boundaries of activity", "bold")
        say.table(_metrics_table(judged.overall, with_rules(free, judged.beside), trivial=labelled))


def _print_users(report: Report, say: _Voice, anchors: Sequence[Anchor], run: Path | None) -> None:
    """How the agent meets users told apart, and how well another person would; nothing where no votes are."""
    if not report.users:
        return
    metrics = [metric for metric in in_table(MetricTable.USERS) if metric.judge_free]
    say.gap()
    say.line(f"{MetricTable.USERS}, by each user's own votes", "bold")
    say.table(_metrics_table(report.judges[0].overall, [metric.key for metric in metrics], trivial=True))
    people = [
        (anchor, metric) for anchor in anchors if anchor.people for metric in metrics if metric.key in anchor.metrics
    ]
    for anchor, metric in people:
        found = anchor.metrics[metric.key]
        say.line(f"{anchor.name} against another: {metric.shown(found.value)} {_interval(found, metric)}".rstrip())
    first, *_ = users_lines(report.users)
    say.line(f"{first}. One by one: show {run or 'RUN'} --users")


def _print_agent(section: SplitReport, report: Report, say: _Voice) -> None:
    """What else is known of the agent that no judge of its offers has a part in."""
    free = [metric for metric in in_table(*_OTHERS) if metric.judge_free]
    say.gap()
    say.line("how it behaves, whoever judges", "bold")
    say.table(_metrics_table(section, [metric.key for metric in free], trivial=False))
    for line in _replies(section, report):
        say.line(line)


def _print_judge(judged: JudgeReport, report: Report, say: _Voice, run: Path | None) -> None:
    say.gap()
    say.line(f"what was offered: judge {judged.judge.id}", "bold")
    say.line(judged.deciders)
    for line in worth(judged, str(run) if run else "RUN"):
        say.line(line, "yellow")
    why = report.invalid(judged)
    if why:
        say.line(f"INVALID: {why}", style="bold red")
    for warning in judged.warnings:
        say.line(f"note: {warning}", style="yellow")
    whole, qualified = judged.overall, _QUALIFIED.get(judged.measurement.status, "")
    shown = in_table(MetricTable.JUDGED)
    needed = [metric for metric in shown if _value(whole, metric.key) is not None or metric.columns]
    say.table(_metrics_table(whole, with_rules(needed, judged.beside), trivial=True, qualified=qualified))
    for metric in shown:
        if metric.explained:
            say.line(f"{metric.key} = {metric.title}", "dim")
    more = [metric for metric in in_table(*_MORE) if not metric.judge_free]
    say.table(_metrics_table(whole, [metric.key for metric in more if metric.cell is None], trivial=False))
    say.grid(whole, [metric for metric in more if metric.cell is not None])
    if len(judged.splits) > 1:
        say.table(_splits_table(judged, qualified))
    for line in _counts(whole, judged):
        say.line(line)
    if judged.population is not None:
        _print_population(judged.population, say, qualified)


def _print_population(band: PopulationBand, say: _Voice, qualified: str) -> None:
    """The run for people of different readiness to accept, or why that is not known."""
    if band.refused:
        say.line(f"for harsh and lenient users: not known, {band.refused}")
        return
    say.gap()
    say.line(f"for users of other readiness to accept: thirds of {band.people}", "bold")
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("expected", ratio=1, overflow="fold")
    for third in band.acceptance:
        table.add_column(third, justify="right")
    for name, figures in ((ACCEPTANCE, band.acceptance), (BY_JUDGE.title, band.f1)):
        if figures:
            table.add_row(
                name + (f" ({qualified})" if qualified else ""), *(f"{value:.3f}" for value in figures.values())
            )
    say.table(table)
    fixed = "silences stand as decided"
    if band.by_people:
        fixed = f"{band.by_people:g} of {band.offers:g} offers were decided by people's votes: these and {fixed}"
    say.line(fixed, "dim")


def _value(section: SplitReport, key: str) -> float | None:
    return _figure(section.metrics, key)


def _metrics_table(section: SplitReport, keys: Iterable[str], *, trivial: bool, qualified: str = "") -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("", ratio=1, overflow="fold")
    table.add_column("value", justify="right", no_wrap=True)
    table.add_column("95 % interval", overflow="fold", max_width=18 if trivial else 32)
    if trivial:
        table.add_column("never", justify="right", no_wrap=True)
        table.add_column("always", justify="right", no_wrap=True)
    never, always = section.anchors.get("never", {}), section.anchors.get("always", {})
    for key in keys:
        found, metric = section.metrics.get(key), metric_for(key)
        if found is None or (found.value is None and not trivial):
            continue
        own = _ARROWS[metric.better] + key + (f" ({qualified})" if qualified else "")
        row = [
            Text(_variant(key) if split_key(key)[1] else own),
            Text(metric.shown(found.value)),
            Text(_interval(found, metric), style=_quiet(found)),
        ]
        if trivial:
            row += [Text(metric.shown(never.get(key))), Text(metric.shown(always.get(key)))]
        table.add_row(*row)
    return table


def _variant(key: str) -> str:
    """A metric by another rule, as a row under the metric itself: over two lines where one would be too long."""
    base, view = split_key(key)
    apart = " " if len(base) <= _SHORT else "\n    "
    return f"  {base}{apart}by the {view} rule"


def _splits_table(judged: JudgeReport, qualified: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("split", overflow="fold", max_width=16)
    table.add_column("traces", justify="right")
    table.add_column(BY_PEOPLE.title, overflow="fold")
    table.add_column(f"{qualified} {BY_JUDGE.title}".strip(), overflow="fold")
    rows = {"total": judged.overall, **judged.splits}
    for name, section in rows.items():
        cells = [(section.metrics[metric.key], metric) for metric in (BY_PEOPLE, BY_JUDGE)]
        table.add_row(
            Text(name),
            Text(str(section.traces)),
            *(Text(f"{metric.shown(found.value)} {_interval(found, metric)}".strip()) for found, metric in cells),
        )
    return table


def _replies(section: SplitReport, report: Report) -> Iterator[str]:
    yield "replies: " + _listed(section.statuses) + (f" over {report.repeats} repeats" if report.repeats > 1 else "")
    if section.notes:
        yield "of these: " + _listed(section.notes)
    if report.unclean and (report.unclean.model or report.unclean.provider):
        said = (f"by the model {_listed(report.unclean.model)}", f"by the provider {_listed(report.unclean.provider)}")
        yield "unclean: " + "; ".join(words for words in said if words[-1].isdigit())
    yield from _times(section)


def _counts(section: SplitReport, judged: JudgeReport) -> Iterator[str]:
    table, lead = section.confusion, section.metrics[BY_JUDGE.key]
    yield (
        f"outcomes: TP {table.tp:g}, FP {table.fp:g}, TN {table.tn:g}, FN {table.fn:g}, "
        f"unscored {table.unscored:g}, not asked {table.not_asked:g}"
    )
    unclean = sum(section.statuses.get(name, 0) for name in ("unparsable", "truncated", "empty", "refused"))
    if unclean and lead.value is not None and lead.bounds and lead.strict is not None:
        low, high = lead.bounds
        yield (
            f"unclean replies count as silence: strict {BY_JUDGE.title} {lead.strict:.3f}, {BY_JUDGE.title} within "
            f"{low:.3f}–{high:.3f}"
        )
    if judged.causes:
        yield "unscored verdicts: " + _listed(judged.causes)
    if judged.disagreement is not None:
        yield f"panel members against their panel's verdict: {judged.disagreement:.1%} on average"
    if judged.clipped:
        yield f"verdicts on texts cut at the judge's cap: {judged.clipped}"
    if judged.judge_repeats > 1 and lead.components:
        noise = (lead.components["judge"] * judged.judge_repeats) ** 0.5
        yield (
            f"re-judge noise: {BY_JUDGE.title} moves by {noise:.4f} (standard deviation of one of "
            f"{judged.judge_repeats} repeats)"
        )
    if lead.unscored_bounds and table.unscored:
        low, high = lead.unscored_bounds
        yield f"had all been scored: {BY_JUDGE.title} within {low:.3f}–{high:.3f}"
    effect = f", design effect of {BY_JUDGE.title} {lead.design_effect:.2f}" if lead.design_effect is not None else ""
    if section.icc:
        named = ", ".join(f"{name.replace('_', ' ')} {value:.2f}" for name, value in section.icc.items())
        yield f"within-trace correlation: {named}{effect}"
    for adjusted in judged.adjusted:
        if adjusted is not judged.people:
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
    shown = {metric.key: metric for metric in in_table(MetricTable.WHEN, MetricTable.JUDGED)}
    for key, value in adjusted.metrics.items():
        if key in shown:
            yield f"  {key} {shown[key].shown(value.value)} {_interval(value, shown[key])}".rstrip()
    for warning in adjusted.warnings:
        yield f"note: {warning}"


def _interval(found: MetricValue, metric: Metric) -> str:
    if found.value is None:
        return found.reason or ""
    if found.interval is not None:
        return f"[{metric.shown(found.interval[0])}, {metric.shown(found.interval[1])}]"
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
        self._open = False  # whether the last line printed says something

    def gap(self) -> None:
        """An empty line, unless there is one."""
        if self._open:
            self.console.print()
        self._open = False

    def line(self, text: str, style: str = "") -> None:
        self._open = True
        command = copyable(safe(text), self.console.width)
        shown = Text(command or safe(text), style=style)
        self.console.print(shown, highlight=False, soft_wrap=command is not None)

    def table(self, table: Table) -> None:
        if table.row_count:
            self._open = True
            self.console.print(table, width=min(self.console.width, 100))
            self.gap()

    def grid(self, section: SplitReport, metrics: Sequence[Metric]) -> None:
        """Metrics with a cell of their own, as rows and columns; nothing where none is defined."""
        cells = {metric.cell: metric.shown(_value(section, metric.key)) for metric in metrics if metric.cell}
        if all(_value(section, metric.key) is None for metric in metrics):
            return
        across = list(dict.fromkeys(column for _, column in cells))
        table = Table(box=None, pad_edge=False, header_style="bold")
        table.add_column("", overflow="fold")
        for column in across:
            table.add_column(column, justify="right")
        for row in dict.fromkeys(row for row, _ in cells):
            table.add_row(Text(row), *(Text(cells.get((row, column), "")) for column in across))
        self.line(GRID, "dim")
        self.table(table)
