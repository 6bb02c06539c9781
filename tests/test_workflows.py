"""What every workflow keeps that is shipped or runs here: fixed versions, few rights, keys where they are needed."""

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
FILES = sorted(
    file
    for folder in ("leaderboard/workflows", "docs/ci", ".github/workflows")
    for file in (ROOT / folder).glob("*.yml")
)
workflows = pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
COMMIT = re.compile(r"[0-9a-f]{40}")


def content(file):
    return yaml.safe_load(file.read_text(encoding="utf-8"))


def steps(file):
    return [step for job in content(file)["jobs"].values() for step in job["steps"]]


def test_there_are_workflows_to_look_at():
    assert {"submission", "publish", "proactivebench-gate", "ci", "systems"} <= {file.stem for file in FILES}


@workflows
def test_every_action_is_pinned_by_its_commit_with_the_version_beside_it(file):
    used = re.findall(r"uses: (\S+)(.*)", file.read_text(encoding="utf-8"))
    for action, comment in used:
        assert COMMIT.fullmatch(action.partition("@")[2]), action
        assert re.fullmatch(r" # v\d+\.\d+\.\d+", comment), action


@workflows
def test_a_workflow_starts_with_no_more_than_the_right_to_read(file):
    assert content(file)["permissions"] in ({}, {"contents": "read"})


@workflows
def test_a_secret_is_in_the_environment_of_one_step_and_nowhere_else(file):
    holding = [step for step in steps(file) if "secrets." in str(step)]
    assert str(content(file)).count("secrets.") == sum(str(step.get("env")).count("secrets.") for step in holding)
    assert len(holding) <= 1


@workflows
def test_what_is_installed_is_a_pinned_commit_or_this_checkout_under_its_constraints(file):
    for step in steps(file):
        for line in step.get("run", "").splitlines():
            if "pip install" not in line or line.endswith(" uv"):
                continue
            if "constraint" in line:
                assert "--editable ." in line
            else:
                assert "--requirement" in line or '"proactivebench-eval @ $PROACTIVEBENCH"' in line, line
                assert "[0-9a-f]{40}" in step["run"], "a pin that is none is refused before anything is installed"


@workflows
def test_every_checkout_forgets_its_credentials(file):
    for step in steps(file):
        if "checkout" in step.get("uses", ""):
            assert step["with"]["persist-credentials"] is False


@workflows
def test_a_job_that_may_write_or_has_a_secret_never_runs_with_the_rights_of_the_base_on_foreign_files(file):
    described = content(file)
    if "pull_request_target" not in described[True]:  # YAML reads the key `on` as true
        return
    for job in described["jobs"].values():
        if any("checkout" in step.get("uses", "") for step in job["steps"]):
            assert set(job["permissions"].values()) == {"read"}
            assert "secrets." not in str(job)
            assert "github.token" not in str(job)


def test_the_matrix_has_every_system_and_python_that_the_readme_and_the_package_name():
    matrix = content(ROOT / ".github" / "workflows" / "systems.yml")["jobs"]["suite"]["strategy"]["matrix"]
    assert matrix["system"] == ["ubuntu-latest", "macos-latest", "windows-latest"]
    declared = re.findall(r"Python :: (3\.\d+)", (ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert matrix["python"] == declared
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert all(system in readme for system in ("Linux", "macOS", "Windows"))
