"""lm-eval's HTTP backends: lm-eval composes a request and reads the text of its answer, and what lies between them
(sending, retries, what a failure means, usage, how generation ended) is that of every endpoint."""

from __future__ import annotations

import asyncio
import functools
import logging
import random
import time
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from proactivebench.errors import AuthenticationFailed
from proactivebench.models.base import Answer, Request, add_usage
from proactivebench.models.endpoint.errors import Rejected, Server, Transient, failed, no_response, persistently
from proactivebench.models.endpoint.http_client import HttpClient
from proactivebench.models.endpoint.line import Connection, Tally
from proactivebench.models.endpoint.reply import Json, usage_of
from proactivebench.models.lm_eval.request import generation_arguments, instance
from proactivebench.models.server_words import scrub

if TYPE_CHECKING:
    from lm_eval.api.model import LM

_ANSWER: ContextVar[str | None] = ContextVar("answer", default=None)


class _Composed(Exception):
    """What lm-eval was about to send: not sent by it, but raised."""

    def __init__(self, messages: Any, arguments: dict[str, Any]) -> None:
        super().__init__("composed")
        self.messages = messages
        self.arguments = arguments


class HttpCalls:
    """Asks a `TemplateAPI` model, one conversation a call. `close` leaves the model as it was found."""

    def __init__(self, lm: LM, *, concurrency: int | None = None) -> None:
        import lm_eval.models.api_models as client

        self._lm: Any = lm
        self._client = client
        self._progress = client.tqdm
        self._client_log = logging.getLogger(client.__name__)
        self._log_level = self._client_log.level
        self._found = {"_concurrent": lm._concurrent, "max_retries": lm.max_retries}
        self._connections = max(1, concurrency or lm._concurrent)
        self._limit = asyncio.Semaphore(self._connections)
        self._retries = max(0, int(lm.max_retries) - 1)  # lm-eval counts the first attempt in
        self._jitter = random.Random()
        self._connection: Connection | None = None
        # a backend that does not send by itself (litellm) keeps its way
        self._own: Callable[..., Any] | None = (
            None if type(lm).model_call is client.TemplateAPI.model_call else lm.model_call
        )

        lm.model_call = _model_call
        lm._concurrent = 1  # each call is one request: how many run at once is decided here
        lm.max_retries = 1
        client.tqdm = functools.partial(self._progress, disable=True)  # a bar for every single request
        self._client_log.setLevel(logging.ERROR)  # and two lines of remarks

    async def close(self) -> None:
        """Close the connections, and give the model back."""
        del self._lm.model_call
        for name, value in self._found.items():
            setattr(self._lm, name, value)
        self._client.tqdm = self._progress
        self._client_log.setLevel(self._log_level)
        if self._connection is not None:
            await self._connection.client.close()

    def remarks(self) -> dict[str, Any]:
        """What the backend does to the decoding, for the manifest. Raises `UsageError` where it has no key."""
        try:
            _ = self._lm.header
        except ValueError as error:
            raise AuthenticationFailed(f"lm-eval's client has no key: {error}") from error
        name = str(getattr(self._lm, "model", ""))
        if type(self._lm).__name__ == "OpenAIChatCompletion" and any(mark in name for mark in ("o1", "5", "o3", "o4")):
            return {"overridden": "lm-eval sends temperature 1 and no stop sequences to a model of this name"}
        return {}

    async def ask(self, prompt: Any, request: Request) -> Answer:
        """The answer to one prompt. Raises `UsageError` where no request can succeed, `OutOfFiles` where none can be
        sent, `Stopped` where the run is to stop and nothing was."""
        came = time.perf_counter()
        async with self._limit:
            started, tally = time.perf_counter(), Tally()
            try:
                composed = await asyncio.to_thread(self._composed, prompt, request)
                answer = await persistently(lambda: self._once(composed, request, tally), self._retries, self._jitter)
                if answer.text:
                    answer = replace(answer, text=await asyncio.to_thread(self._text, prompt, request, answer.text))
            except (Transient, Rejected) as fault:
                answer = failed(fault)
        seconds = time.perf_counter() - started
        spent = max(1, tally.attempts)
        return replace(answer, attempts=spent, usage=tally.usage, latency_s=seconds, queue_s=started - came)

    def _composed(self, prompt: Any, request: Request) -> _Composed:
        """The request as lm-eval would send it."""
        try:
            self._lm.generate_until([instance(prompt, self._gen_kwargs(request))])
        except _Composed as composed:
            return composed
        except Exception as error:
            raise no_response(error, self._key) from None
        raise Transient("lm-eval's client composed no request")

    async def _once(self, composed: _Composed, request: Request, tally: Tally) -> Answer:
        connection = self._connection = self._connection or self._connect()
        if self._own is None:
            body, replaced = await connection.post(self._payload(composed), tally)
        else:
            body, replaced = await asyncio.to_thread(_by_itself, self._own, composed, connection, tally), False
        return connection.read(as_chat(body), replaced=replaced, readable=request.readable)

    def _payload(self, composed: _Composed) -> Json:
        lm, arguments = self._lm, composed.arguments
        try:
            payload: Json = lm._create_payload(
                lm.create_message(composed.messages), seed=lm._seed, eos=lm.eos_string, **arguments
            )
        except Exception as error:
            raise no_response(error, self._key) from None
        return payload

    def _text(self, prompt: Any, request: Request, text: str) -> str:
        """What lm-eval makes of the text of an answer."""
        token = _ANSWER.set(text)
        try:
            return str(self._lm.generate_until([instance(prompt, self._gen_kwargs(request))])[0] or "")
        except Exception as error:
            raise no_response(error, self._key) from None
        finally:
            _ANSWER.reset(token)

    def _connect(self) -> Connection:
        lm = self._lm
        timeout_s = float(getattr(lm, "timeout", 300))
        client = HttpClient(
            str(lm.base_url),
            dict(lm.header or {}),
            connections=self._connections,
            timeout_s=timeout_s,
            verify=lm.verify_certificate is not False,
        )
        server = Server(str(lm.base_url), str(lm.model), "the key in the environment", self._key)
        return Connection(client, server, self._key, timeout_s)

    @property
    def _key(self) -> str:
        return str(getattr(self._lm, "api_key", None) or "")

    def _gen_kwargs(self, request: Request) -> dict[str, Any]:
        if type(self._lm).__name__ == "AnthropicChat":
            return generation_arguments(request)
        arguments = generation_arguments(request, with_seed=True)
        if not arguments["until"]:
            arguments["stop"] = None  # lm-eval would send an empty list, on which some servers fail
        return arguments


def _model_call(messages: Any, **arguments: Any) -> Json:
    """In place of lm-eval's sending: a response in every form its parsers read, or what it was about to send."""
    text = _ANSWER.get()
    if text is None:
        raise _Composed(messages, arguments)
    choice = {"index": 0, "text": text, "message": {"role": "assistant", "content": text}}
    return {"choices": [choice], "content": [{"type": "text", "text": text}], "text": text}


def as_chat(body: Json) -> Json:
    """A response of a text completion, of Anthropic's API or of SGLang's as one of the chat API."""
    meta = body.get("meta_info")
    if isinstance(body.get("content"), list):
        choice = {"message": {"content": body["content"]}, "finish_reason": body.get("stop_reason")}
    elif isinstance(meta, dict):
        finish = meta.get("finish_reason")
        word = finish.get("type") if isinstance(finish, dict) else finish
        return {"choices": [{"message": {"content": body.get("text")}, "finish_reason": word}], "usage": meta}
    else:
        choices = body.get("choices")
        first = choices[0] if isinstance(choices, list) and choices else None
        if not isinstance(first, dict) or "message" in first or "text" not in first:
            return body
        choice = {**first, "message": {"content": first["text"]}}
    return {**body, "choices": [choice]}


def _by_itself(send: Callable[..., Any], composed: _Composed, connection: Connection, tally: Tally) -> Json:
    """The body of an answer that a backend's own client fetches."""
    tally.attempts += 1
    try:
        body = send(composed.messages, **composed.arguments)
    except Exception as error:
        response = getattr(error, "response", None)
        status = getattr(response, "status_code", None) or getattr(error, "status_code", None)
        if not isinstance(status, int):
            raise no_response(error, connection.key) from None
        text = scrub(str(getattr(response, "text", "") or error), connection.key)
        raise connection.server.failure(status, getattr(response, "headers", {}), text) from None
    tally.usage = add_usage(tally.usage, usage_of(body.get("usage") if isinstance(body, dict) else None))
    return body if isinstance(body, dict) else {}
