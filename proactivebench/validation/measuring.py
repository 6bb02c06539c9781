"""From unmeasured to measured: a judge answers a fixed sample of people's labels before it judges, and the paper's own
judge the official items its fingerprint is taken from."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain

from proactivebench.errors import InvalidRun, UsageError
from proactivebench.judging.base import Estimate, Judge
from proactivebench.judging.kept import keep, kept_fingerprints, kept_measured
from proactivebench.judging.lexical.training import items_hash
from proactivebench.judging.measurement import UNPROVEN, is_paper
from proactivebench.judging.spec import STRATA
from proactivebench.records import (
    FINGERPRINT,
    Design,
    ErrorCount,
    Fingerprint,
    JudgeErrors,
    JudgeIdentity,
    Measured,
    NeedRule,
    Stratum,
    VerdictStatus,
)
from proactivebench.scoring.efficiency import Prices
from proactivebench.traces import LabelledItem, labelled_items
from proactivebench.validation.items import Category, ValidationItem, validation_items
from proactivebench.validation.result import kept_block
from proactivebench.validation.validate import DATA, Opinions, Progress, ask, judged_block, mean_latency, mean_tokens

PER_CLASS = 60  # labelled items of each category: about ± .1 for a balanced accuracy
LEAST = 40
SEED = 0
MOST_UNSCORED = 0.02
_CLASSES: dict[Stratum, tuple[Category, Category]] = {
    "silence": (Category.CORRECT_REJECTION, Category.MISSED_NEED),
    "proposals": (Category.CORRECT_DETECTION, Category.FALSE_ALARM),
}
_COUNTED = {
    Category.CORRECT_DETECTION: "correct_detection",
    Category.FALSE_ALARM: "false_alarm",
    Category.CORRECT_REJECTION: "correct_rejection",
    Category.MISSED_NEED: "missed_need",
}


@dataclass(frozen=True, slots=True)
class Undertaking:
    """What measuring a judge takes: each member that can be wrong with the items it is to answer, those measured
    before left out, and an estimate of the whole."""

    members: tuple[tuple[Judge, tuple[ValidationItem, ...]], ...]
    before: tuple[Measured, ...]
    estimate: Estimate


def sample_of(rows: Sequence[LabelledItem], per_class: int = PER_CLASS, seed: int = SEED) -> list[ValidationItem]:
    """The fixed sample: of each category `per_class` items (all, where there are fewer) drawn without replacement, from
    one trace after the other so that all traces take part; silences by the unanimous rule. The same rows and seed give
    the same sample. Raises `ValueError` below 40 a class."""
    if per_class < LEAST:
        raise ValueError(f"{per_class} items a class measure nothing: at least {LEAST}")
    chance = random.Random(seed)
    by_class: dict[Category, dict[str, list[ValidationItem]]] = defaultdict(lambda: defaultdict(list))
    for item in validation_items(rows):
        by_class[item.category(NeedRule.UNANIMOUS)][item.trace].append(item)
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


def undertaking(judge: Judge, rows: Sequence[LabelledItem] | None = None) -> Undertaking:
    """What `measure` would ask of `judge`, on the released labels or on `rows`.

    Raises `UsageError` where measuring is no use: nobody in it can be wrong, it is a baseline, or it was trained on
    these very labels; `DataError` where the labels cannot be had.
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
    sample = sample_of(labelled_items() if rows is None else rows)
    open_members, before, estimate = [], [], Estimate()
    for name, (decider, strata) in members.items():
        if design_of(decider.identity) == "leaked":
            raise UsageError(f"{name} was trained on these very labels, which cannot measure it: name another --judge")
        items = tuple(item for item in sample if any(item.category(NeedRule.UNANIMOUS) in _CLASSES[s] for s in strata))
        wanted = items_hash([item.row for item in items])
        known = next((one for one in kept_measured(decider.identity) if one.data_hash == wanted), None)
        if known is not None and known.judge == name:
            before.append(known)
            continue
        open_members.append((decider, items))
        estimate = estimate.plus(decider.estimate([item.item for item in items]))
    return Undertaking(tuple(open_members), tuple(before), estimate)


def design_of(identity: JudgeIdentity) -> Design:
    """What validating one judge on the released labels amounts to, by its card."""
    told = identity.card.get("validation", "direct")
    return "leaked" if told == "leaked" else "leave-one-trace-out" if told == "leave-one-trace-out" else "direct"


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
    try:
        await judge.start()
        for decider, items in plan.members:
            opinions = await ask(decider, items, progress)
            refuse_unscored(decider.identity.id, opinions, len(items))
            one = _measured(decider, items, opinions, command)
            keep(one)
            found.append(one)
    finally:
        await judge.close()
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


def _measured(judge: Judge, items: Sequence[ValidationItem], opinions: Opinions, command: str) -> Measured:
    design = design_of(judge.identity)
    population = f"a fixed sample, {PER_CLASS} a class"
    block = judged_block(judge.identity, items, opinions, NeedRule.UNANIMOUS, design, population)
    if block.errors is None:
        raise ValueError("a judge's own block counts its errors")
    asked = {item.category(NeedRule.UNANIMOUS) for item in items}
    missing = {name: None for category, name in _COUNTED.items() if category not in asked}
    errors: JudgeErrors = block.errors.model_copy(update=missing)
    rows = [item.row for item in items]
    return kept_block(
        block.model_copy(update={"errors": errors}),
        judge=judge.identity.id,
        date=datetime.now(UTC).date().isoformat(),
        data=DATA,
        data_hash=items_hash(rows),
        command=command,
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
    items = [item for item in validation_items(labelled_items()) if item.row.file == "test"]
    hashed = items_hash([item.row for item in items])
    served = {**identity.runtime, **({"model": identity.model} if identity.model else {})}
    known = [one for one in kept_fingerprints(identity) if one.judge_hash == identity.hash and one.data_hash == hashed]
    if known and not again and known[-1].served == served:
        say(f"{identity.id}: its fingerprint was taken on {known[-1].date}, and nothing is asked")
        return known[-1]
    say(asking(identity.id, len(items), judge.estimate([item.item for item in items]), price))
    try:
        await judge.start()
        opinions = await ask(judge, items, progress)
    finally:
        await judge.close()
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
    names = ", ".join(judge.identity.id for judge, _ in plan.members)
    return asking(names, sum(len(items) for _, items in plan.members), plan.estimate, price)


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
