import numpy as np
import pytest

from proactivebench.validation.figures import Ratings, auc, balanced_accuracy, brier, error_count, f1, figures
from proactivebench.validation.items import Category

CD, FA, CR, MN = (Category(name) for name in ("CD", "FA", "CR", "MN"))


def ratings(rows: list[tuple[Category, float, float, str]]) -> Ratings:
    categories, verdicts, probabilities, traces = zip(*rows, strict=True)
    return Ratings(list(categories), np.array(verdicts), np.array(probabilities), np.array(traces))


def published() -> Ratings:
    """The published reward model's confusion on the official 120: MN 24/30, CR 26/30, CD 30/30, FA 30/30."""
    right = {MN: (24, 0.0), CR: (26, 1.0), CD: (30, 1.0), FA: (30, 0.0)}
    return ratings(
        [
            (category, verdict if n < hits else 1 - verdict, np.nan, f"t{n % 6}")
            for category, (hits, verdict) in right.items()
            for n in range(30)
        ]
    )


def test_the_published_judge_has_its_published_figures() -> None:
    found = figures(published())
    assert found["accuracy"].value == pytest.approx(110 / 120)
    assert found["f1"].value == pytest.approx(112 / 122)
    assert found["accuracy_mn"].value == pytest.approx(24 / 30)
    assert found["balanced_accuracy"].value == pytest.approx(110 / 120)


def test_a_perfect_share_still_has_a_width() -> None:
    interval = figures(published())["accuracy_cd"].interval
    assert interval is not None
    assert interval[0] < 0.95
    assert interval[1] == 1.0


def test_a_judge_that_is_never_wrong_has_a_width_too_for_the_mean_of_its_categories() -> None:
    found = figures(published())
    assert found["balanced_accuracy_offers"].value == 1.0
    one = found["accuracy_cd"].interval
    both = found["balanced_accuracy_offers"].interval
    assert one is not None
    assert both is not None
    assert both[0] == pytest.approx(1 - (1 - one[0]) / 2**0.5)
    assert both[1] == 1.0


def test_unscored_items_are_no_verdicts() -> None:
    some = ratings([(CD, np.nan, np.nan, "a"), (CD, 1.0, np.nan, "a"), (FA, 1.0, np.nan, "b")])
    assert error_count(some, CD).items == 1
    assert balanced_accuracy(some) == 0.5


def test_one_stratum_alone_has_a_balanced_accuracy_of_two_categories() -> None:
    assert balanced_accuracy(ratings([(CD, 1, np.nan, "a"), (FA, 0, np.nan, "a")])) == 1.0
    assert balanced_accuracy(ratings([(CD, 1, np.nan, "a"), (CR, 1, np.nan, "a")])) is None


def test_auc_counts_ties_half() -> None:
    stated = ratings([(CD, 1, 0.9, "a"), (CD, 1, 0.5, "a"), (FA, 0, 0.5, "a"), (FA, 0, 0.1, "a")])
    assert auc(stated) == pytest.approx(3.5 / 4)
    assert brier(stated) == pytest.approx((0.01 + 0.25 + 0.25 + 0.01) / 4)


def test_without_probabilities_there_is_nothing_to_compute_them_from() -> None:
    found = figures(published())
    assert found["auc_offers"].value is None
    assert found["auc_offers"].reason


def test_fewer_than_four_traces_give_no_interval() -> None:
    few = published().where(np.isin(published().trace, ["t0", "t1", "t2"]))
    found = figures(few)["accuracy"]
    assert found.interval is None
    assert "4 traces" in (found.reason or "")


def test_accepting_everything_has_an_f1_and_no_skill() -> None:
    rows = [(category, 1.0, np.nan, f"t{n % 5}") for category in Category for n in range(25)]
    found = figures(ratings(rows))
    assert f1(ratings(rows)) == pytest.approx(2 / 3)
    assert found["balanced_accuracy"].value == 0.5
    assert found["kappa"].value == 0.0


def test_the_jackknife_interval_covers_a_clustered_share() -> None:
    """16 traces of 20 offers whose acceptance by the judge varies between traces: coverage of 95 % within noise."""
    rng = np.random.default_rng(0)
    truth, covered, runs = 0.65, 0, 300
    for _ in range(runs):
        rates = rng.beta(truth * 15, (1 - truth) * 15, size=16)
        rows = [
            (CD, float(rng.random() < rate), np.nan, f"t{trace}") for trace, rate in enumerate(rates) for _ in range(20)
        ]
        interval = figures(ratings(rows), only=("accuracy_cd",))["accuracy_cd"].interval
        assert interval is not None
        covered += interval[0] <= truth <= interval[1]
    assert covered / runs >= 0.92
