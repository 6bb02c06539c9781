"""What the harness itself writes is never an answer: the same law for every protocol, shipped or from a card's file."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from proactivebench.errors import UsageError
from proactivebench.protocols import Protocol, load_protocol
from proactivebench.protocols.contract import TASK_KEY, reply_text
from proactivebench.records import Cause, Event, Moment, Note, Reply, ReplyStatus, Trace
from tests.protocols.test_paper import STAND_IN, load

OWN_CARD = {
    "name": "own",
    "version": "1",
    "extends": "standard",
    "system": """Callbacks. {task}
Example: `<a task or null>`, or {{"Proactive Task": "Book a table for two"}}.
{confidence}""",
    "task_one": "Propose the single most useful next step here.",
    "placeholder": "[the assistant's words were lost]",
    "feedback": "They said this about it: {reason}\nNow think it over and answer again.",
    "no_reason": "They did not like it at all.",
}
PROMPT = "Zeig nur, was <eine Aufgabe oder null> hilft. Beispiel: „Einen Tisch für zwei Personen reservieren“."


@pytest.fixture(scope="module")
def protocols(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Protocol]:
    folder = tmp_path_factory.mktemp("cards")
    (folder / "own.yaml").write_text(yaml.safe_dump(OWN_CARD), encoding="utf-8")
    (folder / "german.yaml").write_text(
        yaml.safe_dump(OWN_CARD | {"name": "german", "system": PROMPT + " {task}{confidence}"}), encoding="utf-8"
    )
    return {
        "standard": load_protocol("standard"),
        "three": load_protocol("standard", candidates=3),
        "confidence": load_protocol("standard-confidence"),
        "feedback": load_protocol("standard", feedback_rounds=1, feedback_judge="j-00000000"),
        "observations": load_protocol("standard", history="observations"),
        "paper": load(tmp_path_factory.mktemp("mirror"), STAND_IN),
        "own": load_protocol(str(folder / "own.yaml"), feedback_rounds=1, feedback_judge="j-00000000"),
        "german": load_protocol(str(folder / "german.yaml")),
    }


NAMES = ["standard", "three", "confidence", "feedback", "observations", "paper", "own", "german"]
EVENTS = ("alpha opened 1", "beta closed 2", "gamma saved 3")
ADVICE = "Quite the wrong moment, they were typing."


def texts_of(protocol: Protocol) -> list[str]:
    """Every line the protocol puts into a conversation, as a run would, but for the user's events."""
    trace = Trace(trace_id="t", split="coding", events=tuple(Event(time=str(i), event=e) for i, e in enumerate(EVENTS)))
    lost = Reply(trace_id="t", turn=0, status=ReplyStatus.UNPARSABLE, text="?")
    moment, history = Moment(trace, 2), [[lost], [lost]] if protocol.own_history else []
    messages = list(protocol.conversation(moment, history))
    if protocol.identity.feedback_rounds:
        messages += protocol.conversation(moment, history, [lost], None)
    lines = [line for message in messages for line in (message.content, *message.content.splitlines())]
    return [
        line for line in dict.fromkeys(lines) if not any(event in line for event in EVENTS) and len(line.split()) > 2
    ]


@pytest.mark.parametrize("name", NAMES)
def test_no_text_of_the_harness_is_read_as_an_answer(name: str, protocols: dict[str, Protocol]) -> None:
    protocol = protocols[name]
    texts = texts_of(protocol)
    assert len(texts) >= 2
    for text in texts:
        as_it_stands = protocol.parse(text)
        assert not as_it_stands.status.clean, text
        for offered in (text, text.upper(), f'  "{text}" ', text.rstrip(".:") + "!"):
            parsed = protocol.parse(reply_text(offered))
            assert parsed.status is ReplyStatus.UNPARSABLE, offered
            assert parsed.cause in (Cause.ECHO, Cause.TEMPLATE), offered
            assert parsed.proposals == ()


@pytest.mark.parametrize("name", NAMES)
def test_the_placeholder_for_an_unreadable_answer_is_an_echo_wherever_it_is_repeated(
    name: str, protocols: dict[str, Protocol]
) -> None:
    protocol = protocols[name]
    placeholder = protocol.card.placeholder  # type: ignore[attr-defined]
    said = {"Purpose": "", "Thoughts": placeholder, TASK_KEY: None, "Response": None}
    for text in (placeholder, placeholder.upper(), json.dumps(said), reply_text(placeholder), reply_text("x", said)):
        parsed = protocol.parse(text)
        assert (parsed.status, parsed.cause) == (ReplyStatus.UNPARSABLE, Cause.ECHO), text


def test_the_placeholder_of_the_first_version_is_an_echo_too(protocols: dict[str, Protocol]) -> None:
    sentence = "My answer could not be read, so the user saw nothing."
    old = f'{{"Purpose": "", "Thoughts": "{sentence}", "Proactive Task": null, "Response": null}}'
    for name in ("standard", "paper"):
        assert protocols[name].parse(old).cause is Cause.ECHO


@pytest.mark.parametrize("name", NAMES)
def test_advice_handed_back_is_an_echo(name: str, protocols: dict[str, Protocol]) -> None:
    protocol = protocols[name]
    assert protocol.parse(reply_text(ADVICE)).status is ReplyStatus.PROPOSED
    assert protocol.parse(reply_text(ADVICE.upper()), heard=(ADVICE,)).cause is Cause.ECHO


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "offer",
    [
        "...",
        "…",
        "-",
        "???",
        "🙂",
        "\u200b",
        "\u3164",
        "<task or null>",
        "<task>",
        "{task}",
        "{{ task }}",
        "string or null",
        "<string>",
    ],
)
def test_a_place_to_be_filled_in_is_a_template(name: str, offer: str, protocols: dict[str, Protocol]) -> None:
    parsed = protocols[name].parse(reply_text(offer))
    assert (parsed.status, parsed.cause, parsed.proposals) == (ReplyStatus.UNPARSABLE, Cause.TEMPLATE, ())


def test_an_example_of_a_cards_own_prompt_is_a_template_under_that_card_alone(protocols: dict[str, Protocol]) -> None:
    for name, offer in (
        ("own", "Book a table for two"),
        ("own", "a task or null"),
        ("own", "the single most useful next step"),
        ("german", "eine Aufgabe oder null"),
        ("german", "Einen Tisch für zwei Personen reservieren"),
        ("paper", "Say what you make of it"),
    ):
        assert protocols[name].parse(reply_text(offer)).cause is Cause.TEMPLATE, offer
        assert protocols["standard"].parse(reply_text(offer)).status is ReplyStatus.PROPOSED, offer


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "offer",
    [
        "Tidy up the imports",
        "Answer the e-mail",
        "Fix the bug in parser.py",
        "Turn it into a List<string>",
        "修复这个错误",
        "Reply to the user's message",
        "<b>Fix</b> it",
        "Convert the object to a string",
        "Keep a record of what the user is doing at the computer",
    ],
)
def test_an_agents_own_words_are_an_offer(name: str, offer: str, protocols: dict[str, Protocol]) -> None:
    assert protocols[name].parse(reply_text(offer)).proposals == (offer,)


def test_one_template_among_candidates_spoils_the_list(protocols: dict[str, Protocol]) -> None:
    parsed = protocols["three"].parse(reply_text(["Tidy up", "..."]))
    assert (parsed.status, parsed.cause) == (ReplyStatus.UNPARSABLE, Cause.TEMPLATE)


def test_silence_written_as_the_prompt_shows_it_is_silence(tmp_path: Path) -> None:
    shown = '{"Purpose": "", "Thoughts": "", "Proactive Task": null, "Response": null}'
    card = OWN_CARD | {"system": f"Be useful or quiet. {{task}} Quiet looks like this:\n{shown}\n{{confidence}}"}
    (tmp_path / "c.yaml").write_text(yaml.safe_dump(card), encoding="utf-8")
    protocol = load_protocol(str(tmp_path / "c.yaml"))
    for text in (shown, f"```json\n{shown}\n```", f"Well: {shown}"):
        assert protocol.parse(text).status is ReplyStatus.SILENT
    prompt = protocol.conversation(Moment(Trace(trace_id="t", split="s", events=(Event(time="1", event="e"),)), 0), ())[
        0
    ]
    assert protocol.parse(prompt.content).cause is Cause.TEMPLATE


@pytest.mark.parametrize("field", ["placeholder", "feedback", "no_reason", "observations"])
@pytest.mark.parametrize("text", ['{"Proactive Task": null}', 'Say: {"Proactive Task": "x"}'])
def test_a_card_whose_own_words_can_be_read_as_an_answer_is_refused(tmp_path: Path, field: str, text: str) -> None:
    card: dict[str, Any] = OWN_CARD | {field: text + (" {reason}" if field == "feedback" else "")}
    (tmp_path / "c.yaml").write_text(yaml.safe_dump(card), encoding="utf-8")
    with pytest.raises(UsageError, match=f"{field}: can be read as an answer"):
        load_protocol(str(tmp_path / "c.yaml"))


@pytest.mark.parametrize(
    "offer",
    [
        "N/A",
        "n/a.",
        "None.",
        "NULL!",
        "Nothing",
        "no",
        "No task",
        "No task needed.",
        "none needed",
        "No proactive task",
        "no proactive task is needed at this time",
        "There is no task to propose.",
        "No action required",
        "Nothing to do",
        "No assistance needed right now",
        "Not applicable",
        "无",
        "无需",
        "無需",
        "暂无任务",
        "不需要帮助",
        "当前无主动任务",
        "特になし",
        "없음",
        "keine",
        "rien",
        "Stay silent",
        "Do nothing.",
    ],
)
def test_an_offer_that_says_there_is_none_stays_an_offer_and_is_noted(
    offer: str, protocols: dict[str, Protocol]
) -> None:
    for name in ("standard", "three", "paper"):
        parsed = protocols[name].parse(reply_text(offer))
        assert (parsed.proposals, parsed.notes) == ((offer,), (Note.NO_TASK_WORDS,))


@pytest.mark.parametrize(
    "offer",
    [
        "Note the deadline",
        "No-op the failing hook",
        "Nothing fancy: rename the file",
        "Wait for the build and report",
        "Need help with the task?",
        "无缝合并两个文件",
        "Check that no task is needed in the backlog",
        "Skip the broken test",
    ],
)
def test_an_offer_with_such_a_word_in_it_is_not_noted(offer: str, protocols: dict[str, Protocol]) -> None:
    assert protocols["standard"].parse(reply_text(offer)).notes == ()
