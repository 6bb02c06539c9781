"""The board as data: `board.json`, `board.csv` and Parquet, for those who compute on."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from proactivebench.board.entry.escaping import csv_text
from proactivebench.board.entry.evidence import Refusal
from proactivebench.board.site.published import Counts, Published
from proactivebench.board.site.row import COLUMNS, Row
from proactivebench.board.site.when import Line, When
from proactivebench.records import MetricValue
from proactivebench.store import cannot_write
from proactivebench.text import write_lines

FORMAT = 1
_METRICS = TypeAdapter(dict[str, MetricValue])


def write_exports(
    groups: Sequence[Sequence[Row]],
    refusals: Sequence[Refusal],
    published: Published,
    output_path: Path,
    *,
    when: Sequence[When] = (),
) -> list[Path]:
    """Write `board.json`, `board.csv`, `results.parquet` and `published.parquet`; returns their paths."""
    from pyarrow import parquet

    results = [flat(row) for group in groups for row in group]
    content = {
        "format": FORMAT,
        "groups": [[nested(row) for row in group] for group in groups],
        "when": [spoken(table) for table in when],
        "refused": [refusal.model_dump(mode="json") for refusal in refusals],
        "reported": published.model_dump(mode="json"),
    }
    files = [output_path / name for name in ("board.json", "board.csv", "results.parquet", "published.parquet")]
    with cannot_write(output_path):
        output_path.mkdir(parents=True, exist_ok=True)
        files[0].write_text(json.dumps(content, allow_nan=False) + "\n", encoding="utf-8")
        files[1].write_text(as_csv(results), encoding="utf-8", newline="")
        parquet.write_table(arrow_table(results, results_schema()), files[2])
        parquet.write_table(arrow_table(list(_reported(published)), _reported_schema()), files[3])
    return files


def flat(row: Row) -> dict[str, Any]:
    """A row as one level of names and values: each metric with the ends of its interval."""
    found: dict[str, Any] = {
        "entry": row.key,
        "organisation": row.organisation,
        "model": row.name,
        "task": row.task.name,
        "data_hash": row.task.data_hash,
        "protocol": row.protocol.name,
        "protocol_hash": row.protocol.hash,
        "judge": row.judge.id,
        "conditions": row.conditions,
        "baseline_judge": row.judge.baseline,
        "judge_status": row.measurement.status.value,
        "reported": row.reported,
        "trivial": row.trivial,
        "rank_first": row.rank[0] if row.rank else None,
        "rank_last": row.rank[1] if row.rank else None,
        "badges": ", ".join(word for word, _ in row.badges),
    }
    found |= {name: float(getattr(row.confusion, name)) for name in ("tp", "fp", "tn", "fn", "unscored")}
    for key, *_ in COLUMNS:
        metric = row.metrics.get(key)
        found[key] = metric.value if metric else None
        found[f"{key}_low"], found[f"{key}_high"] = (metric.interval if metric else None) or (None, None)
    return found


def spoken(table: When) -> dict[str, Any]:
    """A table of when to speak, with whole metrics and every corrected p."""
    return {
        "task": table.task.model_dump(mode="json"),
        "protocol": table.protocol.model_dump(mode="json"),
        "family": table.family,
        "finding": table.finding,
        "lines": [_line(line) for line in table.lines],
    }


def _line(line: Line) -> dict[str, Any]:
    judged = line.offered
    return {
        "entry": None if line.trivial else line.key,
        "organisation": line.organisation,
        "model": line.name,
        "anchor": line.trivial,
        "reported": line.reported,
        "family": line.family,
        "rank": line.rank,
        "leading": line.leading,
        "badges": [{"badge": word, "meaning": meaning} for word, meaning in line.badges],
        "metrics": _METRICS.dump_python(line.metrics, mode="json", exclude_none=True),
        "chance": {rule.value: p for rule, p in line.chance.items()},
        "distinct": line.distinct,
        "judged": judged
        and {
            "judge": judged.judge,
            "reported": judged.reported,
            "precision": judged.precision and judged.precision.value,
            "f1": judged.f1 and judged.f1.value,
        },
    }


def nested(row: Row) -> dict[str, Any]:
    """A row with whole metrics, per split as well."""
    return {
        "entry": row.key,
        "organisation": row.organisation,
        "model": row.name,
        "task": row.task.model_dump(mode="json"),
        "protocol": row.protocol.model_dump(mode="json"),
        "judge": row.judge.model_dump(mode="json", exclude={"card"}),
        "trivial": row.trivial,
        "measurement": row.measurement.model_dump(mode="json"),
        "reported": row.reported,
        "conditions": row.conditions,
        "rank": row.rank,
        "leading": row.leading,
        "badges": [{"badge": word, "meaning": meaning} for word, meaning in row.badges],
        "confusion": row.confusion.model_dump(mode="json"),
        "metrics": _METRICS.dump_python(row.metrics, mode="json", exclude_none=True),
        "splits": {
            split: _METRICS.dump_python(metrics, mode="json", exclude_none=True)
            for split, metrics in row.splits.items()
        },
    }


def as_csv(results: Sequence[dict[str, Any]]) -> str:
    """Flat rows as CSV that no spreadsheet takes for formulas."""
    names = list(results_schema().names)
    return csv_text([names, *([row[name] for name in names] for row in results)])


def results_schema() -> Any:
    """The columns of `flat` rows."""
    import pyarrow as pa

    text = ("entry", "organisation", "model", "task", "data_hash", "protocol", "protocol_hash", "judge", "conditions")
    fields = [(name, pa.string()) for name in text]
    fields += [("baseline_judge", pa.bool_()), ("judge_status", pa.string()), ("reported", pa.bool_())]
    fields += [("trivial", pa.bool_())]
    fields += [("rank_first", pa.int64()), ("rank_last", pa.int64()), ("badges", pa.string())]
    fields += [(name, pa.float64()) for name in ("tp", "fp", "tn", "fn", "unscored")]
    fields += [(f"{key}{end}", pa.float64()) for key, *_ in COLUMNS for end in ("", "_low", "_high")]
    return pa.schema(fields)


def _reported_schema() -> Any:
    import pyarrow as pa

    fields = [(name, pa.string()) for name in ("table", "model", "split")]
    fields += [(name, pa.int64()) for name in ("tp", "fp", "tn", "fn")]
    return pa.schema([*fields, ("f1", pa.float64()), ("notes", pa.string())])


def arrow_table(rows: Sequence[dict[str, Any]], schema: Any) -> Any:
    """Rows as an Arrow table. By way of JSON: to read Python objects, Arrow would load pandas wherever it finds it."""
    from pyarrow import json as arrow

    if not rows:
        return schema.empty_table()
    lines = write_lines(rows)
    how = arrow.ParseOptions(explicit_schema=schema, unexpected_field_behavior="error")
    alone = arrow.ReadOptions(
        use_threads=False
    )  # a table this small needs none, and a machine short of memory has none
    return arrow.read_json(io.BytesIO(lines), read_options=alone, parse_options=how)


def _reported(published: Published) -> Iterable[dict[str, Any]]:
    for table in published.tables:
        for row in table.rows:
            matrices: dict[str, Counts | None] = {**row.confusion} or {"all": None}
            for split, counts in matrices.items():
                yield {
                    "table": table.id,
                    "model": row.model,
                    "split": split,
                    **(dict.fromkeys(("tp", "fp", "tn", "fn")) if counts is None else counts.model_dump()),
                    "f1": row.f1 / 100 if counts is None else counts.f1,
                    "notes": " ".join(row.notes),
                }
