"""The protocol contract: how a moment becomes a conversation, and how a reply is read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from typing import Protocol as Interface

from proactivebench.models.base import Message
from proactivebench.records import Cause, Moment, Note, ProtocolIdentity, Reply, ReplyStatus


@dataclass(frozen=True, slots=True)
class Parsed:
    """What a reply's text says: PROPOSED with proposals, SILENT, EMPTY or UNPARSABLE (then `cause` says why).

    `trailing`: an object with the task stands in the text, and what follows it says more. Where the text was cut off,
    such an object was a draft."""

    status: ReplyStatus
    proposals: tuple[str, ...] = ()
    reasoning: str | None = None
    confidence: float | None = None
    p_need: float | None = None
    notes: tuple[Note, ...] = ()
    cause: Cause | None = None
    trailing: bool = field(default=False, compare=False)  # of the text, not of what it says


class Protocol(Interface):
    """How one moment is asked and answered. Pure: the same arguments give the same messages, byte for byte."""

    @property
    def identity(self) -> ProtocolIdentity:
        """Name, version and the hash over every text and rule."""

    @property
    def own_history(self) -> bool:
        """Whether the agent's earlier answers stand in the conversation (then turns depend on each other)."""

    @property
    def max_attempts(self) -> int:
        """How often an answer that does not parse is asked again (1 = never)."""

    @property
    def default_max_gen_toks(self) -> int:
        """Generation limit unless the user sets one."""

    def conversation(
        self,
        moment: Moment,
        history: Sequence[Sequence[Reply]],
        rounds: Sequence[Reply] = (),
        advice: str | None = None,
    ) -> tuple[Message, ...]:
        """The messages for the next answer at `moment`.

        `history`: per earlier turn the replies given there, by round (ignored with history `observations`).
        `rounds`: the replies already given at this moment; `advice`: what the judge says of the last of them.
        Advice on earlier rounds stands in each reply's own `advice` field.
        """

    def parse(self, text: str, heard: Sequence[str] = ()) -> Parsed:
        """Read a reply's text. Never raises, whatever the text.

        `heard`: what the agent was told in this conversation beyond the protocol's own texts (a judge's advice). Like
        those, it is no answer when it is handed back.
        """

    def render(self, proposals: Sequence[str]) -> str:
        """The text of a well-formed answer with these proposals (none = silence): what baselines say."""

    def schema(self) -> dict[str, Any] | None:
        """JSON schema of a well-formed answer; None where no form of the answer is asked of a server."""


class Terms:
    """What every protocol has of the interface besides its texts, given once."""

    def __init__(
        self, identity: ProtocolIdentity, *, own_history: bool, max_attempts: int, default_max_gen_toks: int
    ) -> None:
        self.identity = identity
        self.own_history = own_history
        self.max_attempts = max_attempts
        self.default_max_gen_toks = default_max_gen_toks
