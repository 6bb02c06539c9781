"""The released agent script's prompts, read from its pinned source with `ast`: it is never imported or executed."""

from __future__ import annotations

import ast
import json
from collections.abc import Mapping
from typing import NamedTuple

from proactivebench.errors import DataError
from proactivebench.traces import release


class Prompts(NamedTuple):
    """The system text, the instruction as the script dumps it, and the sha256 of the file both were read from."""

    system: str
    step: str
    sha256: str


def read_prompts(pins: Mapping[str, str] | None = None) -> Prompts:
    """The released prompts, fetched and verified. Raises `DataError` where the file is missing, altered or of another
    shape. `pins` replaces the release's."""
    source = release.read_text(release.AGENT_PROMPTS, pins)
    known = release.pins() if pins is None else pins
    return Prompts(*prompts_in(source), known[release.AGENT_PROMPTS])


def prompts_in(source: str) -> tuple[str, str]:
    """The string constant SYSTEM, and the dumped dict that stands literally inside STEP, of a Python source."""
    try:
        constants = {
            target.id: node.value
            for node in ast.parse(source).body
            if isinstance(node, ast.Assign)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        system = ast.literal_eval(constants["SYSTEM"])
        instruction = ast.literal_eval(_dict_inside(constants["STEP"]))
    except (SyntaxError, ValueError, KeyError, RecursionError) as error:
        raise DataError(f"{release.AGENT_PROMPTS}: SYSTEM and STEP are not where they were ({error!r})") from error
    if not isinstance(system, str):
        raise DataError(f"{release.AGENT_PROMPTS}: SYSTEM is not a text")
    return system, json.dumps(instruction)


def _dict_inside(call: ast.expr) -> ast.Dict:
    inside = [node for node in ast.walk(call) if isinstance(node, ast.Dict)]
    if len(inside) != 1:
        raise ValueError(f"{len(inside)} dicts inside STEP, not one")
    return inside[0]
