"""The agreement page in a real browser: nothing runs, nothing is asked for, it fits a phone and reads well aloud."""

from __future__ import annotations

from pathlib import Path

import pytest

from proactivebench.annotation.agreement import agreement_of
from proactivebench.annotation.agreement_page import page
from tests.annotation.test_agreement_page import voted
from tests.chromium import IN_CHROMIUM, Visit, chromium, no_violation

__all__ = ["chromium"]
pytestmark = IN_CHROMIUM


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
    no_violation(visit.page)
    visit.check(file)
