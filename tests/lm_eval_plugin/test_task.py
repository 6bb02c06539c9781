"""The rollout task inside lm-eval: requests, options, judging, what is saved."""

import json
from pathlib import Path
from typing import Any

import pytest

import proactivebench.api as api
from proactivebench.agents.base import ModelAgent
from proactivebench.errors import InvalidRun, UsageError
from proactivebench.evaluation import Evaluation, run_async
from proactivebench.judging import create_judge
from proactivebench.lm_eval_plugin import task_folder
from proactivebench.models.lm_eval.model import LmEvalModel
from proactivebench.protocols import load_protocol
from proactivebench.records import Decoding, Report
from proactivebench.reporting import score_run
from proactivebench.store import RunStore
from proactivebench.traces import load_task
from tests.lm_eval_plugin.scripted import SAMPLE, ScriptedLM, answer_to, column, evaluate
from tests.servers.chat import Say, chat_server

TASK = load_task(SAMPLE)
TURNS = [len(trace.events) for trace in TASK.traces]


def own_report(path: Path, **changes: Any) -> Report:
    """The same model without lm-eval around it."""
    protocol = load_protocol("standard")
    evaluation = Evaluation(
        task=TASK,
        agent=ModelAgent(LmEvalModel.around(ScriptedLM(), model="scripted")),
        protocol=protocol,
        decoding=Decoding(max_gen_toks=protocol.default_max_gen_toks),
        judge=create_judge(task=TASK),
        **changes,
    )
    return score_run(run_async(evaluation.run(path)), TASK)


def test_a_turn_of_all_traces_is_one_batch_and_there_are_as_many_requests_as_events() -> None:
    lm = ScriptedLM()
    evaluate(lm)
    assert [len(batch) for batch in lm.batches] == [sum(turns > t for turns in TURNS) for t in range(max(TURNS))]
    assert lm.asked == TASK.moments


def test_every_number_is_the_one_our_own_command_gives(tmp_path: Path) -> None:
    results = evaluate(ScriptedLM())
    judged = own_report(tmp_path / "own").judges[0]
    for key in ("f1", "precision", "recall", "accuracy", "false_alarm_rate", "proposal_rate", "mcc", "f1_majority"):
        assert column(results, f"pb_{key}") == judged.overall.metrics[key].value
        assert column(results, f"pb_{key}_stderr") == judged.overall.metrics[key].stderr
    for split, part in judged.splits.items():
        assert column(results, f"pb_f1_{split}") == part.metrics["f1"].value
    assert column(results, "pb_moments") == TASK.moments
    assert f"pb_f1,{judged.judge.id}" in results["results"][SAMPLE]


def test_directions_are_the_registrys_and_a_rate_without_a_better_end_has_none() -> None:
    better = evaluate(ScriptedLM(), limit=1)["higher_is_better"][SAMPLE]
    assert better["pb_f1"] is True
    assert better["pb_false_alarm_rate"] is False
    assert better["pb_precision_coding"] is True
    assert "pb_proposal_rate" not in better


def test_an_undefined_metric_is_none_and_its_error_not_available() -> None:
    results = evaluate("never")
    assert column(results, "pb_precision") is None
    assert column(results, "pb_precision_stderr") == "N/A"
    assert column(results, "pb_f1") == 0


def test_limit_counts_traces_and_the_run_can_be_extended(run_folder: Path) -> None:
    first, rest = ScriptedLM(), ScriptedLM()
    results = evaluate(first, limit=2)
    assert first.asked == sum(TURNS[:2]) == column(results, "pb_moments")
    assert column(evaluate(rest), "pb_moments") == TASK.moments
    assert rest.asked == sum(TURNS[2:])
    assert column(evaluate(ScriptedLM(), limit=2), "pb_f1") == column(results, "pb_f1")


def test_samples_choose_traces() -> None:
    lm = ScriptedLM()
    results = evaluate(lm, samples={SAMPLE: [1, 4]})
    assert lm.asked == TURNS[1] + TURNS[4]
    assert {sample["doc"]["trace_id"] for sample in results["samples"][SAMPLE]} == {
        TASK.traces[1].trace_id,
        TASK.traces[4].trace_id,
    }


def test_gen_kwargs_reach_the_model_and_are_part_of_what_was_asked(run_folder: Path) -> None:
    lm = ScriptedLM()
    evaluate(lm, limit=1, gen_kwargs="temperature=0.7,top_p=0.9,max_gen_toks=99,do_sample=True")
    arguments = lm.batches[0][0][1]
    assert (arguments["temperature"], arguments["top_p"], arguments["max_gen_toks"]) == (0.7, 0.9, 99)
    assert arguments["do_sample"] is True
    assert RunStore(run_folder).manifest.decoding.temperature == 0.7
    with pytest.raises(UsageError, match="temperature"):
        evaluate(ScriptedLM(), limit=1)


def test_a_system_instruction_opens_the_system_message_and_changes_the_protocols_hash(run_folder: Path) -> None:
    lm = ScriptedLM()
    evaluate(lm, limit=1, system_instruction="Answer in French.")
    assert lm.batches[0][0][0].startswith("<system>Answer in French.\n\nYou watch over")
    identity = RunStore(run_folder).manifest.protocol
    assert identity.name == "standard+instruction"
    assert identity.hash != load_protocol("standard").identity.hash


def test_predict_only_never_calls_a_judge(monkeypatch: pytest.MonkeyPatch, run_folder: Path) -> None:
    with chat_server() as server:
        monkeypatch.setenv("PROACTIVEBENCH_JUDGE", "llm")
        monkeypatch.setenv("PROACTIVEBENCH_JUDGE_MODEL", "endpoint")
        monkeypatch.setenv("PROACTIVEBENCH_JUDGE_MODEL_ARGS", f"base_url={server.base_url},model=m")
        results = evaluate(ScriptedLM(), limit=1, predict_only=True)
    assert server.requests == []
    assert not list((run_folder / "verdicts").glob("*")) if (run_folder / "verdicts").exists() else True
    (sample,) = results["samples"][SAMPLE]
    assert json.loads(sample["resps"][0][0])["trace_id"] == TASK.traces[0].trace_id
    assert not [key for key in results["results"][SAMPLE] if key.startswith("pb_")]


def test_an_llm_judge_from_the_environment_decides_here_too(monkeypatch: pytest.MonkeyPatch) -> None:
    with chat_server([Say('{"reason": "r", "verdict": "accepted"}')]) as server:
        monkeypatch.setenv("PROACTIVEBENCH_JUDGE", "llm")
        monkeypatch.setenv("PROACTIVEBENCH_JUDGE_MODEL", "endpoint")
        monkeypatch.setenv("PROACTIVEBENCH_JUDGE_MODEL_ARGS", f"base_url={server.base_url},model=m")
        results = evaluate(ScriptedLM(), limit=1)
    assert column(results, "pb_accuracy") == 1
    assert len(server.asked) == TURNS[0]


def test_several_judges_give_several_columns_from_one_rollout() -> None:
    lm = ScriptedLM()
    results = evaluate(lm, metadata={"pb_judge": "lexical; silence=labels,proposals=lexical"})
    judged = {key.partition(",")[2] for key in results["results"][SAMPLE] if key.startswith("pb_f1,")}
    assert len(judged) == 2
    assert lm.asked == TASK.moments


def test_a_judge_that_cannot_decide_here_is_refused_before_the_first_request() -> None:
    lm = ScriptedLM()
    with pytest.raises(UsageError, match="labels"):
        evaluate(lm, metadata={"pb_judge": "labels:nonsense"})
    assert lm.asked == 0


def test_cache_requests_is_refused_with_the_reason() -> None:
    lm = ScriptedLM()
    with pytest.raises(UsageError, match="one trace's rollout for another"):
        evaluate(lm, cache_requests=True)
    assert lm.asked == 0


def test_lm_evals_response_cache_takes_no_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = ScriptedLM(), ScriptedLM(lambda _: "not an answer")
    evaluate(first, limit=1, use_cache=str(tmp_path / "cache"))
    monkeypatch.setenv("PROACTIVEBENCH_RUN", str(tmp_path / "other"))
    results = evaluate(second, limit=1, use_cache=str(tmp_path / "cache"))
    assert second.asked == TURNS[0]
    assert column(results, "pb_clean_rate") == 0


def test_the_samples_keep_every_prompt_and_reply() -> None:
    lm = ScriptedLM()
    (sample,) = evaluate(lm, limit=1)["samples"][SAMPLE]
    transcript = json.loads(sample["resps"][0][0])
    assert len(transcript["turns"]) == TURNS[0]
    last = transcript["turns"][-1]
    assert lm.apply_chat_template(last["messages"]) == lm.batches[-1][0][0]
    assert last["reply"]["text"] == answer_to(lm.batches[-1][0][0])
    assert sample["arguments"][0][1]["protocol"]["name"] == "standard"


def test_a_backend_that_dies_leaves_its_answers_and_the_same_command_finishes(run_folder: Path, tmp_path: Path) -> None:
    dying, healthy = ScriptedLM(dies_after=5), ScriptedLM()
    with pytest.raises(InvalidRun, match=r"have no answer \(RuntimeError: CUDA error.*run the same command again"):
        evaluate(dying)
    kept = [reply for reply in RunStore(run_folder).replies().values() if reply.status.final]
    assert len(kept) == dying.asked == 5 * len(TURNS)
    results = evaluate(healthy)
    assert healthy.asked == TASK.moments - dying.asked
    assert column(results, "pb_f1") == own_report(tmp_path / "own").judges[0].overall.metrics["f1"].value


def test_a_task_file_of_ones_own_sets_repeats_and_data_and_each_repeat_is_a_rollout(tmp_path: Path) -> None:
    data = tmp_path / "mine.jsonl"
    data.write_text(TASK.traces[0].model_dump_json(exclude_none=True) + "\n")
    text = (task_folder() / f"{SAMPLE}.yaml").read_text()
    text = text.replace(f"task: {SAMPLE}\n", "task: mine\n", 1).replace(f"pb_task: {SAMPLE}", f"pb_task: {data}")
    (tmp_path / "mine.yaml").write_text(text + "repeats: 2\n")
    lm = ScriptedLM()
    results = evaluate(lm, "mine", folder=tmp_path)
    assert lm.asked == 2 * TURNS[0]
    (sample,) = results["samples"]["mine"]
    assert [len(json.loads(text)["turns"]) for text in sample["resps"][0]] == [TURNS[0]] * 2


def test_the_run_directory_is_an_ordinary_run(run_folder: Path) -> None:
    evaluate(ScriptedLM())
    report = api.score(run_folder)
    assert report.complete
    assert report.judges[0].overall.answered == TASK.moments
    assert (run_folder / "report.json").exists()


def test_without_a_named_folder_the_run_lies_in_the_cache_under_its_manifest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("PROACTIVEBENCH_RUN")
    monkeypatch.setenv("PROACTIVEBENCH_CACHE", str(tmp_path / "cache"))
    evaluate(ScriptedLM(), limit=1)
    (folder,) = (tmp_path / "cache" / "lm-eval").iterdir()
    assert str(folder) in capsys.readouterr().out
    again, other = ScriptedLM(), ScriptedLM()
    evaluate(again, limit=1)
    evaluate(other, limit=1, gen_kwargs="max_gen_toks=77")
    assert (again.asked, other.asked) == (0, TURNS[0])


def test_a_key_in_the_models_arguments_is_refused_before_it_reaches_a_file() -> None:
    lm = ScriptedLM()
    with pytest.raises(UsageError, match="auth_token"):
        evaluate(lm, metadata={"auth_token": "abc"})
    assert lm.asked == 0


def test_an_unknown_option_in_the_metadata_is_refused() -> None:
    with pytest.raises(UsageError, match="pb_jugde"):
        evaluate(ScriptedLM(), metadata={"pb_jugde": "lexical"})


def test_feedback_rounds_ask_again_and_the_last_answer_counts() -> None:
    lm = ScriptedLM()
    results = evaluate(lm, limit=1, metadata={"pb_feedback_rounds": 1})
    assert lm.asked > TURNS[0]
    assert column(results, "pb_moments") == TURNS[0]
