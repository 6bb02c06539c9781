"""A sample reaches four traces, and says truly how likely each answer was to be in it."""

from __future__ import annotations

import random
from collections import Counter
from itertools import combinations

import pytest

from proactivebench.annotation.sampling import Sample, samples_in_few


def _answers(*sizes: int) -> list[str]:
    return [f"t{trace}" for trace, size in enumerate(sizes) for _ in range(size)]


@pytest.mark.parametrize(("sizes", "drawn"), [((4, 3, 2, 2), 5), ((5, 1, 1, 1, 1), 4), ((2, 2, 2, 2, 2), 4)])
def test_samples_in_few_traces_are_counted_exactly(sizes: tuple[int, ...], drawn: int) -> None:
    answers = _answers(*sizes)
    few = [one for one in combinations(answers, drawn) if len(set(one)) < 4]
    assert samples_in_few(sizes, drawn) == len(few) > 0


@pytest.mark.parametrize(("sizes", "wanted", "answers"), [((9, 2, 1, 1, 1), 6, 1), ((9, 2, 2, 1, 1), 6, 2)])
def test_an_answer_is_drawn_as_often_as_its_probability_says(sizes: tuple[int, ...], wanted: int, answers: int) -> None:
    traces, drawn = _answers(*sizes), Counter[str]()
    rng = random.Random(5)
    for _ in range(4_000):
        sample = Sample(traces, wanted, rng)
        assert len({traces[place] for place in sample.places}) >= 4
        firsts = {traces.index(name) + more for name in ("t0", "t1") for more in range(answers)}
        drawn.update({traces[place] for place in set(sample.places) & firsts})
    for name in ("t0", "t1"):
        assert drawn[name] / 4_000 == pytest.approx(1 - sample.missed(name, answers), abs=0.025)
    assert 1 - sample.missed("t0") < sample.probability - 0.02, "of the common trace, less often than n/N"
    assert 1 - sample.missed("t1") > sample.probability + 0.02


def test_where_four_traces_are_sure_the_probability_is_n_of_all() -> None:
    sample = Sample(_answers(*[20] * 12), 30, random.Random(1))
    assert 1 - sample.missed("t3") == pytest.approx(30 / 240)
    assert 1 - sample.missed("t3", 2) == pytest.approx(1 - 210 * 209 / (240 * 239))


def test_where_there_are_no_more_all_are_taken_with_certainty() -> None:
    sample = Sample(_answers(3, 2, 1, 1), 30, random.Random(1))
    assert sample.places == list(range(7))
    assert sample.probability == 1 - sample.missed("t0") == 1


@pytest.mark.parametrize(("sizes", "wanted"), [((9, 9, 9), 12), ((9, 9, 9, 9), 3)])
def test_four_traces_that_cannot_be_had_are_refused(sizes: tuple[int, ...], wanted: int) -> None:
    with pytest.raises(ValueError, match="the fewest"):
        Sample(_answers(*sizes), wanted, random.Random(1))


def test_four_traces_that_are_hardly_ever_reached_are_refused_and_not_waited_for() -> None:
    with pytest.raises(ValueError, match="of samples of 4 only"):
        Sample(_answers(19_997, 1, 1, 1), 4, random.Random(1))


def test_twenty_thousand_answers_are_no_trouble() -> None:
    sample = Sample(_answers(*[17 + n % 7 for n in range(1_000)]), 6_000, random.Random(1))
    assert len(sample.places) == 6_000
    few = Sample(_answers(*[17 + n % 7 for n in range(1_000)]), 4, random.Random(1))
    assert 0 < few.probability - (1 - few.missed("t6")) < 1e-4
