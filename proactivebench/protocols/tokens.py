"""What a run would send, before anything is sent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from proactivebench.protocols.base import Protocol
from proactivebench.records import Moment, Reply, ReplyStatus, Trace

CHARACTERS_PER_TOKEN = 4  # a rule of thumb for English; Chinese text takes about one token a character


class PromptEstimate(NamedTuple):
    """Conversations one repeat asks, and the prompt tokens in them all: an estimate, four characters to a token."""

    conversations: int
    prompt_tokens: int


def estimate_prompt_tokens(traces: Sequence[Trace], protocol: Protocol) -> PromptEstimate:
    """What one repeat over `traces` sends if the agent stays silent throughout: no retries, no feedback rounds.

    Every conversation is counted whole; a server with a prefix cache computes much less of it.
    """
    silence = protocol.render([])
    conversations = characters = 0
    for trace in traces:
        history = [
            [Reply(trace_id=trace.trace_id, turn=turn, status=ReplyStatus.SILENT, text=silence)]
            for turn in range(len(trace.events))
        ]
        for turn in range(len(trace.events)):
            messages = protocol.conversation(Moment(trace, turn), history[:turn])
            characters += sum(len(message.content) for message in messages)
            conversations += 1
    return PromptEstimate(conversations, round(characters / CHARACTERS_PER_TOKEN))
