"""What annotators are shown: the past, the need first, then the offers; and what they said moves them on."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from proactivebench.annotation.job import JobFolder
from proactivebench.annotation.showing import Click, Material, NotYet, Progress, safe_html
from proactivebench.errors import BadArgument, DataError
from proactivebench.records import Annotator, Answer, Consent, Plan, Vote
from tests.annotation.jobs import WHEN, make_job

ANN = Annotator(pseudonym="ann", slot=0, token_sha256="0" * 64, made=WHEN)


def way(path: Path, *, consent: bool = True, **job: Any) -> Progress:
    """The way of ann through a small job, agreed to."""
    progress = Progress(Material(make_job(path / "job", **job)), ANN)
    if consent:
        progress.take(Consent(annotator="ann", instructions=progress.material.instructions_sha256, at=WHEN))
    return progress


def click(progress: Progress, index: int, answer: str | None, offer: str | None = None, **more: Any) -> Vote | None:
    """One click, counted as if it had been written."""
    given = Click.model_validate({"index": index, "offer_id": offer, "answer": answer, **more})
    vote = progress.vote(given, WHEN + timedelta(seconds=len(progress._said)))
    if vote is not None:
        progress.take(vote)
    return vote


def answer_all(progress: Progress, index: int) -> None:
    """Yes to the need, no to every offer."""
    click(progress, index, "yes", seconds=30)
    for offer in progress.shown(index).offers:
        click(progress, index, "reject", offer.offer_id, seconds=60)


def test_the_need_comes_before_the_offers_and_the_past_before_the_future(tmp_path: Path) -> None:
    progress = way(tmp_path)
    first = progress.showing(0)
    assert (first["practice"], first["offers"], first["complete"], len(first["events"])) == (True, None, False, 1)
    assert "taught" not in first
    with pytest.raises(NotYet, match="say first whether"):
        click(progress, 0, "accept", "o0")
    with pytest.raises(NotYet, match="item 1 comes later"):
        progress.showing(1)
    click(progress, 0, "no")
    assert progress.showing(0)["offers"] == [{"offer_id": "o0", "text": "Open the file for you"}]
    click(progress, 0, "premature", "o0", reason=" too early ")
    taught = progress.showing(0)
    said = {"need": "no", "need_reason": None, "offers": {"o0": {"answer": "premature", "reason": "too early"}}}
    assert taught["said"] == said
    assert taught["taught"] == {"need": "no", "offers": {"o0": "reject"}, "why": "Nothing has happened yet."}
    assert progress.position == 1
    shown = progress.showing(1)
    item = progress.shown(1).item
    assert [one["event"] for one in shown["events"]] == [
        event.event for event in progress.material.traces[item.trace_id].events[: item.turn + 1]
    ]


def test_nothing_is_answered_before_the_instructions_that_stand_are_agreed_to(tmp_path: Path) -> None:
    progress = way(tmp_path, consent=False)
    with pytest.raises(NotYet, match="agree"):
        click(progress, 0, "yes")
    progress.take(Consent(annotator="ann", instructions="an older text's", at=WHEN))
    assert progress.state()["consented"] is False
    progress.take(Consent(annotator="ann", instructions=progress.state()["instructions_sha256"], at=WHEN))
    click(progress, 0, "yes")


def test_undoing_goes_back_and_answering_again_goes_on_where_one_was(tmp_path: Path) -> None:
    progress = way(tmp_path)
    for index in range(4):
        answer_all(progress, index)
    assert progress.position == 4
    undone = click(progress, 2, None)
    assert undone is not None and undone.answer is None
    assert progress.position == 2
    assert progress.showing(2)["offers"] is None, "what was offered waits for the need again"
    again = click(progress, 2, "unsure")
    assert again is not None and again.order == undone.order
    assert progress.position == 4
    assert click(progress, 2, "unsure") is None, "the same stands already"
    assert click(progress, 4, None) is None, "there is nothing to undo"


def test_the_time_that_is_left_is_told_once_there_is_a_pace(tmp_path: Path) -> None:
    progress = way(tmp_path)
    for index in range(5):
        assert progress.state()["minutes_left"] is None
        answer_all(progress, index)
    assert progress.state()["minutes_left"] == progress.total - 5
    assert progress.total == 1 + 20 + 2


def test_sessions_are_numbered_as_this_person_meets_them(tmp_path: Path) -> None:
    progress = way(tmp_path, plan=Plan(annotators=2, overlap=2, repeats=0.5))
    numbers = [progress.shown(index).session for index in range(progress.total)]
    assert numbers[:7] == [1, 2, 2, 2, 2, 2, 3]
    assert numbers == sorted(numbers)
    assert [progress.shown(index).occasion for index in range(progress.total)] == [0] * 21 + [1] * 10


def test_a_click_looks_at_its_own_item_however_many_there_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    progress = way(tmp_path, sessions=10, events=20)
    for index in range(150):
        answer_all(progress, index)
    looked: list[int] = []
    complete = Progress._complete
    monkeypatch.setattr(Progress, "_complete", lambda self, index: looked.append(index) or complete(self, index))
    answer_all(progress, 150)
    progress.showing(150)
    progress.state()
    assert progress.position == 151
    assert len(looked) < 20


@pytest.mark.parametrize(
    ("answer", "offer", "why"),
    [
        ("accept", None, "no answer to the need"),
        ("yes", "o0", "no answer to an offer"),
        ("accept", "o9", "no such offer"),
    ],
)
def test_an_answer_that_does_not_fit_is_refused(tmp_path: Path, answer: str, offer: str | None, why: str) -> None:
    progress = way(tmp_path)
    click(progress, 0, "yes")
    with pytest.raises(BadArgument, match=why):
        click(progress, 0, answer, offer)
    with pytest.raises(BadArgument, match="from 0 to"):
        progress.showing(99)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"annotator": "bob"}, "'bob', in the file of 'ann'"),
        ({"item_id": "s9-9"}, "item 's9-9'"),
        ({"offer_id": "o7", "answer": Answer.ACCEPT}, "offer 'o7'"),
        ({"answer": Answer.ACCEPT}, "no answer to the need"),
        ({"order": 5}, "order 5 stands where 0 belongs"),
        ({"occasion": 2}, "occasion 2 of"),
    ],
)
def test_a_line_that_cannot_be_this_persons_word_is_named(tmp_path: Path, change: dict[str, Any], why: str) -> None:
    line = Vote(annotator="ann", item_id="s0-0", answer=Answer.YES, at=WHEN, order=0).model_copy(update=change)
    with pytest.raises(DataError, match=why):
        way(tmp_path).take(line)


def test_the_same_line_twice_is_named(tmp_path: Path) -> None:
    progress = way(tmp_path)
    line = Vote(annotator="ann", item_id="s0-0", answer=Answer.YES, at=WHEN, order=0)
    progress.take(line)
    with pytest.raises(DataError, match="twice"):
        progress.take(line)


def test_an_item_that_stands_on_nothing_is_named(tmp_path: Path) -> None:
    folder = make_job(tmp_path / "job")
    (folder.path / "traces.jsonl").write_text("")
    with pytest.raises(DataError, match=r"items\.jsonl: item 'practice-0' stands on event 0"):
        Material(folder)


def test_instructions_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    file = make_job(tmp_path / "job").path / "instructions.md"
    file.write_bytes(b"agree \xff")
    with pytest.raises(DataError, match=r"instructions\.md: not UTF-8 at byte 6: give what annotators read first"):
        Material(JobFolder(file.parent))
    file.unlink()
    with pytest.raises(DataError, match=r"instructions\.md: no such file: give what annotators read first"):
        Material(JobFolder(file.parent))


def test_instructions_load_nothing_and_run_nothing() -> None:
    found = safe_html(
        "# Hello\n\n<script>alert(1)</script> <img src=x onerror=alert(1)>\n\n![a *cat*](https://evil.test/x.png)\n\n"
        "[ok](https://example.org/) [bad](javascript:alert(1)) [data](data:text/html,x) [here](/a/x) <b>bold</b>\n\n"
        "| a | b |\n|---|---|\n| 1 | 2 |\n"
    )
    assert "<h1>Hello</h1>" in found and "<table>" in found
    assert "<script" not in found and "<img" not in found and "<b>" not in found
    assert 'href="javascript' not in found and 'href="data' not in found and 'href="/a/x"' not in found
    assert '<a href="https://example.org/" rel="noopener noreferrer" target="_blank">ok</a>' in found
