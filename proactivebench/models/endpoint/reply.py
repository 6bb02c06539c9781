"""What a chat completion says: text, reasoning, how it ended, what it cost. Tolerant of every vendor's extras, and of
none of their failures: what was not generated to its end is no answer."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from proactivebench.models.base import Answer, Failure, TokenLogprobs
from proactivebench.models.endpoint.errors import TooLarge, Transient, Unusable
from proactivebench.models.server_words import looks_like_html, one_line, said, scrub, without_key
from proactivebench.records import Cause, Note, Usage
from proactivebench.text import find_objects

Json = dict[str, Any]

# How generation ends, in the words of the servers there are (lower case). Any other word is none we know.
ENDED = frozenset(
    {
        "stop",
        "end",
        "end_turn",
        "eos",
        "eos_token",
        "eos_found",
        "stop_sequence",
        "stop_token",
        "complete",
        "completed",
        "normal",
        "finished",
        "tool_calls",
        "tool_call",
        "tool_use",
        "function_call",
    }
)
CUT = frozenset(
    {
        "length",
        "max_tokens",
        "max_length",
        "max_new_tokens",
        "max_output_tokens",
        "max_completion_tokens",
        "token_limit",
        "model_length",
    }
)
FULL = frozenset({"model_context_window_exceeded", "context_length_exceeded", "context_window_exceeded"})
FILTERED = frozenset(
    {
        "content_filter",
        "content_filtered",
        "refusal",
        "safety",
        "image_safety",
        "recitation",
        "blocklist",
        "prohibited_content",
        "spii",
        "sensitive",
        "guardrail_intervened",
        "error_toxic",
    }
)
_MOST_TOKENS = 10**12  # beyond it a count is none


def decode(content: bytes, key: str = "") -> tuple[Json, bool]:
    """The body of a 200 response as an object, and whether broken UTF-8 was replaced in it.

    Raises `Transient` where it is a web page, half a JSON, nested too deep or no object. An echoed `key` stays out of
    what is raised.
    """
    replaced = False
    try:
        text = content.decode(json.detect_encoding(content))
    except UnicodeDecodeError:
        text, replaced = content.decode("utf-8", "replace"), True
    try:
        body = json.loads(text.removeprefix("\ufeff"))
    except RecursionError:
        raise Transient("not a completion but JSON that is nested too deep") from None
    except ValueError:
        if looks_like_html(text):
            raise Transient(f"not a completion but {said(scrub(text[:9_000], key))[0]}") from None
        shown = one_line(scrub(text[:9_000], key)[:60])
        raise Transient(f"not a completion but broken JSON: {shown or 'an empty body'}") from None
    if not isinstance(body, dict):
        raise Transient(f"not a completion but a JSON {type(body).__name__}")
    return body, replaced


def error_status(body: Json) -> int | None:
    """The HTTP status of an error that stands inside a 200: `{"error": {"code": 429, …}}`; 500 where it gives none, or
    where a completion stands beside it."""
    error = error_inside(body)
    if not error:
        return None
    code = str(error.get("code") or error.get("status") or "") if isinstance(error, dict) else ""
    plain = code.isdecimal() and 400 <= int(code[:4]) < 600 and not body.get("choices")
    return int(code) if plain else 500


def error_inside(body: Json) -> Any:
    """What a body of a 200 says went wrong, None where nothing did: under `error`, as MiniMax's `base_resp`, or, where
    it says that it is an error itself or holds nothing but words, the body."""
    if body.get("error"):
        return body["error"]
    base = body.get("base_resp")
    if isinstance(base, dict) and base.get("status_code"):
        return {"message": base.get("status_msg") or "no message"}
    itself = "error" in (body.get("object"), body.get("type"))
    worded = any(isinstance(body.get(name), str | list) and body[name] for name in ("message", "detail", "msg"))
    holds = any(isinstance(value, list | dict) for name, value in body.items() if name != "detail")
    return body if itself or (worded and not holds) else None


def read(body: Json, *, key: str = "", replaced: bool = False, readable: Callable[[str], bool] | None = None) -> Answer:
    """The answer in a completion, an echoed `key` cut out. A content filter or a refusal is a refused request.
    `readable` says whether a text can be read (by default: holds a JSON object).

    Raises `Transient` where the choice reports a failure, `Unusable` where there is no choice with a message, where
    generation ended in a way nobody knows without anything that can be read, and where nothing was generated.
    """
    try:
        return _read(body, key, replaced, readable or _holds_object)
    except RecursionError:
        raise Unusable("not a completion but JSON that is nested too deep") from None


def _read(body: Json, key: str, replaced: bool, readable: Callable[[str], bool]) -> Answer:
    choices = body.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices else None
    message = choice.get("message") if isinstance(choice, dict) else None
    if not isinstance(choice, dict) or not isinstance(message, dict):
        raise Unusable("a completion without choices")
    word = choice.get("finish_reason")
    word = None if word in (None, "") else one_line(scrub(word if isinstance(word, str) else json.dumps(word), key), 60)
    if failure := choice.get("error") or message.get("error"):
        raise Transient(
            f"a failure inside the answer: {scrub(said(json.dumps({'error': failure}))[0], key)}",
            kind=Cause.FAILED_INSIDE,
            finish=word,
        )
    usage = usage_of(body.get("usage")) or usage_of(choice.get("usage"))
    parts = _Parts.of(message.get("content"))
    cleaned = _Cleaned(key, [Note.BYTES_REPLACED] if replaced else [])
    text = cleaned.of(parts.text)
    reasoning = cleaned.of(
        _first_text(message.get("reasoning_content"), message.get("reasoning")) or "".join(parts.thought)
    )
    refusal = _first_text(message.get("refusal"), "".join(parts.refused))
    finish = (word or "").lower()
    if finish in FILTERED or refusal:
        why = f"the model refused: {one_line(scrub(refusal, key))}" if refusal else "content filter"
        return Answer(None, reasoning or None, Failure.REFUSED, why, finish_reason=word, usage=usage)
    unknown = bool(finish) and finish not in ENDED | CUT | FULL
    if unknown and not readable(text):
        raise Unusable(
            f"generation ended with '{word}', which is no end we know, and left no answer that can be read",
            kind=Cause.FAILED_INSIDE,
            finish=word,
        )
    empty = not text.strip()
    if empty:
        _check_empty(parts, reasoning, usage, word)
    truncated = finish in CUT | FULL
    generated = bool(reasoning or (usage and usage.completion_tokens))
    return Answer(
        text=text,
        reasoning=reasoning or None,
        truncated=truncated,
        finish_reason=word,
        usage=usage,
        logprobs=_logprobs(choice.get("logprobs")),
        cause=Cause.NO_TEXT if empty and generated and not truncated else None,
        notes=(*cleaned.notes, *([Note.FINISH_UNKNOWN] if unknown else [])),
    )


def _check_empty(parts: _Parts, reasoning: str, usage: Usage | None, word: str | None) -> None:
    """Raise `Transient` where an answer without text is none that the model gave."""
    if parts.unknown is not None:
        raise Unusable(
            f"a message part of type '{parts.unknown}' without any text", kind=Cause.FAILED_INSIDE, finish=word
        )
    if (word or "").lower() in FULL:
        raise TooLarge(f"generation ended with '{word}' before its first word")
    if usage is not None and usage.completion_tokens == 0 and not reasoning:
        raise Unusable("an empty answer, of 0 tokens generated", kind=Cause.NO_TOKENS, finish=word)


def _holds_object(text: str) -> bool:
    """Whether a JSON object that can be read stands in a text: what is no more than a beginning holds none."""
    return bool(find_objects(text))


@dataclass(slots=True)
class _Cleaned:
    """Cleans texts of a completion, and notes what there was to clean."""

    key: str
    notes: list[Note]

    def of(self, text: str) -> str:
        """`text` without the key and without halves of characters."""
        if without_key(text, self.key) != text:
            text = without_key(text, self.key)
            self._note(Note.KEY_CUT)
        try:
            text.encode()
        except UnicodeEncodeError:
            text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
            self._note(Note.BYTES_REPLACED)
        return text

    def _note(self, note: Note) -> None:
        if note not in self.notes:
            self.notes.append(note)


@dataclass(slots=True)
class _Parts:
    """What stands in a message's content, which some vendors give as a list of parts."""

    said: list[str] = field(default_factory=list)
    thought: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    unknown: str | None = None  # the type of a part that holds no text

    @property
    def text(self) -> str:
        """What the parts say."""
        return "".join(self.said)

    @classmethod
    def of(cls, content: Any) -> _Parts:
        """The parts of a content. Raises `Transient` where it is neither text nor parts."""
        found = cls()
        if isinstance(content, dict):
            content = [content]
        if isinstance(content, str):
            found.said.append(content)
        elif isinstance(content, list):
            for part in content:
                found._add(part)
        elif content is not None:
            raise Unusable(f"a message whose content is a JSON {type(content).__name__}", kind=Cause.FAILED_INSIDE)
        return found

    def _add(self, part: Any) -> None:
        if isinstance(part, str):
            self.said.append(part)
            return
        kind = str(part.get("type") or "text") if isinstance(part, dict) else type(part).__name__
        fields = part if isinstance(part, dict) else {}
        if "think" in kind or "reason" in kind:
            inner = _first(fields, "thinking", "reasoning", "text", "summary", "content")
            self.thought.append(inner if isinstance(inner, str) else _Parts.of(inner).text)
        elif kind == "refusal":
            self.refused.append(str(fields.get("refusal") or fields.get("text") or ""))
        else:
            text = _first(fields, "text", "output_text", "content")
            text = text.get("value", text.get("text")) if isinstance(text, dict) else text
            if isinstance(text, str):
                self.said.append(text)
            elif self.unknown is None:
                self.unknown = one_line(kind, 40)


def _first(fields: Json, *names: str) -> Any:
    return next((fields[name] for name in names if fields.get(name) is not None), None)


def _first_text(*values: Any) -> str:
    return next((value for value in values if isinstance(value, str) and value), "")


def usage_of(counts: Any) -> Usage | None:
    """Tokens of a completion as an OpenAI-style or an Anthropic-style server says them, with the cached and the
    reasoning ones where it does; None where it says nothing."""
    if not isinstance(counts, dict):
        return None
    prompt, completion = counts.get("prompt_tokens_details"), counts.get("completion_tokens_details")
    return Usage(
        prompt_tokens=_count(counts, "prompt_tokens", "input_tokens"),
        completion_tokens=_count(counts, "completion_tokens", "output_tokens"),
        cached_tokens=_first_count(
            _count(prompt, "cached_tokens"), _count(counts, "prompt_cache_hit_tokens", "cache_read_input_tokens")
        ),
        reasoning_tokens=_count(completion, "reasoning_tokens"),
    )


def _count(counts: Any, *names: str) -> int | None:
    values = [counts.get(name) for name in names] if isinstance(counts, dict) else []
    return _first_count(*values)


def _first_count(*values: Any) -> int | None:
    whole = (value for value in values if isinstance(value, int) and not isinstance(value, bool))
    return next((value for value in whole if 0 <= value <= _MOST_TOKENS), None)


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
