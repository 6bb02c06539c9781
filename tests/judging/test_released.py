"""The published judge's messages, against a stand-in of the same shape that is really executed."""

import asyncio
import hashlib
from pathlib import Path

import pytest

from proactivebench.errors import DataError
from proactivebench.judging import create_judge
from proactivebench.judging.released import parse_reward_template, read_reward_template
from proactivebench.records import Event, Moment, Trace
from proactivebench.traces import release
from tests.judging.scripted import ScriptedEngine, item

STAND_IN = '''import json
SYSTEM = """<Aufgabe>
Say "yes" or \\"no\\"; ünïcode stays.
</Aufgabe>"""

def format_reward_instruction(seen:list[dict], offer:str) -> list[dict]:
    table = {
        "What happened": seen,
        "What is offered": offer,
        "Do": "Decide now. " "In one word."
    }

    return [
        {"role":"system","content":SYSTEM},
        {"role":"user","content":json.dumps(table,sort_keys=False,ensure_ascii=False,indent=4)}
    ]
'''
EVENTS = (Event(time="1", event='writes "quoted" 整理\n'), Event(time="Day 1, 11:00 PM", event="{seen} [offer]"))


@pytest.mark.parametrize("proposal", [None, 'Tidy up 文件 "now"', "line\nbreak\u202e"])
def test_the_messages_are_the_templates_own_byte_for_byte(proposal: str | None) -> None:
    space: dict[str, object] = {}
    exec(STAND_IN, space)  # noqa: S102
    build = space["format_reward_instruction"]
    expected = build([{"time": e.time, "event": e.event} for e in EVENTS], proposal)  # type: ignore[operator]
    moment = Moment(Trace(trace_id="t", split="s", events=EVENTS), 1)
    messages = parse_reward_template(STAND_IN).messages(moment, proposal)
    assert [{"role": m.role, "content": m.content} for m in messages] == expected


def pinned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str) -> dict[str, str]:
    path = tmp_path / release.JUDGE_PROMPTS
    path.parent.mkdir(parents=True)
    path.write_text(source)
    monkeypatch.setenv("PROACTIVEBENCH_MIRROR", str(tmp_path))
    return {release.JUDGE_PROMPTS: hashlib.sha256(source.encode()).hexdigest()}


def test_the_template_is_read_from_the_pinned_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pins = pinned(tmp_path, monkeypatch, STAND_IN)
    assert read_reward_template(pins).proposal_field == "What is offered"
    with pytest.raises(DataError):
        read_reward_template()  # the shipped pin is another file's


def test_the_reward_model_card_asks_so_and_reads_the_releases_word(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pins = pinned(tmp_path, monkeypatch, STAND_IN)
    monkeypatch.setattr(release, "pins", lambda: pins)
    engine = ScriptedEngine(["hm", "hm", '{"thought": "no", "judgement": "rejected"}'])
    judge = create_judge("reward-model", engine=engine)
    (said,) = asyncio.run(judge.judge([item("Tidy up")]))
    assert (said.status, said.reason) == ("rejected", "no")
    assert [request.decoding.temperature for request in engine.asked] == [0.0, 0.0, 0.5]
    assert engine.asked[0].schema is None
    assert '"What is offered": "Tidy up"' in engine.asked[0].messages[-1].content


def test_half_a_character_does_not_escape_a_verdict(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pins = pinned(tmp_path, monkeypatch, STAND_IN)
    monkeypatch.setattr(release, "pins", lambda: pins)
    engine = ScriptedEngine(['{"judgement": "rejected"}'])
    asyncio.run(create_judge("reward-model", engine=engine).judge([item("odd \ud800 text")]))
    assert "odd ? text" in engine.asked[0].messages[-1].content


@pytest.mark.parametrize(
    "source",
    [
        "",
        "SYSTEM = 1\n",
        "def (",
        STAND_IN.replace("SYSTEM =", "OTHER ="),
        STAND_IN.replace('"Do": "Decide now. " "In one word."', '"Do": seen'),
        STAND_IN.replace("format_reward_instruction", "other"),
    ],
)
def test_a_file_of_another_shape_is_refused_not_run(source: str) -> None:
    with pytest.raises(DataError, match="template"):
        parse_reward_template(source)
