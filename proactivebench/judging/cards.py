"""Judge cards: what a judge is, as a validated, versioned, hashed declaration. A new judge is a new file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter, ValidationError, model_validator

from proactivebench.errors import UsageError
from proactivebench.files import read_yaml, unfit
from proactivebench.naming import did_you_mean
from proactivebench.records import Decoding, Design, Measured, NeedRule, Record, digest
from proactivebench.resources import shipped

NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]*$"


class BaseCard(Record):
    """What every card says. `validation` is what validating on the released labels amounts to: `leaked` where
    the judge was trained on them, `leave-one-trace-out` where each trace is judged by a part that never saw it."""

    name: str = Field(pattern=NAME)
    version: str
    summary: str
    limits: str = ""
    validation: Design = "direct"
    measured: tuple[Measured, ...] = ()

    @property
    def hash(self) -> str:
        """sha256 over all that can change a verdict (summary and measurements cannot)."""
        return digest(self.model_dump(mode="json", exclude={"summary", "limits", "validation", "measured"}))


class LabelsCard(BaseCard):
    """People's stored labels decide."""

    kind: Literal["labels"]
    rule: NeedRule = NeedRule.UNANIMOUS


class LexicalCard(BaseCard):
    """Two small logistic heads over lexical features; `weights` is a file beside the card, `sha256` its content."""

    kind: Literal["lexical"]
    weights: str


class Output(Record):
    """The verdict's contract: one JSON object whose `field` holds one of the two words; `reason` may explain it."""

    field: str = "verdict"
    accept: str = "accepted"
    reject: str = "rejected"
    reason: str | None = "reason"

    @model_validator(mode="after")
    def _two_words(self) -> Output:
        if self.accept.casefold() == self.reject.casefold():
            raise ValueError("accept and reject must be two different words")
        return self


class ModelCard(BaseCard):
    """What judges with a generative model behind them share.

    `model` and `model_args` name it in the card itself, in the words of `--model`; else `--judge_model` does. From
    `retry_after` failed verdicts on, `retry_temperature` applies."""

    model: str | None = None
    model_args: dict[str, str] = Field(default_factory=dict)
    output: Output = Output()
    decoding: Decoding = Decoding(max_gen_toks=400)
    attempts: int = Field(default=3, ge=1, le=20)
    retry_after: int = Field(default=1, ge=1)
    retry_temperature: float = 0.5
    constrain: bool = True
    top_logprobs: int = Field(default=10, ge=0, le=20)

    @model_validator(mode="after")
    def _no_secrets(self) -> ModelCard:
        if "api_key" in self.model_args:
            raise ValueError("api_key in model_args: keys come from the environment only")
        return self


class LLMCard(ModelCard):
    """An LLM asked with the card's own prompt. `user` holds {{events}}, {{nonce}} and {{proposal}}, the last at the
    end so that prefixes are shared; everything filled in is escaped JSON, clipped to the caps."""

    kind: Literal["llm"]
    system: str
    user: str
    max_proposal_chars: int = Field(default=4000, ge=100)
    max_event_chars: int = Field(default=2000, ge=100)

    @model_validator(mode="after")
    def _placeholders(self) -> LLMCard:
        for name in ("{{events}}", "{{proposal}}"):
            if self.user.count(name) != 1:
                raise ValueError(f"user must hold {name} exactly once")
        if self.user.index("{{events}}") > self.user.index("{{proposal}}"):
            raise ValueError("user must hold {{proposal}} after {{events}}")
        if "{{nonce}}" not in self.user:
            raise ValueError("user must hold {{nonce}} around the proposal")
        return self


class RewardModelCard(ModelCard):
    """The published reward model's prompt, read from the pinned release; nothing of it stands in the card."""

    kind: Literal["reward-model"]


class ClassifierCard(BaseCard):
    """A sequence classifier: accepted where its score reaches `threshold`.

    `text` holds {{events}} and {{proposal}} (for a silence the proposal is the text `silence`). With `assistant`, the
    two are a chat: `text` is what the user says, `assistant` the answer to be scored, and {{proposal}} stands there.
    `label` says which output to read where there are several, `activation` what turns outputs into a score (`none`:
    the bare output)."""

    kind: Literal["classifier"]
    model: str | None = None
    model_args: dict[str, str] = Field(default_factory=dict)
    text: str
    assistant: str | None = None
    silence: str
    label: int = -1
    activation: Literal["softmax", "sigmoid", "none"] = "softmax"
    threshold: float = 0.5
    max_length: int = 2048
    max_proposal_chars: int = 4000
    max_event_chars: int = 2000

    @model_validator(mode="after")
    def _placeholders(self) -> ClassifierCard:
        answer = self.text if self.assistant is None else self.assistant
        if self.text.count("{{events}}") != 1:
            raise ValueError("text must hold {{events}} exactly once")
        if answer.count("{{proposal}}") != 1 or (self.text + (self.assistant or "")).count("{{proposal}}") != 1:
            raise ValueError("text (or assistant, where there is one) must hold {{proposal}} exactly once")
        return self


class PanelCard(BaseCard):
    """Several judges vote. `minimum` valid members are needed; `tie` says what an even split means."""

    kind: Literal["panel"]
    panel: tuple[str, ...] = Field(min_length=2)
    rule: Literal["majority", "mean"] = "majority"
    tie: Literal["accepted", "rejected", "unscored"] = "rejected"
    minimum: int = Field(default=2, ge=1)
    threshold: float = Field(default=0.5, gt=0, lt=1)

    @model_validator(mode="after")
    def _enough_members(self) -> PanelCard:
        if self.minimum > len(self.panel):
            raise ValueError(f"minimum {self.minimum} of {len(self.panel)} members can never be reached")
        return self


Card = LabelsCard | LexicalCard | LLMCard | RewardModelCard | ClassifierCard | PanelCard
_WANTED = "a judge's name or its card, a .yaml file"
_ADAPTER: TypeAdapter[Card] = TypeAdapter(Annotated[Card, Field(discriminator="kind")])


def parse_card(declaration: Any, where: str) -> Card:
    """The card a declaration (a mapping) describes. Raises UsageError naming `where` and the field."""
    try:
        return _ADAPTER.validate_python(declaration)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"]) or "card"
        raise UsageError(f"{where}: {field}: {first['msg']}: correct the card") from None


def read_card(path: Path) -> Card:
    """The card in a YAML file. Raises UsageError where there is none or it is not valid."""
    return parse_card(read_yaml(path, _WANTED), path.name)


def card_names() -> list[str]:
    """Names of the shipped cards, sorted."""
    return sorted(path.stem for path in shipped("judges").glob("*.yaml"))


def card_path(name: str) -> Path:
    """Where the card of this name (shipped) or file lies. Raises UsageError for an unknown name."""
    if name.endswith((".yaml", ".yml")):
        return Path(name).expanduser()
    path = shipped("judges", f"{name}.yaml")
    if name not in card_names():
        if Path(name).exists():
            raise unfit(Path(name), _WANTED)
        hint = did_you_mean(name, card_names())
        raise UsageError(f"no judge '{name}': {hint}choose from {', '.join(card_names())}, or give a card's .yaml file")
    return path


def load_card(name: str) -> Card:
    """The shipped card of that name, or the card in that .yaml file."""
    return read_card(card_path(name))
