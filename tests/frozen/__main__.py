"""`python -m tests.frozen`: write what is frozen again; `git diff` then says what moved."""

import json
import tempfile
from pathlib import Path
from typing import Any

from tests.frozen import EXPECTED, frozen


def lines(value: Any, indent: str = "") -> str:
    """JSON that has a metric, a trace or a hash on a line of its own."""
    flat = json.dumps(value, sort_keys=True)
    if not isinstance(value, dict) or not any(isinstance(inner, dict) for inner in value.values()):
        return flat
    inner = (f"{indent} {json.dumps(key)}: {lines(value[key], indent + ' ')}" for key in sorted(value))
    return "{\n" + ",\n".join(inner) + f"\n{indent}}}"


with tempfile.TemporaryDirectory() as folder:
    EXPECTED.write_text(lines(frozen(Path(folder))) + "\n", encoding="utf-8")
