"""The estimate of what a run would send."""

from proactivebench.protocols import estimate_prompt_tokens, load_protocol
from proactivebench.records import Moment, ReplyStatus
from tests.protocols.conversations import reply, trace_of


def test_the_estimate_is_a_quarter_of_all_characters_sent_if_the_agent_stays_silent() -> None:
    protocol = load_protocol("standard")
    trace = trace_of("open", "type", "save")
    history = [[reply(ReplyStatus.SILENT, protocol.render([]))]] * 2
    sent = [protocol.conversation(Moment(trace, turn), history[:turn]) for turn in range(3)]
    characters = sum(len(message.content) for messages in sent for message in messages)
    assert estimate_prompt_tokens([trace, trace], protocol) == (6, round(2 * characters / 4))


def test_nothing_asked_is_nothing_sent() -> None:
    assert estimate_prompt_tokens([], load_protocol("standard")) == (0, 0)
