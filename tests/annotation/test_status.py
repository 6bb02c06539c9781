"""Who did what: counted from files that a server may be writing, and that a hand may have touched."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest

from proactivebench.annotation.job import JobFolder
from proactivebench.annotation.status import status_of
from proactivebench.records import Answer, Plan
from tests.annotation.jobs import WHEN, make_job
from tests.annotation.voters import answer, seat
from tests.board.calling import call


@pytest.fixture
def folder(tmp_path: Path) -> JobFolder:
    """Ann is done, Bob half way, Cid has a link, a fourth has none; 20 items and 2 repeats each."""
    folder = make_job(tmp_path / "job", plan=Plan(annotators=4, overlap=2, repeats=0.1))
    seat(folder, "ann", "bob", "cid")
    answer(folder, "ann", lambda _item, offer, _: Answer.REJECT if offer else Answer.NO)
    answer(folder, "bob", lambda *_: Answer.UNSURE, most=6, start=WHEN + timedelta(hours=1), seconds=60)
    return folder


def test_each_ones_part_is_counted_and_the_rest_foreseen(folder: JobFolder) -> None:
    found = status_of(folder)
    ann, bob, cid = found.people
    assert (ann.done, ann.items, ann.repeats_done, ann.repeats) == (10, 10, 1, 1)
    assert (ann.practice_right, ann.practice_answered) == (2, 2)
    assert (ann.seconds, ann.minutes_left, ann.expected) == (6.0, 0.0, None)
    assert (bob.done, bob.items, bob.practice_right, bob.seconds) == (5, 10, 0, 60.0)
    assert bob.minutes_left == 6.0, "five items and a repeat, a minute each"
    clicks = timedelta(minutes=5)  # from the first click to the last
    assert bob.expected == bob.last + clicks / 5 * 6 == found.expected
    assert (cid.consented, cid.done, cid.first, cid.minutes_left) == (None, 0, None, None)
    assert found.idle == 2, "one has not begun, one has no link"
    assert ann.consented == WHEN
    assert not any(one.faults or one.outdated for one in found.people)


def test_who_agreed_to_other_instructions_is_said(folder: JobFolder) -> None:
    (folder.path / "instructions.md").write_text("# Something else\n")
    found = status_of(JobFolder(folder.path))
    assert [one.outdated for one in found.people] == [True, True, False]
    assert "to others" in call("annotate", "status", folder.path).out


def test_an_item_is_done_when_as_many_as_planned_answered_and_unsure_is_no_vote(folder: JobFolder) -> None:
    folder.votes_file("bob").unlink()
    answer(
        folder,
        "bob",
        lambda item, offer, _: Answer.UNSURE if item.turn == 2 else Answer.REJECT if offer else Answer.NO,
    )
    found = status_of(folder)
    assert (found.items, found.answered) == (20, 5), "Ann and Bob meet in one session"
    assert found.voted == 4, "Bob is unsure of one of its moments"


def test_the_table_says_it_to_a_person_and_json_to_a_program(folder: JobFolder) -> None:
    done = call("annotate", "status", folder.path)
    assert done.code == 0, done.err
    assert "tests: 20 items, each for 2 of 4 people" in done.out
    assert "10/10" in done.out
    assert all(len(line) <= 100 for line in done.out.splitlines())
    told = json.loads(call("annotate", "status", folder.path, "--json").out)
    assert told == status_of(folder).model_dump(mode="json")


def test_votes_without_a_place_are_somebodys_who_has_begun(folder: JobFolder) -> None:
    folder.write_annotators([])
    found = status_of(folder)
    assert [(one.annotator, one.place, one.done) for one in found.people] == [("ann", False, 0), ("bob", False, 0)]
    assert found.idle == 2, "of the four planned"
    assert "no place" in call("annotate", "status", folder.path).out


def test_it_reads_while_somebody_writes(folder: JobFolder) -> None:
    with folder.open_votes("cid"):
        assert status_of(folder).people[2].done == 0


def test_what_is_torn_or_edited_is_said_and_the_rest_still_counted(folder: JobFolder) -> None:
    file = folder.votes_file("ann")
    lines = file.read_text().splitlines(keepends=True)
    lines[5] = lines[5].replace('"answer":"reject"', '"answer": "accept"').replace('"no"', '"yes" ')
    lines[9], lines[10] = lines[10], lines[9]
    lines[7] = lines[7].replace('"annotator":"ann"', '"annotator":"eve"')
    file.write_text("".join([*lines, '{"kind":"vote","anno']))
    other = folder.votes_file("bob")
    other.write_text(other.read_text().replace('"order":3', '"order":"three"'))
    done = call("annotate", "status", folder.path)
    assert done.code == 0
    faults = [line for line in done.out.splitlines() if line.startswith("! ")]
    assert [line.split(": ", 1)[0] for line in faults] == [
        "! ann.jsonl:8",
        "! ann.jsonl",
        "! ann.jsonl:6",
        "! ann.jsonl:10 and 1 more",
        "! bob.jsonl:5 is no vote",
    ]
    assert "it is of 'eve', in the file of 'ann'" in faults[0]
    assert "not whole" in faults[1]
    assert "edited by hand" in faults[2]
    assert "not the next in order" in faults[3]
    assert status_of(folder).people[0].done == 9, "the one of Eve is missing"


def test_a_line_left_empty_is_said_and_hides_nothing_after_it(folder: JobFolder) -> None:
    file = folder.votes_file("ann")
    lines = file.read_text().splitlines(keepends=True)
    file.write_text("".join([*lines[:4], "\n", *lines[4:9], *lines[10:]]))
    faults = status_of(folder).people[0].faults
    assert [fault.split(": ", 1)[0] for fault in faults] == ["ann.jsonl:5", "ann.jsonl:11"]


def test_without_a_job_or_anybody_it_is_one_line(tmp_path: Path) -> None:
    done = call("annotate", "status", tmp_path)
    assert (done.code, len(done.err.splitlines())) == (2, 1)
    empty = make_job(tmp_path / "empty", plan=Plan(annotators=1, overlap=1, repeats=0))
    assert "nobody has a link yet" in call("annotate", "status", empty.path).out
