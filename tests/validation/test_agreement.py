import pytest

from proactivebench.validation.agreement import cohen_kappa, krippendorff_alpha


def test_kappa_of_a_worked_table() -> None:
    """Cohen's own kind of table: 20 both yes, 15 both no, 5 and 10 apart: κ = (.70 − .50)/.50."""
    first = [True] * 25 + [False] * 25
    second = [True] * 20 + [False] * 5 + [True] * 10 + [False] * 15
    assert cohen_kappa(first, second) == pytest.approx(0.4)


def test_kappa_where_chance_explains_everything_is_undefined() -> None:
    assert cohen_kappa([True, True], [True, True]) is None
    assert cohen_kappa([], []) is None


def test_alpha_of_krippendorffs_binary_example() -> None:
    """Ten units, two observers, from Krippendorff's 2011 note on computing α: .095."""
    a = [0, 1, 0, 0, 0, 0, 0, 0, 1, 0]
    b = [1, 1, 1, 0, 0, 1, 0, 0, 0, 0]
    units = [(bool(x), bool(y)) for x, y in zip(a, b, strict=True)]
    assert krippendorff_alpha(units) == pytest.approx(0.095, abs=5e-4)


def test_alpha_ignores_single_ratings_and_is_undefined_without_variety() -> None:
    assert krippendorff_alpha([(True,), (False,)]) is None
    assert krippendorff_alpha([(True, True), (True, True)]) is None
    assert krippendorff_alpha([(True, True), (False, False), (False,)]) == 1.0
