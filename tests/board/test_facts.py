"""What a board says of a model beside its figures, and what an entry may declare of it."""

import json

import pytest

from proactivebench.board.entry.form import Entry
from proactivebench.board.publish.building import build_board, publish
from proactivebench.board.publish.prepare import prepare_entry
from proactivebench.board.site.facts import FACT_COLUMNS, Facts, fact_cell, fact_columns, fact_lines, facts_of
from proactivebench.board.site.row import Row
from proactivebench.records import Reply, ReplyStatus, Usage

from .calling import call, one_line
from .conftest import DECLARED
from .forging import REPLIES, as_served, declared, lines, write_declared, write_lines
from .reports import report

WHO = ("--organisation", "acme", "--model_name", "helper-7b", "--licence", "MIT", "--contact", "a@example.org")
TRAINED = ("--trained_on_traces", "no", "--trained_on_labels", "no")
COLUMN = {column.key: column for column in FACT_COLUMNS}


@pytest.fixture
def served(runs, tmp_path):
    return as_served(runs / "oracle", tmp_path / "run", "helper-7b")


def prepared(served, tmp_path, *words):
    return call("leaderboard", "prepare", served.path, "--output_path", tmp_path / "entry", *WHO, *TRAINED, *words)


def test_what_is_said_of_a_model_stands_in_its_entry(served, tmp_path):
    price = ("--price", "prompt=0.15,completion=0.6", "--price_basis", "list price of 2026-01-02")
    done = prepared(
        served, tmp_path, "--parameters", "7.6B", "--open-weights", "yes", "--released", "2025-03-01", *price
    )
    assert done.code == 0, done.err
    said = declared(tmp_path / "entry")["declared"]
    assert (said["parameters"], said["open_weights"], said["released"]) == (7_600_000_000, True, "2025-03-01")
    assert said["price"] == {"prompt": 0.15, "completion": 0.6}
    assert said["price_basis"] == "list price of 2026-01-02"
    assert call("leaderboard", "verify", tmp_path / "entry").code == 0


def test_an_entry_that_says_nothing_of_its_model_stays_as_it_was(served, tmp_path):
    assert prepared(served, tmp_path).code == 0
    said = declared(tmp_path / "entry")["declared"]
    assert not {"parameters", "open_weights", "released", "price", "price_basis"} & set(said)
    assert call("leaderboard", "validate", tmp_path / "entry").code == 0


@pytest.mark.parametrize(
    ("given", "parameters"),
    [("7600000000", 7_600_000_000), ("7_600_000_000", 7_600_000_000), ("0.6b", 600_000_000), ("1T", 10**12)],
)
def test_parameters_are_counted_as_people_write_them(served, tmp_path, given, parameters):
    assert prepared(served, tmp_path, "--parameters", given).code == 0
    assert declared(tmp_path / "entry")["declared"]["parameters"] == parameters


@pytest.mark.parametrize(
    "words",
    [
        ("--parameters", "many"),
        ("--parameters", "0"),
        ("--parameters", "-7B"),
        ("--parameters", "9e99"),
        ("--parameters", "9999999T"),
        ("--open-weights", "perhaps"),
        ("--released", "2025-02-30"),
        ("--released", "March 2025"),
        ("--price", "0.15"),
        ("--price", "prompt=0.15"),
        ("--price", "prompt=nan,completion=1"),
        ("--price", "prompt=-1,completion=1"),
        ("--price", "prompt=1,completion=1,output=2"),
        ("--price_basis", "x" * 301),
    ],
)
def test_what_no_model_could_be_is_refused_in_one_line_that_names_the_option(served, tmp_path, words):
    done = prepared(served, tmp_path, *words)
    assert done.code == 2
    assert words[0].replace("-w", "_w") in one_line(done.err)
    assert not (tmp_path / "entry").exists()


@pytest.mark.parametrize(
    "forged",
    [
        {"parameters": 0},
        {"parameters": True},
        {"parameters": "7B"},
        {"released": "2025-02-30"},
        {"open_weights": "yes"},
        {"price": {"prompt": 1e9, "completion": 1}},
        {"price_basis": "a\u202eb"},
    ],
)
def test_a_forged_fact_refuses_its_entry(entry, forged):
    content = declared(entry)
    content["declared"] |= forged
    write_declared(entry, content)
    done = call("leaderboard", "validate", entry)
    assert done.code == 1
    assert next(iter(forged)) in done.out


def spoken(cached=0, status=ReplyStatus.SILENT, usage=(1000, 100)):
    said = None if usage is None else Usage(prompt_tokens=usage[0], completion_tokens=usage[1], cached_tokens=cached)
    return Reply(trace_id="t", turn=0, status=status, usage=said)


def facts(replies, **said):
    entry = Entry.model_construct(
        declared=DECLARED.model_validate(DECLARED.model_dump() | said),
        manifest=type("M", (), {"sessions": ()}),
    )
    made = report("m", 0.5).model_copy(update={"moments_answered": len(replies)})
    return facts_of(entry, made, replies)


PRICE = {"prompt": 2.0, "completion": 10.0, "cached": 1.0}


def test_cost_is_the_tokens_of_the_evidence_at_the_stated_prices():
    found = facts([spoken(), spoken(cached=500)], price=PRICE)
    assert found.tokens == 1100
    # 1,500 prompt tokens at $2, 500 from a cache at $1, 200 completion tokens at $10 a million, for two moments.
    assert found.cost == pytest.approx(1000 * (1500 * 2 + 500 * 1 + 200 * 10) / 1e6 / 2)
    assert fact_cell(found, COLUMN["cost"]).text == "$2.75"


def test_no_cost_without_a_price_and_no_tokens_where_a_reply_does_not_say():
    assert facts([spoken()]).cost is None
    assert fact_cell(facts([spoken()]), COLUMN["cost"]).text == "1,100 tokens"
    assert facts([spoken(), spoken(usage=None)], price=PRICE).cost is None
    assert facts([spoken(), spoken(usage=None, status=ReplyStatus.REFUSED)], price=PRICE).tokens == 550


def test_more_tokens_from_a_cache_than_asked_make_no_negative_cost():
    assert facts([spoken(cached=10**9)], price=PRICE).cost > 0


def test_only_columns_with_something_to_show_are_shown():
    bare, told = Facts(), Facts(parameters=7, open_weights=False)
    rows = [type("R", (), {"facts": each}) for each in (bare, told)]
    assert [column.key for column in fact_columns(rows)] == ["parameters", "open_weights"]
    assert fact_columns(rows[:1]) == ()
    assert fact_lines(told) == [("Parameters", "7"), ("Open weights", "no")]


def test_a_board_shows_facts_in_its_table_and_on_the_page_of_the_entry(runs, tmp_path):
    said = DECLARED.model_validate(
        DECLARED.model_dump() | {"parameters": 7_600_000_000, "open_weights": True, "price": PRICE}
    )
    store = as_served(runs / "oracle", tmp_path / "run", "helper-7b")
    folder = tmp_path / "board" / "entries" / "acme__helper-7b" / "r1"
    prepare_entry(store, folder, said, "r1")
    usage = {"prompt_tokens": 900, "completion_tokens": 100}
    timed = [line | {"usage": usage, "latency_s": 0.5} for line in lines(folder, REPLIES)]
    write_lines(folder, REPLIES, timed)
    built = build_board(tmp_path / "board")
    (row,) = (row for group in built.groups for row in group)
    assert isinstance(row, Row)
    assert (row.facts.tokens, row.facts.latency_p50) == (1000, 0.5)
    assert row.facts.cost == pytest.approx(1000 * (900 * 2 + 100 * 10) / 1e6)
    publish(built, tmp_path / "site")
    index = (tmp_path / "site" / "index.html").read_text(encoding="utf-8")
    page = (tmp_path / "site" / "entries" / row.key / "index.html").read_text(encoding="utf-8")
    for text in ("7.6B", "$2.8", "0.5 s"):
        assert text in index
        assert text in page


def test_the_page_of_an_entry_shows_how_sure_it_was_with_the_curve(runs, tmp_path):
    folder = tmp_path / "board" / "entries" / "acme__helper-7b" / "r1"
    prepare_entry(as_served(runs / "oracle", tmp_path / "run", "helper-7b"), folder, DECLARED, "r1")
    records = lines(folder, REPLIES)
    for place, record in enumerate(records):
        stated = {"confidence": 0.9 if place % 3 else 0.4, "p_need": 0.5}
        said = json.loads(record["text"]) | {"Confidence": stated["confidence"], "p_need": 0.5}
        record |= stated | {"text": json.dumps(said, ensure_ascii=False)}
    write_lines(folder, REPLIES, records)
    built = build_board(tmp_path / "board")
    assert not built.refusals
    publish(built, tmp_path / "site")
    (row,) = (row for group in built.groups for row in group)
    page = (tmp_path / "site" / "entries" / row.key / "index.html").read_text(encoding="utf-8")
    sure = page.partition("How sure")[2]
    assert "Brier score of stated confidence" in sure
    area = row.metrics["risk_coverage_area"].value
    assert (area is not None) == ("risk–coverage area" in sure) == ('<path class="axis" fill="none" d="M' in sure)
    assert area is not None


def test_a_run_of_another_day_or_of_none_is_told_as_such(entry):
    content = declared(entry)
    content["manifest"]["sessions"][0]["started"] = "<b>yesterday</b>"
    write_declared(entry, content)
    (row,) = (row for group in build_board(entry.parents[2]).groups for row in group)
    assert row.facts.date is None
