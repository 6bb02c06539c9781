import os
import shutil
import subprocess
import sys
from pathlib import Path

import junitparser
import pytest
import yaml

from proactivebench.cli.verdicts import annotation, junit, markdown
from proactivebench.errors import InvalidRun, UsageError
from proactivebench.records import GateRule
from proactivebench.scoring.gate import gate
from tests.board.calling import call
from tests.scoring.runs import by_trace, report_on

GOOD = by_trace(*[(8, 2, 6, 2 + g % 2) for g in range(12)])
WORSE = by_trace(*[(4 + g % 2, 6 - g % 2, 6, 2 + g % 2) for g in range(12)])
SLIGHTLY = {**GOOD, "t0": GOOD["t0"].replace("A", "R", 1)}
COMMAND = Path(sys.executable).parent / "proactivebench"


@pytest.fixture
def runs(tmp_path):
    invalid = {**GOOD, "t0": GOOD["t0"].replace("A", "U")}
    incomplete = {**GOOD, "t0": GOOD["t0"].replace("A", "!", 1)}
    written = {"good": GOOD, "worse": WORSE, "slightly": SLIGHTLY, "invalid": invalid, "incomplete": incomplete}
    for name, rows in written.items():
        (tmp_path / f"{name}.json").write_text(report_on(rows, name=name).model_dump_json(indent=2), encoding="utf-8")
    return tmp_path


def shell(script, folder, **env):
    path = f"{COMMAND.parent}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        ["bash", "-ec", script], cwd=folder, env={**os.environ, "PATH": path, **env}, capture_output=True, text=True
    )


@pytest.mark.parametrize("rule", list(GateRule))
def test_a_clear_regression_fails_under_every_rule(rule):
    result = gate(report_on(GOOD), report_on(WORSE), rule=rule)
    assert not result.passed
    assert result.metrics[0].difference < -0.05


@pytest.mark.parametrize("rule", list(GateRule))
def test_the_same_run_passes_under_every_rule(rule):
    assert gate(report_on(GOOD), report_on(GOOD), rule=rule).passed


def test_without_a_metric_the_gate_goes_by_need_detection_where_people_labelled_need_and_by_f1_elsewhere():
    needs = {name: [letter in "Ar" for letter in row] for name, row in GOOD.items()}
    labelled = gate(report_on(GOOD, needs=needs), report_on(SLIGHTLY, needs=needs))
    assert [found.metric for found in labelled.metrics] == ["need_detection_balanced_accuracy"]
    assert labelled.metrics[0].difference == 0, "the offers are the same: what a judge says of them has no part in it"
    assert [found.metric for found in gate(report_on(GOOD), report_on(SLIGHTLY)).metrics] == ["f1"]


def test_a_small_drop_passes_unless_nothing_may_change():
    assert gate(report_on(GOOD), report_on(SLIGHTLY)).passed
    result = gate(report_on(GOOD), report_on(SLIGHTLY), exact=True)
    assert not result.passed
    assert any("outcomes of t0" in change for change in result.changes)


def test_a_drop_that_three_traces_show_fails_by_point_only():
    before, after = by_trace(*[(8, 2, 6, 2)] * 3), by_trace(*[(4, 6, 6, 2)] * 3)
    assert not gate(report_on(before), report_on(after), rule=GateRule.POINT).passed
    with pytest.raises(UsageError, match=r"3 traces and 1 metric: .*--rule point"):
        gate(report_on(before), report_on(after), rule=GateRule.SIGNIFICANT)
    assert gate(report_on(before), report_on(before), exact=True).passed


def test_a_metric_where_less_is_better_is_gated_the_right_way_round():
    assert not gate(report_on(GOOD), report_on(WORSE), "false_discovery_rate").passed
    assert gate(report_on(WORSE), report_on(GOOD), "false_discovery_rate").passed


def test_a_metric_that_became_undefined_is_a_regression():
    silent = {name: "a" * len(row) for name, row in GOOD.items()}
    for rule in GateRule:
        result = gate(report_on(GOOD), report_on(silent), "precision", rule=rule)
        assert not result.passed
        assert "undefined" in result.why


def test_noninferior_fails_where_the_data_cannot_exclude_the_drop():
    before = by_trace(*[(8, 2, 6, 2), (2, 8, 6, 2)] * 6)
    after = by_trace(*[(7, 3, 6, 2), (3, 7, 6, 2), (2, 8, 6, 2), (8, 2, 6, 2)] * 3)
    result = gate(report_on(before), report_on(after), rule=GateRule.NONINFERIOR)
    assert not result.passed
    assert result.metrics[0].not_excluded > 0.05
    assert gate(report_on(before), report_on(after), rule=GateRule.SIGNIFICANT).passed


def test_what_cannot_be_gated_is_refused():
    with pytest.raises(UsageError, match="no better end"):
        gate(report_on(GOOD), report_on(WORSE), "proposal_rate")
    with pytest.raises(UsageError, match="negative"):
        gate(report_on(GOOD), report_on(WORSE), max_drop=-1)
    with pytest.raises(InvalidRun, match="incomplete"):
        gate(report_on(GOOD), report_on({**GOOD, "t0": GOOD["t0"].replace("A", "!", 1)}))


@pytest.mark.parametrize(
    ("candidate", "code"),
    [("good", 0), ("slightly", 0), ("worse", 1), ("nowhere", 2), ("invalid", 3), ("incomplete", 3)],
)
def test_the_exit_code_and_the_junit_file_say_the_same(runs, candidate, code):
    done = call("gate", runs / "good.json", runs / f"{candidate}.json", "--junit", runs / "gate.xml")
    assert done.code == code, done.err
    suite = next(iter(junitparser.JUnitXml.fromfile(str(runs / "gate.xml"))))
    assert (suite.tests, suite.failures, suite.errors) == (1, int(code == 1), int(code > 1))
    if code:
        assert done.err.count("\n") == 1


def test_a_shell_pipeline_stops_at_a_regression_and_shows_what_the_gate_can_see(runs):
    script = "proactivebench gate good.json {0}.json | tee log.txt; echo passed > after.txt"
    assert shell("set -o pipefail; " + script.format("worse"), runs).returncode == 1
    assert not (runs / "after.txt").exists()
    assert shell("set -o pipefail; " + script.format("slightly"), runs).returncode == 0
    log = (runs / "log.txt").read_text(encoding="utf-8")
    assert "the rule significant finds a true drop of" in log
    assert "an unchanged candidate passes with" in log
    assert "largest drop not excluded" in log


def test_github_gets_a_summary_and_an_annotation(runs, monkeypatch):
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(runs / "sum.md"))
    done = call("gate", runs / "good.json", runs / "worse.json")
    assert done.code == 1
    assert "::error title=ProactiveBench gate%3A REGRESSION::" in done.out
    assert "| detectable loss (80 %) |" in (runs / "sum.md").read_text(encoding="utf-8")


def test_names_of_others_cannot_break_out_of_a_report(tmp_path):
    nasty = 'x"]]></failure>\x1b[2J\n| a | @team <b>'
    result = gate(report_on(GOOD, name=nasty), report_on(WORSE, name=nasty))
    (tmp_path / "gate.xml").write_text(junit(result), encoding="utf-8")
    case = next(iter(next(iter(junitparser.JUnitXml.fromfile(str(tmp_path / "gate.xml"))))))
    assert 'x"]]></failure>' in case.name
    text = markdown(result)
    assert "\x1b" not in text
    assert "<b>" not in text.replace("\\<b\\>", "")
    assert "@team" not in text.replace("\\@team", "")
    assert "\n" not in annotation("error", "a:b", "one\ntwo")


PLUGGED = """
def test_the_candidate_holds(proactivebench_gate):
    proactivebench_gate("{candidate}.json", metric="f1", max_drop=0.05)
"""


@pytest.mark.parametrize(
    ("arguments", "candidate", "code", "outcome"),
    [
        ("--proactivebench-baseline=good.json", "slightly", 0, "1 passed"),
        ("--proactivebench-baseline=good.json", "worse", 1, "1 failed"),
        ("--proactivebench-baseline=good.json", "invalid", 1, "1 failed"),
        ("", "worse", 0, "1 skipped"),
    ],
)
def test_the_gate_in_a_real_pytest_run(runs, arguments, candidate, code, outcome):
    (runs / "test_agent.py").write_text(PLUGGED.format(candidate=candidate), encoding="utf-8")
    done = shell(f"python -m pytest -q test_agent.py -p no:cacheprovider {arguments} --junit-xml out.xml", runs)
    assert done.returncode == code, done.stdout
    assert outcome in done.stdout
    assert next(iter(junitparser.JUnitXml.fromfile(str(runs / "out.xml")))).tests == 1


@pytest.fixture(scope="module")
def workflow():
    """The ready workflow: its environment, and the scripts of its jobs by the steps' names."""
    file = Path(__file__).parents[2] / "docs" / "ci" / "proactivebench-gate.yml"
    found = yaml.safe_load(file.read_text(encoding="utf-8"))
    jobs = {
        name: {step["name"]: step["run"] for step in job["steps"] if "run" in step}
        for name, job in found["jobs"].items()
    }
    return found, jobs


@pytest.fixture(scope="module")
def baseline(tmp_path_factory, workflow):
    """The folder in which the workflow's own command made a baseline."""
    found, jobs = workflow
    folder = tmp_path_factory.mktemp("made")
    script = jobs["evaluate"]["Evaluate"].replace("runs/candidate", "baseline")
    assert shell(script, folder, **found["env"] | {"MODEL": "parrot"}).returncode == 0
    return folder


@pytest.fixture
def base(tmp_path, baseline):
    """A checkout of the base branch, with that baseline."""
    return shutil.copytree(baseline, tmp_path / "base")


@pytest.mark.parametrize(("model", "code"), [("parrot", 0), ("never", 1)])
def test_the_ready_workflow_runs_step_by_step_and_takes_no_baseline_from_the_pull_request(
    model, code, base, tmp_path, workflow
):
    found, jobs = workflow
    proposed = tmp_path / "proposed"
    proposed.mkdir()
    env = found["env"] | {"MODEL": model}
    assert shell(jobs["evaluate"]["Evaluate"], proposed, **env).returncode == 0
    shutil.copytree(
        proposed / "runs" / "candidate", proposed / "baseline"
    )  # what a pull request would like to be held to
    shutil.copytree(proposed / "runs", base / "runs")  # the artifact, and nothing else, goes from job to job
    done = shell(jobs["gate"]["Gate"], base, **env)
    assert done.returncode == code, done.stderr
    assert (base / "gate.md").exists()


def test_the_job_that_decides_has_the_base_branch_and_the_run_alone(workflow):
    found, _ = workflow
    uses = {step["uses"].partition("@")[0]: step["with"] for step in found["jobs"]["gate"]["steps"] if "uses" in step}
    assert uses["actions/checkout"]["ref"] == "${{ github.event.pull_request.base.sha }}"
    assert sum("checkout" in step.get("uses", "") for step in found["jobs"]["gate"]["steps"]) == 1
    assert uses["actions/download-artifact"]["path"] == "runs/candidate"
    assert found["jobs"]["gate"]["if"] == "${{ !cancelled() }}", "a required check that is skipped counts as passed"
    assert "secrets." not in str(found["jobs"]["gate"])


def test_nothing_of_the_pull_request_is_there_while_packages_are_installed(workflow):
    found, _ = workflow
    kinds = [step.get("name") for step in found["jobs"]["evaluate"]["steps"]]
    places = [place for place, step in enumerate(found["jobs"]["evaluate"]["steps"]) if "checkout" in str(step)]
    assert places == [kinds.index("Install") + 1]


@pytest.mark.parametrize(
    ("source", "code"),
    [
        (None, 2),
        ("git+https://git.example.org/team/proactivebench@main", 2),
        ("git+https://git.example.org/team/proactivebench@" + "0123456789" * 4, 0),
    ],
)
@pytest.mark.parametrize("job", ["evaluate", "gate"])
def test_the_ready_workflow_installs_a_full_commit_that_its_owner_filled_in(job, source, code, tmp_path, workflow):
    found, jobs = workflow
    (tmp_path / "python").write_text(f'#!/bin/sh\necho "$*" >> {tmp_path}/asked\n')
    (tmp_path / "python").chmod(0o755)
    given = found["env"]["PROACTIVEBENCH"] if source is None else source
    done = shell(f"PATH={tmp_path}:$PATH; {jobs[job]['Install']}", tmp_path, PROACTIVEBENCH=given)
    assert done.returncode == code
    if code:
        assert "::error::fill in PROACTIVEBENCH" in done.stdout
        assert not (tmp_path / "asked").exists()
    else:
        assert (tmp_path / "asked").read_text() == f"-m pip install --quiet proactivebench-eval @ {source}\n"
