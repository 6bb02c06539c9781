"""Answers that were given elsewhere: they are read under the protocol they were given under, and nothing is asked."""

from __future__ import annotations

from collections.abc import Sequence

from proactivebench.models.base import Message
from proactivebench.protocols.base import Protocol, Terms
from proactivebench.protocols.cards import ProtocolKind, ReleasedCard
from proactivebench.records import Moment, ProtocolIdentity, Reply


class RecordedProtocol(Terms):
    """The protocol `identity`, whose conversations are not at hand or not known; `reader` reads its answers.

    It has no messages and no schema, so it serves agents that compute or replay their answers, and no model. Turns do
    not wait for each other: what an agent once saw of the past stands in `identity`.
    """

    def __init__(self, identity: ProtocolIdentity, reader: Protocol) -> None:
        super().__init__(identity, own_history=False, max_attempts=1, default_max_gen_toks=reader.default_max_gen_toks)
        self.parse, self.render = reader.parse, reader.render

    def conversation(
        self,
        moment: Moment,  # noqa: ARG002 - the protocol's signature
        history: Sequence[Sequence[Reply]],  # noqa: ARG002
        rounds: Sequence[Reply] = (),  # noqa: ARG002
        advice: str | None = None,  # noqa: ARG002
    ) -> tuple[Message, ...]:
        """No message: there is nobody to ask."""
        return ()

    def schema(self) -> None:
        """None: no form was asked for here."""
        return


KIND = ProtocolKind(
    ReleasedCard, lambda card, making: RecordedProtocol(card.identity(), making.reader(card.candidates)), "released"
)
