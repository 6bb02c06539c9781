"""The commands a user types: stock lm-eval with our folder, and the wrapper."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from proactivebench.agents.replay.agent import read_stored
from proactivebench.lm_eval_plugin import task_folder
from proactivebench.protocols import load_protocol
from proactivebench.traces import load_task
from tests.board.calling import Done, call
from tests.lm_eval_plugin.scripted import SAMPLE, answer_to
from tests.servers.chat import Drop, Say, Seen, chat_server

TASK = load_task(SAMPLE)
TURNS = [len(trace.events) for trace in TASK.traces]


def by_last_message(seen: Seen) -> Say:
    """The same answer whoever asks: only what was said last counts."""
    return Say(answer_to("<user>" + seen.body["messages"][-1]["content"]))


def command(*words: str, run: Path, check: bool = True, **environment: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "PROACTIVEBENCH_RUN": str(run), **environment}
    done = subprocess.run([sys.executable, "-m", *words], env=env, capture_output=True, text=True, timeout=300)
    assert not check or done.returncode == 0, done.stderr[-3000:]
    return done


def ours(*words: str, run: Path, check: bool = True) -> Done:
    """`proactivebench` in this process."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PROACTIVEBENCH_RUN", str(run))
        done = call(*words)
    assert not check or done.code == 0, done.err[-3000:]
    return done


def only_results(folder: Path) -> dict[str, Any]:
    (file,) = folder.rglob("results_*.json")
    return dict(json.loads(file.read_text())["results"][SAMPLE])


def test_the_stock_command_over_a_server_asks_once_an_event_and_agrees_with_our_own(tmp_path: Path) -> None:
    with chat_server(by_last_message) as server:
        address = f"model=m,base_url={server.base_url}/chat/completions,num_concurrent=4"
        command(
            "lm_eval", "run", "--include_path", str(task_folder()), "--tasks", SAMPLE, "--limit", "5",
            "--model", "local-chat-completions", "--model_args", address,
            "--output_path", str(tmp_path / "results"), "--log_samples", run=tmp_path / "a",
        )  # fmt: skip
        asked = len(server.asked)
        done = ours(
            "run", "--model", "endpoint", "--model_args", f"model=m,base_url={server.base_url}",
            "--tasks", SAMPLE, "--limit", "5", "--output_path", str(tmp_path / "b"), "--json", run=tmp_path / "unused",
        )  # fmt: skip
    assert asked == sum(TURNS[:5])
    own = json.loads(done.out)["judges"][0]["overall"]["metrics"]
    theirs = {key.partition(",")[0]: value for key, value in only_results(tmp_path / "results").items()}
    for key in ("f1", "precision", "recall", "accuracy", "false_alarm_rate", "proposal_rate"):
        assert theirs[f"pb_{key}"] == own[key]["value"]
    assert theirs["pb_f1_stderr"] == own["f1"]["stderr"]
    (samples,) = (tmp_path / "results").rglob("samples_*.jsonl")
    assert len(read_stored(samples, TASK, load_protocol("standard")).answers) == asked


def test_the_wrapper_starts_without_the_scan_knows_our_models_and_shows_the_table(tmp_path: Path) -> None:
    done = command(
        "proactivebench", "lm-eval", "run", "--model", "always", "--tasks", SAMPLE, "--limit", "2",
        "--output_path", str(tmp_path / "results"), run=tmp_path / "run",
    )  # fmt: skip
    assert re.search(r"pb_f1 +\|↑ +\| *\d\.\d{4}\|± +\|", done.stdout)
    assert str(tmp_path / "run") in done.stdout
    assert only_results(tmp_path / "results")["sample_len"] == 2


def test_a_refusal_is_one_line_and_its_own_exit_code_under_the_wrapper(tmp_path: Path) -> None:
    done = ours(
        "lm-eval", "run", "--model", "always", "--tasks", SAMPLE, "--cache_requests", "true",
        run=tmp_path / "run", check=False,
    )  # fmt: skip
    assert done.code == 2
    assert "--cache_requests is refused" in done.err.splitlines()[-1]
    assert "Traceback" not in done.err


def test_what_goes_wrong_in_lm_eval_is_said_to_be_lm_evals(tmp_path: Path) -> None:
    words = ("lm-eval", "run", "--tasks", SAMPLE, "--model", "no-such-model")
    done = ours(*words, run=tmp_path / "run", check=False)
    assert done.code == 2
    assert "lm-eval stopped: ValueError: Attempted to load model 'no-such-model'" in done.err.splitlines()[-1]


def test_a_server_that_dies_ends_in_exit_3_and_the_same_command_asks_only_for_the_rest(tmp_path: Path) -> None:
    words = ("lm-eval", "run", "--model", "local-chat-completions", "--tasks", SAMPLE, "--limit", "1")
    with chat_server([*[Say(answer_to("x"))] * 4, Drop()]) as dying:
        model = f"model=m,max_retries=1,base_url={dying.base_url}/chat/completions"
        broken = ours(*words, "--model_args", model, run=tmp_path / "run", check=False)
    assert broken.code == 3
    assert "run the same command again" in broken.err.splitlines()[-1]
    with chat_server(by_last_message, port=int(dying.base_url.rsplit(":", 1)[1].split("/")[0])) as healthy:
        ours(*words, "--model_args", model, run=tmp_path / "run")
    assert len(healthy.asked) == TURNS[0] - 4


def test_the_path_is_printed_for_stock_lm_eval() -> None:
    done = ours("lm-eval-path", run=Path("unused"))
    assert done.out.strip() == str(task_folder())
