"""`proactivebench data` as a user meets it."""

import json
import os
import shutil
from pathlib import Path

import pytest

MIRROR = os.environ.get("PROACTIVEBENCH_MIRROR")


@pytest.fixture
def data(command, tmp_path):
    """Runs `proactivebench data …` with a cache of its own; `mirror` is the mirror it sees."""

    def run(*args, mirror="http://127.0.0.1:1"):
        env = {"PROACTIVEBENCH_CACHE": str(tmp_path / "cache"), "PROACTIVEBENCH_MIRROR": str(mirror)}
        return command("data", *args, env=env)

    return run


@pytest.fixture
def copied(tmp_path):
    """A copy of the real release that a test may damage, or a visible skip."""
    if not MIRROR:
        pytest.skip("PROACTIVEBENCH_MIRROR is not set: the real release is not here")
    shutil.copytree(MIRROR, tmp_path / "mirror")
    for path in (tmp_path / "mirror").rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
    return tmp_path / "mirror"


def test_list_needs_no_release_and_says_what_is_not_here(data):
    done = data("list")
    assert done.returncode == 0
    assert "233 moments" in done.stdout and "227 moments" in done.stdout
    assert "data pull proactivebench\n" in done.stdout


def test_list_as_json_is_only_json(data):
    found = {row["name"]: row for row in json.loads(data("list", "--json").stdout)}
    assert found["proactivebench"]["splits"] == {"coding": 112, "writing": 121}
    assert (found["proactivebench"]["here"], found["proactivebench_sample"]["here"]) == (False, True)


def test_without_a_subcommand_the_help_is_shown_as_laid_out(data):
    done = data()
    assert done.returncode == 2
    assert "\n  pull " in done.stdout and not done.stderr


def test_show_draws_events_needs_and_votes(data):
    done = data("show", "code_umlauts")
    assert done.returncode == 0
    assert "+1:49 ●" in done.stdout and "✓✓✗ List all rows" in done.stdout and "kundenimport" in done.stdout


def test_show_as_json_is_the_trace(data):
    found = json.loads(data("show", "code_umlauts", "--json").stdout)
    assert found["trace_id"] == "code_umlauts"
    assert len(found["events"]) == len(found["labels"]) == 15


def test_show_lets_no_foreign_text_control_the_terminal(data, tmp_path):
    path = tmp_path / "bad.jsonl"
    event = {"time": "\x1b]0;title\x07", "event": "[red]x[/red] \x1b[2J \u202e"}
    path.write_text(json.dumps({"trace_id": "t", "split": "s", "events": [event]}), encoding="utf-8")
    done = data("show", "t", "--tasks", str(path))
    assert done.returncode == 0
    assert "[red]x[/red] \\x1b[2J \\u202e" in done.stdout
    assert "\x1b" not in done.stdout and "no labels" in done.stdout


def test_an_unknown_trace_is_one_line_and_exit_2(data):
    done = data("show", "nothing")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1 and "Traceback" not in done.stderr


def test_pull_without_network_stops_at_once_and_names_both_ways_out(data):
    done = data("pull")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "go online" in done.stderr and "PROACTIVEBENCH_MIRROR" in done.stderr


def test_pull_of_an_unknown_name_lists_the_names(data):
    done = data("pull", "everything")
    assert done.returncode == 2
    assert "answers, prompts, results" in done.stderr


def test_prompts_missing_from_a_mirror_are_visible_but_fatal_only_by_name(data, copied):
    done = data("pull", mirror=copied)
    assert done.returncode == 0, done.stderr
    assert "missing     eval/script.py" in done.stdout
    assert data("pull", "prompts", mirror=copied).returncode == 2


def test_an_altered_file_fails_verification_and_is_named_with_both_hashes(data, copied):
    altered = copied / "dataset/test_data/code_11.json"
    altered.write_text(altered.read_text(encoding="utf-8") + " ", encoding="utf-8")
    done = data("verify", "proactivebench", mirror=copied)
    assert done.returncode == 1
    line = next(line for line in done.stdout.splitlines() if line.startswith("wrong hash"))
    assert "code_11.json" in line and "expected sha256" in line and "got" in line
    assert "code_11.json" in done.stderr


def test_a_missing_trace_is_fatal_for_pull(data, copied):
    Path(copied / "dataset/test_data/code_12.json").unlink()
    done = data("pull", mirror=copied)
    assert done.returncode == 2
    assert "code_12.json" in done.stderr


def test_verify_as_json_lists_every_file(data, copied):
    found = json.loads(data("verify", "--json", mirror=copied).stdout)
    assert {row["state"] for row in found} == {"ok", "missing"}
    packed = (copied / "eval/traces.zip").exists()
    assert sum(row["group"] == "answers" for row in found) == (1 if packed else 15 * 12)
