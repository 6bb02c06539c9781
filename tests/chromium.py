"""Pages in a Chromium of the machine's own. A test module that imports this is skipped where there is none, or where
the group `browser` is not installed."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

playwright = pytest.importorskip("playwright.sync_api", reason="no playwright: the `browser` group is not installed")
axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="no axe-core: see the `browser` group")

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
IN_CHROMIUM = [pytest.mark.browser, pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")]
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield browser
        browser.close()


class Opened:
    """A page, with everything that went wrong on it, and everything it asked for."""

    def __init__(self, context: Any) -> None:
        self.context, self.page = context, context.new_page()
        self.troubles: list[str] = []
        self.requests: list[str] = []
        self.page.on("console", lambda m: self.troubles.append(m.text) if m.type in ("error", "warning") else None)
        self.page.on("pageerror", lambda error: self.troubles.append(str(error)))
        self.page.on("request", lambda request: self.requests.append(request.url))

    def harmless(self, *own: str) -> None:
        """Nothing was asked of anybody whose address does not begin with one of `own`, and no foreign text ran."""
        assert [url for url in self.requests if not url.startswith(own)] == [], "no request leaves the page"
        assert self.page.title() != "owned"


class Visit(Opened):
    """A page that is a file."""

    def __init__(self, browser: Any, path: Path, query: str = "", **context: Any) -> None:
        super().__init__(browser.new_context(**context))
        self.page.goto(path.as_uri() + query)

    def check(self, root: Path) -> None:
        """Nothing went wrong, and nothing but files below `root` was asked for."""
        assert self.troubles == []
        self.harmless(root.as_uri(), "data:")


def no_wider_than_the_screen(page: Any, name: object = "") -> None:
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide <= 0, f"scrolls sideways {name}"


def no_violation(page: Any, **options: Any) -> None:
    """axe-core finds nothing against the rules that `options` leaves it."""
    quick = {"preload": False, "resultTypes": ["violations"]}
    results = axe.Axe().run(page, options=quick | options)
    assert [(v["id"], [n["target"] for n in v["nodes"]][:3]) for v in results.response["violations"]] == []
