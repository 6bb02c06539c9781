"""The annotators' page in a real browser: by keyboard alone, in two windows, its server killed, by finger."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from proactivebench.annotation.job import JobFolder
from proactivebench.annotation.order import showings
from proactivebench.records import Answer
from tests.annotation.jobs import WHEN, make_job
from tests.annotation.test_served_process import links, process
from tests.annotation.windows import PHONE, Local, Window, job, local, through_practice
from tests.chromium import IN_CHROMIUM, chromium

pytestmark = IN_CHROMIUM
__all__ = ["chromium", "job", "local"]


def test_a_session_unfolds_by_keyboard_alone_and_every_key_is_on_disk(chromium: Any, local: Local) -> None:
    name, link = local.person()
    window = Window(chromium, link)
    page = window.page
    assert window.text("#instructions h3") == "What this is"
    assert not page.locator("#timeline").is_visible()
    window.begin()
    assert "Practice" in window.text("#tags")
    window.press("y")
    assert window.text("#offer-text") == "Open the file for you"
    window.press("r")
    assert window.text("#taught-why") == "Nothing has happened yet."
    assert window.text("#taught-answers").split("\n") == [
        "Help now",
        "No",
        "you said: Yes",
        "Open the file for you",
        "Reject",
        "as you",
    ]
    window.press("y", "a")
    assert page.locator("#taught").is_visible(), "no answer is given while the feedback stands"
    window.press("Enter")
    assert "from here on your answers count" in window.text("#tags")
    slot = local.folder.annotators()[name].slot
    shown = showings(local.folder.job, list(local.folder.items.values()), slot)
    asked: list[tuple[str, int, str | None, str | None]] = []
    for number, one in enumerate(shown[1:], start=2):
        item = local.folder.items[one.item_id]
        assert window.text("#counted").startswith(f"{number} of {len(shown)}")
        assert page.evaluate("document.activeElement.id") == "question"
        assert page.locator("#timeline .moment").count() == item.turn + 1
        assert f"step {item.turn} of {item.trace_id}." in window.text(".newest")
        assert not page.locator("#offer").is_visible()
        for key, offer, answer in zip("u32", (None, *one.offers), ("unsure", "premature", "reject"), strict=True):
            if offer:
                assert window.text("#offer-text").startswith(f"Offer {offer[1]} at step {item.turn} of {item.trace_id}")
            window.press(key)
            asked.append((item.item_id, one.occasion, offer, answer))
            assert local.said(name)[-1] == asked[-1], "on disk before the next is shown"
    assert window.text("#done-title").startswith("That was everything")
    assert local.said(name)[2:] == asked
    nothing_of_the_future(window, local.folder)
    window.check()


def nothing_of_the_future(window: Window, folder: JobFolder) -> None:
    """What the server told: no event after the item's, no word of runs, no practice item's answer before its time."""
    looked = 0
    for response in window.told:
        if not response.url.startswith(window.link + "showing/") and not response.url.endswith("/vote"):
            continue
        found = response.json()
        text = json.dumps(found)
        assert "sources" not in text and "known" not in text and "probability" not in text
        turns = {int(event["event"].split()[4]) for event in found["events"]}
        assert turns == set(range(len(found["events"])))
        for turn in range(len(turns), 3):
            assert f"step {turn} of" not in text
        assert found["complete"] or "taught" not in found
        assert (found["offers"] is None) == (found["said"]["need"] is None)
        looked += 1
    assert looked > 20


def test_what_was_said_is_taken_back_changed_and_given_a_reason(chromium: Any, local: Local) -> None:
    name, link = local.person()
    window = Window(chromium, link)
    page = window.page
    through_practice(window)
    window.press("e")
    assert page.evaluate("document.activeElement.id") == "reason"
    page.keyboard.type("any help, no? ay")
    window.press("Enter", "y")
    first = [vote for vote in local.folder.votes().values() if vote.annotator == name]
    assert [(vote.answer, vote.reason) for vote in first] == [(Answer.YES, "any help, no? ay")]
    window.press("a", "l")
    assert window.text("#counted").startswith("3 of")
    window.press("Backspace")
    assert window.text("#counted").startswith("2 of")
    assert "2 of 2" in window.text("#offer-title")
    window.press("z", "Control+z")
    assert window.question == "Would you want help now?"
    assert [one[3] for one in local.said(name)] == ["no", "reject"], "only practice is left"
    window.press("n", "a", "l")
    window.press("ArrowLeft")
    assert (window.pressed, window.text("#tags").split("\n")[-1]) == (["premature"], "Looking back")
    window.press("ArrowLeft", "r")
    assert window.pressed == ["reject"]
    window.press("ArrowLeft", "ArrowRight", "ArrowRight")
    assert window.pressed == ["premature"]
    window.press("e")
    page.keyboard.type("later")
    window.press("Enter")
    assert [vote.reason for vote in local.folder.votes().values() if vote.annotator == name] == [None, None, "later"]
    window.press("Escape")
    assert window.text("#counted").startswith("3 of")
    assert [one[3] for one in local.said(name)][2:] == ["no", "reject", "premature"]
    window.press("ArrowLeft", "ArrowLeft", "ArrowLeft", "ArrowLeft", "ArrowLeft", "ArrowLeft", "ArrowLeft")
    assert window.text("#counted").startswith("1 of")
    assert page.locator("#earlier").is_disabled()
    nothing_before = window.text("#question")
    window.press("z", "Backspace")
    assert window.text("#question") == nothing_before, "nothing is taken back while looking back"
    window.check()


def test_the_page_changes_language_and_colours_and_pauses(chromium: Any, local: Local) -> None:
    _, link = local.person()
    window = Window(chromium, link, locale="zh-CN", color_scheme="dark")
    page = window.page
    assert window.text("#instructions-title") == "开始之前"
    assert window.text("#instructions h3") == "说明"
    window.begin()
    assert (window.question, page.evaluate("document.documentElement.lang")) == ("您现在想要帮助吗？", "zh")
    page.select_option("#language", "en")
    assert window.question == "Would you want help now?"
    paper = "getComputedStyle(document.documentElement).backgroundColor"
    dark = page.evaluate(paper)
    page.locator("#theme").click()
    light = page.evaluate(paper)
    assert light != dark
    page.reload()
    window.settled()
    assert (window.question, page.evaluate(paper)) == ("Would you want help now?", light), "both are remembered"
    window.press("p")
    assert page.locator("#paused").is_visible()
    assert page.evaluate("getComputedStyle(document.getElementById('paused'), '::backdrop').backgroundColor") == light
    window.press("y", "ArrowRight", "?")
    window.press("p")
    assert not page.locator("#paused").is_visible()
    assert window.pressed == [], "no key answers what is not shown"
    window.press("?")
    assert "Take back the last answer" in window.text("#help")
    window.press("y", "?")
    assert (window.pressed, page.locator("#help").is_visible()) == ([], False)
    window.check()


def test_time_is_counted_while_the_item_is_looked_at_and_not_in_a_pause(chromium: Any, local: Local) -> None:
    name, link = local.person()
    context = chromium.new_context()
    context.clock.install(time=WHEN)
    window = Window(chromium, link, context=context)
    window.begin()
    context.clock.pause_at(WHEN + timedelta(hours=1))
    window.press("n")
    context.clock.run_for(4_000)
    window.press("p")
    context.clock.run_for(60_000)
    window.press("p")
    context.clock.run_for(2_000)
    window.press("r", "Enter", "n")
    context.clock.fast_forward(3_600_000)
    window.press("a")
    votes = [vote for vote in local.folder.votes(practice=True).values() if vote.annotator == name]
    first, second, third, fourth = (vote.seconds or 0.0 for vote in sorted(votes, key=lambda vote: vote.order))
    assert second - first == pytest.approx(6), "4 s before the pause and 2 s after it"
    assert third == 0
    assert fourth <= 3, "a closed laptop is no time spent"
    window.check()


# An answer to item 3 that the page does not hear of.
BEHIND = """(vote) => fetch('vote', {
    method: 'POST', headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ index: 3, reason: null, seconds: null, ...vote }),
})"""


def test_a_reload_goes_on_and_two_windows_of_one_person_meet(chromium: Any, local: Local) -> None:
    name, link = local.person()
    one = Window(chromium, link)
    through_practice(one)
    one.press("y", "a")
    one.page.reload()
    one.settled()
    assert "2 of 2" in one.text("#offer-title"), "in the middle of an item"
    other = Window(chromium, link, context=one.context)
    assert "2 of 2" in other.text("#offer-title")
    other.press("r", "n", "r", "r")
    assert other.text("#counted").startswith("4 of")
    one.page.locator("#counted", has_text="4 of").wait_for()
    one.press("y")
    other.page.evaluate("window.dispatchEvent(new Event('focus'))")
    other.page.locator("#offer").wait_for()
    assert "another window" in other.text("#tags")
    said = [answer for *_, answer in local.said(name)[2:]]
    assert said == ["yes", "accept", "reject", "no", "reject", "reject", "yes"]
    for offer in other.page.evaluate("async () => (await (await fetch('showing/3')).json()).offers"):
        other.page.evaluate(BEHIND, {"offer_id": offer["offer_id"], "answer": "accept"})
    other.press("l")
    assert other.text("#counted").startswith("5 of"), "a question that is answered elsewhere is passed over"
    other.page.evaluate(BEHIND, {"offer_id": None, "answer": None})
    other.press("y")
    assert other.text("#counted").startswith("4 of"), "one that is taken back elsewhere is asked again"
    other.check(faults=False)


def test_the_server_is_killed_in_the_middle_and_the_same_window_goes_on(chromium: Any, tmp_path: Path) -> None:
    job = make_job(tmp_path / "job", practice=False)
    with process(job.path, "--port", "0", "--annotator", "ann") as (running, lines):
        window = Window(chromium, links(lines)["ann"])
        window.begin()
        window.press("y")
        running.kill()
        running.wait()
    page = window.page
    page.keyboard.press("a")
    page.locator("#trouble").wait_for()
    assert window.text("#trouble-text").startswith("The server does not answer.")
    page.keyboard.press("r")
    assert window.pressed == ["reject"], "another word takes the place of the one that waits"
    with process(job.path):
        page.locator("#retry").click()
        page.locator("#offer-title", has_text="2 of 2").wait_for()
        window.settled()
        assert not page.locator("#trouble").is_visible()
        window.press("a")
        assert window.question == "Would you want help now?"
    page.keyboard.press("n")
    page.locator("#trouble").wait_for()
    with process(job.path):
        page.reload()
        window.settled()
        assert page.locator("#offer").is_visible(), "what could not be sent before the reload was sent after it"
    said = [vote.answer for vote in job.votes().values()]
    assert said == [Answer.YES, Answer.REJECT, Answer.ACCEPT, Answer.NO]
    window.check(faults=False)


def test_what_cannot_be_written_down_is_kept_and_tried_again(chromium: Any, local: Local) -> None:
    name, link = local.person()
    window = Window(chromium, link)
    window.begin()
    file = local.folder.votes_file(name)
    away = file.with_suffix(".away")
    file.rename(away)
    window.page.keyboard.press("n")
    window.page.locator("#trouble").wait_for()
    assert "could not be written down" in window.text("#trouble-text")
    assert "\n" not in window.text("#trouble-text")
    window.page.keyboard.press("y")
    away.rename(file)
    window.page.locator("#offer").wait_for()
    window.settled()
    assert local.said(name) == [("practice-0", 0, None, "yes")]
    window.check(faults=False)


def test_withdrawing_takes_two_steps_and_ends_the_link(chromium: Any, local: Local) -> None:
    name, link = local.person()
    window = Window(chromium, link)
    page = window.page
    through_practice(window)
    window.press("?")
    page.locator("#withdraw").click()
    window.press("Escape")
    assert local.said(name)
    window.press("?")
    page.locator("#withdraw").click()
    page.locator("#leave").click()
    page.get_by_text("You have withdrawn.").wait_for()
    assert name not in JobFolder(local.folder.path).annotators()
    assert not local.folder.votes_file(name).exists()
    window.press("n", "z", "ArrowLeft", "Enter")
    page.goto(link)
    assert "this link has ended" in page.content()
    window.check(faults=False)


def test_fingers_answer_and_a_second_tap_answers_nothing(chromium: Any, local: Local) -> None:
    name, link = local.person()
    context = chromium.new_context(**PHONE)
    context.clock.install(time=WHEN)
    window = Window(chromium, link, context=context)
    page = window.page
    page.locator("#consent").tap()
    page.locator("#view-item").wait_for()
    window.settled()
    context.clock.pause_at(WHEN + timedelta(hours=1))
    small = page.locator("button:visible, select:visible").evaluate_all(
        "all => all.map(one => one.getBoundingClientRect()).filter(box => box.width < 44 || box.height < 44).length"
    )
    assert small == 0, "every target is as wide as a finger"
    place = page.locator("[data-answer=no]").bounding_box()
    middle = (place["x"] + place["width"] / 2, place["y"] + place["height"] / 2)
    page.touchscreen.tap(*middle)
    window.settled()
    page.touchscreen.tap(*middle)
    window.settled()
    assert [one[3] for one in local.said(name)] == ["no"]
    context.clock.run_for(300)
    page.locator("[data-answer=reject]").tap()
    page.locator("#continue").wait_for()
    assert [one[3] for one in local.said(name)] == ["no", "reject"]
    window.check()


def test_times_are_read_as_people_write_them(chromium: Any, local: Local) -> None:
    window = Window(chromium, local.person()[1])
    for text, seconds in (
        ("1747985402.318", 1747985402.318),
        ("1747985402318", 1747985402.318),
        ("Day 1, 11:00 PM", 23 * 3600),
        ("day 2 12:05 a.m.", 86_400 + 300),
        ("14:05:30", 14 * 3600 + 330),
        ("2026-11-02T09:30:00Z", 1793611800),
        ("whenever", None),
        ("", None),
    ):
        assert window.page.evaluate("text => timeline.seconds(text)", text) == seconds, text
    for length, language, words in (
        (90, "en", "2 min"),
        (3600, "en", "1 hr"),
        (29_100, "en", "8 hr"),
        (5400, "en", "1.5 hr"),
        (172_800, "zh", "2天"),
    ):
        assert window.page.evaluate("([l, how]) => timeline.span(l, how)", [length, language]) == words
    window.check()
