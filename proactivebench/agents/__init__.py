"""Who answers: agents, models and lm-eval backends, created by the word of `--model`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from proactivebench import plugins
from proactivebench.agents.base import Actor, Call, ModelAgent
from proactivebench.errors import UnknownName
from proactivebench.models import LM_EVAL, identity_by, model_of
from proactivebench.models.base import Model
from proactivebench.models.secrets import refuse_secrets
from proactivebench.plugins import Contract, Plug
from proactivebench.records import AgentIdentity

if TYPE_CHECKING:
    from proactivebench.agents.baselines import Baseline
    from proactivebench.protocols.base import Protocol
    from proactivebench.records import Task

REPLAY = "replay"


def is_baseline(model: str) -> bool:
    """Whether `model` is the word of a baseline of ours: an agent that computes its answers."""
    return model in baseline_words()


def is_endpoint(model: str) -> bool:
    """Whether `model` is the word of a model of ours: a server that this package itself speaks to."""
    return plugins.built_in(Contract.MODEL, model) is not None


def is_program(agent: AgentIdentity) -> bool:
    """Whether the answers of a run are those of a program of somebody's own: a function, a process, a server."""
    return agent.model in ("process", "http") or agent.code is not None


def baseline_words() -> list[str]:
    """The words of our baselines."""
    return [plug.word for plug in plugins.ours(Contract.AGENT) if plug.trivial]


def baseline(word: str) -> Baseline:
    """The baseline of ours of that word. Raises `UsageError` for any other word."""
    from proactivebench.agents.baselines import Baseline

    plug = plugins.built_in(Contract.AGENT, word)
    found = plug.load() if plug else None
    if not isinstance(found, Baseline):
        raise UnknownName(f"{word}: no such baseline; there are {', '.join(baseline_words())}")
    return found


def create_agent(
    model: str,
    model_args: Mapping[str, str] | None = None,
    *,
    protocol: Protocol | None = None,
    task: Task | None = None,
    concurrency: int = 16,
    timeout_s: float = 120.0,
    max_retries: int = 5,
    batch_size: str = "1",
    device: str | None = None,
) -> Actor:
    """The agent that `--model` and `--model_args` name: an agent, a model, or a backend of lm-eval, whoever knows the
    word first. Nothing is loaded or asked before `start`.

    `protocol` and `task` are what agents answer with and about; models behind judges have neither.
    Raises `UsageError` for unknown words, missing arguments, and arguments that look like keys.
    """
    call = Call(
        word=model,
        args=dict(model_args or {}),
        protocol=protocol,
        task=task,
        concurrency=concurrency,
        timeout_s=timeout_s,
        max_retries=max_retries,
        batch_size=batch_size,
        device=device,
    )
    plug = plugins.find(Contract.AGENT, model) or plugins.find(Contract.MODEL, model) or LM_EVAL
    return plugged(plug, call)


def plugged(plug: Plug, call: Call) -> Actor:
    """The agent of a plug, a model's too. One from outside is known by the plug's word, and by the hash of its code.

    Raises `UsageError` for what is neither an agent nor a model.
    """
    found = plug.load()
    if isinstance(found, Model) or (isinstance(found, type) and issubclass(found, Model)):
        return ModelAgent(model_of(replace(plug, target=found), call))
    if plug.ours and plug.contract is Contract.AGENT:
        _ = call.setting
    agent = _made(found, plug, call)
    agent.identity = identity_by(plug, call, getattr(agent, "identity", None))
    return agent


def _made(found: Any, plug: Plug, call: Call) -> Actor:
    if not plug.ours:
        refuse_secrets(call.args)  # they are written into the manifest
    if isinstance(found, type) and issubclass(found, Actor):
        return found.of(call)
    if isinstance(found, Actor):
        return found
    _ = call.setting  # what is no model answers moments alone
    from proactivebench.agents.baselines import Baseline

    if isinstance(found, Baseline):
        return found.agent(call)
    from proactivebench.agents.programs.callables import CallableAgent

    return CallableAgent(found, replace(call, word=plug.word))
