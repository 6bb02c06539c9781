"""The shipped JSON Schemas are those of the records."""

import json

import jsonschema
import pytest

from proactivebench.schemas import FOLDER, RECORDS, generated, write_all
from proactivebench.traces.sample import FILE


@pytest.mark.parametrize("name", RECORDS)
def test_a_shipped_schema_is_the_one_generated_from_the_record(name):
    shipped = (FOLDER / f"{name}.json").read_text(encoding="utf-8")
    assert shipped == generated(name), "run `python -m proactivebench.schemas` and commit the result"


def test_no_schema_is_shipped_without_a_record():
    assert {path.stem for path in FOLDER.glob("*.json")} == set(RECORDS)


def test_the_generator_writes_what_is_shipped(tmp_path):
    write_all(tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {
        path.name: path.read_bytes() for path in FOLDER.glob("*.json")
    }


def test_a_schema_accepts_the_sample_and_refuses_a_trace_without_events():
    schema = json.loads((FOLDER / "trace.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    for line in FILE.read_text(encoding="utf-8").splitlines():
        validator.validate(json.loads(line))
    assert not validator.is_valid({"trace_id": "x", "split": "coding", "events": []})
    assert not validator.is_valid({"trace_id": "x", "split": "coding"})
