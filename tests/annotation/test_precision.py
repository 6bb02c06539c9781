"""What is promised of labels before anybody has labelled is what comes out once people have."""

from __future__ import annotations

import math

import numpy as np
import pytest

from perf.half_width import labelled
from proactivebench.annotation.precision import Expected, agreement, half_width
from proactivebench.scoring.prediction_powered import estimate
from proactivebench.scoring.registry import metric_for

MOMENTS = (20, 19, 15, 22, 21, 17, 18, 24, 21, 19, 18, 19)  # of twelve traces
GOOD, POOR = 0.9, 0.66  # sensitivity and specificity of a judge


@pytest.mark.parametrize(("judge", "labels"), [(POOR, 30), (GOOD, 30), (POOR, 120)])
def test_the_half_width_said_before_is_the_one_that_comes_out(judge: float, labels: int) -> None:
    rng = np.random.default_rng(3)
    said, found = [], []
    for _ in range(40):
        offers = [round(share * many) for share, many in zip(rng.beta(5, 3, 12), MOMENTS, strict=True)]
        silences = [many - some for many, some in zip(MOMENTS, offers, strict=True)]
        expected = (
            Expected(offers, 0.4, agreement(judge, judge, 0.4), 0.05),
            Expected(silences, 0.67, agreement(judge, judge, 0.67), 0.08),
        )
        came = estimate(metric_for("f1"), *(labelled(rng, one, judge, labels) for one in expected)).interval
        assert came is not None
        found.append((came[1] - came[0]) / 2)
        said.append(half_width(*expected, labels))
    assert np.mean(said) == pytest.approx(np.mean(found), rel=0.15)


def test_more_labels_a_better_judge_and_less_clustering_each_narrow_it() -> None:
    offers, silences = [12] * 12, [8] * 12

    def width(labels: int = 30, *, judge: float = 0.5, icc: float = 0.05) -> float:
        worth = agreement(judge, judge, 0.4)
        return half_width(Expected(offers, 0.4, worth, icc), Expected(silences, 0.6, worth, icc), labels)

    assert width(120) < width(60) < width(30)
    assert width(judge=0.9) < width(judge=0.7) < width()
    assert width(icc=0) < width() < width(icc=0.2)
    assert width(10_000) == width(144), "there are no more than all of them"


def test_labels_that_came_with_the_data_leave_nothing_to_draw() -> None:
    offers = Expected([12] * 12, 0.4)
    known, drawn = Expected([8] * 12, 0.6, certain=True), Expected([8] * 12, 0.6)
    assert half_width(offers, known, 30) == half_width(offers, drawn, 30, 96) < half_width(offers, drawn, 30)


def test_where_no_interval_can_be_had_none_is_promised() -> None:
    few, none = Expected([30] * 3, 0.4), Expected([0] * 12, 0.4)
    assert half_width(few, few, 30) == math.inf
    assert half_width(none, Expected([9] * 12, 0.6), 30) == math.inf
    assert half_width(Expected([9] * 12, 0.4), Expected([9] * 12, 0.6), 0) == math.inf
    with pytest.raises(ValueError, match="12 traces of offers, 3 of silences"):
        half_width(none, few, 30)


def test_how_far_a_judge_agrees_follows_from_its_rates() -> None:
    rng = np.random.default_rng(1)
    people = rng.random(200_000) < 0.4
    judge = np.where(people, rng.random(200_000) < 0.8, rng.random(200_000) < 0.3)
    assert agreement(0.8, 0.7, 0.4) == pytest.approx(np.corrcoef(people, judge)[0, 1], abs=0.01)
    assert agreement(1, 1, 0.4) == 1
    assert agreement(0.3, 0.3, 0.4) == agreement(1, 0, 0.4) == agreement(0.8, 0.8, 1) == 0
