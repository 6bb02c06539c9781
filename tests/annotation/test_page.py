"""The annotators' page in a real browser: by keyboard alone, in two windows, its server killed, mailed, on a phone."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from proactivebench.annotation.annotators import admit
from proactivebench.annotation.collect import collect
from proactivebench.annotation.job import JobFolder
from proactivebench.annotation.mailing import write_page
from proactivebench.annotation.order import showings
from proactivebench.annotation.showing import Material
from proactivebench.records import AnnotationItem, Answer, Consent, Event, OfferText, Plan, Trace, Vote
from tests.annotation.jobs import WHEN, make_job
from tests.annotation.people import served
from tests.annotation.test_served_process import links, process

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
playwright = pytest.importorskip("playwright.sync_api", reason="no playwright: the `browser` group is not installed")
axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="no axe-core: see the `browser` group")
pytestmark = [pytest.mark.browser, pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")]

QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PEOPLE = [f"p{number}" for number in range(12)]
ATTACK = "<img src=x onerror=\"document.title='owned'\"></script><script>document.title='owned'</script>"
PHONE = {"viewport": {"width": 360, "height": 640}, "has_touch": True, "is_mobile": True}


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> JobFolder:
    """Two sessions of two moments with two offers, a practice item before and one item again after: 6 showings."""
    plan = Plan(annotators=1, overlap=1, repeats=0.25)
    return make_job(tmp_path_factory.mktemp("paged") / "job", sessions=2, events=2, plan=plan)


class Local:
    """The links of a job that is served beside the test, one a person; each test takes people of its own."""

    def __init__(self, folder: JobFolder, links: dict[str, str]) -> None:
        self.folder, self.links, self._free = folder, links, list(links)

    def person(self) -> tuple[str, str]:
        """Somebody who has not been there, and their link."""
        name = self._free.pop()
        return name, self.links[name]

    def said(self, name: str) -> list[tuple[str, int, str | None, str | None]]:
        """What stands on disk of one person: item, occasion, offer, answer, in the order first given."""
        votes = [vote for key, vote in self.folder.votes(practice=True).items() if key.annotator == name]
        return [(v.item_id, v.occasion, v.offer_id, v.answer) for v in sorted(votes, key=lambda vote: vote.order)]


@contextmanager
def beside(folder: JobFolder) -> Iterator[Local]:
    """A real server on loopback in a thread."""
    ready, done = threading.Event(), threading.Event()
    found: dict[str, str] = {}

    async def serve() -> None:
        async with served(folder.path, PEOPLE) as serving:
            found.update({name: serving.person(name).link for name in serving.tokens})
            ready.set()
            await asyncio.to_thread(done.wait)

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    try:
        assert ready.wait(30)
        yield Local(folder, found)
    finally:
        done.set()
        thread.join()


@pytest.fixture(scope="module")
def local(job: JobFolder) -> Iterator[Local]:
    with beside(job) as found:
        yield found


class Window:
    """One window at a page, with all that went wrong in it, all it asked for and all it was told."""

    def __init__(self, browser: Any, link: str, *, context: Any = None, **how: Any) -> None:
        self.link = link
        self.context = context or browser.new_context(**how)
        self.page = self.context.new_page()
        self.page.set_default_timeout(30_000)
        self.troubles: list[str] = []
        self.requests: list[str] = []
        self.told: list[Any] = []
        self.page.on("pageerror", lambda error: self.troubles.append(str(error)))
        self.page.on("console", lambda m: self.troubles.append(m.text) if m.type in ("error", "warning") else None)
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("response", lambda response: self.told.append(response))
        self.page.goto(link)
        self.settled()

    def settled(self) -> None:
        """Wait until nothing is on its way."""
        self.page.wait_for_selector("main[aria-busy=false]", state="attached")

    def press(self, *keys: str) -> None:
        """One key after the other, as fast as the page takes them."""
        for key in keys:
            self.page.keyboard.press(key)
            self.settled()

    def begin(self) -> None:
        """Read the instructions and agree."""
        for _ in range(20):
            if not self.page.locator("#view-instructions").is_visible():
                return
            self.press("Enter")

    def text(self, selector: str) -> str:
        return str(self.page.locator(selector).inner_text())

    @property
    def question(self) -> str:
        return self.text("#question")

    @property
    def pressed(self) -> list[str]:
        """The answers that stand on the buttons."""
        return list(self.page.locator("[aria-pressed=true]").evaluate_all("all => all.map(one => one.dataset.answer)"))

    def check(self, *, faults: bool = True) -> None:
        """Nothing went wrong, nothing was asked of anybody else, and no foreign text ran."""
        if faults:
            assert self.troubles == []
        base = self.link.rpartition("/")[0]
        assert [url for url in self.requests if not url.startswith((base, "data:", "blob:"))] == []
        assert self.page.title() != "owned"
        self.context.close()


def through_practice(window: Window) -> None:
    window.begin()
    window.press("n", "r", "Enter")


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


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> JobFolder:
    """A job whose texts are attacks, long words and long events, its times as people write them."""
    times = ("Day 1, 10:30 PM", "Day 1, 11:00 PM", "Day 2, 1:00 AM", "whenever", "Day 2, 1:00 AM")
    texts = (ATTACK, "w" * 400, "long " * 400, "a\nb", ATTACK)
    events = tuple(Event(time=time, event=text) for time, text in zip(times, texts, strict=True))
    trace = Trace(trace_id="s0", split="coding", events=events)
    offers = (OfferText(offer_id="o0", text=ATTACK), OfferText(offer_id="o1", text="x" * 300))
    item = AnnotationItem(item_id="i0", trace_id="s0", turn=4, offers=offers)
    taught = item.model_copy(update={"item_id": "practice-0", "practice": True, "known_need": Answer.NO, "why": ATTACK})
    plain = make_job(tmp_path_factory.mktemp("plain") / "job", sessions=1)
    texts_of = {"en": f"# {ATTACK}\n\n| a | b |\n|---|---|\n| c | {'d' * 80} |\n", "zh": "说明"}
    return JobFolder.create(plain.path.parent / "hostile", plain.job, (trace,), (taught, item), (), texts_of)


def clean(window: Window, **more: Any) -> None:
    """axe-core finds nothing, and nothing is wider than the screen."""
    wide = window.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide <= 0, "scrolls sideways"
    results = axe.Axe().run(window.page, options={"preload": False, "resultTypes": ["violations"], **more})
    assert [(v["id"], [n["target"] for n in v["nodes"]][:3]) for v in results.response["violations"]] == []


CONTRAST = {"runOnly": ["color-contrast"]}


@pytest.mark.parametrize(
    ("how", "rules"),
    [
        ({"viewport": {"width": 1280, "height": 800}}, {}),
        ({"viewport": {"width": 1280, "height": 800}, "color_scheme": "dark"}, CONTRAST),
        (PHONE, {}),
        ({**PHONE, "color_scheme": "dark"}, CONTRAST),
    ],
    ids=["light", "dark", "phone", "dark phone"],
)
def test_every_view_passes_an_accessibility_check_and_fits(
    chromium: Any, hostile: JobFolder, tmp_path: Path, how: dict[str, Any], rules: dict[str, Any]
) -> None:
    place = admit(hostile, ["ann"]).annotators["ann"]
    window = Window(chromium, write_page(Material(hostile), place, tmp_path).as_uri(), **how)
    page = window.page
    clean(window, **rules)
    window.begin()
    clean(window, **rules)
    assert page.locator(".gap").all_inner_texts() == ["30 min later", "2 hr later"]
    assert page.locator(".event").first.inner_text() == ATTACK
    page.locator(".more").click()
    assert len(page.locator(".event").nth(2).inner_text()) > 1_900
    window.press("y", "e")
    assert window.text("#offer-text") in (ATTACK, "x" * 300)
    clean(window, **rules)
    window.press("Escape", "a", "r")
    assert window.text("#taught-why") == ATTACK
    clean(window, **rules)
    window.press("Enter", "ArrowLeft", "?")
    clean(window, **rules)
    window.press("?", "p")
    clean(window, **rules)
    window.press("p", "Escape", "n", "r", "u")
    assert page.locator("#done-title").is_visible()
    clean(window, **rules)
    window.check()


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
