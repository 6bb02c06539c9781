"""Where stored answers come from: the protocol they were given under and how they were decoded, as far as it is known.
What the reader of today would ask with is never put in its place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from proactivebench.agents.replay.samples import is_samples
from proactivebench.files import read_bytes
from proactivebench.records import FIRST_AGENT, PROBED, SAMPLES, Decoding, ProtocolIdentity
from proactivebench.store import RunStore
from proactivebench.text import load_json, read_lines

_REPLAY = "replay"


@dataclass(frozen=True, slots=True)
class Origin:
    """`protocol` and `decoding` of the run or file that the answers stand in; None = unknown. `parameters` are what
    that run's manifest tells of its conditions."""

    protocol: ProtocolIdentity | None = None
    decoding: Decoding | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)


def origin_of(model_args: Mapping[str, str]) -> Origin:
    """The origin of the answers that `--model replay` is to give. Raises `DataError` for a manifest or samples that
    cannot be read."""
    path = Path(model_args.get("path") or "").expanduser()
    if not model_args.get("path"):
        return Origin()
    if (path / "manifest.json").is_file():
        return _of_run(RunStore(path))
    return _of_samples(path) if is_samples(path) else Origin()


def _of_run(store: RunStore) -> Origin:
    manifest = store.manifest
    found = {name: manifest.parameters[name] for name in PROBED if name in manifest.parameters}
    if manifest.agent.model != _REPLAY:
        return Origin(manifest.protocol, manifest.decoding, {**found, FIRST_AGENT: manifest.agent.model})
    # A replay of a replay knows what that one knew; one of an older version wrote its own settings down.
    return Origin(manifest.protocol, manifest.decoding, found) if FIRST_AGENT in found else Origin()


def _of_samples(path: Path) -> Origin:
    """What the first sample says it was asked with."""
    lines = read_lines(read_bytes(path, "a file of samples"), load_json)
    try:
        asked = next(lines)[1]["arguments"]["gen_args_0"]["arg_1"]
        protocol = ProtocolIdentity.model_validate(asked["protocol"])
        decoding = Decoding.model_validate(asked["decoding"]) if "decoding" in asked else None
    except (ValueError, KeyError, TypeError, ValidationError, StopIteration):
        return Origin()  # samples of moments asked one by one, or none of ours: the reader of answers says so
    return Origin(protocol, decoding, {FIRST_AGENT: SAMPLES} if decoding else {})
