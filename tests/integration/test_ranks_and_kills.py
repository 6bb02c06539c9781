"""Two processes over gloo split the traces; a killed process loses nothing it had been answered."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from proactivebench.store import RunStore
from proactivebench.traces import load_task
from tests.integration.conftest import SAMPLE, assert_same_numbers, command, own_run, statuses

pytestmark = pytest.mark.models

LIMIT = 5


def test_two_ranks_over_gloo_give_the_numbers_of_one_process(agent_model: Path, tmp_path: Path) -> None:
    script = Path(__file__).with_name("two_ranks.py")
    words = ["torch.distributed.run", "--nproc-per-node", "2", str(script), str(agent_model), str(tmp_path), str(LIMIT)]
    root = str(Path(__file__).parents[2])
    command(*words, PROACTIVEBENCH_RUN=str(tmp_path / "run"), ACCELERATE_USE_CPU="true", PYTHONPATH=root)
    first, second = (json.loads((tmp_path / f"rank{rank}.json").read_text()) for rank in (0, 1))
    assert (first["world"], first["backend"], second["results"]) == (2, "gloo", None)
    assert first["samples"] == LIMIT
    shards = {file.name for file in (tmp_path / "run").glob("replies*")}
    assert shards == {"replies.rank0.jsonl", "replies.rank1.jsonl"}
    alone = own_run(
        tmp_path / "alone", SAMPLE, "hf", f"pretrained={agent_model},dtype=float32", "--device", "cpu",
        "--limit", str(LIMIT),
    )  # fmt: skip
    assert_same_numbers({key.partition(",")[0]: value for key, value in first["results"].items()}, alone)
    assert statuses(tmp_path / "run") == statuses(tmp_path / "alone")


def test_lm_eval_killed_in_the_middle_goes_on_where_it_was(agent_model: Path, tmp_path: Path) -> None:
    words = [
        sys.executable, "-m", "proactivebench", "lm-eval", "run", "--tasks", SAMPLE, "--limit", "2", "--model", "hf",
        "--model_args", f"pretrained={agent_model},dtype=float32", "--device", "cpu",
        "--gen_kwargs", "max_gen_toks=200", "--output_path", str(tmp_path / "results"),
    ]  # fmt: skip
    folder = tmp_path / "run"
    env = {**os.environ, "PROACTIVEBENCH_RUN": str(folder), "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    with subprocess.Popen(words, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        log = folder / "replies.jsonl"
        end = time.monotonic() + 180
        while time.monotonic() < end and not (log.exists() and log.read_bytes().count(b"\n") >= 6):
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
    before = log.read_bytes()
    kept = before.count(b"\n")
    events = sum(len(trace.events) for trace in load_task(SAMPLE).traces[:2])
    assert 6 <= kept < events
    command(*words[2:], PROACTIVEBENCH_RUN=str(folder))
    assert log.read_bytes().startswith(before[: before.rfind(b"\n") + 1])
    assert log.read_bytes().count(b"\n") == events
    assert len(RunStore(folder).replies()) == events
