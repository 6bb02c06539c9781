"""Whether labels that runs share serve each of them: the promise of `annotate prepare`, and coverage.

python -m perf.shared_moments --runs 300 --output_path perf/results/shared_moments.md

Three runs of `random` on the built-in sample are sampled into one job, 40 offers and 40 silences of each, as `prepare`
does it. People accept an offer, and want no help, by a share of each trace's own (Beta); what they say of a text at a
moment, or of the need there, is one answer for all runs. A judge agrees with them at two answers of three.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from perf.simulation import number, write_table
from proactivebench import evaluate
from proactivebench.annotation.choosing import Asked, from_runs
from proactivebench.annotation.forecast import effective
from proactivebench.annotation.precision import Expected, agreement, half_width
from proactivebench.annotation.runs import Answered, read_runs
from proactivebench.scoring.prediction_powered import Stratum, estimate
from proactivebench.scoring.registry import metric_for

PER_STRATUM = 40
OFFERING = (0.4, 0.5, 0.7)  # share of moments at which a run offers
ACCEPTED, ICC, JUDGE = (0.4, 0.67), (0.05, 0.08), 0.66

Key = tuple[str, int, str | None]  # trace, turn, offer; None: the need


@dataclass
class People:
    """What people and judge say of each offer and each need, made up when it is first asked."""

    random: np.random.Generator
    shares: dict[tuple[str, bool], float] = field(default_factory=dict)
    said: dict[Key, tuple[float, float]] = field(default_factory=dict)

    def answer(self, key: Key) -> tuple[float, float]:
        """People's answer and the judge's, 1 or 0."""
        if key not in self.said:
            silent = key[2] is None
            size = 1 / ICC[silent] - 1
            share = self.shares.setdefault(
                (key[0], silent), self.random.beta(ACCEPTED[silent] * size, (1 - ACCEPTED[silent]) * size)
            )
            person = float(self.random.random() < share)
            self.said[key] = person, person if self.random.random() < JUDGE else 1 - person
        return self.said[key]


def report(runs: int, seed: int) -> Iterator[str]:
    """The table, row by row."""
    yield "# Runs that share moments\n"
    yield (
        f"Three runs in one job, {PER_STRATUM} offers and {PER_STRATUM} silences drawn of each: labels that settle\n"
        "answers of the run (offers, silences), half of the 95 % interval of F1 as it is promised, as it would be\n"
        "without the others, and as it came out (means), and how often it holds the F1 of people's shares.\n"
    )
    yield "| share of offers | labels | promised | without the others | came out | coverage |"
    yield "|---|---:|---:|---:|---:|---:|"
    with TemporaryDirectory() as folder:
        for share in OFFERING:
            path, args = Path(folder, str(share)), {"p": share}
            evaluate("random", "proactivebench_sample", output_path=path, model_args=args, predict_only=True)
        answered = read_runs([Path(folder, str(share)) for share in OFFERING])
    random = np.random.default_rng(seed)
    found: dict[str, list[tuple[float, ...]]] = {one.run.name: [] for one in answered}
    for job in range(runs):
        asked, people = from_runs(answered, PER_STRATUM, job, None, None), People(random)
        for one in answered:
            found[one.run.name].append(_outcome(one, asked, people))
    for share, rows in zip(OFFERING, found.values(), strict=True):
        offers, silences, *figures = np.nanmean(np.array(rows), axis=0)
        yield f"| {share} | {offers:.0f}, {silences:.0f} | {' | '.join(map(number, figures))} |"


def _outcome(one: Answered, asked: Asked, people: People) -> tuple[float, ...]:
    places = {item.item_id: (item.trace_id, item.turn) for item in asked.items}
    chances = {
        (*places[source.item_id], source.offer_id is None): source.probability
        for source in asked.sources
        if source.run == one.run.name
    }
    strata = [_stratum(one, chances, people, silent=silent) for silent in (False, True)]
    expected = [
        Expected(np.bincount(stratum.trace).tolist(), share, agreement(JUDGE, JUDGE, share), icc)
        for stratum, share, icc in zip(strata, ACCEPTED, ICC, strict=True)
    ]
    worth = [effective([chance for key, chance in chances.items() if key[2] is silent]) for silent in (False, True)]
    interval = estimate(metric_for("f1"), *strata).interval or (np.nan, np.nan)
    offers, silences = (one.size for one in expected)
    truth = 2 * offers * ACCEPTED[0] / (offers + offers * ACCEPTED[0] + silences * (1 - ACCEPTED[1]))
    return (
        *(float(stratum.labelled.sum()) for stratum in strata),
        half_width(expected[0], expected[1], *worth),
        half_width(expected[0], expected[1], PER_STRATUM),
        (interval[1] - interval[0]) / 2,
        float(interval[0] <= truth <= interval[1]),
    )


def _stratum(one: Answered, chances: dict[tuple[str, int, bool], float], people: People, *, silent: bool) -> Stratum:
    names = [trace.trace_id for trace in one.task.traces]
    said = [each for each in one.said if (each.text is None) is silent]
    answers = [people.answer((each.trace_id, each.turn, each.text)) for each in said]
    weights = np.array([1 / chances.get((each.trace_id, each.turn, silent), np.nan) for each in said])
    person = np.array([people for people, _ in answers])
    return Stratum(
        trace=np.array([names.index(each.trace_id) for each in said]),
        verdict=np.array([judge for _, judge in answers]),
        person=np.where(np.isnan(weights), np.nan, person),
        weight=weights,
    )


if __name__ == "__main__":
    write_table("shared_moments", __doc__, 300, "jobs", report)
