"""What a server wants otherwise than it was asked, in the words of its refusals."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import pairwise

from proactivebench.models.endpoint.accepted import FORMAT_WORDS, LOGPROBS, Accepted
from proactivebench.models.endpoint.errors import Rejected
from proactivebench.models.endpoint.reply import Json

_NO = (
    r"(not (currently )?(be )?(support|enabl|allow|permit|accept|available)|n[o']t support|unsupported|invalid|不支持)"
)
_ROLE = (
    r"(['\"`](system|developer)['\"`]|(?<![a-z])(system|developer)[\s_-]*(role|message|prompt|instruction|角色|消息))"
)
_NO_SYSTEM = re.compile(
    rf"{_ROLE}.{{0,80}}{_NO}"
    rf"|({_NO}|un(expected|known|recogni[sz]ed))\w*\b.{{0,60}}{_ROLE}"
    r"|\bonly\b.{0,40}\buser\b.{0,20}\bassistant\b.{0,40}\broles?\b(?!.{0,60}\bsystem\b)"
    r"|\broles?\b.{0,60}\b(only|must be|should be|one of)\b.{0,20}\buser\b.{0,20}\bassistant\b(?!.{0,20}\bsystem\b)"
    r"|\binput should be ['\"]user['\"](,| or) ['\"]assistant['\"](?!.{0,20}\bsystem\b)"
    r"|\brole\b.{0,30}\bmust be\b.{0,10}\buser\b|\b(first|start|begin|odd)\w*\b.{0,60}\buser\b",
    re.IGNORECASE,
)
_ALTERNATE = re.compile(
    r"\broles?\b.{0,40}\balternat|\balternat\w*\b.{0,60}\b(user|assistant|roles?)\b|\b(user|assistant)\b.{0,60}\balternat"
    r"|\b(consecutive|successive|adjacent)\b.{0,60}\b(messages?|roles?|turns?)\b",
    re.IGNORECASE,
)
_STREAM = re.compile(
    r"\bonly\b.{0,40}\bstream|\bstream\w*\b.{0,40}\b(only|required|must|mandatory)\b|\bnon-?stream"
    r"|\b(requires?|must|enable|set|needs?)\b.{0,40}\bstream",
    re.IGNORECASE,
)
_UNTAKEN = re.compile(
    r"unsupported|not (be )?(support|permit|allow|recogni)|n't support|unrecogni[sz]ed|unknown|unexpected"
    r"|extra (input|field)|\buse ['\"`]?max_completion_tokens",
    re.IGNORECASE,
)
_VALUE = re.compile(
    r"\b(too (large|small|big|high|low|many|few)|(greater|less|more|fewer|larger|smaller|higher|lower) than"
    r"|at (most|least)|exceed\w*|maximum|minimum|between|out of range)\b",
    re.IGNORECASE,
)
_EXACT = ("response_format", "json_schema", "json_object", "structured", "grammar", "guided")


def sent(payload: Json) -> list[str]:
    """The names in `payload` that a refusal may be about, with the words that mean `response_format`."""
    names = [name for name in payload if name not in ("model", "messages")]
    return names + [word for word in FORMAT_WORDS if "response_format" in payload and word not in names]


def about_value(refusal: Rejected, accepted: Accepted) -> bool:
    """Whether a refusal is about how many tokens were asked for, not about the word for it."""
    named = refusal.named((accepted.tokens, "max_tokens")) is not None
    return named and bool(_VALUE.search(refusal.message)) and not _UNTAKEN.search(refusal.message)


def wanted(refusal: Rejected, accepted: Accepted, payload: Json) -> Accepted | None:
    """What to ask instead where a refusal speaks of a stream, of roles, or of thoughts to be handed back; None where it
    does not, or where that was done already."""
    said, roles = refusal.message, [message["role"] for message in payload["messages"]]
    if not payload.get("stream") and _STREAM.search(said):
        return replace(accepted, stream=True)
    if _ALTERNATE.search(said):
        if not accepted.alternate and any(role == following for role, following in pairwise(roles)):
            return replace(accepted, alternate=True)
        if "system" in roles:  # the only one out of turn
            return replace(accepted, alternate=True, system=False)
    if "system" in roles and (no_system_role(said) or _points_at_role(refusal)):
        return replace(accepted, system=False)
    if "reasoning_content" in said and not accepted.reasoning and "assistant" in roles:
        return replace(accepted, reasoning=True)
    return None


def no_system_role(said: str) -> bool:
    """Whether a refusal of a conversation with a system message is about that message's role."""
    return bool(_NO_SYSTEM.search(said) or _ALTERNATE.search(said))


def after(refusal: Rejected, accepted: Accepted, payload: Json) -> Accepted | None:
    """What to try next when a moment's request was refused in words about its form; None where it was not. A probe has
    settled the form, and any other refusal is meant."""
    following = wanted(refusal, accepted, payload)
    if following is not None:
        return following
    tried = [*(_EXACT if "response_format" in payload else ()), *(name for name in LOGPROBS if name in payload)]
    smaller = accepted.without(refusal.named(tried))
    if smaller is None and _UNTAKEN.search(refusal.message) and not _VALUE.search(refusal.message):
        smaller = accepted.without(refusal.named([accepted.tokens, "temperature", "seed", "stream_options"]))
    return smaller


def _points_at_role(refusal: Rejected) -> bool:
    return any(place == "role" for place in refusal.places)
