"""Each table of a board as CSV, JSON and Parquet, and what its pages read when a reader asks for more."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from proactivebench.board.entry.escaping import csv_text
from proactivebench.board.site.details import Details
from proactivebench.board.site.difficulty import flat_moments
from proactivebench.board.site.exports import arrow_table, flat, results_schema
from proactivebench.board.site.facts import fact_fields
from proactivebench.board.site.judge_agreement import flat_agreements
from proactivebench.board.site.pages import safe_json
from proactivebench.board.site.pairs import PairTable, flat_pairs, pair_words
from proactivebench.board.site.row import Row
from proactivebench.board.site.when import Line, When
from proactivebench.records import MetricValue, NeedRule
from proactivebench.scoring.registry import METRICS, split_key
from proactivebench.store import cannot_write

FORMAT = 1
TABLES, DATA = "tables", "data"
JUDGES = "judge-agreement"

Fields = Mapping[str, type]
Flat = Mapping[str, object]

_PAIRS: Fields = {
    **dict.fromkeys(("task", "data_hash", "protocol", "protocol_hash", "metric", "says", "judge"), str),
    **dict.fromkeys(("first", "second"), str),
    **dict.fromkeys(("difference", "low", "high", "stderr", "p", "p_max_t"), float),
    **dict.fromkeys(("pairs_in_family", "traces"), int),
    **dict.fromkeys(("reason", "conditions"), str),
}
_AGREEMENTS: Fields = {
    **dict.fromkeys(("task", "data_hash", "stratum", "first", "second"), str),
    **dict.fromkeys(("runs", "verdicts"), int),
    **{f"{name}{end}": float for name in ("agreement", "kappa") for end in ("", "_low", "_high")},
    "reason": str,
}


def write_downloads(
    groups: Iterable[Sequence[Row]], when: Iterable[When], details: Details, output_path: Path
) -> set[str]:
    """Write the files of all tables below `output_path`; returns their relative names."""
    written: set[str] = set()
    with cannot_write(output_path):
        for rows in groups:
            metrics = carried(row.metrics for row in rows)
            flattened = [judged_row(row, metrics) for row in rows]
            written |= _write_table(output_path, rows[0].table, _judged_schema(metrics), flattened)
            written.add(_write_data(output_path, rows[0].table, metrics_data(rows, metrics)))
        for table in when:
            metrics = carried(line.metrics for line in table.lines)
            spoken = [_spoken(table, line, metrics) for line in table.lines]
            written |= _write_table(output_path, table.id, _schema(_spoken_fields(metrics, table.chance_rules)), spoken)
            written.add(_write_data(output_path, table.id, metrics_data(table.lines, metrics)))
        for pairs in details.pairs:
            written |= _write_table(output_path, pairs.id, _schema(_PAIRS), list(flat_pairs(pairs)))
            written.add(_write_data(output_path, pairs.id, pairs_data(pairs)))
        for moments in details.moments:
            written |= _write_table(
                output_path, moments.id, _schema(_moment_fields(moments.rules)), list(flat_moments(moments))
            )
        if details.agreements:
            written |= _write_table(
                output_path, JUDGES, _schema(_AGREEMENTS), list(flat_agreements(details.agreements))
            )
    return written


def carried(rows: Iterable[Mapping[str, MetricValue]]) -> list[str]:
    """The metrics that have a value in some row, in the order of the registry."""
    order = {key: place for place, key in enumerate(METRICS)}
    found = {key for metrics in rows for key, value in metrics.items() if value.value is not None}
    return sorted(found, key=lambda key: (order[split_key(key)[0]], key))


def metrics_data(rows: Iterable[Row | Line], metrics: Iterable[str]) -> dict[str, Any]:
    """What a page reads to sort a table by any metric: its values and intervals by row."""
    metrics = list(metrics)
    values = {}
    for row in rows:
        found = [row.metrics.get(key) for key in metrics]
        values[row.key] = [
            None if each is None or each.value is None else [_short(each.value), *map(_short, each.interval or ())]
            for each in found
        ]
    return {"kind": "metrics", "keys": metrics, "rows": values}


def pairs_data(table: PairTable) -> dict[str, Any]:
    """What a page reads to tell the test of two rows."""
    keys = list(
        dict.fromkeys(key for tests in table.tests for pair in tests.pairs for key in (pair.first, pair.second))
    )
    place = {key: number for number, key in enumerate(keys)}
    told = []
    phrases: dict[tuple[str, ...], int] = {(): 0}
    conditions: dict[str, int] = {}
    for tests in table.tests:
        pairs = []
        for pair in tests.pairs:
            both = place[pair.first], place[pair.second]
            for one, other in (both, both[::-1]):
                said = table.conditions(keys[one], keys[other])
                if said:
                    conditions[f"{one},{other}"] = phrases.setdefault(said, len(phrases))
            figures = (pair.difference, *(pair.interval or (None, None)), pair.p, pair.p_joint)
            pairs.append([*both, *map(_short, figures), pair_words(pair)])
        told.append(
            {
                "key": tests.key,
                "title": tests.title,
                "says": tests.says,
                "better": tests.better,
                "family": tests.family,
                "pairs": pairs,
            }
        )
    return {
        "kind": "pairs",
        "keys": keys,
        "names": [table.names[key] for key in keys],
        "family": [key for key in table.names if key not in place],
        "phrases": [list(said) for said in phrases],
        "conditions": conditions,
        "tests": told,
    }


def judged_row(row: Row, metrics: Iterable[str]) -> dict[str, object]:
    """A row of a judged table, flat: what `board.csv` has, every metric with its interval, and the model's facts."""
    return flat(row) | _figures(row.metrics, metrics) | row.facts.model_dump(mode="json")


def _spoken(table: When, line: Line, metrics: Iterable[str]) -> dict[str, object]:
    """A line of a table of when to speak, flat; an anchor is no entry."""
    judged = line.offered
    return {
        "entry": None if line.trivial else line.key,
        "organisation": line.organisation,
        "model": line.name,
        "anchor": line.trivial,
        "reported": line.reported,
        "family": line.family,
        "task": table.task.name,
        "data_hash": table.task.data_hash,
        "protocol": table.protocol.name,
        "protocol_hash": table.protocol.hash,
        "conditions": line.conditions,
        "rank_first": line.rank[0] if line.rank else None,
        "rank_last": line.rank[1] if line.rank else None,
        "badges": ", ".join(word for word, _ in line.badges),
        **_figures(line.metrics, metrics),
        **{f"chance_{rule.value}": line.chance.get(rule) for rule in table.chance_rules},
        "distinct": line.distinct,
        "judged_by": judged.judge if judged else None,
        "judged_precision": judged.precision.value if judged and judged.precision else None,
        "judged_f1": judged.f1.value if judged and judged.f1 else None,
        **line.facts.model_dump(mode="json"),
    }


def _spoken_fields(metrics: Iterable[str], rules: Iterable[NeedRule]) -> Fields:
    return {
        **dict.fromkeys(("entry", "organisation", "model"), str),
        **dict.fromkeys(("anchor", "reported", "family"), bool),
        **dict.fromkeys(("task", "data_hash", "protocol", "protocol_hash", "conditions"), str),
        **dict.fromkeys(("rank_first", "rank_last"), int),
        "badges": str,
        **_figure_fields(metrics),
        **{f"chance_{rule.value}": float for rule in rules},
        "distinct": float,
        "judged_by": str,
        **dict.fromkeys(("judged_precision", "judged_f1"), float),
        **fact_fields(),
    }


def _moment_fields(rules: Iterable[NeedRule]) -> Fields:
    return {
        **dict.fromkeys(("task", "data_hash", "trace_id"), str),
        "turn": int,
        **{f"need_{rule}": bool for rule in rules},
        **dict.fromkeys(("offered", "entries"), int),
        "offered_by": str,
    }


def _figures(found: Mapping[str, MetricValue], metrics: Iterable[str]) -> dict[str, float | None]:
    """Metrics with the ends of their intervals."""
    flattened: dict[str, float | None] = {}
    for key in metrics:
        value = found.get(key)
        flattened[key] = value.value if value else None
        flattened[f"{key}_low"], flattened[f"{key}_high"] = (value.interval if value else None) or (None, None)
    return flattened


def _figure_fields(metrics: Iterable[str]) -> Fields:
    return {f"{key}{end}": float for key in metrics for end in ("", "_low", "_high")}


def _judged_schema(metrics: Iterable[str]) -> Any:
    """The columns of `judged_row`: those of `board.csv` first."""
    schema = results_schema()
    more = {**_figure_fields(metrics), **fact_fields()}
    for column in _schema({name: kind for name, kind in more.items() if name not in schema.names}):
        schema = schema.append(column)
    return schema


def _write_table(output_path: Path, name: str, schema: Any, rows: Sequence[Flat]) -> set[str]:
    from pyarrow import parquet

    folder = output_path / TABLES
    folder.mkdir(parents=True, exist_ok=True)
    names = list(schema.names)
    whole = [{name: row[name] for name in names} for row in rows]
    content = {"format": FORMAT, "table": name, "rows": whole}
    (folder / f"{name}.json").write_text(json.dumps(content, allow_nan=False) + "\n", encoding="utf-8")
    cells = [names, *(list(row.values()) for row in whole)]
    (folder / f"{name}.csv").write_text(csv_text(cells), encoding="utf-8", newline="")
    parquet.write_table(arrow_table(whole, schema), folder / f"{name}.parquet")
    return {f"{TABLES}/{name}.{ending}" for ending in ("json", "csv", "parquet")}


def _write_data(output_path: Path, name: str, data: Mapping[str, Any]) -> str:
    (output_path / DATA).mkdir(parents=True, exist_ok=True)
    text = f"(window.proactivebench ??= []).push({safe_json({'name': name, **data})});\n"
    (output_path / DATA / f"{name}.js").write_text(text, encoding="utf-8")
    return f"{DATA}/{name}.js"


def _schema(fields: Fields) -> Any:
    import pyarrow as pa

    kinds = {str: pa.string(), float: pa.float64(), int: pa.int64(), bool: pa.bool_()}
    return pa.schema([(name, kinds[kind]) for name, kind in fields.items()])


def _short(value: float | None) -> float | None:
    return None if value is None else round(value, 6)
