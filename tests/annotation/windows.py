"""Windows at the annotators' page in a real browser, and a job that is served beside them."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from proactivebench.annotation.job import JobFolder
from proactivebench.records import Plan
from tests.annotation.jobs import make_job
from tests.annotation.people import served
from tests.chromium import Opened

PEOPLE = [f"p{number}" for number in range(12)]
PHONE = {"viewport": {"width": 360, "height": 640}, "has_touch": True, "is_mobile": True}


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


@pytest.fixture(scope="module")
def local(job: JobFolder) -> Iterator[Local]:
    """The job behind a real server on loopback, in a thread."""
    ready, done = threading.Event(), threading.Event()
    found: dict[str, str] = {}

    async def serve() -> None:
        async with served(job.path, PEOPLE) as serving:
            found.update({name: serving.person(name).link for name in serving.tokens})
            ready.set()
            await asyncio.to_thread(done.wait)

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    try:
        assert ready.wait(30)
        yield Local(job, found)
    finally:
        done.set()
        thread.join()


class Window(Opened):
    """One window at a page, and all it was told."""

    def __init__(self, browser: Any, link: str, *, context: Any = None, **how: Any) -> None:
        super().__init__(context or browser.new_context(**how))
        self.link = link
        self.page.set_default_timeout(30_000)
        self.told: list[Any] = []
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
        self.harmless(self.link.rpartition("/")[0], "data:", "blob:")
        self.context.close()


def through_practice(window: Window) -> None:
    window.begin()
    window.press("n", "r", "Enter")
