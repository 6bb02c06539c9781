"""Every shape of the release's files, with what its own reader trips over, in sessions of our own making."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from proactivebench.annotation.formats import format_of
from proactivebench.annotation.formats.release_shapes import read_shapes
from proactivebench.annotation.formats.release_writing import write
from proactivebench.annotation.importing import Imported, import_job, import_votes
from proactivebench.annotation.job import JobFolder
from proactivebench.errors import DataError
from proactivebench.records import Answer

FORM = format_of("release")
TIMES = ("1717378968.5", "2024-02-29 23:59:10", "02-29 08:00:00", "2024-02-29T23:59:59+08:00", "Day 1, 11:00 PM")


def _seen(at: int) -> dict[str, str]:
    return {"time": TIMES[at % len(TIMES)], "event": f"The user turns to page {at} of the manual."}


def _moment(at: int, offers: Sequence[Any], **more: Any) -> dict[str, Any]:
    return {"observation": _seen(at), "candidate_task": list(offers), **more}


def _made(path: Path, *contents: Any, lines: bool = False) -> tuple[JobFolder, Imported]:
    path.mkdir(exist_ok=True)
    for number, content in enumerate(contents):
        text = "\n".join(map(json.dumps, content)) + "\n" if lines else json.dumps(content)
        (path / f"log_{number}.{'jsonl' if lines else 'json'}").write_text(text, encoding="utf-8")
    return import_job(FORM, sorted(path.glob("log_*")), path / "job")


def _said(folder: JobFolder) -> list[tuple[str, int, str | None, Answer | None]]:
    texts = {(i.item_id, o.offer_id): o.text for i in folder.items.values() for o in i.offers}
    return [
        (v.annotator, folder.items[v.item_id].turn, texts[v.item_id, v.offer_id] if v.offer_id else None, v.answer)
        for v in folder.votes().values()
    ]


def test_annotation_takes_all_the_words_that_its_page_writes(tmp_path: Path) -> None:
    session = [
        _moment(0, ["Mark it", "Print it"], real_user={"u1": [1], "u2": "Reject all", "u3": []}),
        _moment(1, ["Fold it", "", None, "null"], real_user={"u1": "REJECT  ALL", "u2": [0, 3, 4]}),
        _moment(2, [""], real_user={"u1": "need", "u2": "No Need", "u3": "no_need"}),
        # the page leaves what comes after the last annotated moment as the trace has it
        {"observation": _seen(3), "agent_response": {"candidate_task": ["Close it"]}, "task_status": False},
    ]
    names, places = {"Jane": "u1", "Joe": "u2"}, {"u1": ["log_0"], "u2": ["log_0"]}
    folder, imported = _made(tmp_path, session, names, places)
    assert sorted(map(str, _said(folder))) == sorted(
        map(
            str,
            [
                ("u1", 0, "Mark it", Answer.REJECT),
                ("u1", 0, "Print it", Answer.ACCEPT),
                ("u2", 0, "Mark it", Answer.REJECT),
                ("u2", 0, "Print it", Answer.REJECT),
                ("u3", 0, "Mark it", Answer.REJECT),
                ("u3", 0, "Print it", Answer.REJECT),
                ("u1", 1, "Fold it", Answer.REJECT),
                ("u2", 1, "Fold it", Answer.ACCEPT),
                ("u1", 2, None, Answer.YES),
                ("u2", 2, None, Answer.NO),
                ("u3", 2, None, Answer.NO),
            ],
        )
    )
    assert imported.left_out == {"ticks on offers that are not there": 2, "maps of names, traces or splits": 2}
    (trace,) = folder.traces.values()
    assert [event.time for event in trace.events] == list(TIMES[:4]), "times are kept as they are written"
    assert "Jane" not in "".join(file.read_text() for file in folder.path.rglob("*") if file.is_file())
    asked = {item.turn: (item.ask_need, len(item.offers)) for item in folder.items.values()}
    assert asked == {0: (False, 2), 1: (False, 1), 2: (True, 0), 3: (False, 1)}


def test_traces_and_released_answers_become_questions_and_no_model_votes(tmp_path: Path) -> None:
    answers = [
        {
            "observation": _seen(0),
            "agent_response": [None],
            "other_infomation": {"Thoughts": "none"},
            "judgment": [True],
        },
        {"observation": _seen(1), "agent_response": ["Mark it"], "judgement": [True, False, True]},
        {"observation": _seen(2), "agent_response": ["None"], "task_status": True},
        {"observation": _seen(3), "agent_response": [{"task": "x"}]},
        {"observation": {"time": 12, "event": "x"}, "agent_response": {"candidate_task": ["Fold it"]}},
    ]
    folder, imported = _made(tmp_path, answers)
    assert {item.turn: [offer.text for offer in item.offers] for item in folder.items.values()} == {
        0: [],
        1: ["Mark it"],
        2: [],
        3: [],
        4: ["Fold it"],
    }
    assert all(item.ask_need for item in folder.items.values()), "nobody said anything yet: need is asked everywhere"
    assert imported.new == 0
    assert imported.left_out == {"verdicts of models": 4, "offers that are no text": 1}


def test_conversations_are_read_by_what_stands_in_them(tmp_path: Path) -> None:
    def judged(task: str | None, word: str) -> dict[str, Any]:
        asked = {"Observations (Time Ascending)": [_seen(0), _seen(1)], "Proposed Task": task, "Instruction": "Judge."}
        reply = "```json\n" + json.dumps({"thought": "I read.", "judgement": word}) + "\n```"
        messages = (("system", "You are the user."), ("user", json.dumps(asked)), ("assistant", reply))
        return {"conversations": [{"role": role, "content": text} for role, text in messages]}

    folder, imported = _made(
        tmp_path,
        [judged("Mark it", "accepted"), judged("Print it", "rejected"), judged(None, "rejected"), judged("x", "?")],
    )
    assert _said(folder) == [
        ("label", 1, "Mark it", Answer.ACCEPT),
        ("label", 1, "Print it", Answer.REJECT),
        ("label", 1, None, Answer.YES),
    ]
    assert imported.left_out == {"conversations without a judgement": 1}
    lesson = [
        {"role": "system", "content": "Offer."},
        {"role": "user", "content": json.dumps({"Time": "1", "Event": "a"})},
        {"role": "assistant", "content": json.dumps({"Purpose": "p", "Proactive Task": None})},
        {"role": "user", "content": json.dumps({"Instructions": "…", "Observations": {"Time": "2", "Event": "b"}})},
        {"role": "assistant", "content": json.dumps({"Proactive Task": "Mark it"})},
    ]
    for number, (content, lines) in enumerate(
        [([lesson, lesson[:3]], True), ([{"conversations": lesson}], False), (lesson, False)]
    ):
        folder, _ = _made(tmp_path / f"agent-{number}", content, lines=lines)
        (trace,) = folder.traces.values()
        assert [event.event for event in trace.events] == ["a", "b"]
        assert [[offer.text for offer in item.offers] for item in folder.items.values()] == [[], ["Mark it"]]


def test_an_activity_log_becomes_sentences_without_what_was_typed(tmp_path: Path) -> None:
    log = [
        {
            "timestamp": 1717378968.5,
            "duration": 35.2,
            "user_input": [{"from": "keyboard", "type": "input", "data": "hunter2"}, {"from": "mouse", "data": {}}],
            "status": "not-afk",
            "app": "web",
            "info": [{"title": "Manual", "url": "https://example.org"}, {"title": "Manual"}],
        },
        {
            "timestamp": "2024-02-29T08:00:00Z",
            "duration": 5,
            "user_input": [],
            "status": "afk",
            "app": "other",
            "events": [],
        },
    ]
    folder, _ = _made(tmp_path, log)
    (trace,) = folder.traces.values()
    assert [event.event for event in trace.events] == [
        "The user spends 35 s in web (Manual) and types 7 characters and uses the mouse or clipboard 1 times.",
        "The user spends 5 s in other and is away from the keyboard.",
    ]
    assert [event.time for event in trace.events] == ["1717378968.5", "2024-02-29T08:00:00Z"]


def test_a_simulated_session_gives_its_events_and_offers(tmp_path: Path) -> None:
    lines = [
        {"time": "02-29 08:00:00", "source": "Environment", "tags": ["setup"], "content": "a desk"},
        {
            "time": "02-29 08:00:01",
            "source": "Environment",
            "tags": ["events", "env"],
            "content": "The user sits down.",
        },
        {
            "time": "02-29 08:00:02",
            "source": "ProactiveAgent",
            "tags": ["agent.proactive"],
            "content": '{"Proactive Task": "Mark it"}',
        },
    ]
    folder, imported = _made(tmp_path, lines, lines=True)
    (item,) = folder.items.values()
    assert [offer.text for offer in item.offers] == ["Mark it"]
    assert imported.left_out == {"lines that are no events": 1}


def _reward(at: int, task: str | None, votes: list[bool], *, needed: bool) -> dict[str, Any]:
    valid = (not needed) if task is None else 2 * sum(votes) > len(votes)
    return {
        "obs": [_seen(one) for one in range(at + 1)],
        "pred_task": task,
        "valid": valid,
        "help_needed": needed,
        "annotation": votes,
        "category": "Correct-Detection (CD)",
    }


def test_reward_data_keeps_people_apart_by_their_place_and_says_so(tmp_path: Path) -> None:
    rows = [
        _reward(1, "Mark it", [True, True], needed=True),
        _reward(1, None, [False, True], needed=True),
        _reward(0, "Mark it", [True, False], needed=True),
    ]
    folder, imported = _made(tmp_path, rows, lines=True)
    assert imported.annotators == ("session-1.p1", "session-1.p2")
    assert "votes carry no names" in imported.notes[-1]
    assert "help_needed is not what their votes say: 1" in imported.notes[0]
    assert ("session-1.p1", 1, None, Answer.YES) in _said(folder), "who is against the silence wants help"
    assert import_votes(FORM, [tmp_path / "log_0.jsonl"], folder).known == 6


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ([_moment(0, ["a"], real_user={"u": "maybe"})], r'entry 1, "u": "maybe" is no label'),
        ([_moment(0, ["a"], real_user={"u": [True]})], "a list of 1 is no label"),
        ([_moment(0, ["a"], real_user={"u": [-1]})], "is no label"),
        ([_moment(0, ["a"], real_user=["u"])], "real_user is a list of 1"),
        ([_moment(0, ["a"]), {"observation": _seen(1)}], "entry 2: the key 'agent_response' is missing"),
        ([{"observation": {"time": "0"}, "candidate_task": []}], "entry 1: the key 'event' is missing"),
        ([{"observation": {"time": [], "event": "x"}, "candidate_task": []}], "time is a list of 0, not text"),
        ([{"observation": _seen(0), "agent_response": {}}], "'candidate_task' is missing"),
        ([{"obs": [_seen(0)], "pred_task": None}], "'annotation' is missing"),
        ([{**_reward(0, "x", [True], needed=True), "annotation": [1]}], "no list of true and false"),
        ([{**_reward(0, "x", [True], needed=True), "help_needed": "yes"}], 'help_needed is "yes"'),
        ([{**_reward(0, "x", [True], needed=True), "obs": []}], "obs is empty"),
        ([_reward(0, "x", [True], needed=True), _reward(0, "y", [True], needed=False)], "help_needed differs"),
        ([{"conversations": [{"role": "user"}]}], "a message without role and content"),
        ([{"timestamp": 0, "duration": "long", "app": "web"}], 'duration is "long"'),
        ([{"timestamp": 0, "duration": 1}], "the key 'app' is missing"),
        ([{"text": "x", "label": 1}], "no shape of the release"),
        ([7], "nothing that the release has"),
        ([], "the files tell of no moment"),
        ({"u1": ["log_0"]}, "the files tell of no moment"),
    ],
)
def test_what_is_wrong_is_one_line_with_its_place_and_nothing_is_made(content: Any, says: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=says) as refused:
        _made(tmp_path, content)
    assert "\n" not in str(refused.value)
    assert [file.name for file in tmp_path.iterdir()] == ["log_0.json"]


TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(
    lambda text: text.strip().casefold() not in ("", "null", "none")
)


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    moments=st.lists(
        st.tuples(TEXT, st.lists(TEXT, max_size=3, unique=True), st.lists(st.booleans(), min_size=3, max_size=3)),
        min_size=1,
        max_size=4,
    )
)
def test_any_text_survives_the_shapes_of_the_release(
    moments: list[tuple[str, list[str], list[bool]]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("any")
    session = [
        {
            "observation": {"time": str(at), "event": event},
            "candidate_task": offers,
            "real_user": {"u1": [n for n in range(len(offers)) if ticks[n]] or "Reject all"} if offers else {},
        }
        for at, (event, offers, ticks) in enumerate(moments)
    ]
    folder, _ = _made(path, session)
    files = write(folder)
    (name,) = (name for name in files if name.startswith("traces/"))
    back = [
        {key: value for key, value in moment.items() if key != "real_user" or value}
        for moment in json.loads(files.get(name.replace("traces", "annotation"), "[]"))
    ]
    if any(offers for _, offers, _ in moments):
        assert back == [{k: v for k, v in moment.items() if k != "real_user" or v} for moment in session]
    for shape, text in files.items():
        file = path / f"out.{shape.rpartition('.')[2]}"
        file.write_text(text, encoding="utf-8", newline="\n")
        told = read_shapes([file]).told
        assert told[-1].events == folder.traces["log_0"].events[: len(told[-1].events)]
