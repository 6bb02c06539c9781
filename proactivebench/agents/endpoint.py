"""Any server that speaks the OpenAI chat API: a vendor's, vLLM's, llama.cpp's, one's own."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
from time import perf_counter
from typing import Any

from proactivebench.agents.base import Agent, Answer, Request
from proactivebench.agents.context import RULE, Count, fit
from proactivebench.agents.endpoint_errors import Rejected, Transient, failed
from proactivebench.agents.endpoint_line import Line, Tally
from proactivebench.agents.endpoint_options import parse_options
from proactivebench.agents.endpoint_probe import Accepted, Form, find_out
from proactivebench.agents.endpoint_reply import Json
from proactivebench.agents.endpoint_tokens import counter
from proactivebench.errors import UsageError
from proactivebench.records import AgentIdentity, Decoding

_PROBE_RETRIES = 2


class EndpointAgent(Agent):
    """`EndpointAgent(word, model_args, concurrency=16, timeout_s=120, max_retries=5, decoding=None, schema=None)`.

    `word` is `endpoint` or `openai`; `model_args` as `endpoint_options` says, where num_concurrent, timeout and
    max_retries win over the arguments of the same meaning. With `decoding` and `schema` (those of the run) the probe
    in `start` tries exactly what will be sent; a request with another decoding is preceded by a probe of its own.
    Raises `UsageError` for bad arguments.
    """

    def __init__(
        self,
        word: str,
        model_args: Mapping[str, str],
        *,
        concurrency: int = 16,
        timeout_s: float = 120.0,
        max_retries: int = 5,
        decoding: Decoding | None = None,
        schema: dict[str, Any] | None = None,
    ) -> None:
        self._options = parse_options(word, model_args)
        self.identity = AgentIdentity(model=word, model_args=self._options.recorded, name=self._options.model)
        self._decoding, self._schema = decoding or Decoding(), schema
        self._max_retries = max_retries if self._options.max_retries is None else self._options.max_retries
        connections = self._options.num_concurrent or concurrency
        self._line = Line(self._options, connections, self._options.timeout_s or timeout_s)
        self._slots = asyncio.Semaphore(connections)
        self._probing = asyncio.Lock()
        self._accepted: list[tuple[tuple[Any, ...], Accepted]] = []

    async def start(self) -> dict[str, Any]:
        """Probe the server; returns which parameters it takes, and the rule for conversations that grow too long.

        Raises `UsageError` if the server is not there, lets nobody in, or does not know the model.
        """
        try:
            accepted = await self._settled(self._decoding, self._schema)
        except Transient as fault:
            url = self._options.base_url
            raise UsageError(f"no usable answer from {url} ({fault}): start the server, or check base_url") from None
        if self._options.max_length is None:
            return accepted.recorded
        context = {"max_length": self._options.max_length, "rule": RULE, "tokens_by": self._counter[0]}
        return accepted.recorded | {"context": context}

    async def answer(self, request: Request) -> Answer:
        """The answer to one conversation; a failed call is an answer too, with `failure` and `error` set.

        Raises `UsageError` where no request can succeed (401, 402, 403, 404).
        """
        request, dropped = self._fitted(request)
        async with self._slots:
            try:
                accepted = await self._settled(request.decoding, request.schema)
            except Transient as fault:
                return failed(fault)
            tally, started = Tally(), perf_counter()
            try:
                answer = await self._ask(request, accepted, tally)
            except (Rejected, Transient) as fault:
                answer = failed(fault)
            latency_s = perf_counter() - started
        return replace(answer, attempts=tally.attempts, usage=tally.usage, latency_s=latency_s, dropped_turns=dropped)

    async def close(self) -> None:
        """Close all connections."""
        await self._line.close()

    @cached_property
    def _counter(self) -> tuple[str, Count]:
        return counter(self._options.model)

    async def _settled(self, decoding: Decoding, schema: Json | None) -> Accepted:
        """What the server takes of requests with this decoding. One probe each, and a run has one decoding."""
        wanted = (decoding.temperature, decoding.top_p, decoding.until, decoding.extra)
        for probed, accepted in self._accepted:
            if probed == wanted:
                return accepted
        async with self._probing:
            if all(probed != wanted for probed, _ in self._accepted):
                accepted = await find_out(
                    self._send_probe,
                    model=self._options.model,
                    url=self._options.base_url,
                    decoding=decoding,
                    schema=schema,
                    form=Form.STRICT if self._options.schema else Form.NONE,
                )
                self._accepted.append((wanted, accepted))
        return await self._settled(decoding, schema)

    async def _send_probe(self, payload: Json) -> Answer:
        return await self._line.send(payload, Tally(), min(_PROBE_RETRIES, self._max_retries))

    async def _ask(self, request: Request, accepted: Accepted, tally: Tally) -> Answer:
        payload, smaller = self._payload(request, accepted), accepted
        while True:
            try:
                answer = await self._line.send(payload, tally, self._max_retries)
            except Rejected as refusal:
                following = smaller.after(refusal, payload)
                if following is None:
                    raise
                smaller, payload = following, self._payload(request, following)
            else:
                if smaller is not accepted:
                    self._accepted = [(what, smaller if a is accepted else a) for what, a in self._accepted]
                return answer

    def _payload(self, request: Request, accepted: Accepted) -> Json:
        return accepted.payload(
            self._options.model,
            request.messages,
            request.decoding,
            seed=request.seed,
            schema=request.schema,
            top_logprobs=request.top_logprobs,
        )

    def _fitted(self, request: Request) -> tuple[Request, int]:
        """The request within the context, and how many turns were dropped for it."""
        if self._options.max_length is None:
            return request, 0
        budget = self._options.max_length - request.decoding.max_gen_toks
        if budget <= 0:
            raise UsageError(
                f"max_length={self._options.max_length} leaves no room beside max_gen_toks="
                f"{request.decoding.max_gen_toks}: raise the one or lower the other (--gen_kwargs max_gen_toks=…)"
            )
        messages, dropped = fit(request.messages, budget, self._counter[1])
        return (replace(request, messages=messages) if dropped else request), dropped
