"""docs/tutorials/choose-a-threshold.md: every command it shows is run, and gives the figures it shows."""

import re
import shlex
import shutil
from pathlib import Path

import pytest

from proactivebench.board.site.legend import DOUBTFUL
from proactivebench.board.site.recomputing import Recomputed, recompute
from proactivebench.board.site.rows import UNRANKED, Known, entry_badges
from tests.board.calling import call

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "tutorials" / "choose-a-threshold.md").read_text(encoding="utf-8")
COMMANDS = [line for block in re.findall(r"```bash\n(.*?)```", PAGE, re.DOTALL) for line in block.splitlines()]


@pytest.fixture(scope="module")
def followed(tmp_path_factory):
    """A folder where all commands of the page were called; what each printed."""
    folder = tmp_path_factory.mktemp("tutorial")
    shutil.copytree(ROOT / "examples", folder / "examples")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("COLUMNS", "200")
        patch.setenv("PROACTIVEBENCH_CACHE", str(folder / "cache"))
        said = {}
        for command in COMMANDS:
            done = call(*shlex.split(command)[1:])
            assert done.code == 0, (command, done.err)
            said[command] = done.out
    return folder, said


def test_the_page_shows_what_its_commands_say(followed):
    folder, said = followed
    assert len(COMMANDS) == 9
    first = " ".join(said[COMMANDS[1]].split())
    shown = [block[1:] for block in PAGE.split("```")[1::2] if block.startswith(("\ncost", "\np_accept"))]
    lines = [" ".join(line.split()) for block in shown for line in block.splitlines()]
    assert len(lines) == 7
    assert [line for line in lines if line not in first] == []
    assert "0.030 of it beyond silence everywhere (p = 0.007)" in first
    assert "its confidence is of no use here" in said[COMMANDS[4]]
    assert "both swept: " in said[COMMANDS[5]]
    assert (folder / "costs.svg").stat().st_size > 1000


def test_a_board_verifies_a_swept_run_says_so_and_ranks_it_nowhere(followed, monkeypatch):
    folder, _ = followed
    monkeypatch.setenv("PROACTIVEBENCH_CACHE", str(folder / "cache"))
    said = ("--organisation", "o", "--model_name", "m", "--licence", "MIT", "--contact", "a@b.c")
    said += ("--trained_on_traces", "no", "--trained_on_labels", "no")
    done = call("leaderboard", "prepare", folder / "runs" / "quiet", "--output_path", folder / "entry", *said)
    assert done.code == 0, done.err
    assert call("leaderboard", "verify", folder / "entry").out.startswith("verified")
    found = recompute(folder / "entry")
    assert isinstance(found, Recomputed)
    assert "swept" in [word for word, _ in entry_badges([found], Known())[found.key]]
    assert "swept" in UNRANKED & DOUBTFUL
