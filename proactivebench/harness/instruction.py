"""lm-eval's `--system_instruction` over any protocol."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from proactivebench.agents.base import Message
from proactivebench.protocols.base import Parsed, Protocol
from proactivebench.records import Moment, ProtocolIdentity, Reply, digest


@dataclass(frozen=True, slots=True)
class InstructedProtocol:
    """A protocol whose system message opens with the user's own instruction, as lm-eval does it; part of the hash."""

    inner: Protocol
    instruction: str

    @property
    def identity(self) -> ProtocolIdentity:
        """The inner protocol's identity under another hash and name."""
        inner = self.inner.identity
        changed = {"name": f"{inner.name}+instruction", "hash": digest([inner.hash, self.instruction])}
        return inner.model_copy(update=changed)

    @property
    def own_history(self) -> bool:
        """As the inner protocol."""
        return self.inner.own_history

    @property
    def max_attempts(self) -> int:
        """As the inner protocol."""
        return self.inner.max_attempts

    @property
    def default_max_gen_toks(self) -> int:
        """As the inner protocol."""
        return self.inner.default_max_gen_toks

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

    def parse(self, text: str) -> Parsed:
        """As the inner protocol."""
        return self.inner.parse(text)

    def render(self, proposals: Sequence[str]) -> str:
        """As the inner protocol."""
        return self.inner.render(proposals)

    def schema(self) -> dict[str, Any]:
        """As the inner protocol."""
        return self.inner.schema()
