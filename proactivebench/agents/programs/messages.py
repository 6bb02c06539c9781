"""What a moment looks like to a program in any language: JSON objects, the same on a process's standard input and in
the body of an HTTP request. docs/agents.md has them field by field."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from proactivebench.agents.contract import Moment, PastAction, TraceStart

VERSION = 1


def start_message(trace: TraceStart) -> dict[str, Any]:
    """A trace begins: whatever was remembered of another one is over."""
    return {
        "type": "start",
        "version": VERSION,
        "trace_id": trace.trace_id,
        "repeat": trace.repeat,
        "seed": trace.seed,
        "candidates": trace.candidates,
        "feedback_rounds": trace.feedback_rounds,
    }


def moment_message(moment: Moment, name: str) -> dict[str, Any]:
    """A moment to act at; `name` is the id that the answer repeats."""
    return {
        "type": "moment",
        "version": VERSION,
        "id": name,
        "trace_id": moment.trace_id,
        "turn": moment.turn,
        "repeat": moment.repeat,
        "round": moment.round,
        "seed": moment.seed,
        "candidates": moment.candidates,
        "observations": [{"time": event.time, "event": event.event} for event in moment.observations],
        "history": [_past(action) for action in moment.history],
        "rounds": [_past(action) for action in moment.rounds],
    }


def line(message: Mapping[str, Any]) -> bytes:
    """A message as one line; what is not ASCII is escaped, so that no reader can break it."""
    return json.dumps(message, separators=(",", ":")).encode() + b"\n"


def _past(action: PastAction) -> dict[str, Any]:
    return {
        "turn": action.turn,
        "round": action.round,
        "offers": list(action.offers),
        "verdict": action.verdict,
        "reason": action.reason,
        "readable": action.readable,
    }
