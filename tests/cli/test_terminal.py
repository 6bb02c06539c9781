"""Foreign text cannot control the terminal it is shown on."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proactivebench.cli.terminal import safe


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain, 日本語, Müller 👩‍💻", "plain, 日本語, Müller 👩‍💻"),
        ("\x1b[31mred\x07", "\\x1b[31mred\\x07"),
        ("a\r\nb\nc\td", "a⏎b⏎c d"),
        ("over\rwrite", "over\\rwrite"),
        ("\u202egnp.exe", "\\u202egnp.exe"),
        ("\x9b2J", "\\x9b2J"),
        ("\ud800", "\\ud800"),
        ("[bold]not markup[/bold]", "[bold]not markup[/bold]"),
    ],
)
def test_controls_are_written_out_and_everything_else_stays(text, shown):
    assert safe(text) == shown


@given(st.text(st.characters()))
def test_nothing_that_moves_or_reorders_is_left(text):
    left = {unicodedata.category(character) for character in safe(text) if character not in "\u200c\u200d"}
    assert not left & {"Cc", "Cf", "Cs", "Zl", "Zp"}
