"""The folder of a job keeps what was asked and said, and gives every annotator an order of their own."""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path

import pytest

from proactivebench.annotation.annotators import admit, withdraw
from proactivebench.annotation.job import JobFolder
from proactivebench.annotation.order import showings
from proactivebench.errors import DataError, WrongFile
from proactivebench.records import Answer, MomentLabels, Plan, TaskVotes, Vote, VoteKey
from tests.annotation.jobs import WHEN, make_job


def _vote(item: str, answer: Answer | None, order: int = 0, offer: str | None = None) -> Vote:
    return Vote(annotator="ann", item_id=item, offer_id=offer, answer=answer, at=WHEN, order=order)


def test_a_job_is_read_as_it_was_written_and_never_written_over(tmp_path: Path) -> None:
    made = make_job(tmp_path / "job")
    read = JobFolder(tmp_path / "job")
    assert read.job == made.job
    assert list(read.traces) == ["s0", "s1", "s2", "s3"]
    assert len(read.items) == 21
    with pytest.raises(WrongFile, match="not empty"):
        make_job(tmp_path / "job")
    with pytest.raises(WrongFile, match="no annotation job"):
        _ = JobFolder(tmp_path / "elsewhere").job


@pytest.mark.skipif(os.name == "nt", reason="a link takes a privilege there")
@pytest.mark.parametrize("name", ["instructions.md", "instructions.de.md", "votes/ann.jsonl", "votes"])
def test_a_job_with_a_link_in_it_is_refused_for_it_would_show_or_write_what_is_elsewhere(
    name: str, tmp_path: Path
) -> None:
    folder = make_job(tmp_path / "job").path
    elsewhere = tmp_path / "private"
    elsewhere.mkdir() if name == "votes" else elsewhere.write_text("a private text")
    place = folder / name
    if place.is_dir():
        place.rmdir()
    place.unlink(missing_ok=True)
    place.symlink_to(elsewhere)
    with pytest.raises(DataError, match=f"{name} is a link"):
        _ = JobFolder(folder).job
    (tmp_path / "other").symlink_to(make_job(tmp_path / "whole").path)
    assert JobFolder(tmp_path / "other").job.name, "a link to the whole folder is fine"


def test_the_last_answer_counts_and_an_undone_one_does_not(tmp_path: Path) -> None:
    folder = make_job(tmp_path / "job")
    with folder.open_votes("ann") as log:
        log.append([_vote("s0-0", Answer.YES), _vote("s0-0", Answer.ACCEPT, 1, "o0"), _vote("s0-0", Answer.NO)])
        log.append([_vote("s0-1", Answer.NO, 2), _vote("s0-1", None, 2), _vote("practice-0", Answer.NO, 3)])
    votes = folder.votes()
    assert {key: vote.answer for key, vote in votes.items()} == {
        VoteKey("ann", "s0-0", 0, None): Answer.NO,
        VoteKey("ann", "s0-0", 0, "o0"): Answer.ACCEPT,
    }
    assert len(folder.votes(practice=True)) == 3


def test_a_torn_last_line_is_left_out_and_a_vote_on_nothing_is_named(tmp_path: Path) -> None:
    folder = make_job(tmp_path / "job")
    with folder.open_votes("ann") as log:
        log.append([_vote("s0-0", Answer.YES)])
    with folder.votes_file("ann").open("a") as file:
        file.write('{"kind":"vote","annot')
    assert len(folder.votes()) == 1
    with folder.open_votes("ann") as log:
        log.append([_vote("s9-9", Answer.YES, 1)])
    with pytest.raises(DataError, match="s9-9', which the job does not have"):
        folder.votes()


def test_sessions_unfold_in_order_and_each_goes_to_as_many_people_as_planned(tmp_path: Path) -> None:
    folder = make_job(tmp_path / "job", sessions=7, plan=Plan(annotators=3, overlap=2, repeats=0.2))
    items = list(folder.items.values())
    met: Counter[str] = Counter()
    for slot in range(3):
        shown = showings(folder.job, items, slot)
        assert shown == showings(folder.job, items, slot)
        assert shown[0].item_id == "practice-0"
        first = [one.item_id for one in shown[1:] if not one.occasion]
        met.update(first)
        assert len(first) == len(set(first))
        for name in {one.split("-")[0] for one in first}:
            turns = [int(one.split("-")[1]) for one in first if one.startswith(name + "-")]
            assert turns == sorted(turns) == list(range(5))
        again = [one.item_id for one in shown if one.occasion]
        assert len(again) == round(0.2 * len(first))
        assert set(again) <= set(first)
    assert set(met.values()) == {2}
    assert showings(folder.job, items, 0) != showings(folder.job, items, 1)


def test_who_voted_is_stored_only_where_it_is_known() -> None:
    plain = MomentLabels(need=True, tasks=(TaskVotes(task="a", votes=(True, False)),))
    assert json.loads(plain.model_dump_json()) == {
        "need": True,
        "need_majority": None,
        "tasks": [{"task": "a", "votes": [True, False]}],
    }
    known = MomentLabels(need=True, asked=(True, False, True), asked_by=("a", "b", "c"))
    assert MomentLabels.model_validate_json(known.model_dump_json()) == known
    assert known.need_asked is True
    assert MomentLabels(need=True, asked=(True, False)).need_asked is False
    assert plain.need_asked is None
    with pytest.raises(ValueError, match="1 annotators, 2 votes"):
        TaskVotes(task="a", votes=(True, False), annotators=("x",))
    with pytest.raises(ValueError, match="cannot be premature"):
        TaskVotes(task="a", votes=(True,), premature=(True,))


@pytest.mark.parametrize("name", ["../../evil", "a/b", "", "x\n"])
def test_a_list_of_annotators_with_a_name_that_leads_elsewhere_is_refused(name: str, tmp_path: Path) -> None:
    folder = make_job(tmp_path / "job")
    admit(folder, ["ann"])
    file = folder.path / "annotators.json"
    file.write_text(json.dumps([{**one, "pseudonym": name} for one in json.loads(file.read_text())]))
    (tmp_path / "evil.jsonl").write_text("")
    with pytest.raises(DataError, match=r"annotators\.json is no list of annotators: pseudonym"):
        folder.annotators()
    with pytest.raises(DataError, match="no list of annotators"):
        withdraw(folder, name)
    assert (tmp_path / "evil.jsonl").exists()
