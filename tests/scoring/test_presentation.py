"""How a metric is shown is data of the metric: every surface reads it, and agrees with the report."""

import ast
import io
import re
from pathlib import Path

import pytest
from rich.console import Console

import proactivebench
from proactivebench.board.site.headline import Named, boards
from proactivebench.cli.drawings import draw_intervals, save
from proactivebench.cli.tables import print_report
from proactivebench.lm_eval_plugin.columns import CHANCE, cell, columns
from proactivebench.scoring.alignment import align
from proactivebench.scoring.comparison import compare
from proactivebench.scoring.metric import MetricTable
from proactivebench.scoring.registry import METRICS, in_columns, in_table, metric_for, planes, with_rules
from tests.scoring.runs import JUDGE, LABELS, by_trace, make_judge, report_on

ROWS = {name: row + "x" for name, row in by_trace(*[(8, 2, 6, 2 + g % 2) for g in range(12)]).items()}
OTHER = {name: row.replace("AA", "RR", 1) for name, row in ROWS.items()}
NEEDS = {name: [letter in "Ar" for letter in row] for name, row in ROWS.items()}
BASELINE = make_judge(silence=None).model_copy(update={"baseline": True})
SHAPES = {
    "measured": {"needs": NEEDS, "judge": LABELS},
    "unmeasured": {"needs": NEEDS, "judge": JUDGE, "measured": False},
    "baseline, silences not asked": {"needs": NEEDS, "judge": BASELINE},
    "nobody labelled": {"judge": JUDGE},
}


@pytest.fixture(scope="module", params=SHAPES)
def pair(request):
    shape = SHAPES[request.param]
    return [report_on(ROWS, name="one", **shape), report_on(OTHER, name="two", **shape)]


def shown(report):
    console = Console(file=io.StringIO(), width=100)
    print_report(report, console)
    return console.file.getvalue()


def test_every_metric_stands_in_a_table_and_those_with_a_value_are_shown(pair):
    section, text = pair[0].judges[0].overall, shown(pair[0])
    assert {metric.table for metric in METRICS.values()} == set(MetricTable)
    for metric in METRICS.values():
        value = section.metrics[metric.key].value
        if value is None:
            continue
        if metric.cell is None:
            assert re.search(rf"(?m)^[↑↓ ] {metric.key}( \(\w+\))? +{re.escape(metric.shown(value))}( |$)", text), (
                metric.key
            )
        else:
            row = next(line for line in text.splitlines() if line.startswith(metric.cell[0] + "  "))
            assert metric.shown(value) in row, metric.key


def test_no_surface_names_a_metric_in_its_code():
    """But for the preset of the paper, whose figures and order are the paper's, and figures of judges."""
    root = Path(proactivebench.__file__).parent
    apart = {"registry.py", "in_time.py", "for_whom.py", "judges_text.py", "every_eval_ever.py"}
    files = [file for part in ("cli", "lm_eval_plugin", "exports", "scoring") for file in (root / part).rglob("*.py")]
    files += [
        root / "api.py",
        root / "anchors.py",
        root / "board" / "site" / "headline.py",
        root / "board" / "site" / "viewer.py",
    ]
    keys = set(METRICS) | {f"{key}_majority" for key in METRICS}
    found = [
        f"{file.relative_to(root)}:{node.lineno} {node.value}"
        for file in files
        if file.name not in apart
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value in keys
    ]
    assert not found


def test_every_surface_has_the_values_of_the_report_and_the_same_reasons(pair, tmp_path):
    judged = pair[0].judges[0]
    found = judged.overall.metrics
    page = {
        (board.title.partition(":")[0], head.says): line.cells[place]
        for board in boards([Named("one", pair[0])])
        for line in board.lines
        for place, head in enumerate(board.heads)
    }
    for column, key, _ in columns(()):
        if not column.startswith(CHANCE):
            assert cell(judged, column, key, None) == found.get(key, cell(judged, column, key, None))
    for metric in METRICS.values():
        value, title = found[metric.key], f"{metric.title} ({metric.key})"
        on_page = [one for (_, says), one in page.items() if says == title]
        assert all(one.text == metric.shown(value.value) for one in on_page), metric.key
        if metric.table in (MetricTable.WHEN, MetricTable.JUDGED) or (
            metric.table is MetricTable.TIME and metric.judge_free
        ):
            assert on_page or value.value is None, metric.key
        if metric.measure is None:
            continue
        told = compare(pair, metric.key)
        standing = next(standing for standing in told.standings if standing.name == "one")
        assert (standing.value is None) == (value.value is None), metric.key
        if value.value is None:
            assert standing.reason == value.reason
        else:
            assert standing.value == pytest.approx(value.value), metric.key
        assert told.title == metric.title
    picture = save(draw_intervals(align(pair, "precision")), tmp_path / "precision.svg").read_text(encoding="utf-8")
    assert "precision" in picture


def test_people_come_first_and_judged_figures_by_what_the_verdicts_are_worth(pair):
    judged, text = pair[0].judges[0], shown(pair[0])
    people, what = text.find("when to speak"), text.index("what was offered: judge")
    others = text.index("how it behaves, whoever judges")
    assert people < what
    assert (what < others) == judged.measurement.leads
    order = [metric.key for metric in in_table(MetricTable.WHEN, MetricTable.OFFERED)]
    places = [text.find(f" {key} ") for key in order]
    assert [place for place in places if place >= 0] == sorted(place for place in places if place >= 0)
    titles = [board.title for board in boards([Named("one", pair[0])])]
    judge, time = f"What was offered: judge {judged.judge.id}", "Help in time"
    after = (judge, time) if judged.measurement.leads else (time, judge)
    assert titles == ["When to speak: people's labels of need", *after]
    listed = [key for _, key, _ in columns(()) if key not in ("unanimous", "majority")]
    assert listed == with_rules(in_columns())
    assert listed[: len(with_rules(in_table(MetricTable.WHEN)))] == with_rules(in_table(MetricTable.WHEN))


def test_judges_that_lead_stand_before_those_that_do_not():
    measured, not_yet = (report_on(ROWS, needs=NEEDS, judge=JUDGE, measured=known) for known in (True, False))
    other = not_yet.judges[0].judge.model_copy(update={"id": "late-00000000", "name": "late"})
    late = not_yet.judges[0].model_copy(update={"judge": other})
    report = measured.model_copy(update={"judges": (late, measured.judges[0])})
    text = shown(report)
    assert text.index(f"judge {JUDGE.id}") < text.index("how it behaves") < text.index("judge late-00000000")
    assert "precision (unmeasured)" in text
    titles = [board.title for board in boards([Named("one", report)])]
    assert titles[1:] == [
        f"What was offered: judge {JUDGE.id}",
        "Help in time",
        "What was offered: judge late-00000000",
    ]


def test_a_judge_that_does_not_lead_is_followed_by_the_command_that_measures_it(pair):
    judged = pair[0].judges[0]
    pages = " ".join(note for board in boards([Named("one", pair[0], "runs/one")]) for note in board.notes)
    for text in (shown(pair[0]), pages):
        flat = " ".join(text.split())
        assert ("--measure_judge" in flat) == (not judged.measurement.leads)
        assert "offers: 0 of" in flat


def test_the_two_false_alarms_bear_their_names(pair):
    text = shown(pair[0])
    assert "false alarm (paper): share of offers rejected" in text
    assert "false alarm (classical): share of wrong moments with an offer" in text


def test_pictures_of_two_metrics_are_those_the_metrics_name():
    assert [(plane.across.key, plane.up.key) for plane in planes()] == [
        ("needless_offer_rate", "need_detection_recall"),
        ("recall", "precision"),
    ]


def test_views_of_a_metric_are_named_in_words():
    assert metric_for("f1_majority").title == "F1, by the majority rule"
