"""The raw answers of the published models, from the pinned archive or a mirror that holds it unpacked."""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath
from typing import Any

from proactivebench.errors import DataError, UnknownName, UsageError
from proactivebench.naming import did_you_mean
from proactivebench.text import NotReadable, load_json
from proactivebench.traces import release
from proactivebench.traces.fetch import MIRROR, MissingFile

MAX_MEMBER = 4 * 2**20
MAX_MEMBERS = 100  # of one model; the release has at most 26

Answers = dict[str, list[dict[str, Any]]]


def released_models(pins: Mapping[str, str] | None = None) -> tuple[str, ...]:
    """Names of the published models: all of the archive's, or, where it is not at hand, those pinned file by file."""
    try:
        archive = release.read(release.ARCHIVE, pins)
    except MissingFile:
        return _pinned_models(pins)
    with _open(archive) as members:
        return tuple(sorted({model for model, _ in _by_model(members)}))


def released_answers(model: str, pins: Mapping[str, str] | None = None) -> Answers:
    """The answers of one published model by trace id, as released: a list of items
    `{observation: {time, event}, agent_response, …}` per trace. The archive also holds traces outside the benchmark.

    Raises `UsageError` for a model that was not released, `DataError` for a missing or altered file.
    """
    if model in _pinned_models(pins) and (os.environ.get(MIRROR) or release.is_here(_files(model, pins)[0], pins)):
        try:
            return _unpacked(model, pins)
        except MissingFile:
            pass  # the mirror may hold the archive instead
    with _open(release.read(release.ARCHIVE, pins)) as members:
        found = {trace: info for (name, trace), info in _by_model(members).items() if name == model}
        if not found:
            raise _not_released(model, {name for name, _ in _by_model(members)})
        if len(found) > MAX_MEMBERS:
            raise DataError(f"{release.ARCHIVE}: {len(found)} files of {model}; this is not the release")
        return {trace: _parsed(_bounded(members, info), info.filename) for trace, info in sorted(found.items())}


def _not_released(model: str, known: Iterable[str]) -> UsageError:
    there = sorted(known)
    return UnknownName(
        f"{model}: no released answers of this model; {did_you_mean(model, there)}there are {', '.join(there)}"
    )


def _unpacked(model: str, pins: Mapping[str, str] | None) -> Answers:
    return {PurePosixPath(name).stem: _parsed(release.read(name, pins), name) for name in _files(model, pins)}


def _files(model: str, pins: Mapping[str, str] | None) -> list[str]:
    names = sorted(release.pins() if pins is None else pins)
    return [name for name in names if name.startswith(f"{release.UNPACKED}/{model}/")]


def _pinned_models(pins: Mapping[str, str] | None) -> tuple[str, ...]:
    names = (PurePosixPath(name) for name in (release.pins() if pins is None else pins))
    return tuple(sorted({name.parent.name for name in names if str(name.parent.parent) == release.UNPACKED}))


def _open(archive: bytes) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(io.BytesIO(archive))
    except zipfile.BadZipFile as error:
        raise DataError(f"{release.ARCHIVE}: not a zip file ({error})") from error


def _by_model(members: zipfile.ZipFile) -> dict[tuple[str, str], zipfile.ZipInfo]:
    """Members by model and trace. Nothing is unpacked to disk, so no name in the archive can point anywhere."""
    found = {}
    for info in members.infolist():
        path = PurePosixPath(info.filename)
        if path.suffix == ".json" and len(path.parts) >= 2 and not info.filename.startswith("__MACOSX"):
            found[path.parent.name, path.stem] = info
    return found


def _bounded(members: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    try:
        with members.open(info) as stream:
            content = stream.read(MAX_MEMBER + 1)  # the size in the header is only a claim
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError) as error:
        raise DataError(f"{release.ARCHIVE}: {info.filename} cannot be unpacked ({error})") from error
    if len(content) > MAX_MEMBER:
        raise DataError(f"{release.ARCHIVE}: {info.filename} is larger than {MAX_MEMBER // 2**20} MiB unpacked")
    return content


def _parsed(content: bytes, name: str) -> list[dict[str, Any]]:
    try:
        items = load_json(content)
    except NotReadable as error:
        raise DataError(f"{name}: {error}") from error
    if not isinstance(items, list) or not all(isinstance(item, dict) and "observation" in item for item in items):
        raise DataError(f"{name}: not a list of answered observations")
    return items
