"""Exports of Label Studio as they come, with all that is in them beside votes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from proactivebench.annotation.formats import format_of
from proactivebench.annotation.formats.contract import Names
from proactivebench.annotation.formats.label_studio import CONFIG
from proactivebench.annotation.importing import import_votes
from proactivebench.annotation.job import JobFolder
from proactivebench.errors import DataError
from proactivebench.records import Answer
from tests.annotation.jobs import make_job

FORM = format_of("label-studio")


@pytest.fixture
def job(tmp_path: Path) -> JobFolder:
    return make_job(tmp_path / "job", sessions=2, events=3)


def _choice(name: str, *choices: str, to: str = "session") -> dict[str, Any]:
    value = {"choices": list(choices)}
    return {"id": "kq3", "type": "choices", "value": value, "origin": "manual", "to_name": to, "from_name": name}


def _annotation(by: Any, *result: Any, **more: Any) -> dict[str, Any]:
    return {
        "id": 22,
        "completed_by": by,
        "result": list(result),
        "was_cancelled": False,
        "ground_truth": False,
        "created_at": "2026-11-02T10:40:43.893565Z",
        "updated_at": "2026-11-02T10:41:00Z",
        "draft_created_at": None,
        "lead_time": 8.65,
        "prediction": {},
        "result_count": 0,
        "last_action": None,
        "task": 87,
        "project": 29,
        "parent_annotation": None,
        **more,
    }


def _task(*annotations: Any, item: str = "s0-1", **more: Any) -> dict[str, Any]:
    offers = [{"offer_id": "o1", "text": "Offer 1"}, {"offer_id": "o0", "text": "Offer 0"}]
    return {
        "id": 87,
        "annotations": list(annotations),
        "file_upload": "a5ef-tasks.json",
        "drafts": [],
        "predictions": [],
        "data": {"item_id": item, "occasion": 0, "events": [], "offers": offers},
        "meta": {},
        "created_at": "2026-11-02T09:00:00Z",
        "inner_id": 1,
        "total_annotations": len(annotations),
        "comment_authors": [],
        **more,
    }


def _imported(job: JobFolder, path: Path, *tasks: Any) -> Any:
    path.write_text(json.dumps(list(tasks)), encoding="utf-8")
    return import_votes(FORM, [path], job)


def test_an_export_with_everything_in_it_gives_its_votes_alone(job: JobFolder, tmp_path: Path) -> None:
    reason = {
        "type": "textarea",
        "from_name": "reason_0",
        "to_name": "text_0",
        "value": {"text": ["too early", "for me"]},
    }
    full = _annotation(
        1, _choice("need", "yes"), _choice("offer_0", "Not yet", to="text_0"), reason, _choice("offer_1", "unsure")
    )
    found = _imported(
        job,
        tmp_path / "export.json",
        _task(
            full,
            _annotation({"id": 2, "email": "jane@example.org", "first_name": "Jane"}, _choice("need", "No")),
            _annotation(3, _choice("need", "yes"), was_cancelled=True),
            _annotation(3),
            _annotation(3, {"type": "labels", "from_name": "topic", "to_name": "session", "value": {"labels": ["x"]}}),
            drafts=[{"id": 1, "result": [_choice("need", "no")]}],
            predictions=[{"model_version": "m", "result": [_choice("need", "no")]}],
        ),
        _task(item="s0-2"),
        {"id": 5, "data": {"item_id": "s1-0"}},
    )
    votes = list(job.votes().values())
    assert {vote.item_id for vote in votes} == {"s0-1"}
    said = {(vote.annotator, vote.offer_id): (vote.answer, vote.reason) for vote in votes}
    first, second = found.annotators
    assert said == {
        (first, None): (Answer.YES, None),
        (first, "o1"): (Answer.PREMATURE, "too early\nfor me"),
        (first, "o0"): (Answer.UNSURE, None),
        (second, None): (Answer.NO, None),
    }
    assert {vote.seconds for vote in votes} == {8.65}
    assert votes[0].at.isoformat() == "2026-11-02T10:40:43.893565+00:00"
    assert found.left_out == {
        "drafts": 1,
        "predictions": 1,
        "cancelled annotations": 1,
        "annotations without an answer": 2,
        "answers to other questions": 1,
        "tasks that nobody annotated": 2,
    }
    everything = "".join(file.read_text() for file in job.path.rglob("*") if file.is_file())
    assert "jane" not in everything.casefold()


def test_the_same_person_has_the_same_name_in_every_export_of_a_job(job: JobFolder, tmp_path: Path) -> None:
    first = _imported(job, tmp_path / "a.json", _task(_annotation(7, _choice("need", "yes"))))
    short = {"item_id": "s0-2", "id": 9, "annotator": 7, "annotation_id": 4, "lead_time": 3.5, "need": "no"}
    minimal = short | {"created_at": "2026-11-02T11:00:00Z", "updated_at": "2026-11-02T11:00:00Z", "offers": []}
    second = _imported(job, tmp_path / "min.json", minimal)
    assert first.annotators == second.annotators
    assert first.annotators[0].startswith("p-")
    other = make_job(tmp_path / "other", sessions=2, events=3)
    elsewhere = import_votes(FORM, [tmp_path / "a.json"], other)
    assert elsewhere.annotators != first.annotators, "two jobs cannot be joined by their names"
    kept = import_votes(FORM, [tmp_path / "a.json"], make_job(tmp_path / "kept", events=3), names=Names.KEPT)
    assert kept.annotators == ("7",)
    (tmp_path / "names.json").write_text('{"7": "ann"}')
    mapped = import_votes(
        FORM, [tmp_path / "a.json"], make_job(tmp_path / "m", events=3), names=tmp_path / "names.json"
    )
    assert mapped.annotators == ("ann",)


def test_of_two_annotations_by_one_person_the_later_counts(job: JobFolder, tmp_path: Path) -> None:
    early = _annotation(1, _choice("need", "yes"), created_at="2026-11-02T10:00:00Z")
    late = _annotation(1, _choice("need", "no"), created_at="2026-11-02T11:00:00Z")
    found = _imported(job, tmp_path / "export.json", _task(late, early))
    assert [vote.answer for vote in job.votes().values()] == [Answer.NO]
    assert found.left_out == {"answers that the same person gave again": 1}


@pytest.mark.parametrize(
    ("task", "says"),
    [
        (_task(_annotation(1, _choice("need", "perhaps"))), 'entry 1, annotation 1, need: "perhaps" is no answer'),
        (_task(_annotation(1, _choice("need", "yes", "no"))), "2 choices where one is due"),
        (_task(_annotation(1, _choice("need", "yes"), _choice("need", "no"))), "need is answered twice"),
        (_task(_annotation(1, _choice("offer_5", "accept"))), "the task has 2 offers"),
        (_task(_annotation(None, _choice("need", "yes"))), "completed_by is null"),
        (_task(_annotation(1, _choice("need", "yes"), lead_time=-3)), "-3 is no number of seconds"),
        (_task(_annotation(1, _choice("need", "yes"), lead_time=1e999)), "NaN|Infinity"),
        (_task(_annotation(1, _choice("need", "yes"), created_at="yesterday")), '"yesterday" is no time'),
        (_task(_annotation(1, _choice("need", "yes")), item="s9-1"), 'has no item "s9-1"'),
        (_task(_annotation(1, _choice("need", "yes")), item=7), "item_id is 7, not text"),
        (_task(_annotation(1, "x")), None),
        (_task("x"), "an object with 'result' belongs"),
        ({"annotations": [_annotation(1, _choice("need", "yes"))]}, "the key 'data' is missing"),
        ({"annotations": {}, "data": {}}, "annotations is an object, not a list"),
        (["x"], "a list of 1 stands where a task belongs"),
    ],
)
def test_what_is_wrong_with_an_export_is_one_line_with_its_place(
    task: Any, says: str | None, job: JobFolder, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match=says) as refused:
        _imported(job, tmp_path / "export.json", task)
    assert str(tmp_path / "export.json") in str(refused.value)
    assert "\n" not in str(refused.value)
    assert job.votes() == {}


def test_the_configuration_asks_for_the_need_before_the_offers_are_seen() -> None:
    root = ElementTree.fromstring(CONFIG)  # noqa: S314  # our own
    named = {element.get("name"): element for element in root.iter() if element.get("name")}
    aliases = {name: [choice.get("alias") for choice in named[name]] for name in ("need", "offer_{{idx}}")}
    assert aliases == {
        "need": ["yes", "no", "unsure"],
        "offer_{{idx}}": ["accept", "reject", "premature", "unsure"],
    }
    hidden = root.find("./View[@visibleWhen='choice-selected']")
    assert hidden is not None
    assert hidden.get("whenTagName") == "need"
    assert [element.tag for element in hidden] == ["Repeater"]
    assert all(element.get("toName") in named for element in root.iter() if element.get("toName"))
