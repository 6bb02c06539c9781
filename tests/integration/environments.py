"""Virtual environments apart from this one, made once and kept: another lm-eval, another project's validator."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.integration.small_model import cache_folder

PROJECT = Path(__file__).parents[2]


def environment(name: str, requirements: Sequence[str], python: str = sys.executable) -> Path:
    """The interpreter of an environment that holds `requirements`, and this project's dependencies where it is one."""
    key = hashlib.sha256("\0".join([python, *requirements, (PROJECT / "pyproject.toml").read_text()]).encode())
    folder = cache_folder() / f"{name}-{key.hexdigest()[:12]}"
    program = folder / "bin" / "python"
    if not (folder / "whole").exists():
        shutil.rmtree(folder, ignore_errors=True)
        subprocess.run([python, "-m", "venv", str(folder)], check=True)
        installed = subprocess.run([*_installer(program), *requirements], capture_output=True, text=True, timeout=900)
        assert installed.returncode == 0, installed.stderr[-3000:]
        (folder / "whole").touch()
    return program


def _installer(program: Path) -> list[str]:
    """uv where it is at hand, which is several times faster; else pip."""
    uv = shutil.which("uv") or shutil.which("uv", path=str(PROJECT / ".venv" / "bin"))
    if uv is None:
        return [str(program), "-m", "pip", "install", "--quiet"]
    links = os.environ.get("PIP_FIND_LINKS")
    return [uv, "pip", "install", "--quiet", "--python", str(program), *(["--find-links", links] if links else [])]


def newer_python(least: tuple[int, int]) -> str | None:
    """An interpreter of at least that version on this machine; None where there is none."""
    places = [Path(sys.executable), *Path.home().glob(".pyenv/versions/*/bin/python3")]
    places += [Path(found) for minor in range(20, least[1] - 1, -1) if (found := shutil.which(f"python3.{minor}"))]
    question = (
        f"import sys, venv; sys.exit(sys.version_info[:2] < {least!r} or sys.version_info.releaselevel != 'final')"
    )
    for place in places:
        if subprocess.run([str(place), "-c", question], capture_output=True).returncode == 0:
            return str(place)
    return None
