"""`--to lm-eval`: results and samples files as lm-eval writes them with `--output_path` and `--log_samples`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from proactivebench.errors import UsageError
from proactivebench.exports.source import Source, public, sanitized
from proactivebench.lm_eval_plugin.columns import CARRIER, UNSCORED, cell, columns, higher_is_better
from proactivebench.lm_eval_plugin.transcript import Row, transcript
from proactivebench.protocols import load_protocol
from proactivebench.protocols.base import Protocol
from proactivebench.records import JudgeReport, digest
from proactivebench.store import write_whole
from proactivebench.text import write_lines


def write_lm_eval(source: Source, folder: Path) -> list[Path]:
    """Write `<model>/results_<date>.json` and `<model>/samples_<task>_<date>.jsonl`; returns both paths."""
    stamp = _stamp(source)
    place = folder / sanitized(source.agent_name)
    place.mkdir(parents=True, exist_ok=True)
    results = json.dumps(_results(source), indent=2, ensure_ascii=False) + "\n"
    lines = write_lines(_samples(source)).decode()
    return [
        write_whole(place / f"results_{stamp}.json", results),
        write_whole(place / f"samples_{source.task.name}_{stamp}.jsonl", lines),
    ]


def _stamp(source: Source) -> str:
    return datetime.fromisoformat(source.started).isoformat().split("+")[0].replace(":", "-") + ".000000"


def _splits(source: Source) -> tuple[str, ...]:
    return tuple(dict.fromkeys(trace.split for trace in source.traces))


def _numbers(source: Source, judged: JudgeReport) -> Iterator[tuple[str, Any]]:
    name = judged.judge.id
    yield f"{CARRIER},{name}", int(judged.overall.answered)
    yield f"{UNSCORED},{name}", judged.unscored_share
    for column, key, split in columns(_splits(source), source.task.need_rules):
        found = cell(judged, column, key, split)
        yield f"{column},{name}", found.value
        yield f"{column}_stderr,{name}", "N/A" if found.stderr is None else found.stderr


def _results(source: Source) -> dict[str, Any]:
    name, manifest = source.task.name, source.manifest
    numbers = {key: value for judged in source.report.judges for key, value in _numbers(source, judged)}
    decoding = manifest.decoding
    generation: dict[str, Any] = {"decoding": "unknown"}  # replayed from elsewhere
    if decoding is not None:
        generation = {
            **decoding.extra,
            "temperature": decoding.temperature,
            "do_sample": decoding.temperature > 0,
            "max_gen_toks": decoding.max_gen_toks,
            "until": list(decoding.until),
        }
    asked = len(source.traces)
    return {
        "results": {name: {"name": name, "alias": name, "sample_len": asked, **numbers}},
        "group_subtasks": {name: []},
        "configs": {
            name: {
                "task": name,
                "output_type": "generate_until",
                "test_split": "test",
                "num_fewshot": 0,
                "repeats": manifest.repeats,
                "generation_kwargs": generation,
                "metadata": {
                    "version": source.task.version,
                    "revision": source.task.revision,
                    "data_hash": manifest.task.data_hash,
                    "protocol": manifest.protocol.model_dump(mode="json", exclude_none=True),
                    "judges": [judged.judge.model_dump(mode="json") for judged in source.report.judges],
                    "warnings": [*source.report.warnings, *(w for j in source.report.judges for w in j.warnings)],
                },
            }
        },
        "versions": {name: source.task.version},
        "n-shot": {name: 0},
        "higher_is_better": {name: higher_is_better(_splits(source), source.task.need_rules)},
        "n-samples": {name: {"original": len(source.task.traces), "effective": asked}},
        "config": {
            "model": manifest.agent.model,
            "model_args": source.model_args,
            "limit": manifest.limit,
            "gen_kwargs": generation,
            "random_seed": manifest.seed,
        },
        "git_hash": None,
        "date": datetime.fromisoformat(source.started).timestamp(),
        "lm_eval_version": manifest.sessions[0].versions.get("lm-eval"),
        "model_source": manifest.agent.model,
        "model_name": source.agent_name,
        "model_name_sanitized": sanitized(source.agent_name),
        "task_hashes": {name: manifest.task.data_hash},
    }


def _samples(source: Source) -> Iterator[dict[str, Any]]:
    protocol = _protocol(source)
    replies = {key: reply.model_copy(update={"error": public(reply.error)}) for key, reply in source.replies.items()}
    for judged in source.report.judges:
        for place, trace in enumerate(source.traces):
            row = Row.of(
                judged.judge.id,
                (reply for reply in replies.values() if reply.trace_id == trace.trace_id),
                (found for found in source.verdicts.get(judged.judge.id, ()) if found.trace_id == trace.trace_id),
            )
            texts = [transcript(trace, replies, repeat, protocol) for repeat in range(source.manifest.repeats)]
            yield _sample(source, judged, place, texts, row.dumps())


def _sample(source: Source, judged: JudgeReport, place: int, texts: list[str], row: str) -> dict[str, Any]:
    trace = source.traces[place]
    text = f"{trace.trace_id}: {len(trace.events)} events, each answered in one conversation"
    doc = {"trace_id": trace.trace_id, "split": trace.split, "turns": len(trace.events), "text": text}
    asked = {
        "protocol": source.manifest.protocol.model_dump(mode="json", exclude_none=True),
    }
    if source.manifest.decoding is not None:
        asked["decoding"] = source.manifest.decoding.model_dump(mode="json", exclude_none=True)
    names = [CARRIER, UNSCORED, *(column for column, _, _ in columns(_splits(source), source.task.need_rules))]
    return {
        "doc_id": place,
        "doc": doc,
        "target": "",
        "arguments": {"gen_args_0": {"arg_0": text, "arg_1": asked}},
        "resps": [texts],
        "filtered_resps": [[row]],
        "filter": judged.judge.id,
        "metrics": names,
        "doc_hash": digest(doc),
        "prompt_hash": digest(text),
        "target_hash": digest(""),
        **{name: [row] if name == CARRIER else [judged.judge.id] for name in names},
    }


def _protocol(source: Source) -> Protocol:
    """The run's protocol, loaded again; raises `UsageError` where it cannot be had or has changed since."""
    identity = source.manifest.protocol
    protocol = load_protocol(
        identity.name,
        history=identity.history,
        candidates=identity.candidates,
        feedback_rounds=identity.feedback_rounds or None,
        feedback_judge=identity.feedback_judge,
    )
    if protocol.identity.hash != identity.hash:
        raise UsageError(
            f"the protocol '{identity.name}' is not what the run was asked with ({identity.hash[:8]} then, "
            f"{protocol.identity.hash[:8]} now): export with the version that made the run"
        )
    return protocol
