"""The annotators' page as one file in a real browser: it asks nobody, keeps what is said, and hands it back."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

from proactivebench.annotation.annotators import admit
from proactivebench.annotation.collect import collect
from proactivebench.annotation.job import JobFolder
from proactivebench.annotation.mailing import write_page
from proactivebench.annotation.order import showings
from proactivebench.annotation.showing import Material
from proactivebench.records import Answer, Consent, Vote
from tests.annotation.windows import Window, job, through_practice
from tests.chromium import IN_CHROMIUM, chromium

pytestmark = IN_CHROMIUM
__all__ = ["chromium", "job"]


def test_a_mailed_page_asks_nobody_and_hands_back_a_votes_file(chromium: Any, job: JobFolder, tmp_path: Path) -> None:
    mailed = JobFolder(shutil.copytree(job.path, tmp_path / "job"))
    shutil.rmtree(mailed.path / "votes")
    (mailed.path / "votes").mkdir()
    (ann,) = [one for name, one in admit(mailed, ["ann"]).annotators.items() if name == "ann"]
    ann = ann.model_copy(update={"slot": 0})
    page_file = write_page(Material(mailed), ann, tmp_path / "pages")
    window = Window(chromium, page_file.as_uri())
    page = window.page
    through_practice(window)
    window.press("y", "a")
    other = Window(chromium, page_file.as_uri(), context=window.context)
    assert "2 of 2" in other.text("#offer-title"), "the browser keeps what was said"
    other.press("e")
    other.page.keyboard.type("“why” \u2028 not")
    other.press("Enter", "l", "z", "r")
    page.locator("#counted", has_text="3 of").wait_for()
    window.press("z")
    window.press("u")
    while not page.locator("#done-title").is_visible():
        window.press("n" if page.locator("[data-answer=no]").count() else "r")
    with page.expect_download() as download:
        window.press("s")
    assert download.value.suggested_filename == "ann.votes.jsonl"
    back = tmp_path / "ann.votes.jsonl"
    download.value.save_as(back)
    first, consent, *votes = [json.loads(line) for line in back.read_text(encoding="utf-8").splitlines()]
    material = Material(mailed)
    assert first == {"kind": "mailed", "job": "tests", "identity": material.identity, "annotator": "ann"}
    assert Consent.model_validate(consent).instructions == material.instructions_sha256
    read = [Vote.model_validate_json(json.dumps(vote)) for vote in votes]
    assert [vote.order for vote in read] == list(range(len(read)))
    shown = showings(mailed.job, list(mailed.items.values()), 0)
    asked = [(one.item_id, one.occasion, offer) for one in shown for offer in (None, *one.offers)]
    assert [(vote.item_id, vote.occasion, vote.offer_id) for vote in read] == asked
    assert [vote.answer for vote in read[2:5]] == [Answer.YES, Answer.ACCEPT, Answer.UNSURE]
    assert collect(material, back).new == len(read)
    assert {key: vote.answer for key, vote in mailed.votes(practice=True).items()} == {v.key: v.answer for v in read}
    assert window.requests == [page_file.as_uri(), *[url for url in window.requests[1:] if url.startswith("blob:")]]
    assert not re.search("source|probability|known|runs", json.dumps(window.page.evaluate("data.mail")))
    assert "://" not in page_file.read_text(encoding="utf-8").replace("http://www.w3.org", "")
    other.check()


def test_a_mailed_page_without_a_store_says_so_and_still_hands_back_votes(
    chromium: Any, job: JobFolder, tmp_path: Path
) -> None:
    (ann,) = [one for name, one in admit(job, ["mail"]).annotators.items() if name == "mail"]
    page_file = write_page(Material(job), ann, tmp_path)
    context = chromium.new_context()
    context.add_init_script("Object.defineProperty(window, 'localStorage', { get() { throw new Error('no'); } })")
    window = Window(chromium, page_file.as_uri(), context=context)
    assert "does not keep answers" in window.text("#said")
    through_practice(window)
    with window.page.expect_download() as download:
        window.page.locator("#save").click()
    assert len(Path(download.value.path()).read_text(encoding="utf-8").splitlines()) == 4
    window.check()


def test_a_mailed_page_shows_the_reason_of_an_earlier_answer_and_keeps_it(
    chromium: Any, job: JobFolder, tmp_path: Path
) -> None:
    place = admit(job, ["post"]).annotators["post"]
    window = Window(chromium, write_page(Material(job), place, tmp_path).as_uri())
    through_practice(window)
    for answer in ("y", "a"):
        window.press("e")
        window.page.keyboard.type(f"because {answer}")
        window.press("Enter", answer)
    for reason in ("because a", "because y"):
        window.press("ArrowLeft")
        assert window.page.locator("#reason").input_value() == reason
    window.press("n")
    with window.page.expect_download() as download:
        window.press("s")
    votes = [json.loads(line) for line in Path(download.value.path()).read_text(encoding="utf-8").splitlines()][-2:]
    assert [(vote["answer"], vote["reason"]) for vote in votes] == [("no", "because y"), ("accept", "because a")]
    window.check()


def test_withdrawing_from_a_mailed_page_leaves_nothing_in_the_browser(
    chromium: Any, job: JobFolder, tmp_path: Path
) -> None:
    place = admit(job, ["gone"]).annotators["gone"]
    window = Window(chromium, write_page(Material(job), place, tmp_path).as_uri())
    page = window.page
    through_practice(window)
    window.press("y")
    kept = "Object.keys(localStorage).length"
    assert page.evaluate(kept) == 4, "consent, two answers of practice and one"
    window.press("?")
    page.locator("#withdraw").click()
    assert "from this browser" in window.text("#leaving-how")
    page.locator("#leave").click()
    page.get_by_text("You have withdrawn.").wait_for()
    assert not page.locator("#save").is_visible()
    assert page.evaluate(kept) == 0
    page.reload()
    window.settled()
    assert page.locator("#view-instructions").is_visible()
    window.check()
