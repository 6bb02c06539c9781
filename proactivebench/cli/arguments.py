"""Reading what stands behind an option: `key=value` lists, JSON objects, configuration files."""

from __future__ import annotations

import json
from collections.abc import ItemsView, Iterable, Iterator
from pathlib import Path
from typing import Any, NoReturn

import click

from proactivebench.cli.once import said_twice
from proactivebench.errors import BadArgument, UnknownName
from proactivebench.files import read_yaml
from proactivebench.naming import did_you_mean
from proactivebench.text import NotReadable, load_json


def texts(text: str | None, option: str) -> dict[str, str]:
    """The arguments in `a=1,b=two` or `{"a": 1}`, values as text: what agents take. Raises `UsageError`."""
    text = (text or "").strip()
    if text.startswith("{"):
        return {name: value if isinstance(value, str) else json.dumps(value) for name, value in _object(text, option)}
    return _once(_split(text, option), option)


def values(text: str | None, option: str) -> dict[str, Any]:
    """As `texts`, but numbers, booleans and null are read as such: what decoding takes. Raises `UsageError`."""
    text = (text or "").strip()
    if text.startswith("{"):
        return dict(_object(text, option))
    return {name: _literal(value) for name, value in _once(_split(text, option), option).items()}


def config_defaults(file: Path, options: Iterable[click.Option]) -> dict[str, Any]:
    """The options in a YAML file, as defaults for the command line: keys are option names, mappings become JSON.
    Raises `UsageError` for a file that cannot be read, for options that do not exist and for lists of values."""
    found = read_yaml(file, "YAML with `option: value` lines")
    named = {option.opts[0].lstrip("-"): option for option in options}
    known = named | {option.name: option for option in named.values()}
    written = [(str(name).lstrip("-").replace("-", "_"), value) for name, value in found.items()]
    unknown = sorted(name for name, _ in written if name not in known)
    if unknown:
        hint = did_you_mean(unknown[0], named)
        raise UnknownName(f"{file} sets '{unknown[0]}', which is no option: {hint}they are {', '.join(sorted(named))}")
    defaults: dict[str, Any] = {}
    for word, value in written:
        option = known[word]
        if option.name in defaults:
            raise BadArgument(f"{file} sets '{word}' twice, and it takes one value: leave one")
        if isinstance(value, list):
            raise BadArgument(f"{file} sets '{word}' to a list, and it takes one value: leave one")
        defaults[option.name] = _as_typed(value, option)
    return defaults


def _as_typed(value: Any, option: click.Option) -> Any:
    """A value of a configuration as it would be typed; a switch's, and one that is left out, as it is."""
    if value is None or (option.is_flag and isinstance(value, bool)):
        return value
    return json.dumps(value) if isinstance(value, dict) else str(value)


def _split(text: str, option: str) -> Iterator[tuple[str, str]]:
    for part in text.split(",") if text else ():
        name, equals, value = part.partition("=")
        if not equals or not name.strip():
            raise BadArgument(f"{option} has '{part}': write name=value, several with commas, or a JSON object")
        yield name.strip(), value.strip()


def _once(pairs: Iterable[tuple[str, Any]], option: str) -> dict[str, Any]:
    """The pairs as a mapping. Raises `UsageError` for a name that is said twice: one of its values would be lost."""
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise said_twice(f"{name} in {option}", (found[name], value), name)
        found[name] = value
    return found


def _object(text: str, option: str) -> ItemsView[str, Any]:
    try:
        found = load_json(text, pairs=lambda pairs: _once(pairs, option), constant=_no_number)
    except NotReadable as error:
        raise BadArgument(f"{option} is no JSON object: {error}") from None
    if not isinstance(found, dict):
        raise BadArgument(f"{option} is no JSON object: write {{...}}")
    return found.items()


def _literal(text: str) -> Any:
    try:
        return load_json(text.lower() if text in ("True", "False") else text, constant=_no_number)
    except NotReadable:
        return text


def _no_number(constant: str) -> NoReturn:
    """NaN and the infinities are no JSON: no server reads them, and a manifest that held one could not be resumed."""
    raise ValueError(f"{constant} is no number")
