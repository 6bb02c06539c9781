"""How often metrics corrected for a judge's errors hold the truth, by measured error rates and by people's labels.

python -m perf.correction --runs 500 --output_path perf/results/correction.md
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from perf.simulation import Floats, Truth, draw_shares, draw_tables, widened, write_table
from proactivebench.records import ErrorCount, JudgeErrors
from proactivebench.scoring.correction import correct
from proactivebench.scoring.prediction_powered import Stratum, estimate
from proactivebench.scoring.registry import METRICS

TRUTH = Truth((95, 67, 50, 15))
TRACES, RHO = 12, 0.05
SHOWN = ("f1", "precision", "recall")
JUDGES = ((0.75, 0.8), (0.9, 0.85), (0.97, 0.95))  # sensitivity, specificity
ITEMS = (30, 120)  # validation items a class
LABELLED = (60, 120)  # people's labels on a run of 227
FEWEST = 50  # intervals a coverage is stated from

Rates = tuple[tuple[float, float], tuple[float, float]]  # sensitivity and specificity on offers, and on silences
MEASURED, ITEMS_MEASURED = (0.95, 0.85), 120
FALLEN = (0.85, 0.75, 0.65, 0.50)  # what the specificity is on the agent of the run
LEXICAL: Rates = ((331 / 504, 634 / 943), (116 / 179, 82 / 123))  # as its card has them
GROUNDED: Rates = ((0.97, 0.1), LEXICAL[1])  # on an agent that repeats what it saw: nearly all of it is accepted


def judged(random: np.random.Generator, people: Floats, rates: Rates) -> Floats:
    """What a judge with these error rates makes of tables that people decided: (traces, 4)."""
    tp, fp, tn, fn = people.astype(np.int64).T
    (keep_tp, reject_fp), (keep_tn, reject_fn) = rates
    kept_tp, kept_tn = random.binomial(tp, keep_tp), random.binomial(tn, keep_tn)
    false_tp, false_tn = random.binomial(fp, 1 - reject_fp), random.binomial(fn, 1 - reject_fn)
    accepted, right = kept_tp + false_tp, kept_tn + false_tn
    return np.stack([accepted, tp + fp - accepted, right, tn + fn - right], axis=1).astype(np.float64)


def by_errors(
    random: np.random.Generator, runs: int, measured: Rates, actual: Rates, items: int, *, same: bool = True
) -> list[float]:
    """Coverage of the interval of each shown metric, and the share of runs that were refused: of a judge with the rates
    `measured` on so many `items` a class, and `actual` ones on the run. `same` is whether the items are stated to be of
    the run's population."""
    held, given = np.zeros(len(SHOWN)), 0
    people = draw_tables(random, draw_shares(random, TRUTH, RHO, runs, TRACES))
    for run in people:
        counts = [
            ErrorCount(correct=int(random.binomial(items, rate)), items=items) for pair in measured for rate in pair
        ]
        errors = JudgeErrors(
            judge_hash="simulated", population="simulated", same_population=same,
            correct_detection=counts[0], false_alarm=counts[1], correct_rejection=counts[2], missed_need=counts[3],
        )  # fmt: skip
        table = widened(judged(random, run, actual))
        found = correct(table, errors, judge_hash="simulated", draws=4000, seed=int(random.integers(2**31)))
        if found.refused:
            continue
        given += 1
        held += [_holds(found.metrics[key].interval, TRUTH.value(key)) for key in SHOWN]
    return [*_coverage(held, np.full(len(SHOWN), given)), 1 - given / runs]


def by_people(
    random: np.random.Generator, runs: int, sensitivity: float, specificity: float, labelled: int
) -> list[float]:
    """The same with people's labels on a random part of each run; strata with fewer than 30 labels are refused."""
    held, given = np.zeros(len(SHOWN)), np.zeros(len(SHOWN))
    people = draw_tables(random, draw_shares(random, TRUTH, RHO, runs, TRACES))
    for run in people:
        offers, silences = (_stratum(random, run[:, pair], sensitivity, specificity) for pair in ((0, 1), (2, 3)))
        kept = np.zeros(len(offers.verdict) + len(silences.verdict), dtype=bool)
        kept[random.choice(len(kept), labelled, replace=False)] = True
        offers.person[~kept[: len(offers.verdict)]] = np.nan
        silences.person[~kept[len(offers.verdict) :]] = np.nan
        for place, key in enumerate(SHOWN):
            if offers.refusal("offers") or (key != "precision" and silences.refusal("silences")):
                continue
            interval = estimate(METRICS[key], offers, silences).interval
            if interval is not None:
                given[place] += 1
                held[place] += _holds(interval, TRUTH.value(key))
    return [*_coverage(held, given), 1 - float(given.min()) / runs]


def _coverage(held: Floats, given: Floats) -> Floats:
    """Share of the given intervals that hold the truth; not a number where too few are given to tell."""
    return np.where(given >= FEWEST, held / np.maximum(given, 1), np.nan)


def _stratum(random: np.random.Generator, run: Floats, sensitivity: float, specificity: float) -> Stratum:
    counts = run.astype(np.int64)
    trace = np.repeat(np.arange(len(counts)), counts.sum(axis=1))
    person = np.concatenate([[1.0] * right + [0.0] * wrong for right, wrong in counts.tolist()])
    accepts = random.random(len(person)) < np.where(person == 1, sensitivity, 1 - specificity)
    return Stratum(trace, accepts.astype(np.float64), person)


def _holds(interval: tuple[float, float] | None, value: float) -> bool:
    return interval is not None and interval[0] <= value <= interval[1]


def report(runs: int, seed: int) -> Iterator[str]:
    """The tables, line by line, as Markdown."""
    random = np.random.default_rng(seed)
    yield f"| method | judge s, c | people's items | {' | '.join(SHOWN)} | refused |"
    yield "|---|---|---|" + "---|" * (len(SHOWN) + 1)
    for judge in JUDGES:
        for items in ITEMS:
            found = by_errors(random, runs, (judge, judge), (judge, judge), items)
            yield _row("judge errors", "{:g}, {:g}".format(*judge), f"{items} a class", *map(_shown, found))
        for labelled in LABELLED:
            found = by_people(random, runs, *judge, labelled)
            yield _row("prediction powered", "{:g}, {:g}".format(*judge), f"{labelled} labels", *map(_shown, found))
    yield ""
    yield "Where the judge errs otherwise on the agent of the run than where it was measured: what the intervals would"
    yield "cover if its items were said to be of the run's population, how often that is refused all the same, and last"
    yield "what happens to them as items of another agent, which are another population."
    yield ""
    yield f"| measured s, c | on the run | {' | '.join(SHOWN)} | refused: impossible | refused: other population |"
    yield "|---|---|" + "---|" * (len(SHOWN) + 2)
    both = (MEASURED, MEASURED)
    cases = [(both, ((MEASURED[0], c), (MEASURED[0], c)), f"{MEASURED[0]:g}, {c:g}") for c in FALLEN]
    for measured, actual, said in [*cases, (LEXICAL, GROUNDED, "0.97, 0.1 (a grounded agent's offers)")]:
        claimed = by_errors(random, runs, measured, actual, ITEMS_MEASURED)
        honest = by_errors(random, max(1, runs // 10), measured, actual, ITEMS_MEASURED, same=False)
        name = "lexical's" if measured is LEXICAL else "{:g}, {:g}".format(*MEASURED)
        yield _row(name, said, *map(_shown, claimed), "–" if measured == actual else _shown(honest[-1]))


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _shown(share: float) -> str:
    return "–" if np.isnan(share) else f"{share:.3f}"


if __name__ == "__main__":
    write_table("correction", __doc__, 500, "runs a row", report)
