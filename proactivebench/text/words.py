"""Foreign text as words: normalised within bounds, so that no text costs more than its length."""

from __future__ import annotations

import re
import unicodedata
from functools import cache

MOST_MARKS = 30  # combining marks in a row that any script needs (Unicode's stream-safe format)
_FIRST_MARK, _LAST_MARK = 0x300, 0x1FFFF  # no combining mark stands before or beyond
_MAY_BE_MARKS = re.compile(
    rf"[^\0-{chr(_FIRST_MARK - 1)}]{{{MOST_MARKS + 1}}}"
)  # too many, or another script's letters
_CJK = "\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"  # Han and kana
_WORD = re.compile(rf"[{_CJK}]|[^\W_{_CJK}]+")
_BLANK_LETTERS = frozenset("\u115f\u1160\u3164\uffa0")  # letters by their category, and nothing to be seen


def normalised(text: str) -> str:
    """`text` in NFKC. Of combining marks in a row the first 30 are kept: sorting them takes the square of their number,
    and 60,000 cost half a minute."""
    if text.isascii():
        return text
    if _MAY_BE_MARKS.search(text):
        text = _too_many_marks().sub(r"\1", text)
    return unicodedata.normalize("NFKC", text)


def words(text: str) -> list[str]:
    """The words of `text` after NFKC and case folding: runs of letters and digits, each CJK character alone."""
    return _WORD.findall(normalised(text).casefold())


def has_letter(text: str) -> bool:
    """Whether a letter or digit of any script stands in `text`, one that can be seen."""
    return any(character.isalnum() and character not in _BLANK_LETTERS for character in text)


@cache
def _too_many_marks() -> re.Pattern[str]:
    """More marks in a row than are kept; a mark is what normalisation sorts, or takes apart into what it sorts."""
    marks = [code for code in range(_FIRST_MARK, _LAST_MARK) if _is_mark(chr(code))]
    listed = "".join(map(chr, marks))
    return re.compile(f"([{listed}]{{{MOST_MARKS}}})[{listed}]+")


def _is_mark(character: str) -> bool:
    if unicodedata.combining(character):
        return True
    parts = unicodedata.decomposition(character)
    if not parts:  # as of nearly all
        return False
    first = next((part for part in parts.split() if not part.startswith("<")), None)
    return first is not None and unicodedata.combining(chr(int(first, 16))) != 0
