"""Foreign text in places that would read it as something else: a spreadsheet, a terminal, a CI log, Markdown."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Iterable
from itertools import dropwhile

from proactivebench.text import normalised

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%")
_AFTER_END = re.compile(r"([;,|\t]\s*)(?=[=+@|%-])")
_FILLERS = "\u115f\u1160"  # letters by their category, and nothing to be seen
_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>()#+!|~&@:$-])")
_ADDRESS = re.compile(r"(www)\.", re.IGNORECASE)
_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def csv_cell(text: str) -> str:
    """`text` as a spreadsheet shows it and never computes it: on one line, without what nobody sees, and with an
    apostrophe before what some program could read as a formula, in wide letters as well, and behind a sign that some
    program takes for the end of a cell."""
    apart = _AFTER_END.sub(r"\1'", plain(text, len(text)))
    return f"'{apart}" if is_formula(text) else apart


def is_formula(cell: str) -> bool:
    """Whether some program could read a cell's text as a formula, or as what hides one."""
    return cell.startswith(_FORMULA) or _seen(cell).startswith(_FORMULA)


def csv_text(rows: Iterable[Iterable[object]]) -> str:
    """Rows as CSV: every cell in quotes, texts as `csv_cell` writes them, None as nothing."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_ALL)
    writer.writerows([csv_cell(cell) if isinstance(cell, str) else cell for cell in row] for row in rows)
    return text.getvalue()


def plain(text: str, limit: int = 500) -> str:
    """`text` on one line of a terminal: what could steer the terminal or turn the reading direction is written out."""
    shown = text[:limit]
    if not (shown.isascii() and shown.isprintable()):  # most texts hold nothing to write out
        shown = "".join(
            letter if letter == " " or unicodedata.category(letter) not in _CATEGORIES else _written(letter)
            for letter in shown
        )
    return shown + ("…" if len(text) > limit else "")


def markdown(text: str, limit: int = 500) -> str:
    """`text` as Markdown that renders as exactly this text: no link, mention, markup or new line."""
    escaped = _MARKDOWN.sub(r"\\\1", plain(text, limit))
    for letter in "@:#":  # of a mention, an address, an issue: found in the text, whatever is escaped
        escaped = escaped.replace(f"\\{letter}", f"{letter}\u200b")
    return _ADDRESS.sub("\\1\u200b.", escaped)


def github_command(text: str, *, is_property: bool = False) -> str:
    """`text` inside a workflow command (`::error …::text`) or behind other words of a log, so that it cannot start
    another: `::` counts at the start of a line only, the older `##[…]` anywhere."""
    text = plain(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A").replace("##[", "##\u200b[")
    return text.replace(":", "%3A").replace(",", "%2C") if is_property else text


def _seen(text: str) -> str:
    """`text` in its plain letters, from the first that is no space, control, mark or filler."""
    return "".join(dropwhile(_unseen, normalised(text)))


def _unseen(letter: str) -> bool:
    return letter in _FILLERS or unicodedata.category(letter)[0] in "ZCM"


def _written(letter: str) -> str:
    return f"\\u{ord(letter):04x}"
