"""What leaves the house: a run without addresses, paths, provider errors and private reasoning."""

from __future__ import annotations

import re
from pathlib import PurePath
from typing import Any

from proactivebench.board.entry.bounds import MAX_ADVICE, MAX_REASON
from proactivebench.errors import UsageError
from proactivebench.models.secrets import refuse_secrets
from proactivebench.records import PROBED, JudgeIdentity, Manifest, Reply, Session, Verdict

HIDDEN = "(hidden)"
_MAX_RAW = 192 * 1024  # bytes: written as JSON, with what is escaped in it, a text stays below a line's bound
_ADDRESS = re.compile(r"\w+://|^(?:localhost|\d{1,3}(?:\.\d{1,3}){3})(?::\d+)?(?:/|$)", re.IGNORECASE)
_PATH = re.compile(r"^(?:~|\.{1,2})?[/\\]|^[A-Za-z]:[/\\]")


def redacted_manifest(manifest: Manifest) -> Manifest:
    """`manifest` with addresses hidden, paths cut to their last name, probe results cut to what a board shows, one
    session left, and nothing of what judges were measured on but the release's labels."""
    agent = manifest.agent.model_copy(
        update={"model_args": _hidden(manifest.agent.model_args), "name": _hidden(manifest.agent.name)}
    )
    judges = {key: redacted_judge(judge) for key, judge in manifest.judges.items()}
    last = manifest.sessions[-1:] or (Session(started="", versions={}),)
    session = last[0].model_copy(update={"limit": manifest.limit, "repeats": manifest.repeats})
    decoding = manifest.decoding
    if decoding is not None:
        decoding = decoding.model_copy(update={"extra": _hidden(decoding.extra)})
    probed = {name: manifest.parameters[name] for name in PROBED if name in manifest.parameters}
    task = manifest.task.model_copy(update={"spec": manifest.task.name})
    changes = {
        "agent": agent,
        "judges": judges,
        "measured": tuple(
            one.model_copy(update={"command": _hidden(one.command)}) for one in manifest.measured if one.people is None
        ),
        "fingerprints": tuple(one.model_copy(update={"served": _hidden(one.served)}) for one in manifest.fingerprints),
        "sessions": (session,),
        "parameters": probed,
        "judge_parameters": {},
        "decoding": decoding,
        "task": task,
    }
    return manifest.model_copy(update=changes)


def redacted_judge(judge: JudgeIdentity) -> JudgeIdentity:
    """`judge` with addresses hidden and paths cut to their last name, without the words it was asked for in."""
    return judge.model_copy(
        update={
            "model": _hidden(judge.model),
            "weights": _hidden(judge.weights),
            "runtime": _hidden(judge.runtime),
            "words": None,
            "card": _hidden(judge.card),
        }
    )


def redacted_reply(reply: Reply) -> Reply:
    """`reply` without the provider's error text and the model's private reasoning; its text stays, as evidence, where
    a line of a board can hold it."""
    whole = reply.text is None or len(reply.text.encode()) <= _MAX_RAW
    advice = reply.advice[:MAX_ADVICE] if reply.advice else reply.advice
    changes = {"error": None, "reasoning": None, "text": reply.text if whole else None, "advice": advice}
    return reply.model_copy(update=changes)


def redacted_verdict(verdict: Verdict) -> Verdict:
    """`verdict` with the cause of an unscored one cut to its kind (what follows a colon may quote a server) and
    its reason to what a board holds."""
    cause = verdict.cause.split(":", 1)[0] if verdict.cause else None
    reason = verdict.reason[:MAX_REASON] if verdict.reason else verdict.reason
    return verdict.model_copy(update={"cause": cause, "reason": reason})


def _hidden(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: HIDDEN if _secret(key, inner) else _hidden(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_hidden(inner) for inner in value)
    if not isinstance(value, str):
        return value
    if _ADDRESS.search(value):
        return HIDDEN
    return PurePath(value.replace("\\", "/")).name if _PATH.match(value) and "\n" not in value else value


def _secret(name: str, value: Any) -> bool:
    try:
        refuse_secrets({name: value})
    except UsageError:
        return True
    return False
