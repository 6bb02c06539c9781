"""Whether a judge is measured: one function decides it, for every surface, from what is known of its errors."""

from __future__ import annotations

import json
import shlex
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from proactivebench.judging.spec import STRATA
from proactivebench.judging.training_data import ARGUMENT, NONE, said_of
from proactivebench.records import (
    FINGERPRINT,
    ErrorCount,
    Fingerprint,
    JudgeIdentity,
    JudgeReport,
    JudgeWords,
    Measured,
    Measurement,
    MeasurementStatus,
    NeedRule,
    Stratum,
)

FEWEST_ITEMS = 20  # in each category
ABOVE = 0.5  # what the balanced accuracy's interval must lie above, in each stratum
PAPER_KIND = "reward-model"
PAPER_WEIGHTS = "YancyLee/ProactiveAgent"
UNDECLARED = "undeclared"
UNKNOWN_TRAINING = "training data unknown: it may have seen these moments"
SEEN_NONE = f"{ARGUMENT}={NONE}"
DECLARE = f"if it has not, say so: {SEEN_NONE} in --judge_model_args, or trained_on: in its card"
UNPROVEN = "the paper's prompt, unproven weights"
OF_STRATUM: Mapping[Stratum, tuple[str, tuple[str, str]]] = {
    "silence": ("silences", ("correct_rejection", "missed_need")),
    "proposals": ("offers", ("correct_detection", "false_alarm")),
}
_SHORT = {"correct_detection": "CD", "false_alarm": "FA", "correct_rejection": "CR", "missed_need": "MN"}


def measurement_of(
    identity: JudgeIdentity,
    measured: Iterable[Measured] = (),
    fingerprints: Iterable[Fingerprint] = (),
    traces: Collection[str] = (),
) -> Measurement:
    """What the verdicts of a judge are worth, by the measurements and fingerprints given: whoever asks says which of
    them it trusts. A judge is measured if every member that can be wrong has, for every stratum it decides, people's
    labels it was not trained on with at least 20 items in each category, and the lower end of the interval of its
    balanced accuracy above .5. Baselines never are; people's own votes need not be; the paper's own judge is known
    by its declared weights and its fingerprint. What was measured on other people's labels than the release's speaks
    only for runs on their data, `traces` (by `trace_hash`); without these, for none."""
    told = identity.unmeasured
    if told.status is not MeasurementStatus.UNMEASURED or not identity.hash:
        return told
    if is_paper(identity):
        return _paper(identity, fingerprints)
    known = speaking_for(measured, traces)
    short: list[str] = []
    held: list[str] = []
    for stratum in STRATA:
        for member_id, card in fallible_members(identity, stratum):
            failure, words = _held_against_people(member_id, card, stratum, known)
            (short if failure else held).append(words)
    if short:
        return Measurement(status=MeasurementStatus.UNMEASURED, reason="; ".join(dict.fromkeys(short)))
    return Measurement(status=MeasurementStatus.MEASURED, reason="; ".join(dict.fromkeys(held)))


def is_paper(identity: JudgeIdentity) -> bool:
    """Whether this is the paper's prompt alone, on offers and silences: whatever the weights are."""
    return identity.card.get("kind") == PAPER_KIND and "spec" not in identity.card


def fallible_members(identity: JudgeIdentity, stratum: Stratum) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Who of a judge's members can be wrong about a stratum, as (id, card); a panel's members one by one."""
    for member_id, card in members(identity, stratum):
        yield from _leaves(member_id, card)


def members(identity: JudgeIdentity, stratum: Stratum) -> list[tuple[str, Mapping[str, Any]]]:
    """The chain of a stratum as (id, card)."""
    if "spec" not in identity.card:
        asked = identity.silence if stratum == "silence" else identity.proposals
        return [(identity.id, identity.card)] if asked else []
    return [(member, identity.card["members"][member]) for member in identity.card[stratum]]


def _leaves(member_id: str, card: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    if card.get("kind") == "panel":
        for inner, inner_card in card.get("members", {}).items():
            yield from _leaves(inner, inner_card)
    elif card.get("kind") != "labels":
        yield member_id, card


def speaking_for(measured: Iterable[Measured], traces: Collection[str]) -> list[Measured]:
    """The measurements that say something of runs on `traces` (by `trace_hash`): those on the release's labels, and
    those on labels of these very sessions."""
    return [one for one in measured if one.people is None or one.people.covers(traces)]


def best_measured(known: Iterable[Measured], member_id: str, stratum: Stratum) -> Measured | None:
    """Of the measurements of a judge (by id) that cover a stratum the one to go by: honest before leaked or unknown,
    the run's own people before the release's (where there are enough of their labels), need asked directly or the
    unanimous rule before the majority, more items before fewer."""
    of_it = [one for one in known if one.judge == member_id and all(_counts(one, stratum))]
    return min(of_it, key=lambda one: _preference(one, stratum), default=None)


def _preference(measured: Measured, stratum: Stratum) -> tuple[bool, bool, bool, int]:
    enough = all(count and count.items >= FEWEST_ITEMS for count in _counts(measured, stratum))
    own = measured.people is not None and enough
    return measured.errors.leaked, not own, measured.rule is NeedRule.MAJORITY, -measured.items


def _counts(measured: Measured, stratum: Stratum) -> tuple[ErrorCount | None, ...]:
    return tuple(getattr(measured.errors, category) for category in OF_STRATUM[stratum][1])


def _held_against_people(
    member_id: str, card: Mapping[str, Any], stratum: Stratum, known: Iterable[Measured]
) -> tuple[bool, str]:
    """Whether a member fails on a stratum, and how it stands there in words."""
    what, categories = OF_STRATUM[stratum]
    who = f"{card.get('name', member_id)} on {what}"
    found = best_measured(known, member_id, stratum)
    if found is None:
        return True, f"{who}: nobody has measured its errors"
    if found.design == "unknown":
        return True, f"{who}: {UNKNOWN_TRAINING} ({DECLARE})"
    if found.errors.leaked or found.design == "leaked":
        return True, f"{who}: measured only on labels it was trained on"
    for category, count in zip(categories, _counts(found, stratum), strict=True):
        if count is None or count.items < FEWEST_ITEMS:
            had = count.items if count else 0
            return True, f"{who}: {had} items of {_SHORT[category]}, at least {FEWEST_ITEMS} needed"
    key = f"balanced_accuracy_{what}"
    value, interval = found.figures.get(key), found.intervals.get(key)
    if value is None or interval is None:
        return True, f"{who}: measured on {found.date} without an interval for {what}: measure it again"
    whose = f"the people of {found.people.name} ({found.people.people})" if found.people else "people"
    figure = f"{who}: balanced accuracy {value:.3f} [{interval[0]:.3f}, {interval[1]:.3f}] against {whose}"
    if interval[0] <= ABOVE:
        return True, f"{figure}, whose lower end must be above {ABOVE} ({ABOVE - interval[0]:.3f} short)"
    return False, f"{figure}, {found.date}"


def _paper(identity: JudgeIdentity, fingerprints: Iterable[Fingerprint]) -> Measurement:
    def unproven(why: str) -> Measurement:
        return Measurement(status=MeasurementStatus.UNMEASURED, reason=f"{UNPROVEN}: {why}")

    if not declares_published(identity.weights):
        said = "they are not declared" if identity.weights in (None, UNDECLARED) else f"declared is {identity.weights}"
        return unproven(f"{said} (add weights={PAPER_WEIGHTS}@REVISION to --judge_model_args)")
    found = [one for one in fingerprints if one.judge_hash == identity.hash]
    passed = [one for one in found if one.passed]
    if not found:
        return unproven("its fingerprint was not taken")
    if not passed:
        return unproven(f"its fingerprint of {found[-1].date} failed ({found[-1].sentence})")
    right = ", ".join(f"{name} {passed[-1].counts[name].correct}" for name in FINGERPRINT)
    reason = f"the paper's own judge, fingerprint passed on {passed[-1].date} ({right}); trained on these moments"
    return Measurement(status=MeasurementStatus.PAPER, reason=reason)


def declares_published(weights: str | None) -> bool:
    """Whether declared weights can be the published ones: a revision of their repository, or files on this machine,
    whose hash nobody has published."""
    return weights is not None and weights.startswith((f"{PAPER_WEIGHTS}@", "sha256:"))


def worth(judged: JudgeReport, run: str = "RUN") -> tuple[str, ...]:
    """What every surface says of a judge beside its figures: what its verdicts are worth, and where they do not lead
    the command that measures it, for the run in the folder `run`."""
    known = judged.measurement
    if known.leads:
        return (f"{known.status} judge: {known.reason}",) if known.reason else ()
    baseline = known.status is MeasurementStatus.BASELINE
    kind = "baseline judge" if baseline else "unmeasured judge"
    how = "a judge that is measured" if baseline else "measure it"
    if not baseline and _declares(judged.judge):
        how += f" ({SEEN_NONE} is your word that its model saw none of these labels)"
    return (
        f"{kind}, not comparable, these figures rank nothing: {known.reason}",
        f"{how}: {measure_command(judged.judge, run)}",
    )


def _declares(identity: JudgeIdentity) -> bool:
    """Whether a judge has to be declared before it can be measured: a member brings weights, and nobody says on what
    they were trained."""
    if is_paper(identity) or identity.words is None or identity.words.model is None:
        return False
    cards = (card for stratum in STRATA for _, card in fallible_members(identity, stratum))
    return any(said_of(card) is None for card in cards)


def measure_command(identity: JudgeIdentity, run: str = "RUN") -> str:
    """The very command that measures a judge on people's labels, in the words it was asked for, for the run in the
    folder `run`; of the paper's own judge the one that takes its fingerprint. With its weights declared it is another
    judge, so where they are not yet, the command judges under that name too."""
    quoted = run if run == "RUN" else shlex.quote(run)
    words = identity.words if identity.words and not identity.baseline else JudgeWords(judge=_spec(identity))
    if is_paper(identity):
        if declares_published(identity.weights):
            return f"proactivebench judges fingerprint {quoted}{_model(words)}"
        named = {**words.model_args, "weights": f"{PAPER_WEIGHTS}@REVISION"}
        words = words.model_copy(update={"model_args": named})
    if _declares(identity):
        words = words.model_copy(update={"model_args": {**words.model_args, ARGUMENT: NONE}})
    without = identity.words is not None and identity.model is None and not identity.baseline  # no model is behind it
    model = "" if without else _model(words)
    return f"proactivebench judge {quoted} --judge {shlex.quote(words.judge)}{model} --measure_judge"


def _spec(identity: JudgeIdentity) -> str:
    """The spec of a judge that an earlier version has asked; for a baseline the judge to take instead."""
    if identity.baseline or not identity.card:
        return "llm"
    return str(identity.card.get("spec") or identity.card.get("name"))


def _model(words: JudgeWords) -> str:
    if words.model is None:
        return " --judge_model … --judge_model_args …"
    said = f" --judge_model {shlex.quote(words.model)}"
    if words.model_args:
        said += f" --judge_model_args {shlex.quote(_pairs(words.model_args))}"
    if words.gen_kwargs:
        said += f" --judge_gen_kwargs {shlex.quote(_pairs(words.gen_kwargs))}"
    return said


def _pairs(values: Mapping[str, Any]) -> str:
    """Values in the words of the command line: name=value,… where that can be read again, else as JSON."""
    if all(isinstance(value, str | int | float) and "," not in str(value) for value in values.values()):
        return ",".join(f"{name}={value}" for name, value in values.items())
    return json.dumps(dict(values), ensure_ascii=False)
