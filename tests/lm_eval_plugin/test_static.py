"""The static task: one document a moment, plain generation."""

import asyncio
from pathlib import Path

from proactivebench.protocols import load_protocol
from proactivebench.records import Moment
from proactivebench.traces import load_task
from tests.lm_eval_plugin.scripted import SAMPLE, ScriptedLM, answer_to, column, evaluate

TASK = load_task(SAMPLE)
NAME = "proactivebench_static"
METADATA = {"pb_task": SAMPLE}  # the same task over the built-in data


def test_every_moment_is_one_request_with_the_events_so_far_and_nothing_else() -> None:
    lm = ScriptedLM()
    evaluate(lm, NAME, metadata=METADATA, apply_chat_template=True)
    assert [len(batch) for batch in lm.batches] == [TASK.moments]
    conversation = load_protocol("standard", history="observations").conversation(Moment(TASK.traces[1], 3), ())
    asked = lm.batches[0][len(TASK.traces[0].events) + 3][0]
    assert asked == lm.apply_chat_template([message._asdict() for message in conversation])


def test_its_numbers_are_those_of_the_same_answers_in_a_run(tmp_path: Path) -> None:
    from proactivebench.agents.base import ModelAgent
    from proactivebench.evaluation import Evaluation
    from proactivebench.judging import create_judge
    from proactivebench.models.lm_eval.model import LmEvalModel
    from proactivebench.records import Decoding
    from proactivebench.reporting import score_run

    results = evaluate(ScriptedLM(), NAME, metadata=METADATA, apply_chat_template=True)
    run = Evaluation(
        task=TASK,
        agent=ModelAgent(LmEvalModel.around(ScriptedLM(answer_to), model="scripted")),
        protocol=load_protocol("standard", history="observations"),
        decoding=Decoding(),
        judge=create_judge(task=TASK),
    )
    judged = score_run(asyncio.run(run.run(tmp_path / "own")), TASK).judges[0]
    for key in ("f1", "precision", "recall", "proposal_rate", "clean_rate"):
        assert column(results, f"pb_{key}", NAME) == judged.overall.metrics[key].value
    assert column(results, "pb_f1_stderr", NAME) == judged.overall.metrics["f1"].stderr


def test_limit_counts_moments_and_predict_only_scores_nothing() -> None:
    lm = ScriptedLM()
    results = evaluate(lm, NAME, metadata=METADATA, limit=5, predict_only=True)
    assert lm.asked == 5
    assert not [key for key in results["results"][NAME] if key.startswith("pb_")]
    assert column(evaluate(lm, NAME, metadata=METADATA, limit=5), "pb_moments", NAME) == 5


def test_lm_evals_response_cache_serves_it(tmp_path: Path) -> None:
    first, second = ScriptedLM(), ScriptedLM()
    for lm in (first, second):
        evaluate(lm, NAME, metadata=METADATA, limit=5, use_cache=str(tmp_path / "cache"))
    assert (first.asked, second.asked) == (5, 0)


def test_the_baselines_answer_it() -> None:
    results = evaluate("oracle", NAME, metadata=METADATA)
    assert column(results, "pb_accuracy", NAME) == 1
