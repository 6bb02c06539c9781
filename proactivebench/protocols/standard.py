"""The standard protocol: append-only conversations, so that a server's prefix cache hits at every turn."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from proactivebench.models.base import Message, Reasoned
from proactivebench.protocols.base import Parsed, Terms
from proactivebench.protocols.cards import History, ProtocolKind, StandardCard, fill
from proactivebench.protocols.contract import render_reply, reply_schema
from proactivebench.protocols.own_texts import OwnTexts, schema_texts
from proactivebench.protocols.parser import parse_reply
from proactivebench.records import Event, Moment, Reply
from proactivebench.text import split_reasoning


class StandardProtocol(Terms):
    """A card's conversation. Each one extends the one before it: by whole messages with history `own`, by lines of the
    one user message with history `observations`. A class derived from it is a protocol of its own, made of a card."""

    of_card = True

    def __init__(self, card: StandardCard) -> None:
        self.card = card
        super().__init__(
            card.identity(),
            own_history=card.history is History.OWN,
            max_attempts=card.max_attempts,
            default_max_gen_toks=card.max_gen_toks,
        )
        self._system = Message("system", _system_text(card))
        self._own = OwnTexts(
            (self._system.content, schema_texts(self.schema())),
            (card.observations, card.feedback, card.no_reason),
            card.placeholder,
        )

    def conversation(
        self,
        moment: Moment,
        history: Sequence[Sequence[Reply]],
        rounds: Sequence[Reply] = (),
        advice: str | None = None,
    ) -> tuple[Message, ...]:
        """The messages for the next answer. With history `own`, raises `ValueError` unless `history` has every turn."""
        messages = [self._system]
        if self.own_history:
            for event, replies in zip(moment.events[:-1], history, strict=True):
                messages += [Message("user", event_line(event)), *self._exchange(replies)]
            messages.append(Message("user", event_line(moment.events[-1])))
        else:
            lines = [self.card.observations.rstrip("\n"), *map(event_line, moment.events)]
            messages.append(Message("user", "\n".join(lines)))
        if rounds:
            messages += [*self._exchange(rounds), self._feedback(advice)]
        return tuple(messages)

    def parse(self, text: str, heard: Sequence[str] = ()) -> Parsed:
        """Read a reply's text. Never raises, whatever the text."""
        card = self.card
        return parse_reply(
            text, candidates=card.candidates, confidence=bool(card.confidence), own=self._own, heard=heard
        )

    def render(self, proposals: Sequence[str]) -> str:
        """The text of a well-formed answer. Raises `ValueError` for more proposals than the card allows."""
        return render_reply(proposals, candidates=self.card.candidates)

    def schema(self) -> dict[str, Any]:
        """JSON schema of a well-formed answer."""
        return reply_schema(candidates=self.card.candidates, confidence=self.card.confidence)

    def _exchange(self, replies: Sequence[Reply]) -> list[Message]:
        """The replies given at one moment, with the advice that led to each but the first between them."""
        messages = [] if replies else [Message("assistant", self.card.placeholder)]
        for place, reply in enumerate(replies):
            if place:
                messages.append(self._feedback(reply.advice))
            messages.append(Reasoned("assistant", self._words(reply), reply.reasoning))
        return messages

    def _feedback(self, advice: str | None) -> Message:
        reason = (advice or "").strip() or self.card.no_reason
        return Message("user", fill(self.card.feedback, {"reason": reason}).rstrip("\n"))

    def _words(self, reply: Reply) -> str:
        """What the agent said, to the character but without reasoning; the placeholder where it could not be read."""
        return split_reasoning(reply.text)[1] if reply.status.clean and reply.text else self.card.placeholder


def event_line(event: Event) -> str:
    """An event as one line of JSON, foreign scripts kept."""
    return json.dumps({"time": event.time, "event": event.event}, ensure_ascii=False)


def _system_text(card: StandardCard) -> str:
    several = fill(card.task_several, {"candidates": str(card.candidates)})
    task = card.task_one if card.candidates == 1 else several
    confidence = card.confidence_line if card.confidence else ""
    return fill(card.system, {"task": task.rstrip("\n"), "confidence": confidence}).rstrip("\n")


KIND = ProtocolKind(StandardCard, lambda card, _: StandardProtocol(card))
