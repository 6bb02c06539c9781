"""Metric, pair and address in a real browser: what a reader chooses is shown, kept, and found again."""

import pytest

from tests.chromium import IN_CHROMIUM, Visit, chromium

from .test_browser import accessible_and_no_wider_than_the_screen, names
from .test_downloads import site

pytestmark = IN_CHROMIUM
__all__ = ["chromium", "site"]

HELPER, LOUD = "acme__helper-7b/r1", "acme__loud-7b/r1"


@pytest.fixture
def visited(site, chromium):
    visit = Visit(chromium, site / "index.html")
    yield visit
    visit.check(site)


def table_of(page, kind="judged"):
    """The id of the first table of a kind with two rows that can be ticked."""
    return page.evaluate(
        "kind => [...document.querySelectorAll(`.choose[data-name^=${kind}]`)].find((one) => document.getElementById("
        "one.dataset.table).querySelectorAll('input.choice').length > 1).dataset.table",
        kind,
    )


def choose(page, metric=None, *keys, kind="judged"):
    table = table_of(page, kind)
    if metric:
        page.locator(f".choose[data-table={table}] select").select_option(metric)
    for key in keys:
        page.locator(f"#{table} tr[data-key='{key}'] input.choice").check()
    return table


def test_a_table_is_sorted_by_any_metric_its_entries_carry(visited):
    page = visited.page
    table = choose(page, "utility_1_0.5")
    head = page.locator(f"#{table} thead th.picked")
    assert head.get_attribute("aria-sort") == "descending"
    shown = page.locator(f"#{table} td.picked").evaluate_all("cells => cells.map((cell) => cell.dataset.sort)")
    values = [float(value) for value in shown if value]
    assert values == sorted(values, reverse=True)
    assert len(values) > 1
    choose(page, "repeat_rate")
    assert page.locator(f"#{table} thead th.picked").count() == 1, "one column of choice at a time"
    assert page.locator(f"#{table} thead th.picked").get_attribute("aria-sort") == "ascending", "less is better"
    choose(page, "precision")
    assert page.locator(f"#{table} .picked").count() == 0, "its own column is sorted"


def test_two_rows_give_their_test_conditions_first(visited):
    page = visited.page
    choose(page, None, HELPER)
    assert "tick another row" in page.locator(".pair:visible").inner_text()
    choose(page, None, LOUD)
    panel = page.locator(".pair:visible")
    panel.locator("dd").first.wait_for()
    first, *_ = panel.inner_text().splitlines()
    assert "onditions" in first
    said = panel.locator("dt").all_inner_texts()
    assert [text.rpartition(", ")[2] for text in said[:2]] == ["need: all agree", "need: most agree"]
    assert "max-T" in panel.locator("dd").first.inner_text()
    panel.get_by_role("button", name="Close").click()
    assert page.locator(".pair:visible").count() == 0
    assert page.evaluate("document.activeElement.className") == "choice", "the keyboard is where it was"


def test_the_sign_of_a_difference_follows_the_order_of_choice(visited):
    page = visited.page
    said = []
    for keys in ((HELPER, LOUD), (LOUD, HELPER)):
        choose(page, None, *keys, kind="when")
        page.locator(".pair:visible dd").first.wait_for()
        said.append(page.locator(".pair:visible dd b").first.inner_text())
        page.locator(".pair:visible").get_by_role("button", name="Close").click()
    assert {text[0] for text in said} == {"+", "−"}
    assert said[0][1:] == said[1][1:]


def test_a_third_row_takes_the_place_of_the_first(visited):
    page = visited.page
    table = table_of(page)
    boxes = page.locator(f"#{table} input.choice")
    for box in boxes.all():
        box.check()
    assert boxes.evaluate_all("all => all.filter((one) => one.checked).length") <= 2


def test_an_address_brings_back_metric_and_pair(site, chromium, visited):
    page = visited.page
    choose(page, "utility_1_0.5", HELPER, LOUD)
    page.locator(".pair:visible dd").first.wait_for()
    address = page.url.partition("#")[2]
    for part in ("table=judged-", "metric=utility_1_0.5", "pair="):
        assert part in address
    assert page.locator(".choose a.here").first.get_attribute("href")
    again = Visit(chromium, site / "index.html", "#" + address)
    table = table_of(again.page)
    again.page.locator(".pair:visible dd").first.wait_for()
    assert again.page.locator(f"#{table} thead th.picked").get_attribute("aria-sort") == "descending"
    ticked = again.page.locator(f"#{table} tr.ticked").evaluate_all("rows => rows.map((row) => row.dataset.key)")
    assert sorted(ticked) == [HELPER, LOUD]
    again.check(site)


@pytest.mark.parametrize(
    "address",
    [
        "#table=judged-00000000&metric=f1",
        "#table=&pair=",
        "#table={name}&metric=nothing&pair=<img src=x onerror=alert(1)>,acme__helper-7b/r1",
        "#table={name}&pair=%E0%A4%A,,",
        "#table={name}&pair=acme__helper-7b/r1,acme__helper-7b/r1",
        "#table={name}&pair=proactivebench__always/r1,proactivebench__never/r1",
    ],
)
def test_an_address_that_somebody_made_up_breaks_nothing(site, chromium, visited, address):
    name = visited.page.locator(".choose").first.get_attribute("data-name")
    visit = Visit(chromium, site / "index.html", address.replace("{name}", name))
    visit.page.wait_for_timeout(50)
    assert visit.page.locator(".pair dd").count() == 0
    visit.check(site)


def test_a_sort_by_a_head_is_in_the_address_offered(visited):
    page = visited.page
    table = table_of(page)
    page.locator(f"#{table} thead th[data-metric=precision] button").click()
    chooser = page.locator(f".choose[data-table={table}]")
    assert chooser.locator("select").input_value() == "precision"
    assert "metric=precision" in chooser.locator("a.here").get_attribute("href")


def test_columns_about_the_models_can_be_put_away(visited):
    page = visited.page
    table = table_of(page, "when")
    parameters = page.locator(f"#{table} th.fact", has_text="Parameters")
    assert parameters.is_visible()
    page.locator(f".choose[data-table={table}]").get_by_label("columns about the models").uncheck()
    assert not parameters.is_visible()
    assert page.locator(f"#{table} td.fact:visible").count() == 0


def test_everything_is_there_without_a_script(site, chromium):
    visit = Visit(chromium, site / "index.html", java_script_enabled=False)
    assert visit.page.locator(".choose:visible, .pair:visible").count() == 0
    assert "helper-7b" in names(visit.page, "when-table-1")
    assert visit.page.locator(".downloads a").count() >= 3
    pairs = Visit(chromium, site / "pairs.html", java_script_enabled=False)
    assert pairs.page.locator("table.board tbody tr:visible").count() >= 1
    moments = Visit(chromium, site / "moments.html", java_script_enabled=False)
    assert moments.page.locator("table.board tbody tr:visible").count() == 231


def test_pairs_and_moments_are_filtered(site, chromium):
    visit = Visit(chromium, site / "moments.html")
    page = visit.page
    page.locator("select[name=badges]").select_option("need:-all-agree")
    rows = page.locator("table.board tbody tr:visible")
    assert 0 < rows.count() < 231
    assert set(rows.locator("td:nth-child(3)").all_inner_texts()) == {"all agree"}
    visit.check(site)
    visit = Visit(chromium, site / "pairs.html")
    visit.page.get_by_label("Entry").first.fill("helper")
    assert visit.page.locator("table.board").first.locator("tbody tr:visible").count() == 1
    visit.page.get_by_label("Entry").first.fill("nobody")
    assert visit.page.locator("table.board").first.locator("tbody tr:visible").count() == 0
    visit.check(site)


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_what_is_chosen_passes_an_accessibility_check(site, chromium, width, scheme):
    look = {"color_scheme": scheme, "viewport": {"width": width, "height": 800}}
    visit = Visit(chromium, site / "index.html", **look)
    choose(visit.page, "utility_1_0.5", HELPER, LOUD)
    visit.page.locator(".pair:visible dd").first.wait_for()
    visit.page.get_by_text("BibTeX").click()
    accessible_and_no_wider_than_the_screen(visit, width)
    visit.check(site)
    for file in ("pairs.html", "moments.html", "judges.html"):
        visit = Visit(chromium, site / file, **look)
        accessible_and_no_wider_than_the_screen(visit, width)
        visit.check(site)
