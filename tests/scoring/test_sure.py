"""Risk against coverage: the surest offers first, ties together, resampled by trace like every other metric."""

from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from proactivebench.errors import NotComparable
from proactivebench.records import GateRule, Report, Session
from proactivebench.scoring import build_report
from proactivebench.scoring.comparison import compare
from proactivebench.scoring.gate import gate
from proactivebench.scoring.intervals import jackknife_variance
from proactivebench.scoring.stated import NOT_STATED, SOME_NOT_STATED, TOO_FEW, RiskCoverage, curve, tabulate_stated
from tests.board.calling import call
from tests.scoring.runs import by_trace, make_judge, make_manifest, make_run, make_task

KEY = "risk_coverage_area"
OFFERS = [(0.9, 1), (0.9, 0), (0.7, 1), (0.4, 0), (0.1, 0)]  # what was stated, and 1 where accepted
ROWS = by_trace(*[(4, 4, 2, 1) for _ in range(8)])


def counts_of(offers):
    rows = tuple((c, float(a), 1.0 - a) for c, a in offers)
    return tabulate_stated([{"t": rows}], ["t"])[0, 0]


def by_the_words_of_the_page(offers):
    """METRICS.md section 2, offer by offer."""
    offers = sorted(offers, reverse=True)
    ends = [i for i in range(1, len(offers) + 1) if i == len(offers) or offers[i][0] != offers[i - 1][0]]
    points = [(i / len(offers), sum(1 - a for _, a in offers[:i]) / i) for i in ends]
    points.insert(0, (0.0, points[0][1]))
    return sum((x1 - x0) * (y0 + y1) / 2 for (x0, y0), (x1, y1) in pairwise(points))


def stated_report(sure, name="agent", rows=ROWS, repeats=1):
    """A run whose offers state what `sure(letter, trace, turn)` says, nothing where that is None."""
    each = {key: (row,) if isinstance(row, str) else row for key, row in rows.items()}
    task, judge = make_task({key: len(row[0]) for key, row in each.items()}), make_judge()
    replies, verdicts = make_run(task, each)
    for place, reply in enumerate(replies):
        said = sure(each[reply.trace_id][reply.repeat][reply.turn], int(reply.trace_id[1:]), reply.turn)
        replies[place] = reply.model_copy(update={"confidence": said})
    manifest = make_manifest(task, judge)
    sessions = (Session(started="2026-01-01T00:00:00Z", versions={}, repeats=repeats),)
    agent = manifest.agent.model_copy(update={"name": name})
    manifest = manifest.model_copy(update={"sessions": sessions, "agent": agent})
    return build_report(task, manifest, replies, {judge.id: verdicts})


def said_by(sure, *, but=None):
    """What was stated of each offer of `ROWS`, one trace left out, and 1 where it was accepted."""
    letters = [(letter, int(name[1:]), turn) for name, row in ROWS.items() if name != but
               for turn, letter in enumerate(row) if letter in "AR"]  # fmt: skip
    return [(sure(*at), int(at[0] == "A")) for at in letters]


def calibrated(letter, trace, turn):
    """Surer of what is accepted, but not of everything and not alike in all traces."""
    return 0.2 + 0.6 * (letter == "A") + 0.03 * ((trace + turn) % 5) - 0.5 * (turn == trace % 8) * (letter == "A")


def overconfident(_, trace, turn):
    return 0.95 + 0.01 * ((3 * trace + turn) % 4)


@pytest.fixture(scope="module")
def pair():
    return [stated_report(sure, name) for sure, name in ((calibrated, "calibrated"), (overconfident, "overconfident"))]


def value(report, key=KEY):
    return report.judges[0].overall.metrics[key]


def test_the_area_is_that_of_the_page_with_ties_taken_together():
    coverage, risk = curve(counts_of(OFFERS))
    assert coverage.tolist() == pytest.approx([0, 0.4, 0.6, 0.8, 1])
    assert risk.tolist() == pytest.approx([1 / 2, 1 / 2, 1 / 3, 1 / 2, 3 / 5])
    assert RiskCoverage()(counts_of(OFFERS)) == pytest.approx(by_the_words_of_the_page(OFFERS))
    random = np.random.default_rng(5)
    for _ in range(50):
        offers = list(zip(random.integers(0, 6, 30) / 5, random.integers(0, 2, 30).tolist(), strict=True))
        assert RiskCoverage()(counts_of(offers)) == pytest.approx(by_the_words_of_the_page(offers))


def test_whoever_states_one_number_throughout_has_the_share_rejected_as_area():
    assert RiskCoverage()(counts_of([(0.8, a) for _, a in OFFERS])) == pytest.approx(3 / 5)
    assert np.isnan(RiskCoverage()(np.zeros(4)))
    assert curve(np.zeros(4))[0].size == 0


def test_a_report_has_the_area_with_an_interval_over_traces(pair):
    report, found = pair[0], value(pair[0])
    assert found.value == pytest.approx(by_the_words_of_the_page(said_by(calibrated)))
    left_out = [by_the_words_of_the_page(said_by(calibrated, but=gone)) for gone in ROWS]
    assert found.stderr == pytest.approx(jackknife_variance(np.array(left_out)) ** 0.5)
    assert found.interval[0] < found.value < found.interval[1]
    assert Report.model_validate_json(report.model_dump_json()).judges[0].stated == report.judges[0].stated


def test_it_is_undefined_for_few_offers_and_where_one_states_nothing():
    few = {"t0": "AAAARRRRR"}
    assert value(stated_report(calibrated, rows=few)).reason == TOO_FEW
    assert value(stated_report(calibrated, rows={"t0": "AAAARRRRRR"})).value is not None
    assert value(stated_report(lambda *at: None if at[-1] == 3 else 0.5)).reason == SOME_NOT_STATED
    assert value(stated_report(lambda *_: None)).reason == NOT_STATED
    assert '"stated":' not in stated_report(lambda *_: None).model_dump_json()


def test_repeats_weigh_their_share():
    once = stated_report(calibrated)
    twice = stated_report(calibrated, rows={name: (row, row) for name, row in ROWS.items()}, repeats=2)
    assert value(twice).value == pytest.approx(value(once).value)
    assert sum(row[1] for rows in twice.judges[0].stated.values() for row in rows) == pytest.approx(32)


def test_two_runs_are_tested_by_it_and_a_gate_fails_on_it(pair):
    read = [Report.model_validate_json(report.model_dump_json()) for report in pair]
    result = compare(read, KEY)
    assert [standing.name for standing in result.standings] == ["calibrated", "overconfident"]
    (both,) = result.pairs
    assert both.difference == pytest.approx(value(pair[0]).value - value(pair[1]).value)
    assert both.p < 0.05
    assert both.interval[1] < 0
    assert result.standings[0].interval == pytest.approx(value(pair[0]).interval)
    assert not gate(*read, KEY).passed
    assert gate(*read[::-1], KEY).passed
    assert gate(*read, f"{KEY}=0.9", rule=GateRule.POINT).passed


def test_confidence_tells_the_calibrated_from_the_overconfident_and_no_other_metric_does(pair):
    stated = {KEY, "confidence_brier", "confidence_ece"}
    first, second = (report.judges[0].overall.metrics for report in pair)
    differ = {key for key in first if first[key].value != second[key].value}
    assert differ == stated
    assert all(first[key].value < second[key].value for key in stated)


def test_an_older_report_without_what_was_stated_says_so(pair):
    old = [report.model_copy(update={"judges": tuple(j.model_copy(update={"stated": {}}) for j in report.judges)})
           for report in pair]  # fmt: skip
    (both,) = compare(old, KEY).pairs
    assert "not counted in this report" in both.reason


def test_the_curve_is_drawn_where_agents_state_how_sure_they_are(pair, tmp_path):
    pytest.importorskip("matplotlib")
    runs = [tmp_path / f"{number}.json" for number in range(3)]
    for path, report in zip(runs, [*pair, stated_report(lambda *_: None, "silent about it")], strict=True):
        path.write_text(report.model_dump_json(), encoding="utf-8")
    done = call("plot", *runs, "--output_path", tmp_path / "plots", "--metric", KEY)
    assert done.code == 0, done.err
    drawn = (tmp_path / "plots" / "risk_coverage.svg").read_text(encoding="utf-8")
    ElementTree.fromstring(drawn)  # noqa: S314  # written just now
    assert f"calibrated (area {value(pair[0]).value:.3f})" in drawn
    assert f"silent about it: {NOT_STATED}" in drawn
    call("plot", runs[2], "--output_path", tmp_path / "others")
    assert not (tmp_path / "others" / "risk_coverage.svg").exists()


def test_no_interval_is_given_where_it_would_not_cover(pair):
    few = stated_report(calibrated, rows=by_trace(*[(6, 2, 2, 1) for _ in range(8)]))
    assert value(few).interval is None
    assert value(few).interval_reason == "too few rejected offers"
    assert value(pair[0]).interval is not None


def test_the_table_of_the_page_is_what_the_scripted_agents_get(pair):
    page = (Path(__file__).parents[2] / "docs" / "when-whom-how-sure.md").read_text(encoding="utf-8")
    rows = page.partition("| | calibrated | overconfident |")[2].partition("\n\n")[0].splitlines()[2:]
    told = [[cell.strip(" `*") for cell in row.strip("|").split("|")] for row in rows]
    assert {key for key, *_ in told} > {KEY, "confidence_brier", "confidence_ece"}
    for key, *shown in told:
        assert shown == [f"{value(report, key).value:.2f}" for report in pair], key


def test_runs_of_an_older_card_are_readable_and_told_apart_from_new_ones(pair):
    older = pair[0].model_copy(
        update={"protocol": pair[0].protocol.model_copy(update={"version": "0", "hash": "of an older card"})}
    )
    with pytest.raises(NotComparable, match="standard 0, standard 1"):
        compare([older, pair[1]], KEY)
    assert compare([older, older], KEY).standings[0].value == value(pair[0]).value
