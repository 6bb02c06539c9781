"""lm-eval's `--system_instruction` over any protocol."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from proactivebench.models.base import Message
from proactivebench.protocols.base import Parsed, Protocol, Terms
from proactivebench.records import Moment, Reply, digest


class InstructedProtocol(Terms):
    """A protocol whose system message opens with the user's own instruction, as lm-eval does it; part of the hash."""

    def __init__(self, inner: Protocol, instruction: str) -> None:
        changed = {
            "name": f"{inner.identity.name}+instruction",
            "hash": digest([inner.identity.hash, instruction]),
        }
        super().__init__(
            inner.identity.model_copy(update=changed),
            own_history=inner.own_history,
            max_attempts=inner.max_attempts,
            default_max_gen_toks=inner.default_max_gen_toks,
        )
        self.inner = inner
        self.instruction = instruction

    def conversation(
        self,
        moment: Moment,
        history: Sequence[Sequence[Reply]],
        rounds: Sequence[Reply] = (),
        advice: str | None = None,
    ) -> tuple[Message, ...]:
        """The inner conversation, the instruction first."""
        messages = self.inner.conversation(moment, history, rounds, advice)
        if messages and messages[0].role == "system":
            return (Message("system", f"{self.instruction}\n\n{messages[0].content}"), *messages[1:])
        return (Message("system", self.instruction), *messages)

    def parse(self, text: str, heard: Sequence[str] = ()) -> Parsed:
        """As the inner protocol; the instruction handed back is no answer either."""
        return self.inner.parse(text, (*heard, self.instruction))

    def render(self, proposals: Sequence[str]) -> str:
        """As the inner protocol."""
        return self.inner.render(proposals)

    def schema(self) -> dict[str, Any] | None:
        """As the inner protocol."""
        return self.inner.schema()
