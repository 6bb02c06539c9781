"""Stored formats have a number and a reader for every number so far.

A record that carries a `format` reads any number up to its own: what an older version wrote is brought up to date here,
one step a number. What the older version did not write is left out, and whoever
reads it says that it is not there. A number above the own one is another version's and is refused, never guessed at.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

MANIFEST = 2
REPORT = 2

Json = dict[str, Any]
STRATA = ("silence", "proposals")
MOST_MEMBERS = 64
_LABELS = "labels"
UNKNOWN = "unknown"  # the kind of a member without a card


def known(number: Any, own: int) -> int:
    """The `own` number of a format, in place of the number that was read. Raises `ValueError` for what this version
    does not read. (Between manifests 1 and 2 only the members of judges were added: they are told from their cards.)"""
    if isinstance(number, bool) or not isinstance(number, int) or number < 1:
        raise ValueError(f"{str(number)[:20]!r} is no number of a format")
    if number > own:
        raise ValueError(
            f"format {number} is a newer version's (this one reads up to {own}): read it with the version of "
            "proactivebench that wrote it, or a later one"
        )
    return own


def report_of(data: Any) -> Any:
    """A report of any format so far in the present one. Raises `ValueError` for a newer one."""
    return _brought_up(data, REPORT, {1: _report_1})


def judge_members(identity: Mapping[str, Any]) -> list[Json]:
    """The members of a judge, each chain in its order, as its cards have them: what kind each is, whose rule it follows
    and whether it can be wrong. A member without a card is of unknown kind and can be wrong."""
    found = []
    for stratum in STRATA:
        chain = identity.get(stratum)
        if not isinstance(chain, str):
            continue
        words = chain.split("+", MOST_MEMBERS)  # no chain is longer: of one that is, the rest is one word
        cards = _cards(identity, stratum)
        for place, word in enumerate(words):
            found.append(_member(stratum, word, cards[place] if len(cards) == len(words) else {}))
    return found


def _brought_up(data: Any, number: int, steps: Mapping[int, Callable[[Json], Json]]) -> Any:
    if not isinstance(data, dict):
        return data
    given = data.get("format", number)
    known(given, number)
    for step in range(given, number):
        data = steps[step](data)
    return {**data, "format": number}


def _report_1(data: Json) -> Json:
    """Format 1 named a judge's members in words only, did not say per table what nobody was asked or said, and held
    corrections of which many could not be."""
    judges = data.get("judges")
    if not isinstance(judges, list | tuple):
        return data
    return {**data, "judges": [_judge_report_1(judged) if isinstance(judged, dict) else judged for judged in judges]}


def _judge_report_1(data: Json) -> Json:
    judge, adjusted, tables = (data.get(name) for name in ("judge", "adjusted", "tables"))
    changes: Json = {}
    if isinstance(adjusted, list | tuple):
        changes["adjusted"] = [one for one in adjusted if isinstance(one, dict) and one.get("method") != "judge_errors"]
    if isinstance(tables, dict) and isinstance(judge, dict):
        changes["tables"] = {
            view: {**table, "lacking": _lacking_1(data, judge, view)} if isinstance(table, dict) else table
            for view, table in tables.items()
        }
    return {**data, **changes}


def _lacking_1(data: Json, judge: Json, view: str) -> dict[str, str]:
    """What a table of format 1 lacks, by the judge and by the reasons its report gives."""
    lacking = {}
    silences = [member for member in judge_members(judge) if member["stratum"] == "silence"]
    labelled = view in ("majority", "unanimous") or [member["kind"] for member in silences] == [_LABELS]
    if judge.get("proposals") is None:
        lacking["offers"] = "no offer verdicts"
    if judge.get("silence") is None and not labelled:
        lacking["silences"] = "no silence verdicts"
    for need, metric in (("usage", "accepted_per_1k_tokens"), ("prices", "cost_per_accepted")):
        found = _at(data, "overall", "metrics", metric)
        if not isinstance(found, dict):
            lacking[need] = "not in this report"
        elif found.get("value") is None and found.get("reason") in ("no usage", "no prices given"):
            lacking[need] = found["reason"]
    # Nobody was asked about offers: that reason stood first, whatever was known of usage and prices.
    if "offers" in lacking:
        lacking |= {need: "not in this report" for need in ("usage", "prices") if need not in lacking}
    return lacking


def _at(data: Any, *path: str) -> Any:
    for name in path:
        data = data.get(name) if isinstance(data, dict) else None
    return data


def _cards(identity: Mapping[str, Any], stratum: str) -> list[Any]:
    """The cards of a chain, in its order: of a single judge its own, of a composition its members'."""
    card = identity.get("card")
    if not isinstance(card, dict):
        return []
    if "spec" not in card:
        return [card]
    names, members = card.get(stratum), card.get("members")
    if not isinstance(names, list | tuple) or not isinstance(members, dict):
        return []
    return [members.get(name) if isinstance(name, str) else None for name in names]


def _member(stratum: str, word: str, card: Any) -> Json:
    card = card if isinstance(card, dict) else {}
    known = [card.get("name"), _LABELS] if card.get("kind") == _LABELS else [card.get("name")]
    if word.partition(":")[0] not in known:  # another judge's card
        card = {}
    kind = card.get("kind")
    kind = kind if isinstance(kind, str) else UNKNOWN
    return {
        "stratum": stratum,
        "name": word,
        "kind": kind,
        "rule": card.get("rule") if kind == _LABELS else None,
        "fallible": _fallible(card),
        "code": _code(card),
    }


def _code(card: Any) -> Json | None:
    """Where the code of a card's kind is from, if from outside; of a panel, the first member's that is."""
    if not isinstance(card, dict):
        return None
    inner = card.get("members") if card.get("kind") == "panel" else None
    found = [card.get("code"), *(map(_code, inner.values()) if isinstance(inner, dict) else ())]
    return next((code for code in found if isinstance(code, dict)), None)


def _fallible(card: Any) -> bool:
    """Whether a card's judge can be wrong: people's votes cannot, nor a panel of nothing else."""
    if not isinstance(card, dict):
        return True
    if card.get("kind") == "panel":
        members = card.get("members")
        return not (isinstance(members, dict) and members and not any(map(_fallible, members.values())))
    return card.get("kind") != _LABELS
