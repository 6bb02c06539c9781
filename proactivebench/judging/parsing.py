"""Reading a judge's text: exactly one JSON object with exactly one verdict, or the cause why there is none."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from proactivebench.judging.cards import Output

_DECODER = json.JSONDecoder(object_pairs_hook=lambda pairs: list(pairs))


@dataclass(frozen=True, slots=True)
class Reading:
    """What a judge's text says: `accepted` (None: nothing to score, and `cause` says why) and its reason."""

    accepted: bool | None
    reason: str | None = None
    cause: str | None = None


def objects(text: str) -> list[list[tuple[str, Any]]]:
    """The JSON objects that stand in `text` outside one another, as pairs in order (so that doubled keys show).
    An object inside an unclosed brace is part of something broken and is not returned."""
    found: list[list[tuple[str, Any]]] = []
    start, open_braces = 0, 0
    while (at := text.find("{", start)) >= 0:
        open_braces -= text.count("}", start, at)
        open_braces = max(0, open_braces)
        try:
            value, end = _DECODER.raw_decode(text, at)
        except (ValueError, RecursionError):
            open_braces += 1
            start = at + 1
            continue
        if open_braces == 0:
            found.append(value)
        start = end
    return found


def read_verdict(text: str, output: Output) -> Reading:
    """The verdict in a judge's text by the card's contract. Never raises. Causes: empty, no_json, no_verdict,
    two_verdicts, bad_value."""
    text = _after_reasoning(text).strip()
    if not text:
        return Reading(None, cause="empty")
    answers = objects(text)
    if not answers:
        return Reading(None, cause="no_json")
    verdicts = [(value, answer) for answer in answers for key, value in answer if key == output.field]
    if not verdicts:
        return Reading(None, cause="no_verdict")
    if len(verdicts) > 1:
        return Reading(None, cause="two_verdicts")
    value, answer = verdicts[0]
    word = value.strip().casefold() if isinstance(value, str) else None
    if word not in (output.accept.casefold(), output.reject.casefold()):
        return Reading(None, cause="bad_value")
    reasons = [v for key, v in answer if key == output.reason and isinstance(v, str)]
    return Reading(word == output.accept.casefold(), reasons[0] if reasons else None)


def _after_reasoning(text: str) -> str:
    """What follows the last closed reasoning block; nothing from one on that never closes."""
    return text.rpartition("</think>")[2].partition("<think>")[0]


def verdict_schema(output: Output) -> dict[str, Any]:
    """JSON schema of a well-formed verdict: the reason first, so that it comes before the decision."""
    reason = {} if output.reason is None else {output.reason: {"type": "string", "maxLength": 600}}
    properties = {**reason, output.field: {"type": "string", "enum": [output.accept, output.reject]}}
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}
