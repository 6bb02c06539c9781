"""Every statistic that a library has, against that library."""

import numpy as np
import pytest
from scipy import stats
from sklearn import metrics as sk

from proactivebench.scoring.calibration import calibration_error
from proactivebench.scoring.counting import zeros
from proactivebench.scoring.dispersion import intraclass_correlation
from proactivebench.scoring.intervals import Resampled, correlation, jackknife_variance, spread, t_quantile, wilson
from proactivebench.scoring.offers import Column
from proactivebench.scoring.registry import METRICS

JUDGED = (Column.TP, Column.FP, Column.TN, Column.FN)


def table(tp, fp, tn, fn):
    counts = zeros()
    counts[list(JUDGED)] = tp, fp, tn, fn
    return counts


def labels(tp, fp, tn, fn):
    """The same table as true and predicted classes."""
    return [1] * tp + [0] * fp + [0] * tn + [1] * fn, [1] * (tp + fp) + [0] * (tn + fn)


@pytest.mark.parametrize("cells", [(95, 67, 50, 15), (1, 9, 3, 2), (40, 1, 1, 30), (2, 2, 2, 2)])
def test_the_judged_metrics_are_scikit_learns(cells):
    true, predicted = labels(*cells)
    expected = {
        "f1": sk.f1_score(true, predicted),
        "precision": sk.precision_score(true, predicted),
        "recall": sk.recall_score(true, predicted),
        "accuracy": sk.accuracy_score(true, predicted),
        "specificity": sk.recall_score(true, predicted, pos_label=0),
        "balanced_accuracy": sk.balanced_accuracy_score(true, predicted),
        "mcc": sk.matthews_corrcoef(true, predicted),
    }
    for key, value in expected.items():
        assert METRICS[key].measure(table(*cells)) == pytest.approx(value), key


def test_wilsons_interval_is_statsmodels():
    proportion = pytest.importorskip("statsmodels.stats.proportion")
    z = stats.norm.ppf(0.975)
    for hits, size in ((0, 20), (13, 40), (40, 40)):
        expected = proportion.proportion_confint(hits, size, method="wilson")
        assert wilson(hits / size, size, z) == pytest.approx(expected, abs=1e-12)


def test_the_jackknife_error_is_astropys():
    jackknife = pytest.importorskip("astropy.stats").jackknife_stats
    counts = np.random.default_rng(3).multinomial(19, [0.4, 0.3, 0.2, 0.1], 12)

    def f1(rows):
        return float(METRICS["f1"].measure(table(*rows.sum(axis=0))))

    # The library jackknifes over a flat array: give it row numbers.
    _, _, stderr, _ = jackknife(np.arange(12), lambda rows: f1(counts[rows.astype(int)]))
    wide = zeros(12)
    wide[:, list(JUDGED)] = counts
    assert spread(METRICS["f1"], Resampled(wide)).stderr == pytest.approx(stderr)


def test_the_jackknife_variance_of_a_mean_is_that_of_the_mean():
    values = np.random.default_rng(4).normal(size=15)
    left_out = np.array([np.delete(values, place).mean() for place in range(15)])
    assert np.sqrt(jackknife_variance(left_out)) == pytest.approx(stats.sem(values))


def test_students_quantiles_are_scipys():
    for freedom in (3, 5, 11):
        assert t_quantile(0.975, freedom) == pytest.approx(stats.t.ppf(0.975, freedom))
    assert [round(t_quantile(0.975, freedom), 3) for freedom in (3, 5, 11)] == [3.182, 2.571, 2.201]


def test_correlation_is_scipys_and_zero_for_a_constant():
    a, b = np.random.default_rng(5).normal(size=(2, 12))
    assert correlation(a, b) == pytest.approx(stats.pearsonr(a, b).statistic)
    assert correlation(np.ones(12), b) == 0


def test_intraclass_correlation_is_that_of_one_way_analysis_of_variance():
    smf = pytest.importorskip("statsmodels.formula.api")
    import pandas as pd
    from statsmodels.stats.anova import anova_lm

    random = np.random.default_rng(6)
    items = np.full(12, 20.0)
    hits = random.binomial(20, random.uniform(0.2, 0.8, 12)).astype(float)
    rows = [(g, int(y)) for g in range(12) for y in [1] * int(hits[g]) + [0] * (20 - int(hits[g]))]
    fitted = smf.ols("y ~ C(g)", data=pd.DataFrame(rows, columns=["g", "y"])).fit()
    between, within = anova_lm(fitted)["mean_sq"]
    assert intraclass_correlation(hits, items) == pytest.approx((between - within) / (between + 19 * within))


def test_expected_calibration_error_is_the_definition_on_even_bins():
    random = np.random.default_rng(7)
    confidence = random.uniform(size=200)
    accepted = (random.uniform(size=200) < confidence).astype(float)
    order = np.argsort(confidence)
    bins = order.reshape(10, 20)
    expected = np.mean([abs(confidence[part].mean() - accepted[part].mean()) for part in bins])
    assert calibration_error(confidence, accepted) == pytest.approx(expected)
    assert calibration_error(np.array([]), np.array([])) is None
