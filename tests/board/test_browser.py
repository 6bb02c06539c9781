"""The site in a real browser: it sorts, filters, opens entries and moments, asks nobody outside, reads well aloud."""

import shutil
from dataclasses import replace

import pytest

from proactivebench.board.publish.building import build_board, publish
from proactivebench.board.publish.prepare import prepare_entry
from proactivebench.board.site.viewer import write_view
from proactivebench.board.site.write import write_site
from proactivebench.evaluation import run_async
from proactivebench.preparation import Settings, prepare
from proactivebench.store import RunStore
from tests.chromium import IN_CHROMIUM, Visit, chromium, no_violation, no_wider_than_the_screen

from .conftest import DECLARED
from .forging import as_served, declared, judged_by_a_model, lines, verdict_name, write_declared, write_lines
from .vouching import reproduced

pytestmark = IN_CHROMIUM
__all__ = ["chromium"]


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


def names(page, table="table-2"):
    return page.locator(f"#{table} tbody tr:visible th[scope=row]").evaluate_all(
        "cells => cells.map(cell => (cell.querySelector('a, abbr') || cell).textContent.trim())"
    )


def test_the_table_sorts_by_its_heads(site, chromium):
    visit = Visit(chromium, site / "index.html")
    page = visit.page
    assert names(page)[0] == "helper-7b", "best at need detection first"
    head = page.locator("#table-2 thead th").nth(1)
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
    tools = page.locator(".tools[data-table=table-2]")
    tools.get_by_label("Agent, organisation or badge").fill("nobody of this name")
    assert sorted(names(page)) == ["always", "never"]
    assert tools.get_by_role("status").first.inner_text() == "no match; trivial agents shown"
    tools.get_by_label("Agent, organisation or badge").fill("acme")
    assert "helper-7b" in names(page)
    spoken = page.locator(".tools[data-table=when-table-1]")
    spoken.get_by_label("Agent, organisation or badge").fill("nobody of this name")
    assert "helper-7b" not in names(page, "when-table-1")
    assert {"always", "lexical-need", "need-oracle"} <= set(names(page, "when-table-1"))
    visit.check(site)


def test_what_is_reported_stays_behind_what_is_ranked_whatever_it_is_sorted_by(board, runs, tmp_path, chromium):
    shutil.copytree(board / "entries" / "acme__helper-7b", tmp_path / "entries" / "acme__helper-7b")
    prepare_entry(
        as_served(runs / "parrot", tmp_path / "run", "talker"),
        tmp_path / "entries" / "acme__talker" / "r1",
        DECLARED.model_copy(update={"model": "talker"}),
        "r1",
    )
    reproduced(tmp_path, "acme__talker/r1")
    publish(build_board(tmp_path), tmp_path / "site")
    page = Visit(chromium, tmp_path / "site" / "index.html").page
    for head in ("Need recall", "Balanced accuracy", "Agent"):
        for _ in range(2):
            page.locator("#when-table-1 thead th", has_text=head).first.get_by_role("button").click()
            assert names(page, "when-table-1")[0] == "talker"
            assert names(page, "when-table-1")[-1] == "need-oracle"


def test_an_entry_and_a_moment_open_and_attacks_stay_text(site, chromium):
    visit = Visit(chromium, site / "index.html")
    page = visit.page
    page.get_by_role("link", name="loud-7b").first.click()
    page.locator("ol.moments > li").first.wait_for()
    assert "onerror" in page.locator("dl.facts").inner_text()
    whole = page.locator("ol.moments > li").count()
    assert whole == 231
    page.get_by_label("Outcome").select_option("A R U")
    offers = page.locator("ol.moments > li").count()
    assert 0 < offers < whole
    assert page.get_by_text("</script><script>").first.is_visible()
    page.get_by_label("Outcome").select_option("")
    strips = page.locator("#traces > div svg.strip")
    assert strips.count() == page.locator("#traces > div section").count()
    first = strips.first
    assert first.locator("rect.need").count() > 0
    assert first.locator("rect.vote").count() > 0
    assert (
        first.locator("path.change").count() == page.locator("#traces > div section").first.locator(".changes").count()
    )
    marks = first.locator("a")
    assert marks.count() == page.locator("#traces > div section").first.locator("ol.moments > li").count()
    overview = page.locator(".overview")
    assert overview.locator("svg.strip").count() == 0
    overview.locator("summary").click()
    overview.locator("svg.strip").first.wait_for()
    assert overview.locator("svg.strip").count() == strips.count()
    overview.locator("summary").click()
    marks.nth(1).click()
    assert page.locator("ol.moments > li.aimed").get_attribute("id").endswith("/1")
    page.get_by_label("Outcome").select_option("A R U")
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
    page.wait_for_url("**b=proactivebench__always**")
    first = page.locator("ol.moments > li").first
    first.wait_for()
    assert first.locator(".who").all_inner_texts() == ["helper-7b", "always"]
    visit.check(site)


def test_a_made_up_entry_in_the_address_loads_nothing(site, chromium):
    visit = Visit(chromium, site / "compare.html", "?a=../../../etc/passwd&b=//evil.example/x")
    visit.page.get_by_text("Choose entries").wait_for()
    visit.check(site)


TWO_OF_EACH_KIND = """() => {
    const kind = (node) => `${node.tagName}.${node.className}(${[...node.children].map(kind)})`;
    for (const list of document.querySelectorAll("tbody, ol, ul")) {
        const seen = {};
        for (const item of [...list.children]) {
            seen[kind(item)] = (seen[kind(item)] || 0) + 1;
            if (seen[kind(item)] > 2) item.remove();
        }
    }
}"""


def accessible_and_no_wider_than_the_screen(visit, width, *, colours_alone=False):
    """No violation and no sideways scrolling. What a colour scheme changes is colours alone: so `colours_alone` leaves
    out what was seen in another scheme. Contrast, which is slow to see, is looked at on two rows or moments of each
    kind (the same elements of the same classes in the same order); every other rule sees the whole page."""
    no_wider_than_the_screen(visit.page, f"at {width}")
    if not colours_alone:
        no_violation(visit.page, rules={"color-contrast": {"enabled": False}})
    visit.page.evaluate(TWO_OF_EACH_KIND)
    no_violation(visit.page, runOnly=["color-contrast"])


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 390)])
def test_pages_pass_an_accessibility_check(site, chromium, scheme, width):
    for file in ("index.html", "judges.html", "submit.html", "compare.html", "entries/acme__helper-7b/r1/index.html"):
        visit = Visit(chromium, site / file, color_scheme=scheme, viewport={"width": width, "height": 800})
        accessible_and_no_wider_than_the_screen(visit, width, colours_alone=scheme == "dark")
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
    page.get_by_role("button", name="Overlap precision").click()
    assert len(names(page, "table-1")) == 101
    assert "always" in names(page, "table-1")
    page.get_by_role("button", name="Show all rows").click()
    assert len(names(page, "table-1")) == 1000
    visit.check(tmp_path)


COMPARED = "?a=acme__helper-7b/r1&b=proactivebench__always/r1"


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_moments_beside_each_other_pass_an_accessibility_check(site, runs, tmp_path, chromium, scheme, width):
    alone = write_view([RunStore(runs / "oracle"), RunStore(runs / "parrot")], tmp_path / "alone.html")
    for page_file, query in ((site / "compare.html", COMPARED), (alone, "")):
        visit = Visit(chromium, page_file, query, color_scheme=scheme, viewport={"width": width, "height": 800})
        visit.page.locator("ol.moments > li").first.wait_for()
        accessible_and_no_wider_than_the_screen(visit, width)
        visit.check(page_file.parent)


def test_a_first_click_puts_the_best_first(site, chromium):
    page = Visit(chromium, site / "index.html").page
    for column in ("Rank", "Overlap false alarm (classical)", "Needless offers"):
        page.locator("#table-2").get_by_role("button", name=column, exact=True).click()
        assert page.locator("#table-2 thead th", has_text=column).get_attribute("aria-sort") == "ascending"
    page.locator("#table-2").get_by_role("button", name="Overlap precision").click()
    assert page.locator("#table-2 thead th", has_text="Overlap precision").get_attribute("aria-sort") == "descending"


def test_columns_and_empty_cells_are_explained_without_a_mouse(site, chromium):
    page = Visit(chromium, site / "index.html").page
    section = page.locator("section[aria-labelledby=group-2]")
    section.get_by_text("What the columns mean").press("Enter")
    meaning = section.locator("details[open] dl.facts", has_text="share of wrong moments with an offer").first
    assert "Overlap false alarm (classical) ↓" in meaning.inner_text()
    never = page.locator("#table-2 tbody tr", has_text="never")
    mark = never.locator("sup").first.inner_text()
    assert f"{mark} no scored offer" in section.locator(".marks").inner_text()


def test_the_trivial_agents_can_be_chosen_by_their_badge(site, chromium):
    page = Visit(chromium, site / "index.html").page
    page.locator(".tools[data-table=table-2] select[name=badges]").select_option("trivial")
    assert sorted(names(page)) == ["always", "never"]


def test_a_link_to_a_moment_shows_it_under_any_filter(site, chromium):
    visit = Visit(chromium, site / "entries/acme__helper-7b/r1/index.html")
    page = visit.page
    silent = page.locator("ol.moments > li", has_text="right silence").first.get_attribute("id")
    page.get_by_label("Outcome").select_option("A R U")
    assert page.locator(f"[id='{silent}']").count() == 0
    page.evaluate("id => { location.hash = id }", silent)
    page.locator("li.aimed").wait_for()
    assert page.evaluate("document.activeElement.id") == silent
    page.evaluate("location.hash = '%'")
    page.locator("li.aimed").get_by_role("link", name="Another entry").click()
    page.wait_for_url("**/compare.html?**")
    assert page.locator("li.aimed").get_attribute("id") == silent
    page.get_by_label("Second entry").select_option("proactivebench__always/r1")
    page.wait_for_url("**b=proactivebench__always**")
    page.locator("li.aimed .answers-2").wait_for()
    assert page.locator("li.aimed").get_attribute("id") == silent
    visit.check(site)


def test_moments_side_by_side_can_be_cut_to_those_that_differ(site, chromium):
    visit = Visit(chromium, site / "compare.html", COMPARED)
    page = visit.page
    page.locator("ol.moments > li").first.wait_for()
    page.get_by_label("only where the outcomes differ").check()
    for moment in page.locator("ol.moments > li").all()[:20]:
        one, other = moment.locator(".outcome").all_inner_texts()
        assert one != other
    assert 0 < page.locator("ol.moments > li").count() < 231
    visit.check(site)


def test_a_repeat_stands_in_the_link_to_its_moment(tmp_path, chromium):
    evaluation = prepare(Settings(model="random", tasks="proactivebench_sample", repeats=2))
    run_async(evaluation.run(tmp_path / "run"))
    page_file = write_view([RunStore(tmp_path / "run")], tmp_path / "alone.html")
    visit = Visit(chromium, page_file)
    page = visit.page
    page.get_by_label("Repeat").select_option("1")
    page.locator("ol.moments > li").nth(3).locator("a.when").click()
    assert page.url.endswith("/3/r1")
    again = Visit(chromium, page_file, "#" + page.url.partition("#")[2])
    assert again.page.get_by_label("Repeat").input_value() == "1"
    assert again.page.locator("li.aimed").count() == 1
    again.check(page_file)


def test_a_site_without_texts_names_moments_by_their_turn(board, tmp_path, chromium):
    publish(build_board(board), tmp_path, texts="none")
    visit = Visit(chromium, tmp_path / "entries/acme__helper-7b/r1/index.html")
    assert visit.page.locator("a.when").all_inner_texts()[:3] == ["turn 0", "turn 1", "turn 2"]
    assert visit.page.get_by_text("no texts of the events").count() == 1
    visit.check(tmp_path)


def test_long_names_fit_a_phone_and_two_runs_of_a_model_are_told_apart(board, tmp_path, chromium):
    for number, run in enumerate(("r1", "a-run-of-another-day")):
        long = tmp_path / "entries" / f"acme__{'x' * 96}" / run
        shutil.copytree(board / "entries" / "acme__helper-7b" / "r1", long)
        content = declared(long)
        content["declared"] |= {"model": "x" * 96, "notes": "n" * 300, "licence": "l" * (300 - number)}
        write_declared(long, content | {"run_id": run})
    shutil.copytree(board / "entries" / "proactivebench__never", tmp_path / "entries" / "proactivebench__never")
    (tmp_path / "entries" / f"acme__{'y' * 90}" / "r1").mkdir(parents=True)
    publish(build_board(tmp_path), tmp_path / "site")
    pages = sorted((tmp_path / "site").rglob("*.html"))
    assert len(pages) == 9
    for page_file in pages:
        visit = Visit(chromium, page_file, viewport={"width": 390, "height": 800})
        no_wider_than_the_screen(visit.page, page_file.name)
        visit.check(tmp_path)
    options = Visit(chromium, tmp_path / "site" / "compare.html").page.locator("select").first.locator("option")
    assert len(set(options.all_inner_texts())) == 4


def test_a_wide_table_says_that_it_goes_on(site, chromium):
    page = Visit(chromium, site / "index.html", viewport={"width": 390, "height": 800}).page
    assert page.locator("p.hint").first.is_visible()
    wide = Visit(chromium, site / "index.html", viewport={"width": 1280, "height": 800}).page
    assert not wide.locator("p.hint").first.is_visible()
    assert wide.evaluate("[...document.querySelectorAll('.scroller')].every(one => one.scrollWidth <= one.clientWidth)")
