"""The run directory survives crashes, full disks, second writers and changed questions."""

import errno
import json
import os
import shutil
import subprocess
import sys
import time

import pytest

from proactivebench.errors import CannotWrite, DataError, UsageError
from proactivebench.evaluation import task_identity
from proactivebench.records import (
    AgentIdentity,
    Decoding,
    JudgeIdentity,
    Manifest,
    ProtocolIdentity,
    Reply,
    ReplyStatus,
    Session,
    Verdict,
    VerdictStatus,
)
from proactivebench.store import RunStore, write_whole
from tests.scripted import offer, tiny_task
from tests.servers.chat import Say, chat_server


def manifest(**changes) -> Manifest:
    fields = {
        "task": task_identity(tiny_task(), "tiny"),
        "agent": AgentIdentity(model="never", name="never"),
        "protocol": ProtocolIdentity(name="standard", version="1", hash="a" * 64, history="own"),
        "decoding": Decoding(),
        "seed": 0,
        "sessions": (Session(started="2026-01-01T00:00:00+00:00", versions={}),),
    }
    return Manifest(**(fields | changes))


def reply(turn: int = 0, status: ReplyStatus = ReplyStatus.SILENT, **fields) -> Reply:
    return Reply(trace_id="trace_0", turn=turn, status=status, **fields)


@pytest.fixture
def store(tmp_path) -> RunStore:
    store = RunStore(tmp_path / "run")
    store.begin(manifest())
    return store


def test_what_was_appended_is_read_back(store):
    with store.append_replies() as log:
        log.append([reply(0), reply(1, ReplyStatus.PROPOSED, proposals=("整理笔记",), text="…")])
    assert [r.turn for r in store.iter_replies()] == [0, 1]
    assert store.replies()[("trace_0", 1, 0, 0)].proposals == ("整理笔记",)


def test_a_later_line_for_the_same_key_replaces_an_earlier_one(store):
    with store.append_replies() as log:
        log.append([reply(0, ReplyStatus.ERROR)])
        log.append([reply(0, ReplyStatus.SILENT)])
    assert [r.status for r in store.replies().values()] == ["silent"]


def test_a_torn_last_line_is_dropped_and_overwritten(store):
    with store.append_replies() as log:
        log.append([reply(0)])
    with (store.path / "replies.jsonl").open("ab") as file:
        file.write(b'{"trace_id": "trace_0", "tur')
    assert len(store.replies()) == 1
    with store.append_replies() as log:
        log.append([reply(1)])
    assert [json.loads(line)["turn"] for line in (store.path / "replies.jsonl").open()] == [0, 1]


def test_a_line_torn_inside_a_large_record_is_found(store):
    with store.append_replies() as log:
        log.append([reply(0)])
    with (store.path / "replies.jsonl").open("ab") as file:
        file.write(b'{"trace_id": "' + b"x" * 200_000)
    with store.append_replies() as log:
        log.append([reply(1)])
    assert [r.turn for r in store.iter_replies()] == [0, 1]


def test_a_broken_line_in_the_middle_is_named(store):
    (store.path / "replies.jsonl").write_text('{"trace_id": "t", "turn": 0, "status": "silent"}\n{"turn": 1}\n')
    with pytest.raises(DataError, match=r"replies\.jsonl:2 .*trace_id"):
        store.replies()


def test_a_second_writer_is_refused(store):
    with store.append_replies(), pytest.raises(UsageError, match="another process"):
        store.append_replies()
    with store.append_replies() as log:
        log.append([reply(0)])


def test_ranks_write_files_of_their_own_and_are_read_together(store):
    with store.append_replies(0) as first, store.append_replies(1) as second:
        first.append([reply(0)])
        second.append([reply(1)])
    verdict = Verdict(trace_id="t", turn=0, status=VerdictStatus.ACCEPTED, judge="labels", question="0" * 16)
    with store.append_verdicts("labels-12345678", 1) as log:
        log.append([verdict])
    assert sorted(key.turn for key in store.replies()) == [0, 1]
    assert store.judge_ids() == ["labels-12345678"]
    assert list(store.verdicts("labels-12345678").values()) == [verdict]


def test_a_full_disk_leaves_whole_lines_and_says_what_to_do(store, monkeypatch):
    log = store.append_replies()
    log.append([reply(0)])
    whole = (store.path / "replies.jsonl").read_bytes()

    class Full:
        """The log's file on a disk with room for ten more bytes."""

        def __init__(self, file):
            self._file, self._room = file, 10

        def write(self, data):
            if not self._room:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            part, self._room = data[: self._room], 0
            return self._file.write(part)

        def __getattr__(self, name):
            return getattr(self._file, name)

    monkeypatch.setattr(log, "_file", Full(log._file))
    with pytest.raises(CannotWrite, match=r"No space left.*intact.*same command again"):
        log.append([reply(1)])
    log.close()
    assert (store.path / "replies.jsonl").read_bytes() == whole


def test_a_folder_that_cannot_be_made_is_said(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(CannotWrite, match="cannot write"):
        RunStore(tmp_path / "file" / "run").begin(manifest())


def test_a_folder_of_other_things_is_not_taken_over(tmp_path):
    (tmp_path / "thesis.tex").write_text("")
    with pytest.raises(UsageError, match=r"thesis\.tex"):
        RunStore(tmp_path).begin(manifest())


def test_replies_that_no_manifest_speaks_for_are_not_continued(store):
    with store.append_replies() as log:
        log.append([reply(0)])
    (store.path / "manifest.json").unlink()
    with pytest.raises(UsageError, match=r"replies\.jsonl"):
        store.begin(manifest(seed=1))


@pytest.mark.parametrize("strata", [{"silence": "labels"}, {"proposals": "lexical"}])
def test_a_judge_of_one_stratum_is_read_back(store, strata):
    judge = JudgeIdentity(id="x-00000000", name="x", hash="0" * 64, **{"silence": None, "proposals": None, **strata})
    store.amend(judges={judge.id: judge})
    assert store.manifest.judges == {judge.id: judge}


def test_a_run_of_a_later_format_is_refused_not_guessed_at(store):
    file = store.path / "manifest.json"
    file.write_text(file.read_text().replace('"format": 2', '"format": 3'))
    with pytest.raises(DataError, match="format 3 is a newer version's"):
        _ = store.manifest


def test_empty_lines_are_no_records(store):
    with store.append_replies() as log:
        log.append([reply(0)])
    with (store.path / "replies.jsonl").open("a") as file:
        file.write("\n  \n" + reply(1).model_dump_json() + "\n\n")
    assert [r.turn for r in store.iter_replies()] == [0, 1]


def test_a_judge_that_failed_before_its_first_verdict_leaves_no_log(store):
    with pytest.raises(UsageError, match="no server"), store.append_verdicts("x-00000000"):
        raise UsageError("no server")
    assert store.judge_ids() == []
    with pytest.raises(UsageError, match="no server"), store.append_verdicts("x-00000000") as log:
        log.append([Verdict(trace_id="a", turn=0, status=VerdictStatus.ACCEPTED, judge="x", question="q")])
        raise UsageError("no server")
    assert store.judge_ids() == ["x-00000000"]


def test_a_run_that_never_got_an_answer_gives_way_to_a_corrected_one(store):
    with pytest.raises(UsageError, match="no server"), store.append_replies():
        raise UsageError("no server")
    assert store.begin(manifest(seed=1)).seed == store.manifest.seed == 1
    with store.append_replies(), pytest.raises(UsageError, match="something else"):
        store.begin(manifest(seed=2))  # the first answer may be on its way


def test_resuming_under_a_changed_manifest_names_every_difference(store):
    with store.append_replies() as log:
        log.append([reply(0)])
    changed = manifest(seed=1, decoding=Decoding(temperature=0.7))
    with pytest.raises(UsageError, match=r"decoding\.temperature: 0\.0 then, 0\.7 now; seed: 0 then, 1 now"):
        store.begin(changed)


def test_limit_versions_and_the_judge_are_not_identity(store):
    with store.append_replies() as log:
        log.append([reply(0)])
    later = Session(started="2026-01-02T00:00:00+00:00", versions={"python": "4"}, limit=7, repeats=3)
    stored = store.begin(manifest(sessions=(later,), silence_source="labels:majority"))
    assert len(stored.sessions) == 2
    assert (stored.limit, stored.repeats) == (None, 3)


def test_something_that_is_no_run_is_said_in_one_line(tmp_path):
    with pytest.raises(DataError, match="not a run"):
        _ = RunStore(tmp_path).manifest
    (tmp_path / "manifest.json").write_text("{}")
    with pytest.raises(DataError, match=r"manifest\.json is not a manifest"):
        _ = RunStore(tmp_path).manifest


def test_the_run_directory_is_readable_without_this_package(store):
    with store.append_replies() as log:
        log.append([reply(0, text="héllo\nworld\u2028")])
    lines = (store.path / "replies.jsonl").read_text().split("\n")
    assert json.loads(lines[0])["text"] == "héllo\nworld\u2028"
    assert json.loads((store.path / "manifest.json").read_text())["agent"]["model"] == "never"


@pytest.mark.parametrize("what", ["removed", "moved", "replaced"])
def test_a_folder_that_goes_away_ends_the_writing_at_the_next_append(store, tmp_path, what):
    with store.append_replies() as log:
        log.append([reply(0)])
        if what == "removed":
            shutil.rmtree(store.path)
        else:
            store.path.rename(tmp_path / "elsewhere")
        if what == "replaced":
            shutil.copytree(tmp_path / "elsewhere", store.path)
        with pytest.raises(CannotWrite, match="moved or removed"):
            log.append([reply(1)])
    for folder in (store.path, tmp_path / "elsewhere"):
        if folder.exists():
            assert [each.turn for each in RunStore(folder).iter_replies()] == [0]


@pytest.mark.parametrize("how", ["removed", "moved"])
def test_a_run_whose_folder_goes_away_ends_in_one_line(tmp_path, how):
    folder = tmp_path / "run"
    with chat_server(lambda _: Say(offer(None), after=0.1)) as server:
        command = ["run", "--model", "endpoint", "--model_args", f"base_url={server.base_url},model=m"]
        command += ["--tasks", "proactivebench_sample", "--output_path", folder, "--concurrency", "2"]
        process = subprocess.Popen(
            [sys.executable, "-m", "proactivebench", *map(str, command)], stdout=-1, stderr=-1, text=True
        )
        while len(server.asked) < 6 and process.poll() is None:
            time.sleep(0.01)
        if how == "removed":
            shutil.rmtree(folder)
        else:
            folder.rename(tmp_path / "elsewhere")
        asked = len(server.asked)
        _, said = process.communicate(timeout=60)
        assert len(server.asked) <= asked + 4
    assert process.returncode == 4, said
    assert "moved or removed" in said
    assert "Traceback" not in said
    assert not folder.exists()


def test_the_lock_of_a_killed_writer_holds_nobody_up(store):
    code = (
        "import sys, time\nfrom proactivebench.store import RunStore\n"
        "log = RunStore(sys.argv[1]).append_replies()\nprint('open', flush=True)\ntime.sleep(600)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code, store.path], stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout.readline() == "open\n"
        with pytest.raises(UsageError, match="another process"):
            store.append_replies()
        writer.kill()
    with store.append_replies() as log:
        log.append([reply(0)])


def test_out_of_open_files_says_which_limit_to_raise(store, monkeypatch):
    def full(*_, **__):
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    monkeypatch.setattr("pathlib.Path.open", full)
    with pytest.raises(CannotWrite, match="limit of open files"):
        store.append_replies()
    monkeypatch.undo()
    with store.append_replies() as log:  # the lock was given back
        log.append([reply(0)])


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names here")
def test_a_pipe_or_a_device_is_never_replaced_by_a_file(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(CannotWrite, match="it is a device or a pipe"):
        write_whole(pipe, "text")
    assert pipe.is_fifo()
    assert list(tmp_path.iterdir()) == [pipe]
