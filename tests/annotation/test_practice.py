"""What annotators read and practise before anything counts: ours, or what the maker of a job gives."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from proactivebench.annotation import prepare
from proactivebench.errors import BadArgument, DataError, WrongFile
from proactivebench.records import Trace
from tests.annotation.jobs import DATA, session


def test_practice_comes_first_teaches_and_takes_no_ones_place(tmp_path: Path) -> None:
    own = DATA.model_copy(update={"traces": (*DATA.traces, session("practice-1", 3))})
    job = prepare(own, tmp_path / "job").folder
    practice = [item for item in job.items.values() if item.practice]
    assert list(job.items.values())[: len(practice)] == practice
    assert {item.trace_id for item in practice} == {"practice-1-"}
    assert list(job.traces) == ["practice-1-", *job.sessions]
    assert list(job.sessions) == [trace.trace_id for trace in own.traces]
    assert all(item.known_need and item.why and all(offer.known for offer in item.offers) for item in practice)
    assert {offer.known for item in practice for offer in item.offers} == {"accept", "reject", "premature"}
    assert not any(item.practice for item in prepare(DATA, tmp_path / "bare", practice="none").folder.items.values())


def test_practice_is_in_chinese_where_the_sessions_are(tmp_path: Path) -> None:
    event = {"time": "1", "event": "用户打开文件并开始修改第三段。"}
    chinese = Trace.model_validate({"trace_id": "z", "split": "s", "events": [event] * 3})
    job = prepare(DATA.model_copy(update={"traces": (chinese,)}), tmp_path / "job").folder
    assert "用户" in job.traces["practice-1"].events[0].event


PRACTICE: dict[str, Any] = {
    "events": [{"time": 1, "event": "The user opens a file."}, {"time": "2", "event": "It does not open."}],
    "items": [{"turn": 1, "need": "yes", "offers": [{"text": "Mend it", "answer": "accept"}], "why": "It is broken."}],
}


def test_practice_of_ones_own_takes_its_place(tmp_path: Path) -> None:
    (tmp_path / "mine.jsonl").write_text(json.dumps(PRACTICE) + "\n")
    job = prepare(DATA, tmp_path / "job", practice=tmp_path / "mine.jsonl").folder
    (item,) = (one for one in job.items.values() if one.practice)
    assert (item.turn, item.known_need, item.why, item.offers[0].known) == (1, "yes", "It is broken.", "accept")
    assert job.traces["practice-1"].events[0].time == "1"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"items": [{"turn": 2, "need": "no"}]}, "turn 2 is beyond the last of 2 events"),
        ({"items": [{"turn": 0, "need": "accept"}]}, "accept is no answer to the need"),
        ({"items": [{"turn": 0, "need": "no", "offers": [{"text": "x", "answer": "yes"}]}]}, "no answer to an offer"),
        ({"items": [{"turn": 0, "need": "no"}, {"turn": 0, "need": "yes"}]}, "two items have the same turn"),
        ({"items": []}, "items: "),
        ({"events": "x"}, "events: "),
        ({"label": 1}, "label: "),
    ],
)
def test_practice_that_cannot_be_taught_is_refused_by_line_and_fault(
    change: dict[str, Any], says: str, tmp_path: Path
) -> None:
    (tmp_path / "mine.jsonl").write_text(json.dumps(PRACTICE) + "\n" + json.dumps(PRACTICE | change) + "\n")
    with pytest.raises(DataError, match=f"mine.jsonl:2: .*{says}"):
        prepare(DATA, tmp_path / "job", practice=tmp_path / "mine.jsonl")


def test_instructions_are_our_own_in_two_languages_or_those_given(tmp_path: Path) -> None:
    prepare(DATA, tmp_path / "own")
    assert "withdraw at any time" in (tmp_path / "own" / "instructions.md").read_text(encoding="utf-8")
    assert "随时退出" in (tmp_path / "own" / "instructions.zh.md").read_text(encoding="utf-8")
    for name in ("study.zh.md", "study.de.md", "study.md"):
        (tmp_path / name).write_text(f"# {name}\n")
    given = prepare(DATA, tmp_path / "given", instructions=[tmp_path / "study.de.md", tmp_path / "study.zh.md"])
    texts = {file.name: file.read_text() for file in given.folder.path.glob("instructions*")}
    assert texts == {
        "instructions.md": "# study.de.md\n",
        "instructions.de.md": "# study.de.md\n",
        "instructions.zh.md": "# study.zh.md\n",
    }
    (tmp_path / "empty.md").write_text(" \n")
    (tmp_path / "table.csv").write_text("a,b\n")
    cases: list[tuple[list[str], type[Exception], str]] = [
        (["empty.md"], WrongFile, "holds nothing"),
        (["table.csv"], WrongFile, "is not named as Markdown"),
        (["none.md"], WrongFile, "no such file"),
        (["study.md", "empty.md"], BadArgument, "a second text of instructions in en"),
    ]
    for wrong, kind, says in cases:
        with pytest.raises(kind, match=says):
            prepare(DATA, tmp_path / "job", instructions=[tmp_path / name for name in wrong])
    assert not (tmp_path / "job").exists()
