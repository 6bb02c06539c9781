"""Each table of a board as a file, the files its pages read, and how to cite it."""

import csv
import json
import re
import shutil

import pytest
import yaml

from proactivebench.board.publish.building import build_board, publish
from proactivebench.board.publish.prepare import prepare_entry
from proactivebench.board.site.citing import citing
from proactivebench.board.site.pages import asset
from proactivebench.resources import shipped

from .conftest import DECLARED
from .forging import as_served, declared, judged_by_a_model, lines, verdict_name, write_declared, write_lines


@pytest.fixture(scope="module")
def site(board, runs, tmp_path_factory):
    """A board of two models, one of them judged by two judges, beside the trivial agents."""
    root = tmp_path_factory.mktemp("two")
    shutil.copytree(board / "entries", root / "entries")
    helper = root / "entries" / "acme__helper-7b" / "r1"
    content = declared(helper)
    content["declared"]["price_basis"] = '=HYPERLINK("https://evil.example")'
    write_declared(helper, content)
    judged_twice(helper)
    loud = DECLARED.model_copy(update={"model": "loud-7b", "parameters": 7_000_000_000})
    store = as_served(runs / "parrot", root / "run", "loud-7b")
    prepare_entry(store, root / "entries" / "acme__loud-7b" / "r1", loud, "r1")
    site = tmp_path_factory.mktemp("site")
    built = build_board(root)
    assert built.refusals == []
    publish(built, site)
    return site


def judged_twice(folder):
    """Let an entry's verdicts stand under a second judge as well, every fifth turned round."""
    first = declared(folder)
    kept = {name: (folder / name).read_bytes() for name in first["evidence"] if name.startswith("verdicts/")}
    judged_by_a_model(folder)
    second, name = declared(folder), verdict_name(folder)
    turned = {"accepted": "rejected", "rejected": "accepted"}
    write_lines(
        folder,
        name,
        [
            verdict if number % 5 else verdict | {"status": turned[verdict["status"]]}
            for number, verdict in enumerate(lines(folder, name))
        ],
    )
    second = declared(folder)
    for each, content in kept.items():
        (folder / each).write_bytes(content)
        second["evidence"][each] = first["evidence"][each]
    second["manifest"]["judges"] |= first["manifest"]["judges"]
    write_declared(folder, second)


def test_every_table_is_there_as_csv_json_and_parquet_with_the_same_rows(site):
    from pyarrow import parquet

    names = {file.stem for file in (site / "tables").iterdir()}
    assert {name.split("-")[0] for name in names} == {"when", "judged", "pairs", "moments", "judge"}
    for name in names:
        told = json.loads((site / "tables" / f"{name}.json").read_text(encoding="utf-8"))
        rows = parquet.read_table(site / "tables" / f"{name}.parquet").to_pylist()
        assert rows == told["rows"]
        with (site / "tables" / f"{name}.csv").open(encoding="utf-8", newline="") as file:
            cells = list(csv.DictReader(file))
        assert len(cells) == len(rows) > 0
        assert list(cells[0]) == list(rows[0])


def test_every_link_to_a_file_leads_to_one(site):
    for page in site.rglob("*.html"):
        for link in re.findall(r'href="([^"#?:]+)["#?]', page.read_text(encoding="utf-8")):
            assert (page.parent / link).is_file(), f"{page.name}: {link}"
    index = (site / "index.html").read_text(encoding="utf-8")
    assert set(re.findall(r"tables/judged-[0-9a-f]{8}\.(\w+)", index)) == {"csv", "json", "parquet"}


def test_files_have_every_metric_and_what_is_known_of_the_model(site):
    rows = [
        row
        for file in (site / "tables").glob("judged-*.json")
        for row in json.loads(file.read_text(encoding="utf-8"))["rows"]
    ]
    loud = next(row for row in rows if row["model"] == "loud-7b")
    assert loud["parameters"] == 7_000_000_000
    for key in ("f1", "utility_1_0.5", "longest_streak_mean", "repeat_rate"):
        assert loud[key] is not None
        assert f"{key}_low" in loud


def test_a_name_that_begins_a_formula_is_none_in_a_file(site):
    for file in (site / "tables").glob("*.csv"):
        with file.open(encoding="utf-8", newline="") as opened:
            for row in csv.reader(opened):
                assert not any(cell.startswith(("=", "+", "@")) for cell in row)


def test_what_pages_read_is_one_object_that_closes_no_script(site):
    for file in (site / "data").glob("*.js"):
        text = file.read_text(encoding="utf-8")
        pushed = re.fullmatch(r"\(window\.proactivebench \?\?= \[\]\)\.push\((.*)\);\n", text, re.DOTALL)
        told = json.loads(pushed[1])
        assert told["kind"] in ("task", "metrics", "pairs")
        assert "</" not in text


def test_a_run_judged_twice_shows_how_far_its_judges_agree(site):
    told = json.loads((site / "tables" / "judge-agreement.json").read_text(encoding="utf-8"))["rows"]
    offers = next(row for row in told if row["stratum"] == "proposals")
    assert offers["agreement"] == pytest.approx(0.8, abs=0.1)
    page = (site / "judges.html").read_text(encoding="utf-8")
    assert f"{offers['agreement']:.3f}" in page
    assert f"{offers['kappa']:.3f}" in page


def test_pages_say_all_without_a_script(site):
    pairs = (site / "pairs.html").read_text(encoding="utf-8")
    assert '<th scope="row">helper-7b</th>' in pairs
    assert "max-T allows for" in pairs
    moments = (site / "moments.html").read_text(encoding="utf-8")
    assert moments.count("<tr id=") == 231
    assert "met by nobody" in moments


def test_a_withdrawn_entry_takes_its_files_along(board, tmp_path):
    shutil.copytree(board, tmp_path / "board")
    site = tmp_path / "site"
    publish(build_board(tmp_path / "board"), site)
    before = {file.name for folder in ("tables", "data") for file in (site / folder).iterdir()}
    assert any(name.startswith("moments-") for name in before)
    shutil.rmtree(tmp_path / "board" / "entries" / "acme__helper-7b")
    publish(build_board(tmp_path / "board"), site)
    after = {file.name for folder in ("tables", "data") for file in (site / folder).iterdir()}
    assert not any(name.startswith("moments-") for name in after), "trivial agents alone have no moments"
    assert (site / "moments.html").read_text(encoding="utf-8").count("No entries") == 1


def test_texts_that_may_not_be_shown_are_on_no_page(board, tmp_path):
    publish(build_board(board), tmp_path / "site", texts="none")
    page = (tmp_path / "site" / "moments.html").read_text(encoding="utf-8")
    assert page.count('<td class="text wide">–</td>') == 231


def test_a_board_is_cited_by_what_it_shows_and_when_it_was_built(monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1767225600")
    found = citing(["b" * 64, "a" * 64])
    assert found == citing(["a" * 64, "b" * 64])
    assert found.revision != citing(["a" * 64]).revision
    assert found.date == "2026-01-01"
    software = yaml.safe_load(shipped("CITATION.cff").read_text(encoding="utf-8"))
    for text in (found.sentence, found.bibtex):
        assert found.revision in text
        assert software["references"][0]["title"] in text
        assert software["version"] in text


def test_a_board_says_how_to_cite_it(site):
    index = (site / "index.html").read_text(encoding="utf-8")
    assert "How to cite" in index
    assert "@misc{proactivebench-board-" in index


def test_the_script_of_tables_asks_nobody_outside():
    assert not re.search(r"https?:|fetch\(|XMLHttpRequest|innerHTML|eval\(", asset("tables.js"))
