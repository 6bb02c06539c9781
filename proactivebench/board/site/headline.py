"""A few reports on one page: when each spoke, by people's labels, then what each judge says of the offers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from proactivebench.anchors import BY_DEFINITION, Anchor
from proactivebench.board.entry.form import TRIVIAL
from proactivebench.judging.measurement import worth
from proactivebench.records import Adjusted, JudgeReport, MetricValue, Report, SplitReport
from proactivebench.records.reports import deciders
from proactivebench.scoring.chance import over_family
from proactivebench.scoring.metric import Columns, Metric, MetricTable
from proactivebench.scoring.parting import parting_lines
from proactivebench.scoring.registry import (
    BY_JUDGE,
    BY_PEOPLE,
    SHARE,
    in_table,
    metric_for,
    split_key,
    with_rules,
)
from proactivebench.scoring.signflip import p_value

NOBODY = "nobody labelled where help was needed: when an agent spoke is not judged by people here"


@dataclass(frozen=True, slots=True)
class Head:
    """A column: its title, what it says, and which end is better (`up`, `down`, or neither)."""

    title: str
    says: str
    better: str


@dataclass(frozen=True, slots=True)
class Cell:
    """A figure for reading, what stands below it (its interval, or why there is none), and what it sorts by."""

    text: str
    below: str = ""
    sort: float | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """A row: who, whether it is an anchor, and its figures in the order of the columns."""

    name: str
    trivial: bool
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Board:
    """A table with its heading and what must be known before it is believed."""

    title: str
    notes: tuple[str, ...]
    heads: tuple[Head, ...]
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Named:
    """A report under the name a page has for it, and the folder of its run, which commands name."""

    name: str
    report: Report
    run: str = "RUN"


def boards(reports: Sequence[Named], anchors: Sequence[Anchor] = ()) -> list[Board]:
    """The tables of some reports on the same data: people's labels first, then judges that lead, others last."""
    whole = [(one, one.report.judges[0]) for one in reports if one.report.judges]
    judges = list(dict.fromkeys(judged.judge.id for one in reports for judged in one.report.judges))
    judged = [[(one, found) for one in reports for found in one.report.judges if found.judge.id == j] for j in judges]
    ordered = sorted(judged, key=lambda pairs: not all(found.measurement.leads for _, found in pairs))
    labelled = [(one, found, people) for pairs in ordered for one, found in pairs if (people := found.people)]
    first = [_by_labels(labelled)] if labelled else []
    if not whole:
        return []
    leading = [_by_judge(pairs) for pairs in ordered if all(found.measurement.leads for _, found in pairs)]
    others = [_by_judge(pairs) for pairs in ordered[len(leading) :]]
    return [
        *first,
        _by_people(whole, anchors),
        *leading,
        *_in_time(whole, anchors),
        *_for_whom(whole, anchors),
        *others,
    ]


def _by_labels(runs: Sequence[tuple[Named, JudgeReport, Adjusted]]) -> Board:
    """What people said of the runs' own answers, each figure with the judge's behind it, and where the two part."""
    judged_by = [metric for metric in in_table(MetricTable.JUDGED) if metric.columns is Columns.SPLITS]
    metrics = [metric for metric in judged_by if any(metric.key in people.metrics for _, _, people in runs)]
    strata = dict.fromkeys(side.stratum for _, _, people in runs for side in people.strata if side.labelled)
    heads, lines, notes = [], [], []
    for metric in metrics:
        own = _head(metric.key)
        heads += [
            Head(f"{own.title}, people", f"{own.says}, from people's labels", own.better),
            Head(f"{own.title}, judge", f"{own.says}, by the judge's verdicts alone", own.better),
        ]
    for stratum in strata:
        heads += [
            Head(f"labelled {stratum}", "how many people labelled of those there are", ""),
            Head(f"{stratum}: people accept", f"share of the labelled {stratum} that most people accept", ""),
            Head(f"{stratum}: judge accepts", f"share of the labelled {stratum} that the judge accepts", ""),
            Head(f"{stratum}: they agree", "share on which people and the judge agree", ""),
        ]
    for one, judged, people in runs:
        cells: list[Cell] = []
        for metric in metrics:
            cells += [_cell(found.get(metric.key), metric) for found in (people.metrics, judged.overall.metrics)]
        sides = {side.stratum: side for side in people.strata}
        for stratum in strata:
            side = sides.get(stratum)
            shares = (side.people, side.judge, side.agreement) if side else (None,) * 3
            count = Cell(f"{side.labelled} of {side.items}", sort=side.labelled) if side else Cell("–")
            cells += [count, *(_cell(share, SHARE) for share in shares)]
        name = f"{one.name}, judge {judged.judge.name}"
        lines.append((people.metrics.get(BY_JUDGE.key), Line(name, trivial=False, cells=tuple(cells))))
        notes.append(f"{name}: {people.labelled_by}")
        notes += [f"{name}: no figures from people's labels: {people.refused}"] if people.refused else []
        notes += [f"{name}: {said}" for said in (*people.warnings, *parting_lines(people))]
    return Board("What people said of the answers", tuple(notes), tuple(heads), _sorted(lines))


def _by_people(runs: Sequence[tuple[Named, JudgeReport]], anchors: Sequence[Anchor]) -> Board:
    sections = [judged.overall for _, judged in runs]
    labelled = any(_value(section, BY_PEOPLE.key) is not None for section in sections)
    metrics = in_table(MetricTable.WHEN, MetricTable.OFFERED) if labelled else in_table(MetricTable.OFFERED)
    keys = with_rules(metrics, runs[0][1].beside)
    rules = list(dict.fromkeys(rule for section in sections for rule in section.chance))
    chances = over_family([section.chance for section in sections])
    lines = [
        (
            section.metrics.get(BY_PEOPLE.key),
            Line(
                one.name,
                one.report.agent.model in TRIVIAL,
                (*_cells(section.metrics, keys), *(_chance(chance.get(rule)) for rule in rules)),
            ),
        )
        for (one, _), section, chance in zip(runs, sections, chances, strict=True)
    ]
    lines += [
        (
            anchor.metrics.get(BY_PEOPLE.key),
            Line(anchor.name, trivial=True, cells=(*_cells(anchor.metrics, keys), *(Cell("–") for _ in rules))),
        )
        for anchor in anchors
    ]
    heads = [
        Head(f"chance p, {rule}", f"as many offers placed at random, Holm over these {len(runs)} runs", "down")
        for rule in rules
    ]
    note = "these labels say where help was needed, and nothing about what was offered" if labelled else NOBODY
    return Board("When to speak: people's labels of need", (note,), (*map(_head, keys), *heads), _sorted(lines))


def _in_time(runs: Sequence[tuple[Named, JudgeReport]], anchors: Sequence[Anchor]) -> Iterator[Board]:
    """How episodes of need are met and what comes at boundaries of activity, whoever judges; nothing where no run has a
    figure of it."""
    note = "an episode is a run of moments of need; a boundary is a change of application, site or file, or a long gap"
    yield from _whoever_judges("Help in time", note, MetricTable.TIME, runs, anchors)


def _for_whom(runs: Sequence[tuple[Named, JudgeReport]], anchors: Sequence[Anchor]) -> Iterator[Board]:
    """How users told apart are met, with the people themselves against each other; nothing where no votes are kept
    apart."""
    note = "against what each user needed themselves; one human is there against each of the others"
    for board in _whoever_judges("For whom", note, MetricTable.USERS, runs, anchors):
        known = {one.name: _served(one.report) for one, _ in runs}
        heads = (
            Head("users", "how many users have moments of both kinds", ""),
            Head("least", "balanced accuracy for the user it meets least well", ""),
            Head("best", "balanced accuracy for the user it meets best", ""),
        )
        lines = tuple(
            replace(line, cells=(*line.cells, *known.get(line.name, (Cell("–"),) * 3))) for line in board.lines
        )
        yield replace(board, heads=(*board.heads, *heads), lines=lines)


def _served(report: Report) -> tuple[Cell, ...]:
    found = [user for user in report.users if user.balanced_accuracy is not None]
    if not found:
        return (Cell("0", sort=0), Cell("–"), Cell("–"))
    ordered = sorted(found, key=lambda user: user.balanced_accuracy or 0)
    ends = (
        Cell(f"{user.balanced_accuracy:.3f}", user.user, user.balanced_accuracy) for user in (ordered[0], ordered[-1])
    )
    return (Cell(str(len(found)), sort=len(found)), *ends)


def _whoever_judges(
    title: str,
    note: str,
    table: MetricTable,
    runs: Sequence[tuple[Named, JudgeReport]],
    anchors: Sequence[Anchor],
) -> Iterator[Board]:
    """The metrics of a table that no judge has a part in; nothing where no run has a figure of it."""
    sections = [judged.overall for _, judged in runs]
    free = [metric for metric in in_table(table) if metric.judge_free]
    known = [metric for metric in free if any(_value(section, metric.key) is not None for section in sections)]
    if not known:
        return
    keys = with_rules(known, runs[0][1].beside)
    shown = [
        (one.name, one.report.agent.model in TRIVIAL, section.metrics)
        for (one, _), section in zip(runs, sections, strict=True)
    ]
    shown += [(anchor.name, True, anchor.metrics) for anchor in anchors if known[0].key in anchor.metrics]
    lines = [
        (metrics.get(known[0].key), Line(name, trivial, _cells(metrics, keys))) for name, trivial, metrics in shown
    ]
    yield Board(title, (note,), tuple(map(_head, keys)), _sorted(lines))


def _by_judge(runs: Sequence[tuple[Named, JudgeReport]]) -> Board:
    (first, judged), *_ = runs
    found = [one for _, one in runs]
    metrics = [
        metric
        for metric in in_table(MetricTable.JUDGED)
        if any(_value(one.overall, metric.key) is not None for one in found)
    ]
    keys = with_rules(metrics, judged.beside)
    lines = [
        (
            one.overall.metrics.get(BY_JUDGE.key),
            Line(named.name, named.report.agent.model in TRIVIAL, _cells(one.overall.metrics, keys)),
        )
        for named, one in runs
    ]
    notes = (deciders(found), *worth(judged, first.run))
    return Board(f"What was offered: judge {judged.judge.id}", notes, tuple(map(_head, keys)), _sorted(lines))


def _sorted(lines: Sequence[tuple[MetricValue | None, Line]]) -> tuple[Line, ...]:
    """Best first; what is undefined last."""

    def place(line: tuple[MetricValue | None, Line]) -> tuple[float, str]:
        found = line[0].value if line[0] else None
        return (1.0 if found is None else -found, line[1].name)

    return tuple(line for _, line in sorted(lines, key=place))


def _head(key: str) -> Head:
    base, view = split_key(key)
    metric = metric_for(base)
    name = metric.short or metric.title
    return Head(f"{name}, {view}" if view else name, f"{metric_for(key).title} ({key})", metric.better)


def _cells(metrics: dict[str, MetricValue], keys: Sequence[str]) -> tuple[Cell, ...]:
    return tuple(_cell(metrics.get(key), metric_for(key)) for key in keys)


def _cell(found: MetricValue | None, metric: Metric) -> Cell:
    if found is None or found.value is None:
        return Cell("–", (found.reason or "") if found else "")
    below = "" if found.interval_reason in (None, BY_DEFINITION) else found.interval_reason
    if found.interval:
        below = f"[{found.interval[0]:.2f}, {found.interval[1]:.2f}]"
    return Cell(metric.shown(found.value), below, found.value)


def _chance(p: float | None) -> Cell:
    return Cell("–") if p is None else Cell(p_value(p), sort=p)


def _value(section: SplitReport, key: str) -> float | None:
    found = section.metrics.get(key)
    return found.value if found else None


def groups(reports: Sequence[Named]) -> Iterator[list[Named]]:
    """Reports that may stand in one table: the same data and protocol."""
    found: dict[tuple[str, str], list[Named]] = {}
    for one in reports:
        found.setdefault((one.report.task.data_hash, one.report.protocol.hash), []).append(one)
    yield from found.values()
