"""The static site: tables, plots, a page per entry, two entries side by side."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from proactivebench.board.entry.evidence import Refusal
from proactivebench.board.site import plots
from proactivebench.board.site.citing import citing
from proactivebench.board.site.details import Details
from proactivebench.board.site.difficulty import NAMED
from proactivebench.board.site.downloads import JUDGES, carried
from proactivebench.board.site.legend import RULES
from proactivebench.board.site.pages import asset, safe_json, site_page, stylesheet
from proactivebench.board.site.pairs import PairTable
from proactivebench.board.site.published import published
from proactivebench.board.site.recomputing import Recomputed
from proactivebench.board.site.row import COLUMNS, SORTED_BY, Column, Row, columns_of, conditions_in_words, qualifier
from proactivebench.board.site.trace_pages import structure_data, task_data
from proactivebench.board.site.users import USERS_FILE, users_csv
from proactivebench.board.site.when import Line, When
from proactivebench.board.verify.judges import JudgeTable
from proactivebench.board.verify.rejudging import local_judge
from proactivebench.board.verify.sealed import SealedTask
from proactivebench.errors import ProactiveBenchError
from proactivebench.judging.errors import judge_errors
from proactivebench.records import JudgeIdentity, MeasurementStatus, MetricValue, NeedRule
from proactivebench.scoring.metric import MetricTable, Need
from proactivebench.scoring.registry import METRICS, in_table
from proactivebench.scoring.timing import FOR_WHOM, IN_ORDER, suffixes
from proactivebench.scoring.users import SMALL
from proactivebench.store import cannot_write
from proactivebench.traces import load_task, task_structure
from proactivebench.traces.index import TaskStructure

TITLE = "ProactiveBench board"


@dataclass(frozen=True, slots=True)
class Group:
    """One table with its plots. `traces` and `moments` are None for data whose structure is not shipped; `quality` says
    how the judge was measured against people, if it was; `key` is what the table is sorted by, `word` what stands
    before the figures of a judge that does not lead; `metrics` are those its rows can be sorted by, `pairs` the tests
    of any two of them."""

    rows: list[Row]
    badges: list[str]
    columns: tuple[Column, ...]
    key: str
    word: str
    traces: int | None
    moments: int | None
    quality: str
    named: tuple[plots.Named, ...]
    bars: tuple[plots.Bar, ...]
    precision_recall: plots.Plane
    alarms: plots.Plane
    metrics: list[str]
    pairs: PairTable | None = None


@dataclass(frozen=True, slots=True)
class ShownWhen:
    """A table of when to speak with its plots."""

    table: When
    badges: list[str]
    named: tuple[plots.Named, ...]
    bars: tuple[plots.Bar, ...]
    plane: plots.Plane
    metrics: list[str]
    pairs: PairTable | None = None


@dataclass(frozen=True, slots=True)
class Spoken:
    """An entry's line in the table of when to speak, the table's place on the page, and the keys of its balanced
    accuracy by each rule of need."""

    id: str
    line: Line
    keys: Mapping[NeedRule, str]


@dataclass(frozen=True, slots=True)
class JudgeLine:
    """One line of the judges' table. `quality` says how the judge was measured against people, if it was."""

    identity: JudgeIdentity
    quality: str
    rows: int


def write_site(
    groups: Sequence[list[Row]],
    entries: Sequence[Recomputed],
    refusals: Sequence[Refusal],
    output_path: Path,
    *,
    when: Sequence[When] = (),
    texts: str | None = None,
    judges: JudgeTable | None = None,
    details: Details | None = None,
    sealed: Mapping[str, SealedTask] | None = None,
) -> Path:
    """Write the site of a board into `output_path` and return its index page. `texts="none"` leaves out the texts of
    the events, which belong to the benchmark's authors; otherwise they are shown where the data is at hand. `judges`
    are those measured on the board, `details` what stands behind its tables, `sealed` the sets whose labels are nobody
    else's: of these the events are shown."""
    details = details or Details()
    with cannot_write(output_path):
        _write(output_path / "assets" / "board.css", stylesheet())
        for name in ("board.js", "tables.js", "traces.js"):
            _write(output_path / "assets" / name, asset(name))
        task_files = _write_tasks(entries, sealed or {}, output_path, with_texts=texts != "none")
        rows_of: dict[str, list[tuple[int, Row]]] = {}
        for place, rows in enumerate(groups, start=1):
            for row in rows:
                rows_of.setdefault(row.key, []).append((place, row))
        spoken = {line.key: Spoken(table.id, line, _keys(table)) for table in when for line in table.lines}
        for entry in entries:
            _write_entry(entry, rows_of.get(entry.key, []), spoken.get(entry.key), output_path, task_files)
        shown = [_group(rows, details) for rows in groups]
        index = site_page(
            "index.html.j2",
            root="",
            scripts=("board.js", "tables.js"),
            here="index.html",
            title=TITLE,
            when=[_when(table, details) for table in when],
            citing=citing(entry.digest for entry in entries),
            groups=shown,
            published=published(),
            refusals=refusals,
        )
        measured = {"table": judges or JudgeTable(), "agreements": details.agreements, "download": JUDGES}
        _write(output_path / "judges.html", _plain("judges.html", "Judges", judges=_judges(groups), **measured))
        _write(output_path / "pairs.html", _plain("pairs.html", "Which entries differ", tables=details.pairs))
        moments = {"tables": details.moments, "rules": RULES, "named": NAMED}
        _write(output_path / "moments.html", _plain("moments.html", "Moment by moment", **moments))
        _write(output_path / "submit.html", _plain("submit.html", "How to submit"))
        _write(output_path / "compare.html", _compare(entries, task_files))
        return _write(output_path / "index.html", index)


def _keys(table: When) -> dict[NeedRule, str]:
    return {rule: SORTED_BY + suffix for rule, suffix in suffixes(table.data.need_rules).items()}


def _plain(file: str, title: str, **context: Any) -> str:
    return site_page(f"{file}.j2", root="", here=file, title=title, **context)


def _write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def _write_tasks(
    entries: Sequence[Recomputed], sealed: Mapping[str, SealedTask], output_path: Path, *, with_texts: bool
) -> dict[str, str]:
    """One data file per task, by data hash."""
    files = {}
    for name, data_hash in sorted({(entry.report.task.name, entry.report.task.data_hash) for entry in entries}):
        try:
            if data_hash in sealed:
                data = (
                    task_data(sealed[data_hash].public) if with_texts else structure_data(sealed[data_hash].structure)
                )
            else:
                data = task_data(load_task(name)) if with_texts else structure_data(task_structure(name))
        except ProactiveBenchError:
            data = structure_data(task_structure(name))
        files[data_hash] = f"data/{name}.js"
        _write(output_path / files[data_hash], _script(safe_json(data)))
    return files


def _write_entry(
    entry: Recomputed,
    rows: Sequence[tuple[int, Row]],
    spoken: Spoken | None,
    output_path: Path,
    task_files: dict[str, str],
) -> None:
    folder = output_path / "entries" / entry.key
    page = site_page(
        "entry.html.j2",
        root="../../../",
        scripts=("board.js", "traces.js"),
        here="",
        title=f"{entry.declared.model} ({entry.declared.organisation})",
        key=entry.key,
        run_id=entry.key.rpartition("/")[2],
        files=entry.files,
        declared=entry.declared,
        facts=entry.facts,
        report=entry.report,
        rows=rows,
        spoken=spoken,
        badges=list(
            dict.fromkeys([*(spoken.line.badges if spoken else ()), *(b for _, row in rows for b in row.badges)])
        ),
        unchecked=entry.unchecked,
        columns=COLUMNS,
        in_time=_in_time(spoken, rows),
        for_whom=[
            (METRICS[key].title, spoken.line.metrics[key]) for key in FOR_WHOM if spoken and key in spoken.line.metrics
        ],
        users_file=USERS_FILE,
        small=SMALL,
        sure=_sure(entry, rows),
        task_file=task_files[entry.report.task.data_hash],
    )
    _write(folder / "index.html", page)
    if entry.report.users:
        _write(folder / USERS_FILE, users_csv(entry.report.users))
    moments = Path(entry.moments).read_text(encoding="utf-8")
    _write(folder / "data.js", _script(moments))


def entry_files(entry: Recomputed) -> tuple[str, ...]:
    """What the folder of an entry holds."""
    return ("index.html", "data.js", USERS_FILE) if entry.report.users else ("index.html", "data.js")


def _in_time(spoken: Spoken | None, rows: Sequence[tuple[int, Row]]) -> list[tuple[str, list[MetricValue | None]]]:
    """What an entry's page says of its help in time: titles, and figures by each rule of need; those that know no rule
    from the first of the judged rows."""
    rules = list(spoken.keys) if spoken else []
    found: list[tuple[str, list[MetricValue | None]]] = []
    for metric in in_table(MetricTable.TIME) if spoken else []:
        if spoken and metric.key in IN_ORDER:
            by_rule = [spoken.line.metrics.get(metric.key + suffix) for suffix in suffixes(rules).values()]
            found.append((metric.title, by_rule))
        elif rows and metric.judge_free:
            others = [None] * (len(rules) - 1) if Need.LABELS in metric.needs else []
            found.append((metric.title, [rows[0][1].metrics.get(metric.key), *others]))
    return found


def _sure(entry: Recomputed, rows: Sequence[tuple[int, Row]]) -> dict[str, tuple[list[tuple[str, MetricValue]], str]]:
    """What an entry's page says of stated confidence, by judge: titles and figures, and the path of risk against
    coverage where the area under it is defined. Only judges under whom any figure is."""
    found = {}
    stated = {judged.judge.id: judged.stated for judged in entry.report.judges}
    for _, row in rows:
        figures = [
            (metric, row.metrics[metric.key])
            for metric in in_table(MetricTable.CONFIDENCE)
            if metric.key in row.metrics and row.metrics[metric.key].value is not None
        ]
        whole = any(metric.of_stated is not None for metric, _ in figures)
        path = plots.surest_first(stated.get(row.judge.id, {})) if whole else ""
        if figures:
            found[row.judge.id] = [(metric.title, value) for metric, value in figures], path
    return found


def _compare(entries: Sequence[Recomputed], task_files: dict[str, str]) -> str:
    runs = [
        {
            "key": entry.key,
            "file": f"entries/{entry.key}/data.js",
            "task": task_files[entry.report.task.data_hash],
            "label": f"{entry.declared.model} ({entry.declared.organisation}), run {entry.key.rpartition('/')[2]}, "
            f"{entry.report.task.name}, {_judged_by(entry)}; {conditions_in_words(entry.report)}",
        }
        for entry in entries
    ]
    return site_page(
        "compare.html.j2",
        root="",
        scripts=("board.js", "traces.js"),
        here="compare.html",
        title="Two entries side by side",
        runs=runs,
    )


def _judged_by(entry: Recomputed) -> str:
    names = " and ".join(judged.judge.name for judged in entry.report.judges)
    return f"judge {names}" if names else "nobody judged"


def _script(data: str) -> str:
    return f"(window.proactivebench ??= []).push({data});\n"


def _group(rows: list[Row], details: Details) -> Group:
    badges = sorted({word for row in rows for word, _ in row.badges})
    named = plots.named(rows, "f1")
    judge, measurement = rows[0].judge, rows[0].measurement
    structure = _structure(rows[0].task.name)
    return Group(
        rows=rows,
        badges=["trivial", *badges] if any(row.trivial for row in rows) else badges,
        columns=columns_of(judge, measurement),
        key="f1" if measurement.status is MeasurementStatus.PAPER else SORTED_BY,
        word=qualifier(judge, measurement),
        traces=len(structure.traces) if structure else None,
        moments=structure.moments if structure else None,
        quality=_quality(judge),
        named=named,
        bars=plots.bars(named, "f1"),
        precision_recall=plots.precision_recall(rows, named),
        alarms=plots.alarms_and_needs(rows, named),
        metrics=carried(row.metrics for row in rows),
        pairs=details.pairs_of(rows[0]),
    )


def _when(table: When, details: Details) -> ShownWhen:
    named = plots.named(table.lines, SORTED_BY)
    return ShownWhen(
        table=table,
        badges=["anchor", *sorted({word for line in table.lines for word, _ in line.badges})],
        named=named,
        bars=plots.bars(named, SORTED_BY),
        plane=plots.when_to_speak(table.lines, named),
        metrics=carried(line.metrics for line in table.lines),
        pairs=details.pairs_of(table),
    )


def _structure(name: str) -> TaskStructure | None:
    try:
        return task_structure(name)
    except ProactiveBenchError:
        return None


def _judges(groups: Sequence[list[Row]]) -> list[JudgeLine]:
    identities = {row.judge.id: row.judge for group in groups for row in group}
    counts = Counter(row.judge.id for group in groups for row in group)
    return [JudgeLine(identities[judge], _quality(identities[judge]), counts[judge]) for judge in sorted(identities)]


def _quality(judge: JudgeIdentity) -> str:
    """How often the judge agrees with people, class by class, and where that was measured: by what is shipped here,
    never by what a submission says of its judge."""
    shipped = local_judge(judge)
    if shipped is None or shipped.identity.hash != judge.hash:
        return "not measured here"
    errors = judge_errors(shipped.identity)
    if errors is None:
        return "people's own votes" if all(member.people for member in judge.members) else "not measured here"
    classes = {
        "accepted offers": errors.correct_detection,
        "rejected offers": errors.false_alarm,
        "right silences": errors.correct_rejection,
        "missed needs": errors.missed_need,
    }
    shares = [f"{count.correct}/{count.items} {name}" for name, count in classes.items() if count and count.items]
    leak = "; it may have seen them" if errors.leaked else ""
    return f"agrees with people on {', '.join(shares)} ({errors.population}{leak})"
