"""Whether the cards that an entry shows of its judge are what the judge's hash says: a hash is held against what is
decided again, and cards are what measurements are looked up by, so the two must be of one judge."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from pydantic import ValidationError

from proactivebench.errors import UsageError
from proactivebench.judging import shipped_judge
from proactivebench.judging.panel import PanelCard
from proactivebench.judging.spec import STRATA
from proactivebench.records import JudgeIdentity, Measured, digest


def says_its_own_hash(identity: JudgeIdentity, known: Iterable[Measured]) -> bool:
    """Whether the hash of a judge follows from its cards: from the whole hashes of its members, as the measurements
    `known` (by the maintainers' word) or the judges shipped here have them, composed as judges are composed. False too
    where a member is neither measured nor shipped."""
    hashes: dict[str, set[str]] = {}
    for one in known:
        hashes.setdefault(one.judge, set()).add(one.errors.judge_hash)
    card = identity.card
    if "spec" not in card:
        return _whole(identity.id, card, hashes) == identity.hash
    chains = {stratum: [_whole(name, card["members"][name], hashes) for name in card[stratum]] for stratum in STRATA}
    if any(whole is None for chain in chains.values() for whole in chain):
        return False
    return digest(chains) == identity.hash


def _whole(judge_id: str, card: Mapping[str, Any], known: Mapping[str, set[str]]) -> str | None:
    """The whole hash of the judge with this id, as far as it is known here."""
    kind, name = card.get("kind"), str(card.get("name"))
    if kind == "panel":
        return _panel(card, known)
    if kind == "labels":
        return _shipped(f"labels:{card.get('rule')}", judge_id)
    found = known.get(judge_id, set())
    return next(iter(found)) if len(found) == 1 else _shipped(name, judge_id) if kind == "lexical" else None


def _panel(card: Mapping[str, Any], known: Mapping[str, set[str]]) -> str | None:
    members = [_whole(name, inner, known) for name, inner in card["members"].items()]
    try:
        own = PanelCard.model_validate({name: value for name, value in card.items() if name != "members"})
    except ValidationError:
        return None
    return None if None in members else digest({"card": own.hash, "members": members})


@lru_cache(maxsize=64)
def _shipped(spec: str, judge_id: str) -> str | None:
    """The whole hash of a judge shipped here, where it has this very id."""
    try:
        judge = shipped_judge(spec)
    except UsageError:
        return None
    return judge.identity.hash if judge.identity.id == judge_id else None
