"""Traces from a Hub dataset: `hf:ORG/NAME[/CONFIG][@REV][:SPLIT]`, one trace a row, fields as in JSONL."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from proactivebench.errors import BadArgument, DataError, UnknownName
from proactivebench.files import read_bytes
from proactivebench.proxies import through_proxy
from proactivebench.records import Task, Trace
from proactivebench.traces.jsonl import PUBLISHED, WANTED, checked_trace, parse_traces, unique_traces

_SPEC = re.compile(
    r"hf:(?P<repository>[\w.-]+/[\w.-]+)(/(?P<config>[\w.-]+))?(@(?P<revision>[^:\s]+))?(:(?P<split>[\w.-]+))?"
)
DEFAULT_SPLIT = "test"


@dataclass(frozen=True, slots=True)
class HubSpec:
    """A parsed `hf:` name; None = the Hub's default (for the split: `test`, or the only one there is)."""

    repository: str
    config: str | None = None
    revision: str | None = None
    split: str | None = None


def parse_spec(spec: str) -> HubSpec:
    """The parts of `hf:ORG/NAME[/CONFIG][@REV][:SPLIT]`. Raises `UsageError` for anything else."""
    match = _SPEC.fullmatch(spec)
    if match is None:
        raise BadArgument(f"{spec}: not a Hub dataset; write hf:ORG/NAME, then /CONFIG, @REVISION and :SPLIT as needed")
    return HubSpec(**match.groupdict())


def hub_task(text: str) -> Task:
    """The task of a Hub dataset. The revision is resolved to a commit first: the data read is the data recorded.

    Raises `UsageError` for a malformed name, `DataError` where the dataset cannot be had or is not one of traces.
    """
    from huggingface_hub import HfApi

    spec = parse_spec(text)
    info = _asked(text, lambda: HfApi().dataset_info(spec.repository, revision=spec.revision))
    if not (spec.config or spec.split) and any(file.rfilename == PUBLISHED for file in info.siblings or ()):
        split, traces = DEFAULT_SPLIT, _as_published(text, spec, info.sha)
    else:
        split, rows = _rows(text, spec, info.sha)
        traces = unique_traces(_traces(rows, f"{text} {split}"), text)
    config = f"/{spec.config}" if spec.config else ""
    card = info.card_data.to_dict() if info.card_data else {}
    return Task(
        name=spec.repository.partition("/")[2],
        version="0",
        revision=info.sha,
        licence=str(card.get("license_name") or card.get("license", "unknown")),
        date=info.last_modified.date().isoformat() if info.last_modified else "unknown",
        source=f"hf:{spec.repository}{config}@{info.sha}:{split}",
        traces=traces,
    )


def _as_published(text: str, spec: HubSpec, commit: str) -> tuple[Trace, ...]:
    """The traces of a data set that `annotate publish` wrote, from its own file: Arrow would read times as dates."""
    from huggingface_hub import hf_hub_download

    file = _asked(text, lambda: hf_hub_download(spec.repository, PUBLISHED, repo_type="dataset", revision=commit))
    return parse_traces(read_bytes(Path(file), WANTED), f"{text} {PUBLISHED}")


def _rows(text: str, spec: HubSpec, commit: str) -> tuple[str, Any]:
    import datasets

    datasets.disable_progress_bars()
    splits = _asked(text, lambda: datasets.load_dataset(spec.repository, spec.config, revision=commit))
    wanted = spec.split or (next(iter(splits)) if len(splits) == 1 else DEFAULT_SPLIT)
    if wanted not in splits:
        raise UnknownName(f"{text}: no split {wanted!r}; append one of {', '.join(f':{name}' for name in splits)}")
    return wanted, splits[wanted]


def _traces(rows: Any, source: str) -> Iterator[tuple[str, Trace]]:
    for number, row in enumerate(rows):
        where = f"{source} row {number}"
        yield where, checked_trace(_plain({**row, "events": _listed(row.get("events"))}), where)


def _listed(events: Any) -> Any:
    """A column of `Sequence({time, event})` arrives as a dict of lists: one dict per event again."""
    if not isinstance(events, Mapping):
        return events
    return [dict(zip(events, values, strict=True)) for values in zip(*events.values(), strict=True)]


def _plain(value: Any) -> Any:
    """JSON as it was before Arrow: no fields filled with null, times as text."""
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return str(value) if isinstance(value, date) else value


def _by_way(error: Exception) -> str:
    """The proxy between, where the connection failed and not what was asked for."""
    if not any(word in type(error).__name__ for word in ("Connect", "Proxy", "Timeout")):
        return ""
    from huggingface_hub import constants

    return through_proxy(constants.ENDPOINT)


def _asked(text: str, ask: Any) -> Any:
    """The answer of a Hub library. What those raise is open-ended, so any failure becomes the one line a user needs."""
    try:
        return ask()
    except Exception as error:
        said = " ".join(str(error).split()) or "no reason given"
        why = f"{type(error).__name__}: {said[:300]}{_by_way(error)}"
        raise DataError(f"{text}: {why}; check name, revision, network and HF_TOKEN") from error
