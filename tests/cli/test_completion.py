"""A shell completes verbs, options and the words an option takes, once it has been told how."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from proactivebench.cli import VERBS, main

BASH = shutil.which("bash")


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("SHELL", "/bin/bash")
    return tmp_path


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("ju", {"judge", "judges"}),
        ("judges a", {"audit-leaks", "attack"}),
        ("leaderboard re", {"reproduce", "rejudge"}),
        ("run --judge_m", {"--judge_model", "--judge_model_args"}),
        ("export r --to e", {"every-eval-ever"}),
        ("run --config nowhere.yaml --see", {"--seed"}),
        ("nothing-of-the-kind ", set(VERBS)),
    ],
)
def test_what_may_follow_is_offered(typed, offered, monkeypatch, capfd):
    monkeypatch.setenv("_PROACTIVEBENCH_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", f"proactivebench {typed}")
    monkeypatch.setenv("COMP_CWORD", str(len(typed.split(" "))))
    with pytest.raises(SystemExit) as ended:
        main([])
    out, err = capfd.readouterr()
    assert (ended.value.code, err) == (0, "")
    assert set(out.split()) == {f"plain,{word}" for word in offered}


def test_the_script_is_put_where_the_shell_reads_it_and_named_once(home, command):
    (home / ".bashrc").write_text("alias ll='ls -l'")
    for _ in range(2):
        command("--install-completion", code=0)
    script = home / ".bash_completions" / "proactivebench.sh"
    assert script.read_text() == command("--show-completion", code=0).stdout
    assert (home / ".bashrc").read_text() == f"alias ll='ls -l'\nsource '{script}'\n"


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells_have_theirs(shell, home, command):
    script = command("--install-completion", shell, code=0).stdout.split(" is in ")[1].split(":")[0]
    assert Path(script).read_text() == command("--show-completion", shell, code=0).stdout
    assert f"{shell}_complete" in Path(script).read_text()


@pytest.mark.parametrize("asked", [("--show-completion", "tcsh"), ("--install-completion", "powershell")])
def test_a_shell_that_cannot_be_served_is_one_line(asked, home, command):
    done = command(*asked, code=2)
    assert done.stderr.count("\n") == 1
    assert "powershell" in done.stderr


def test_a_start_up_file_that_cannot_be_written_is_one_line_and_exit_4(home, command):
    (home / ".bash_completions").write_text("a file in the way")
    assert "--show-completion bash" in command("--install-completion", code=4).stderr


@pytest.mark.skipif(not BASH, reason="no bash here")
def test_bash_itself_completes_with_the_script(home, command):
    script = command("--show-completion", "bash", code=0).stdout
    program = home / "proactivebench"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m proactivebench "$@"\n')
    program.chmod(0o755)
    typed = f"COMP_WORDS=({program} export r --to ''); COMP_CWORD=4; _proactivebench_completion {program}"
    done = subprocess.run(
        [BASH, "-c", f'{script}\n{typed}\necho "${{COMPREPLY[@]}}"'], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["lm-eval", "every-eval-ever", "hub", "users"]
