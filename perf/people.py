"""How often intervals from people's labels hold the truth, on the released models' answers, and how wide they come out.

PROACTIVEBENCH_MIRROR=… python -m perf.people --runs 400 --output_path perf/results/people.md

Each simulated run is the answers of one of the released models on twelve traces drawn with replacement from its twelve.
Verdicts are the lexical judge's. People accept an answer with the chance σ(a + d): d ~ N(0, 1.2²) is the person's, a
the answer's, of which the judge's own score, the trace and the answer itself have a part, so that single votes have a
consistency (ICC) of .24 on the logit scale and a trace holds .05 of the variance together. Twelve people label, each
answer one or three of them, answers drawn at random of each stratum.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from perf.simulation import Floats, number, widened, write_table
from proactivebench.annotation.forecast import ACCEPTED_ON_RELEASE, ICC
from proactivebench.annotation.precision import Expected, agreement, half_width
from proactivebench.evaluation import run_async
from proactivebench.preparation import Settings, prepare
from proactivebench.records import ItemStratum, VerdictStatus
from proactivebench.scoring.prediction_powered import Stratum, estimate
from proactivebench.scoring.registry import METRICS
from proactivebench.traces.answers import released_models
from proactivebench.traces.benchmark import PUBLISHED

SHOWN = ("f1", "precision", "recall", "balanced_accuracy")
LABELS, VOTES, TRACES, PEOPLE = (30, 60, 120), (1, 3), 12, 12
PANELS = (3, 12, 40)
POOLED = 3  # runs whose answers are drawn together
# Variances on the logit scale: of people (METRICS.md section 6), of a logistic vote, and of answers, in three parts.
_PEOPLE, _VOTE, _TRACE, _SCORE = 1.2**2, np.pi**2 / 3, 0.31, 0.25
_ITEM = 0.24 / 0.76 * (_PEOPLE + _VOTE) - _TRACE - _SCORE
_NODES, _WEIGHTS = np.polynomial.hermite_e.hermegauss(21)
_WEIGHTS = _WEIGHTS / _WEIGHTS.sum()
# The lexical judge against people, as its card has it: sensitivity and specificity on offers, on silences.
LEXICAL = ((331 / 504, 634 / 943), (116 / 179, 82 / 123))

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Answered:
    """A run's answers, one a moment: the trace and the moment of each, whether it is an offer, what the judge says of
    it (1 or 0) and how sure it is (logit, standardised within offers and silences); equal `text` reads the same."""

    name: str
    trace: Ints
    moment: Ints
    offer: Bools
    verdict: Floats
    score: Floats
    text: Ints

    @property
    def centre(self) -> Floats:
        """The mean of an answer's logit without its trace's and its own part: people accept .39 of offers, and want no
        help at .67 of silences, as on the release."""
        shares = np.where(self.offer, *(ACCEPTED_ON_RELEASE[stratum] for stratum in ItemStratum))
        widened_by = np.sqrt(1 + np.pi / 8 * (_PEOPLE + _TRACE + _SCORE + _ITEM))  # logistic-normal: MacKay's 1 + πσ²/8
        found: Floats = np.log(shares / (1 - shares)) * widened_by + np.sqrt(_SCORE) * self.score
        return found

    def on(self, traces: Ints) -> Answered:
        """The answers on these traces, each a trace of its own."""
        places = [np.flatnonzero(self.trace == trace) for trace in traces]
        at = np.concatenate(places)
        return replace(
            self,
            trace=np.repeat(np.arange(len(traces)), list(map(len, places))),
            moment=np.concatenate([self.moment[own] + 10_000 * new for new, own in enumerate(places)]),
            **{name: getattr(self, name)[at] for name in ("offer", "verdict", "score", "text")},
        )


def released_runs(folder: Path) -> list[Answered]:
    """The stored answers of every released model there is, under the lexical judge."""
    texts: dict[str, int] = {}
    found = []
    for model in released_models():
        settings = Settings(model="replay", model_args={"released": model}, tasks=PUBLISHED, judge="lexical")
        evaluation = prepare(settings)
        store = run_async(evaluation.run(folder / model))
        (judge,) = store.judge_ids()
        verdicts = {(verdict.trace_id, verdict.turn): verdict for verdict in store.iter_verdicts(judge)}
        replies = {(reply.trace_id, reply.turn): reply for reply in store.iter_replies()}
        names = [trace.trace_id for trace in evaluation.task.traces]
        rows = [
            (
                names.index(trace.trace_id),
                turn,
                bool(reply.proposals),
                float(verdict.status is VerdictStatus.ACCEPTED),
                float(np.clip(verdict.probability or 0.5, 0.02, 0.98)),
                texts.setdefault(" ".join(reply.proposals[0].split()) if reply.proposals else "", len(texts)),
            )
            for trace in evaluation.task.traces
            for turn in range(len(trace.events))
            if (key := (trace.trace_id, turn)) in verdicts
            for reply, verdict in [(replies[key], verdicts[key])]
        ]
        found.append(answered(model, *(np.array(column) for column in zip(*rows, strict=True))))
    return found


def answered(
    name: str, trace: Ints, turn: Ints, offer: Bools, verdict: Floats, probability: Floats, text: Ints
) -> Answered:
    """A run by its columns; `probability` is the judge's that people accept."""
    score = np.log(probability / (1 - probability))
    for stratum in (offer, ~offer):
        if stratum.any():
            score[stratum] = (score[stratum] - score[stratum].mean()) / (score[stratum].std() or 1.0)
    return Answered(name, trace, 1000 * trace + turn, offer, verdict, score, text)


# --- people -----------------------------------------------------------------------------------------------------------


def accepting(logit: Floats, people: Floats, votes: int) -> Floats:
    """The chance that most of `votes` different people, drawn of these, accept an answer; last axis of `logit` kept."""
    single = 1 / (1 + np.exp(-(logit[..., None] + people)))
    first, second, third = (np.sum(single**power, axis=-1) for power in (1, 2, 3))
    count = len(people)
    if votes == 1:
        return np.asarray(first / count)
    pairs = (first**2 - second) / (count * (count - 1))
    triples = (first**3 - 3 * first * second + 2 * third) / (count * (count - 1) * (count - 2))
    return np.asarray(3 * pairs - 2 * triples)


def truth(run: Answered, people: Floats, votes: int) -> dict[str, float]:
    """The metrics the run would have on no end of traces like its own if these people labelled everything."""
    spread = np.sqrt(_TRACE + _ITEM)
    side = np.where(run.offer, 1.0, -1.0)  # who accepts more offers wants help more often
    shares = np.zeros(len(run.offer))
    for node, weight in zip(_NODES, _WEIGHTS, strict=True):
        logit = run.centre + spread * node
        for sign in (1.0, -1.0):
            own = side == sign
            shares[own] += weight * accepting(logit[own], sign * people, votes)
    return _metrics(run, shares)


def _metrics(run: Answered, shares: Floats) -> dict[str, float]:
    offers, silences = shares[run.offer], shares[~run.offer]
    cells = np.array([offers.sum(), (1 - offers).sum(), silences.sum(), (1 - silences).sum()])
    counts, found = widened(cells), {}
    for key in SHOWN:
        measure = METRICS[key].measure
        assert measure is not None
        found[key] = float(measure(counts))
    return found


def labelled(random: np.random.Generator, run: Answered, people: Floats, votes: int) -> Floats:
    """What most of `votes` people say of every answer, each asked of different ones of these."""
    logit = run.centre + np.sqrt(_TRACE) * random.standard_normal(TRACES)[run.trace]
    logit = logit + np.sqrt(_ITEM) * random.standard_normal(len(logit))
    asked = random.random((len(logit), len(people))).argpartition(votes - 1, axis=1)[:, :votes]
    side = np.where(run.offer, 1.0, -1.0)
    chance = 1 / (1 + np.exp(-(logit[:, None] + side[:, None] * people[asked])))
    said: Floats = (2 * (random.random(chance.shape) < chance).sum(axis=1) > votes).astype(np.float64)
    return said


# --- samples ----------------------------------------------------------------------------------------------------------


def alone(random: np.random.Generator, runs: Sequence[Answered], labels: int) -> Floats:
    """The chance of each answer of the first run that is drawn, NaN of the others: so many of each stratum."""
    run = runs[0]
    chance = np.full(len(run.offer), np.nan)
    for stratum in (run.offer, ~run.offer):
        places = np.flatnonzero(stratum)
        drawn = random.choice(places, min(labels, len(places)), replace=False)
        chance[drawn] = min(labels, len(places)) / max(1, len(places))
    return chance


def pooled(random: np.random.Generator, runs: Sequence[Answered], labels: int) -> Floats:
    """The same where so many of each stratum of several runs are drawn and pooled: a silence is labelled where any
    answer at its moment is drawn, an offer where one that reads the same is; whatever was drawn is drawn apart."""
    run = runs[0]
    missed, labelled_at = np.ones(len(run.offer)), np.zeros(len(run.offer), dtype=bool)
    for other in runs:
        place = {moment: at for at, moment in enumerate(other.moment.tolist())}
        there = np.array([place.get(moment, -1) for moment in run.moment.tolist()])
        for offers in (True, False):
            stratum = np.flatnonzero(other.offer == offers)
            share = min(labels, len(stratum)) / max(1, len(stratum))
            drawn = np.zeros(len(other.offer), dtype=bool)
            drawn[random.choice(stratum, min(labels, len(stratum)), replace=False)] = True
            same = (there >= 0) & (other.offer[there] == offers)
            same &= ~run.offer | (other.text[there] == run.text)
            missed[same] *= 1 - share
            labelled_at |= same & drawn[there]
    return np.where(labelled_at, 1 - missed, np.nan)


Drawing = Callable[[np.random.Generator, Sequence[Answered], int], Floats]


@dataclass(frozen=True)
class Came:
    """One simulated run: the interval of each metric, the truth of the people who labelled and that of people at
    large, and the half-width of F1 as `annotate prepare` would promise it."""

    intervals: Mapping[str, tuple[float, float]]
    these: Mapping[str, float]
    promised: float


def simulate(
    random: np.random.Generator,
    runs: Sequence[Answered],
    labels: int,
    votes: int,
    *,
    people: int = PEOPLE,
    drawing: Drawing = alone,
) -> Came:
    """Draw traces, people and labels for the first of `runs`, and estimate."""
    traces, thresholds = random.integers(0, TRACES, TRACES), np.sqrt(_PEOPLE) * random.standard_normal(people)
    here = [run.on(traces) for run in runs]
    said, chance = labelled(random, here[0], thresholds, votes), drawing(random, here, labels)
    strata, expected = [], []
    for offers, stratum in ((True, ItemStratum.OFFERS), (False, ItemStratum.SILENCES)):
        own = here[0].offer == offers
        person = np.where(np.isnan(chance[own]), np.nan, said[own])
        known = chance[own]
        weight = np.nanmin(known) / known if not np.isnan(known).all() else None
        strata.append(Stratum(here[0].trace[own], here[0].verdict[own], person, weight=weight))
        sizes = np.bincount(here[0].trace[own], minlength=TRACES).tolist()
        share = ACCEPTED_ON_RELEASE[stratum]
        worth = agreement(*LEXICAL[stratum is ItemStratum.SILENCES], share)
        expected.append(Expected(sizes, share, worth, ICC[stratum]))
    shown = () if strata[0].refusal("offers") else SHOWN[1:2] if strata[1].refusal("silences") else SHOWN
    found = {key: estimate(METRICS[key], *strata).interval for key in shown}
    return Came(
        intervals={key: interval for key, interval in found.items() if interval is not None},
        these=truth(runs[0], thresholds, votes),
        promised=half_width(expected[0], expected[1], labels),
    )


@dataclass
class Tally:
    """What several simulated runs come to."""

    held: Floats
    given: Floats
    promised: list[float]
    came: list[float]

    @classmethod
    def empty(cls) -> Tally:
        """Nothing yet."""
        return cls(np.zeros(len(SHOWN)), np.zeros(len(SHOWN)), [], [])

    def add(self, came: Came, wanted: Mapping[str, float]) -> None:
        """Count a run's intervals that hold what is `wanted`."""
        for place, key in enumerate(SHOWN):
            if key in came.intervals:
                low, high = came.intervals[key]
                self.given[place] += 1
                self.held[place] += low <= wanted[key] <= high
        if "f1" in came.intervals:
            low, high = came.intervals["f1"]
            self.promised.append(came.promised)
            self.came.append((high - low) / 2)

    @property
    def coverage(self) -> Floats:
        """Share of the given intervals that hold it."""
        found: Floats = np.where(self.given > 0, self.held / np.maximum(1, self.given), np.nan)
        return found


def tallied(
    random: np.random.Generator,
    runs: Sequence[Answered],
    count: int,
    labels: int,
    votes: int,
    *,
    people: int = PEOPLE,
    drawing: Drawing = alone,
    at_large: Mapping[str, Mapping[str, float]] | None = None,
) -> Tally:
    """So many simulated runs, the models in turn, each with the next ones beside it. `at_large` is what people at large
    would say of each model; by default the truth is that of the people who labelled."""
    tally = Tally.empty()
    for place in range(count):
        together = [runs[(place + beside) % len(runs)] for beside in range(POOLED)]
        came = simulate(random, together, labels, votes, people=people, drawing=drawing)
        tally.add(came, came.these if at_large is None else at_large[together[0].name])
    return tally


def report(runs: int, seed: int) -> Iterator[str]:
    """The tables, line by line, as Markdown."""
    random = np.random.default_rng(seed)
    with tempfile.TemporaryDirectory() as folder:
        models = released_runs(Path(folder))
    few = sum(0 < (~run.offer).sum() < LABELS[0] for run in models)
    yield "# Labels of people\n"
    yield (
        f"The answers of {len(models)} released models; {few} of them are silent too seldom for {LABELS[0]} labels\n"
        "and get a corrected precision alone. Coverage of the 95 % intervals that there are; the truth is what the\n"
        "people who labelled would say of no end of traces. Pooled: three models are drawn together, and each answer\n"
        "weighs by its chance of being labelled.\n"
    )
    yield f"| labels a stratum | votes an answer | weights | {' | '.join(SHOWN)} | runs with an F1 |"
    yield f"|---:|---:|---|{'---:|' * (len(SHOWN) + 1)}"
    widths = {}
    for labels in LABELS:
        for votes in VOTES:
            for word, drawing in (("equal", alone), ("pooled", pooled)):
                found = tallied(random, models, runs, labels, votes, drawing=drawing)
                cells = " | ".join(map(number, found.coverage))
                yield f"| {labels} | {votes} | {word} | {cells} | {found.given[0]:.0f} |"
                widths[labels, votes, word] = found
    yield (
        "\n## The half-width of F1 that `annotate prepare` promises\n\n"
        "Means of what is promised before anybody has labelled (with the release's shares and correlations, and the\n"
        "lexical judge's measured errors) and of what comes out.\n"
    )
    yield "| labels a stratum | votes an answer | promised | came out | promised ÷ came out |"
    yield "|---:|---:|---:|---:|---:|"
    for (labels, votes, word), found in widths.items():
        if word == "equal":
            said, came = float(np.mean(found.promised)), float(np.mean(found.came))
            yield f"| {labels} | {votes} | {said:.3f} | {came:.3f} | {said / came:.2f} |"
    yield (
        "\n## Who labels\n\n"
        "The interval is over traces, not over people. Coverage of F1 where the truth is what the people who\n"
        "labelled would say, and where it is what people at large would say;\n"
        f"{LABELS[1]} labels a stratum, one vote an answer.\n"
    )
    yield "| people who label | truth: these people | truth: people at large |"
    yield "|---:|---:|---:|"
    crowd = np.sqrt(_PEOPLE) * np.random.default_rng(1).standard_normal(2_000)
    at_large = {run.name: truth(run, crowd, 1) for run in models}
    for people in PANELS:
        these = tallied(random, models, runs, LABELS[1], 1, people=people).coverage[0]
        large = tallied(random, models, runs, LABELS[1], 1, people=people, at_large=at_large).coverage[0]
        yield f"| {people} | {these:.3f} | {large:.3f} |"


if __name__ == "__main__":
    write_table("people", __doc__, 400, "labelled runs a row", report)
