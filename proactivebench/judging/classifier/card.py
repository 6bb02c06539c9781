"""The card of a classifier, and what it asks of one: a score for a text or a chat."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from pydantic import Field, model_validator

from proactivebench.judging.kind import BaseCard
from proactivebench.models.base import Message
from proactivebench.parameters import Parameters


class ClassifierCard(BaseCard):
    """A sequence classifier: accepted where its score reaches `threshold`.

    `text` holds {{events}} and {{proposal}} (for a silence the proposal is the text `silence`). With `assistant`, the
    two are a chat: `text` is what the user says, `assistant` the answer to be scored, and {{proposal}} stands there.
    `label` says which output to read where there are several, `activation` what turns outputs into a score (`none`:
    the bare output)."""

    brings_weights: ClassVar[bool] = True

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

    @property
    def lacks_model(self) -> bool:
        """Whether no model is named in the card."""
        return self.model is None

    @model_validator(mode="after")
    def _placeholders(self) -> ClassifierCard:
        answer = self.text if self.assistant is None else self.assistant
        if self.text.count("{{events}}") != 1:
            raise ValueError("text must hold {{events}} exactly once")
        if answer.count("{{proposal}}") != 1 or (self.text + (self.assistant or "")).count("{{proposal}}") != 1:
            raise ValueError("text (or assistant, where there is one) must hold {{proposal}} exactly once")
        return self


@dataclass(frozen=True, slots=True)
class Score:
    """What a classifier says of one text: its score, or None with the cause."""

    value: float | None
    cause: str | None = None
    latency_s: float | None = None


Chat = tuple[Message, ...]
Text = str | Chat


class Scorer(ABC):
    """Scores texts, or chats whose last message is the answer to be scored. `fits` says whether a text is within the
    model's limit, where that can be known."""

    name: str
    lockstep: bool = True

    def attach(self, parameters: Parameters) -> None:
        """There is nothing to find out about a classifier."""

    async def start(self) -> dict[str, Any]:
        """Get ready."""
        return {}

    def fits(self, text: Text) -> bool:  # noqa: ARG002
        """Whether the model can read the whole text."""
        return True

    @abstractmethod
    async def scores(self, texts: Sequence[Text]) -> list[Score]:
        """One score per text, in order."""

    async def close(self) -> None:
        """Let go of memory and connections."""
