"""An entry goes to a folder, a git repository or the Hub, and what arrives is checked again there."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from proactivebench.board.building import build_board, publish
from proactivebench.board.evidence import read_evidence
from proactivebench.board.hub import model_results, write_dataset
from proactivebench.board.submission import submit_entry
from proactivebench.board.validation import validate_entry
from proactivebench.board.verification import verify_entry
from proactivebench.errors import CannotWrite, CheckFailed, UsageError
from proactivebench.traces import load_task
from tests.servers.hub import Hub, serve

from .forging import REPLIES

PLACE = Path("entries") / "acme__helper-7b" / "r1"


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


def test_an_entry_arrives_on_a_branch_of_a_bare_repository(entry, tmp_path):
    bare = tmp_path / "bare.git"
    git("init", "--quiet", "--bare", "-b", "main", str(bare))
    start = tmp_path / "start"
    git("clone", "--quiet", str(bare), str(start))
    (start / "README.md").write_text("board")
    git("add", "README.md", folder=start)
    git("-c", "user.name=t", "-c", "user.email=t@example.org", "commit", "--quiet", "-m", "start", folder=start)
    git("push", "--quiet", "origin", "HEAD:main", folder=start)
    said = submit_entry(entry, f"git:{bare}")
    assert "entry/acme__helper-7b/r1" in said
    arrived = tmp_path / "arrived"
    git("clone", "--quiet", "--branch", "entry/acme__helper-7b/r1", str(bare), str(arrived))
    holds(arrived / PLACE)


def test_a_repository_that_is_not_there_is_one_clear_line(entry, tmp_path):
    with pytest.raises(CannotWrite, match="git clone failed"):
        submit_entry(entry, f"git:{tmp_path / 'nowhere'}")


def test_an_entry_arrives_on_the_hub_as_a_pull_request(entry, tmp_path):
    hub = Hub({"board/results": {"README.md": b""}}, token="hf_of_this_test")
    with serve(hub):
        done = submit_in_process(entry, "hf:board/results", hub, token="hf_of_this_test")
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip().endswith("/datasets/board/results/discussions/1")
    assert "hf_of_this_test" not in done.stdout + done.stderr
    for name, content in hub.pull_requests[0].items():
        (tmp_path / "hub" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "hub" / name).write_bytes(content)
    holds(tmp_path / "hub" / PLACE)


@pytest.mark.parametrize(("place", "token"), [("hf:board/none", "right"), ("hf:board/results", "wrong")])
def test_a_hub_that_says_no_is_one_clear_line(entry, place, token):
    hub = Hub({"board/results": {}}, token="right")
    with serve(hub):
        done = submit_in_process(entry, place, hub, token=token)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "the Hub did not take it" in done.stderr


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
    assert result["value"] == round(100 * row.metrics["f1"].value, 2)
    assert row.judge.id in result["notes"]
    assert "baseline judge" in result["notes"]


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
    assert int(second) == 16 * 3 + 8
    header = yaml.safe_load((tmp_path / "site" / "README.md").read_text().split("---")[1])
    assert (header["sdk"], header["app_file"]) == ("static", "index.html")
    assert read_evidence(tmp_path / "dataset" / PLACE).findings == []


def submit_in_process(entry, place, hub, token):
    return in_process(["submit", str(entry), "--to", place], hub, token)


def in_process(arguments, hub, token=None):
    return subprocess.run(
        [sys.executable, "-m", "proactivebench", "leaderboard", *arguments],
        env=os.environ | {"HF_ENDPOINT": hub.url, "HF_TOKEN": token or "any", "HF_HUB_OFFLINE": "0"},
        capture_output=True,
        text=True,
        check=False,
    )


def git(*arguments, folder=None):
    subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True)
