"""How far the band for harsh, median and lenient users is from what these people would say, where the model holds.

python -m perf.population --runs 400 --output_path perf/results/population.md

P(u accepts) = σ(score + d_u) with d_u ~ N(0, 1.2²), scores as spread as the lexical judge's on the release. So many
people vote on offers of their own; d_u is fitted on these votes, people are parted in thirds by it, and the band of a
run of 150 offers and 77 silences, 25 of them wrong, is computed. The truth is what the people of each third would come
to by their true d_u.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from perf.simulation import write_table
from proactivebench.judging.personal import SPREAD, fitted_shift
from proactivebench.scoring.population import THIRDS, accepted_by

CENTRE, WIDTH = -0.6, 0.8  # of the lexical judge's scores of offers
OFFERS, MISSED = 150, 25
PANELS = ((46, 94), (46, 8), (12, 30))  # people, votes of each: the release, a sample of it, an own job
FIGURES = ("acceptance", "F1")


def errors(random: np.random.Generator, people: int, votes: int) -> dict[str, tuple[float, float]]:
    """One simulated band less the truth, by third: of the share of offers accepted and of F1."""
    true = SPREAD * random.standard_normal(people)
    fitted = np.empty(people)
    for place, shift in enumerate(true):
        scores = CENTRE + WIDTH * random.standard_normal(votes)
        said = random.random(votes) < 1 / (1 + np.exp(-(scores + shift)))
        fitted[place] = fitted_shift(scores.tolist(), said.tolist())
    probability = 1 / (1 + np.exp(-(CENTRE + WIDTH * random.standard_normal(OFFERS))))
    found = {}
    for third, whose in zip(THIRDS, np.array_split(np.argsort(fitted, kind="stable"), 3), strict=True):
        band, truth = (float(accepted_by(probability, shifts[whose]).sum()) for shifts in (fitted, true))
        f1 = [2 * accepted / (accepted + OFFERS + MISSED) for accepted in (band, truth)]
        found[third] = ((band - truth) / OFFERS, f1[0] - f1[1])
    return found


def report(runs: int, seed: int) -> Iterator[str]:
    """The tables."""
    yield "# The band for harsh, median and lenient users, less the truth\n"
    yield "Mean error, in brackets the standard deviation of one band.\n"
    for people, votes in PANELS:
        random = np.random.default_rng([seed, people, votes])
        came = [errors(random, people, votes) for _ in range(runs)]
        yield f"{people} people with {votes} votes each:\n"
        yield "| | " + " | ".join(THIRDS) + " |\n|---|" + "---:|" * len(THIRDS)
        for place, name in enumerate(FIGURES):
            of_third = [np.array([one[third][place] for one in came]) for third in THIRDS]
            yield f"| {name} | " + " | ".join(f"{e.mean():+.4f} ({e.std():.3f})" for e in of_third) + " |"
        yield ""


if __name__ == "__main__":
    write_table("population", __doc__, 400, "bands", report)
