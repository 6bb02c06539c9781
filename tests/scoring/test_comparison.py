import time

import numpy as np
import pytest
from scipy import stats

from proactivebench.errors import UsageError
from proactivebench.scoring.comparison import compare, pair_up
from proactivebench.scoring.counting import zeros
from proactivebench.scoring.offers import Column
from proactivebench.scoring.power import minimum_detectable_difference, power_at, traces_needed
from proactivebench.scoring.registry import METRICS
from proactivebench.scoring.signflip import benjamini_hochberg, holm, joint_signflip, mcnemar, signflip, smallest_p
from tests.scoring.runs import by_trace, report_on

FOUR = ((2, 1, 2, 0), (1, 2, 1, 1), (2, 1, 1, 1), (1, 1, 2, 1))
OTHER = ((2, 2, 1, 0), (1, 3, 1, 0), (1, 2, 1, 1), (1, 2, 1, 1))


def counts_of(*tables):
    counts = zeros(len(tables), len(tables[0]))
    for run, table in enumerate(tables):
        counts[run, :, [Column.TP, Column.FP, Column.TN, Column.FN]] = np.array(table).T
    return counts


def test_the_worked_comparison_of_the_page():
    paired = pair_up(METRICS["f1"].measure, counts_of(FOUR, OTHER))
    assert paired.difference[0] == pytest.approx(12 / 20 - 10 / 21)
    assert paired.values[0] == pytest.approx([0.0961, -0.0039, 0.2818, 0.1211], abs=5e-5)
    assert paired.stderr[0] == pytest.approx(0.0592, abs=5e-5)
    result = compare([report_on(by_trace(*FOUR)), report_on(by_trace(*OTHER), name="other")])
    pair = result.pairs[0]
    assert pair.p == 4 / 16
    assert pair.smallest_p == 2 / 16
    assert pair.interval == pytest.approx((0.1238 - 0.188, 0.1238 + 0.188), abs=1e-3)
    assert "cannot be tested" in pair.reason
    assert [standing.rank for standing in result.standings] == [(1, 2), (1, 2)]
    assert all(standing.leading for standing in result.standings)


@pytest.mark.parametrize("size", [3, 8, 12, 17])
def test_the_sign_flip_test_is_scipys_permutation_test(size):
    values = np.random.default_rng(size).normal(0.3, 1, size)
    for side, name in (("two", "two-sided"), ("lower", "less")):
        reference = stats.permutation_test(
            (values,), np.sum, permutation_type="samples", alternative=name, n_resamples=np.inf
        )
        if side == "two":
            # scipy doubles the smaller tail; by symmetry that is the share at least as far from 0.
            assert signflip(values, side) == pytest.approx(reference.pvalue)
        else:
            assert signflip(values, side) == pytest.approx(reference.pvalue)


def test_beyond_twenty_traces_the_test_draws_at_random():
    values = np.random.default_rng(1).normal(0.4, 1, 40)
    reference = stats.permutation_test(
        (values,), np.sum, permutation_type="samples", n_resamples=99_999, random_state=3
    ).pvalue
    assert signflip(values) == pytest.approx(reference, abs=0.005)


def test_a_zero_sum_is_as_extreme_as_every_flip():
    assert signflip(np.array([1.0, -1.0])) == 1.0
    assert signflip(np.zeros(5)) == 1.0
    assert smallest_p(np.array([0.0, 1.0, 2.0])) == 0.5


def test_the_joint_test_is_the_single_one_for_a_single_pair_and_never_smaller_for_many():
    values = np.random.default_rng(5).normal(0.5, 1, (30, 12))
    assert joint_signflip(values[:1])[0] == pytest.approx(signflip(values[0]))
    singles = np.array([signflip(row) for row in values])
    assert (joint_signflip(values) >= singles - 1e-12).all()


def test_the_joint_test_is_the_definition_written_out():
    values = np.random.default_rng(6).normal(0.4, 1, (4, 6))
    values[3] = 0
    signs = 1 - 2 * ((np.arange(64)[:, None] >> np.arange(6)) & 1)
    scale = np.sqrt((values**2).sum(axis=1))
    scale[3] = np.inf
    all_t = np.abs(signs @ values.T) / scale
    observed = all_t[0]
    order = np.argsort(-observed)
    steps = [np.mean(all_t[:, order[place:]].max(axis=1) >= observed[order[place]] - 1e-9) for place in range(4)]
    expected = np.empty(4)
    expected[order] = np.maximum.accumulate(steps)
    assert joint_signflip(values) == pytest.approx(expected)


def test_holm_and_benjamini_hochberg_are_statsmodels():
    multitest = pytest.importorskip("statsmodels.stats.multitest")
    p = np.random.default_rng(2).uniform(0, 0.2, 25)
    assert holm(p) == pytest.approx(multitest.multipletests(p, method="holm")[1])
    assert benjamini_hochberg(p) == pytest.approx(multitest.multipletests(p, method="fdr_bh")[1])


def test_mcnemar_is_statsmodels():
    tables = pytest.importorskip("statsmodels.stats.contingency_tables")
    for better, worse in ((3, 9), (0, 0), (5, 5), (12, 1)):
        reference = 1.0 if better + worse == 0 else tables.mcnemar([[4, better], [worse, 7]], exact=True).pvalue
        assert mcnemar(better, worse) == pytest.approx(reference)


def test_the_smallest_detectable_difference_is_that_of_the_page():
    assert minimum_detectable_difference(1, 12) == pytest.approx(3.08, abs=0.005)
    assert [round(minimum_detectable_difference(se, 12), 3) for se in (0.038, 0.047, 0.062)] == [0.117, 0.145, 0.191]


def test_three_points_need_hundreds_of_traces():
    assert [traces_needed(0.03, se) for se in (0.038, 0.047, 0.062)] == pytest.approx([150, 235, 405], rel=0.03)


def test_planning_gives_the_smallest_number_that_does():
    needed = traces_needed(0.05, 0.047)
    se = {g: 0.047 * np.sqrt(12 / g) for g in (needed, needed - 1)}
    assert minimum_detectable_difference(se[needed], needed) <= 0.05
    assert minimum_detectable_difference(se[needed - 1], needed - 1) > 0.05


def test_power_at_differences_of_many_errors_is_a_number():
    for shift in (8, 10, 12, 15, 17.7, 25, 29, 31):
        for traces in (6, 8, 12, 50):
            assert power_at(shift * 0.01, 0.01, traces) == pytest.approx(1, abs=1e-3)


def test_power_is_the_noncentral_t():
    critical = stats.t.ppf(0.975, 11)
    for shift in (0.5, 2.0, 3.1):
        expected = stats.nct.sf(critical, 11, shift) + stats.nct.cdf(-critical, 11, shift)
        assert power_at(shift * 0.04, 0.04, 12) == pytest.approx(expected)


def test_identical_runs_are_said_to_be_identical():
    rows = by_trace(*FOUR)
    pair = compare([report_on(rows), report_on(rows, name="other")]).pairs[0]
    assert (pair.p, pair.difference, pair.interval, pair.reason) == (1.0, 0.0, None, "identical in every trace")


def test_runs_on_other_data_are_refused_with_the_reason_or_marked():
    first, second = report_on(by_trace(*FOUR)), report_on(by_trace(*FOUR[:3]), name="other")
    with pytest.raises(UsageError, match="different data"):
        compare([first, second])
    result = compare([first, second], anyway=True)
    assert any("different data" in mark for mark in result.marks)
    assert result.traces == 3


def test_an_unknown_metric_is_refused_with_a_suggestion():
    with pytest.raises(UsageError, match="did you mean"):
        compare([report_on(by_trace(*FOUR))] * 2, "presicion")


def test_a_metric_undefined_for_one_run_is_said_to_be():
    silent = {f"t{index}": "aaaar" for index in range(4)}
    pair = compare([report_on(by_trace(*FOUR)), report_on(silent, name="silent")], "precision").pairs[0]
    assert pair.difference is None
    assert "undefined for silent: no scored offer" in pair.reason


def test_a_clearly_better_run_leads_alone():
    good, bad = by_trace(*[(9, 1, 8, 2)] * 12), by_trace(*[(3, 7 - g % 2, 8 + g % 2, 2) for g in range(12)])
    result = compare([report_on(bad, name="bad"), report_on(good, name="good"), report_on(bad, name="worse")])
    assert result.standings[0].name == "good"
    assert [standing.rank for standing in result.standings] == [(1, 1), (2, 3), (2, 3)]
    assert [standing.leading for standing in result.standings] == [True, False, False]


def test_the_work_of_comparing_many_runs_grows_with_their_pairs_and_no_faster():
    random = np.random.default_rng(0)
    reports = [
        report_on(by_trace(*random.multinomial(19, [0.4, 0.3, 0.2, 0.1], 12).tolist()), name=f"run {run}")
        for run in range(60)
    ]

    def work(runs):
        begun = time.process_time()
        assert len(compare(reports[:runs]).pairs) == runs * (runs - 1) // 2
        return time.process_time() - begun

    assert work(60) < 3 * 4 * work(30), "four times the pairs"
