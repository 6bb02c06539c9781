"""Our agents under lm-eval, and answers that travel between the two in both directions."""

import json
from pathlib import Path
from typing import Any

import pytest

import proactivebench.api as api
from proactivebench import plugins
from proactivebench.agents import baseline_words
from proactivebench.agents.replay.agent import read_stored
from proactivebench.errors import DataError, UsageError
from proactivebench.lm_eval_plugin.models import register_models
from proactivebench.plugins import Contract
from proactivebench.protocols import load_protocol
from proactivebench.traces import load_task
from tests.lm_eval_plugin.scripted import SAMPLE, ScriptedLM, column, evaluate

TASK = load_task(SAMPLE)


@pytest.mark.parametrize("word", baseline_words())
def test_a_baseline_has_the_numbers_it_has_in_our_own_command(word: str, tmp_path: Path) -> None:
    register_models()
    report = api.evaluate(word, SAMPLE, output_path=tmp_path / "own")
    results = evaluate(word)
    assert column(results, "pb_accuracy") == report.judges[0].overall.metrics["accuracy"].value


def test_any_agent_is_a_model_of_lm_eval_by_an_argument(tmp_path: Path) -> None:
    register_models()
    report = api.evaluate("random", SAMPLE, model_args={"p": 0.25}, output_path=tmp_path / "own")
    results = evaluate("proactivebench", model_args={"agent": "random", "p": "0.25"})
    assert column(results, "pb_proposal_rate") == report.judges[0].overall.metrics["proposal_rate"].value
    with pytest.raises(UsageError, match="needs --model_args agent=WORD"):
        evaluate("proactivebench", model_args={})


def test_a_users_own_function_is_a_model_of_lm_eval(tmp_path: Path) -> None:
    register_models()
    file = tmp_path / "own_agent.py"
    file.write_text('def agent(moment, text="help"):\n    return text if moment.turn % 2 else None\n')
    results = evaluate("proactivebench", model_args={"agent": f"{file}:agent", "text": "Look into it."}, limit=1)
    turns = len(TASK.traces[0].events)
    assert column(results, "pb_proposal_rate") == (turns // 2) / turns


def test_stored_replies_of_ours_are_scored_inside_lm_eval(tmp_path: Path) -> None:
    register_models()
    report = api.evaluate("parrot", SAMPLE, output_path=tmp_path / "own")
    results = evaluate("replay", model_args={"path": str(tmp_path / "own")})
    assert column(results, "pb_f1") == report.judges[0].overall.metrics["f1"].value


def write_samples(folder: Path, task: str, samples: list[dict[str, Any]]) -> Path:
    """A samples file as lm-eval writes it: responses as text."""
    file = folder / f"samples_{task}_2026.jsonl"
    file.write_text("".join(json.dumps(sample, default=str) + "\n" for sample in samples))
    return file


def test_lm_evals_samples_files_are_scored_by_us(tmp_path: Path) -> None:
    results = evaluate(ScriptedLM(), metadata={"pb_judge": "lexical; silence=labels,proposals=lexical"})
    file = write_samples(tmp_path, SAMPLE, results["samples"][SAMPLE])
    report = api.evaluate(
        "replay", SAMPLE, model_args={"path": str(file)}, judge="lexical", output_path=tmp_path / "own"
    )
    (judged,) = report.judges
    assert judged.overall.metrics["f1"].value == results["results"][SAMPLE][f"pb_f1,{judged.judge.id}"]


def test_samples_of_the_static_task_are_read_too(tmp_path: Path) -> None:
    name = "proactivebench_static"
    results = evaluate(ScriptedLM(), name, metadata={"pb_task": SAMPLE}, limit=7)
    file = write_samples(tmp_path, name, results["samples"][name])
    stored = read_stored(file, TASK, load_protocol("standard"))
    assert len(stored.answers) == 7


def test_samples_of_another_task_are_refused(tmp_path: Path) -> None:
    file = write_samples(tmp_path, "gsm8k", [{"doc": {"question": "?"}, "resps": [["4"]]}])
    with pytest.raises(DataError, match=r"samples_gsm8k_2026.jsonl:1 is no sample"):
        read_stored(file, TASK, load_protocol("standard"))


def test_our_agents_refuse_tasks_of_others() -> None:
    from lm_eval.api.registry import get_model

    register_models()
    model = get_model("always").create_from_arg_obj({}, {"batch_size": 1})
    with pytest.raises(UsageError, match="this project's tasks only"):
        model.generate_until([object()])
    with pytest.raises(UsageError, match="no likelihoods"):
        model.loglikelihood([])


def test_registering_twice_keeps_lm_evals_own_models() -> None:
    from lm_eval.api.registry import get_model, model_registry

    register_models()
    register_models()
    assert "always" in model_registry
    assert get_model("local-chat-completions").__name__ == "LocalChatCompletion"


def test_every_agent_of_ours_is_a_model_of_lm_evals_by_its_word() -> None:
    from lm_eval.api.registry import get_model

    register_models()
    words = [plug.word for plug in plugins.ours(Contract.AGENT)]
    assert {"never", "replay", "lexical-need"} <= set(words)
    assert [get_model(word).word for word in words] == words


def test_the_declared_entry_point_leads_to_the_tasks() -> None:
    import tomllib
    from importlib.metadata import EntryPoint

    declared = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]["entry-points"]
    (place,) = declared["lm_eval.tasks"].values()
    assert (EntryPoint("p", place, "lm_eval.tasks").load()() / f"{SAMPLE}.yaml").is_file()


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (b'{"doc": {"trace_id": "code_umlauts", "turn": "0"}, "resps": [["x"]]}', ":1 is no sample"),
        (b"\xff\xfe", " is UTF-16 text"),
        (b"[]", " is one JSON array"),
        (b"{", ":1 is not JSON"),
    ],
)
def test_a_samples_file_of_something_else_is_named_for_what_it_is(tmp_path: Path, line: bytes, says: str) -> None:
    file = tmp_path / "samples_x.jsonl"
    file.write_bytes(line + b"\n")
    with pytest.raises(DataError, match=rf"samples_x\.jsonl{says}"):
        read_stored(file, TASK, load_protocol("standard"))
