"""Tables as spreadsheets write them: in, out, and harmless where they are opened."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proactivebench.annotation.exporting import export_job
from proactivebench.annotation.formats import format_of
from proactivebench.annotation.formats.contract import Options
from proactivebench.annotation.formats.tables import COLUMNS, marked, table, unmarked
from proactivebench.annotation.importing import import_votes
from proactivebench.annotation.job import JobFolder
from proactivebench.errors import BadArgument, DataError
from proactivebench.records import Answer
from tests.annotation.formats.voted import voted_job
from tests.annotation.jobs import make_job

FORM = format_of("csv")


@pytest.fixture
def job(tmp_path: Path) -> JobFolder:
    return make_job(tmp_path / "job", sessions=2, events=3)


@pytest.mark.parametrize(
    "text",
    [
        '\ufeffannotator;item_id;offer_id;answer;reason\r\nann;s0-1;;Yes;"a; b"\r\nann;s0-1;o0;NOT YET;\r\n\r\n',
        "annotator\titem_id\toffer_id\tanswer\treason\nann\ts0-1\t\tyes\ta; b\nann\ts0-1\to0\tpremature\t\n",
        'Answer,"reason",Offer,Turn,Trace_ID,Annotator\nyes,a; b,,1.0,s0,ann\n'
        'Premature,,"Offer 0 at step 1 of s0",1,s0,ann',
        "sep=;\r\nannotator;item_id;offer_id;answer;reason\r\nann;s0-1;;yes;'a; b'\r\nann;s0-1;o0;not_yet;\r\n".replace(
            "'", '"'
        ),
        "answer|reason|offer_id|item_id|annotator\n1|a; b||s0-1|ann\ntoo early||o0|s0-1|ann\n||o1|s0-1|\n",
    ],
)
def test_whatever_stands_between_cells_and_in_whatever_order(text: str, job: JobFolder, tmp_path: Path) -> None:
    file = tmp_path / "votes.csv"
    file.write_bytes(text.encode())
    import_votes(FORM, [file], job)
    said = [(vote.item_id, vote.offer_id, vote.answer, vote.reason) for vote in job.votes().values()]
    assert said == [("s0-1", None, Answer.YES, "a; b"), ("s0-1", "o0", Answer.PREMATURE, None)]


def test_columns_have_the_names_that_the_user_says(job: JobFolder, tmp_path: Path) -> None:
    file = tmp_path / "votes.csv"
    file.write_text("who,session,step,verdict,answer\nann,s0,2,no,42\n")
    columns = {"annotator": "who", "trace_id": "session", "turn": "step", "answer": "verdict"}
    import_votes(FORM, [file], job, options=Options(columns=columns))
    assert [(vote.item_id, vote.answer) for vote in job.votes().values()] == [("s0-2", Answer.NO)]
    with pytest.raises(BadArgument, match="did you mean trace_id"):
        import_votes(FORM, [file], job, options=Options(columns={"traceid": "session"}))
    with pytest.raises(DataError, match='no column "stage" in the header'):
        import_votes(FORM, [file], job, options=Options(columns=columns | {"turn": "stage"}))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "is empty"),
        ("item_id,answer\ns0-1,yes\n", 'no column "annotator"'),
        ("annotator,answer\nann,yes\n", "neither item_id nor trace_id and turn"),
        ("annotator,answer,answer,item_id\nann,yes,no,s0-1\n", "twice"),
        ("annotator,item_id,answer\nann,s0-1,yes\nann,s0-2,ja\n", 'votes.csv:3: "ja" is no answer to the need'),
        ("annotator,item_id,answer\nann,s0-1\n", "votes.csv:2: 2 cells"),
        ("annotator,item_id,answer\nann,s0-9,yes\n", 'votes.csv:2: .*no item "s0-9"'),
        ("annotator,item_id,answer\n,s0-1,yes\n", "votes.csv:2: an answer without an annotator"),
        ("annotator,item_id,answer\njane@example.org,s0-1,yes\n", "is no pseudonym: import with --names hashed"),
        ("annotator,trace_id,turn,answer\nann,s0,-1,yes\n", 'turn is "-1"'),
        ("annotator,trace_id,turn,answer\nann,s0,1e3,yes\n", 'turn is "1e3"'),
        ("annotator,trace_id,turn,answer\nann,s0,,yes\n", 'turn is ""'),
        ("annotator,item_id,answer,at\nann,s0-1,yes,02/11/26\n", "is no time"),
        ("annotator,item_id,answer,seconds\nann,s0-1,yes,nan\n", "is no number of seconds"),
        ('annotator,item_id,answer\nann,s0-1,"yes\n', "no table"),
        ("annotator,item_id,answer\nann,s0-1,yes\x00\n", "NUL"),
        ('{"annotator": "ann"}', "no column"),
    ],
)
def test_what_is_wrong_with_a_table_is_one_line_with_its_row(
    text: str, says: str, job: JobFolder, tmp_path: Path
) -> None:
    file = tmp_path / "votes.csv"
    file.write_text(text)
    with pytest.raises(DataError, match=says) as refused:
        import_votes(FORM, [file], job)
    assert "\n" not in str(refused.value)
    assert job.votes() == {}


def test_the_sheet_to_fill_in_has_every_question_once(tmp_path: Path) -> None:
    folder = voted_job(tmp_path / "job")
    export_job(FORM, folder, tmp_path / "out")
    with (tmp_path / "out" / "questions.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len({(row["item_id"], row["offer_id"]) for row in rows}) == 6 * 3
    with pytest.raises(DataError, match=r"holds no votes \(rows without an answer: 18\)"):
        import_votes(FORM, [tmp_path / "out" / "questions.csv"], make_job(tmp_path / "fresh", sessions=2, events=3))


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_no_cell_is_a_formula_and_every_cell_comes_back(text: str) -> None:
    assert not marked(text).startswith(("=", "+", "-", "@", "\t", "\r"))
    assert unmarked(marked(text)) == text


@pytest.mark.parametrize("text", ["=1+1", "＝1+1", "\u200b=1+1", " =1+1", "|x", "%x", "\n=1+1"])
def test_what_any_program_takes_for_a_formula_is_marked_as_on_the_board(text: str) -> None:
    assert marked(text) == f"'{text}"
    assert unmarked(marked(text)) == text


@settings(max_examples=50)
@given(st.lists(st.fixed_dictionaries({name: st.text(st.characters(exclude_categories=["Cs"])) for name in COLUMNS})))
def test_a_table_of_any_text_is_read_as_it_was_written(rows: list[dict[str, str]]) -> None:
    text = table(rows).removeprefix("\ufeff")
    read = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    assert [dict(zip(COLUMNS, map(unmarked, cells), strict=True)) for cells in read[1:]] == rows
