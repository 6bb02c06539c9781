"""The dropping rule for conversations that no longer fit."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from proactivebench.models.base import Message
from proactivebench.models.context import fit


def words(messages: Sequence[Message]) -> int:
    return sum(len(message.content.split()) for message in messages)


SYSTEM = Message("system", "be brief")
TALK = (
    SYSTEM,
    Message("user", "first event here"),
    Message("assistant", "no"),
    Message("user", "second event here"),
    Message("assistant", "an offer"),
    Message("user", "third event here"),
)


def test_a_conversation_that_fits_is_left_alone() -> None:
    assert fit(TALK, words(TALK), words) == (TALK, 0)


def test_the_oldest_turn_goes_first_and_goes_whole() -> None:
    assert fit(TALK, words(TALK) - 1, words) == ((SYSTEM, *TALK[3:]), 1)


def test_system_prompt_and_newest_user_message_stay_even_beyond_the_budget() -> None:
    assert fit(TALK, 0, words) == ((SYSTEM, TALK[-1]), 2)


def test_an_answer_before_any_user_message_goes_with_the_oldest_turn() -> None:
    talk = (SYSTEM, Message("assistant", "hello there"), *TALK[1:])
    assert fit(talk, words(TALK) - 1, words) == ((SYSTEM, *TALK[3:]), 1)


def test_a_single_user_message_is_never_dropped() -> None:
    alone = (SYSTEM, Message("user", "a very long event"))
    assert fit(alone, 1, words) == (alone, 0)
    assert fit((SYSTEM,), 1, words) == ((SYSTEM,), 0)


@given(st.lists(st.integers(1, 9), min_size=1, max_size=30), st.integers(0, 400))
def test_no_fewer_turns_could_have_been_dropped(sizes: list[int], budget: int) -> None:
    talk = (SYSTEM, *(Message("user", "w " * n) for n in sizes))
    kept, dropped = fit(talk, budget, words)
    assert kept == (SYSTEM, *talk[1 + dropped :])
    assert words(kept) <= budget or dropped == len(sizes) - 1
    if dropped:
        assert words((SYSTEM, *talk[dropped:])) > budget


def test_long_conversations_cost_few_counts() -> None:
    calls = 0

    def counting(messages: Sequence[Message]) -> int:
        nonlocal calls
        calls += 1
        return words(messages)

    fit((SYSTEM, *(Message("user", "w") for _ in range(1000))), 100, counting)
    assert calls <= 12
