"""The public functions, as the package's own documentation shows them."""

import asyncio
import json
import subprocess
import sys

import pytest

import proactivebench as pb
from proactivebench.agents.base import Actor
from proactivebench.board.publish.prepare import prepare_entry
from proactivebench.errors import ProactiveBenchError, UsageError
from proactivebench.judging.base import Judge
from proactivebench.judging.classifier.card import Scorer
from proactivebench.judging.model import ModelJudge
from proactivebench.models.base import Answer
from proactivebench.preparation import Serving, Settings
from proactivebench.store import RunStore


def test_the_ten_line_example_works(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    example = "\n".join(line.strip() for line in (pb.__doc__ or "").split("\n\n", 1)[1].splitlines())
    assert 5 <= len(example.splitlines()) <= 10
    done = subprocess.run([sys.executable, "-c", example], capture_output=True, text=True, check=True, cwd=tmp_path)
    value = float(done.stdout.split()[-1])
    assert value == pb.score("runs/always").judges[0].overall.metrics["f1"].value
    assert 0 < value < 1


def test_runs_and_reports_are_compared_alike(tmp_path):
    always = pb.evaluate("always", "proactivebench_sample", output_path=tmp_path / "always")
    best = pb.evaluate("best-candidate", "proactivebench_sample", output_path=tmp_path / "best", concurrency=2)
    from_reports = pb.compare(always, best, metric="f1")
    assert from_reports == pb.compare(tmp_path / "always", tmp_path / "best", metric="f1")
    assert from_reports.traces == 15
    assert from_reports.standings[0].value > from_reports.standings[1].value
    assert pb.compare(always, best).metric == "need_detection_balanced_accuracy"


def test_model_arguments_may_be_numbers(tmp_path):
    report = pb.evaluate("random", "proactivebench_sample", output_path=tmp_path, limit=1, model_args={"p": 0.25})
    assert report.agent.model_args == {"p": "0.25"}


def test_an_evaluation_runs_inside_a_running_event_loop(tmp_path):
    async def notebook():
        return pb.evaluate("never", "proactivebench_sample", output_path=tmp_path, limit=1)

    assert asyncio.run(notebook()).complete


def test_importing_the_package_loads_nothing_heavy():
    code = "import sys, proactivebench, proactivebench.cli; print([m for m in sys.modules if m.split('.')[0] in " + (
        "('pydantic', 'numpy', 'rich', 'click', 'aiohttp', 'lm_eval', 'datasets', 'scipy', 'yaml')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("limit", -3), ("limit", 0), ("limit", 2.5), ("limit", "3"), ("limit", True), ("repeats", 0), ("repeats", None),
        ("judge_repeats", 0), ("concurrency", -1), ("concurrency", 0), ("timeout_s", -2), ("timeout_s", float("nan")),
        ("timeout_s", float("inf")), ("timeout_s", "soon"), ("max_retries", -1), ("seed", "x"), ("seed", 1.5),
        ("candidates", 0), ("feedback_rounds", -1), ("predict_only", "no"), ("judge_cache", 1), ("model_args", "p=1"),
        ("gen_kwargs", "temperature=0"), ("gen_kwargs", None), ("protocol", 3), ("history", ""), ("batch_size", 4),
        ("device", 0), ("judge_model", 7), ("judge_model_args", ["a"]),
    ],
)  # fmt: skip
def test_a_setting_that_cannot_be_is_refused_before_anything_is_asked(tmp_path, setting, value):
    with pytest.raises(UsageError, match=rf"^{setting}=.* cannot be: give [^\n]+$"):
        pb.evaluate("always", "proactivebench_sample", output_path=tmp_path / "run", **{setting: value})
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("word", "meant"),
    [("max_retrys", "max_retries"), ("timeout", "timeout_s"), ("temperature", "known are"), ("tasks", "known are")],
)
def test_an_unknown_setting_is_answered_with_the_nearest_known(tmp_path, word, meant):
    with pytest.raises(UsageError, match=f"there is no setting '{word}'.*{meant}"):
        pb.evaluate("always", "proactivebench_sample", output_path=tmp_path / "run", **{word: 1})


@pytest.mark.parametrize(
    "call",
    [
        lambda: pb.evaluate(None, "proactivebench_sample"),
        lambda: pb.evaluate("always", 5),
        lambda: pb.evaluate("", "proactivebench_sample"),
        lambda: pb.evaluate("always", "proactivebench_sample", judge=3),
        lambda: pb.evaluate("always", "proactivebench_sample", output_path=None),
        lambda: pb.evaluate("always", "proactivebench_sample", output_path=""),
        lambda: pb.compare(),
        lambda: pb.compare("one"),
        lambda: pb.compare(["one", "two"], {}),
        lambda: pb.compare("one", "two", metric=3),
        lambda: pb.score(None),
        lambda: pb.load_traces(7),
    ],
)
def test_the_other_functions_refuse_in_one_line_too(call, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ProactiveBenchError) as refused:
        call()
    assert len(str(refused.value).splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_the_command_line_is_held_to_the_same_table():
    from proactivebench.terms import TERMS

    fields = {*Settings.__slots__, *Serving.__slots__} - {"serving"}
    assert fields == set(TERMS)
    with pytest.raises(UsageError, match="limit=-3"):
        Settings(model="always", tasks="proactivebench_sample", limit=-3)
    with pytest.raises(UsageError, match="concurrency=0"):
        Serving(concurrency=0)


def test_a_limit_beyond_the_last_trace_is_none(tmp_path):
    whole = pb.evaluate("always", "proactivebench_sample", output_path=tmp_path / "a", limit=999_999)
    assert whole.complete
    assert RunStore(tmp_path / "a").manifest.limit is None
    pb.evaluate("always", "proactivebench_sample", output_path=tmp_path / "b", limit=14)
    assert RunStore(tmp_path / "b").manifest.limit == 14


def test_a_run_of_an_earlier_version_with_a_limit_beyond_the_last_trace_is_whole(tmp_path):
    pb.evaluate("always", "proactivebench_sample", output_path=tmp_path / "run")
    file = tmp_path / "run" / "manifest.json"
    stored = json.loads(file.read_text(encoding="utf-8"))
    stored["sessions"][0]["limit"] = 999_999
    file.write_text(json.dumps(stored), encoding="utf-8")
    entry = prepare_entry(RunStore(tmp_path / "run"), tmp_path / "entry")
    assert entry.manifest.limit is None


def bare_subclasses():
    return [
        lambda: type("Bare", (Actor,), {})(),
        lambda: Actor(),
        lambda: type("Bare", (Judge,), {})(),
        lambda: type("Bare", (Scorer,), {})(),
        lambda: type("Bare", (ModelJudge,), {})(None, None, None),
    ]


@pytest.mark.parametrize("make", bare_subclasses())
def test_what_could_answer_nothing_cannot_be_made(make):
    with pytest.raises(TypeError, match=r"can answer nothing|abstract") as refused:
        make()
    assert len(str(refused.value).splitlines()) == 1


@pytest.mark.parametrize("method", ["answer", "answer_all"])
def test_one_of_the_two_ways_to_answer_is_enough(method):
    async def said(self, asked):
        return Answer("x") if method == "answer" else [Answer("x")] * len(asked)

    agent = type("Able", (Actor,), {method: said})()
    assert asyncio.run(agent.answer(None)).text == "x"
    assert [answer.text for answer in asyncio.run(agent.answer_all([None, None]))] == ["x", "x"]
