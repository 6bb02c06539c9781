"""Any server that speaks the OpenAI chat API: a vendor's, vLLM's, llama.cpp's, one's own."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from time import perf_counter
from typing import Any

from proactivebench.errors import BadArgument, OtherRun, Unreachable
from proactivebench.models.base import Answer, Message, Model, ModelCall, Request
from proactivebench.models.context import RULE, Count, fit
from proactivebench.models.endpoint.accepted import Accepted, Form
from proactivebench.models.endpoint.errors import Rejected, TooLarge, Transient, failed
from proactivebench.models.endpoint.line import Line, Tally
from proactivebench.models.endpoint.options import parse_options
from proactivebench.models.endpoint.probe import GREETING, Probe
from proactivebench.models.endpoint.reply import Json
from proactivebench.models.endpoint.tokens import ESTIMATE, counter
from proactivebench.models.endpoint.wants import after
from proactivebench.models.turns import reasoning_of
from proactivebench.parameters import Parameters
from proactivebench.records import AgentIdentity, Decoding


@dataclass(slots=True)
class _Kind:
    """Requests of one decoding, with or without a schema, and what the server takes of them once that is known."""

    name: str
    decoding: Decoding
    schema: Json | None
    top_logprobs: int = 0
    accepted: Accepted | None = None

    def holds(self, decoding: Decoding, schema: Json | None) -> bool:
        """Whether a request is of this kind. One without a schema is where one with a schema was taken."""
        return self.decoding == decoding and (schema is None or self.schema is not None)


class EndpointModel(Model):
    """`EndpointModel(word, model_args, concurrency=16, timeout_s=120, max_retries=5)`.

    `word` is `endpoint` or `openai`; `model_args` as `endpoint_options` says, where num_concurrent, timeout and
    max_retries win over the arguments of the same meaning. The probe in `start` tries exactly what `expect` announced;
    a request of another decoding is preceded by a probe of its own. What was found holds for all of a run, the
    sittings to come included. Raises `UsageError` for bad arguments.
    """

    def __init__(
        self,
        word: str,
        model_args: Mapping[str, str],
        *,
        concurrency: int = 16,
        timeout_s: float = 120.0,
        max_retries: int = 5,
    ) -> None:
        self._options = parse_options(word, model_args)
        self.identity = AgentIdentity(model=word, model_args=self._options.recorded, name=self._options.model)
        self._max_retries = max_retries if self._options.max_retries is None else self._options.max_retries
        connections = self._options.num_concurrent or concurrency
        self._line = Line(self._options, connections, self._options.timeout_s or timeout_s)
        self._slots = asyncio.Semaphore(connections)
        self._probing = asyncio.Lock()
        self._kinds: list[_Kind] = []
        self._parameters = Parameters()

    @classmethod
    def of(cls, call: ModelCall) -> EndpointModel:
        """The endpoint that a call names."""
        return cls(
            call.word,
            call.args,
            concurrency=call.concurrency,
            timeout_s=call.timeout_s,
            max_retries=call.max_retries,
        )

    def expect(self, decoding: Decoding, schema: Json | None = None, top_logprobs: int = 0) -> None:
        """Probe, at the start, with such requests."""
        if not any(kind.holds(decoding, schema) for kind in self._kinds):
            self._kinds.append(self._kind(decoding, schema, top_logprobs))

    def attach(self, parameters: Parameters) -> None:
        """Keep what is found there, and take up what is there already."""
        self._parameters = parameters

    async def start(self) -> dict[str, Any]:
        """Probe the server; returns which parameters it takes, and the rule for conversations that grow too long.

        Raises `UsageError` if the server is not there, lets nobody in, or does not know the model.
        """
        if not self._kinds:
            self.expect(Decoding(), GREETING)
        try:
            accepted = [await self._accepted(kind) for kind in self._kinds]
        except TooLarge as fault:
            raise BadArgument(f"{self._options.base_url}: {fault}") from None
        except Transient as fault:
            url = self._options.base_url
            raise Unreachable(f"no usable answer from {url} ({fault}): start the server, or check base_url") from None
        recorded = {name: value for name, value in accepted[0].recorded.items() if name != "in_use"}
        if self._options.max_length is None:
            return recorded
        context = {"max_length": self._options.max_length, "rule": RULE, "tokens_by": self._counter[0]}
        return recorded | {"context": context}

    async def complete(self, request: Request) -> Answer:
        """The answer to one conversation; a failed call is an answer too, with `failure` and `error` set.

        Raises `UsageError` where no request can succeed (401, 402, 403, 404), or where the server now answers only in
        another form than it did before in this run.
        """
        kind, came = self._kind_of(request), perf_counter()
        async with self._slots:
            try:
                await self._accepted(kind)
            except Transient as fault:
                return failed(fault)
            tally, started = Tally(), perf_counter()
            try:
                answer = await self._ask(request, kind, tally)
            except (Rejected, Transient) as fault:
                answer = failed(fault)
            latency_s = perf_counter() - started
        queue_s = started - came
        return replace(answer, attempts=tally.attempts, usage=tally.usage, latency_s=latency_s, queue_s=queue_s)

    async def close(self) -> None:
        """Close all connections."""
        await self._line.close()

    # --- what the server takes ----------------------------------------------------------------------------------------

    def _kind(self, decoding: Decoding, schema: Json | None, top_logprobs: int) -> _Kind:
        first = not self._kinds  # the run's own requests: their parameters stand in the manifest by themselves
        name = "" if first else decoding.model_dump_json(exclude_defaults=True) + ("" if schema else " without schema")
        return _Kind(name, decoding, schema, top_logprobs)

    def _kind_of(self, request: Request) -> _Kind:
        self.expect(request.decoding, request.schema, request.top_logprobs)
        return next(kind for kind in self._kinds if kind.holds(request.decoding, request.schema))

    async def _accepted(self, kind: _Kind) -> Accepted:
        """What the server takes of such requests: as the run has it, else by a probe."""
        if kind.accepted is not None:
            return self._as_asked(kind.accepted)
        async with self._probing:
            if kind.accepted is None:
                stored = Accepted.of(self._parameters.get(kind.name))
                if stored is None:
                    found = await self._probe(kind)
                    stored = Accepted.of(self._parameters.settle(found.recorded, kind.name))
                    stored = found if stored is None else stored
                kind.accepted = stored
        return self._as_asked(kind.accepted)

    async def _probe(self, kind: _Kind) -> Accepted:
        probe = Probe(
            self._send_probe,
            model=self._options.model,
            url=self._options.base_url,
            decoding=kind.decoding,
            schema=kind.schema,
            top_logprobs=kind.top_logprobs,
            allowed=self._allowed,
        )
        form = Form.STRICT if self._options.schema and kind.schema is not None else Form.NONE
        return await probe.find_out(self._as_asked(Accepted(form=form)))

    async def _send_probe(self, payload: Json, patient: bool) -> Answer | None:
        return await self._line.probe(payload, self._max_retries if patient else 0)

    def _as_asked(self, accepted: Accepted) -> Accepted:
        """With what the user decided, whatever was found."""
        stream = accepted.stream if self._options.stream is None else self._options.stream
        reasoning = accepted.reasoning if self._options.reasoning is None else self._options.reasoning
        return replace(accepted, stream=stream, reasoning=reasoning)

    def _allowed(self, following: Accepted, refusal: Rejected) -> Accepted:
        """`following`, unless the user ruled it out."""
        url = self._options.base_url
        if following.stream and self._options.stream is False:
            raise BadArgument(f"{url} answers only as a stream ({refusal}): leave stream=off out of --model_args")
        if following.reasoning and self._options.reasoning is False:
            raise BadArgument(f"{url} wants its thoughts back ({refusal}): leave reasoning=drop out of --model_args")
        return following

    # --- asking -------------------------------------------------------------------------------------------------------

    async def _ask(self, request: Request, kind: _Kind, tally: Tally) -> Answer:
        """The answer in the one form of this kind of request, which the first answers settle."""
        used, refused = await self._accepted(kind), None
        while True:
            fitted, dropped = self._fitted(request, used)
            payload = self._payload(fitted, used)
            try:
                answer = await self._line.send(payload, tally, self._max_retries, request.readable)
            except Rejected as refusal:
                following = after(refusal, used, payload)
                if following is None and self._options.reasoning and "reasoning_content" in refusal.message:
                    raise BadArgument(
                        f"{self._options.base_url} does not take thoughts back ({refusal}): "
                        "leave reasoning=return out of --model_args"
                    ) from None
                if following is None:
                    raise
                used, refused = self._allowed(following, refusal), refusal
                continue
            standing = self._settled(kind, used, refused)
            if not used.differences(standing):
                return replace(answer, dropped_turns=dropped)
            used = standing

    def _settled(self, kind: _Kind, used: Accepted, refused: Rejected | None) -> Accepted:
        """The form that stands after an answer in the form `used`, which `refused` led to. Raises `UsageError` where
        answers of this run were given in another one."""
        before = kind.accepted or used
        now = replace(used, in_use=True)
        if before == now:
            return now
        if not (before.in_use and before.differences(now)):
            stored = Accepted.of(self._parameters.settle(now.recorded, kind.name, instead_of=before.conditions))
            kind.accepted = stored or now
        standing = self._as_asked(kind.accepted or now)
        if refused is not None and standing.in_use and (differing := standing.differences(now)):
            raise OtherRun(
                f"{self._options.base_url} no longer takes what answers of this run were given with "
                f"({'; '.join(differing)}: {refused}): a run is asked in one form, so give another --output_path, "
                "or the server it was begun with"
            )
        return standing

    def _payload(self, request: Request, accepted: Accepted) -> Json:
        return accepted.payload(
            self._options.model,
            request.messages,
            request.decoding,
            seed=request.seed,
            schema=request.schema,
            top_logprobs=request.top_logprobs,
        )

    @cached_property
    def _counter(self) -> tuple[str, Count]:
        stored = self._parameters.get().get("context", {}).get("tokens_by")
        by, count = counter(self._options.model, estimated=stored == ESTIMATE)
        if stored not in (None, by):
            raise OtherRun(
                f"this run's tokens were counted by {stored}, which cannot be had now ({by}): install tiktoken and let "
                "it fetch its vocabulary, or give another --output_path"
            )
        return by, count

    def _fitted(self, request: Request, accepted: Accepted) -> tuple[Request, int]:
        """The request within the context, and how many turns were dropped for it."""
        if self._options.max_length is None:
            return request, 0
        budget = self._options.max_length - request.decoding.max_gen_toks
        if budget <= 0:
            raise BadArgument(
                f"max_length={self._options.max_length} leaves no room beside max_gen_toks="
                f"{request.decoding.max_gen_toks}: raise the one or lower the other (--gen_kwargs max_gen_toks=…)"
            )
        count = self._counter[1]
        messages, dropped = fit(request.messages, budget, _with_thoughts(count) if accepted.reasoning else count)
        return (replace(request, messages=messages) if dropped else request), dropped


def _with_thoughts(count: Count) -> Count:
    """Counts what goes back of a model's thoughts too."""

    def counted(messages: Sequence[Message]) -> int:
        return count([Message(m.role, f"{reasoning_of(m) or ''}{m.content}") for m in messages])

    return counted
