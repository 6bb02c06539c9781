"""`--to every-eval-ever`: one aggregate and one instance file a run, in the layout of that project's data store."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from datetime import datetime
from hashlib import sha256
from math import inf
from pathlib import Path
from typing import Any

from proactivebench.agents import is_baseline
from proactivebench.exports.every_eval_ever_rows import rows
from proactivebench.exports.source import Source, public
from proactivebench.records import JudgeIdentity, JudgeReport, MetricValue, digest
from proactivebench.scoring.conditions import conditions_of, described
from proactivebench.scoring.metric import Metric
from proactivebench.scoring.registry import METRICS, in_columns, metric_for
from proactivebench.store import write_whole
from proactivebench.text import write_lines

SCHEMA = "0.3.0"
COLLECTION = "proactivebench"
_UNKNOWN = {"deployment_type": "unknown", "model_availability": "unknown"}


def write_every_eval_ever(source: Source, folder: Path, *, model_id: str | None = None) -> list[Path]:
    """Write `data/proactivebench/<developer>/<model>/<uuid>.json` and `<uuid>_samples.jsonl`; returns both paths.

    `model_id` is the model's name on the Hub (ORG/NAME) where the run does not say it. The same run under the same
    judges gives the same files.
    """
    model = model_id or model_id_of(source)
    developer, name = model.split("/", 1)
    place = Path("data") / COLLECTION / _portable(developer) / _portable(name)
    stem = _uuid4([source.manifest.identity(), [judged.judge.hash for judged in source.report.judges], model])
    evaluation_id = f"{source.task.name}/{model}/{_epoch(source)}"
    samples_of = [
        row
        for judged in source.report.judges
        for row in rows(source, judged, evaluation_id, model, result_id(judged, "accuracy", None))
    ]
    samples = place / f"{stem}_samples.jsonl"
    text = write_lines(samples_of).decode()
    aggregate = {
        "schema_version": SCHEMA,
        "evaluation_id": evaluation_id,
        "evaluation_timestamp": source.started,
        "retrieved_timestamp": str(_epoch(source)),
        "source_metadata": {
            "source_name": "proactivebench",
            "source_type": "evaluation_run",
            "source_organization_name": "unknown",
            "evaluator_relationship": "other",
        },
        "eval_library": {
            "name": "proactivebench-eval",
            "version": source.manifest.sessions[0].versions.get("proactivebench-eval", "unknown"),
        },
        "model_info": _model(source, model),
        "evaluation_results": [result for judged in source.report.judges for result in _results(source, judged)],
    }
    if samples_of:
        aggregate["detailed_evaluation_results"] = {
            "format": "jsonl",
            "file_path": samples.as_posix(),
            "hash_algorithm": "sha256",
            "checksum": sha256(text.encode()).hexdigest(),
            "total_rows": len(samples_of),
        }
    (folder / place).mkdir(parents=True, exist_ok=True)
    whole = json.dumps(aggregate, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    written = [write_whole(folder / place / f"{stem}.json", whole)]
    return [*written, write_whole(folder / samples, text)] if samples_of else written


def model_id_of(source: Source) -> str:
    """The model as ORG/NAME: as the run says it, else under `proactivebench` (our own agents) or `unknown`."""
    agent = source.manifest.agent
    name = source.agent_name.split(" ")[0]
    if name.count("/") == 1:
        return name
    ours = is_baseline(agent.model)
    return f"{'proactivebench' if ours else 'unknown'}/{name.replace('/', '-')}"


def result_id(judged: JudgeReport, key: str, split: str | None) -> str:
    """The key that joins a result with its instances."""
    return "/".join([judged.judge.id, split or "all", key])


def _results(source: Source, judged: JudgeReport) -> Iterator[dict[str, Any]]:
    for key, found in judged.overall.metrics.items():
        if key in METRICS:
            yield from _result(source, judged, key, None, found)
    for split, part in judged.splits.items():
        for shown in in_columns(split=True):
            if shown.key in part.metrics:
                yield from _result(source, judged, shown.key, split, part.metrics[shown.key])


def _result(
    source: Source, judged: JudgeReport, key: str, split: str | None, found: MetricValue
) -> Iterator[dict[str, Any]]:
    """The result of a metric; nothing where it is undefined."""
    if found.value is None:
        return
    metric = metric_for(key)
    part = judged.overall if split is None else judged.splits[split]
    yield {
        "evaluation_result_id": result_id(judged, key, split),
        "evaluation_name": source.task.name if split is None else f"{source.task.name} ({split})",
        "source_data": {
            "dataset_name": source.task.name,
            "source_type": "other",
            "additional_details": {
                "revision": source.task.revision,
                "data_hash": source.manifest.task.data_hash,
                "licence": source.task.licence,
                "split": split or "all",
                "traces": str(part.traces),
            },
        },
        "evaluation_timestamp": source.started,
        "metric_config": _metric(judged.judge, metric),
        "score_details": {"score": found.value, **_uncertainty(found, int(part.answered))},
        "generation_config": _generation(source),
    }


def _metric(judge: JudgeIdentity, metric: Metric) -> dict[str, Any]:
    config = {
        "evaluation_description": f"{metric.title}: {metric.formula}",
        "metric_id": f"proactivebench.{metric.key}",
        "metric_name": metric.title,
        "metric_kind": metric.key,
        "lower_is_better": metric.better == "down",
        "score_type": "continuous",
        "min_score": _bound(metric.low),
        "max_score": _bound(metric.high),
        "additional_details": {
            "judge": judge.id,
            "judge_hash": judge.hash,
            "silence_source": judge.silence or "none",
            "proposal_source": judge.proposals or "none",
            "baseline_judge": str(judge.baseline).lower(),
        },
    }
    prompt = _prompt(judge.card)
    if judge.model is not None and prompt:
        config["llm_scoring"] = {
            "judges": [{"model_info": _judge_model(judge.model)}],
            "input_prompt": prompt,
            "additional_details": {"judge": judge.id, "judge_hash": judge.hash},
        }
    return config


def _judge_model(model: str) -> dict[str, Any]:
    name = str(public(model))
    return {"name": name, "id": name if "/" in name else f"unknown/{name}", "additional_details": dict(_UNKNOWN)}


def _prompt(card: Any) -> str:
    """The prompt texts of a judge's card, those of its members included."""
    if isinstance(card, dict):
        own = [str(card[name]) for name in ("system", "user") if isinstance(card.get(name), str)]
        return "\n\n".join([*own, *filter(None, (_prompt(part) for part in card.values()))])
    return "\n\n".join(filter(None, map(_prompt, card))) if isinstance(card, list | tuple) else ""


def _uncertainty(found: MetricValue, samples: int) -> dict[str, Any]:
    said: dict[str, Any] = {"num_samples": samples}
    if found.stderr is not None:
        said["standard_error"] = {"value": found.stderr, "method": "jackknife over traces"}
    if found.interval is not None:
        said["confidence_interval"] = {
            "lower": found.interval[0],
            "upper": found.interval[1],
            "confidence_level": 0.95,
            "method": "cluster jackknife-t over traces",
        }
    details = {name: str(value) for name in ("strict", "bounds") if (value := getattr(found, name)) is not None}
    return {"uncertainty": said, **({"details": details} if details else {})}


def _generation(source: Source) -> dict[str, Any]:
    decoding, protocol = source.manifest.decoding, source.manifest.protocol
    arguments: dict[str, Any] = {}
    if decoding is not None:
        arguments = {"temperature": decoding.temperature, "max_tokens": decoding.max_gen_toks}
        if decoding.top_p is not None:
            arguments["top_p"] = decoding.top_p
    details = {name: str(value) for name, value in protocol.model_dump(mode="json", exclude_none=True).items()}
    details["conditions"] = described(conditions_of(source.report))
    return {
        "generation_args": arguments,
        "additional_details": {**details, "seed": str(source.manifest.seed), "repeats": str(source.manifest.repeats)},
    }


def _model(source: Source, model: str) -> dict[str, Any]:
    agent = source.manifest.agent
    details = {**_UNKNOWN, "agent": agent.model, **{f"arg_{name}": v for name, v in source.model_args.items()}}
    return {"name": source.agent_name, "id": model, "additional_details": details}


def _bound(value: float) -> float | str:
    """A bound as strict JSON writes it."""
    return {inf: "Infinity", -inf: "-Infinity"}.get(value, value)


def _epoch(source: Source) -> int:
    return int(datetime.fromisoformat(source.started).timestamp())


def _portable(component: str) -> str:
    kept = "".join(letter if letter.isalnum() or letter in "._-" else "-" for letter in component)
    return kept.strip(". ") or "unknown"


def _uuid4(content: Any) -> str:
    """A version-4-shaped identifier that depends on `content` alone."""
    return str(uuid.UUID(digest(content)[:32], version=4))
