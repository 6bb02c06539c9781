"""What a server takes: one tiny request at the start tells, and names no model. What it does not take is left out."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from proactivebench.agents.base import Answer, Message
from proactivebench.agents.endpoint_errors import Rejected, Transient
from proactivebench.agents.endpoint_reply import Json
from proactivebench.errors import UsageError
from proactivebench.records import Decoding

QUESTION = "Greet me in one word (in JSON only if the form of the answer asks for it)."
_SYSTEM = "You are polite."
_TOKENS = 32
_GREETING = {
    "type": "object",
    "properties": {"greeting": {"type": "string"}},
    "required": ["greeting"],
    "additionalProperties": False,
}
_ENDED = re.compile(r"output limit was reached|could not finish the message", re.IGNORECASE)
_LOGPROBS = ("top_logprobs", "logprobs")
_FORMAT_WORDS = ("response_format", "json_schema", "json_object", "structured", "grammar", "guided", "schema", "strict")


class Form(StrEnum):
    """How an answer's JSON schema is asked for, most exact first. Servers differ in what they take."""

    STRICT = "json_schema, strict"
    SCHEMA = "json_schema"
    OBJECT = "json_object with schema"
    NONE = "none"

    @property
    def weaker(self) -> Form:
        """The next form to try."""
        forms = list(Form)
        return forms[min(forms.index(self) + 1, len(forms) - 1)]


@dataclass(frozen=True, slots=True)
class Accepted:
    """The parameters a server takes. `enforced`: whether the probe's answer kept to the schema (None: cannot say)."""

    tokens: str = "max_tokens"
    temperature: bool = True
    seed: bool = True
    logprobs: bool = True
    form: Form = Form.STRICT
    enforced: bool | None = None

    @property
    def recorded(self) -> dict[str, Any]:
        """As it goes into the manifest."""
        return {
            "token_limit": self.tokens,
            "temperature": self.temperature,
            "seed": self.seed,
            "response_format": str(self.form),
            "response_format_enforced": self.enforced,
        }

    def payload(
        self,
        model: str,
        messages: Sequence[Message],
        decoding: Decoding,
        *,
        seed: int,
        schema: Json | None = None,
        top_logprobs: int = 0,
    ) -> Json:
        """The body of a request, with nothing in it that the server does not take."""
        body: Json = decoding.extra | {"model": model, "messages": [message._asdict() for message in messages]}
        body[self.tokens] = decoding.max_gen_toks
        if self.temperature:
            body["temperature"] = decoding.temperature
        if decoding.top_p is not None:
            body["top_p"] = decoding.top_p
        if decoding.until:
            body["stop"] = list(decoding.until)
        if self.seed:
            body["seed"] = seed
        if schema is not None and self.form is not Form.NONE:
            body["response_format"] = _response_format(self.form, schema)
        if top_logprobs and self.logprobs:
            body |= {"logprobs": True, "top_logprobs": top_logprobs}
        return body

    def without(self, name: str | None) -> Accepted | None:
        """What is left when `name` is not taken; None where nothing can be left out for it."""
        if name == "max_tokens" and self.tokens == "max_tokens":
            return replace(self, tokens="max_completion_tokens")
        if name in ("temperature", "seed") and getattr(self, name):
            return replace(
                self, temperature=self.temperature and name != "temperature", seed=self.seed and name != "seed"
            )
        if name in _LOGPROBS and self.logprobs:
            return replace(self, logprobs=False)
        if name in _FORMAT_WORDS and self.form is not Form.NONE:
            return replace(self, form=self.form.weaker)
        return None

    def after(self, refusal: Rejected, payload: Json) -> Accepted | None:
        """What to try next when a moment's request was refused in words about the form of the answer or about
        log-probabilities; None where it was not. The probe has settled the rest, and any other refusal is meant."""
        tried = [
            *(_FORMAT_WORDS if "response_format" in payload else ()),
            *(name for name in _LOGPROBS if name in payload),
        ]
        return self.without(refusal.named(tried))


def _sent(payload: Json) -> list[str]:
    """The names in `payload` that a refusal may be about, with the words that mean `response_format`."""
    names = [name for name in payload if name not in ("model", "messages")]
    return names + [word for word in _FORMAT_WORDS if "response_format" in payload and word not in names]


def _response_format(form: Form, schema: Json) -> Json:
    if form is Form.OBJECT:
        return {"type": "json_object", "schema": schema}
    described: Json = {"name": "answer", "schema": schema}
    return {"type": "json_schema", "json_schema": described | ({"strict": True} if form is Form.STRICT else {})}


async def find_out(
    send: Callable[[Json], Awaitable[Answer]],
    *,
    model: str,
    url: str,
    decoding: Decoding,
    schema: Json | None,
    form: Form,
) -> Accepted:
    """What the server takes of what this run will send, by one tiny request, repeated without what it refuses.

    Refusals here are never about a moment: the question is harmless and short. Raises `UsageError` for a server that
    takes not even a plain request or refuses a parameter the user asked for, `Transient` for one that is not there.
    """
    accepted = Accepted(form=form)
    asked = decoding.model_copy(update={"max_gen_toks": min(_TOKENS, decoding.max_gen_toks)})
    messages = (Message("system", _SYSTEM), Message("user", QUESTION))
    while True:
        payload = accepted.payload(model, messages, asked, seed=0, schema=schema or _GREETING)
        try:
            return replace(accepted, enforced=_enforced(await send(payload), payload))
        except Rejected as refusal:
            if _ENDED.search(refusal.message):  # a reasoning model that took everything and ran out of tokens
                return accepted
            accepted = _next(accepted, refusal, payload, decoding, url)
        except Transient as fault:
            # some servers answer 500 to a response format they do not know
            if fault.status is None or fault.status < 500 or accepted.form is Form.NONE:
                raise
            accepted = replace(accepted, form=accepted.form.weaker)


def _next(accepted: Accepted, refusal: Rejected, payload: Json, decoding: Decoding, url: str) -> Accepted:
    """The next attempt after a refusal: without the parameter it names, else without one after the other."""
    named = refusal.named(_sent(payload))
    theirs = (
        {*decoding.extra}
        | ({"top_p"} if decoding.top_p is not None else set())
        | ({"stop"} if decoding.until else set())
    )
    if named in theirs:
        raise UsageError(f"{url} does not take {named} ({refusal}): leave it out of --gen_kwargs")
    for name in (named, "response_format", "seed", "temperature"):
        smaller = accepted.without(name)
        if smaller is not None:
            return smaller
    raise UsageError(f"{url} refuses even a plain request ({refusal}): check model=… and the server's log")


def _enforced(answer: Answer, payload: Json) -> bool | None:
    text = (answer.text or "").strip()
    return text.startswith("{") if text and "response_format" in payload else None
