"""Foreign text made safe for a terminal: it may not move the cursor, recolour, reorder or ring."""

from __future__ import annotations

import unicodedata

_KEPT = "\u200c\u200d"  # joiners: emoji sequences, Indic and Persian spelling
_DANGEROUS = {"Cc", "Cf", "Cs", "Zl", "Zp"}  # controls, bidi overrides and invisible marks, lone surrogates, separators


def safe(text: str) -> str:
    """`text` on one line with every control character written out (`\\x1b`, `\\u202e`); line breaks become ⏎.

    The result is plain text, not markup: hand it to `rich.text.Text`, or through `rich.markup.escape`.
    """
    if text.isprintable():
        return text
    return "".join(map(_shown, text.replace("\r\n", "\n")))


def _shown(character: str) -> str:
    if character == "\n":
        return "⏎"
    if character == "\t":
        return " "
    if character in _KEPT or unicodedata.category(character) not in _DANGEROUS:
        return character
    return character.encode("unicode_escape", "surrogatepass").decode("ascii")
