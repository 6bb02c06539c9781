"""Records of Argilla in the three forms that it gives them, with all that is in them beside votes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from proactivebench.annotation.exporting import export_job
from proactivebench.annotation.formats import format_of
from proactivebench.annotation.importing import Imported, import_votes
from proactivebench.annotation.job import JobFolder
from proactivebench.errors import DataError
from proactivebench.records import Answer
from tests.annotation.formats.voted import voted_job
from tests.annotation.jobs import make_job

FORM = format_of("argilla")
ANN, BOB = "1d291388-41c5-5d31-9ad2-653be05d4d0a", "03f4bab3-253a-5249-82fc-1a42186d7aa2"


@pytest.fixture
def job(tmp_path: Path) -> JobFolder:
    return make_job(tmp_path / "job", sessions=2, events=3)


def _record(responses: Any, **metadata: Any) -> dict[str, Any]:
    return {
        "id": "r1",
        "fields": {"session": "…"},
        "metadata": {"item_id": "s0-1", "occasion": 0, **metadata},
        "suggestions": {"need": {"value": "no", "score": 0.9, "agent": "model"}},
        "responses": responses,
        "vectors": {},
        "status": "pending",
        "_server_id": None,
    }


def _imported(job: JobFolder, path: Path, content: Any) -> Imported:
    path.write_text(json.dumps(content), encoding="utf-8")
    return import_votes(FORM, [path], job)


def _said(job: JobFolder) -> list[tuple[str | None, Answer | None, str | None]]:
    return [(vote.offer_id, vote.answer, vote.reason) for vote in job.votes().values()]


def test_records_from_the_disk_are_read_by_question(job: JobFolder, tmp_path: Path) -> None:
    folder = tmp_path / "need"
    folder.mkdir()
    need = {"need": [{"value": "yes", "user_id": ANN}, {"value": "no", "user_id": BOB}]}
    reason = {"reason": [{"value": "stuck", "user_id": BOB}], "topic": [{"value": "x", "user_id": ANN}]}
    records = [_record(need | reason), _record({"offer": [{"value": "reject", "user_id": ANN}]}, offer_id="o0")]
    (folder / "records.json").write_text(json.dumps([*records, _record({})]))
    found = import_votes(FORM, [folder], job)
    assert sorted(map(str, _said(job))) == sorted(
        map(str, [(None, Answer.YES, None), (None, Answer.NO, "stuck"), ("o0", Answer.REJECT, None)])
    )
    assert len(found.annotators) == 2
    assert found.left_out == {"records without responses": 1, "answers to other questions": 1}


def test_drafts_and_discarded_responses_are_no_votes(job: JobFolder, tmp_path: Path) -> None:
    def response(user: str, status: str, value: str) -> dict[str, Any]:
        values = {"need": {"value": value}} if status != "discarded" else None
        return {"id": "x", "values": values, "status": status, "user_id": user, "inserted_at": "2026-11-02T10:00:00"}

    page = {
        "items": [
            {
                "id": "a",
                "external_id": "s0-1",
                "fields": {},
                "metadata": {"item_id": "s0-1"},
                "responses": [
                    response(ANN, "submitted", "no"),
                    response(BOB, "draft", "yes"),
                    response("c0", "discarded", "yes"),
                ],
            }
        ],
        "total": 1,
    }
    found = _imported(job, tmp_path / "page.json", page)
    assert _said(job) == [(None, Answer.NO, None)]
    assert found.left_out == {"draft responses": 1}
    assert next(iter(job.votes().values())).at.isoformat() == "2026-11-02T10:00:00+00:00"


def test_flat_records_are_read_by_their_three_lists(job: JobFolder, tmp_path: Path) -> None:
    flat = {
        "id": "s0-1:o1",
        "status": "completed",
        "item_id": "s0-1",
        "occasion": 0.0,
        "offer_id": "o1",
        "offer.responses": ["accept", "premature", "reject"],
        "offer.responses.users": [ANN, BOB, "c0"],
        "offer.responses.status": ["submitted", "submitted", "discarded"],
        "reason.responses": None,
        "offer.suggestion": "accept",
    }
    found = _imported(job, tmp_path / "flat.json", [flat])
    assert {answer for _, answer, _ in _said(job)} == {Answer.ACCEPT, Answer.PREMATURE}
    assert found.left_out == {"discarded responses": 1}


@pytest.mark.parametrize(
    ("record", "says"),
    [
        (_record({"need": [{"value": "maybe", "user_id": ANN}]}), 'entry 1, need: "maybe" is no answer'),
        (_record({"offer": [{"value": "accept", "user_id": ANN}]}), "the key 'offer_id' is missing"),
        (_record({"need": [{"value": "yes", "user_id": None}]}), "nobody knows whose"),
        (_record({"need": [{"value": "yes"}]}), "the key 'user_id' is missing"),
        (_record({"need": {"value": "yes"}}), "not a list"),
        (_record([{"user_id": ANN, "status": "lost", "values": {}}]), '"lost" is no status'),
        (_record([{"user_id": ANN, "values": []}]), None),
        (_record("x"), "a record without responses"),
        (_record({"need": [{"value": "yes", "user_id": ANN}]}, occasion=1.5), "occasion is 1.5"),
        (_record({"need": [{"value": "yes", "user_id": ANN}]}, item_id="s9"), 'has no item "s9"'),
        ({"id": "x", "need.responses": ["yes"], "need.responses.users": []}, "one for each"),
        ("x", "stands where a record belongs"),
    ],
)
def test_what_is_wrong_with_a_record_is_one_line_with_its_place(
    record: Any, says: str | None, job: JobFolder, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match=says) as refused:
        _imported(job, tmp_path / "records.json", [record])
    assert str(tmp_path / "records.json") in str(refused.value)
    assert "\n" not in str(refused.value)
    assert job.votes() == {}


def test_each_data_set_asks_one_thing_and_the_need_is_not_beside_an_offer(tmp_path: Path) -> None:
    export_job(FORM, voted_job(tmp_path / "job"), tmp_path / "out")
    for name, question, fields in (("need", "need", ["session"]), ("offers", "offer", ["session", "offer_text"])):
        settings = json.loads((tmp_path / "out" / name / "settings.json").read_text())
        assert [one["name"] for one in settings["questions"] if one["required"]] == [question]
        assert [one["name"] for one in settings["fields"]] == fields
        records = json.loads((tmp_path / "out" / name / "records.json").read_text())
        assert all(set(record["fields"]) == set(fields) and not record["responses"] for record in records)
