"""Writing a measurement back into a judge's card, without touching a line of what people wrote there."""

from __future__ import annotations

import os
import re
from pathlib import Path

from proactivebench.errors import CannotWrite
from proactivebench.judging.cards import read_card
from proactivebench.records import Measured

_BLOCK = re.compile(r"^# Written by [^\n]*\n(?=measured:)|^measured:.*", re.MULTILINE | re.DOTALL)
_NOTE = "# Written by `proactivebench judges validate`.\n"


def write_measured(path: Path, measured: Measured) -> None:
    """Put `measured` into the card at `path`, in place of an earlier one of the same judge on the same items; the
    measured block is the card's last key. Raises CannotWrite, or UsageError for a card that is not valid."""
    import yaml

    kept = [old for old in read_card(path).measured if _key(old) != _key(measured)]
    blocks = [block.model_dump(mode="json", exclude_none=True) for block in (*kept, measured)]
    text = _BLOCK.sub("", path.read_text(encoding="utf-8")).rstrip() + "\n"
    text += _NOTE + yaml.safe_dump({"measured": blocks}, sort_keys=False, allow_unicode=True, width=110)
    replace_file(path, text)


def replace_file(path: Path, text: str) -> None:
    """Write `text` to `path` whole or not at all. Raises CannotWrite."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        draft.write_text(text, encoding="utf-8", newline="\n")
        draft.replace(path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise CannotWrite(
            f"{path}: cannot be written ({error.strerror}): give --output, or work in a checkout"
        ) from None


def _key(measured: Measured) -> tuple[str, str, str]:
    return measured.judge, measured.data, measured.rule
