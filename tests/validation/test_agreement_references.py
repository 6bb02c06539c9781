"""Agreement against the libraries that have it, on random tables with gaps and on those at the edge; ICC against an
analysis of variance written out."""

import warnings

import numpy as np
import pytest
from scipy import stats

from proactivebench.validation.agreement import (
    against_others,
    alpha_over_traces,
    bootstrapped,
    complete,
    consistency,
    gwet_ac1,
    krippendorff_alpha,
    pairwise,
    usual_number,
)

NAN = np.nan
EDGES = {
    "one item": [[1, 0]],
    "all the same": [[1, 1], [1, 1]],
    "all the same with a gap": [[1, 1], [1, NAN]],
    "never together": [[1, NAN], [NAN, 0]],
    "always apart": [[1, 0], [0, 1], [1, 0]],
    "always together": [[1, 1], [0, 0], [1, 1]],
    "an empty row": [[NAN, NAN, NAN], [1, 0, NAN], [1, 1, 1]],
    "an empty column": [[1, NAN, 0], [1, NAN, 1], [0, NAN, 0]],
    "one apart": [[0, 0, 0], [0, 0, 0], [0, 0, 1], [0, 0, NAN]],
}


def tables():
    """Random tables of all shapes, shares of yes and shares of gaps."""
    rng = np.random.default_rng(13)
    for _ in range(60):
        items, people = rng.integers(2, 40), rng.integers(2, 7)
        table = (rng.random((items, people)) < rng.uniform(0.02, 0.98)).astype(float)
        table[rng.random(table.shape) < rng.uniform(0, 0.7)] = NAN
        yield table
    yield from (np.array(table, dtype=float) for table in EDGES.values())


def units(table):
    return [[bool(vote) for vote in row if not np.isnan(vote)] for row in table]


def test_alpha_is_that_of_the_krippendorff_library() -> None:
    library = pytest.importorskip("krippendorff")
    undefined = 0
    for table in tables():
        try:
            with np.errstate(invalid="ignore"):
                expected = library.alpha(table.T, level_of_measurement="nominal")
        except ValueError:  # one value in all, or no two ratings of one item
            expected = NAN
        expected = None if np.isnan(expected) else expected
        found = krippendorff_alpha(units(table))
        undefined += expected is None
        assert found == (None if expected is None else pytest.approx(expected, abs=1e-9))
        assert alpha_over_traces(table, range(len(table))).value == found
    assert 3 <= undefined < 20


def test_alpha_and_ac1_are_those_of_irrcac() -> None:
    """Its categories are named: with pandas 3 it takes a gap for one of them."""
    raw, frame = pytest.importorskip("irrCAC.raw"), pytest.importorskip("pandas").DataFrame
    compared = 0
    for table in tables():
        found = gwet_ac1(table)
        several = (~np.isnan(table)).sum(axis=1) > 1
        if not several.any():
            assert found.value is None
            continue
        if (~np.isnan(table).all(axis=1)).sum() < 2:
            assert found.interval is None
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            library = raw.CAC(frame(table), digits=12, categories=[0.0, 1.0])
            expected = library.gwet()["est"]
            ours = krippendorff_alpha(units(table))
            if ours is not None and several.sum() > 1:
                assert ours == pytest.approx(library.krippendorff()["est"]["coefficient_value"], abs=1e-9)
        assert found.value == pytest.approx(expected["coefficient_value"], abs=1e-9)
        if len(np.unique(table[~np.isnan(table)])) == 1:
            assert found.interval is None, "nobody ever said otherwise"
            continue
        assert found.stderr == pytest.approx(expected["se"], abs=1e-9)
        assert found.interval == pytest.approx(expected["confidence_interval"], abs=1e-9)
        compared += 1
    assert compared > 50


def test_ac1_of_gwets_own_kind_of_table() -> None:
    """Two raters, 118 both yes, 5 and 2 apart, none both no: observed 118/125, chance 2·.972·.028."""
    table = np.array([[1, 1]] * 118 + [[1, 0]] * 5 + [[0, 1]] * 2, dtype=float)
    chance = 2 * (243 / 250) * (7 / 250)
    assert gwet_ac1(table).value == pytest.approx((118 / 125 - chance) / (1 - chance))
    assert krippendorff_alpha(units(table)) < 0


def anova(votes):
    """Two-way analysis of variance without interaction, cell by cell: mean squares of items and of what is left."""
    items, people = len(votes), len(votes[0])
    grand = sum(map(sum, votes)) / (items * people)
    rows = [sum(row) / people for row in votes]
    columns = [sum(row[place] for row in votes) / items for place in range(people)]
    of_items = people * sum((mean - grand) ** 2 for mean in rows)
    left = sum((votes[i][j] - rows[i] - columns[j] + grand) ** 2 for i in range(items) for j in range(people))
    return of_items / (items - 1), left / ((items - 1) * (people - 1))


def test_the_intraclass_correlation_is_shrouts_and_fleisss() -> None:
    """Their table of four judges and six targets (1979): ICC(3,1) .71, ICC(3,4) .91."""
    votes = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]
    of_items, left = anova(votes)
    found = consistency(np.array(votes, dtype=float), ["t"] * 6)
    assert found.single == pytest.approx((of_items - left) / (of_items + 3 * left), abs=1e-9)
    assert found.mean == pytest.approx((of_items - left) / of_items, abs=1e-9)
    assert (round(found.single, 2), round(found.mean, 2)) == (0.71, 0.91)


def test_the_intraclass_correlation_of_votes_in_blocks_adds_their_sums_of_squares() -> None:
    rng = np.random.default_rng(3)
    first, second = rng.integers(0, 2, (7, 3)).astype(float), rng.integers(0, 2, (4, 3)).astype(float)
    parts = [anova(first.tolist()), anova(second.tolist())]
    of_items = (parts[0][0] * 6 + parts[1][0] * 3) / 9
    left = (parts[0][1] * 12 + parts[1][1] * 6) / 18
    found = consistency(np.concatenate([first, second]), ["a"] * 7 + ["b"] * 4)
    assert found.single == pytest.approx((of_items - left) / (of_items + 2 * left), abs=1e-9)
    assert found.mean == pytest.approx((of_items - left) / of_items, abs=1e-9)


def test_the_intraclass_correlation_of_nothing_is_undefined() -> None:
    assert consistency(np.empty((0, 3)), []).single is None
    assert consistency(np.ones((1, 3)), ["t"]).single is None
    assert consistency(np.ones((5, 3)), ["t"] * 5).single is None


def test_items_that_as_many_people_rated_are_cut_out_with_who_they_are() -> None:
    table = np.array([[1, NAN, 0], [NAN, 1, 1], [1, 1, 0], [NAN, NAN, 1]])
    assert usual_number(table) == 2
    assert usual_number(table[3:]) is None
    found = complete(table, ["s", "s", "t", "t"], 2)
    assert found.votes.tolist() == [[1, 0], [1, 1]]
    assert found.blocks == [("s", 0, 2), ("s", 1, 2)]


def test_pairs_are_counted_where_both_voted() -> None:
    same, both = pairwise(np.array([[1, 1, NAN], [0, 1, 1], [0, 0, NAN]]))
    assert same.tolist() == [[3, 2, 0], [2, 3, 1], [0, 1, 1]]
    assert both.tolist() == [[3, 3, 1], [3, 3, 1], [1, 1, 1]]


def test_the_bootstrap_draws_whole_traces_and_the_same_ones_each_time() -> None:
    rng = np.random.default_rng(4)
    table = np.repeat(rng.integers(0, 2, (8, 3)), 5, axis=0).astype(float)
    traces = np.repeat(np.arange(8), 5).tolist()
    found = alpha_over_traces(table, traces, seed=1)
    assert found == alpha_over_traces(table, traces, seed=1)
    assert found.interval != alpha_over_traces(table, traces, seed=2).interval
    alone = alpha_over_traces(table, list(range(40)), seed=1)
    assert found.interval[0] <= found.value <= found.interval[1]
    assert found.interval[1] - found.interval[0] > alone.interval[1] - alone.interval[0], "five alike are one"
    assert alpha_over_traces(table[:15], traces[:15]).reason == "no interval: fewer than 4 traces"


def test_the_bootstrap_of_a_mean_is_students_interval() -> None:
    values = np.random.default_rng(5).normal(0, 0.1, size=12)
    sums = np.stack([values, np.ones(12)], axis=1)
    low, high = bootstrapped(sums, range(12), lambda total: total[..., 0] / total[..., 1]).interval
    expected = stats.t.interval(0.95, 11, loc=values.mean(), scale=stats.sem(values))
    assert (low, high) == pytest.approx(expected, abs=0.012)


def test_the_bootstrap_gives_no_interval_where_nothing_varies() -> None:
    table = np.array([[1, 1], [0, 0]] * 8, dtype=float)
    found = alpha_over_traces(table, np.repeat(np.arange(8), 2).tolist())
    assert (found.value, found.interval, found.reason) == (1.0, None, "no interval: identical in every trace")
    assert against_others(np.ones((4, 3)), range(4)).reason == "the others never, or always, accept"
    assert against_others(np.array([[1, NAN]]), [0]).reason == "nobody else voted on the same"


def test_one_against_most_others_is_counted_by_hand() -> None:
    """Of three: the first is right on one of two that the others accept, and on both that they do not (a tie)."""
    table = np.array([[1, 1, 1], [0, 1, 1], [0, 1, 0], [0, 0, 0], [1, NAN, NAN]])
    found = against_others(table, range(5), person=0)
    assert (found.value, found.items) == (0.75, 4)
    said = {True: [], False: []}
    for row in table.tolist():
        for place, vote in enumerate(row):
            others = [other for at, other in enumerate(row) if at != place and not np.isnan(other)]
            if others and not np.isnan(vote):
                said[2 * sum(others) > len(others)].append(vote)
    expected = (np.mean(said[True]) + 1 - np.mean(said[False])) / 2
    assert against_others(table, range(5)).value == pytest.approx(expected)
