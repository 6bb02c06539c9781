"""`--to hub`: a `model-index` for a model card, and a `.eval_results` file for a benchmark's data set on the Hub."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from proactivebench.errors import BadArgument
from proactivebench.exports.source import Source, sanitized
from proactivebench.records import JudgeReport, SplitReport
from proactivebench.scoring.conditions import conditions_of, described
from proactivebench.scoring.registry import BY_JUDGE, METRICS, in_columns
from proactivebench.store import write_whole

FRAMEWORK = "proactivebench-eval"


def write_hub(source: Source, folder: Path, *, dataset_id: str | None) -> list[Path]:
    """Write `model-index.yaml` and one `.eval_results/<task>-<judge>.yaml` a judge; returns their paths.

    `dataset_id` is the benchmark's data set repository (ORG/NAME). Raises `UsageError` without one.
    """
    if not dataset_id or dataset_id.count("/") != 1:
        raise BadArgument(
            "--to hub needs --dataset_id ORG/NAME, the data set repository of the benchmark that collects results"
        )
    place = folder / ".eval_results"
    place.mkdir(parents=True, exist_ok=True)
    written = [write_whole(folder / "model-index.yaml", _dump(_model_index(source, dataset_id)))]
    for judged in source.report.judges:
        name = f"{sanitized(source.task.name)}-{sanitized(judged.judge.id)}.yaml"
        written.append(write_whole(place / name, _dump(list(_eval_results(source, judged, dataset_id)))))
    return written


def _dump(value: Any) -> str:
    return str(yaml.safe_dump(value, sort_keys=False, allow_unicode=True))


def _parts(judged: JudgeReport) -> Iterator[tuple[str | None, SplitReport]]:
    yield None, judged.overall
    yield from judged.splits.items()


def _model_index(source: Source, dataset_id: str) -> dict[str, Any]:
    """Built by the Hub's own library, so that it is in the Hub's form."""
    from huggingface_hub import EvalResult
    from huggingface_hub.repocard_data import eval_results_to_model_index

    results = [
        EvalResult(
            task_type="text-generation",
            task_name="Proactive assistance",
            dataset_type=dataset_id,
            dataset_name=source.task.name,
            dataset_split=split or "all",
            dataset_revision=source.task.revision,
            metric_type=key,
            metric_name=f"{METRICS[key].title} ({judged.judge.id})",
            metric_value=found.value,
            metric_config=judged.judge.id,
        )
        for judged in source.report.judges
        for split, part in _parts(judged)
        for key in (metric.key for metric in in_columns(split=True))
        if (found := part.metrics.get(key)) and found.value is not None
    ]
    index: list[dict[str, Any]] = eval_results_to_model_index(source.agent_name, results)
    return {"model-index": index}


def _eval_results(source: Source, judged: JudgeReport, dataset_id: str) -> Iterator[dict[str, Any]]:
    for split, part in _parts(judged):
        found = part.metrics[BY_JUDGE.key]
        if found.value is None:
            continue
        yield {
            "dataset": {
                "id": dataset_id,
                "task_id": source.task.name if split is None else f"{source.task.name}_{split}",
                "revision": source.task.revision,
            },
            "value": round(found.value, 6),
            "date": source.started[:10],
            "evaluation_framework": FRAMEWORK,
            "notes": _notes(source, judged, found.interval),
        }


def _notes(source: Source, judged: JudgeReport, interval: tuple[float, float] | None) -> str:
    """What tells this variant from others of the same model."""
    protocol = source.manifest.protocol
    said = [
        BY_JUDGE.title,
        f"95 % interval {interval[0]:.3f} to {interval[1]:.3f} over traces" if interval else "no interval",
        f"judge {judged.judge.id}" + (" (baseline judge, not comparable)" if judged.judge.baseline else ""),
        f"protocol {protocol.name} {protocol.hash[:8]}, {protocol.candidates} candidate(s)",
        described(conditions_of(source.report)),
    ]
    return "; ".join(said)
