"""From a request to what an lm-eval backend takes: prompt (the system message not lost on the way) and `gen_kwargs`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from proactivebench.errors import UsageError
from proactivebench.models.base import Message, Request
from proactivebench.models.turns import merge_system

if TYPE_CHECKING:
    from lm_eval.api.model import LM


@dataclass(slots=True)
class SystemRole:
    """Whether the chat template takes a system message; found out at the first conversation."""

    known: bool = False
    merged: bool = False


def render(lm: LM, messages: Sequence[Message], system: SystemRole, *, as_text: bool = False) -> Any:
    """The prompt of a conversation: a string under the model's chat template, or the JSON that lm-eval's chat clients
    send. Where a template has no system role, lm-eval drops the system message: then it opens the first user message.

    `as_text` gives the string in any case, to count its tokens. Raises `UsageError` where there is no chat template.
    """
    if system.merged:
        messages = merge_system(messages)
    prompt = _apply(lm, messages, as_text=as_text)
    if not system.known and isinstance(prompt, str) and messages and messages[0].role == "system":
        system.known = True
        system.merged = messages[0].content.strip()[:60] not in prompt
        if system.merged:
            return render(lm, messages, system, as_text=as_text)
    return prompt


def generation_arguments(request: Request, *, with_seed: bool = False) -> dict[str, Any]:
    """lm-eval's `gen_kwargs` for a request: greedy at temperature 0, a fresh `until` that the backend may change."""
    decoding = request.decoding
    sampled = decoding.temperature > 0
    arguments: dict[str, Any] = {
        **decoding.extra,
        "do_sample": sampled,
        "temperature": decoding.temperature,
        "max_gen_toks": decoding.max_gen_toks,
        "until": list(decoding.until),
    }
    if sampled and decoding.top_p is not None:
        arguments["top_p"] = decoding.top_p
    if sampled and with_seed:
        arguments["seed"] = request.seed
    return arguments


def instance(prompt: Any, gen_kwargs: dict[str, Any]) -> Any:
    """An lm-eval request for one generation."""
    from lm_eval.api.instance import Instance

    known = {"task_name": "proactivebench", "doc_id": 0}  # 0.5 asks for both, 0.4 takes them
    return Instance(request_type="generate_until", doc={}, arguments=(prompt, gen_kwargs), idx=0, **known)


def _apply(lm: LM, messages: Sequence[Message], *, as_text: bool) -> Any:
    history = [message._asdict() for message in messages]
    try:
        prompt = lm.apply_chat_template(history)
        if as_text and not isinstance(prompt, str):
            prompt = lm.tokenizer.apply_chat_template(history, tokenize=False, add_generation_prompt=True)
        elif hasattr(prompt, "prompt") and type(lm).__name__ != "AnthropicChat":
            # JSON of the messages; 0.5 adds a field that its Anthropic client reads and other servers may refuse
            prompt = type(prompt)(json.dumps(history, ensure_ascii=False))
    except (NotImplementedError, ValueError, AttributeError) as error:
        raise UsageError(
            "the model has no chat template, and a proactive agent is asked in a conversation: use a chat model "
            f"({type(error).__name__}: {str(error).splitlines()[0][:160] if str(error) else 'not implemented'})"
        ) from error
    return prompt
