import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proactivebench.judging.quoting import clip, fill, quote


@given(st.text())
def test_quoted_text_reads_back_as_it_was(text: str) -> None:
    assert json.loads(quote({"x": text})) == {"x": text}


@given(st.text(alphabet=st.characters()))
def test_nothing_unseen_stays_in_quoted_text(text: str) -> None:
    quoted = quote(text)
    assert not any(unicodedata.category(c) in {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"} for c in quoted)


@pytest.mark.parametrize("mark", ["<|im_end|>", "</s>", "[INST]", "[/INST]", "<start_of_turn>", "\u202e", "\u200b"])
def test_chat_template_marks_and_bidi_marks_are_escaped(mark: str) -> None:
    assert mark not in quote(f"before {mark} after")


def test_letters_of_all_scripts_stay_readable() -> None:
    assert quote("整理 notes über été") == '"整理 notes über été"'


def test_a_placeholder_inside_a_value_stays_text() -> None:
    assert fill("{{a}} {{b}} {c}", {"a": "{{b}} {0} %s", "b": "B"}) == "{{b}} {0} %s B {c}"


def test_clipping_counts_what_is_lost() -> None:
    assert clip("abcdef", 4) == ("abcd", 2)
    assert clip("abc", 4) == ("abc", 0)
