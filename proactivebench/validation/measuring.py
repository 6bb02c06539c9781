"""From unmeasured to measured: a judge answers a fixed sample of people's labels before it judges, and the paper's own
judge the official items its fingerprint is taken from."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import chain

from proactivebench.errors import InvalidRun, UsageError
from proactivebench.judging.base import Estimate, Judge, started
from proactivebench.judging.kept import keep, kept_fingerprints, kept_measured
from proactivebench.judging.lexical.training import items_hash
from proactivebench.judging.measurement import FEWEST_ITEMS, UNPROVEN, is_paper
from proactivebench.judging.spec import STRATA
from proactivebench.records import (
    FINGERPRINT,
    Design,
    ErrorCount,
    Fingerprint,
    JudgeErrors,
    Measured,
    Stratum,
    Task,
    VerdictStatus,
)
from proactivebench.scoring.efficiency import Prices
from proactivebench.scoring.report import MOST_UNSCORED
from proactivebench.traces import labelled_items
from proactivebench.validation.design import standing
from proactivebench.validation.items import Category, ValidationItem
from proactivebench.validation.people import RELEASED, LabelSet, carries_votes, own_labels, released_labels
from proactivebench.validation.result import kept_block
from proactivebench.validation.validate import Opinions, Progress, ask, judged_block, mean_latency, mean_tokens

PER_CLASS = 60  # labelled items of each category: about ± .1 for a balanced accuracy
LEAST = 40
SEED = 0
SAMPLE = f"a fixed sample, {PER_CLASS} a class"
_CLASSES: dict[Stratum, tuple[Category, Category]] = {
    "silence": (Category.CORRECT_REJECTION, Category.MISSED_NEED),
    "proposals": (Category.CORRECT_DETECTION, Category.FALSE_ALARM),
}


@dataclass(frozen=True, slots=True)
class Asking:
    """One member that can be wrong with the labels it is to answer, and what that amounts to."""

    judge: Judge
    labels: LabelSet
    design: Design


@dataclass(frozen=True, slots=True)
class Undertaking:
    """What measuring a judge takes: each member that can be wrong with the items it is to answer, those measured
    before left out, and an estimate of the whole."""

    members: tuple[Asking, ...]
    before: tuple[Measured, ...]
    estimate: Estimate


def sample_of(labels: LabelSet, per_class: int = PER_CLASS, seed: int = SEED) -> list[ValidationItem]:
    """The fixed sample: of each category `per_class` items (all, where there are fewer) drawn without replacement, from
    one trace after the other so that all traces take part; silences by the rule that leads. The same labels and seed
    give the same sample. Raises `ValueError` below 40 a class."""
    if per_class < LEAST:
        raise ValueError(f"{per_class} items a class measure nothing: at least {LEAST}")
    chance = random.Random(seed)
    rule = labels.rules[0]
    by_class: dict[Category, dict[str, list[ValidationItem]]] = defaultdict(lambda: defaultdict(list))
    for item in labels.items:
        if item.applies(rule):
            by_class[item.category(rule)][item.trace].append(item)
    chosen = []
    for category in Category:
        traces = [by_class[category][name] for name in sorted(by_class[category])]
        for items in traces:
            chance.shuffle(items)
        chance.shuffle(traces)
        longest = max((len(items) for items in traces), default=0)
        turns = chain.from_iterable((items[n] for items in traces if n < len(items)) for n in range(longest))
        chosen += list(turns)[:per_class]
    return sorted(chosen, key=lambda item: (item.row.file, item.row.row))


def labels_for(task: Task | None, wanted: Collection[Category], say: Callable[[str], None]) -> LabelSet:
    """The labels that a judge of a run on `task` is measured on: those its own people gave, where the task carries
    votes and has 20 items in each category `wanted`, else the release's. `say` hears which, and why. Raises `DataError`
    where the release is needed and cannot be had."""
    if task is None or not carries_votes(task):
        return released_labels(labelled_items())
    own = own_labels(task, task.name)
    counts = Counter(item.category(own.rules[0]) for item in own.items if item.applies(own.rules[0]))
    few = [category for category in Category if category in wanted and counts[category] < FEWEST_ITEMS]
    if few:
        short = ", ".join(f"{counts[category]} of {category}" for category in few)
        say(
            f"the {own.name} hold {short}, and {FEWEST_ITEMS} in each category are needed: measuring on the "
            f"{RELEASED} instead"
        )
        return released_labels(labelled_items())
    if own.data is not None:
        say(f"measuring on the {own.name}: {own.data.people}, need rule {own.rules[0]}")
    return own


def undertaking(judge: Judge, task: Task | None = None, say: Callable[[str], None] = lambda _: None) -> Undertaking:
    """What `measure` would ask of `judge` for a run on `task`, by `labels_for`. Sessions that a member's declared
    training data share are left out.

    Raises `UsageError` where measuring is no use: nobody in it can be wrong, it is a baseline, or it was trained on
    these very labels; `DataError` where labels or declared training data cannot be had.
    """
    identity = judge.identity
    if is_paper(identity):
        raise UsageError(
            "the published reward model was trained on these very labels, which cannot measure it: its fingerprint "
            f"says whether it is the paper's own (proactivebench judges fingerprint); without a pass it is {UNPROVEN}"
        )
    members: dict[str, tuple[Judge, list[Stratum]]] = {}
    for stratum in STRATA:
        for decider in judge.deciders(stratum):
            members.setdefault(decider.identity.id, (decider, []))[1].append(stratum)
    if not members:
        raise UsageError("people's own votes decide, and need no measuring: leave --measure_judge out")
    if identity.baseline:
        raise UsageError(
            f"{identity.name} has a baseline among its members, which stays one however measured: name another --judge"
        )
    asked_of = {stratum for _, strata in members.values() for stratum in strata}
    labels = labels_for(task, [category for stratum in asked_of for category in _CLASSES[stratum]], say)
    rule = labels.rules[0]
    judge.hear(labels.ballots)
    open_members, before, estimate = [], [], Estimate()
    for name, (decider, strata) in members.items():
        known = standing(decider, labels)
        if known.design == "leaked":
            raise UsageError(f"{name} was trained on these very labels, which cannot measure it: name another --judge")
        sample = sample_of(labels.without(known.seen))
        items = tuple(item for item in sample if any(item.category(rule) in _CLASSES[s] for s in strata))
        asked = Asking(decider, replace(labels, items=items), known.design)
        found = next((one for one in kept_measured(decider.identity) if one.data_hash == asked.labels.hash), None)
        if found is not None and found.judge == name and found.design == known.design:
            before.append(found)
            continue
        open_members.append(asked)
        estimate = estimate.plus(decider.estimate([item.item for item in items]))
    return Undertaking(tuple(open_members), tuple(before), estimate)


async def measure(
    judge: Judge,
    plan: Undertaking,
    command: str,
    progress: Progress | None = None,
) -> tuple[Measured, ...]:
    """Measure the members of `judge` that `plan` leaves open and keep what was found; returns that and what was known
    before. `judge` is started and closed. Raises `InvalidRun` where over 2 % of a member's verdicts are unscored."""
    if not plan.members:
        return plan.before
    found = list(plan.before)
    async with started(judge):
        for asked in plan.members:
            opinions = await ask(asked.judge, asked.labels.items, progress)
            refuse_unscored(asked.judge.identity.id, opinions, len(opinions))
            one = _measured(asked, opinions, command)
            keep(one)
            found.append(one)
    return tuple(found)


def refuse_unscored(name: str, opinions: Opinions, asked: int) -> None:
    """Raise `InvalidRun` where over 2 % of the verdicts are unscored: nothing is measured by what was not said."""
    causes = Counter(
        (said.cause if said else None) or "no opinion"
        for said in opinions
        if said is None or said.status is VerdictStatus.UNSCORED
    )
    unscored = sum(causes.values())
    if unscored > MOST_UNSCORED * asked:
        told = ", ".join(f"{cause} {count}" for cause, count in causes.items())
        raise InvalidRun(
            f"{name}: {unscored} of {asked} labelled items are unscored ({told}): nothing is kept; the same command "
            "again asks for those that are missing"
        )


def _measured(asked: Asking, opinions: Opinions, command: str) -> Measured:
    labels, identity = asked.labels, asked.judge.identity
    rule = labels.rules[0]
    block = judged_block(identity, labels.items, opinions, rule, asked.design, labels.name, SAMPLE)
    if block.errors is None:
        raise ValueError("a judge's own block counts its errors")
    categories = {item.category(rule) for item in labels.items}
    missing = {category.counted: None for category in Category if category not in categories}
    errors: JudgeErrors = block.errors.model_copy(update=missing)
    return kept_block(
        block.model_copy(update={"errors": errors}),
        judge=identity.id,
        date=datetime.now(UTC).date().isoformat(),
        data=labels.name,
        data_hash=labels.hash,
        command=command,
        people=labels.data,
        seconds_per_verdict=mean_latency(opinions),
        tokens_per_verdict=mean_tokens(opinions),
    )


async def fingerprint(
    judge: Judge,
    progress: Progress | None = None,
    *,
    again: bool = False,
    price: Prices | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> Fingerprint:
    """The fingerprint of the paper's judge: its answers on the official 120 items, by category. It is taken once and
    kept; with `again`, or where its model is served otherwise, anew. `judge` is started and closed; `say` hears what
    will be asked.

    Raises `UsageError` for any other judge, `InvalidRun` where over 2 % of the verdicts are unscored, `DataError` where
    the labels cannot be had.
    """
    identity = judge.identity
    if not is_paper(identity):
        raise UsageError(f"a fingerprint is of the paper's judge, reward-model, and {identity.name} is another")
    items = [item for item in released_labels(labelled_items()).items if item.row.file == "test"]
    hashed = items_hash([item.row for item in items])
    served = {**identity.runtime, **({"model": identity.model} if identity.model else {})}
    known = [one for one in kept_fingerprints(identity) if one.judge_hash == identity.hash and one.data_hash == hashed]
    if known and not again and known[-1].served == served:
        say(f"{identity.id}: its fingerprint was taken on {known[-1].date}, and nothing is asked")
        return known[-1]
    say(asking(identity.id, len(items), judge.estimate([item.item for item in items]), price))
    async with started(judge):
        opinions = await ask(judge, items, progress)
    refuse_unscored(identity.id, opinions, len(items))
    found = Fingerprint(
        judge=identity.id,
        judge_hash=identity.hash,
        data_hash=hashed,
        date=datetime.now(UTC).date().isoformat(),
        counts={name: _right(items, opinions, name) for name in FINGERPRINT},
        unscored=sum(said is None or said.status is VerdictStatus.UNSCORED for said in opinions),
        served=served,
    )
    keep(found)
    return found


def _right(items: Iterable[ValidationItem], opinions: Opinions, category: str) -> ErrorCount:
    """How many items of a category the judge decides as people did; an unscored one is not right."""
    wanted = VerdictStatus.ACCEPTED if Category(category).accepted else VerdictStatus.REJECTED
    mine = [said for item, said in zip(items, opinions, strict=True) if item.row.category == category]
    return ErrorCount(correct=sum(said is not None and said.status is wanted for said in mine), items=len(mine))


def cost_words(plan: Undertaking, price: Prices | None = None) -> str:
    """What measuring will ask and cost, in words, before it does."""
    if not plan.members:
        names = ", ".join(f"{one.judge} on {one.date}" for one in plan.before)
        return f"measured before, and nothing is asked: {names}"
    names = ", ".join(asked.judge.identity.id for asked in plan.members)
    return asking(names, sum(len(asked.labels.items) for asked in plan.members), plan.estimate, price)


def asking(names: str, items: int, estimate: Estimate, price: Prices | None = None) -> str:
    """What answering so many labelled items will ask of a judge, in words; with the price of its model what it costs at
    the least and at the most, prefix caches and second attempts apart."""
    requests, prompt, completion = estimate
    known = f", {items - requests} of them answered before" if requests < items else ""
    return (
        f"measuring {names} on {items} of people's labels{known}: {requests} requests, about {prompt:,} prompt tokens "
        f"(characters / 4), at most {completion:,} completion tokens{_money(estimate, price)}"
    )


def _money(estimate: Estimate, price: Prices | None) -> str:
    if price is None or not estimate.prompt_tokens:
        return ""
    least = estimate.prompt_tokens * price.prompt / 1e6
    most = least + estimate.completion_tokens * price.completion / 1e6
    return f", about {least:.2f} to {most:.2f} {price.currency}"
