"""Measurements and fingerprints in the user's cache, by judge: what was asked once is used again in every run."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from proactivebench.errors import CannotWrite, UsageError
from proactivebench.judging.measurement import fallible_members
from proactivebench.judging.spec import STRATA
from proactivebench.judging.writing import replace_file
from proactivebench.records import Fingerprint, JudgeIdentity, Measured, Record, digest
from proactivebench.resources import cache_folder

_LOG = logging.getLogger(__name__)
R = TypeVar("R", bound=Record)
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9+:.=,@_-]*")  # never a path, whatever a foreign card calls its members


def kept_measured(identity: JudgeIdentity) -> Iterator[Measured]:
    """What the cache holds of a judge's members that can be wrong, on whatever data."""
    for name in dict.fromkeys(name for stratum in STRATA for name, _ in fallible_members(identity, stratum)):
        yield from _read("measured", name, Measured)


def kept_under(name: str) -> Iterator[Measured]:
    """What the cache holds of all judges by the card of this name, whatever model is behind."""
    try:
        folders = sorted(path.name for path in _folder("measured").glob(f"{name}-*"))
    except (OSError, UsageError):  # no cache on this machine
        return
    for judge_id in folders:
        if re.fullmatch(f"{re.escape(name)}-[0-9a-f]{{8}}", judge_id):
            yield from _read("measured", judge_id, Measured)


def kept_fingerprints(identity: JudgeIdentity) -> Iterator[Fingerprint]:
    """The fingerprints the cache holds of a judge, oldest first."""
    yield from sorted(_read("fingerprints", identity.id, Fingerprint), key=lambda found: found.date)


def keep(found: Measured | Fingerprint) -> None:
    """Put a measurement or a fingerprint into the cache, in place of an earlier one of the same judge on the same data.
    A cache that cannot be written is said and then done without."""
    kind = "measured" if isinstance(found, Measured) else "fingerprints"
    path = _folder(kind) / found.judge / f"{digest(list(found.subject))[:16]}.json"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, found.model_dump_json(indent=2, exclude_none=True) + "\n")
    except (OSError, CannotWrite) as error:
        _LOG.warning("%s cannot be kept (%s): going on without it", path, error)


def _folder(kind: str) -> Path:
    return cache_folder() / "judges" / kind


def _read(kind: str, judge_id: str, record: type[R]) -> Iterator[R]:
    """The records of a judge; a file that is none is left out, for a cache may cost a request, never a report."""
    if not _ID.fullmatch(judge_id):
        return
    try:
        paths = sorted((_folder(kind) / judge_id).glob("*.json"))
    except (OSError, UsageError):  # no cache on this machine: nothing is kept
        return
    for path in paths:
        try:
            yield record.model_validate_json(path.read_text(encoding="utf-8"))
        except (OSError, ValueError, ValidationError) as error:
            _LOG.warning("%s cannot be used (%s): going on without it", path, type(error).__name__)
