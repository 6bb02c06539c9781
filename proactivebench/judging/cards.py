"""Judge cards: what a judge is, as a validated, versioned, hashed declaration. A new judge is a new file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from proactivebench import plugins
from proactivebench.errors import BadArgument, UnknownName
from proactivebench.files import read_yaml, unfit
from proactivebench.judging.base import Judge
from proactivebench.judging.function import deciding, prepared
from proactivebench.judging.kind import BaseCard, JudgeKind
from proactivebench.judging.model import ModelJudge, asking
from proactivebench.judging.spec import inline_card, is_inline
from proactivebench.naming import did_you_mean
from proactivebench.plugins import Contract, Plug
from proactivebench.records import Code
from proactivebench.resources import shipped

_WANTED = "a judge's name or its card, a .yaml file"
_CARDS = (".yaml", ".yml")


@dataclass(frozen=True, slots=True)
class Declared:
    """A card with its kind, and the folder in which files it names lie. `code` is the kind's, where it is not ours."""

    card: BaseCard
    kind: JudgeKind
    folder: Path = Path()
    code: Code | None = None


def parse_card(declaration: Any, where: str, folder: Path | None = None) -> Declared:
    """The card a declaration (a mapping) describes. Raises UsageError naming `where` and the field."""
    word = declaration.get("kind") if isinstance(declaration, Mapping) else None
    if not isinstance(word, str):
        raise BadArgument(f"{where}: kind: say what kind of judge it is ({_kinds()}): correct the card")
    plug = plugins.find(Contract.JUDGE, word, beside=folder)
    if plug is None:
        known = [known.word for known in plugins.plugs(Contract.JUDGE)]
        raise UnknownName(
            f"{where}: kind: there is no kind of judge '{word}': {did_you_mean(word, known)}"
            f"there are {_kinds()}, and FILE.py:NAME: correct the card"
        )
    kind = kind_of(plug)
    try:
        card = kind.card.model_validate({**declaration, "kind": plug.word})
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"]) or "card"
        raise BadArgument(f"{where}: {field}: {first['msg']}: correct the card") from None
    return Declared(card, kind, folder or Path(), None if plug.ours else plug.code)


def kind_of(plug: Plug) -> JudgeKind:
    """The kind of judge that a plug is: itself, one around a class of judges, a judge, or a function that decides.

    Raises `UsageError` for anything else.
    """
    found = plug.load()
    if isinstance(found, JudgeKind):
        return found
    if isinstance(found, type) and issubclass(found, ModelJudge):
        return asking(found)
    if isinstance(found, Judge) or (isinstance(found, type) and issubclass(found, Judge)):
        return prepared(found)
    if callable(found) and not isinstance(found, type):
        return deciding(found)
    raise BadArgument(
        f"judge '{plug.word}': {_called(found)} is no kind of judge: give a JudgeKind, a Judge or a function of a "
        "moment and an offer"
    )


def declared(name: str, folder: Path | None = None) -> Declared:
    """The judge of that name: a shipped card, a card's .yaml file (looked up in `folder`), or what a package or a
    FILE.py:NAME adds. Raises UsageError for an unknown name."""
    if is_inline(name):
        return _in_words(name, folder)
    if has_card(name):
        path = card_path(name)
        path = path if folder is None or path.is_absolute() else folder / path
        return parse_card(read_yaml(path, _WANTED), path.name, path.parent)
    plug = plugins.find(Contract.JUDGE, name, beside=folder)
    if plug is None or plug.ours:
        card_path(name)  # says what is wrong with the name
        raise BadArgument(f"judge '{name}' is a kind, and needs a card: write a .yaml file with kind: {name}")
    return of_plug(plug, name, folder)


def _in_words(member: str, folder: Path | None) -> Declared:
    """The judge of `KIND:FIELD=VALUE,…`: a card without a file."""
    declaration = inline_card(member)
    if plugins.built_in(Contract.JUDGE, declaration["kind"]) is None:
        known = [plug.word for plug in plugins.ours(Contract.JUDGE)]
        raise UnknownName(
            f"judge '{member}': there is no kind of judge '{declaration['kind']}': "
            f"{did_you_mean(declaration['kind'], known)}write personal:m=5,base=NAME, or a card's .yaml file"
        )
    return parse_card(declaration, f"judge '{member}'", folder)


def of_plug(plug: Plug, name: str, folder: Path | None = None) -> Declared:
    """What a plug from outside is without a card of its own: one that says its name. Raises UsageError where the kind
    needs to be told more."""
    kind, code = kind_of(plug), plug.code
    declaration = {"kind": plug.word, "name": re.sub(r"[^A-Za-z0-9._-]+", "-", plug.word), "summary": plug.about}
    if code.version is not None:
        declaration["version"] = code.version
    try:
        return Declared(kind.card.model_validate(declaration), kind, folder or Path(), code)
    except ValidationError as error:
        field = ".".join(str(part) for part in error.errors()[0]["loc"]) or "card"
        raise BadArgument(
            f"judge '{name}' needs a card that says its {field}: write a .yaml file with kind: {name}"
        ) from None


def read_card(path: Path) -> BaseCard:
    """The card in a YAML file. Raises UsageError where there is none or it is not valid."""
    return parse_card(read_yaml(path, _WANTED), path.name, path.parent).card


def card_names() -> list[str]:
    """Names of the shipped cards, sorted."""
    return sorted(path.stem for path in shipped("judges").glob("*.yaml"))


def has_card(name: str) -> bool:
    """Whether a judge of this name is declared by a card: a shipped one, or a .yaml file."""
    return (name.endswith(_CARDS) and not is_inline(name)) or name in card_names()


def card_path(name: str) -> Path:
    """Where the card of this name (shipped) or file lies. Raises UsageError for an unknown name."""
    if name.endswith(_CARDS):
        return Path(name).expanduser()
    path = shipped("judges", f"{name}.yaml")
    if name not in card_names():
        if Path(name).exists():
            raise unfit(Path(name), _WANTED)
        known = card_names() + [plug.word for plug in plugins.plugs(Contract.JUDGE) if not plug.ours]
        raise UnknownName(
            f"no judge '{name}': {did_you_mean(name, known)}choose from {', '.join(known)}, or give a card's .yaml "
            "file or FILE.py:NAME"
        )
    return path


def load_card(name: str) -> BaseCard:
    """The card of that judge."""
    return declared(name).card


def _called(found: object) -> str:
    return f"the class {found.__name__}" if isinstance(found, type) else type(found).__name__


def _kinds() -> str:
    return ", ".join(plug.word for plug in plugins.plugs(Contract.JUDGE))
