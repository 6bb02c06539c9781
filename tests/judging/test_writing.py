import shutil
from pathlib import Path

import pytest

from proactivebench.errors import CannotWrite, DataError
from proactivebench.judging.cards import card_names, load_card, read_card
from proactivebench.judging.catalogue import BEGIN, END, put_table, table
from proactivebench.judging.writing import write_measured
from proactivebench.records import ErrorCount, JudgeErrors, Measured
from proactivebench.resources import shipped

PAGE = Path(__file__).parents[2] / "docs" / "judges.md"


def measured(judge: str = "llm-12345678", **changes: object) -> Measured:
    count = ErrorCount(correct=20, items=30)
    errors = JudgeErrors(judge_hash="h", correct_detection=count, false_alarm=count, population="p")
    fields = {"judge": judge, "date": "2026-01-01", "data": "d", "data_hash": "e" * 64, "command": "c | d",
              "design": "direct", "rule": "unanimous", "items": 60, "errors": errors,
              "figures": {"balanced_accuracy": 0.6}, "intervals": {"balanced_accuracy": (0.5, 0.7)}}  # fmt: skip
    return Measured.model_validate({**fields, **changes})


@pytest.fixture
def card(tmp_path: Path) -> Path:
    path = tmp_path / "llm.yaml"
    shutil.copy(shipped("judges", "llm.yaml"), path)
    return path


def test_what_people_wrote_stays_and_the_hash_too(card: Path) -> None:
    before, whole = card.read_text(), read_card(card).hash
    write_measured(card, measured())
    assert card.read_text().startswith(before)
    assert read_card(card).hash == whole
    assert read_card(card).measured == (measured(),)


def test_measuring_again_replaces_and_another_model_adds(card: Path) -> None:
    write_measured(card, measured())
    write_measured(card, measured(judge="llm-87654321"))
    write_measured(card, measured(date="2026-02-02"))
    assert {(one.judge, one.date) for one in read_card(card).measured} == {
        ("llm-87654321", "2026-01-01"), ("llm-12345678", "2026-02-02")
    }  # fmt: skip
    assert card.read_text().count("measured:") == 1


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path, card: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(Path, "write_text", refuse)
    with pytest.raises(CannotWrite, match="Read-only"):
        write_measured(card, measured())


def test_the_table_names_every_judge_with_what_was_measured_when_and_how() -> None:
    text = table([load_card("llm").model_copy(update={"measured": (measured(),)})])
    for part in ("`llm`", "0.600", "[0.500, 0.700]", "2026-01-01", "eeeeeeeeeeee", "c \\| d"):
        assert part in text


def test_a_judge_without_measurement_says_so() -> None:
    assert "Not measured yet" in table([load_card("llm").model_copy(update={"measured": ()})])
    said = table([load_card("labels")])
    assert "Never measured" in said
    assert "judges validate" not in said, "it refuses people's votes"


def test_the_docs_hold_the_table_of_all_judges_as_the_cards_are_now() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert put_table(page, table(load_card(name) for name in card_names())) == page, "run `judges table docs/judges.md`"


def test_a_page_without_marks_is_refused() -> None:
    with pytest.raises(DataError, match="has no lines"):
        put_table("# Judges\n", "x")
    assert put_table(f"a\n{BEGIN}\nold\n{END}\nb", "new") == f"a\n{BEGIN}\n\nnew\n{END}\nb"
