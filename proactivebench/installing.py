"""How an extra is had from where the user is: the distribution's name is on no package index, so it depends."""

from __future__ import annotations

import json
import os
import re
import shlex
import sys
from importlib import metadata, util
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit
from urllib.request import url2pathname

NAME = "proactivebench-eval"
EXTRAS = {"torch": "hf", "transformers": "hf", "accelerate": "hf", "vllm": "vllm", "ray": "ray", "matplotlib": "plot"}
_EXTRA = re.compile(r"""\s*;.*\bextra\s*==\s*["']([\w.-]+)["']""")


def how_to_get(package: str) -> str:
    """What to do about a package that is not installed: the command that adds the extra it belongs to."""
    extra = EXTRAS.get(package)
    return f"run `{install_command(extra)}`" if extra else f"install {package} beside proactivebench"


def install_command(extra: str) -> str:
    """One shell command that adds the extra to this environment, by the way the package came into it: `make setup` in a
    checkout, its folder, its repository at the same commit, its wheel, or what the extra needs, by name."""
    try:
        distribution = metadata.distribution(NAME)
    except metadata.PackageNotFoundError:  # the source is on the path and was never installed
        return _of_checkout(Path(__file__).resolve().parents[1], extra, editable=True)
    origin = _origin(distribution)
    folder = _local(origin.get("url", ""))
    if "dir_info" in origin and folder and (folder / "pyproject.toml").is_file():
        return _of_checkout(folder, extra, editable=bool(origin["dir_info"].get("editable")))
    if "vcs_info" in origin:
        vcs = origin["vcs_info"]
        return _pip(f"{NAME}[{extra}] @ {vcs['vcs']}+{origin['url']}@{vcs['commit_id']}")
    if "archive_info" in origin and (folder is None or folder.is_file()):
        return _pip(f"{NAME}[{extra}] @ {origin['url']}")
    return _pip(*_needs(distribution, extra))


def _origin(distribution: metadata.Distribution) -> dict[str, Any]:
    """What installers write down of where a package came from (PEP 610); nothing where it came from an index."""
    try:
        found = json.loads(distribution.read_text("direct_url.json") or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _local(url: str) -> Path | None:
    parts = urlsplit(url)
    return Path(url2pathname(unquote(parts.path))) if parts.scheme == "file" else None


def _of_checkout(folder: Path, extra: str, *, editable: bool) -> str:
    if (folder / "Makefile").is_file() and Path(sys.prefix).resolve() == (folder / ".venv").resolve():
        inside = Path.cwd().resolve() == folder.resolve()
        return f"make {'' if inside else f'-C {_quoted(str(folder))} '}setup EXTRAS={extra}"
    return _pip(*(["--editable"] if editable else []), f"{folder}[{extra}]")


def _needs(distribution: metadata.Distribution, extra: str) -> list[str]:
    """The requirements of an extra, by name."""
    listed = ((_EXTRA.search(line), line) for line in distribution.requires or ())
    return [line.partition(";")[0].strip() for match, line in listed if match and match[1] == extra]


def _pip(*arguments: str) -> str:
    with_pip = util.find_spec("pip") is not None
    program = f"{_quoted(sys.executable)} -m pip" if with_pip else "uv pip"
    place = "" if with_pip else f"--python {_quoted(sys.executable)} "
    return f"{program} install {place}{' '.join(map(_quoted, arguments))}"


def _quoted(text: str) -> str:
    if os.name == "nt":
        return f'"{text}"' if re.search(r"[^\w.:\\/+-]", text) else text
    return shlex.quote(text)
