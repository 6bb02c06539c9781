"""What a judge's cards know of its errors: the counts by which a report corrects its scores."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from proactivebench.errors import UsageError
from proactivebench.judging.cards import Measured, card_names, load_card
from proactivebench.records import ErrorCount, JudgeErrors, JudgeIdentity


def judge_errors(identity: JudgeIdentity) -> JudgeErrors | None:
    """The measured errors of the judge `identity` names, per stratum; None where nothing was measured for it.

    Of a chain it is the errors of its one member that can be wrong (labels cannot). What the card says now counts where
    it is about this very judge (same card, same model, by id), else what it said when the run was judged.
    """
    offers, silences = (_of_stratum(identity, stratum) for stratum in ("proposals", "silence"))
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


def _count(measured: Measured | None, category: str) -> ErrorCount | None:
    return None if measured is None else getattr(measured.errors, category)


def _of_stratum(identity: JudgeIdentity, stratum: str) -> Measured | None:
    fallible = [member for member in _members(identity, stratum) if member[1].get("kind") != "labels"]
    if len(fallible) != 1:
        return None
    member_id, card = fallible[0]
    known = [one for one in (*_measured_now(card), *_measured_then(card)) if one.judge == member_id]
    return min(known, key=_preference, default=None)


def _preference(measured: Measured) -> tuple[bool, str, int]:
    """Honest before leaked, the headline rule before the other, more items before fewer."""
    return measured.errors.leaked, "" if measured.rule == "unanimous" else measured.rule, -measured.items


def _members(identity: JudgeIdentity, stratum: str) -> list[tuple[str, Mapping[str, Any]]]:
    """The chain of a stratum as (id, card)."""
    if "spec" not in identity.card:
        asked = identity.silence if stratum == "silence" else identity.proposals
        return [(identity.id, identity.card)] if asked else []
    return [(member, identity.card["members"][member]) for member in identity.card[stratum]]


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
