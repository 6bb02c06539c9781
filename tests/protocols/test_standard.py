"""The standard protocol's conversations."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proactivebench.models.base import Message
from proactivebench.protocols import load_protocol
from proactivebench.records import Cause, Event, Moment, ReplyStatus, Trace
from tests.protocols.conversations import TRACES, replies, reply, trace_of

OWN = load_protocol("standard")
OBSERVED = load_protocol("standard", history="observations")
ADVISED = load_protocol("standard", feedback_rounds=2, feedback_judge="lexical-0123abcd", candidates=3)
SILENT = OWN.render([])


@given(TRACES, st.data())
def test_every_conversation_extends_the_one_before_it(trace: Trace, data: st.DataObject) -> None:
    history = [data.draw(replies(rounds=3)) for _ in trace.events]
    before: tuple[Message, ...] = ()
    for turn, rounds in enumerate(history):
        for place in range(len(rounds)):
            advice = rounds[place].advice
            now = ADVISED.conversation(Moment(trace, turn), history[:turn], rounds[:place], advice)
            assert now[: len(before)] == before
            assert len(now) == (2 if not before else len(before) + 2)
            before = now


@given(TRACES, st.data())
def test_messages_alternate_after_the_system_text_and_end_with_the_user(trace: Trace, data: st.DataObject) -> None:
    history = [data.draw(replies(rounds=3)) for _ in trace.events[1:]]
    for protocol in (OWN, OBSERVED):
        roles = [message.role for message in protocol.conversation(Moment(trace, len(history)), history)]
        assert roles[0] == "system"
        assert roles[1::2] == ["user"] * len(roles[1::2])
        assert roles[2::2] == ["assistant"] * len(roles[2::2])
        assert roles[-1] == "user"


@given(TRACES)
def test_with_observations_the_one_user_message_only_grows_by_lines(trace: Trace) -> None:
    before = ""
    for turn in range(len(trace.events)):
        system, user = OBSERVED.conversation(Moment(trace, turn), ())
        assert user.content.startswith(before)
        assert before == "" or user.content[len(before)] == "\n"
        before = user.content
        assert system == OBSERVED.conversation(Moment(trace, 0), ())[0]


@given(TRACES)
def test_an_event_is_one_line_of_json_that_reads_back(trace: Trace) -> None:
    turn = len(trace.events) - 1
    user = OBSERVED.conversation(Moment(trace, turn), ())[1].content
    lines = user.split("\n")[-len(trace.events) :]
    assert [json.loads(line) for line in lines] == [{"time": e.time, "event": e.event} for e in trace.events]


def test_an_answer_stands_in_the_history_as_given_but_without_reasoning() -> None:
    trace = trace_of("open", "save")
    said = "<think>long</think>\n```json\n" + OWN.render(["Tidy  up"]) + "\n```"
    messages = OWN.conversation(Moment(trace, 1), [[reply(ReplyStatus.PROPOSED, said)]])
    assert messages[2] == Message("assistant", said.removeprefix("<think>long</think>\n"))


@pytest.mark.parametrize("status", [status for status in ReplyStatus if status.final and not status.clean])
def test_an_unclean_answer_leaves_the_same_placeholder_whatever_it_said(status: ReplyStatus) -> None:
    trace = trace_of("open", "save")
    one, other = (
        OWN.conversation(Moment(trace, 1), [[reply(status, text)]]) for text in (None, 'Hello {"Proactive Task": "x')
    )
    assert one == other
    assert OWN.parse(one[2].content).cause is Cause.ECHO


def test_foreign_scripts_are_sent_as_they_are() -> None:
    assert "打开文件" in OWN.conversation(Moment(trace_of("打开文件"), 0), ())[-1].content


def test_a_history_with_a_turn_missing_is_refused() -> None:
    with pytest.raises(ValueError, match="shorter"):
        OWN.conversation(Moment(trace_of("a", "b", "c"), 2), [[reply(ReplyStatus.SILENT, SILENT)]])


def test_the_judges_reason_goes_back_and_the_exchange_stays() -> None:
    trace = trace_of("open", "save")
    first = reply(ReplyStatus.PROPOSED, ADVISED.render(["a"]))
    second = reply(ReplyStatus.SILENT, SILENT, round=1, advice="Too early {reason}.")
    asked = ADVISED.conversation(Moment(trace, 0), (), [first], "Too early {reason}.")
    assert [m.role for m in asked] == ["system", "user", "assistant", "user"]
    assert "Too early {reason}." in asked[-1].content
    later = ADVISED.conversation(Moment(trace, 1), [[first, second]])
    assert later[:4] == asked
    assert later[4] == Message("assistant", SILENT)


def test_a_judge_without_a_reason_still_gets_its_point_across() -> None:
    first = reply(ReplyStatus.PROPOSED, ADVISED.render(["a"]))
    blank, none = (ADVISED.conversation(Moment(trace_of("x"), 0), (), [first], advice) for advice in (" ", None))
    assert blank == none
    assert "{reason}" not in blank[-1].content


def test_with_observations_the_exchange_of_the_moment_follows_the_events() -> None:
    protocol = load_protocol("standard", history="observations", feedback_rounds=1, feedback_judge="j")
    first = reply(ReplyStatus.PROPOSED, protocol.render(["a"]))
    roles = [m.role for m in protocol.conversation(Moment(trace_of("x", "y"), 1), (), [first], "no")]
    assert roles == ["system", "user", "assistant", "user"]


def test_the_system_text_names_every_key_and_leaves_no_placeholder() -> None:
    for protocol in (OWN, ADVISED, load_protocol("standard-confidence")):
        text = protocol.conversation(Moment(trace_of("x"), 0), ())[0].content
        assert all(f'"{key}"' in text for key in protocol.schema()["required"])
        assert not any(word in text for word in ("{task}", "{confidence}", "{candidates}"))
    assert "3" in ADVISED.conversation(Moment(trace_of("x"), 0), ())[0].content


def test_what_is_rendered_has_the_keys_of_the_schema() -> None:
    rendered = json.loads(OWN.render(["a"]))
    assert list(rendered) == ["Purpose", "Thoughts", "Proactive Task", "Response"] == OWN.schema()["required"]
    assert json.loads(ADVISED.render(["a", "b"]))["Proactive Task"] == ["a", "b"]
    with pytest.raises(ValueError, match="2 proposals"):
        OWN.render(["a", "b"])


def test_both_numbers_are_asked_for_and_required_and_older_cards_still_ask_for_one(tmp_path) -> None:
    asks = load_protocol("standard-confidence")
    (system, *_) = asks.conversation(
        Moment(Trace(trace_id="t", split="s", events=(Event(time="1", event="e"),)), 0), []
    )
    assert '"p_need"' in system.content
    assert '"p_accept"' in system.content
    number = {"type": "number", "minimum": 0, "maximum": 1}
    schema = asks.schema() or {}
    assert [schema["properties"][key] for key in ("p_need", "p_accept")] == [number, number]
    assert {"p_need", "p_accept"} <= set(schema["required"])
    older = tmp_path / "older.yaml"
    older.write_text('name: older\nversion: "1"\nextends: standard\nconfidence: true\n', encoding="utf-8")
    assert "Confidence" in (load_protocol(str(older)).schema() or {})["required"]
    assert load_protocol(str(older)).parse('{"Proactive Task": "a", "Confidence": 0.4}').confidence == 0.4
