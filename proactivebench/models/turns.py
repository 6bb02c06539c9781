"""Conversations for chat templates that know fewer roles, or insist on their order."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby, takewhile

from proactivebench.models.base import Message, Reasoned

_BETWEEN = "\n\n"


def merge_system(messages: Sequence[Message]) -> tuple[Message, ...]:
    """The conversation without system messages: those that lead open the first user message, a later one is the
    user's."""
    leading = [message.content for message in takewhile(lambda message: message.role == "system", messages)]
    rest = [Message("user", m.content) if m.role == "system" else m for m in messages[len(leading) :]]
    if not leading:
        return tuple(rest)
    if rest and rest[0].role == "user":
        leading.append(rest.pop(0).content)
    return Message("user", _BETWEEN.join(leading)), *rest


def join_turns(messages: Sequence[Message]) -> tuple[Message, ...]:
    """The conversation with neighbours of one role made one message, so that roles alternate."""
    joined: list[Message] = []
    for role, group in groupby(messages, key=lambda message: message.role):
        first, *others = group
        if not others:
            joined.append(first)
            continue
        thoughts = [text for message in (first, *others) if (text := reasoning_of(message))]
        content = _BETWEEN.join(message.content for message in (first, *others))
        joined.append(Reasoned(role, content, _BETWEEN.join(thoughts)) if thoughts else Message(role, content))
    return tuple(joined)


def reasoning_of(message: Message) -> str | None:
    """The thoughts a message carries."""
    return message.reasoning if isinstance(message, Reasoned) else None
