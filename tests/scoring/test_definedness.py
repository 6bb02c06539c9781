"""Whether a metric is defined is decided once: every surface shows a value exactly where the report does."""

import itertools
import json

import numpy as np
import pytest

from proactivebench import api
from proactivebench.board.site.ranking import rank_ranges
from proactivebench.cli import main
from proactivebench.errors import UsageError
from proactivebench.lm_eval_plugin.columns import CHANCE, cell, columns
from proactivebench.records import GateRule, Report, TraceTable, Usage
from proactivebench.scoring import build_report
from proactivebench.scoring.alignment import align
from proactivebench.scoring.comparison import compare
from proactivebench.scoring.counting import zeros
from proactivebench.scoring.definedness import NOT_COUNTED, why_undefined
from proactivebench.scoring.efficiency import Prices
from proactivebench.scoring.gate import gate
from proactivebench.scoring.offers import Column
from proactivebench.scoring.registry import METRICS, split_key
from tests.scoring.runs import by_trace, make_judge, make_manifest, make_run, make_task

ROWS = by_trace(*[(5, 3, 3, 1 + g % 2) for g in range(6)])
WORSE = by_trace(*[(4 - g % 2, 4 + g % 2, 3, 1 + g % 2) for g in range(6)])
SHAPES = {
    "nobody": {"silence": None, "proposals": None},
    "offers": {"silence": None},
    "silences": {"proposals": None},
    "both": {},
    "labels and offers": {"silence": "labels"},
    "labels alone": {"silence": "labels", "proposals": None},
}
USAGE = {"no usage": (False, None), "usage": (True, None), "prices": (True, Prices(prompt=1, completion=3))}


def scored(rows, shape, *, labels: bool, usage: str) -> Report:
    judge, (used, prices) = make_judge(**SHAPES[shape]), USAGE[usage]
    task = make_task(
        {name: len(row) for name, row in rows.items()},
        needs={name: [letter in "Ar" for letter in row] for name, row in ROWS.items()} if labels else None,
    )
    replies, verdicts = make_run(task, rows)
    if used:
        spent = {"usage": Usage(prompt_tokens=100, completion_tokens=10), "latency_s": 1.0}
        replies = [reply.model_copy(update=spent) for reply in replies]
    asked = {-1: judge.silence, 0: judge.proposals}
    given = [verdict for verdict in verdicts if asked[verdict.candidate] is not None]
    return build_report(task, make_manifest(task, judge), replies, {judge.id: given}, prices=prices)


CASES = list(itertools.product(SHAPES, (False, True), USAGE))
NAMES = [f"{shape}, {'labels' if labels else 'no labels'}, {usage}" for shape, labels, usage in CASES]
COMPARED = [key for key, metric in METRICS.items() if metric.measure is not None]


@pytest.fixture(scope="module", params=CASES, ids=NAMES)
def pair(request):
    shape, labels, usage = request.param
    return [scored(rows, shape, labels=labels, usage=usage) for rows in (ROWS, WORSE)]


def test_every_surface_shows_a_value_exactly_where_the_report_does(pair):
    read = [Report.model_validate_json(report.model_dump_json()) for report in pair]
    for reports, (key, found) in itertools.product((pair, read), pair[0].judges[0].overall.metrics.items()):
        metric = METRICS[split_key(key)[0]]
        if metric.measure is None:
            continue
        runs = align(reports, key)
        result = compare(reports, key)
        (both,) = result.pairs
        stands = {standing.name: standing for standing in result.standings}["scripted"]
        assert runs.reasons[0] == (found.reason if found.value is None else None), key
        if found.value is None:
            assert (stands.value, stands.interval, stands.rank, stands.reason) == (None, None, None, found.reason), key
            assert (both.difference, both.p, both.stderr, both.detectable, both.mcnemar_p) == (None,) * 5, key
            assert found.reason in both.reason
            with pytest.raises(UsageError, match="choose another metric"):
                gate(*reports, f"{key}=0.1")
        else:
            assert stands.value == pytest.approx(found.value), key
            if metric.better:
                assert gate(*reports, f"{key}=0.1", rule=GateRule.POINT).metrics[0].baseline_value == found.value


def test_ranks_columns_and_api_agree_with_the_report(pair):
    judged = pair[0].judges[0]
    known = judged.overall.metrics["f1"].value is not None
    assert [rank is not None for rank, _ in rank_ranges(pair, judged.judge.id, "f1")] == [known] * 2
    for column, key, _ in columns(()):
        there = judged.overall.metrics.get(key)
        stands = judged.overall.chance.get(key) if column.startswith(CHANCE) else there.value if there else None
        assert cell(judged, column, key, None).value == stands
    assert (api.compare(*pair, metric="f1").standings[0].value is not None) == known
    assert (judged.overall.anchors["always"].get("f1") is None) or known


def test_no_formula_gets_the_counts_of_what_is_undefined(pair):
    for key in COMPARED:
        runs = align(pair, key)
        for run, reason in enumerate(runs.reasons):
            assert np.isnan(runs.counts[run]).all() == (reason is not None)


def test_pictures_draw_what_the_report_has(pair):
    pytest.importorskip("matplotlib")
    from proactivebench.cli.drawings import draw_intervals, draw_utility

    metrics = pair[0].judges[0].overall.metrics
    (axes,) = draw_utility(align(pair, "proposal_rate"), 0.5).axes
    drawn = [line for line in axes.get_lines() if line.get_label() == "scripted"]
    assert len(drawn) == (metrics["utility_1_0.5"].value is not None)
    for key in ("f1", "cost_per_accepted", "need_recall"):
        (axes,) = draw_intervals(align(pair, key)).axes
        said = [text.get_text() for text in axes.texts]
        assert (metrics[key].reason in said) == (metrics[key].value is None)


def test_power_plans_with_no_spread_of_an_undefined_metric(tmp_path, capsys):
    for name, rows in (("a", ROWS), ("b", WORSE)):
        report = scored(rows, "offers", labels=False, usage="no usage")
        (tmp_path / f"{name}.json").write_text(report.model_dump_json())
    for key, why in (
        ("f1", "no silence verdicts"),
        ("cost_per_accepted", "no usage"),
        ("need_recall", "no need labels"),
    ):
        with pytest.raises(SystemExit) as end:
            main(["power", str(tmp_path / "a.json"), str(tmp_path / "b.json"), "--metric", key])
        assert end.value.code == 2
        assert why in capsys.readouterr().err
        with pytest.raises(SystemExit):
            main(["compare", str(tmp_path / "a.json"), str(tmp_path / "b.json"), "--metric", key, "--json"])
        assert json.loads(capsys.readouterr().out)["pairs"][0]["p"] is None


def test_a_metric_that_no_report_has_in_a_view_is_not_compared_there():
    reports = [scored(ROWS, "both", labels=True, usage="prices")] * 2
    with pytest.raises(UsageError, match="choose cost_per_accepted"):
        compare(reports, "cost_per_accepted_majority")


def test_one_run_with_usage_and_one_without_are_not_compared_on_cost():
    reports = [scored(ROWS, "both", labels=False, usage=usage) for usage in ("prices", "no usage")]
    result = compare(reports, "cost_per_accepted")
    assert [standing.reason for standing in result.standings if standing.value is None] == ["no usage"]
    assert result.pairs[0].difference is None


def test_a_column_that_an_older_table_lacks_is_undefined_and_the_others_are_read_by_name():
    new = scored(ROWS, "both", labels=True, usage="prices")
    table = new.judges[0].tables[""]
    kept = [name for name in reversed(table.columns) if name != "streak"]
    rows = {t: tuple(row[table.columns.index(name)] for name in kept) for t, row in table.rows.items()}
    older = TraceTable(columns=(*kept, "counted_by_nobody"), rows={t: (*row, 7.0) for t, row in rows.items()})
    judged = new.judges[0].model_copy(update={"tables": {"": older}})
    old = new.model_copy(update={"judges": (judged,)})
    assert compare([old, new]).pairs[0].reason == "identical in every trace"
    result = compare([new, old], "longest_streak_mean")
    assert [standing.reason for standing in result.standings if standing.value is None] == [NOT_COUNTED]


def test_a_metric_without_labels_is_undefined_for_want_of_them_and_not_for_want_of_moments():
    counts = zeros()
    counts[[Column.MOMENTS, Column.UNLABELLED]] = 5
    assert why_undefined(METRICS["need_detection_recall"], counts, {}) == "no need labels"
