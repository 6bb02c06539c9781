"""The public functions, as the package's own documentation shows them."""

import asyncio
import subprocess
import sys

import proactivebench as pb


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
    from_reports = pb.compare(always, best)
    assert from_reports == pb.compare(tmp_path / "always", tmp_path / "best", metric="f1")
    assert from_reports.traces == 15
    assert from_reports.standings[0].value > from_reports.standings[1].value


def test_model_arguments_may_be_numbers(tmp_path):
    report = pb.evaluate("random", "proactivebench_sample", output_path=tmp_path, limit=1, model_args={"p": 0.25})
    assert report.agent.model_args == {"p": "0.25"}


def test_an_evaluation_runs_inside_a_running_event_loop(tmp_path):
    async def notebook():
        return pb.evaluate("never", "proactivebench_sample", output_path=tmp_path, limit=1)

    assert asyncio.run(notebook()).complete


def test_importing_the_package_loads_nothing_heavy():
    code = "import sys, proactivebench, proactivebench.cli; print([m for m in sys.modules if m.split('.')[0] in " + (
        "('pydantic', 'numpy', 'rich', 'typer', 'aiohttp', 'lm_eval', 'datasets', 'scipy', 'yaml')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
