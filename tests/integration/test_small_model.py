"""A real small chat model on real traces, in process and behind a real server, by our own command and by lm-eval's."""

from pathlib import Path
from typing import Any

import pytest

from proactivebench.traces import load_task
from tests.integration.conftest import SAMPLE, assert_same_numbers, own_run, statuses, stock_run
from tests.integration.servers import Served

pytestmark = pytest.mark.models

IN_PROCESS = "pretrained={},dtype=float32"
REPLIES = 233


def requests_seen(server: Served) -> int:
    """Completions the server has been asked for."""
    return server.log.read_text(errors="replace").count("POST /v1/chat/completions")


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="module")
def in_process(runs: Path, release: str, agent_model: Path) -> dict[str, Any]:
    """Our own command, lm-eval's `hf` in process, one conversation at a time."""
    return own_run(runs / "hf", release, "hf", IN_PROCESS.format(agent_model), "--device", "cpu", "--batch_size", "1")


def test_in_process_every_moment_of_the_release_is_answered_and_most_in_form(
    in_process: dict[str, Any], runs: Path
) -> None:
    found = list(statuses(runs / "hf").values())
    assert len(found) == REPLIES
    assert sum(status in ("proposed", "silent") for status in found) > 0.8 * REPLIES
    assert set(found) & {"proposed", "silent"}
    assert in_process["complete"]


def test_behind_a_real_server_the_same_replies_have_the_same_statuses(
    in_process: dict[str, Any], runs: Path, release: str, server: Served
) -> None:
    before = requests_seen(server)
    report = own_run(
        runs / "served", release, "endpoint", f"base_url={server.base_url},model={server.model}", "--concurrency", "2"
    )
    assert statuses(runs / "served") == statuses(runs / "hf")
    assert REPLIES <= requests_seen(server) - before <= REPLIES + 10  # the probe asks a few times more
    assert report["judges"][0]["overall"]["confusion"] == in_process["judges"][0]["overall"]["confusion"]


def test_stock_lm_eval_in_process_agrees_on_both_tasks_at_another_batch_size(
    in_process: dict[str, Any], runs: Path, release: str, agent_model: Path
) -> None:
    model_args = IN_PROCESS.format(agent_model)
    results = stock_run(
        runs / "stock-hf", f"{release},{SAMPLE}", "hf", model_args, "--device", "cpu", "--batch_size", "4"
    )
    sample = own_run(runs / "sample", SAMPLE, "hf", model_args, "--device", "cpu", "--batch_size", "15")
    assert_same_numbers(results[release], in_process)
    assert_same_numbers(results[SAMPLE], sample)
    assert results[release]["pb_moments"] == REPLIES
    assert statuses(runs / "stock-hf" / "run" / release) == statuses(runs / "hf")


def test_stock_lm_eval_over_the_server_asks_exactly_once_an_event_and_agrees(
    in_process: dict[str, Any], runs: Path, release: str, server: Served
) -> None:
    before = requests_seen(server)
    model_args = f"model={server.model},base_url={server.base_url}/chat/completions,num_concurrent=2"
    results = stock_run(runs / "stock-served", release, "local-chat-completions", model_args)
    assert requests_seen(server) - before == REPLIES
    assert_same_numbers(results[release], in_process)


def test_stock_lm_eval_over_the_server_on_the_sample(runs: Path, server: Served, agent_model: Path) -> None:
    traces = 5
    before = requests_seen(server)
    model_args = f"model={server.model},base_url={server.base_url}/chat/completions,num_concurrent=2"
    results = stock_run(runs / "s-served", SAMPLE, "local-chat-completions", model_args, "--limit", str(traces))
    events = sum(len(trace.events) for trace in load_task(SAMPLE).traces[:traces])
    assert requests_seen(server) - before == events
    own = own_run(
        runs / "s-hf", SAMPLE, "hf", IN_PROCESS.format(agent_model), "--device", "cpu", "--limit", str(traces)
    )
    assert_same_numbers(results[SAMPLE], own)
