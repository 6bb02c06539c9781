"""What an entry may say: one list of rules, the same for `prepare`, `validate`, `verify` and a build."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from proactivebench.board.entry.bounds import manifest_excesses
from proactivebench.board.entry.form import BOARD_TASKS, TRIVIAL, Entry
from proactivebench.board.entry.redaction import redacted_manifest
from proactivebench.text.lookalikes import disguised, folded, unseen
from proactivebench.traces.index import task_structure

RESERVED = "proactivebench"  # the organisation of the trivial agents
MAX_TEXT = 300  # characters of a text that stands in a table, a heading or an address
_LOOKS = str.maketrans("0134578", "oieastb")  # digits that pass for letters in a name; l, I and 1 look alike already
_OPEN = re.compile(r"manifest\.(?:judges\.[^.]*\.card|decoding\.(?:extra|until)|agent\.model_args)\b")
_BREAKS = "\n\r\t"


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing that every entry keeps: `faults` says in words where an entry does not."""

    name: str
    faults: Callable[[Entry], Iterator[str]]


def rule_faults(entry: Entry) -> Iterator[str]:
    """Where `entry` breaks a rule, in words, rule by rule."""
    for rule in RULES:
        yield from rule.faults(entry)


def organisation_look(name: str) -> str:
    """What a reader sees in an organisation's name at a glance: names of one look are one organisation's."""
    plain = re.sub(r"[._-]", "", name).casefold().replace("rn", "m").replace("vv", "w")
    return folded(plain.translate(_LOOKS)).replace("i", "l")


def is_reserved(organisation: str) -> bool:
    """Whether a name is, holds or passes for the trivial agents' organisation: one letter more, less, other or moved
    is what a reader does not see."""
    look, own = organisation_look(organisation), organisation_look(RESERVED)
    return own in look or not _one_less(look).isdisjoint(_one_less(own))


def _about_board_data(entry: Entry) -> Iterator[str]:
    task = entry.manifest.task
    if entry.sealed:
        if task.labelled:
            yield "a sealed set is answered without its labels, and the data of this run has some: run the public one"
    elif task.name not in BOARD_TASKS:
        yield (
            f"the board takes runs on {', '.join(BOARD_TASKS)}, not on other data; answers to a sealed set, whose "
            "labels its maintainers have, are sent with --sealed"
        )
    elif task.data_hash != task_structure(task.name).data_hash:
        yield f"the run was made on other data than {task.name}: its data hash is not the pinned one"


def _whole(entry: Entry) -> Iterator[str]:
    if entry.manifest.limit is not None:
        yield f"the run was limited to {entry.manifest.limit} traces: run it without --limit"


def _judged(entry: Entry) -> Iterator[str]:
    if entry.sealed and entry.manifest.judges:
        yield "an entry on a sealed set carries answers alone, and its maintainers judge them: prepare it with --sealed"
    if not entry.manifest.judges and not entry.sealed:
        yield "names no judge: judge the run first"
    for judge in sorted(set(entry.claims) - set(entry.manifest.judges)):
        yield f"claims figures under {judge}, a judge it has no verdicts of"


def _organisation(entry: Entry) -> Iterator[str]:
    declared, agent = entry.declared, entry.manifest.agent
    if agent.model in TRIVIAL:
        if (declared.organisation, declared.model) != (RESERVED, agent.model):
            yield (
                f"answers of the trivial agent {agent.model} stand under {RESERVED}__{agent.model} only: "
                "leave out --organisation and --model_name"
            )
    elif is_reserved(declared.organisation):
        yield (
            f"--organisation {declared.organisation}: reserved for the trivial agents, with all that looks like it; "
            "give your own"
        )


def _agent(entry: Entry) -> Iterator[str]:
    model = entry.manifest.agent.model
    twin = next((name for name in sorted(TRIVIAL) if folded(name) == folded(model) and name != model), None)
    if twin:
        yield f"the agent {model} passes for the trivial agent {twin}"


def _numbers(entry: Entry) -> Iterator[str]:
    yield from manifest_excesses(entry.manifest)


def _private(entry: Entry) -> Iterator[str]:
    public = redacted_manifest(entry.manifest)
    for name in type(public).model_fields:
        if getattr(public, name) != getattr(entry.manifest, name):
            yield f"{name} holds an address, a path, a secret or what a probe found: prepare the entry again"


def _texts(entry: Entry) -> Iterator[str]:
    said = entry.model_dump(mode="json", include={"run_id", "declared", "manifest", "claims"})
    for place, text in _strings(said, ""):
        may_break = _OPEN.match(place) is not None
        if sign := unseen(text, _BREAKS if may_break else ""):
            yield f"{place[:100]} has {sign}, which nobody sees or which piles up on other letters: leave it out"
        elif word := disguised(text, strict=not may_break and not place.startswith("declared.")):
            yield f"{place[:100]} has the word {word[:60]}, in letters that pass for others: write it in one script"
        elif not may_break and len(text) > MAX_TEXT:
            yield f"{place[:100]} has {len(text)} characters; {MAX_TEXT} are allowed"


RULES = (
    Rule("board data", _about_board_data),
    Rule("whole run", _whole),
    Rule("judged", _judged),
    Rule("organisation", _organisation),
    Rule("agent", _agent),
    Rule("numbers", _numbers),
    Rule("private", _private),
    Rule("texts", _texts),
)


def _strings(value: Any, place: str) -> Iterator[tuple[str, str]]:
    """All texts in a value, keys among them, with where they stand."""
    if isinstance(value, str):
        yield place, value
    elif isinstance(value, dict):
        for key, inner in value.items():
            below = f"{place}.{key}" if place else key
            yield below, key
            yield from _strings(inner, below)
    elif isinstance(value, list):
        for inner in value:
            yield from _strings(inner, place)


def _one_less(name: str) -> set[str]:
    """The name, and all that is left of it without one letter."""
    return {name, *(name[:place] + name[place + 1 :] for place in range(len(name)))}
