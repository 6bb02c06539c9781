"""Every view of the annotators' page in a real browser: it fits, reads well aloud, and runs no foreign text."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from proactivebench.annotation.annotators import admit
from proactivebench.annotation.job import JobFolder
from proactivebench.annotation.mailing import write_page
from proactivebench.annotation.showing import Material
from proactivebench.records import AnnotationItem, Answer, Event, OfferText, Trace
from tests.annotation.jobs import make_job
from tests.annotation.windows import PHONE, Window
from tests.chromium import IN_CHROMIUM, chromium, no_violation, no_wider_than_the_screen

pytestmark = IN_CHROMIUM
__all__ = ["chromium"]

ATTACK = "<img src=x onerror=\"document.title='owned'\"></script><script>document.title='owned'</script>"


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
    no_wider_than_the_screen(window.page)
    no_violation(window.page, **more)


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
