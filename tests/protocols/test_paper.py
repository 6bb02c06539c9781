"""The paper protocol against an independent re-implementation that runs the stand-in's own template.

The released script is not ours to keep: the tests use a stand-in of the same shape, in other words, with its own pin.
"""

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from proactivebench.errors import DataError, UsageError
from proactivebench.models.endpoint.model import EndpointModel
from proactivebench.protocols import Protocol, load_protocol
from proactivebench.protocols.released import prompts_in
from proactivebench.records import Cause, Decoding, Moment, Reply, ReplyStatus, Trace
from tests.models.asking import request, with_agent
from tests.protocols.conversations import TRACES, WORDS, reply, trace_of
from tests.servers.chat import chat_server

STAND_IN = '''
import json

raise_if_run = open("/nonexistent/this file is read and never run")

SYSTEM = """You are a stand-in.
Speak JSON: {"Proactive Task": ...} \\u00fc and `null`. [placeholder] stays here.
"""

STEP = json.dumps({
    "Hint": "Say what you make of it; \\u4f60\\u597d.",
    "Seen": "[placeholder]",
    "Again": "[placeholder]"
    })

def unrelated():
    return {"a": 1}
'''


@pytest.fixture(scope="module")
def paper(tmp_path_factory: pytest.TempPathFactory) -> Protocol:
    return load(tmp_path_factory.mktemp("mirror"), STAND_IN)


def load(mirror: Path, source: str, **options: Any) -> Protocol:
    file = mirror / "eval" / "script.py"
    file.parent.mkdir(exist_ok=True)
    file.write_text(source, encoding="utf-8")
    pins = {"eval/script.py": hashlib.sha256(source.encode()).hexdigest()}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PROACTIVEBENCH_MIRROR", str(mirror))
        return load_protocol("paper", pins=pins, **options)


class Script:
    """What the released script does with a trace, written anew: one list of messages, rewritten in place."""

    def __init__(self) -> None:
        names: dict[str, Any] = {}
        exec(STAND_IN.replace('open("/nonexistent/this file is read and never run")', "None"), names)  # noqa: S102
        self.step: str = names["STEP"]
        self.messages = [{"role": "system", "content": names["SYSTEM"]}]

    def ask(self, time: str, event: str) -> list[tuple[str, str]]:
        self.bare = json.dumps({"Time": time, "Event": event})
        self.messages.append({"role": "user", "content": self.step.replace("[placeholder]", self.bare)})
        return [(message["role"], message["content"]) for message in self.messages]

    def hear(self, text: str) -> None:
        if "```json" in text:
            text = re.findall(r"```json\n(.*?)\n```", text, re.DOTALL)[0]
        answer = json.loads(text)
        if answer.get("Proactive Task") is None or answer["Proactive Task"] == "null":
            answer["Proactive Task"] = None
        if answer.get("Response") == "null":
            answer["Response"] = None
        self.messages.append({"role": "assistant", "content": json.dumps(answer)})
        self.messages[-2]["content"] = self.bare


VALUES = st.none() | WORDS | st.just("null") | st.sampled_from(["None", "帮忙", '"q"', "```"])
ANSWERS = st.fixed_dictionaries(
    {},
    optional={
        "Purpose": WORDS,
        "Thoughts": VALUES,
        "Proactive Task": VALUES,
        "Response": VALUES,
        "Extra": st.lists(st.integers()) | st.floats(allow_nan=False),
    },
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(TRACES, st.data())
def test_the_conversation_is_the_scripts_to_the_byte(paper: Protocol, trace: Trace, data: st.DataObject) -> None:
    script = Script()
    history: list[list[Reply]] = []
    for turn, event in enumerate(trace.events):
        assert [tuple(m) for m in paper.conversation(Moment(trace, turn), history)] == script.ask(
            event.time, event.event
        )
        text = json.dumps(
            data.draw(ANSWERS), ensure_ascii=data.draw(st.booleans()), indent=data.draw(st.none() | st.just(2))
        )
        if data.draw(st.booleans()):
            text = f"Here:\n```json\n{text}\n```\nand ```json\nno\n```"
        elif "```json" in text:
            text = "{}"
        if not paper.parse(
            text
        ).status.clean:  # a task without a letter, say: what then stands there is not the script's
            text = "{}"
        parsed = paper.parse(text)
        assert parsed.status.clean
        history.append([reply(parsed.status, text)])
        script.hear(text)


def test_the_events_json_stands_unescaped_inside_the_instructions_string(paper: Protocol) -> None:
    instruction = paper.conversation(Moment(trace_of('typed "x"'), 0), ())[-1].content
    assert '"Seen": "{"Time": "1717378000", "Event": "typed \\"x\\""}"' in instruction
    assert "\\u4f60" in instruction


def test_an_event_that_contains_the_slot_is_not_expanded_again(paper: Protocol) -> None:
    instruction = paper.conversation(Moment(trace_of("typed [placeholder]"), 0), ())[-1].content
    assert instruction.count("[placeholder]") == 2  # one in each copy of the event


def test_only_the_system_text_and_the_dict_are_taken_and_nothing_is_run() -> None:
    system, step = prompts_in(STAND_IN)
    assert system.startswith("You are a stand-in.\n") and "ü" in system
    assert list(json.loads(step)) == ["Hint", "Seen", "Again"]


@pytest.mark.parametrize(
    "source",
    [
        "def broken(:",
        "SYSTEM = 'a'",
        "STEP = json.dumps({'a': 'b'})",
        "SYSTEM = 1\nSTEP = json.dumps({'a': 'b'})",
        "SYSTEM = open('x').read()\nSTEP = json.dumps({'a': 'b'})",
        "SYSTEM = 'a'\nSTEP = json.dumps(other)",
        "SYSTEM = 'a'\nSTEP = json.dumps({'a': other})",
        "SYSTEM = 'a'\nSTEP = json.dumps({'a': {'b': 'c'}})",
    ],
)
def test_a_source_of_another_shape_is_refused(source: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"eval/script\.py"):
        load(tmp_path, source)


def test_an_altered_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "eval").mkdir()
    (tmp_path / "eval" / "script.py").write_text(STAND_IN)
    monkeypatch.setenv("PROACTIVEBENCH_MIRROR", str(tmp_path))
    with pytest.raises(DataError, match="sha256"):
        load_protocol("paper")


def test_an_unclean_reply_leaves_a_placeholder_so_that_roles_alternate(paper: Protocol) -> None:
    trace = trace_of("a", "b")
    messages = paper.conversation(Moment(trace, 1), [[reply(ReplyStatus.UNPARSABLE, "no")]])
    assert [m.role for m in messages] == ["system", "user", "assistant", "user"]
    assert messages[1].content == '{"Time": "1717378000", "Event": "a"}'
    assert paper.parse(messages[2].content).cause is Cause.ECHO


def test_a_reply_is_asked_for_up_to_five_times(paper: Protocol) -> None:
    assert paper.max_attempts == 5


def test_reasoning_left_in_the_text_is_not_remembered(paper: Protocol) -> None:
    text = '<think>hm</think>{"Proactive Task": "null"}'
    assert paper.parse(text).status is ReplyStatus.SILENT
    messages = paper.conversation(Moment(trace_of("a", "b"), 1), [[reply(ReplyStatus.SILENT, text)]])
    assert messages[2].content == '{"Proactive Task": null}'


def test_with_observations_the_bare_events_stand_before_the_instruction(tmp_path: Path) -> None:
    protocol = load(tmp_path, STAND_IN, history="observations")
    system, user = protocol.conversation(Moment(trace_of("a", "b"), 1), ())
    first, instruction = user.content.split("\n")
    assert first == '{"Time": "1717378000", "Event": "a"}'
    assert '"Event": "b"' in instruction and system.role == "system"
    assert not protocol.own_history


@pytest.mark.parametrize(
    "options", [{"candidates": 3}, {"feedback_rounds": 1, "feedback_judge": "lexical"}, {"history": "none"}]
)
def test_what_the_released_prompts_cannot_ask_is_refused(tmp_path: Path, options: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="protocol paper: "):
        load(tmp_path, STAND_IN, **options)


def test_the_hash_covers_the_pinned_file(tmp_path: Path, paper: Protocol) -> None:
    other = load(tmp_path, STAND_IN.replace("stand-in", "double"))
    assert other.identity.hash != paper.identity.hash
    assert load(tmp_path, STAND_IN).identity == paper.identity


def test_the_paper_protocol_asks_a_server_for_no_response_format(paper: Protocol) -> None:
    async def use(agent: EndpointModel, protocol: Protocol) -> dict[str, Any]:
        agent.expect(Decoding(), protocol.schema())
        found = await agent.start()
        await agent.complete(request(schema=protocol.schema()))
        return found

    for protocol, form in ((load_protocol("standard"), "json_schema, strict"), (paper, "none")):
        with chat_server() as server:
            found = with_agent(server, lambda agent, protocol=protocol: use(agent, protocol))
            assert found["response_format"] == form
            assert {"response_format" in seen.body for seen in server.requests} == {form != "none"}
