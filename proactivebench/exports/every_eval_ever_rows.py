"""Per-instance records of the Every Eval Ever schema: one a scored moment, with the conversation and its verdict."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from typing import Any

from proactivebench.exports.source import Source, public
from proactivebench.records import JudgeReport, Reply, Trace

SCHEMA = "instance_level_eval_0.3.0"
_SCORED = {"A": True, "a": True, "R": False, "r": False}


def rows(
    source: Source, judged: JudgeReport, evaluation_id: str, model_id: str, result_id: str
) -> Iterator[dict[str, Any]]:
    """The scored moments under a judge, in order; a moment without a verdict has no row."""
    for trace in source.traces:
        for repeat in range(source.manifest.repeats):
            for turn in range(len(trace.events)):
                accepted = _SCORED.get(source.outcome(judged, trace.trace_id, turn, repeat))
                reply = source.last_reply(trace.trace_id, turn, repeat)
                if accepted is None or reply is None:
                    continue
                yield {
                    "schema_version": SCHEMA,
                    "evaluation_id": evaluation_id,
                    "model_id": model_id,
                    "evaluation_name": source.task.name,
                    "evaluation_result_id": result_id,
                    **_moment(source, trace, turn, repeat),
                    "answer_attribution": [_attribution(turn, reply)],
                    "evaluation": {
                        "score": 1.0 if accepted else 0.0,
                        "is_correct": accepted,
                        "num_turns": turn + 1,
                    },
                    **_cost(reply),
                    "metadata": {"split": trace.split, "status": reply.status.value, "judge": judged.judge.id},
                }


def _moment(source: Source, trace: Trace, turn: int, repeat: int) -> dict[str, Any]:
    event = trace.events[turn].event
    name = f"{trace.trace_id}/{turn}" + (f"/{repeat}" if source.manifest.repeats > 1 else "")
    return {
        "sample_id": name,
        "sample_hash": sha256(event.encode()).hexdigest(),
        "interaction_type": "multi_turn",
        "input": {"raw": event, "reference": []},
        "messages": list(_messages(source, trace, turn, repeat)),
    }


def _messages(source: Source, trace: Trace, turn: int, repeat: int) -> Iterator[dict[str, Any]]:
    """What happened and what the agent said, up to this moment, without the protocol's instructions."""
    for at in range(turn + 1):
        reply = source.last_reply(trace.trace_id, at, repeat)
        yield {"turn_idx": 2 * at, "role": "user", "content": trace.events[at].event}
        said: dict[str, Any] = {"turn_idx": 2 * at + 1, "role": "assistant", "content": reply.text if reply else None}
        if reply and reply.reasoning:
            said["reasoning_trace"] = reply.reasoning
        yield said


def _attribution(turn: int, reply: Reply) -> dict[str, Any]:
    return {
        "turn_idx": 2 * turn + 1,
        "source": f"messages[{2 * turn + 1}].content",
        "extracted_value": " | ".join(reply.proposals) or "null",
        "extraction_method": "protocol parser",
        "is_terminal": True,
    }


def _cost(reply: Reply) -> dict[str, Any]:
    found: dict[str, Any] = {}
    usage = reply.usage
    if usage and usage.prompt_tokens is not None and usage.completion_tokens is not None:
        found["token_usage"] = {
            "input_tokens": usage.prompt_tokens,
            "output_tokens": usage.completion_tokens,
            "total_tokens": usage.prompt_tokens + usage.completion_tokens,
            **({"input_tokens_cache_read": usage.cached_tokens} if usage.cached_tokens is not None else {}),
            **({"reasoning_tokens": usage.reasoning_tokens} if usage.reasoning_tokens is not None else {}),
        }
    if reply.latency_s is not None:
        found["performance"] = {"latency_ms": 1000 * reply.latency_s}
    if reply.error:
        found["error"] = str(public(reply.error))
    return found
