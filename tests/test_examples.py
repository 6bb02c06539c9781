"""The files in examples/ do what they say, as a user would run them."""

import json
import os
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest

import proactivebench as pb
from proactivebench.cli import main
from proactivebench.testing import small_task

EXAMPLES = Path(__file__).parents[1] / "examples"
SAMPLE = "proactivebench_sample"


def run(path: Path, *words: str) -> dict[str, float]:
    """The counts of a run of the command on two traces of the sample."""
    with pytest.raises(SystemExit) as ended:
        main(["run", "--tasks", SAMPLE, "--limit", "2", "--output_path", str(path), *words])
    assert not ended.value.code
    report = json.loads((path / "report.json").read_text())
    assert report["moments_expected"] == 30
    return report["judges"][0]["overall"]["statuses"]


@contextmanager
def serving(*words: str):
    """The address that an example says it listens at."""
    process = subprocess.Popen([sys.executable, *words], stdout=subprocess.PIPE, text=True)
    try:
        yield process.stdout.readline().strip()
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def test_your_agent(tmp_path):
    statuses = run(tmp_path, "--model", f"{EXAMPLES}/your_agent.py:Attentive", "--model_args", "limit=2")
    assert statuses["proposed"] >= 1
    assert statuses["proposed"] + statuses["silent"] == 30
    assert run(tmp_path / "f", "--model", f"{EXAMPLES}/your_agent.py:simple")["proposed"] >= 1


def test_a_process_in_python_and_in_perl(tmp_path):
    python = run(
        tmp_path / "py", "--model", "process", "--model_args", f"command={sys.executable} {EXAMPLES}/process_agent.py"
    )
    assert python["proposed"] >= 1
    perl = run(tmp_path / "pl", "--model", "process", "--model_args", f"command=perl {EXAMPLES}/agent.pl")
    assert perl["proposed"] >= python["proposed"]


def test_a_server(tmp_path):
    with serving(f"{EXAMPLES}/http_agent.py", "0") as url:
        statuses = run(tmp_path, "--model", "http", "--model_args", f"url={url}")
    assert statuses["proposed"] >= 1


def test_your_judge(tmp_path):
    judge = f"silence=labels,proposals={EXAMPLES}/your_judge.py:specific"
    run(tmp_path, "--model", f"{EXAMPLES}/your_agent.py:Attentive", "--judge", judge)
    counts = pb.score(tmp_path).judges[0].overall.confusion
    assert counts.tp >= 1
    assert counts.unscored == 0


def test_the_gate_stops_a_worse_agent(tmp_path):
    tasks = tmp_path / "tasks.jsonl"
    tasks.write_text("".join(f"{trace.model_dump_json(exclude_none=True)}\n" for trace in small_task(*[4] * 8).traces))
    pb.evaluate("need-oracle", tasks, output_path=tmp_path / "accepted")
    said = {"PROACTIVEBENCH": f"{sys.executable} -m proactivebench", "TASKS": str(tasks), "RUN": str(tmp_path / "run")}
    done = subprocess.run(
        ["sh", str(EXAMPLES / "ci_gate.sh"), "skip-first", str(tmp_path / "accepted" / "report.json")],
        env={**os.environ, **said},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "need_detection_balanced_accuracy: baseline 1.0000" in done.stdout, done.stderr
    assert done.returncode == 1


@pytest.mark.parametrize("file", sorted(path.name for path in EXAMPLES.iterdir() if path.is_file()))
def test_every_example_is_told_of_in_the_docs(file):
    docs = "".join(path.read_text() for path in (EXAMPLES.parent / "docs").glob("*.md"))
    assert f"examples/{file}" in docs


def test_what_an_agent_prints_is_no_part_of_the_report(tmp_path, capsys):
    file = tmp_path / "talks.py"
    file.write_text('print("loaded")\ndef agent(moment):\n    print("asked")\n')
    words = ["--model", f"{file}:agent", "--tasks", SAMPLE, "--limit", "1", "--output_path", str(tmp_path / "run")]
    with pytest.raises(SystemExit) as ended:
        main(["run", *words, "--json"])
    assert not ended.value.code
    said = capsys.readouterr()
    assert json.loads(said.out)["agent"]["model"] == "talks.py:agent"
    assert {"loaded", "asked"} <= set(said.err.splitlines())
