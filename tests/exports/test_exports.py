"""Ways out: what is written, and what never is."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

import proactivebench.api as api
from proactivebench.agents.replay.agent import read_stored
from proactivebench.errors import InvalidRun, UsageError
from proactivebench.exports.every_eval_ever import write_every_eval_ever
from proactivebench.exports.hub import write_hub
from proactivebench.exports.lm_eval_layout import write_lm_eval
from proactivebench.exports.source import Source, public, sanitized
from proactivebench.lm_eval_plugin.models import register_models
from proactivebench.protocols import load_protocol
from proactivebench.store import RunStore
from proactivebench.traces import load_task
from tests.lm_eval_plugin.scripted import SAMPLE, evaluate

TASK = load_task(SAMPLE)


def test_lm_evals_layout_has_the_columns_of_a_run_inside_lm_eval(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    results_file, samples_file = write_lm_eval(Source.read(run), tmp_path)
    ours = json.loads(results_file.read_text())
    monkeypatch.setenv("PROACTIVEBENCH_RUN", str(tmp_path / "inside"))
    register_models()
    theirs = evaluate("random")
    assert re.fullmatch(r"results_\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d\.\d{6}\.json", results_file.name)
    assert samples_file.name.startswith(f"samples_{SAMPLE}_")
    expected = {key: value for key, value in theirs["results"][SAMPLE].items() if "_stderr_stderr" not in key}
    shown = {key: value for key, value in expected.items() if not key.startswith(("pb_moments_", "pb_unscored_share_"))}
    assert ours["results"][SAMPLE] == shown
    assert ours["higher_is_better"] == theirs["higher_is_better"]
    assert {"configs", "versions", "n-shot", "n-samples", "config", "date", "model_name"} <= ours.keys()


def test_exported_samples_replay_to_the_same_numbers(run: Path, tmp_path: Path) -> None:
    _, samples = write_lm_eval(Source.read(run), tmp_path)
    stored = read_stored(samples, TASK, load_protocol("standard"))
    assert len(stored.answers) == TASK.moments
    again = api.evaluate("replay", SAMPLE, model_args={"path": str(samples)}, output_path=tmp_path / "again")
    before = Source.read(run).report.judges[0]
    assert again.judges[0].overall.metrics["f1"] == before.overall.metrics["f1"]


def test_every_eval_ever_has_a_result_a_metric_and_a_row_a_moment(run: Path, tmp_path: Path) -> None:
    source = Source.read(run)
    aggregate, samples = write_every_eval_ever(source, tmp_path, model_id="some/model")
    log = json.loads(aggregate.read_text())
    rows = [json.loads(line) for line in samples.read_text().splitlines()]
    assert aggregate.parent == tmp_path / "data" / "proactivebench" / "some" / "model"
    assert len(rows) == log["detailed_evaluation_results"]["total_rows"] == TASK.moments
    scores = {result["evaluation_result_id"]: result for result in log["evaluation_results"]}
    (joined,) = {row["evaluation_result_id"] for row in rows}
    mean = sum(row["evaluation"]["score"] for row in rows) / len(rows)
    assert scores[joined]["score_details"]["score"] == pytest.approx(mean)
    f1 = next(found for name, found in scores.items() if name.endswith("/all/f1"))
    metric = source.report.judges[0].overall.metrics["f1"]
    assert f1["score_details"]["uncertainty"]["standard_error"]["value"] == metric.stderr
    assert f1["metric_config"]["additional_details"]["baseline_judge"] == "true"
    assert f1["metric_config"]["lower_is_better"] is False
    last = rows[len(TASK.traces[0].events) - 1]
    assert len(last["messages"]) == 2 * len(TASK.traces[0].events)


def test_the_same_run_gives_the_same_files(run: Path, tmp_path: Path) -> None:
    first = write_every_eval_ever(Source.read(run), tmp_path / "a")
    second = write_every_eval_ever(Source.read(run), tmp_path / "b")
    assert [file.name for file in first] == [file.name for file in second]
    assert [file.read_bytes() for file in first] == [file.read_bytes() for file in second]


def test_the_hub_gets_a_model_index_its_own_library_reads_and_one_file_a_judge(run: Path, tmp_path: Path) -> None:
    from huggingface_hub import ModelCard

    index, results = write_hub(Source.read(run), tmp_path, dataset_id="org/bench")
    card = ModelCard(f"---\n{index.read_text()}---\n# a model\n")
    f1 = Source.read(run).report.judges[0].overall.metrics["f1"].value
    assert f1 in [found.metric_value for found in card.data.eval_results if found.metric_type == "f1"]
    entries = yaml.safe_load(results.read_text())
    assert results.parent.name == ".eval_results"
    assert entries[0]["dataset"] == {"id": "org/bench", "task_id": SAMPLE, "revision": TASK.revision}
    assert entries[0]["value"] == pytest.approx(f1, abs=1e-6)
    assert "baseline judge, not comparable" in entries[0]["notes"]
    with pytest.raises(UsageError, match="--dataset_id"):
        write_hub(Source.read(run), tmp_path, dataset_id=None)


def test_an_incomplete_run_is_not_exported(run: Path, tmp_path: Path) -> None:
    store = RunStore(tmp_path / "half")
    store.begin(RunStore(run).manifest)
    with store.append_replies() as log:
        log.append(list(RunStore(run).replies().values())[:5])
    with pytest.raises(InvalidRun, match="no final reply"):
        Source.read(tmp_path / "half")


def test_no_path_of_this_machine_and_no_secret_is_in_any_export(tmp_path: Path) -> None:
    data = tmp_path / "private" / "mine.jsonl"
    data.parent.mkdir()
    data.write_text("".join(trace.model_dump_json(exclude_none=True) + "\n" for trace in TASK.traces[:4]))
    folder = tmp_path / "private" / "run"
    api.evaluate("never", str(data), output_path=folder)
    manifest = RunStore(folder).manifest
    agent = manifest.agent.model_copy(
        update={
            "name": str(tmp_path / "private" / "weights"),
            "model_args": {"pretrained": str(tmp_path / "private" / "weights"), "base_url": "http://me:pw@host/v1"},
        }
    )
    (folder / "manifest.json").write_text(manifest.model_copy(update={"agent": agent}).model_dump_json())
    out = tmp_path / "out"
    out.mkdir()
    source = Source.read(folder)
    write_lm_eval(source, out)
    write_every_eval_ever(source, out)
    write_hub(source, out, dataset_id="org/bench")
    written = [file for file in out.rglob("*") if file.is_file()]
    assert len(written) == 6
    for file in written:
        text = file.read_text()
        assert str(tmp_path) not in text, file
        assert "private" not in text, file
        assert "me:pw" not in text, file


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("/home/someone/models/tiny", "tiny"),
        ("~/models/tiny", "tiny"),
        (r"C:\Users\someone\tiny.gguf", "tiny.gguf"),
        ("cannot read /srv/data/x.json: denied", "cannot read x.json: denied"),
        ("https://host.example/v1/models", "https://host.example/v1/models"),
        ("https://me:pw@host.example/v1", "https://host.example/v1"),
        ("org/model", "org/model"),
        ("and/or", "and/or"),
        ({"a": ["/x/y"]}, {"a": ["y"]}),
        (3, 3),
    ],
)
def test_paths_are_cut_down_and_addresses_stay(value: Any, shown: Any) -> None:
    assert public(value) == shown


def test_a_models_name_becomes_a_folder_name() -> None:
    assert sanitized("org/model: v1?") == "org__model__v1"
    assert sanitized("../..") == "model"
