"""An entry goes to a folder, a git repository or the Hub, and what arrives is checked again there."""

import os
import re
import subprocess
import sys
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import pytest
import yaml

from proactivebench.board.entry.evidence import read_evidence
from proactivebench.board.entry.validation import validate_entry
from proactivebench.board.publish.building import build_board, publish
from proactivebench.board.publish.hub import model_results, write_dataset
from proactivebench.board.publish.submission import submit_entry
from proactivebench.board.site.published import published
from proactivebench.board.verify.verification import verify_entry
from proactivebench.errors import CannotWrite, CheckFailed, UsageError
from proactivebench.traces import load_task
from tests.servers.hub import Hub, serve
from tests.servers.lfs import SIGNATURE

from .forging import REPLIES

PLACE = Path("entries") / "acme__helper-7b" / "r1"
BRANCH = "entry/acme__helper-7b/r1"
TOKEN = "hf_of_this_test"
# By which request a file comes to storage on each road.
STORED = {"lfs": "PUT /storage/", "xet": "POST /xet/v1/shards"}
NEEDS_XET = pytest.mark.skipif(find_spec("hf_xet") is None, reason="hf_xet is not made for every platform")
XET = pytest.param("xet", marks=NEEDS_XET)
# The command, without the half minute that huggingface_hub waits between its tries.
IMPATIENT = "import time; time.sleep = lambda _: None; from proactivebench.cli import main; main()"


@pytest.fixture(autouse=True)
def _own_home(tmp_path, monkeypatch):
    """What the Hub's clients remember of one server would mislead them at the next."""
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    monkeypatch.setenv("HF_XET_CACHE", str(tmp_path / "hf" / "xet"))


def holds(folder):
    """What arrived is accepted and verified."""
    assert validate_entry(folder).accepted
    outcome = verify_entry(folder, load_task("proactivebench_sample"))
    assert outcome.findings == ()
    assert all(outcome.verified(judge) for judge in outcome.rejudged)


def test_an_entry_arrives_in_a_folder(entry, tmp_path):
    (tmp_path / "other").mkdir()
    submit_entry(entry, f"dir:{tmp_path / 'other'}")
    holds(tmp_path / "other" / PLACE)


def test_a_board_that_is_not_there_yet_is_begun(entry, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    said = submit_entry(entry, "dir:board")
    assert said == f"board/{PLACE}; next: proactivebench leaderboard build board"
    holds(tmp_path / "board" / PLACE)


@pytest.mark.parametrize("place", ["nowhere/board", "file", "file/board"])
def test_no_board_is_begun_where_there_is_no_folder_for_it(entry, tmp_path, place):
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="is no folder and none can be made there"):
        submit_entry(entry, f"dir:{tmp_path / place}")


@pytest.fixture
def bare(tmp_path):
    """A bare repository of a board, with one commit on main."""
    bare = tmp_path / "bare.git"
    git("init", "--quiet", "--bare", "-b", "main", str(bare))
    start = tmp_path / "start"
    git("clone", "--quiet", str(bare), str(start))
    (start / "README.md").write_text("board")
    git("add", "README.md", folder=start)
    git("-c", "user.name=t", "-c", "user.email=t@example.org", "commit", "--quiet", "-m", "start", folder=start)
    git("push", "--quiet", "origin", "HEAD:main", folder=start)
    return bare


def test_an_entry_arrives_on_a_branch_of_a_bare_repository(entry, bare, tmp_path):
    said = submit_entry(entry, f"git:{bare}")
    assert said == f"{bare} has branch {BRANCH}; next: open a pull request from it"
    arrived = tmp_path / "arrived"
    git("clone", "--quiet", "--branch", BRANCH, str(bare), str(arrived))
    holds(arrived / PLACE)


def test_a_second_submission_is_told_that_the_branch_is_there(entry, bare):
    submit_entry(entry, f"git:{bare}")
    with pytest.raises(UsageError, match=f"has a branch {BRANCH} already: .*another --run_id"):
        submit_entry(entry, f"git:{bare}")
    git("branch", "--force", "main", BRANCH, folder=bare)
    git("branch", "--delete", "--force", BRANCH, folder=bare)
    with pytest.raises(UsageError, match=r"has an entry acme__helper-7b/r1 already: .*another --run_id"):
        submit_entry(entry, f"git:{bare}")


@pytest.mark.parametrize(
    ("config", "environment", "author"),
    [
        ("[user]\n name = Ada\n email = ada@example.org\n", {}, "Ada <ada@example.org>"),
        ("", {"GIT_AUTHOR_NAME": "Bo", "GIT_AUTHOR_EMAIL": "bo@example.org"}, "Bo <bo@example.org>"),
        ("[user]\n name = Ada\n", {}, "ProactiveBench submission <submission@proactivebench.invalid>"),
        ("", {}, "ProactiveBench submission <submission@proactivebench.invalid>"),
    ],
)
def test_a_commit_is_its_submitters_where_git_knows_them(
    entry, bare, tmp_path, monkeypatch, config, environment, author
):
    for name in ("AUTHOR_NAME", "AUTHOR_EMAIL", "COMMITTER_NAME", "COMMITTER_EMAIL"):
        monkeypatch.delenv(f"GIT_{name}", raising=False)
    monkeypatch.delenv("EMAIL", raising=False)
    (tmp_path / "config").write_text(config)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "config"))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    submit_entry(entry, f"git:{bare}")
    assert git("log", "-1", "--format=%an <%ae>", BRANCH, folder=bare).strip() == author


def test_a_repository_that_refuses_says_why_and_keeps_its_hints(entry, bare):
    hook = bare / "hooks" / "pre-receive"
    hook.write_text("#!/bin/sh\necho 'entries come by mail here' >&2\nexit 1\n")
    hook.chmod(0o755)
    with pytest.raises(CannotWrite) as refused:
        submit_entry(entry, f"git:{bare}")
    assert "git push failed: remote: entries come by mail here" in str(refused.value)
    assert "hint" not in str(refused.value)


def test_a_password_in_an_address_is_never_repeated(entry):
    with pytest.raises(CannotWrite) as refused:
        submit_entry(entry, "git:http://ada:sesame@127.0.0.1:9/board")
    assert "sesame" not in str(refused.value)


def test_a_repository_that_is_not_there_is_one_clear_line(entry, tmp_path):
    with pytest.raises(CannotWrite, match="git clone failed"):
        submit_entry(entry, f"git:{tmp_path / 'nowhere'}")


@pytest.mark.parametrize("road", ["lfs", XET])
def test_an_entry_arrives_on_the_hub_as_a_pull_request(entry, tmp_path, road):
    """Byte for byte, by either road that huggingface_hub knows for packed files: plain uploads hold no such file."""
    hub = Hub({"board/results": {"README.md": b""}}, token=TOKEN)
    with serve(hub):
        done = submit_in_process(entry, "hf:board/results", hub, road)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip().endswith("/datasets/board/results/discussions/1")
    assert done.stderr == ""
    assert any(request.startswith(STORED[road]) for request in hub.seen)
    assert not any(request.startswith(STORED[other]) for other in STORED if other != road for request in hub.seen)
    (arrived,) = hub.pull_requests
    assert arrived == {f"{PLACE.as_posix()}/{name}": content for name, content in files_of(entry).items()}
    for name, content in arrived.items():
        (tmp_path / "hub" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "hub" / name).write_bytes(content)
    holds(tmp_path / "hub" / PLACE)


@pytest.mark.parametrize("road", ["lfs", XET])
def test_the_token_is_told_to_the_hub_and_to_no_storage(entry, road):
    hub = Hub({"board/results": {}}, token=TOKEN)
    with serve(hub):
        done = submit_in_process(entry, "hf:board/results", hub, road)
    assert TOKEN not in done.stdout + done.stderr
    assert "POST /api/datasets/board/results/commit/main" in hub.told
    assert not [request for request in hub.told if " /storage/" in request or " /xet/" in request]


def test_what_is_stored_already_is_not_sent_again(entry):
    hub = Hub({"board/results": {}}, token=TOKEN)
    with serve(hub):
        first, second = (submit_in_process(entry, "hf:board/results", hub, "lfs") for _ in range(2))
    assert (first.returncode, second.returncode) == (0, 0)
    assert hub.pull_requests[0] == hub.pull_requests[1]
    sent = [request for request in hub.seen if request.startswith("PUT ")]
    assert len(sent) == len(set(sent)) == sum(name.endswith(".gz") for name in files_of(entry))


@pytest.mark.parametrize(
    ("road", "part", "status"),
    [
        ("lfs", "objects/batch", 403),
        ("lfs", "PUT /storage", 403),
        ("lfs", "PUT /storage", 500),
        ("lfs", "objects/verify", 404),
        ("lfs", "/commit/", 403),
        pytest.param("xet", "/xet-write-token/", 403, marks=NEEDS_XET),
        pytest.param("xet", "/v1/xorbs/", 403, marks=NEEDS_XET),
        pytest.param("xet", "/v1/shards", 400, marks=NEEDS_XET),
    ],
)
def test_an_upload_that_fails_is_one_clear_line_and_nothing_half_submitted(entry, road, part, status):
    hub = Hub({"board/results": {}}, token=TOKEN, failing={part: status})
    with serve(hub):
        done = submit_in_process(entry, "hf:board/results", hub, road)
    assert any(part in request for request in hub.seen)
    assert hub.pull_requests == []
    refused_in_one_line(done)
    assert str(status) in done.stderr
    assert SIGNATURE not in done.stderr


def test_an_object_that_lfs_refuses_is_named(entry):
    """The batch as a whole is answered, an object in it is not allowed: over quota, say."""
    hub = Hub({"board/results": {}}, token=TOKEN)
    hub.storage.refused = "storage quota exceeded"
    with serve(hub):
        done = submit_in_process(entry, "hf:board/results", hub, "lfs")
    assert hub.pull_requests == []
    refused_in_one_line(done)
    assert "storage quota exceeded" in done.stderr


def test_a_hub_that_is_not_there_is_one_clear_line(entry):
    with serve(Hub({})) as hub:
        pass
    refused_in_one_line(submit_in_process(entry, "hf:board/results", hub))


def test_a_merged_pull_request_is_downloaded_and_valid(entry, tmp_path):
    sent = Hub({"board/results": {"README.md": b""}}, token=TOKEN)
    with serve(sent):
        submit_in_process(entry, "hf:board/results", sent, "lfs")
    merged = Hub({"board/results": {"README.md": b"board", **sent.pull_requests[0]}}, token=TOKEN)
    script = (
        "import sys, huggingface_hub as h; h.snapshot_download(sys.argv[1], repo_type='dataset', local_dir=sys.argv[2])"
    )
    with serve(merged):
        python(["-c", script, "board/results", str(tmp_path / "board")], merged, check=True)
    assert any(request.startswith("GET /storage/") for request in merged.seen)
    assert not any("/storage/" in request for request in merged.told)
    assert files_of(tmp_path / "board" / PLACE) == files_of(entry)
    holds(tmp_path / "board" / PLACE)


@pytest.mark.parametrize(("place", "token"), [("hf:board/none", TOKEN), ("hf:board/results", "hf_wrong")])
def test_a_hub_that_says_no_is_one_clear_line(entry, place, token):
    hub = Hub({"board/results": {}}, token=TOKEN)
    with serve(hub):
        done = submit_in_process(entry, place, hub, token=token)
    refused_in_one_line(done)
    assert token not in done.stderr


def test_a_place_that_is_no_repositorys_name_is_wrong_usage(entry):
    with pytest.raises(UsageError, match="is no Hub repository: give ORG/NAME"):
        submit_entry(entry, "hf:not a name")


def test_a_bad_entry_is_not_sent(entry, tmp_path):
    (entry / REPLIES).write_bytes(b"")
    with pytest.raises(CheckFailed, match="would be refused"):
        submit_entry(entry, f"dir:{tmp_path}")


@pytest.mark.parametrize("target", ["ftp:x", "hf:", "git:--upload-pack=true", "nothing"])
def test_a_place_that_is_none_is_refused(entry, target):
    with pytest.raises(UsageError, match="no place to submit to"):
        submit_entry(entry, target)


def test_a_model_repository_gets_its_result_as_a_pull_request(board):
    built = build_board(board)
    row = next(row for group in built.groups for row in group if row.name == "helper-7b")
    ((path, text),) = model_results(row, "board/results").items()
    assert path.startswith(".eval_results/")
    (result,) = yaml.safe_load(text)
    assert result["dataset"] == {"id": "board/results", "task_id": "proactivebench_sample"}
    assert result["value"] == round(100 * row.metrics["need_detection_balanced_accuracy"].value, 2)
    assert f"overlap F1 {100 * row.metrics['f1'].value:.1f}" in result["notes"]
    assert row.judge.id in result["notes"]
    assert "baseline judge" in result["notes"]


@pytest.mark.parametrize("part", ["protocol", "judge"])
def test_a_result_file_stays_in_its_folder_whatever_a_hash_says(board, part):
    row = next(row for group in build_board(board).groups for row in group if row.name == "helper-7b")
    climbing = replace(row, **{part: getattr(row, part).model_copy(update={"hash": "/../../\n"})})
    ((path, _),) = model_results(climbing, "board/results").items()
    assert re.fullmatch(r"\.eval_results/[A-Za-z0-9][A-Za-z0-9._-]*\.yaml", path)


def test_an_announcement_arrives_in_the_models_repository(board):
    hub = Hub({}, models={"acme/helper-7b": {}})
    to = ["--to", "acme/helper-7b", "--dataset", "board/results"]
    with serve(hub):
        done = in_process(["announce", str(board), "--entry", "acme__helper-7b/r1", *to], hub)
    assert done.returncode == 0, done.stderr
    ((path, text),) = hub.pull_requests[0].items()
    assert path.startswith(".eval_results/")
    assert yaml.safe_load(text)[0]["dataset"]["id"] == "board/results"


def test_the_results_dataset_loads(board, tmp_path):
    """In a process of its own, so that nothing of `datasets` leaks into the other tests."""
    built = build_board(board)
    publish(built, tmp_path / "site")
    write_dataset(tmp_path / "site", board, built.entries, tmp_path / "dataset")
    script = (
        "import sys, datasets\n"
        "rows = datasets.load_dataset(sys.argv[1], 'results', split='train')\n"
        "print(sorted(rows['model']), rows['f1_low'] is not None)\n"
        "print(len(datasets.load_dataset(sys.argv[1], 'published', split='train')))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "dataset")],
        env=os.environ | {"HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path / "home")},
        capture_output=True,
        text=True,
        check=True,
    )
    first, second = done.stdout.splitlines()[-2:]
    assert first == "['always', 'helper-7b', 'never'] True"
    assert int(second) == sum(len(row.confusion) or 1 for table in published().tables for row in table.rows)
    header = yaml.safe_load((tmp_path / "site" / "README.md").read_text().split("---")[1])
    assert (header["sdk"], header["app_file"]) == ("static", "index.html")
    assert read_evidence(tmp_path / "dataset" / PLACE).findings == []


def submit_in_process(entry, place, hub, road="xet", token=TOKEN):
    """`leaderboard submit` with and without Xet; without, as on a machine that has no hf_xet."""
    return in_process(["submit", str(entry), "--to", place], hub, token, HF_HUB_DISABLE_XET=str(int(road == "lfs")))


def in_process(arguments, hub, token=TOKEN, **environment):
    return python(["-c", IMPATIENT, "leaderboard", *arguments], hub, token, **environment)


def python(arguments, hub, token=TOKEN, *, check=False, **environment):
    return subprocess.run(
        [sys.executable, *arguments],
        env=os.environ | {"HF_ENDPOINT": hub.url, "HF_TOKEN": token, "HF_HUB_OFFLINE": "0"} | environment,
        capture_output=True,
        text=True,
        check=check,
    )


def refused_in_one_line(done):
    assert done.returncode == 4
    assert done.stderr.count("\n") == 1
    assert "the Hub did not take it" in done.stderr
    assert TOKEN not in done.stdout + done.stderr
    assert done.stdout == ""


def files_of(folder):
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def git(*arguments, folder=None):
    return subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True, text=True).stdout
