"""The workflows of a results repository give strangers nothing to run and no right to write."""

import re

import pytest
import yaml

from proactivebench.resources import shipped

FILES = sorted(shipped("leaderboard", "workflows").glob("*.yml"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_nothing_a_stranger_writes_reaches_a_shell(file):
    for job in yaml.safe_load(file.read_text(encoding="utf-8"))["jobs"].values():
        for step in job["steps"]:
            assert "${{" not in step.get("run", ""), "values go through the environment"


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_whoever_sees_submitted_files_may_only_read(file):
    content = yaml.safe_load(file.read_text(encoding="utf-8"))
    assert content["permissions"] == {}
    for job in content["jobs"].values():
        checks_out = any("checkout" in step.get("uses", "") for step in job["steps"])
        writes = [right for right, level in job["permissions"].items() if level == "write"]
        assert not (checks_out and writes)
        for step in job["steps"]:
            if "checkout" in step.get("uses", ""):
                assert step["with"]["persist-credentials"] is False


def test_the_validator_is_the_base_branchs():
    text = shipped("leaderboard", "workflows", "submission.yml").read_text(encoding="utf-8")
    assert "base/requirements.txt" in text
    assert not re.search(r"pip install.*submission", text)
