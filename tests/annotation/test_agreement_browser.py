"""The agreement page in a real browser: nothing runs, nothing is asked for, it fits a phone and reads well aloud."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("playwright.sync_api", reason="no playwright: the `browser` group is not installed")
pytest.importorskip("axe_playwright_python.sync_playwright", reason="no axe-core: see the `browser` group")

from proactivebench.annotation.agreement import agreement_of
from proactivebench.annotation.agreement_page import page
from tests.annotation.test_agreement_page import voted
from tests.board.test_browser import CHROMIUM, Visit, axe, chromium

__all__ = ["chromium"]
pytestmark = [pytest.mark.browser, pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")]


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a job whose texts are attacks."""
    folder = voted(tmp_path_factory.mktemp("jobs") / "job")
    path = tmp_path_factory.mktemp("page") / "page.html"
    path.write_text(page(folder, agreement_of(folder, most=3)), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "how",
    [
        {"viewport": {"width": 1200, "height": 900}},
        {"viewport": {"width": 390, "height": 844}, "color_scheme": "dark"},
    ],
    ids=["desktop", "phone, dark"],
)
def test_the_page_is_whole_quiet_and_accessible(file, chromium, how) -> None:
    visit = Visit(chromium, file, **how)
    visit.page.locator("details summary").first.click()
    assert visit.page.locator("svg.plot").count() == 10
    assert visit.page.evaluate("document.documentElement.scrollWidth") <= how["viewport"]["width"]
    found = axe.Axe().run(visit.page)
    assert found.violations_count == 0, found.generate_report()
    visit.check(file)
