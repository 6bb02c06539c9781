"""The worked examples of docs/metrics.md, as written there."""

import pytest

from proactivebench.scoring import build_report
from tests.scoring.runs import JUDGE, by_trace, letters, make_manifest, make_run, make_task, report_on

FOUR = ((2, 1, 2, 0), (1, 2, 1, 1), (2, 1, 1, 1), (1, 1, 2, 1))


def metrics(report):
    return report.judges[0].overall.metrics


def test_one_table_gives_every_judged_metric():
    found = metrics(report_on({"t": letters(95, 67, 50, 15)}))
    expected = {
        "precision": 0.5864, "recall": 0.8636, "f1": 0.6985, "accuracy": 0.6388, "false_discovery_rate": 0.4136,
        "false_alarm_rate": 0.5726, "specificity": 0.4274, "balanced_accuracy": 0.6455, "mcc": 0.3217,
    }  # fmt: skip
    assert {key: round(found[key].value, 4) for key in expected} == expected


def test_unscored_moments_leave_f1_alone_and_open_bounds():
    report = report_on({"t": letters(95, 67, 50, 15) + "UUUu"})
    f1 = metrics(report)["f1"]
    assert f1.value == pytest.approx(190 / 272)
    assert f1.unscored_bounds == pytest.approx((190 / 276, 196 / 278))
    assert report.judges[0].unscored_share == pytest.approx(4 / 231)
    assert report.judges[0].valid


def test_four_traces_give_the_intervals_of_the_page():
    found = metrics(report_on(by_trace(*FOUR)))
    assert found["precision"].value == found["specificity"].value == pytest.approx(6 / 11)
    assert found["recall"].value == pytest.approx(6 / 9)
    assert found["recall"].interval is None
    assert found["recall"].interval_reason == "too few needs"
    assert found["f1"].value == pytest.approx(12 / 20)
    assert found["f1"].interval == pytest.approx((0.318, 0.829), abs=5e-4)
    assert found["balanced_accuracy"].value == pytest.approx(0.606, abs=5e-4)
    assert found["mcc"].value == pytest.approx(21 / 99)
    assert found["mcc"].interval_reason == "too few silences" or found["mcc"].interval_reason.startswith("too few")


def test_unclean_replies_have_strict_values_and_bounds():
    rows = by_trace(*FOUR)
    rows["t0"] = rows["t0"].replace("a", "x", 1)
    rows["t1"] = rows["t1"].replace("r", "y", 1)
    f1 = metrics(report_on(rows))["f1"]
    assert f1.value == pytest.approx(12 / 20)
    assert f1.strict == pytest.approx(12 / 21)
    assert f1.bounds == pytest.approx((12 / 21, 16 / 23))


def test_need_detection_counts_offers_against_need():
    rows = by_trace(*FOUR)
    left = {"offer": 5, "silence": 3}
    needs = {}
    for name, row in rows.items():
        needs[name] = []
        for letter in row:
            kind = "offer" if letter in "AR" else "silence"
            needs[name].append(left[kind] > 0)
            left[kind] -= 1
    found = metrics(report_on(rows, needs=needs))
    assert found["need_detection_precision"].value == pytest.approx(5 / 11)
    assert found["need_detection_recall"].value == pytest.approx(5 / 8)
    assert found["need_detection_specificity"].value == pytest.approx(6 / 12)
    assert found["need_detection_balanced_accuracy"].value == pytest.approx(0.5625)
    assert found["need_detection_mcc"].value == pytest.approx(0.123, abs=5e-4)


def test_recall_of_one_gets_a_wilson_interval_at_the_effective_size():
    rows = {f"t{index}": "A" * (10 if index < 3 else 9) for index in range(12)}
    assert sum(map(len, rows.values())) == 111
    recall = metrics(report_on(rows))["recall"]
    assert recall.value == 1
    assert recall.interval == pytest.approx((1 / (1 + 4.844 / 78.6), 1), abs=2e-4)
    assert recall.interval[0] == pytest.approx(0.942, abs=5e-4)


def test_repeats_pool_counts_with_equal_weight():
    report = report_on({"t": ["AAr", "ARr"]}, repeats=2)
    assert report.judges[0].overall.confusion.tp == pytest.approx(1.5)
    assert metrics(report)["precision"].value == pytest.approx(3 / 4)


def test_a_run_with_errors_is_incomplete_and_leaves_them_out():
    report = report_on({"t": "AR!."})
    assert not report.complete
    assert (report.moments_expected, report.moments_answered) == (4, 2)
    assert metrics(report)["proposal_rate"].value == 1
    assert report.judges[0].overall.statuses["error"] == 1
    assert report.judges[0].overall.statuses["missing"] == 1


def test_a_verdict_on_another_answer_is_stale():
    task = make_task({"t": 2})
    replies, verdicts = make_run(task, {"t": "AA"})
    verdicts[1] = verdicts[1].model_copy(update={"question": "0123456789abcdef"})
    report = build_report(task, make_manifest(task), replies, {JUDGE.id: verdicts})
    judged = report.judges[0]
    assert judged.overall.confusion.unscored == 1
    assert judged.causes == {"no verdict": 1}
    assert not judged.valid
    assert any("other answers" in warning for warning in judged.warnings)


def test_what_is_unscored_is_said_of_verdicts_or_of_moments_whichever_is_more():
    """Labels cannot fail, but they may have nothing to say: no verdict was asked and failed, and none is there."""
    from proactivebench.records import Confusion, JudgeIdentity, JudgeReport, SplitReport

    def judged(unscored: float, share: float) -> str:
        confusion = Confusion(tp=0, fp=0, tn=0, fn=0, unscored=unscored)
        overall = SplitReport(traces=1, moments=10, answered=10, confusion=confusion, metrics={}, statuses={})
        judge = JudgeIdentity(id="j-0", name="j", hash="0")
        return JudgeReport(judge=judge, valid=False, unscored_share=share, overall=overall, splits={}).unscored

    assert judged(10, 0.0) == "100.0% of the moments have no verdict"
    assert judged(1, 0.25) == "25.0% of the verdicts are unscored"
