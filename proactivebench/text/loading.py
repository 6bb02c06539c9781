"""Loading JSON that others wrote: whatever stands there, the answer is a value or one kind of error."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, NoReturn

from proactivebench.text.objects import DEEPEST, too_deep

_TOO_DEEP = f"nested too deeply, beyond {DEEPEST} levels"


class NotReadable(ValueError):
    """Foreign text that holds no value anybody can work with; the message says why, in one line."""


def load_json(
    content: str | bytes,
    *,
    pairs: Callable[[list[tuple[str, Any]]], Any] | None = None,
    constant: Callable[[str], Any] | None = None,
) -> Any:
    """The JSON value in `content`, which nests no deeper than any record. `pairs` makes objects, `constant` takes NaN
    and infinities, as in `json.loads`.

    Raises `NotReadable` for what is not JSON, not UTF-8, nested too deeply, or holds a number of thousands of digits.
    """
    try:
        value = json.loads(content, object_pairs_hook=pairs, parse_constant=constant)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, " if error.lineno > 1 else ""
        raise NotReadable(f"not JSON ({error.msg} at {where}column {error.colno})") from error
    except UnicodeDecodeError as error:
        raise NotReadable(f"not UTF-8 at byte {error.start}; save it as UTF-8") from error
    except RecursionError as error:
        raise NotReadable(_TOO_DEEP) from error
    except NotReadable:
        raise
    except ValueError as error:  # a number of thousands of digits
        raise NotReadable(f"not a number anybody can read ({str(error).partition(';')[0]})") from error
    if _brackets(content) > DEEPEST and too_deep(value):
        raise NotReadable(_TOO_DEEP)
    return value


def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object in which no key is given twice, for `load_json(pairs=…)`."""
    found = dict(pairs)
    if len(found) < len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise NotReadable(f"key {key[:60]!r} is given twice in one object")
            seen.add(key)
    return found


def no_constant(name: str) -> NoReturn:
    """Refuses NaN and infinities, for `load_json(constant=…)`."""
    raise NotReadable(f"{name} is not JSON; leave the number out")


def _brackets(content: str | bytes) -> int:
    """How deep it can nest at most: most texts have too few brackets to need a walk."""
    if isinstance(content, bytes):
        return content.count(b"[") + content.count(b"{")
    return content.count("[") + content.count("{")
