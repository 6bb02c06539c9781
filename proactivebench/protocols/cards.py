"""Protocol cards: YAML that holds every text and every rule of a protocol, validated and hashed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter, ValidationError, model_validator

from proactivebench.errors import UsageError
from proactivebench.files import read_yaml, unfit
from proactivebench.naming import did_you_mean
from proactivebench.protocols.parser import RULES, Extraction, parse_reply
from proactivebench.records import ProtocolIdentity, Record, digest

_FOLDER = Path(__file__).with_name("cards")
_WANTED = "a protocol's name or its card, a .yaml file as docs/protocols.md has it"
_PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")
_PLACEHOLDERS = {"system": {"task", "confidence"}, "task_several": {"candidates"}, "feedback": {"reason"}}


class History(StrEnum):
    """What an agent sees of the past: its OWN answers between the events, or the OBSERVATIONS (events) alone."""

    OWN = "own"
    OBSERVATIONS = "observations"


class _Card(Record):
    """What every protocol declares. `feedback_judge` is the id of the judge whose reasons go back to the agent."""

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
    def _feedback_has_a_judge(self) -> _Card:
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


class StandardCard(_Card):
    """A protocol whose texts stand in the card. Placeholders are filled in one pass and checked here."""

    kind: Literal["standard"]
    confidence: bool = False
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


class PaperCard(_Card):
    """The released conversation. Its prompts ask for one task and know no feedback, so neither can be changed."""

    kind: Literal["paper"]

    @model_validator(mode="after")
    def _only_what_the_released_prompts_can_ask(self) -> PaperCard:
        if self.candidates != 1:
            raise ValueError("the released prompts ask for one task: use the standard protocol for several candidates")
        if self.feedback_rounds:
            raise ValueError("the released prompts have no words for feedback: use the standard protocol")
        _refuse_answer("placeholder", self.placeholder, 1, Extraction.RELEASED)
        return self


class ReleasedCard(_Card):
    """Answers from elsewhere, which are only read. How they were asked for is not known, so nothing is asked."""

    kind: Literal["released"]

    @model_validator(mode="after")
    def _nobody_is_advised(self) -> ReleasedCard:
        if self.feedback_rounds:
            raise ValueError("answers that are only read get no feedback: use the standard protocol to ask for some")
        return self


AnyCard = StandardCard | PaperCard | ReleasedCard
_ADAPTER: TypeAdapter[AnyCard] = TypeAdapter(Annotated[AnyCard, Field(discriminator="kind")])


def shipped_cards() -> list[str]:
    """Names of the protocols that come with the package."""
    return sorted(path.stem for path in _FOLDER.glob("*.yaml"))


def load_card(name_or_file: str, overrides: Mapping[str, Any] | None = None) -> AnyCard:
    """The card of a shipped protocol, or of a YAML file, with some fields replaced.

    Raises `UsageError` for an unknown name, an unreadable file or a card that makes no sense.
    """
    fields = _fields(name_or_file) | dict(overrides or {})
    try:
        return _ADAPTER.validate_python(fields)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"] if part not in ("standard", "paper", "released"))
        what = first["msg"].removeprefix("Value error, ")
        raise UsageError(f"protocol {name_or_file}: {where + ': ' if where else ''}{what}") from error


def _refuse_answer(field: str, text: str, candidates: int, extraction: Extraction) -> None:
    """Raises `ValueError` where a text that the harness puts into conversations could itself be read as an answer."""
    read = parse_reply(text, candidates=candidates, extraction=extraction)
    if read.status.clean:
        raise ValueError(f"{field}: can be read as an answer ({read.status}), and agents repeat it: write it in prose")


def fill(text: str, values: Mapping[str, str]) -> str:
    """`text` with its placeholders replaced in a single pass: what a value brings along is never expanded again."""
    return _PLACEHOLDER.sub(lambda match: values[match[1]], text)


def _fields(name_or_file: str, above: tuple[str, ...] = ()) -> dict[str, Any]:
    path = _path(name_or_file)
    fields = read_yaml(path, _WANTED)
    parent = fields.pop("extends", None)
    if parent is None:
        return fields
    if str(path) in above or not isinstance(parent, str):
        raise UsageError(f"protocol card {path}: `extends` must name another protocol, and not itself")
    return _fields(parent, (*above, str(path))) | fields


def _path(name_or_file: str) -> Path:
    if name_or_file in shipped_cards():
        return _FOLDER / f"{name_or_file}.yaml"
    path = Path(name_or_file).expanduser()
    if path.suffix in (".yaml", ".yml") and path.is_file():
        return path
    if path.exists():
        raise unfit(path, _WANTED)
    hint = did_you_mean(name_or_file, shipped_cards())
    known = ", ".join(shipped_cards())
    raise UsageError(f"protocol {name_or_file}: no such card; {hint}known: {known}, or a .yaml file")
