"""What the tests with real models share: one trained model, one server, and the command line as a user types it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.servers import Served, transformers_serve
from tests.integration.small_model import small_model

RELEASE, SAMPLE = "proactivebench", "proactivebench_sample"


@pytest.fixture(scope="session")
def agent_model() -> Path:
    """A small chat model that answers events."""
    pytest.importorskip("torch")
    return small_model("agent")


@pytest.fixture(scope="session")
def server(agent_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The same model behind a real OpenAI-compatible server."""
    with transformers_serve(agent_model, tmp_path_factory.mktemp("serve")) as served:
        yield served


@pytest.fixture(scope="session")
def release() -> str:
    """The name of the real task; skips where there is no mirror of the release."""
    if not os.environ.get("PROACTIVEBENCH_MIRROR"):
        pytest.skip("PROACTIVEBENCH_MIRROR is not set: no release to test on")
    return RELEASE


def command(*words: str, check: bool = True, **environment: str) -> subprocess.CompletedProcess[str]:
    """`python -m …` in a process of its own, on one core."""
    env = {**os.environ, "OMP_NUM_THREADS": "1", "TQDM_DISABLE": "1", "HF_HUB_OFFLINE": "1", **environment}
    done = subprocess.run([sys.executable, "-m", *words], env=env, capture_output=True, text=True, timeout=900)
    assert not check or done.returncode == 0, f"{words}: {done.stdout[-1000:]} {done.stderr[-3000:]}"
    return done


def own_run(path: Path, task: str, model: str, model_args: str, *options: str) -> dict[str, Any]:
    """The report of `proactivebench run`, with generation short enough for a test."""
    words = ["run", "--model", model, "--model_args", model_args, "--tasks", task, "--output_path", str(path)]
    done = command("proactivebench", *words, "--gen_kwargs", "max_gen_toks=200", "--json", *options)
    return dict(json.loads(done.stdout))


def stock_run(path: Path, tasks: str, model: str, model_args: str, *options: str) -> dict[str, dict[str, Any]]:
    """By task, the columns of stock `lm_eval run` (one judge: the filter's name is left out)."""
    from proactivebench.lm_eval_plugin import task_folder

    words = [
        "run",
        "--include_path",
        str(task_folder()),
        "--tasks",
        tasks,
        "--model",
        model,
        "--model_args",
        model_args,
    ]
    words += ["--gen_kwargs", "max_gen_toks=200", "--output_path", str(path / "results"), "--log_samples", *options]
    command("lm_eval", *words, PROACTIVEBENCH_RUN=str(path / "run"))
    (file,) = (path / "results").rglob("results_*.json")
    results = json.loads(file.read_text())["results"]
    return {task: {key.partition(",")[0]: value for key, value in found.items()} for task, found in results.items()}


COMPARED = (
    "f1", "precision", "recall", "accuracy", "balanced_accuracy", "false_alarm_rate", "proposal_rate", "clean_rate",
)  # fmt: skip


def assert_same_numbers(theirs: dict[str, Any], report: dict[str, Any]) -> None:
    """Every number that lm-eval shows is the report's, its standard error too."""
    (judged,) = report["judges"]
    for key in COMPARED:
        ours = judged["overall"]["metrics"][key]
        assert theirs[f"pb_{key}"] == ours["value"], key
        error = theirs[f"pb_{key}_stderr"]
        assert (None if error == "N/A" else error) == ours["stderr"], key
    for split, part in judged["splits"].items():
        assert theirs[f"pb_f1_{split}"] == part["metrics"]["f1"]["value"], split


def statuses(path: Path) -> dict[tuple[str, int], str]:
    """The status of every stored reply."""
    from proactivebench.store import RunStore

    return {(key.trace_id, key.turn): reply.status.value for key, reply in RunStore(path).replies().items()}
