"""The board on the Hub: a dataset of results, a static Space, and results in a model's own repository."""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import yaml

from proactivebench.board.publish.output import DATASET, sweep, take_over
from proactivebench.board.publish.submission import open_pull_request
from proactivebench.board.site.recomputing import Recomputed
from proactivebench.board.site.row import SORTED_BY, Row, qualifier
from proactivebench.errors import UnknownName
from proactivebench.records import MetricValue
from proactivebench.store import cannot_write

FRAMEWORK = "proactivebench"
_NO_NAME = re.compile(r"[^A-Za-z0-9._-]")  # what must not get from an entry into a file's name


def write_dataset(board: Path, entries_root: Path, entries: Sequence[Recomputed], output_path: Path) -> Path:
    """Lay out a results dataset: its card, the exports of a built board, and the entries themselves; returns the card.

    `datasets.load_dataset(output_path, "results")` reads the board, `"published"` the reported figures. Entries that an
    earlier build copied there and that are gone are removed. Raises `UsageError` where no build wrote what
    `output_path` holds.
    """
    take_over(output_path, DATASET)
    kept = set()
    with cannot_write(output_path):
        (output_path / "data").mkdir(parents=True, exist_ok=True)
        for name in ("results.parquet", "published.parquet"):
            shutil.copyfile(board / name, output_path / "data" / name)
        for entry in entries:
            source = entries_root / "entries" / entry.key
            source = source if source.is_dir() else entries_root / entry.key
            shutil.copytree(source, output_path / "entries" / entry.key, dirs_exist_ok=True, symlinks=True)
            kept |= {f"entries/{entry.key}/{file.relative_to(source).as_posix()}" for file in source.rglob("*")}
        (output_path / "eval.yaml").write_text(_yaml(_benchmark(entries)), encoding="utf-8")
        card = output_path / "README.md"
        card.write_text(f"---\n{_yaml(_dataset_header())}---\n\n{_DATASET_TEXT}", encoding="utf-8")
    sweep(output_path, DATASET, kept)
    return card


def write_space(site: Path) -> Path:
    """Make a built site a static Space: only its card is missing. Returns the card."""
    header = {
        "title": "ProactiveBench board",
        "sdk": "static",
        "app_file": "index.html",
        "license": "apache-2.0",
        "pinned": False,
        "short_description": "Proactive agents, recomputed and with intervals",
    }
    card = site / "README.md"
    with cannot_write(card):
        card.write_text(f"---\n{_yaml(header)}---\n\n{_SPACE_TEXT}", encoding="utf-8")
    return card


def model_results(row: Row, dataset: str, revision: str | None = None) -> dict[str, str]:
    """The files that report a row in its model's repository: path and YAML, one per figure shown there. The figure is
    the one that leads on the board: balanced accuracy of need detection, in per cent."""
    metric = row.metrics.get(SORTED_BY)
    if metric is None or metric.value is None:
        return {}
    result = {
        "dataset": {"id": dataset, "task_id": row.task.name} | ({"revision": revision} if revision else {}),
        "value": round(100 * metric.value, 2),
        "date": date.today().isoformat(),  # noqa: DTZ011 - a calendar day for people
        "source": {"url": f"https://huggingface.co/datasets/{dataset}", "name": "ProactiveBench board"},
        "evaluation_framework": FRAMEWORK,
        "notes": _notes(row),
    }
    name = _NO_NAME.sub("_", f"proactivebench-{row.task.name}-{row.protocol.hash[:8]}-{row.judge.hash[:8]}")
    return {f".eval_results/{name}.yaml": _yaml([result])}


def announce(groups: Sequence[Sequence[Row]], key: str, repository: str, dataset: str) -> str:
    """Open a pull request in a model's repository with the results that a board's `groups` of rows show of an entry;
    returns its address. Raises `UsageError` where they show no such entry or no figure of it."""
    rows = [row for group in groups for row in group if row.key == key]
    files = {path: text.encode() for row in rows for path, text in model_results(row, dataset).items()}
    if not files:
        shown = ", ".join(sorted({row.key for group in groups for row in group})[:5]) or "none"
        raise UnknownName(f"the board has no result of {key}: it shows {shown}")
    return open_pull_request(repository, "model", files, "ProactiveBench results")


def _notes(row: Row) -> str:
    metric, f1 = row.metrics[SORTED_BY], row.metrics.get("f1")
    said = ["balanced accuracy of need detection by people's labels" + _interval(metric)]
    if f1 is not None and f1.value is not None:
        word = "" if row.measurement.leads else f"{qualifier(row.judge, row.measurement).lower()} "
        said.append(f"{word}F1 {100 * f1.value:.1f}{_interval(f1)}")
    said += [f"protocol {row.protocol.name} {row.protocol.hash[:8]}", f"judge {row.judge.id}"]
    return "; ".join([*said, ", ".join(word for word, _ in row.badges)])


def _interval(metric: MetricValue) -> str:
    if not metric.interval:
        return ""
    low, high = metric.interval
    return f", 95% interval {100 * low:.1f} to {100 * high:.1f}"


def _benchmark(entries: Sequence[Recomputed]) -> dict[str, object]:
    names = sorted({entry.report.task.name for entry in entries}) or ["proactivebench"]
    return {
        "name": "ProactiveBench",
        "description": "Does an agent offer help at the right moments, and keep quiet otherwise?",
        "evaluation_framework": FRAMEWORK,
        "tasks": [{"id": name, "config": "results", "split": "train"} for name in names],
    }


def _dataset_header() -> dict[str, object]:
    return {
        "pretty_name": "ProactiveBench results",
        "license": "apache-2.0",
        "tags": ["leaderboard", "evaluation", "proactive-agents"],
        "configs": [
            {"config_name": "results", "default": True, "data_files": "data/results.parquet"},
            {"config_name": "published", "data_files": "data/published.parquet"},
        ],
    }


def _yaml(value: object) -> str:
    return yaml.safe_dump(value, sort_keys=False, allow_unicode=False, width=120)


_DATASET_TEXT = """# ProactiveBench results

Each folder below `entries/` is one submission: `entry.json`, the agent's replies and the judge's verdicts. The figures
in `data/` were recomputed from them; nothing was taken from a submitter's word.

- `load_dataset(THIS, "results")`: one line per entry and judge, metrics with their 95 % intervals over traces.
- `load_dataset(THIS, "published")`: figures as published elsewhere, not recomputed and never ranked.

To submit, open a pull request with `proactivebench leaderboard submit ENTRY --to hf:THIS`.
"""

_SPACE_TEXT = "The board of ProactiveBench, as a static site: every figure recomputed, no request leaves the page.\n"
