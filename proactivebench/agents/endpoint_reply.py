"""What a chat completion says: text, reasoning, how it ended, what it cost. Tolerant of every vendor's extras."""

from __future__ import annotations

import json
from typing import Any

from proactivebench.agents.base import Answer, Failure, TokenLogprobs
from proactivebench.agents.endpoint_errors import Transient, looks_like_html, one_line, said, scrub
from proactivebench.records import Usage

Json = dict[str, Any]


def decode(content: bytes, key: str = "") -> Json:
    """The body of a 200 response as an object; `Transient` where it is a web page, half a JSON or no object.
    An echoed `key` stays out of what is raised."""
    try:
        body = json.loads(content)
    except ValueError:
        text = scrub(content.decode("utf-8", "replace"), key)
        if looks_like_html(text):
            raise Transient(f"not a completion but {said(text)[0]}") from None
        raise Transient(f"not a completion but broken JSON: {one_line(text[:60]) or 'an empty body'}") from None
    if not isinstance(body, dict):
        raise Transient(f"not a completion but a JSON {type(body).__name__}")
    return body


def error_status(body: Json) -> int | None:
    """The HTTP status some gateways put inside a 200: `{"error": {"code": 429, …}}` in place of choices."""
    error = body.get("error")
    if body.get("choices") or not error:
        return None
    code = str(error.get("code")) if isinstance(error, dict) else ""
    return int(code) if code.isdecimal() and 400 <= int(code) < 600 else 500


def read(body: Json) -> Answer:
    """The answer in a completion. A content filter or a refusal is a refused request; empty and null content are "".

    Raises `Transient` where there is no choice with a message.
    """
    choices = body.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices else None
    message = choice.get("message") if isinstance(choice, dict) else None
    if not isinstance(choice, dict) or not isinstance(message, dict):
        raise Transient("a completion without choices")
    finish = choice.get("finish_reason")
    finish = finish if isinstance(finish, str) else None
    text, thoughts = _parts(message.get("content"))
    reasoning = message.get("reasoning_content") or message.get("reasoning") or thoughts
    answer = Answer(
        text=text,
        reasoning=reasoning if isinstance(reasoning, str) else None,
        truncated=finish == "length",
        finish_reason=finish,
        usage=usage_of(body),
        logprobs=_logprobs(choice.get("logprobs")),
    )
    refusal = message.get("refusal")
    if finish == "content_filter" or (isinstance(refusal, str) and refusal):
        why = f"the model refused: {one_line(refusal)}" if refusal else "content filter"
        return Answer(None, answer.reasoning, Failure.REFUSED, why, finish_reason=finish, usage=answer.usage)
    return answer


def _parts(content: Any) -> tuple[str, str | None]:
    """Text and thoughts of a message's content, which some vendors give as a list of parts."""
    if isinstance(content, str):
        return content, None
    if content is None:
        return "", None
    if not isinstance(content, list):
        raise Transient(f"a message whose content is a JSON {type(content).__name__}")
    text, thoughts = "", ""
    for part in content:
        if isinstance(part, dict) and part.get("type", "text") == "text":
            text += str(part.get("text") or "")
        elif isinstance(part, dict) and part.get("type") in ("thinking", "reasoning"):
            inner = part.get("thinking") or part.get("reasoning") or part.get("text") or ""
            thoughts += inner if isinstance(inner, str) else _parts(inner)[0]
    return text, thoughts or None


def usage_of(body: Json) -> Usage | None:
    """Tokens of a completion, with the cached and the reasoning ones where the server tells them."""
    usage = body.get("usage")
    if not isinstance(usage, dict):
        return None
    return Usage(
        prompt_tokens=_count(usage, "prompt_tokens"),
        completion_tokens=_count(usage, "completion_tokens"),
        cached_tokens=_count(
            usage.get("prompt_tokens_details"), "cached_tokens", _count(usage, "prompt_cache_hit_tokens")
        ),
        reasoning_tokens=_count(usage.get("completion_tokens_details"), "reasoning_tokens"),
    )


def _count(counts: Any, name: str, default: int | None = None) -> int | None:
    value = counts.get(name) if isinstance(counts, dict) else None
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else default


def _logprobs(logprobs: Any) -> tuple[TokenLogprobs, ...]:
    content = logprobs.get("content") if isinstance(logprobs, dict) else None
    try:
        return tuple(
            TokenLogprobs(
                str(token["token"]),
                tuple((str(top["token"]), float(top["logprob"])) for top in token.get("top_logprobs") or ()),
            )
            for token in content or ()
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        return ()  # asked for, but not given in the documented form: as good as not given
