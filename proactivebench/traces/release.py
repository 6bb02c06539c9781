"""The pinned release of ProactiveBench: which commit, which files, and their verified content."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from proactivebench.errors import DataError, UnknownName
from proactivebench.resources import cache_folder
from proactivebench.text import NotReadable, load_json
from proactivebench.traces import fetch

COMMIT = "86383616ee530e9bcd1e9fe2269703ef3e3d8478"
REPOSITORY = "https://github.com/thunlp/ProactiveAgent"
ORIGIN = f"https://raw.githubusercontent.com/thunlp/ProactiveAgent/{COMMIT}"
LICENCE = "Apache-2.0"
DATE = "2024-10"  # of the paper, arXiv:2410.12361; the activity was recorded in June 2024

AGENT_PROMPTS = "eval/script.py"
JUDGE_PROMPTS = "eval/reward_model_template.py"
ARCHIVE = "eval/traces.zip"
UNPACKED = "eval/traces_new"  # how a mirror may hold the archive
TEST_DATA = "dataset/test_data"
REWARD_DATA = ("dataset/reward_data/train_data.jsonl", "dataset/reward_data/test_data.jsonl")


@cache
def pins() -> Mapping[str, str]:
    """sha256 (hex) of every file of the release that is read, by its path in the repository."""
    text = Path(__file__).with_name("pins.json").read_text(encoding="utf-8")
    return MappingProxyType(json.loads(text))


def read(name: str, pins: Mapping[str, str] | None = None) -> bytes:
    """The content of a file of the release, verified. `pins` replaces the shipped pins: there is no reading without.

    Raises `UsageError` for a name without a pin and `DataError` for a missing or altered file.
    """
    return fetch.read_pinned(name, _pin(name, pins), origin=ORIGIN, cache=folder())


def read_text(name: str, pins: Mapping[str, str] | None = None) -> str:
    """Like `read`, as UTF-8 text."""
    try:
        return read(name, pins).decode("utf-8")
    except UnicodeDecodeError as error:
        raise DataError(f"{name}: not UTF-8 ({error.reason} at byte {error.start})") from error


def read_json(name: str, pins: Mapping[str, str] | None = None) -> Any:
    """Like `read`, parsed as JSON."""
    try:
        return load_json(read_text(name, pins))
    except NotReadable as error:
        raise DataError(f"{name}: {error}") from error


def path(name: str, pins: Mapping[str, str] | None = None) -> Path:
    """Where the verified file lies on this machine, after fetching it if need be. Raises like `read`."""
    return fetch.pinned_path(name, _pin(name, pins), origin=ORIGIN, cache=folder())


def is_here(name: str, pins: Mapping[str, str] | None = None) -> bool:
    """Whether the file, verified, is at hand without the network. Raises `WrongHash` for an altered mirror file."""
    return fetch.is_here(name, _pin(name, pins), cache=folder())


def folder() -> Path:
    """Where fetched files are kept, laid out like the repository."""
    return cache_folder() / "release" / COMMIT[:12]


def _pin(name: str, given: Mapping[str, str] | None) -> str:
    known = pins() if given is None else given
    if name not in known:
        raise UnknownName(f"{name}: not a pinned file of the release")
    return known[name]
