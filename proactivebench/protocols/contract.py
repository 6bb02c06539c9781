"""The reply contract: one JSON object with the four published keys. Only the task key decides."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

TASK_KEY = "Proactive Task"
CONFIDENCE_KEY = "Confidence"
NEED_KEY, ACCEPT_KEY = "p_need", "p_accept"


class Stated(StrEnum):
    """What a card with `confidence` asks an agent to state, where it is more than one number: how likely help is wanted
    at all, and how likely the offer is accepted."""

    NEED_AND_ACCEPT = "p_need, p_accept"


def reply_text(task: Any, said: Mapping[str, Any] | None = None) -> str:
    """The text of a reply whose task key holds `task`, whatever that is, beside what else was `said` (by key)."""
    said = said or {}
    reply = {"Purpose": said.get("Purpose", ""), "Thoughts": said.get("Thoughts", ""), TASK_KEY: task}
    reply |= {"Response": said.get("Response")}
    reply |= {key: value for key, value in said.items() if key not in reply}
    return json.dumps(reply, ensure_ascii=False)


def render_reply(proposals: Sequence[str], *, candidates: int) -> str:
    """The text of a well-formed reply with these proposals (none = silence).

    Raises `ValueError` for more proposals than `candidates`.
    """
    if len(proposals) > candidates:
        raise ValueError(f"{len(proposals)} proposals where {candidates} are allowed")
    if not proposals:
        return reply_text(None)
    return reply_text(proposals[0] if candidates == 1 else list(proposals), {"Response": "Shall I do this for you?"})


def reply_schema(*, candidates: int, confidence: Stated | bool) -> dict[str, Any]:
    """JSON schema of a well-formed reply, closed and with every key required, as strict servers ask. `confidence` is
    what an agent states besides: one number, both, or nothing."""
    task: dict[str, Any] = {"type": ["string", "null"]}
    if candidates > 1:
        several = {"type": "array", "items": {"type": "string"}, "maxItems": candidates}
        task = {"anyOf": [several, {"type": "null"}]}
    properties: dict[str, Any] = {
        "Purpose": {"type": "string"},
        "Thoughts": {"type": "string"},
        TASK_KEY: task,
        "Response": {"type": ["string", "null"]},
    }
    for key in stated_keys(confidence):
        properties[key] = {"type": "number", "minimum": 0, "maximum": 1}
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def stated_keys(confidence: Stated | bool) -> tuple[str, ...]:
    """The keys of the numbers that a reply states."""
    if confidence is Stated.NEED_AND_ACCEPT:
        return NEED_KEY, ACCEPT_KEY
    return (CONFIDENCE_KEY,) if confidence else ()
