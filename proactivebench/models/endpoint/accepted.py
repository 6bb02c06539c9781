"""What a server takes, and a request in just that form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from typing import Any

from proactivebench.errors import OtherRun
from proactivebench.models.base import Message
from proactivebench.models.endpoint.reply import Json
from proactivebench.models.turns import join_turns, merge_system, reasoning_of
from proactivebench.records import Decoding

LOGPROBS = ("top_logprobs", "logprobs")
FORMAT_WORDS = (
    "response_format",
    "json_schema",
    "json_object",
    "structured",
    "grammar",
    "guided",
    "schema",
    "strict",
)


class Form(StrEnum):
    """How an answer's JSON schema is asked for, most exact first. Servers differ in what they take."""

    STRICT = "json_schema, strict"
    SCHEMA = "json_schema"
    OBJECT = "json_object with schema"
    NONE = "none"

    @property
    def weaker(self) -> tuple[Form, ...]:
        """The forms to try after this one."""
        forms = list(Form)
        return tuple(forms[forms.index(self) + 1 :])


@dataclass(frozen=True, slots=True)
class Accepted:
    """The parameters a server takes. `enforced`: whether the probe's answer kept to the schema (None: cannot say).

    Without `system` there is no system role, with `alternate` roles take turns, with `reasoning` the model gets its
    earlier thoughts back; `usage` is about streams. `in_use` says that an answer was given in this form.
    """

    tokens: str = "max_tokens"
    temperature: bool = True
    seed: bool = True
    logprobs: bool = True
    form: Form = Form.STRICT
    enforced: bool | None = None
    system: bool = True
    alternate: bool = False
    stream: bool = False
    usage: bool = True
    reasoning: bool = False
    in_use: bool = False

    @property
    def recorded(self) -> dict[str, Any]:
        """As it goes into the manifest."""
        return {_RECORDED[field.name]: getattr(self, field.name) for field in fields(self)} | {
            "response_format": str(self.form)
        }

    @classmethod
    def of(cls, recorded: Mapping[str, Any]) -> Accepted | None:
        """What a manifest has recorded; None where it knows of no probe. Raises `UsageError` for unknown words."""
        if "response_format" not in recorded:
            return None
        known = {field: recorded[name] for field, name in _RECORDED.items() if name in recorded}
        known.setdefault("in_use", True)  # a run of a version that did not say
        try:
            return cls(**known | {"form": Form(known["form"])})
        except ValueError:
            raise OtherRun(
                f"the run's response_format is '{known['form']}', which this version does not know: "
                "go on with the version it was begun with, or give another --output_path"
            ) from None

    @property
    def conditions(self) -> dict[str, Any]:
        """Of what is recorded, all that shapes an answer, and whether one was given."""
        return {name: self.recorded[name] for name in (*_SHAPING, "in_use")}

    def differences(self, other: Accepted) -> list[str]:
        """In which of the things that shape an answer the two differ, as `name: this then, that now`."""
        return [
            f"{name}: {self.recorded[name]} then, {other.recorded[name]} now"
            for name in _SHAPING
            if self.recorded[name] != other.recorded[name]
        ]

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
        body: Json = decoding.extra | {"model": model, "messages": [self._said(m) for m in self._turns(messages)]}
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
        if self.stream:
            body |= {"stream": True} | ({"stream_options": {"include_usage": True}} if self.usage else {})
        return body

    def without(self, name: str | None) -> Accepted | None:
        """What is left when `name` is not taken; None where nothing can be left out for it."""
        if name == "max_tokens" and self.tokens == "max_tokens":
            return replace(self, tokens="max_completion_tokens")
        if name == "temperature" and self.temperature:
            return replace(self, temperature=False)
        if name == "seed" and self.seed:
            return replace(self, seed=False)
        if name in LOGPROBS and self.logprobs:
            return replace(self, logprobs=False)
        if name == "stream_options" and self.usage:
            return replace(self, usage=False)
        if name in FORMAT_WORDS and self.form is not Form.NONE:
            return replace(self, form=self.form.weaker[0])
        return None

    def _turns(self, messages: Sequence[Message]) -> Sequence[Message]:
        messages = messages if self.system else merge_system(messages)
        return join_turns(messages) if self.alternate else messages

    def _said(self, message: Message) -> Json:
        said: Json = {"role": message.role, "content": message.content}
        if self.reasoning and message.role == "assistant":
            said["reasoning_content"] = reasoning_of(message) or ""
        return said


_RECORDED = {
    "tokens": "token_limit",
    "temperature": "temperature",
    "seed": "seed",
    "logprobs": "logprobs",
    "form": "response_format",
    "enforced": "response_format_enforced",
    "system": "system_role",
    "alternate": "alternating_roles",
    "stream": "stream",
    "usage": "stream_usage",
    "reasoning": "reasoning_returned",
    "in_use": "in_use",
}
_SHAPING = ("response_format", "temperature", "seed", "system_role")


def _response_format(form: Form, schema: Json) -> Json:
    if form is Form.OBJECT:
        return {"type": "json_object", "schema": schema}
    described: Json = {"name": "answer", "schema": schema}
    return {"type": "json_schema", "json_schema": described | ({"strict": True} if form is Form.STRICT else {})}
