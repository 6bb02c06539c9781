"""What to leave out of a conversation that no longer fits: one rule, shared by every agent that knows its limit."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence

from proactivebench.models.base import Message

RULE = "drop-oldest-turns"  # recorded in the manifest beside the limit

Count = Callable[[Sequence[Message]], int]


def fit(messages: Sequence[Message], budget: int, count: Count) -> tuple[tuple[Message, ...], int]:
    """The conversation within `budget` tokens, and how many turns were dropped for it.

    A turn is a user message with all that follows it up to the next one. The fewest oldest turns go, whole; the
    leading system messages and the newest user message always stay, even where they alone exceed the budget (the
    model's own limit then decides). `count` gives the tokens of a conversation and must not grow when turns go.
    """
    head = next((i for i, message in enumerate(messages) if message.role != "system"), len(messages))
    starts = [i for i, message in enumerate(messages) if i >= head and message.role == "user"]

    def without(turns: int) -> tuple[Message, ...]:
        return (*messages[:head], *messages[starts[turns] if turns else head :])

    if not starts or count(messages) <= budget:
        return tuple(messages), 0
    most = len(starts) - 1
    dropped = bisect_left(range(most), 1, key=lambda turns: count(without(turns)) <= budget)
    return without(dropped), dropped
