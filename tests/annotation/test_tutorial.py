"""docs/tutorials/how-good-is-my-agent.md: every command it shows is run, and gives the figures it shows."""

from __future__ import annotations

import re
import runpy
import shlex
import signal
from pathlib import Path

import pytest

from proactivebench.traces import load_task
from tests.annotation.test_served_process import links, process
from tests.board.calling import call

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "tutorials" / "how-good-is-my-agent.md").read_text(encoding="utf-8")
COMMANDS = [line for block in re.findall(r"```bash\n(.*?)```", PAGE, re.DOTALL) for line in block.splitlines()]


def test_from_a_run_to_a_number_with_its_interval(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    assert [shlex.split(one)[2] for one in COMMANDS if "annotate" in one] == [
        *("prepare", "serve", "status", "agreement", "merge", "publish")
    ]
    said = ""
    for command in COMMANDS:
        program, *words = shlex.split(command)
        if program == "python":
            continue  # while the command before it goes on
        if words[:2] == ["annotate", "serve"]:
            names = [words[place + 1] for place, word in enumerate(words) if word == "--annotator"]
            with process(Path(words[2]), "--port", "0", *words[3:]) as (running, lines):
                found = links(lines)
                assert list(found) == names
                people = runpy.run_path(str(ROOT / "examples" / "three_people.py"))
                for number, link in enumerate(found.values()):
                    assert people["answer_all"](link, 0.5 + 0.1 * number) == 92
                running.send_signal(signal.SIGINT)
                assert running.wait(30) == 0
            continue
        done = call(*words)
        assert done.code == 0, (command, done.err)
        said += done.out
    plain = " ".join(said.split())
    for line in PAGE.split("```\n"):
        for row in line.splitlines():
            if re.match(r" *(precision|recall|f1|±| {4,}±|Time:)", row):
                assert " ".join(row.split()) in plain, row
    numbers = re.findall(r"0\.\d{3} \[0\.\d{3}, 0\.\d{3}\]", PAGE)
    assert len(numbers) == 3
    assert all(number in plain for number in numbers)
    assert "F1 by these three people is 0.281, and between 0.179 and 0.412" in PAGE
    assert load_task("given").unlabelled == 231 - 80
