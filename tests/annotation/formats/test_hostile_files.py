"""Whatever a file holds, one line says why it is not taken, and nothing is written."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from proactivebench.annotation.formats import MODULES, foreign, format_of
from proactivebench.annotation.importing import import_job, import_votes
from proactivebench.errors import ProactiveBenchError
from tests.annotation.formats.voted import files_of
from tests.annotation.jobs import make_job

LONG = 40_000
HOSTILE = {
    "binary": bytes(range(256)) * 4,
    "utf-16": '[{"a": 1}]'.encode("utf-16"),
    "deep": b"[" * LONG + b"]" * LONG,
    "deep objects": b'{"a":' * LONG + b"1" + b"}" * LONG,
    "nan": b'[{"observation": {"time": NaN, "event": "x"}, "candidate_task": []}]',
    "twice": b'{"annotator": "a", "annotator": "b", "item_id": "s0-0", "answer": "yes"}',
    "digits": b'[{"id": ' + b"9" * LONG + b"}]",
    "cut off": b'[{"data": {"item_id": "s0-0"}, "annotations": [',
    "one long line": b'{"annotator": "a", "item_id": "s0-0", "answer": "' + b"y" * 3_000_000 + b'"}',
    "long reason": b'[{"obs": [{"time": "0", "event": "' + b"y" * 3_000_000 + b'"}]}]',
    "long cell": b'annotator,item_id,answer\nann,s0-0,"' + b"y" * 3_000_000 + b'"\n',
    "many commas": b"," * 1_000_000,
    "quotes": b'"' * 1_000_001,
    "null": b"null",
    "number": b"7",
    "text": b'"x"',
    "list of null": b"[null]",
    "surrogate": b'[{"observation": {"time": "0", "event": 7}, "candidate_task": ["\\ud800"]}]',
    "torn gzip": gzip.compress(b"x" * 1000)[:-9],
    "blank": b"\n\n\n",
    "empty": b"",
}


@pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize("name", MODULES)
def test_nothing_of_a_hostile_file_is_taken(name: str, content: bytes, tmp_path: Path) -> None:
    folder = make_job(tmp_path / "job", sessions=1, events=1)
    file = tmp_path / "given.json"
    file.write_bytes(content)
    before = files_of(folder.path)
    with pytest.raises(ProactiveBenchError) as refused:
        import_votes(format_of(name), [file], folder)
    assert refused.value.exit_code == 2
    assert len(str(refused.value).splitlines()) == 1
    assert len(str(refused.value)) < 700
    assert files_of(folder.path) == before
    with pytest.raises(ProactiveBenchError):
        import_job(format_of(name), [file], tmp_path / "made")
    assert sorted(one.name for one in tmp_path.iterdir()) == ["given.json", "job"]


def test_a_file_larger_than_any_annotation_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = make_job(tmp_path / "job", sessions=1, events=1)
    monkeypatch.setattr(foreign, "MOST_FILE", 2**20)
    (tmp_path / "big.json.gz").write_bytes(gzip.compress(b" " * (2**20 + 1)))
    with pytest.raises(ProactiveBenchError, match="1 MiB"):
        import_votes(format_of("csv"), [tmp_path / "big.json.gz"], folder)
