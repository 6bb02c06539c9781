"""JSON Schemas of what run directories and trace files hold, generated from the records, for readers without Python."""

from __future__ import annotations

import json
from pathlib import Path

from proactivebench.board.entry.form import Entry
from proactivebench.records import Manifest, Record, Reply, Report, Trace, Verdict

FOLDER = Path(__file__).parent
RECORDS: dict[str, type[Record]] = {
    "trace": Trace,
    "reply": Reply,
    "verdict": Verdict,
    "manifest": Manifest,
    "report": Report,
    "entry": Entry,
}


def generated(name: str) -> str:
    """The schema of a record (draft 2020-12) as text, as it should stand in `<name>.json`."""
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **RECORDS[name].model_json_schema()}
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def write_all(folder: Path = FOLDER) -> None:
    """Write every schema into `folder`."""
    for name in RECORDS:
        (folder / f"{name}.json").write_text(generated(name), encoding="utf-8")
