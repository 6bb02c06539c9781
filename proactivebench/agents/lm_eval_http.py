"""lm-eval's HTTP backends, one conversation a call, with what they drop on the way: usage, finish reason, reasoning."""

from __future__ import annotations

import asyncio
import functools
import logging
import threading
import time
from typing import TYPE_CHECKING, Any

from proactivebench.agents.base import Answer, Failure, Request
from proactivebench.agents.endpoint_errors import one_line, scrub
from proactivebench.agents.lm_eval_request import generation_arguments, instance
from proactivebench.errors import UsageError
from proactivebench.records import Usage
from proactivebench.stopping import go_on

if TYPE_CHECKING:
    from lm_eval.api.model import LM

_STOPS_THE_RUN = {401, 402, 403, 404}
_MAY_PASS = {408, 409, 429}


class HttpCalls:
    """Asks a `TemplateAPI` model and listens to the responses it parses. `close` leaves the model as it was found."""

    def __init__(self, lm: LM, *, concurrency: int | None = None) -> None:
        import lm_eval.models.api_models as client

        self._lm: Any = lm
        self._client = client
        self._progress = client.tqdm
        self._client_log = logging.getLogger(client.__name__)
        self._log_level = self._client_log.level
        self._concurrent = lm._concurrent
        self._limit = asyncio.Semaphore(max(1, concurrency or lm._concurrent))
        self._heard = threading.local()
        parse = lm.parse_generations

        def listen(outputs: Any, **context: Any) -> Any:
            self._heard.response = outputs[0] if isinstance(outputs, list) and outputs else outputs
            return parse(outputs=only_text(outputs), **context)

        lm.parse_generations = listen
        lm._concurrent = 1  # each call is one request: how many run at once is decided here
        client.tqdm = functools.partial(self._progress, disable=True)  # a bar for every single request
        self._client_log.setLevel(logging.ERROR)  # and two lines of remarks

    def close(self) -> None:
        """Stop listening."""
        del self._lm.parse_generations
        self._lm._concurrent = self._concurrent
        self._client.tqdm = self._progress
        self._client_log.setLevel(self._log_level)

    def remarks(self) -> dict[str, Any]:
        """What the backend does to the decoding, for the manifest. Raises `UsageError` where it has no key."""
        try:
            _ = self._lm.header
        except ValueError as error:
            raise UsageError(f"lm-eval's client has no key: {error}") from error
        name = str(getattr(self._lm, "model", ""))
        if type(self._lm).__name__ == "OpenAIChatCompletion" and any(mark in name for mark in ("o1", "5", "o3", "o4")):
            return {"overridden": "lm-eval sends temperature 1 and no stop sequences to a model of this name"}
        return {}

    async def ask(self, prompt: Any, request: Request) -> Answer:
        """The answer to one prompt; what cannot succeed for any request raises `UsageError`."""
        async with self._limit:
            go_on()
            return await asyncio.to_thread(self._ask, prompt, request)

    def _ask(self, prompt: Any, request: Request) -> Answer:
        started = time.perf_counter()
        self._heard.response = None
        try:
            texts = self._lm.generate_until([instance(prompt, self._gen_kwargs(request))])
            text = texts[0] or ""
        except Exception as error:
            return failed(error, time.perf_counter() - started, key=str(getattr(self._lm, "api_key", None) or ""))
        return heard(text, self._heard.response, time.perf_counter() - started)

    def _gen_kwargs(self, request: Request) -> dict[str, Any]:
        if type(self._lm).__name__ == "AnthropicChat":
            return generation_arguments(request)
        arguments = generation_arguments(request, with_seed=True)
        if not arguments["until"]:
            arguments["stop"] = None  # lm-eval would send an empty list, on which some servers fail
        return arguments


def only_text(outputs: Any) -> Any:
    """A response without Anthropic's blocks that are not text, on which lm-eval's parser fails."""
    if isinstance(outputs, list):
        return [only_text(output) for output in outputs]
    if isinstance(outputs, dict) and isinstance(outputs.get("content"), list):
        text = "".join(block["text"] for block in outputs["content"] if isinstance(block, dict) and "text" in block)
        return {**outputs, "content": [{"type": "text", "text": text}]}
    return outputs


def heard(text: str, response: Any, seconds: float) -> Answer:
    """The answer in an OpenAI-style or Anthropic-style response, of which lm-eval passes only `text` on."""
    if isinstance(response, dict) and not (response.get("choices") or isinstance(response.get("content"), list)):
        # an error inside a 200: lm-eval makes an empty answer of it, which would be final
        return Answer(text=None, failure=Failure.ERROR, error="a response without an answer in it", latency_s=seconds)
    response = response if isinstance(response, dict) else {}
    choices = response.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices and isinstance(choices[0], dict) else {}
    message = choice["message"] if isinstance(choice.get("message"), dict) else {}
    reason = choice.get("finish_reason") or response.get("stop_reason")
    blocks = response.get("content") if isinstance(response.get("content"), list) else []
    thoughts = [block["thinking"] for block in blocks if isinstance(block, dict) and block.get("thinking")]
    reasoning = message.get("reasoning_content") or message.get("reasoning") or "\n".join(thoughts)
    filtered = reason in ("content_filter", "refusal")
    return Answer(
        text=None if filtered else text,
        failure=Failure.REFUSED if filtered else None,
        error="the server's content filter withheld the answer" if filtered else None,
        reasoning=reasoning if isinstance(reasoning, str) and reasoning else None,
        truncated=reason in ("length", "max_tokens"),
        finish_reason=reason,
        usage=usage_of(response.get("usage")),
        latency_s=seconds,
    )


def usage_of(said: Any) -> Usage | None:
    """Token counts as an OpenAI-style or Anthropic-style server says them; None where it does not."""
    if not isinstance(said, dict):
        return None

    def count(*path: str) -> int | None:
        value: Any = said
        for key in path:
            value = value.get(key) if isinstance(value, dict) else None
        return value if isinstance(value, int) else None

    def first(*counts: int | None) -> int | None:
        return next((number for number in counts if number is not None), None)

    return Usage(
        prompt_tokens=first(count("prompt_tokens"), count("input_tokens")),
        completion_tokens=first(count("completion_tokens"), count("output_tokens")),
        cached_tokens=first(count("prompt_tokens_details", "cached_tokens"), count("cache_read_input_tokens")),
        reasoning_tokens=count("completion_tokens_details", "reasoning_tokens"),
    )


def failed(error: Exception, seconds: float, key: str = "") -> Answer:
    """What a failed call amounts to, after the retries of lm-eval; an echoed `key` stays out of it. Raises `UsageError`
    on 401, 402, 403 and 404."""
    response = getattr(error, "response", None)
    status = getattr(response, "status_code", None) or getattr(error, "status", None)
    body = str(getattr(response, "text", "") or "").strip()
    reason = f"{type(error).__name__}: {one_line(scrub(body or str(error), key))}"
    if status in _STOPS_THE_RUN:
        raise UsageError(
            f"the server answers {status} ({reason}): check base_url, the model's name, the key and the account"
        )
    definite = isinstance(status, int) and 400 <= status < 500 and status not in _MAY_PASS
    return Answer(text=None, failure=Failure.REFUSED if definite else Failure.ERROR, error=reason, latency_s=seconds)
