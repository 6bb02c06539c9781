"""Measuring a judge against people's labels, beside its anchors, under both need rules."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from datetime import UTC, datetime

import numpy as np

from proactivebench.judging import Judge, Opinion
from proactivebench.judging.personal import fitted_shift, logit
from proactivebench.records import Design, JudgeErrors, JudgeIdentity, NeedRule, Thresholds, VerdictStatus
from proactivebench.together import together
from proactivebench.validation.agreement import krippendorff_alpha
from proactivebench.validation.anchors import Lookup, accept_everything, one_human, rated
from proactivebench.validation.ceiling import ceiling_or_why
from proactivebench.validation.design import whole_standing
from proactivebench.validation.figures import Ratings, error_count, figures
from proactivebench.validation.items import Category, ValidationItem
from proactivebench.validation.people import RELEASED, LabelSet
from proactivebench.validation.result import Block, Validation

ALL, OFFICIAL = "all 1,749 labelled items", "the official 120 test items"
BATCH = 64

Opinions = Sequence[Opinion | None]
Progress = Callable[[int, int], None]


async def ask(judge: Judge, items: Sequence[ValidationItem], progress: Progress | None = None) -> list[Opinion | None]:
    """The judge's opinions on all items, in order; `progress` hears (done, of)."""
    opinions: list[Opinion | None] = []
    for start in range(0, len(items), BATCH):
        asked = [item.item for item in items[start : start + BATCH]]
        if judge.lockstep:
            opinions += await judge.judge(asked)
        else:  # each by itself, so that a cache has every opinion as it comes
            for found in await together(judge.judge([item]) for item in asked):
                opinions += found
        if progress is not None:
            progress(len(opinions), len(items))
    return opinions


async def validate(
    judge: Judge,
    labels: LabelSet,
    *,
    command: str,
    official_only: bool = False,
    leaked: Judge | None = None,
    progress: Progress | None = None,
) -> Validation:
    """Measure `judge` on people's labels by every rule of need they have: on all of them, of the release's with the
    official test items apart, or on these alone. Sessions that its declared training data share are left out where
    others remain. `leaked` is the same judge trained on the release's training file, whose figures on the test file
    stand under a heading that says so. Raises `DataError` where declared training data cannot be read."""
    judge.hear(labels.ballots)
    known = whole_standing(judge, labels)
    every = len(labels.items)
    labels = labels.without(known.seen) if known.design != "leaked" else labels
    official = [item for item in labels.items if item.row.file == "test"]
    items = official if official_only else list(labels.items)
    population = OFFICIAL if official_only else population_of(labels, every)
    began = time.perf_counter()
    opinions = await ask(judge, items, progress)
    wall = time.perf_counter() - began
    blocks = [
        judged_block(judge.identity, *_under(rule, items, opinions), rule, known.design, labels.name, population)
        for rule in labels.rules
    ]
    if official and not official_only:
        kept = [(item, said) for item, said in zip(items, opinions, strict=True) if item.row.file == "test"]
        said = [opinion for _, opinion in kept]
        blocks.append(
            judged_block(judge.identity, official, said, NeedRule.UNANIMOUS, known.design, labels.name, OFFICIAL)
        )
    if leaked is not None and official:
        said = await ask(leaked, official)
        blocks.append(judged_block(leaked.identity, official, said, NeedRule.UNANIMOUS, "leaked", RELEASED, OFFICIAL))
    reach, no_ceiling = ceiling_or_why(labels.rows)
    return Validation(
        judge=judge.identity,
        date=datetime.now(UTC).date().isoformat(),
        data=labels.name,
        data_hash=labels.hash,
        command=command,
        blocks=(*blocks, *anchor_blocks(labels, items, official, population)),
        annotators=annotators(items),
        people=labels.data,
        left_out=len(known.seen) if known.design != "leaked" else 0,
        ceiling=reach,
        no_ceiling=no_ceiling,
        seconds_per_verdict=mean_latency(opinions) or wall / len(items),
        tokens_per_verdict=mean_tokens(opinions),
    )


def population_of(labels: LabelSet, every: int) -> str:
    """Which of `every` labelled items these are, in words."""
    if labels.data is None and len(labels.items) == every:
        return ALL
    return (
        f"all {every:,} labelled items" if len(labels.items) == every else f"{len(labels.items):,} of {every:,} items"
    )


def _under(
    rule: NeedRule, items: Sequence[ValidationItem], opinions: Opinions
) -> tuple[list[ValidationItem], list[Opinion | None]]:
    """The items of which a rule says anything, and the opinions on them."""
    kept = [(item, said) for item, said in zip(items, opinions, strict=True) if item.applies(rule)]
    return [item for item, _ in kept], [said for _, said in kept]


def judged_block(
    judge: JudgeIdentity,
    items: Sequence[ValidationItem],
    opinions: Opinions,
    rule: NeedRule,
    design: Design,
    data: str,
    population: str,
) -> Block:
    """A judge's figures from its opinions on the labels called `data`."""
    ratings = ratings_of(items, opinions, rule)
    causes = Counter(said.cause or "unknown" for said in opinions if said and said.status is VerdictStatus.UNSCORED)
    return Block(
        rater=judge.name,
        design=design,
        leaked=design == "leaked",
        population=population,
        rule=rule,
        items=len(items),
        unscored_share=float(np.isnan(ratings.verdict).mean()),
        causes=dict(causes),
        figures=figures(ratings),
        errors=JudgeErrors(
            judge_hash=judge.hash,
            correct_detection=error_count(ratings, Category.CORRECT_DETECTION),
            false_alarm=error_count(ratings, Category.FALSE_ALARM),
            correct_rejection=error_count(ratings, Category.CORRECT_REJECTION),
            missed_need=error_count(ratings, Category.MISSED_NEED),
            leaked=design in ("leaked", "unknown"),
            population=f"{data}: {population}",
        ),
        thresholds=thresholds_of(judge, items, opinions, data),
    )


def thresholds_of(
    judge: JudgeIdentity, items: Sequence[ValidationItem], opinions: Opinions, data: str
) -> Thresholds | None:
    """How much readier to accept than the judge expects each person is who voted on these offers: a pseudonym, or a
    place among the votes of a trace. None where it gives no probabilities, or goes by people's votes itself."""
    if judge.card.get("kind") == "personal":
        return None
    scores: dict[Hashable, list[float]] = {}
    votes: dict[Hashable, list[bool]] = {}
    for item, said in zip(items, opinions, strict=True):
        if item.row.pred_task is None or said is None or said.probability is None:
            continue
        names = item.row.annotators or [(item.trace, place) for place in range(len(item.row.votes))]
        for name, vote in zip(names, item.row.votes, strict=True):
            scores.setdefault(name, []).append(logit(said.probability))
            votes.setdefault(name, []).append(vote)
    if not scores:
        return None
    shifts = sorted(round(fitted_shift(scores[name], votes[name]), 3) for name in scores)
    return Thresholds(people=f"{len(shifts)} people of the {data}", shifts=tuple(shifts))


def ratings_of(items: Sequence[ValidationItem], opinions: Opinions, rule: NeedRule) -> Ratings:
    """Opinions as ratings; no opinion counts as unscored."""
    verdicts = [
        None if o is None or o.status is VerdictStatus.UNSCORED else o.status is VerdictStatus.ACCEPTED
        for o in opinions
    ]
    bare = rated(items, verdicts, rule)
    stated = [np.nan if o is None or o.probability is None else o.probability for o in opinions]
    return Ratings(bare.category, bare.verdict, np.array(stated, dtype=float), bare.trace)


def anchor_blocks(
    labels: LabelSet, items: Sequence[ValidationItem], official: Sequence[ValidationItem], population: str
) -> list[Block]:
    """What stands beside every judge: no judgement at all, one human, and of the release's labels the leak."""
    rule = labels.rules[0]
    human = one_human(items)
    blocks = [
        _anchor(
            "accept everything",
            accept_everything([item for item in items if item.applies(one)], one),
            one,
            population,
            "direct",
        )
        for one in labels.rules
    ]
    if len(human.verdict):
        blocks.append(_anchor("one human (offers, against two who agree)", human, rule, population, "direct"))
    if labels.data is not None:
        return blocks
    lookup = Lookup(row for row in labels.rows if row.file == "train")
    for name, decide in (("lookup: any sibling accepted", lookup.by_sibling), ("lookup: need alone", lookup.by_need)):
        found = rated(official, [decide(item.row) for item in official], rule)
        blocks.append(_anchor(f"{name}, from the training file", found, rule, OFFICIAL, "leaked"))
    return blocks


def _anchor(name: str, ratings: Ratings, rule: NeedRule, population: str, design: Design) -> Block:
    return Block(
        rater=name,
        design=design,
        leaked=design == "leaked",
        population=population,
        rule=rule,
        items=len(ratings.verdict),
        unscored_share=float(np.isnan(ratings.verdict).mean()) if len(ratings.verdict) else 0.0,
        figures={name: figure for name, figure in figures(ratings).items() if figure.value is not None},
    )


def annotators(items: Sequence[ValidationItem]) -> dict[str, float | None]:
    """How far people agree among themselves: Krippendorff's α of their votes."""
    offers = [item.row.votes for item in items if item.row.pred_task is not None]
    silences = [item.row.votes for item in items if item.row.pred_task is None]
    return {
        "alpha_offers": krippendorff_alpha(offers),
        "alpha_offers_three_votes": krippendorff_alpha([votes for votes in offers if len(votes) == 3]),
        "alpha_silences": krippendorff_alpha(silences),
    }


def mean_latency(opinions: Opinions) -> float | None:
    """Seconds a verdict took, where requests state it."""
    return _mean([said.latency_s for said in opinions if said is not None])


def mean_tokens(opinions: Opinions) -> float | None:
    """Tokens a verdict took, where usage is stated."""
    return _mean([_tokens(said) for said in opinions if said is not None])


def _tokens(opinion: Opinion) -> float | None:
    if opinion.usage is None:
        return None
    return float((opinion.usage.prompt_tokens or 0) + (opinion.usage.completion_tokens or 0))


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None
