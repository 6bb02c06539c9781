"""Models: an endpoint, a backend of lm-eval, a plug; they complete conversations and know nothing of moments."""

from __future__ import annotations

from collections.abc import Mapping

from proactivebench import plugins
from proactivebench.errors import BadArgument
from proactivebench.models.base import Model, ModelCall
from proactivebench.models.secrets import refuse_secrets
from proactivebench.plugins import Contract, Plug
from proactivebench.records import AgentIdentity

# What no plug has is a backend of lm-eval.
LM_EVAL = Plug(
    Contract.MODEL,
    "NAME",
    "proactivebench.models.lm_eval.model:LmEvalModel",
    "any lm-eval backend: hf, vllm, anthropic-chat, …",
    "as lm-eval has them",
)


def create_model(
    word: str,
    args: Mapping[str, str] | None = None,
    *,
    concurrency: int = 16,
    timeout_s: float = 120.0,
    max_retries: int = 5,
    batch_size: str = "1",
    device: str | None = None,
) -> Model:
    """The model that `--judge_model` and its arguments name: a plug, or a backend of lm-eval. Nothing is loaded or
    asked before `start`.

    Raises `UsageError` for agents, which answer moments alone, for unknown words, missing arguments, and arguments that
    look like keys.
    """
    plug = plugins.find(Contract.MODEL, word)
    if plug is None and plugins.find(Contract.AGENT, word) is not None:
        raise BadArgument(f"'{word}' answers moments of a task and cannot stand behind a judge: name a model")
    call = ModelCall(
        word=word,
        args=dict(args or {}),
        concurrency=concurrency,
        timeout_s=timeout_s,
        max_retries=max_retries,
        batch_size=batch_size,
        device=device,
    )
    return model_of(plug or LM_EVAL, call)


def model_of(plug: Plug, call: ModelCall) -> Model:
    """The model of a plug. One from outside is known by the plug's word, and by the hash of its code. Raises
    `UsageError` for what is no model."""
    found = plug.load()
    if not plug.ours:
        refuse_secrets(call.args)  # they are written into the manifest
    model = found.of(call) if isinstance(found, type) and issubclass(found, Model) else found
    if not isinstance(model, Model):
        raise BadArgument(f"{call.word} is no model: a model is a proactivebench.Model, with complete or complete_all")
    model.identity = identity_by(plug, call, getattr(model, "identity", None))
    return model


def identity_by(plug: Plug, call: ModelCall, stated: AgentIdentity | None) -> AgentIdentity:
    """Who something from a plug is: what it states itself where it is ours; else the plug's word with the hash of the
    code, and of what it states its name and arguments."""
    if plug.ours and stated is not None:
        return stated
    name = stated.name if stated else plug.word
    args = stated.model_args if stated else dict(call.args)
    return AgentIdentity(model=plug.word, model_args=args, name=name, code=plug.code)
