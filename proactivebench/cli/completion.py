"""Completion of verbs, options and files in the user's shell, by click's own scripts."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from click.shell_completion import ShellComplete, get_completion_class, shell_complete

from proactivebench.cli.root import root
from proactivebench.cli.verbs import PROGRAM
from proactivebench.errors import CannotWrite, UsageError

# Where a shell keeps the script, and what its start-up file must say, if anything.
_PLACES = {
    "bash": (Path(".bash_completions", f"{PROGRAM}.sh"), Path(".bashrc"), "source '{script}'"),
    "zsh": (
        Path(".zfunc", f"{PROGRAM}.zsh"),
        Path(".zshrc"),
        "autoload -Uz compinit && compinit; source '{script}'",
    ),
    "fish": (Path(".config", "fish", "completions", f"{PROGRAM}.fish"), None, ""),
}
_SHELLS = (*_PLACES, "powershell")


def complete(instruction: str, variable: str) -> int:
    """Answer a shell that asks, in the environment variable, what may follow; returns the exit code."""
    first, _, shell = instruction.partition("_")
    if first == "complete" and shell == "bash":  # as scripts of 0.1 ask: one word a line
        asked = _completion(shell, variable)
        print("\n".join(item.value for item in asked.get_completions(*asked.get_completion_args())))
        return 0
    return shell_complete(root(), {}, PROGRAM, variable, instruction)


def show(args: Sequence[str], variable: str) -> None:
    """Print the script for a shell: the one named, or the user's own."""
    print(_completion(_shell(args), variable).source(), end="")


def install(args: Sequence[str], variable: str) -> None:
    """Put the script where the shell reads it. Raises `CannotWrite`."""
    shell = _shell(args)
    if shell not in _PLACES:
        raise UsageError(f"write it yourself: {PROGRAM} --show-completion {shell} >> $PROFILE")
    place, start, line = _PLACES[shell]
    script = Path.home() / place
    line = line.format(script=script)
    try:
        script.parent.mkdir(parents=True, exist_ok=True)
        script.write_text(_completion(shell, variable).source(), encoding="utf-8")
        if start is not None:
            start = Path.home() / start
            known = start.read_text(encoding="utf-8") if start.exists() else ""
            if line not in known.splitlines():
                start.write_text(f"{known}{'' if known.endswith(chr(10)) or not known else chr(10)}{line}\n", "utf-8")
    except OSError as error:
        raise CannotWrite(f"cannot write {error.filename}: {error.strerror}; see --show-completion {shell}") from error
    print(f"{shell} completion is in {script}: start a new shell")


def _shell(args: Sequence[str]) -> str:
    asked = args[0] if args else Path(os.environ.get("SHELL", "")).name
    if asked not in _SHELLS:
        what = f"'{asked}'" if asked else "no shell, which $SHELL would name,"
        raise UsageError(f"{what} cannot be completed for: give {', '.join(_SHELLS[:-1])} or {_SHELLS[-1]}")
    return asked


def _completion(shell: str, variable: str) -> ShellComplete:
    found = get_completion_class(shell)
    if found is None:
        raise UsageError(f"{shell}: click knows no completion for it")
    return found(root(), {}, PROGRAM, variable)
