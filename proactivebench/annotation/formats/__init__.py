"""The ways in and out of an annotation job. A format is one module here, with a `FORMAT` in it, and a line in
`MODULES`; nothing is imported before it is asked for."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from proactivebench.errors import UnknownName
from proactivebench.naming import did_you_mean

if TYPE_CHECKING:
    from proactivebench.annotation.formats.contract import Format

MODULES = {
    "label-studio": "label_studio",
    "argilla": "argilla",
    "release": "release",
    "csv": "tables",
    "votes": "votes",
}


def format_of(name: str) -> Format:
    """The format of that name. Raises `UnknownName` with the nearest."""
    if name not in MODULES:
        raise UnknownName(f"no format {name!r}: {did_you_mean(name, MODULES)}there are {', '.join(MODULES)}")
    found: Format = import_module(f"{__name__}.{MODULES[name]}").FORMAT
    return found
