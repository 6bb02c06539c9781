"""Simulated people label part of a run: the intervals from their labels hold the truth."""

import numpy as np
import pytest

from perf.people import PEOPLE, accepting, alone, answered, pooled, tallied, truth
from perf.simulation import SIZES


def made(seed, offers=0.55):
    """A run of the real trace sizes that offers at that share of its moments, with a judge who has some idea."""
    random = np.random.default_rng(seed)
    trace = np.repeat(np.arange(len(SIZES)), SIZES)
    turn = np.concatenate([np.arange(size) for size in SIZES])
    offer = random.random(len(trace)) < offers
    probability = random.beta(2, 2, len(trace))
    return answered(
        f"run {seed}", trace, turn, offer, (probability > 0.5).astype(float), probability, np.arange(len(trace))
    )


RUNS = [made(seed) for seed in range(3)]


@pytest.mark.parametrize(("drawing", "votes"), [(alone, 1), (pooled, 3)])
def test_intervals_hold_what_the_people_who_labelled_would_say(drawing, votes):
    """Of 60 runs with a true coverage of .95, fewer than .87 hold it in less than one case of a hundred."""
    found = tallied(np.random.default_rng(5), RUNS, 60, 60, votes, drawing=drawing)
    assert found.given[0] >= 55
    assert (found.coverage >= 0.87).all()
    assert np.mean(found.promised) == pytest.approx(np.mean(found.came), rel=0.2)


def test_most_of_three_people_is_counted_as_it_falls():
    people = np.array([-1.0, 0.3, 2.0, 0.5])
    single = 1 / (1 + np.exp(-(0.4 + people)))
    trios = [(0, 1, 2), (0, 1, 3), (0, 2, 3), (1, 2, 3)]
    by_hand = np.mean([
        a * b + a * c + b * c - 2 * a * b * c for a, b, c in (single[list(trio)] for trio in trios)
    ])  # fmt: skip
    assert accepting(np.array([0.4]), people, 3)[0] == pytest.approx(by_hand)
    assert accepting(np.array([0.4]), people, 1)[0] == pytest.approx(single.mean())


def test_harsher_people_accept_less_and_want_less_help():
    lenient, harsh = (truth(RUNS[0], np.full(PEOPLE, d), 1) for d in (1.0, -1.0))
    assert lenient["precision"] > harsh["precision"]
    assert lenient["f1"] > harsh["f1"]
