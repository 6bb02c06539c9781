"""What a kind of judge is: the card that declares one, and how the judge of a card is made. One file has both."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self
from typing import Protocol as Interface

from pydantic import Field, model_validator

from proactivebench.judging.base import Judge
from proactivebench.judging.parsing import READING, Output
from proactivebench.judging.training_data import TrainedOn
from proactivebench.models.base import Model
from proactivebench.records import AgentIdentity, Decoding, Design, JudgeIdentity, Measured, NeedRule, Record, digest

_SAID_ONLY = {"summary", "limits", "validation", "trained_on", "measured"}
NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]*$"


class BaseCard(Record):
    """What every card says. `validation` is what validating on the released labels amounts to: `leaked` where
    the judge was trained on them, `leave-one-trace-out` where each trace is judged by a part that never saw it.
    `trained_on` names the people's labels behind its weights (`release`, a data set's name or file; `none`: it saw
    none): where it `brings_weights` and nobody says, they are unknown, and no figure of it counts as measured."""

    brings_weights: ClassVar[bool] = False  # a model is behind it, trained on whatever its makers had
    known_by_weights: ClassVar[bool] = False  # the model behind is whatever its declared weights are
    fallible: ClassVar[bool] = True
    reading: ClassVar[str | None] = None  # how the text of a model is read, where one answers

    kind: str
    name: str = Field(pattern=NAME)
    version: str = "0"
    summary: str = ""
    limits: str = ""
    validation: Design = "direct"
    trained_on: TrainedOn = None
    measured: tuple[Measured, ...] = ()

    @property
    def hash(self) -> str:
        """sha256 over all that can change a verdict (summary and measurements cannot)."""
        return digest(self.model_dump(mode="json", exclude=_SAID_ONLY))

    @property
    def need_rule(self) -> NeedRule | None:
        """The rule by which people's labels are read, where they decide."""
        return None

    @property
    def members(self) -> tuple[str, ...]:
        """The words of the judges it asks in turn."""
        return ()

    @property
    def lacks_model(self) -> bool:
        """Whether `--judge_model` has to name the model behind it."""
        return False

    def ruled(self, rule: NeedRule) -> Self:  # noqa: ARG002
        """The card under a rule of need; only labels have one."""
        return self

    def decoded(self, change: Callable[[Decoding], Decoding]) -> Self:  # noqa: ARG002
        """The card of a judge that generates otherwise; itself where it generates nothing."""
        return self


class ModelCard(BaseCard):
    """What judges with a generative model behind them share.

    `model` and `model_args` name it in the card itself, in the words of `--model`; else `--judge_model` does. From
    `retry_after` failed verdicts on, `retry_temperature` applies."""

    brings_weights: ClassVar[bool] = True
    reading: ClassVar[str | None] = READING

    model: str | None = None
    model_args: dict[str, str] = Field(default_factory=dict)
    output: Output = Output()
    decoding: Decoding = Decoding(max_gen_toks=400)
    attempts: int = Field(default=3, ge=1, le=20)
    retry_after: int = Field(default=1, ge=1)
    retry_temperature: float = 0.5
    constrain: bool = True
    top_logprobs: int = Field(default=10, ge=0, le=20)

    @property
    def lacks_model(self) -> bool:
        """Whether no model is named in the card."""
        return self.model is None

    def decoded(self, change: Callable[[Decoding], Decoding]) -> Self:
        """The card with another decoding."""
        return self.model_copy(update={"decoding": change(self.decoding)})

    @model_validator(mode="after")
    def _no_secrets(self) -> ModelCard:
        if "api_key" in self.model_args:
            raise ValueError("api_key in model_args: keys come from the environment only")
        return self


class Building(Interface):
    """What a builder has at hand for one card. `folder` is where the card lies, `seed` the run's."""

    folder: Path
    seed: int

    def identity(
        self,
        card: BaseCard,
        *,
        silence: str | None = ...,
        proposals: str | None = ...,
        model: AgentIdentity | None = None,
        content: str | None = None,
        baseline: bool = False,
        deterministic: bool = False,
    ) -> JudgeIdentity:
        """Who the judge is: its card, the model behind it, and the hash of any further `content` it decides by.

        `silence` and `proposals` are what its verdicts call it (its name unless said; None: it does not decide those).
        `deterministic`: it says the same of the same each time. A `baseline` is never ranked.
        """

    def engine(self, card: ModelCard) -> Model:
        """The model the card names, or else `--judge_model`; shared, started and closed for the judge.
        Raises `UsageError` where none is named."""

    def named(self, card: Any) -> tuple[str, dict[str, str]]:
        """The words of that model with its arguments, for whoever makes its own of them."""

    def keep(self, name: str, engine: Any) -> None:
        """Have something of the judge's own started and closed with it."""

    def member(self, word: str) -> Judge:
        """Another judge, by its word; a file is looked up beside the card."""


@dataclass(frozen=True, slots=True)
class JudgeKind:
    """A kind of judge: the model of its card, and `build(card, building)`, the judge of a card."""

    card: type[BaseCard]
    build: Callable[[Any, Building], Judge]

    @property
    def made_by(self) -> Callable[..., Any]:
        """Where its code stands."""
        return self.build
