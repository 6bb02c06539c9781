"""Protocol cards: YAML that holds every text and every rule of a protocol, validated and hashed."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError, model_validator

from proactivebench import plugins
from proactivebench.errors import BadArgument, UnknownName
from proactivebench.files import read_yaml, unfit
from proactivebench.naming import did_you_mean
from proactivebench.plugins import Contract, Plug
from proactivebench.protocols.base import Protocol
from proactivebench.protocols.contract import Stated
from proactivebench.protocols.parser import RULES, Extraction, parse_reply
from proactivebench.records import Code, ProtocolIdentity, Record, digest

_FOLDER = Path(__file__).with_name("cards")
_WANTED = "a protocol's name or its card, a .yaml file as docs/protocols.md has it"
_PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")
_PLACEHOLDERS = {"system": {"task", "confidence"}, "task_several": {"candidates"}, "feedback": {"reason"}}


class History(StrEnum):
    """What an agent sees of the past: its OWN answers between the events, or the OBSERVATIONS (events) alone."""

    OWN = "own"
    OBSERVATIONS = "observations"


class ProtocolCard(Record):
    """What every protocol declares. `feedback_judge` is the id of the judge whose reasons go back to the agent."""

    kind: str
    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_.-]*$")
    version: str
    summary: str = ""
    history: History = History.OWN
    candidates: int = Field(default=1, ge=1, le=100)
    feedback_rounds: int = Field(default=0, ge=0, le=20)
    feedback_judge: str | None = None
    max_attempts: int = Field(default=1, ge=1, le=20)
    max_gen_toks: int = Field(default=1024, ge=1)
    placeholder: str = Field(min_length=1)

    @model_validator(mode="after")
    def _feedback_has_a_judge(self) -> ProtocolCard:
        if self.feedback_rounds and not self.feedback_judge:
            raise ValueError("feedback rounds need a feedback judge: name one with feedback_judge")
        if self.feedback_judge and not self.feedback_rounds:
            raise ValueError("a feedback judge without rounds says nothing: set feedback_rounds to 1 or more")
        return self

    def identity(self, texts: Mapping[str, str] | None = None) -> ProtocolIdentity:
        """Name, version and the sha256 over the whole card, the parser's rules and the `texts` from outside it."""
        content = [self.model_dump(mode="json", exclude={"summary"}), RULES, dict(texts or {})]
        return ProtocolIdentity(
            name=self.name,
            version=self.version,
            hash=digest(content),
            history=self.history.value,
            candidates=self.candidates,
            feedback_rounds=self.feedback_rounds,
            feedback_judge=self.feedback_judge,
        )


class StandardCard(ProtocolCard):
    """A protocol whose texts stand in the card. Placeholders are filled in one pass and checked here."""

    confidence: Stated | bool = False
    system: str
    task_one: str
    task_several: str
    confidence_line: str
    observations: str
    feedback: str
    no_reason: str

    @model_validator(mode="after")
    def _placeholders_are_the_known_ones(self) -> StandardCard:
        for text, known in _PLACEHOLDERS.items():
            found = _PLACEHOLDER.findall(getattr(self, text))
            if set(found) != known or len(found) != len(known):
                wanted = ", ".join(f"{{{name}}}" for name in sorted(known))
                raise ValueError(f"{text}: needs {wanted} once each and no other placeholder, found {found or 'none'}")
        return self

    @model_validator(mode="after")
    def _own_words_are_no_answers(self) -> StandardCard:
        for name in ("placeholder", "feedback", "no_reason", "observations"):
            _refuse_answer(name, getattr(self, name), self.candidates, Extraction.ANYWHERE)
        return self


class PaperCard(ProtocolCard):
    """The released conversation. Its prompts ask for one task and know no feedback, so neither can be changed."""

    @model_validator(mode="after")
    def _only_what_the_released_prompts_can_ask(self) -> PaperCard:
        if self.candidates != 1:
            raise ValueError("the released prompts ask for one task: use the standard protocol for several candidates")
        if self.feedback_rounds:
            raise ValueError("the released prompts have no words for feedback: use the standard protocol")
        _refuse_answer("placeholder", self.placeholder, 1, Extraction.RELEASED)
        return self


class ReleasedCard(ProtocolCard):
    """Answers from elsewhere, which are only read. How they were asked for is not known, so nothing is asked."""

    @model_validator(mode="after")
    def _nobody_is_advised(self) -> ReleasedCard:
        if self.feedback_rounds:
            raise ValueError("answers that are only read get no feedback: use the standard protocol to ask for some")
        return self


@dataclass(frozen=True, slots=True)
class Making:
    """What the builder of a protocol has at hand: `pins` (sha256 by path) in place of the release's own, and `reader`,
    which reads answers for so many candidates as the standard protocol does."""

    pins: Mapping[str, str] | None
    reader: Callable[[int], Protocol]


@dataclass(frozen=True, slots=True)
class ProtocolKind:
    """A kind of protocol: the model of its card, and `build(card, making)`, the protocol of a card. Named without a
    card, it is declared by the card it `extends`."""

    card: type[ProtocolCard]
    build: Callable[[Any, Making], Protocol]
    extends: str = "standard"

    @property
    def made_by(self) -> Callable[..., Any]:
        """Where its code stands."""
        return self.build


@dataclass(frozen=True, slots=True)
class Declared:
    """A card with its kind; `code` is the kind's, where it is not ours."""

    card: ProtocolCard
    kind: ProtocolKind
    code: Code | None = None


def shipped_cards() -> list[str]:
    """Names of the protocols that come with the package."""
    return sorted(path.stem for path in _FOLDER.glob("*.yaml"))


def load_card(name_or_file: str, overrides: Mapping[str, Any] | None = None) -> ProtocolCard:
    """The card that `declared` finds."""
    return declared(name_or_file, overrides).card


def declared(name_or_file: str, overrides: Mapping[str, Any] | None = None) -> Declared:
    """The card of a shipped protocol, of a YAML file, or of what a package or FILE.py:NAME adds, with some fields
    replaced.

    Raises `UsageError` for an unknown name, an unreadable file or a card that makes no sense.
    """
    fields, folder = _fields(name_or_file)
    fields |= dict(overrides or {})
    plug = _kind_named(name_or_file, fields.get("kind"), folder)
    kind = kind_of(plug)
    try:
        card = kind.card.model_validate({**fields, "kind": plug.word})
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        what = first["msg"].removeprefix("Value error, ")
        raise BadArgument(f"protocol {name_or_file}: {where + ': ' if where else ''}{what}") from error
    return Declared(card, kind, None if plug.ours else plug.code)


def kind_of(plug: Plug) -> ProtocolKind:
    """The kind of protocol that a plug is: itself, one around a class that is made of a standard card, or around a
    protocol made without one. Raises `UsageError` for anything else."""
    found = plug.load()
    if isinstance(found, ProtocolKind):
        return found
    if isinstance(found, type) and getattr(found, "of_card", False):
        return ProtocolKind(StandardCard, lambda card, _: found(card))
    if isinstance(found, type) and hasattr(found, "conversation"):
        return ProtocolKind(StandardCard, lambda *_: found())
    if hasattr(found, "conversation") and hasattr(found, "parse"):
        return ProtocolKind(StandardCard, lambda *_: found)
    raise BadArgument(
        f"protocol {plug.word}: {type(found).__name__} is no protocol: give a ProtocolKind, or a class with "
        "conversation and parse"
    )


def _kind_named(name_or_file: str, word: object, folder: Path | None) -> Plug:
    if not isinstance(word, str):
        raise BadArgument(f"protocol {name_or_file}: kind: say what kind of protocol it is")
    plug = plugins.find(Contract.PROTOCOL, word, beside=folder)
    if plug is None:
        known = [known.word for known in plugins.plugs(Contract.PROTOCOL)]
        raise UnknownName(
            f"protocol {name_or_file}: kind: there is no kind '{word}': {did_you_mean(word, known)}there are "
            f"{', '.join(known)}, and FILE.py:NAME"
        )
    return plug


def _refuse_answer(field: str, text: str, candidates: int, extraction: Extraction) -> None:
    """Raises `ValueError` where a text that the harness puts into conversations could itself be read as an answer."""
    read = parse_reply(text, candidates=candidates, extraction=extraction)
    if read.status.clean:
        raise ValueError(f"{field}: can be read as an answer ({read.status}), and agents repeat it: write it in prose")


def fill(text: str, values: Mapping[str, str]) -> str:
    """`text` with its placeholders replaced in a single pass: what a value brings along is never expanded again."""
    return _PLACEHOLDER.sub(lambda match: values[match[1]], text)


def _fields(name_or_file: str, above: tuple[str, ...] = ()) -> tuple[dict[str, Any], Path | None]:
    """What a card says, what it extends included; and the folder of a card that is not shipped."""
    path = _path(name_or_file)
    if path is None:
        return _fields_of_plug(name_or_file), None
    fields = read_yaml(path, _WANTED)
    folder = None if path.parent == _FOLDER else path.parent
    parent = fields.pop("extends", None)
    if parent is None:
        return fields, folder
    if str(path) in above or not isinstance(parent, str):
        raise BadArgument(f"protocol card {path}: `extends` must name another protocol, and not itself")
    return _fields(parent, (*above, str(path)))[0] | fields, folder


def _fields_of_plug(word: str) -> dict[str, Any]:
    """The card of a protocol from outside that is named without one."""
    plug = plugins.get(Contract.PROTOCOL, word)
    fields, _ = _fields(kind_of(plug).extends)
    own = {"name": re.sub(r"[^a-z0-9_.-]+", "-", plug.word.casefold()), "kind": word, "summary": plug.about}
    return fields | own | {"version": plug.version or "0"}


def _path(name_or_file: str) -> Path | None:
    """Where a card lies; None for a word that a plug from outside has. Raises `UsageError` for an unknown one."""
    if name_or_file in shipped_cards():
        return _FOLDER / f"{name_or_file}.yaml"
    path = Path(name_or_file).expanduser()
    if path.suffix in (".yaml", ".yml") and path.is_file():
        return path
    plug = plugins.find(Contract.PROTOCOL, name_or_file)
    if plug is not None and not plug.ours:
        return None
    if path.exists():
        raise unfit(path, _WANTED)
    known = shipped_cards() + [plug.word for plug in plugins.plugs(Contract.PROTOCOL) if not plug.ours]
    hint = did_you_mean(name_or_file, known)
    raise UnknownName(
        f"protocol {name_or_file}: no such card; {hint}known: {', '.join(known)}, a .yaml file or FILE.py:NAME"
    )
