"""Judge errors and people's labels: docs/metrics.md, "Judge error"."""

import json

import numpy as np
import pytest

from proactivebench.errors import DataError
from proactivebench.records import ErrorCount, HumanLabel, JudgeErrors
from proactivebench.scoring import build_report
from proactivebench.scoring.correction import Stratum, correct_strata, judged_metrics
from proactivebench.scoring.counting import zeros
from proactivebench.scoring.human_labels import load_human_labels
from proactivebench.scoring.prediction_powered import prediction_powered_mean
from tests.scoring.runs import JUDGE, LABELS, by_trace, make_judge, make_manifest, make_run, make_task

PUBLISHED = {
    "correct_detection": ErrorCount(correct=30, items=30),
    "false_alarm": ErrorCount(correct=30, items=30),
    "correct_rejection": ErrorCount(correct=26, items=30),
    "missed_need": ErrorCount(correct=24, items=30),
}
ROWS = by_trace(*[(8, 5, 4, 1 + g % 2) for g in range(12)])


def errors(judge=JUDGE, **changes):
    stated = {"population": "this agent's answers", "same_population": True, **PUBLISHED, **changes}
    return JudgeErrors(judge_hash=judge.hash, **stated)


def scored(rows=ROWS, judge=JUDGE, needs=None, **options):
    task = make_task({name: len(row) for name, row in rows.items()}, needs=needs)
    replies, verdicts = make_run(task, rows)
    return build_report(task, make_manifest(task, judge), replies, {judge.id: verdicts}, **options).judges[0]


def worked(design_effect):
    widened = (1.96 / 2.201) ** 2  # 12 traces
    size = [number / design_effect * widened for number in (162, 65, 227)]
    return correct_strata(
        (Stratum(95, 162, size[0], PUBLISHED["correct_detection"], PUBLISHED["false_alarm"]),),
        (Stratum(50, 65, size[1], PUBLISHED["correct_rejection"], PUBLISHED["missed_need"]),),
        size[2],
        metrics=judged_metrics(zeros() + 1, {}),
        draws=40_000,
    )


def test_the_worked_correction_of_the_page():
    found = worked(1.9)
    assert found.details["tn"] == pytest.approx(55.5, abs=0.05)
    assert found.details["fn"] == pytest.approx(9.5, abs=0.05)
    tp, fp, fn = (found.details[name] for name in ("tp", "fp", "fn"))
    assert tp == pytest.approx(95)
    assert tp / (tp + fn) == pytest.approx(0.909, abs=5e-4)
    assert 2 * tp / (2 * tp + fp + fn) == pytest.approx(190 / 266.5, abs=5e-4)
    assert found.metrics["f1"].value == pytest.approx(0.71, abs=0.01)
    assert found.metrics["f1"].interval == pytest.approx((0.59, 0.81), abs=0.015)
    assert found.metrics["recall"].value == pytest.approx(0.90, abs=0.01)
    assert found.metrics["recall"].interval == pytest.approx((0.74, 0.99), abs=0.015)


def test_a_correction_is_made_only_where_it_is_asked_for():
    assert scored().adjusted == ()
    (adjusted,) = scored(judge_errors={JUDGE.id: errors()}).adjusted
    assert adjusted.refused is None
    assert adjusted.metrics["precision"].interval[0] < adjusted.metrics["precision"].value
    (without,) = scored(judge_errors={}).adjusted
    assert "never measured" in without.refused


def test_what_is_undefined_for_a_run_no_correction_defines():
    """Nobody was asked about silence: an F1 from offers alone would be of one that is never wrong to be silent."""
    rows = by_trace(*[(8, 5, 4, 1 + g % 2) for g in range(12)])
    judge = make_judge(silence=None)
    people_said = list(people(rows, 1.0, 1.0))
    both = scored(rows, judge=judge, judge_errors={judge.id: errors(judge)}, human_labels=people_said).adjusted
    for adjusted in both:
        assert adjusted.refused is None
        assert set(adjusted.metrics) == {"precision", "false_discovery_rate"}


def test_impossible_counts_are_never_stored():
    rows = by_trace(*[(12, 1, 9, 3)] * 12)  # .92 accepted: more than a judge with s = .9 would accept of anything
    low = {"correct_detection": ErrorCount(correct=27, items=30), "false_alarm": ErrorCount(correct=27, items=30)}
    (adjusted,) = scored(rows, judge_errors={JUDGE.id: errors(**low)}).adjusted
    if adjusted.refused is None:
        assert all(value >= 0 for value in adjusted.details.values())
    assert "tp" not in adjusted.details
    assert Stratum(95, 100, 100, *low.values()).outside == pytest.approx(0.0625 / 0.0818, rel=0.05)


def test_a_rate_two_standard_errors_beyond_what_can_be_is_refused_though_draws_remain():
    sharp = {"correct_detection": ErrorCount(correct=540, items=600), "false_alarm": ErrorCount(correct=540, items=600)}
    stratum = Stratum(980, 1000, 1000, *sharp.values())
    assert stratum.corrected == pytest.approx(1.1)
    assert stratum.outside > 2
    found = correct_strata((stratum,), (Stratum(5, 10, 10),), 1000, metrics=judged_metrics(zeros() + 1, {}))
    assert "standard errors beyond what can be" in found.refused


def test_labels_need_no_correction():
    needs = {name: [letter in "Ar" for letter in row] for name, row in ROWS.items()}
    offers_only = errors(LABELS, correct_rejection=None, missed_need=None)
    adjusted = scored(judge=LABELS, needs=needs, judge_errors={LABELS.id: offers_only}).adjusted[0]
    assert adjusted.refused is None
    assert adjusted.details["tn"] == pytest.approx(48)


@pytest.mark.parametrize(
    ("given", "why"),
    [
        (errors(missed_need=ErrorCount(correct=15, items=19)), "19 validation items among wrong silences"),
        (errors(correct_detection=None), "0 validation items among accepted offers"),
        (errors(LABELS), "another judge"),
        (errors(leaked=True), "may have seen"),
        (errors(same_population=False, population="elsewhere"), "other answers (elsewhere)"),
        (
            errors(correct_detection=ErrorCount(correct=16, items=30), false_alarm=ErrorCount(correct=15, items=30)),
            "not shown to know",
        ),
        (
            errors(
                correct_detection=ErrorCount(correct=297, items=300), false_alarm=ErrorCount(correct=297, items=300)
            ).model_copy(update={"correct_rejection": ErrorCount(correct=200, items=400),
                                 "missed_need": ErrorCount(correct=398, items=400)}),
            "do not transfer",
        ),
    ],
)  # fmt: skip
def test_a_correction_that_cannot_be_carried_is_refused_with_the_reason(given, why):
    adjusted = scored(judge_errors={JUDGE.id: given}).adjusted[0]
    assert why in adjusted.refused
    assert adjusted.metrics == {}


def test_the_worked_prediction_powered_mean_of_the_page():
    verdict = np.array([1, 1, 0, 1, 1, 1, 0, 0], dtype=float)
    person = np.array([1, 0, 0, 1] + [np.nan] * 4)
    assert verdict.sum() == 5
    weight = 0.125 / 0.1875
    assert prediction_powered_mean(verdict, person) == pytest.approx(weight * 0.625 + (0.5 - weight * 0.75))
    assert prediction_powered_mean(verdict, person) == pytest.approx(0.417, abs=5e-4)


def people(rows, share, judged_right, seed=0):
    random = np.random.default_rng(seed)
    for name, row in rows.items():
        for turn, letter in enumerate(row):
            if random.random() < share:
                accepted = (letter in "Aa") == (random.random() < judged_right)
                place = 0 if letter in "AR" else -1
                yield HumanLabel(trace_id=name, turn=turn, candidate=place, accepted=accepted, random=True, blind=True)


def test_people_who_agree_with_the_judge_change_nothing():
    adjusted = scored(human_labels=people(ROWS, 0.7, 1.0)).adjusted[0]
    plain = scored().overall.metrics["f1"].value
    assert adjusted.refused is None
    assert adjusted.metrics["f1"].value == pytest.approx(plain)


def test_people_who_never_agree_turn_the_score_round():
    rows = by_trace(*[(9, 3, 9, 3)] * 12)
    adjusted = scored(rows, human_labels=people(rows, 1.0, 0.0)).adjusted[0]
    assert adjusted.metrics["precision"].value == pytest.approx(0.25)


@pytest.mark.parametrize(
    ("labels", "why"),
    [
        (list(people(ROWS, 0.1, 1.0)), "fewer than 30"),
        ([label.model_copy(update={"blind": False}) for label in people(ROWS, 0.9, 1.0)], "blind"),
        (list(people(by_trace(*[(30, 30, 9, 3)] * 3), 1.0, 1.0)), "fewer than 4 traces"),
    ],
)
def test_labels_that_are_too_few_or_not_blind_are_refused(labels, why):
    rows = by_trace(*[(30, 30, 9, 3)] * 12) if "traces" in why else ROWS
    assert why in scored(rows, human_labels=labels).adjusted[0].refused


def test_human_labels_are_read_line_by_line(tmp_path):
    file = tmp_path / "people.jsonl"
    line = {"trace_id": "t0", "turn": 0, "candidate": 0, "accepted": True, "random": True, "blind": True}
    file.write_text(json.dumps(line) + "\n\n" + json.dumps(line), encoding="utf-8")
    assert len(load_human_labels(file)) == 2
    file.write_text(json.dumps(line) + '\n{"trace_id": "t0"}\n', encoding="utf-8")
    with pytest.raises(DataError, match=r"people\.jsonl:2"):
        load_human_labels(file)
