"""What a server takes: a first request like those of the run tells, and names no model. What it does not take is left
out. Only an answer about a parameter counts against it: an outage is waited out, and says nothing."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from proactivebench.errors import BadArgument, ServerRefusal
from proactivebench.models.base import Answer, Message
from proactivebench.models.endpoint.accepted import FORMAT_WORDS, Accepted, Form
from proactivebench.models.endpoint.errors import Rejected, TooLarge, Transient
from proactivebench.models.endpoint.reply import Json
from proactivebench.models.endpoint.wants import about_value, sent, wanted
from proactivebench.records import Decoding

QUESTION = "Greet me in one word (in JSON only if the form of the answer asks for it)."
_SYSTEM = "You are polite."
GREETING: Json = {
    "type": "object",
    "properties": {"greeting": {"type": "string"}},
    "required": ["greeting"],
    "additionalProperties": False,
}
_ENDED = re.compile(r"output limit was reached|could not finish the message", re.IGNORECASE)

Send = Callable[[Json, bool], Awaitable[Answer | None]]
"""Sends a body; with False once only, else with the patience of the run. None: taken, but no answer was given."""


@dataclass(frozen=True, slots=True)
class Probe:
    """The question to a server, asked with the decoding, the limits and the schema of the requests that will follow.
    `allowed` raises where the user has ruled out what a refusal wants.

    Refusals of it are never about a moment: it is harmless and short.
    """

    send: Send
    model: str
    url: str
    decoding: Decoding
    schema: Json | None
    top_logprobs: int = 0
    allowed: Callable[[Accepted, Rejected], Accepted] = lambda accepted, _: accepted

    async def find_out(self, start: Accepted) -> Accepted:
        """What the server takes, beginning with `start`.

        Raises `UsageError` for a server that takes not even a plain request or refuses what the user asked for,
        `Transient` for one that is not there.
        """
        accepted = start
        while True:
            try:
                return replace(accepted, enforced=await self._enforced(accepted))
            except Rejected as refusal:
                following = self._following(accepted, refusal)
                if following is None:
                    return await self._by_trial(accepted, refusal)
                accepted = following
            except Transient as fault:
                weaker = self._blamed(accepted, fault)
                if weaker is None:
                    return await self._asked_again(accepted, fault)
                accepted = weaker

    def _payload(self, accepted: Accepted) -> Json:
        messages = (Message("system", _SYSTEM), Message("user", QUESTION))
        return accepted.payload(
            self.model, messages, self.decoding, seed=0, schema=self.schema, top_logprobs=self.top_logprobs
        )

    async def _enforced(self, accepted: Accepted, *, patient: bool = True) -> bool | None:
        """Ask; returns whether the answer keeps to the schema (None: cannot say). An answer that is none (no choices,
        empty, cut off) is one all the same: the server took the request."""
        payload = self._payload(accepted)
        try:
            answer = await self.send(payload, patient)
        except Rejected as refusal:  # a reasoning model that took everything and ran out of tokens
            if _ENDED.search(refusal.message):
                return None
            raise
        except TooLarge as fault:
            if fault.status is None:  # so too one that was cut off before its first word
                return None
            raise
        text = (answer.text or "").strip() if answer else ""
        return text.startswith("{") if text and "response_format" in payload else None

    def _following(self, accepted: Accepted, refusal: Rejected) -> Accepted | None:
        """The next attempt after a refusal: as its words want it, without what they name. None where they name nothing.
        Raises `UsageError` where they name what the user asked for."""
        payload = self._payload(accepted)
        if about_value(refusal, accepted):
            raise BadArgument(
                f"{self.url} does not take max_gen_toks={self.decoding.max_gen_toks} ({refusal}): "
                "give another one in --gen_kwargs (behind a judge: in its card)"
            )
        following = wanted(refusal, accepted, payload)
        if following is not None:
            return self.allowed(following, refusal)
        named = refusal.named(sent(payload))
        theirs = {*self.decoding.extra}
        theirs |= {name for name, given in (("top_p", self.decoding.top_p), ("stop", self.decoding.until)) if given}
        if named in theirs:
            raise BadArgument(
                f"{self.url} does not take {named} ({refusal}): "
                "leave it out of --gen_kwargs (behind a judge: of its card)"
            )
        return accepted.without(named)

    async def _by_trial(self, full: Accepted, refusal: Rejected) -> Accepted:
        """What is taken where a refusal names nothing: the plainest request, then with one thing more at a time."""
        plain = replace(full, form=Form.NONE, seed=False, temperature=False)
        for accepted in (plain, replace(plain, system=False)):
            if accepted != full and await self._taken(accepted):
                break
        else:
            raise ServerRefusal(
                f"{self.url} refuses even a plain request ({refusal}): check model=… and the server's log"
            ) from None
        for name in ("temperature", "seed"):
            richer = replace(accepted, **{name: getattr(full, name)})
            accepted = richer if richer == accepted or await self._taken(richer) else accepted
        for form in (full.form, *full.form.weaker):
            if form is Form.NONE or await self._taken(replace(accepted, form=form)):
                return replace(accepted, form=form)
        return accepted

    async def _taken(self, accepted: Accepted) -> bool:
        try:
            await self._enforced(accepted)
        except Rejected:
            return False
        return True

    def _blamed(self, accepted: Accepted, fault: Transient) -> Accepted | None:
        """The next weaker form where a server fails (500) in words about the form of the answer."""
        if fault.status != 500 or "response_format" not in self._payload(accepted):
            return None
        return accepted.without(Rejected(500, str(fault)).named(FORMAT_WORDS))

    async def _asked_again(self, accepted: Accepted, fault: Transient) -> Accepted:
        """What a server takes that failed (500) without a word about why. Where a weaker form is answered it is there,
        and is asked once more in the full one. Raises `fault` where none is, `UsageError` where the full one fails.
        """
        if fault.status != 500 or "response_format" not in self._payload(accepted):
            raise fault
        for form in accepted.form.weaker:
            try:
                await self._enforced(replace(accepted, form=form), patient=False)
                break
            except (Rejected, Transient):
                continue
        else:
            raise fault
        try:
            return replace(accepted, enforced=await self._enforced(accepted))
        except Rejected:
            return await self.find_out(accepted)
        except Transient as again:
            raise ServerRefusal(
                f"{self.url} fails on response_format '{accepted.form}' ({again}) and answers with '{form}': "
                "add schema=off to --model_args to ask without one, or see the server's log"
            ) from None
