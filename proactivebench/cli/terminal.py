"""Foreign text made safe for a terminal: it may not move the cursor, recolour, reorder or ring. And JSON
for programs."""

from __future__ import annotations

import re
import unicodedata
from typing import Any

_COMMAND, _OPTION = re.compile(r"(^|: )proactivebench [a-z]"), re.compile(" (?=--[a-z])")
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


def copyable(line: str, width: int = 80) -> str | None:
    """A line that ends in a command of ours, broken where a shell reads on (before an option, after a backslash): it
    can be copied and run. None for any other line."""
    if not _COMMAND.search(line):
        return None
    lines = [""]
    for part in _OPTION.split(line):
        if lines[-1] and lines[-1].count("'") % 2 == 0 and len(f"{lines[-1]} {part} \\") > width:
            lines[-1] += " \\"
            lines.append(f"  {part}")
        else:
            lines[-1] += f" {part}" if lines[-1] else part
    return "\n".join(lines)


def print_json(value: Any) -> None:
    """Print a value as JSON, and nothing but that, on standard output."""
    import json

    print(json.dumps(value, indent=2, ensure_ascii=False))
