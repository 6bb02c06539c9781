"""Stored runs, replayed."""

import asyncio
import gzip
import json
from pathlib import Path

import pytest

from proactivebench.agents.replay.agent import ReplayAgent
from proactivebench.errors import DataError, UsageError
from proactivebench.models.base import Failure
from proactivebench.protocols import load_protocol
from proactivebench.records import (
    AgentIdentity,
    Decoding,
    Manifest,
    Note,
    Reply,
    ReplyStatus,
    Session,
    Task,
    TaskIdentity,
    Usage,
)
from proactivebench.store import RunStore
from tests.agents.moments import answers, request, task_of, trace_of

PROTOCOL = load_protocol("standard")
TASK = task_of(trace_of("t", "a", "b", "c"))
TRACE = TASK.traces[0]


def stored(turn: int, status: ReplyStatus, text: str | None, **more: object) -> Reply:
    return Reply.model_validate({"trace_id": "t", "turn": turn, "status": status, "text": text, **more})


def run_of(folder: Path, *replies: Reply, task: Task = TASK) -> Path:
    known = TaskIdentity(
        name=task.name, version="1", revision="r", data_hash=task.data_hash, licence="l", source="s", labelled=False
    )
    store = RunStore(folder)
    store.begin(
        Manifest(
            task=known,
            agent=AgentIdentity(model="endpoint", name="a-model"),
            protocol=PROTOCOL.identity,
            decoding=Decoding(),
            seed=0,
            sessions=(Session(started="2025-01-01T00:00:00+00:00", versions={}),),
        )
    )
    with store.append_replies() as log:
        log.append(replies)
    return folder


def replay(path: Path, task: Task = TASK) -> ReplayAgent:
    return ReplayAgent({"path": str(path)}, protocol=PROTOCOL, task=task)


def test_a_stored_answer_keeps_its_text_cost_and_reasoning(tmp_path: Path) -> None:
    usage = Usage(prompt_tokens=10, completion_tokens=5)
    text = PROTOCOL.render(["Tidy up"])
    run = run_of(
        tmp_path / "run",
        stored(0, ReplyStatus.PROPOSED, text, proposals=["Tidy up"], usage=usage, latency_s=1.5, attempts=2)
        .model_copy(update={"reasoning": "hm", "finish_reason": "stop"}),
    )  # fmt: skip
    answer = answers(replay(run), request(TRACE, 0))[0]
    assert (answer.text, answer.usage, answer.latency_s, answer.attempts) == (text, usage, 1.5, 2)
    assert (answer.reasoning, answer.finish_reason, answer.failure) == ("hm", "stop", None)


def test_what_the_server_said_stays_as_it_was(tmp_path: Path) -> None:
    run = run_of(
        tmp_path / "run",
        stored(0, ReplyStatus.REFUSED, None, error="400: filtered"),
        stored(1, ReplyStatus.TRUNCATED, '{"Proactive Ta', finish_reason="length"),
        stored(2, ReplyStatus.ERROR, None, error="timed out"),
    )
    refused, truncated, failed = answers(replay(run), *(request(TRACE, turn) for turn in range(3)))
    assert (refused.failure, refused.error) == (Failure.REFUSED, "400: filtered")
    assert (truncated.truncated, truncated.text) == (True, '{"Proactive Ta')
    assert (failed.failure, failed.error) == (Failure.ERROR, "timed out")


def test_an_empty_answer_stays_empty(tmp_path: Path) -> None:
    run = run_of(tmp_path / "run", stored(0, ReplyStatus.EMPTY, None))
    assert PROTOCOL.parse(answers(replay(run), request(TRACE, 0))[0].text or "").status is ReplyStatus.EMPTY


def test_answers_belong_to_their_repeat_and_round_and_later_lines_win(tmp_path: Path) -> None:
    run = run_of(
        tmp_path / "run",
        stored(0, ReplyStatus.SILENT, "first"),
        stored(0, ReplyStatus.SILENT, "later"),
        stored(0, ReplyStatus.SILENT, "repeat 1", repeat=1),
        stored(0, ReplyStatus.SILENT, "round 1", round=1, advice="no"),
    )
    asked = [request(TRACE, 0), request(TRACE, 0, repeat=1), request(TRACE, 0, round=1), request(TRACE, 0, repeat=2)]
    assert [answer.text for answer in answers(replay(run), *asked)] == ["later", "repeat 1", "round 1", None]


def test_a_moment_without_a_stored_answer_is_an_error_and_counted(tmp_path: Path) -> None:
    agent = replay(run_of(tmp_path / "run", stored(0, ReplyStatus.SILENT, "x")))
    missing = answers(agent, request(TRACE, 1))[0]
    assert (missing.failure, missing.error) == (Failure.ERROR, "no stored answer")
    assert asyncio.run(agent.start()) == {"stored_answers": 1, "moments_without_answer": 2, "first_agent": "endpoint"}


def test_replies_outside_the_task_are_skipped_and_counted(tmp_path: Path) -> None:
    file = tmp_path / "replies.jsonl"
    lines = [stored(0, ReplyStatus.SILENT, "x"), stored(3, ReplyStatus.SILENT, "x")]
    lines.append(lines[0].model_copy(update={"trace_id": "other"}))
    file.write_text("".join(line.model_dump_json() + "\n" for line in lines))
    assert asyncio.run(replay(file).start())["replies_outside_task"] == 2


def test_a_run_on_other_data_is_refused(tmp_path: Path) -> None:
    run = run_of(tmp_path / "run", stored(0, ReplyStatus.SILENT, "x"), task=task_of(trace_of("t", "other")))
    with pytest.raises(UsageError, match="not small"):
        replay(run)
    assert replay(run / "replies.jsonl").identity.name == "replies.jsonl (replay)"


def test_gzipped_and_sharded_reply_files_are_read_and_a_torn_last_line_is_left_out(tmp_path: Path) -> None:
    line = stored(0, ReplyStatus.SILENT, "zero").model_dump_json() + "\n"
    other = stored(1, ReplyStatus.SILENT, "one").model_dump_json() + "\n"
    (tmp_path / "replies.jsonl.gz").write_bytes(gzip.compress(line.encode()))
    (tmp_path / "replies.rank1.jsonl").write_text(other + line[:20])
    assert [a.text for a in answers(replay(tmp_path), request(TRACE, 0), request(TRACE, 1))] == ["zero", "one"]


def test_a_line_that_is_no_reply_is_named(tmp_path: Path) -> None:
    file = tmp_path / "replies.jsonl"
    file.write_text(stored(0, ReplyStatus.SILENT, "x").model_dump_json() + '\n{"turn": 1}\n')
    with pytest.raises(DataError, match=r"replies\.jsonl:2"):
        replay(file)
    (tmp_path / "replies.jsonl.gz").write_bytes(b"no gzip")
    with pytest.raises(DataError, match=r"replies\.jsonl\.gz:1 is no stored reply"):
        replay(tmp_path / "replies.jsonl.gz")
    (tmp_path / "replies.jsonl.gz").write_bytes(gzip.compress(file.read_bytes())[:-9])
    with pytest.raises(DataError, match="cut off or damaged"):
        replay(tmp_path / "replies.jsonl.gz")


def test_the_identity_is_the_content_and_not_the_place(tmp_path: Path) -> None:
    one = replay(run_of(tmp_path / "a" / "run", stored(0, ReplyStatus.SILENT, "x"))).identity
    same = replay(run_of(tmp_path / "b" / "run", stored(0, ReplyStatus.SILENT, "x"))).identity
    other = replay(run_of(tmp_path / "c" / "run", stored(0, ReplyStatus.SILENT, "y"))).identity
    assert one == same != other
    assert one.name == "a-model (replay)"
    assert str(tmp_path) not in one.model_dump_json()


@pytest.mark.parametrize("args", [{}, {"path": ""}, {"path": "a", "released": "b"}, {"path": "a", "speed": "2"}])
def test_one_place_is_named_and_nothing_else(args: dict[str, str]) -> None:
    with pytest.raises(UsageError, match="path=PLACE or released=MODEL"):
        ReplayAgent(args, protocol=PROTOCOL, task=TASK)


def test_a_place_of_no_known_format_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such file"):
        replay(tmp_path / "nowhere")
    with pytest.raises(UsageError, match="neither a run"):
        replay(tmp_path)
    (tmp_path / "other.json").write_text("[]")
    with pytest.raises(UsageError, match="neither a run"):
        replay(tmp_path)


# --- the release's format -----------------------------------------------------------------------------------------


def item(event: str, turn: int, **more: object) -> dict[str, object]:
    return {"observation": {"time": str(100 + turn), "event": event}, **more}


def folder_of(path: Path, *responses: object, name: str = "t") -> Path:
    path.mkdir(exist_ok=True)
    items = [
        item(event, turn, **({} if response is ... else {"agent_response": response}))
        for turn, (event, response) in enumerate(zip("abc", responses, strict=False))
    ]
    (path / f"{name}.json").write_text(json.dumps(items))
    return path


@pytest.mark.parametrize(
    ("response", "status", "proposals", "notes"),
    [
        ([], ReplyStatus.SILENT, (), ()),
        ([None], ReplyStatus.SILENT, (), ()),
        (["Tidy up"], ReplyStatus.PROPOSED, ("Tidy up",), ()),
        (["null"], ReplyStatus.SILENT, (), (Note.NULL_STRING,)),
        (["None"], ReplyStatus.SILENT, (), (Note.NULL_STRING,)),
        ({"candidate_task": ["a"]}, ReplyStatus.UNPARSABLE, (), (Note.TASK_NOT_TEXT, Note.FAILED_CALL)),
        ([{"Description": "a"}], ReplyStatus.UNPARSABLE, (), (Note.TASK_NOT_TEXT,)),
        (["a", "b"], ReplyStatus.UNPARSABLE, (), (Note.TASK_NOT_TEXT,)),
    ],
)
def test_a_released_answer_is_read_for_what_it_is(
    tmp_path: Path, response: object, status: ReplyStatus, proposals: tuple[str, ...], notes: tuple[Note, ...]
) -> None:
    agent = replay(folder_of(tmp_path / "model", response, [], []))
    parsed = PROTOCOL.parse(answers(agent, request(TRACE, 0))[0].text or "")
    assert (parsed.status, parsed.proposals, parsed.notes) == (status, proposals, notes)


def test_what_was_said_beside_the_task_is_kept(tmp_path: Path) -> None:
    path = folder_of(tmp_path / "model", [], [], [])
    said = {"Purpose": "p", "Thoughts": "思", "Response": None, "Proactive Task": "not this"}
    items = [item(event, turn, agent_response=["Tidy"], other_infomation=said) for turn, event in enumerate("abc")]
    (path / "t.json").write_text(json.dumps(items))
    text = answers(replay(path), request(TRACE, 0))[0].text or ""
    assert json.loads(text) == {"Purpose": "p", "Thoughts": "思", "Proactive Task": "Tidy", "Response": None}


def test_files_outside_the_task_are_skipped_and_counted_and_an_item_without_answer_is_missing(tmp_path: Path) -> None:
    path = folder_of(tmp_path / "model", ["x"], ..., [])
    folder_of(path, [], name="turns")
    agent = replay(path)
    assert asyncio.run(agent.start()) == {"stored_answers": 2, "moments_without_answer": 1, "files_outside_task": 1}
    assert agent.identity.name == "model (replay)"


@pytest.mark.parametrize(
    "items",
    [
        [item("a", 0, agent_response=[])],
        [item("a", 0), item("b", 1), item("other", 2)],
        [item("a", 0), item("c", 2), item("b", 1)],
        [item("a", 0), item("b", 1), item("c", 2), item("d", 3)],
        [{"agent_response": []}],
        ["a"],
        {"a": 1},
    ],
)
def test_answers_to_other_events_are_refused_and_never_aligned_by_text(tmp_path: Path, items: object) -> None:
    (tmp_path / "t.json").write_text(json.dumps(items))
    with pytest.raises(DataError):
        replay(tmp_path)
