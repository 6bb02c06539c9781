"""What was found out about a server, kept for the whole of a run: what the run had first is what it is asked with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from proactivebench.records import Manifest
    from proactivebench.store import RunStore

Found = dict[str, Any]

_OTHERS = "other_requests"  # what was found for requests with another decoding than the run's, by that decoding


class Parameters:
    """Found parameters by kind of request (empty: the one a run is made of), in memory.

    Whoever finds something out settles it and goes on with what stands, which another process may have found before.
    """

    def __init__(self) -> None:
        self._found: Found = {}

    def get(self, kind: str = "") -> Found:
        """What stands for this kind of request; empty where nothing does."""
        return _place(self._found, kind)

    def settle(self, found: Mapping[str, Any], kind: str = "", instead_of: Mapping[str, Any] | None = None) -> Found:
        """Keep `found` where nothing stands yet, or where `instead_of` does. Returns what stands then."""
        self._found = _settled(self._found, kind, found, instead_of)
        return _place(self._found, kind)

    def below(self, name: str) -> Parameters:  # noqa: ARG002
        """The parameters of one of several models that are kept in one place."""
        return Parameters()


class RunParameters(Parameters):
    """The parameters of a run, in its manifest: those of the agent, or those of a model behind a judge."""

    def __init__(self, store: RunStore, judge_id: str | None = None, model: str | None = None) -> None:
        self._store, self._judge_id, self._model = store, judge_id, model

    def get(self, kind: str = "") -> Found:
        """As the manifest has it."""
        return _place(self._read(self._store.manifest), kind)

    def settle(self, found: Mapping[str, Any], kind: str = "", instead_of: Mapping[str, Any] | None = None) -> Found:
        """As for parameters in memory; processes that share a run agree, for the manifest is locked meanwhile."""

        def change(manifest: Manifest) -> Manifest:
            return self._written(manifest, _settled(self._read(manifest), kind, found, instead_of))

        return _place(self._read(self._store.change(change)), kind)

    def below(self, name: str) -> Parameters:
        """Those of the model of this name behind the judge."""
        return RunParameters(self._store, self._judge_id, name)

    def _read(self, manifest: Manifest) -> Found:
        if self._judge_id is None:
            return manifest.parameters
        found: Found = manifest.judge_parameters.get(self._judge_id, {}).get(self._model or "", {})
        return found

    def _written(self, manifest: Manifest, found: Found) -> Manifest:
        if self._judge_id is None:
            return manifest.model_copy(update={"parameters": found})
        models = {**manifest.judge_parameters.get(self._judge_id, {}), self._model or "": found}
        return manifest.model_copy(update={"judge_parameters": {**manifest.judge_parameters, self._judge_id: models}})


def _place(found: Found, kind: str) -> Found:
    if not kind:
        return {name: value for name, value in found.items() if name != _OTHERS}
    inner: Found = found.get(_OTHERS, {}).get(kind, {})
    return dict(inner)


def _settled(whole: Found, kind: str, found: Mapping[str, Any], instead_of: Mapping[str, Any] | None) -> Found:
    standing = _place(whole, kind)
    free = not any(name in standing for name in found)
    # what an earlier version did not record yet is no difference
    same = instead_of is not None and all(standing.get(name, value) == value for name, value in instead_of.items())
    if not (free or same):
        return whole
    if not kind:
        return {**whole, **found}
    return {**whole, _OTHERS: {**whole.get(_OTHERS, {}), kind: {**standing, **found}}}
