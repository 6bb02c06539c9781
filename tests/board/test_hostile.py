"""Whatever is submitted, the validator answers, stays in its folder and says something that is safe to print."""

import csv
import io
import json
import os
import re
import shutil
import time
import unicodedata
from contextlib import redirect_stdout
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from proactivebench.board.entry.reading import Refused, strict_json, unpacked_lines
from proactivebench.board.entry.validation import validate_entry
from proactivebench.board.publish.building import build_board, publish
from proactivebench.board.verify.checking import validate_all
from proactivebench.board.verify.formats import FORMATS, say
from proactivebench.cli import main
from proactivebench.errors import DataError

from .forging import (
    REPLIES,
    declared,
    judged_by_a_model,
    lines,
    verdict_name,
    write_declared,
    write_lines,
    write_packed,
)
from .hostile import CORPUS


def test_the_corpus_is_as_large_as_promised():
    assert len(CORPUS) >= 40


@pytest.mark.parametrize("name", CORPUS)
def test_a_hostile_submission_is_refused_quickly_and_in_its_folder(name, entry, tmp_path):
    CORPUS[name](entry)
    before = snapshot(tmp_path)
    started = time.process_time()
    try:
        findings = validate_entry(entry).findings
    except DataError as error:
        findings = (error,)
    assert findings, f"{name} was accepted"
    assert time.process_time() - started < 10
    assert snapshot(tmp_path) == before, "validating writes nothing"


@pytest.mark.parametrize("form", FORMATS)
def test_what_is_said_of_a_hostile_submission_is_safe_to_print(form, entry):
    content = declared(entry)
    content["declared"]["x\x1b[31m\u202e::error::<script>|[a](b)@team"] = "`"
    write_declared(entry, content)
    text = say(validate_all(entry), form)
    controls = [c for c in text if unicodedata.category(c) in ("Cc", "Cf") and c not in ("\n", "\u200b")]
    assert not controls
    if form == "markdown":
        assert "<script>" not in text
        assert "@team" not in text
    if form == "github":
        assert all(line.startswith("::error file=") or not line.startswith("::") for line in text.splitlines())


def test_a_board_with_every_hostile_submission_still_builds_and_names_each(board, tmp_path):
    root = tmp_path / "board"
    shutil.copytree(board, root)
    good = root / "entries" / "acme__helper-7b" / "r1"
    for number, spoil in enumerate(CORPUS.values()):
        folder = root / "entries" / f"evil__{number}" / "r1"
        shutil.copytree(good, folder)
        spoil(folder)
    built = build_board(root)
    assert len(built.entries) == 3
    assert {refusal.folder.split("/")[0] for refusal in built.refusals} == {f"evil__{n}" for n in range(len(CORPUS))}
    index = publish(built, tmp_path / "site").read_text(encoding="utf-8")
    for markup in ("<img src=x", "onerror=", "<script>alert", "javascript:alert"):
        assert markup not in index.replace("&lt;", "&lt ").replace("&#", "&# ") or f"&lt;{markup[1:]}" in index


def test_texts_of_a_formally_good_entry_never_become_markup(entry, board, tmp_path):
    """Names are narrow, but notes, offers and reasons may say anything: they are shown as text."""
    payload = "</script><script>alert(1)</script><img src=x onerror=alert(2)>"
    judged_by_a_model(entry)
    content = declared(entry)
    content["declared"] |= {"notes": payload, "licence": payload, "contact": payload}
    content["manifest"]["protocol"]["name"] = payload
    write_declared(entry, content)
    name = verdict_name(entry)
    write_lines(entry, name, [verdict | {"reason": payload} for verdict in lines(entry, name)])
    built = build_board(entry.parents[2])
    publish(built, tmp_path / "site")
    assert len(built.entries) == 1
    for file in (tmp_path / "site").rglob("*"):
        if file.suffix in (".html", ".js") and "assets" not in file.parts:
            text = file.read_text(encoding="utf-8")
            assert "<script>alert" not in text, file
            assert "<img src=x" not in text, file


def test_formulas_stay_text_in_the_csv():
    from proactivebench.board.entry.escaping import csv_cell

    for cell in ("=1+1", "+cmd|' /C calc'!A0", "-2", "@SUM(A1)", "\t=1", " =1", "\r=1", "|x", "%x"):
        assert csv_cell(cell).startswith("'")
    assert csv_cell("helper-7b") == "helper-7b"


@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20", "\ufe62", "\u207c"])
@pytest.mark.parametrize("before", ["", "\u2003", "\u200b", "\ufeff", "\u3164", "\ufe0f", "\u2028", " \u00ad \x00"])
def test_a_formula_in_wide_letters_or_behind_what_nobody_sees_stays_text(before, sign):
    from proactivebench.board.entry.escaping import csv_cell

    assert csv_cell(f"{before}{sign}1+1").startswith("'")
    assert not csv_cell(f"{before}helper{sign}7b").startswith("'")


@pytest.mark.parametrize(
    "end", ["\r", "\n", "\r\n", "\x0b", "\x0c", "\x85", "\u2028", "\u2029", '"', '"\n', ";", ",", "\t"]
)
def test_no_name_begins_a_cell_or_row_of_its_own(end):
    """Read with any separator and line end that a program may use, no cell is a formula."""
    from proactivebench.board.entry.escaping import csv_text

    text = csv_text([["model", "f1"], [f"helper{end}=HYPERLINK(1)", 0.5], [f"a{end}@x{end}+1", None]])
    assert all(line.startswith('"') and line.endswith('"') for line in text.splitlines())
    assert len(text.splitlines()) == 3
    assert not any(unicodedata.category(letter)[0] == "C" for letter in text.replace("\n", ""))
    for separator in (",", ";", "\t", "|"):
        for row in csv.reader(text.splitlines(), delimiter=separator):
            assert not any(cell.startswith(("=", "@", "+")) for cell in row)
    for line in text.splitlines():
        assert not re.search(r"[;,|\t]\s*[=@+]", line)


def test_every_cell_of_a_boards_csv_is_quoted_whatever_stands_in_it(board, tmp_path):
    publish(build_board(board), tmp_path / "site")
    text = (tmp_path / "site" / "board.csv").read_text(encoding="utf-8")
    for line in text.splitlines():
        assert re.fullmatch(r'"(?:[^"]|"")*"(?:,"(?:[^"]|"")*")*', line)


def test_exit_codes_tell_refused_from_unreadable(entry, tmp_path):
    assert exit_code("leaderboard", "validate", str(entry)) == 0
    assert exit_code("leaderboard", "validate", str(tmp_path / "nowhere")) == 2
    (entry / REPLIES).write_bytes(b"")
    assert exit_code("leaderboard", "validate", str(entry)) == 1


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_random_change_to_an_entry_crashes_the_validator(data, board, tmp_path_factory):
    """One field anywhere becomes any JSON value at all."""
    folder = tmp_path_factory.mktemp("fuzz") / "entries" / "acme__helper-7b" / "r1"
    shutil.copytree(board / "entries" / "acme__helper-7b" / "r1", folder)
    value = data.draw(JSON)
    if data.draw(st.booleans()):
        content = declared(folder)
        put(content, data, value)
        write_declared(folder, content)
    else:
        name = data.draw(st.sampled_from([REPLIES, verdict_name(folder)]))
        records = lines(folder, name)
        put(records, data, value)
        write_lines(folder, name, records)
    answers(folder)
    shutil.rmtree(folder.parents[2])


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=2000), name=st.sampled_from(["entry.json", REPLIES]))
def test_no_random_bytes_crash_the_validator(content, name, board, tmp_path_factory):
    folder = tmp_path_factory.mktemp("fuzz") / "entries" / "acme__helper-7b" / "r1"
    shutil.copytree(board / "entries" / "acme__helper-7b" / "r1", folder)
    if name == REPLIES:
        write_packed(folder, name, content or b"\x00")
    else:
        (folder / name).write_bytes(content)
    answers(folder)
    shutil.rmtree(folder.parents[2])


@given(st.binary(max_size=300))
def test_reading_json_gives_a_value_or_a_refusal(content):
    try:
        value = strict_json(content)
    except Refused:
        return
    json.dumps(value, allow_nan=False).encode()


@given(st.binary(max_size=300))
def test_unpacking_gives_lines_or_a_refusal(content):
    try:
        assert all(b"\n" not in line for line in unpacked_lines(content))
    except Refused:
        return


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def put(place, data, value):
    """Set, somewhere in a nested value, one thing to `value`."""
    while True:
        keys = list(place) if isinstance(place, dict) else range(len(place))
        key = data.draw(st.sampled_from(list(keys)))
        inner = place[key]
        if not isinstance(inner, dict | list) or not inner or data.draw(st.integers(0, 3)) == 0:
            place[key] = value
            return
        place = inner


def answers(folder: Path) -> None:
    """The validator says something, and every form of saying it works."""
    try:
        outcomes = validate_all(folder)
    except DataError:
        return
    for form in FORMATS:
        say(outcomes, form).encode()


def snapshot(root: Path) -> list[tuple[str, int]]:
    found = []
    for folder, _, files in os.walk(root):
        found += [(str(Path(folder, file)), os.lstat(Path(folder, file)).st_mtime_ns) for file in files]
    return sorted(found)


def exit_code(*argv: str) -> int:
    with pytest.raises(SystemExit) as ended, redirect_stdout(io.StringIO()):
        main(argv)
    return int(ended.value.code or 0)
