"""Hub datasets: the libraries' own client against a loopback Hub, the commit resolved and recorded."""

import json
import os
import subprocess
import sys

import pytest

from proactivebench.errors import UsageError
from proactivebench.traces import load_task
from proactivebench.traces.hub import HubSpec, parse_spec
from proactivebench.traces.sample import FILE
from tests.servers.hub import COMMIT, Hub, serve

SAMPLE = FILE.read_bytes()
LINES = SAMPLE.splitlines(keepends=True)
UNLABELLED = {"trace_id": "t", "split": "s", "events": [{"time": "2025-01-02T03:04:05", "event": "x"}]}
DATASETS = {
    "garden/sessions": {"README.md": b"---\nlicense: cc-by-4.0\n---\n", "test.jsonl": SAMPLE, "train.jsonl": LINES[0]},
    "garden/bare": {"data/validation.jsonl": json.dumps(UNLABELLED).encode()},
    "garden/columns": {
        "test.jsonl": json.dumps({**UNLABELLED, "events": {"time": ["1", "2"], "event": ["x", "y"]}}).encode()
    },
    "garden/other": {"test.jsonl": b'{"text": "no trace"}\n'},
    "garden/configs": {
        "README.md": b"---\nconfigs: [{config_name: a, data_files: a.jsonl}, {config_name: b, data_files: b*}]\n---\n",
        "a.jsonl": LINES[1],
        "b.jsonl": LINES[2],
    },
}
SPECS = {
    "default": "hf:garden/sessions",
    "tagged": "hf:garden/sessions@v1:train",
    "only split": "hf:garden/bare",
    "columns": "hf:garden/columns",
    "config": "hf:garden/configs/b",
    "no repository": "hf:garden/nothing",
    "no revision": "hf:garden/sessions@nope",
    "no split": "hf:garden/sessions:dev",
    "not traces": "hf:garden/other",
}
SCRIPT = """
import json, sys
from proactivebench.errors import ProactiveBenchError
from proactivebench.traces import load_task
for name, spec in json.load(sys.stdin).items():
    try:
        found = load_task(spec).model_dump(mode="json") | {"data_hash": load_task(spec).data_hash}
    except ProactiveBenchError as error:
        found = {"error": str(error)}
    print(json.dumps([name, found]))
"""


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    """What a process of its own finds at each name: the libraries read HF_ENDPOINT when they are imported."""
    home = tmp_path_factory.mktemp("hf")
    with serve(Hub(DATASETS)) as hub:
        environment = {
            **os.environ,
            "HF_ENDPOINT": hub.url,
            "HF_HOME": str(home),
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "HF_HUB_OFFLINE": "0",
        }
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT], env=environment, input=json.dumps(SPECS), capture_output=True, text=True
        )
    assert done.returncode == 0, done.stderr
    return dict(map(json.loads, done.stdout.splitlines()))


def test_a_dataset_on_the_hub_gives_the_same_traces_as_the_file_it_was_made_from(loaded):
    assert loaded["default"]["data_hash"] == load_task("proactivebench_sample").data_hash


def test_the_commit_is_resolved_and_recorded_with_licence_and_split(loaded):
    found = loaded["default"]
    assert (found["name"], found["revision"], found["licence"]) == ("sessions", COMMIT, "cc-by-4.0")
    assert found["source"] == f"hf:garden/sessions@{COMMIT}:test"


def test_revision_and_split_can_be_named(loaded):
    assert [trace["trace_id"] for trace in loaded["tagged"]["traces"]] == ["code_umlauts"]
    assert loaded["tagged"]["source"].endswith(":train")


def test_the_only_split_is_taken_and_times_stay_text(loaded):
    found = loaded["only split"]
    assert found["source"].endswith(":validation")
    assert found["traces"][0]["labels"] is None
    assert found["traces"][0]["events"][0]["time"].startswith("2025-01-02")


def test_events_stored_as_columns_are_events_again(loaded):
    events = loaded["columns"]["traces"][0]["events"]
    assert events == [{"time": "1", "event": "x"}, {"time": "2", "event": "y"}]


def test_a_configuration_can_be_named(loaded):
    assert [trace["trace_id"] for trace in loaded["config"]["traces"]] == ["code_borrowed"]


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("no repository", "RepositoryNotFound"),
        ("no revision", "RevisionNotFound"),
        ("no split", "append one of :train, :test"),
        ("not traces", "row 0: trace_id"),
    ],
)
def test_what_cannot_be_had_is_told_in_one_line(loaded, name, told):
    assert told in loaded[name]["error"]
    assert "\n" not in loaded[name]["error"]


def test_names_are_read_part_by_part():
    assert parse_spec("hf:a/b") == HubSpec("a/b")
    assert parse_spec("hf:a/b/c@refs/pr/1:dev") == HubSpec("a/b", "c", "refs/pr/1", "dev")
    for wrong in ("hf:", "hf:a", "hf:a/b/c/d", "hf:a/b@", "hf:a/b c"):
        with pytest.raises(UsageError, match="not a Hub dataset"):
            parse_spec(wrong)
