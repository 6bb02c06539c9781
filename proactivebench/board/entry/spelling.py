"""Names on one board that a reader, or a folder on some systems, takes for one: each has one spelling."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from proactivebench.board.entry.rules import organisation_look

Look = tuple[str, ...]


def misspelt(keys: Iterable[str], others: Iterable[str], originals: Collection[str] = ()) -> dict[str, str]:
    """Which of the `keys` (`ORG__MODEL/RUN`) spell an organisation otherwise than one of the `others` that looks
    alike, or differ in a model or run of it by case only, and what is to be said. One of the `originals` keeps its
    spelling."""
    spelt: dict[Look, dict[str, str]] = {}
    for key in others:
        for look, name in _spellings(key):
            spelt.setdefault(look, {}).setdefault(name, key)
    kept = {look for key in originals for look, _ in _spellings(key)}
    found = {}
    for key in keys:
        for look, name in _spellings(key):
            other = next((there for said, there in spelt.get(look, {}).items() if said != name), None)
            if other and not (key in originals and look in kept):
                found[key] = (
                    f"{key} and {other} have names that a reader takes for one: spell an organisation, model and run "
                    "as the board does"
                )
                break
    return found


def _spellings(key: str) -> Iterator[tuple[Look, str]]:
    """What a key spells, part by part: how it looks, and how it is written."""
    folder, _, run = key.partition("/")
    organisation, _, model = folder.partition("__")
    look: Look = (organisation_look(organisation),)
    yield look, organisation
    for name in (model, run):
        look = (*look, name.casefold())
        yield look, name
