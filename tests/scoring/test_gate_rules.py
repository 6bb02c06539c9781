"""What a gate tests, what it says of its own power, and several metrics at once."""

import json
import re
from itertools import product

import junitparser
import numpy as np
import pytest
from scipy import stats

from proactivebench.cli.verdicts import junit, lines, markdown, workflow_notes
from proactivebench.errors import UsageError
from proactivebench.records import GateRule
from proactivebench.scoring.gate import gate
from proactivebench.scoring.power import detectable_drop, unchanged_passes
from tests.scoring.runs import by_trace, report_on

TRACES = 12
NEEDS = {f"t{g}": [True] * 10 + [False] * 10 for g in range(TRACES)}
SIGNIFICANT, POINT, NONINFERIOR = GateRule.SIGNIFICANT, GateRule.POINT, GateRule.NONINFERIOR


def run_of(hits, alarms, needs=NEEDS):
    """A run with so many offers at need (accepted) and so many where none is needed (rejected), trace by trace."""
    rows = {
        name: "A" * hits[g] + "r" * (10 - hits[g]) + "R" * alarms[g] + "a" * (10 - alarms[g])
        for g, name in enumerate(needs)
    }
    return report_on(rows, needs=needs)


def spread(least, most, traces=TRACES):
    return [least + (most - least) * (g % 2) for g in range(traces)]


BEFORE = run_of(spread(7, 9), spread(2, 4))
LOUDER = run_of(spread(7, 9), [7, 10] * 6)


def found_in(result, metric):
    return next(found for found in result.metrics if found.metric == metric)


def test_the_test_asks_whether_the_drop_is_more_than_allowed():
    after = run_of([7, 7, 8, 6, 5, 8, 7, 8, 6, 7, 8, 6], spread(2, 4))
    found = gate(BEFORE, after, "need_detection_recall=0.08").metrics[0]
    # the metric is a mean over traces of equal size: a trace's share in the change is its own difference
    apart = np.array([7, 7, 8, 6, 5, 8, 7, 8, 6, 7, 8, 6]) / 10 - np.array(spread(7, 9)) / 10
    shifted = apart + 0.08
    sums = [sum(s * v for s, v in zip(signs, shifted, strict=True)) for signs in product((1, -1), repeat=TRACES)]
    assert found.difference == pytest.approx(apart.mean())
    assert found.p == pytest.approx(np.mean(np.array(sums) <= shifted.sum() + 1e-9))


def test_a_drop_just_beyond_what_is_allowed_is_no_regression_by_itself():
    after = run_of([6, 8] * 6, spread(2, 4))  # a tenth less in every trace
    assert gate(BEFORE, after, "need_detection_recall=0.1").passed
    assert not gate(BEFORE, after, "need_detection_recall=0.09", rule=POINT).passed
    noisy = run_of([7, 7, 5, 9, 6, 8, 5, 9, 7, 7, 6, 8], spread(2, 4))
    assert gate(BEFORE, noisy, "need_detection_recall=0.09").passed
    assert not gate(BEFORE, noisy, "need_detection_recall=0.09", rule=POINT).passed


@pytest.mark.parametrize(("metrics", "share"), [(1, 0.05), (2, 0.025), (5, 0.01)])
def test_the_detectable_drop_is_that_of_the_rule_in_force(metrics, share):
    t, stderr = stats.t(TRACES - 1), 0.047
    expected = (t.ppf(1 - share) + t.ppf(0.8)) * stderr + 0.05
    assert detectable_drop(SIGNIFICANT, 0.05, stderr, TRACES, metrics) == pytest.approx(expected)
    assert detectable_drop(POINT, 0.05, stderr, TRACES) == pytest.approx(0.05 + t.ppf(0.8) * stderr)
    assert detectable_drop(NONINFERIOR, 0.05, stderr, TRACES) == pytest.approx(
        max(0, 0.05 - (t.ppf(0.95) - t.ppf(0.8)) * stderr)
    )
    assert detectable_drop(NONINFERIOR, 0.05, 0.2, TRACES) == 0


def test_the_chance_of_an_unchanged_candidate_is_that_of_the_rule():
    assert unchanged_passes(NONINFERIOR, 0.05, 0.047, TRACES) == pytest.approx(0.24, abs=0.02)  # .77 fail
    assert 0.8 < unchanged_passes(POINT, 0.05, 0.047, TRACES) < 0.9
    assert unchanged_passes(SIGNIFICANT, 0.05, 0.047, TRACES) > 0.97
    assert unchanged_passes(NONINFERIOR, 0.0, 0.0, TRACES) == 1


def test_several_metrics_are_all_held_and_each_has_its_verdict():
    result = gate(BEFORE, LOUDER, ["need_detection_recall", "needless_offer_rate=0.1", "f1=20%"])
    assert not result.passed
    assert [found.metric for found in result.metrics] == ["need_detection_recall", "needless_offer_rate", "f1"]
    assert [found.passed for found in result.metrics][:2] == [True, False]
    assert found_in(result, "f1").max_drop == pytest.approx(0.2 * found_in(result, "f1").baseline_value)
    assert "needless_offer_rate rose by 0.5500, it may rise by 0.1" in result.why
    assert "need_detection_recall" not in result.why


def test_what_a_falling_metric_does_is_said_in_words_that_fit_its_better_end():
    assert "needless_offer_rate fell by 0.5500, it may rise by 0.05" in gate(LOUDER, BEFORE, "needless_offer_rate").why
    assert "needless_offer_rate rose by" in gate(BEFORE, LOUDER, "needless_offer_rate").why
    assert "need_detection_recall did not change" in gate(BEFORE, LOUDER, "need_detection_recall").why


def test_p_values_of_several_metrics_are_adjusted_by_holm():
    result = gate(BEFORE, LOUDER, ["needless_offer_rate", "need_detection_recall", "need_detection_precision"])
    found = {each.metric: each for each in result.metrics}
    ordered = sorted(found.values(), key=lambda each: each.p)
    adjusted = np.maximum.accumulate([min(1, (3 - place) * each.p) for place, each in enumerate(ordered)])
    assert [each.p_adjusted for each in ordered] == pytest.approx(list(adjusted))


@pytest.mark.parametrize(("traces", "metrics", "refused"), [(4, 1, True), (5, 1, False), (5, 2, True), (6, 3, False)])
def test_where_significant_could_fail_nothing_it_is_refused_by_name(traces, metrics, refused):
    needs = {f"t{g}": NEEDS["t0"] for g in range(traces)}
    before = run_of(spread(7, 9, traces), spread(2, 4, traces), needs)
    keys = ["needless_offer_rate", "need_detection_recall", "f1"][:metrics]
    if not refused:
        assert gate(before, before, keys).passed
        return
    with pytest.raises(UsageError, match=rf"{traces} traces and {metrics} metrics?.*--rule point"):
        gate(before, before, keys)
    assert gate(before, before, keys, rule=POINT).passed


def test_a_metric_without_an_interval_is_held_by_point_whatever_the_rule():
    after = BEFORE.model_copy(deep=True)
    for report, seconds in ((BEFORE, 2.0), (after, 3.0)):
        overall = report.judges[0].overall
        overall.metrics["latency_p50"] = overall.metrics["latency_p50"].model_copy(update={"value": seconds})
    for rule in GateRule:
        result = gate(BEFORE, after, ["f1", "latency_p50=10%"], rule=rule)
        found = found_in(result, "latency_p50")
        assert (found.rule, found.passed, found.p, found.max_drop) == (POINT, False, None, pytest.approx(0.2))
        assert found_in(result, "f1").rule is rule
        assert gate(BEFORE, after, "latency_p50=1.5", rule=rule).passed


def test_a_metric_that_became_undefined_is_a_regression_among_others():
    silent = report_on(dict.fromkeys(NEEDS, "a" * 20), needs=NEEDS)
    for rule in GateRule:
        result = gate(BEFORE, silent, ["need_detection_precision", "clean_rate"], rule=rule)
        assert [found.passed for found in result.metrics] == [False, True]
        assert "need_detection_precision became undefined" in result.why


@pytest.mark.parametrize(
    ("metrics", "max_drop", "says"),
    [
        (["mcc"], None, r"not on a scale from 0 to 1.*--metric mcc=10%"),
        (["latency_p95"], 0.05, "not on a scale from 0 to 1"),
        (["f1", "f1=0.1"], None, "names f1 twice"),
        (["f_1"], None, "did you mean f1.*needless_offer_rate"),
        (["f1=much"], None, "--metric f1 says 'much'"),
        (["f1=-0.1"], None, "negative"),
        (["f1=nan"], None, "no drop"),
        (["f1=inf"], None, "no drop"),
        (["f1=1e999"], None, "no drop"),
        (["f1="], None, "no drop"),
        (["f1"], "5 percent", "--max_drop says"),
        (["proposal_rate"], None, "no better end"),
        ([], None, "at least one metric"),
    ],
)
def test_what_cannot_be_held_is_refused_in_one_line(metrics, max_drop, says):
    with pytest.raises(UsageError, match=says) as refused:
        gate(BEFORE, BEFORE, metrics, max_drop=max_drop)
    assert "\n" not in str(refused.value)


def test_every_form_of_the_verdict_has_every_metric():
    result = gate(BEFORE, LOUDER, ["need_detection_recall", "needless_offer_rate=10%", "f1=0.01"])
    suite = next(iter(junitparser.JUnitXml.fromstring(junit(result).encode())))
    failed = [found.metric for found in result.metrics if not found.passed]
    assert (suite.tests, suite.failures, suite.errors) == (3, len(failed), 0)
    assert [case.name.split()[0] for case in suite] == [found.metric for found in result.metrics]
    rows = [line for line in markdown(result).splitlines() if line.startswith("| ")]
    assert len(rows) == 1 + 3
    assert len({row.count("|") for row in rows}) == 1
    assert len(workflow_notes(result)) == len(failed)
    text = "\n".join(lines(result))
    for found in result.metrics:
        assert f"{found.metric}: baseline" in text
    assert text.count("an unchanged candidate passes with") == sum(bool(found.stderr) for found in result.metrics) > 0
    assert json.loads(result.model_dump_json())["metrics"][1]["relative"] == 0.1


def test_p_and_chances_are_never_rounded_to_nothing_or_certainty():
    text = "\n".join(lines(gate(BEFORE, LOUDER, "needless_offer_rate")))
    assert "< .001" in text
    assert not re.search(r"p[^;]*\b0\.0000?\b", text)
    assert "100 %" not in text


def test_where_nothing_differs_the_gate_claims_no_power():
    found = gate(BEFORE, BEFORE, "f1").metrics[0]
    assert found.passed
    assert (found.detectable, found.unchanged_passes, found.not_excluded) == (None, None, None)
    assert any("not known" in warning for warning in found.warnings)


def test_a_baseline_judge_is_said_for_what_it_is():
    judge = BEFORE.judges[0].judge.model_copy(update={"baseline": True})
    worth = {"judge": judge, "measurement": judge.unmeasured}
    both = [
        report.model_copy(update={"judges": (report.judges[0].model_copy(update=worth),)})
        for report in (BEFORE, LOUDER)
    ]
    assert any("f1 says how it sees both runs" in warning for warning in gate(*both, "f1").warnings)
    assert not gate(*both, "needless_offer_rate").warnings


def test_runs_of_one_kind_only_are_gated():
    with pytest.raises(UsageError, match="gate runs of one kind") as refused:
        gate(BEFORE, report_on(by_trace((1, 1, 1, 1))))
    assert "--anyway" not in str(refused.value)
