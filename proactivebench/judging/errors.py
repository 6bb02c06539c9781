"""What a judge's cards know of its errors: the counts by which a report corrects its scores."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pydantic import ValidationError

from proactivebench.errors import UsageError
from proactivebench.judging.cards import card_names, load_card
from proactivebench.judging.measurement import best_measured, fallible_members, members, speaking_for
from proactivebench.judging.spec import STRATA
from proactivebench.records import ErrorCount, JudgeErrors, JudgeIdentity, Measured, Stratum, Thresholds

CALIBRATED = 0.1  # the most that probabilities may be off on average to be used as such
FEWEST_PEOPLE = 10


def judge_errors(identity: JudgeIdentity, known: Iterable[Measured] | None = None) -> JudgeErrors | None:
    """The measured errors of the judge `identity` names, per stratum; None where nothing was measured for it.

    Of a chain it is the errors of its one member that can be wrong (labels cannot). `known` are the measurements to
    look among (default: what cards say of the release's people).
    """
    known = tuple(speaking_for(known_measured(identity), ()) if known is None else known)
    offers, silences = (_of_stratum(identity, stratum, known) for stratum in STRATA[::-1])
    found = [one for one in (offers, silences) if one is not None]
    if not found:
        return None
    return JudgeErrors(
        judge_hash=identity.hash,
        correct_detection=_count(offers, "correct_detection"),
        false_alarm=_count(offers, "false_alarm"),
        correct_rejection=_count(silences, "correct_rejection"),
        missed_need=_count(silences, "missed_need"),
        leaked=any(one.errors.leaked for one in found),
        population=found[0].errors.population,
        same_population=all(one.errors.same_population for one in found),
    )


def known_measured(identity: JudgeIdentity) -> Iterator[Measured]:
    """What the cards of a judge's members say of them: now, where they are shipped, and when the run was judged."""
    seen: list[Mapping[str, Any]] = []  # one card often decides both strata, and a member stands in both lists
    for card in (card for stratum in STRATA for card in _cards(identity, stratum)):
        if card not in seen:
            seen.append(card)
            yield from _measured_now(card)
            yield from _measured_then(card)


def _cards(identity: JudgeIdentity, stratum: Stratum) -> Iterator[Mapping[str, Any]]:
    """The cards of a chain, a panel's own and its members'."""
    for _, card in members(identity, stratum):
        yield card
    for _, card in fallible_members(identity, stratum):
        yield card


def _count(measured: Measured | None, category: str) -> ErrorCount | None:
    return None if measured is None else getattr(measured.errors, category)


def thresholds_of(identity: JudgeIdentity, known: Iterable[Measured]) -> Thresholds | str | None:
    """How ready the people are whom the judge's offers were measured on, or why its probabilities say nothing of them;
    None where nothing is known. The probabilities count as calibrated where a measurement on labels it was not trained
    on finds them off by at most .1 on average (`ece_offers`), over at least ten people."""
    found = _of_stratum(identity, "proposals", [one for one in known if one.thresholds is not None])
    error = None if found is None else found.figures.get("ece_offers")
    if found is None or found.thresholds is None or error is None or found.errors.leaked or found.design == "unknown":
        return None
    if error > CALIBRATED:
        return (
            f"its probabilities of acceptance are off by {error:.3f} on average against people, more than {CALIBRATED}"
        )
    if len(found.thresholds.shifts) < FEWEST_PEOPLE:
        return f"it was measured on {found.thresholds.people}, and thirds of them need {FEWEST_PEOPLE} people"
    return found.thresholds


def _of_stratum(identity: JudgeIdentity, stratum: Stratum, known: Iterable[Measured]) -> Measured | None:
    fallible = [name for name, card in members(identity, stratum) if card.get("kind") != "labels"]
    return best_measured(known, fallible[0], stratum) if len(fallible) == 1 else None


def _measured_now(card: Mapping[str, Any]) -> tuple[Measured, ...]:
    name = str(card.get("name"))
    try:
        return load_card(name).measured if name in card_names() else ()
    except UsageError:
        return ()


def _measured_then(card: Mapping[str, Any]) -> tuple[Measured, ...]:
    try:
        return tuple(Measured.model_validate(one) for one in card.get("measured", ()))
    except ValidationError:
        return ()
