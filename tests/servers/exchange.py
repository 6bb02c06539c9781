"""What a loopback Hub is asked and what it answers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

COMMIT = "1f" * 20

Response = tuple[int, bytes, dict[str, str]]


@dataclass(frozen=True)
class Request:
    """One request; `path` is unquoted, `bearer` is the token it carries."""

    method: str
    path: str
    query: Mapping[str, list[str]]
    bearer: str
    body: bytes

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


def as_json(value: object, headers: Mapping[str, str] | None = None) -> Response:
    """An answer of JSON."""
    return 200, json.dumps(value).encode(), {"Content-Type": "application/json", **(headers or {})}


def refusal(status: int, code: str) -> Response:
    """An error as the Hub says it: the code stands in a header too."""
    return status, json.dumps({"error": code}).encode(), {"X-Error-Code": code, "Content-Type": "application/json"}
