"""Agents given as objects from Python: what they are called, whose code they are, what tells two of one class apart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from functools import partial
from typing import Any

from proactivebench import plugins
from proactivebench.agents import plugged
from proactivebench.agents.base import Actor, Call
from proactivebench.errors import BadArgument
from proactivebench.models.secrets import refuse_secrets
from proactivebench.plugins import Contract
from proactivebench.records import AgentIdentity

_PLAIN = (str, int, float, bool)
_LONGEST = 200  # characters of a setting that are recorded


def word_of(target: object) -> str:
    """What a run calls an object: FILE.py:NAME where it stands in a file, else MODULE:NAME. Never a word of ours."""
    plug = plugins.of(Contract.AGENT, _written(target))
    return f"{plug.package}:{plug.word.rpartition(':')[2]}" if plug.package.endswith(".py") else plug.word


def agent_given(target: Any, call: Call) -> Actor:
    """The agent that an object is: an `Agent` of this package, or whatever can be called with a moment.

    Raises `UsageError` for anything else.
    """
    if isinstance(target, Actor) and getattr(target, "identity", None) is not None:
        return target
    plug = replace(plugins.of(Contract.AGENT, _written(target)), target=target, word=call.word)
    settings = settings_of(target)
    refuse_secrets(settings)
    agent = plugged(plug, call)
    code = plugins.code_of(_written(target))
    identity: AgentIdentity = agent.identity
    agent.identity = identity.model_copy(update={"model_args": {**settings, **identity.model_args}, "code": code})
    return agent


def settings_of(target: object) -> dict[str, str]:
    """What tells this agent from others of its code, as text: what a `partial` fixes, the plain fields of a dataclass,
    and what the object says itself under `settings`."""
    found: dict[str, Any] = {}
    if isinstance(target, partial):
        found |= {f"argument_{place}": value for place, value in enumerate(target.args)} | target.keywords
    if is_dataclass(target) and not isinstance(target, type):
        found |= {field.name: getattr(target, field.name, None) for field in fields(target)}
    found = {name: value for name, value in found.items() if isinstance(value, _PLAIN)}
    stated = getattr(target, "settings", None)
    if isinstance(stated, Mapping):
        found |= {str(name): value for name, value in stated.items()}
    return {name: str(value)[:_LONGEST] for name, value in found.items()}


def _written(target: object) -> object:
    """The function or object that somebody wrote, without what only fixes its arguments."""
    while isinstance(target, partial):
        target = target.func
    if isinstance(target, str | bytes | int | float | list | dict | None):
        raise BadArgument(f"{type(target).__name__} is no agent: give a function of a moment, or what has act")
    return target
