"""Words of foreign text, and what normalising it may cost."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proactivebench.text import has_letter, normalised, words

LATIN_MARKS = "\u0301\u0323\u0327\u0345\u1dc5\u20d0"


@given(st.text(max_size=80))
def test_a_text_with_few_marks_in_a_row_is_plain_nfkc(text: str) -> None:
    assert normalised(text) == unicodedata.normalize("NFKC", text)


@pytest.mark.parametrize(
    "marks", [LATIN_MARKS, "\u0315\u0301", "\u0344", "\U0001d165\U0001d16e", "\u05b0\u0591", "\u0f71\u0f73"]
)
def test_no_run_of_marks_is_sorted_that_is_longer_than_any_script_needs(
    marks: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sorting is what costs the square of a run's length: what reaches the sorter is measured, not the time."""
    longest = 0
    true = unicodedata.normalize

    def measured(form: str, text: str) -> str:
        nonlocal longest
        run = 0
        for character in text:
            apart = unicodedata.normalize.__wrapped__("NFKD", character)  # type: ignore[attr-defined]
            run = run + len(apart) if unicodedata.combining(apart[0]) else 0
            longest = max(longest, run)
        return true(form, text)

    measured.__wrapped__ = true  # type: ignore[attr-defined]
    monkeypatch.setattr(unicodedata, "normalize", measured)
    assert normalised("e" + marks * 20_000 + "x").endswith("x")
    assert 0 < longest <= 120


def test_every_character_that_is_sorted_counts_as_a_mark() -> None:
    from proactivebench.text.words import _too_many_marks

    listed = _too_many_marks()
    for code in range(0x110000):
        apart = unicodedata.normalize("NFKD", chr(code)) if not 0xD800 <= code <= 0xDFFF else "x"
        if unicodedata.combining(apart[0]):
            assert listed.sub(r"\1", chr(code) * 40) == chr(code) * 30, hex(code)


def test_words_are_runs_of_letters_and_digits_and_single_chinese_characters() -> None:
    assert words("Fix the ＢＵＧ-42, 请修复 it’s") == ["fix", "the", "bug", "42", "请", "修", "复", "it", "s"]


@pytest.mark.parametrize("text", ["", "...", "—", "🙂🙂", "\u200b\u2060", "\u3164", "\u0301", "?!", "___"])
def test_what_has_no_letter_or_digit_to_be_seen_says_nothing(text: str) -> None:
    assert not has_letter(text)


@pytest.mark.parametrize("text", ["a", "7", "列", "ß", "…x", "ا", "하"])
def test_letters_and_digits_of_any_script_say_something(text: str) -> None:
    assert has_letter(text)
