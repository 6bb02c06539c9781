"""docs/plugins.md: every plug it shows is written to a file as it stands, and every command it shows is run."""

import re
import shlex
import tomllib
from pathlib import Path

import pytest

from proactivebench.cli import main
from proactivebench.plugins import Contract, imported
from proactivebench.scoring.registry import METRICS, register

PAGE = (Path(__file__).parents[1] / "docs" / "plugins.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", PAGE, re.DOTALL)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with the page's files."""
    place = tmp_path_factory.mktemp("page")
    for language, block in BLOCKS:
        if language in ("python", "yaml"):
            name = re.match(r"# (\w+\.\w+)\n", block)
            assert name, block
            (place / name[1]).write_text(block, encoding="utf-8")
    return place


def test_the_commands_of_the_page_do_what_they_are_shown_for(folder, monkeypatch, capsys):
    monkeypatch.chdir(folder)
    commands = [line for language, block in BLOCKS if language == "bash" for line in block.splitlines()]
    assert len(commands) == 11
    for command in commands:
        program, *words = shlex.split(command)
        assert program == "proactivebench"
        with pytest.raises(SystemExit) as end:
            main(words)
        said = capsys.readouterr()
        assert end.value.code == 0, (command, said.err)
    METRICS.pop("peace")
    verdicts = {file.stem.rpartition("-")[0] for file in (folder / "runs" / "agent" / "verdicts").glob("*.jsonl")}
    assert {"llm", "judge.py-brief", "labels-judge.py-brief", "asking.py-Blunt", "strict"} <= verdicts


def test_the_metric_of_the_page_is_one(folder, monkeypatch):
    monkeypatch.syspath_prepend(str(folder))
    try:
        assert register(imported("metric:PEACE")).testable
    finally:
        METRICS.pop("peace", None)


def test_the_page_has_the_entry_points_there_are():
    (block,) = [block for language, block in BLOCKS if language == "toml"]
    declared = tomllib.loads(block)["project"]["entry-points"]
    assert set(declared) == {contract.group for contract in Contract}


def test_the_examples_of_the_page_are_short():
    for language, block in BLOCKS:
        lines = [line for line in block.splitlines()[1:] if line.strip()]
        assert language != "python" or len(lines) <= 12, block
