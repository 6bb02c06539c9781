"""The site in a real browser: it sorts, filters, opens entries and moments, asks nobody outside, reads well aloud."""

import shutil
from dataclasses import replace

import pytest

from proactivebench.board.building import build_board, publish
from proactivebench.board.site import write_site
from proactivebench.board.viewer import write_view
from proactivebench.store import RunStore

from .forging import declared, judged_by_a_model, lines, verdict_name, write_declared, write_lines

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
playwright = pytest.importorskip("playwright.sync_api", reason="no playwright: the `browser` group is not installed")
axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="no axe-core: see the `browser` group")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")

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
def site(board, tmp_path_factory):
    """A built site with one entry whose texts are attacks."""
    root = tmp_path_factory.mktemp("attacked")
    shutil.copytree(board / "entries", root / "entries")
    folder = root / "entries" / "acme__helper-7b" / "r1"
    content = declared(folder)
    content["declared"]["notes"] = "<img src=x onerror=\"document.title='owned'\">"
    write_declared(folder, content)
    loud = shutil.copytree(folder.parent, root / "entries" / "acme__loud-7b") / "r1"
    content = declared(loud)
    content["declared"]["model"] = "loud-7b"
    write_declared(loud, content)
    judged_by_a_model(loud)
    name = verdict_name(loud)
    attack = "</script><script>document.title='owned'</script>"
    write_lines(loud, name, [verdict | {"reason": attack} for verdict in lines(loud, name)])
    output = tmp_path_factory.mktemp("site")
    publish(build_board(root), output)
    return output


@pytest.fixture(scope="module")
def chromium():
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield browser
        browser.close()


class Visit:
    """A page with everything that went wrong on it, and everything it asked for."""

    def __init__(self, browser, path, query="", **context):
        self.page = browser.new_context(**context).new_page()
        self.troubles, self.requests = [], []
        self.page.on("console", lambda m: self.troubles.append(m.text) if m.type in ("error", "warning") else None)
        self.page.on("pageerror", lambda error: self.troubles.append(str(error)))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.goto(path.as_uri() + query)

    def check(self, root):
        assert self.troubles == []
        outside = [url for url in self.requests if not url.startswith((root.as_uri(), "data:"))]
        assert outside == [], "no request leaves the page"
        assert self.page.title() != "owned"


def names(page, table="table-1"):
    return page.locator(f"#{table} tbody tr:visible th[scope=row]").evaluate_all(
        "cells => cells.map(cell => (cell.querySelector('a') || cell).textContent.trim())"
    )


def test_the_table_sorts_by_its_heads(site, chromium):
    visit = Visit(chromium, site / "index.html")
    page = visit.page
    assert names(page)[0] == "helper-7b", "best F1 first"
    head = page.locator("#table-1 thead th").nth(1)
    head.get_by_role("button").click()
    assert head.get_attribute("aria-sort") == "ascending"
    assert names(page) == sorted(names(page))
    head.get_by_role("button").press("Enter")
    assert head.get_attribute("aria-sort") == "descending"
    assert names(page) == sorted(names(page), reverse=True)
    visit.check(site)


def test_filters_never_hide_the_trivial_agents(site, chromium):
    visit = Visit(chromium, site / "index.html")
    page = visit.page
    page.get_by_label("Agent, organisation or badge").first.fill("nobody of this name")
    assert sorted(names(page)) == ["always", "never"]
    assert page.get_by_role("status").first.inner_text() == "no match; trivial agents shown"
    page.get_by_label("Agent, organisation or badge").first.fill("acme")
    assert "helper-7b" in names(page)
    visit.check(site)


def test_an_entry_and_a_moment_open_and_attacks_stay_text(site, chromium):
    visit = Visit(chromium, site / "index.html")
    page = visit.page
    page.get_by_role("link", name="loud-7b").click()
    page.locator("ol.moments > li").first.wait_for()
    assert "onerror" in page.locator("dl.facts").inner_text()
    whole = page.locator("ol.moments > li").count()
    assert whole == 231
    page.get_by_label("Outcome").select_option("A R U")
    offers = page.locator("ol.moments > li").count()
    assert 0 < offers < whole
    assert page.get_by_text("</script><script>").first.is_visible()
    moment = page.locator("ol.moments > li").nth(2)
    moment.locator("a.when").click()
    place = page.url
    assert place.endswith("#" + moment.get_attribute("id"))
    visit.check(site)
    again = Visit(chromium, site / "index.html")
    again.page.goto(place)
    again.page.locator("ol.moments > li.aimed").wait_for()
    again.check(site)


def test_two_entries_stand_side_by_side_at_the_same_moment(site, chromium):
    visit = Visit(chromium, site / "compare.html")
    page = visit.page
    page.get_by_label("First entry").select_option("acme__helper-7b/r1")
    page.wait_for_url("**/compare.html?*")
    page.get_by_label("Second entry").select_option("proactivebench__always/r1")
    page.wait_for_url("**b=proactivebench__always*")
    first = page.locator("ol.moments > li").first
    first.wait_for()
    assert first.locator(".who").all_inner_texts() == ["helper-7b", "always"]
    visit.check(site)


def test_a_made_up_entry_in_the_address_loads_nothing(site, chromium):
    visit = Visit(chromium, site / "compare.html", "?a=../../../etc/passwd&b=//evil.example/x")
    visit.page.get_by_text("Choose entries").wait_for()
    visit.check(site)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_pages_pass_an_accessibility_check(site, chromium, scheme, width):
    for file in ("index.html", "judges.html", "submit.html", "compare.html", "entries/acme__helper-7b/r1/index.html"):
        visit = Visit(chromium, site / file, color_scheme=scheme, viewport={"width": width, "height": 800})
        results = axe.Axe().run(visit.page, options={"preload": False})
        found = [(v["id"], [n["target"] for n in v["nodes"]][:3]) for v in results.response["violations"]]
        assert found == [], file
        wide = visit.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, f"{file} scrolls sideways at {width}"
        visit.check(site)


def test_a_run_is_one_file_without_the_site(runs, tmp_path, chromium):
    page_file = write_view([RunStore(runs / "oracle"), RunStore(runs / "parrot")], tmp_path / "alone.html")
    visit = Visit(chromium, page_file)
    visit.page.locator("ol.moments > li").first.wait_for()
    assert visit.requests == [page_file.as_uri()]
    assert visit.page.locator("ol.moments > li").count() == 231
    visit.check(page_file)


def test_a_table_of_a_thousand_rows_sorts_and_shows_all_on_demand(board, tmp_path, chromium):
    built = build_board(board)
    served = next(row for group in built.groups for row in group if row.name == "helper-7b")
    trivial = next(row for group in built.groups for row in group if row.name == "always")
    rows = [replace(served, name=f"model-{number:04}", key=f"acme__model-{number}/r1") for number in range(999)]
    write_site([[*rows, trivial]], [], [], tmp_path)
    visit = Visit(chromium, tmp_path / "index.html")
    page = visit.page
    page.get_by_role("button", name="Precision").click()
    assert len(names(page)) == 101
    assert "always" in names(page)
    page.get_by_role("button", name="Show all rows").click()
    assert len(names(page)) == 1000
    visit.check(tmp_path)
