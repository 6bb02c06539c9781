"""What every record is: frozen, strict, hashed canonically."""

from __future__ import annotations

import hashlib
import json
from typing import Any, ClassVar, overload

from pydantic import BaseModel, ConfigDict, SerializerFunctionWrapHandler, model_serializer


class Record(BaseModel):
    """A frozen record that refuses fields it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, defer_build=True)


class Sparse(Record):
    """A record some of whose fields (`sparse`) came after others of its kind were stored. They are written only where
    they hold something, so that what was stored before reads, writes and hashes as ever."""

    sparse: ClassVar[tuple[str, ...]]

    @model_serializer(mode="wrap")
    def _without_what_is_not_there(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        found: dict[str, Any] = write(self)
        for name in self.sparse:
            if getattr(self, name) in _NOTHING:
                found.pop(name, None)
        return found


_NOTHING: tuple[Any, ...] = (None, (), [], {})  # no number, no truth value: false says something


_CANONICAL = json.JSONEncoder(sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def digest(value: Any) -> str:
    """sha256 (hex) of `value` as canonical JSON: sorted keys, no spaces, UTF-8."""
    text = _CANONICAL.encode(value)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


@overload
def printable(text: str) -> str: ...
@overload
def printable(text: str | None) -> str | None: ...
def printable(text: str | None) -> str | None:
    """The text as it can be stored: lone surrogates, which UTF-8 has no bytes for, become U+FFFD."""
    if text is None or text.isascii():
        return text
    return text.encode("utf-8", "surrogatepass").decode("utf-8", "replace")
