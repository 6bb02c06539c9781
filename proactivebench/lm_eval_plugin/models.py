"""Agents of ours as lm-eval models: whatever the registry has."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lm_eval.api.model import LM

from proactivebench import plugins
from proactivebench.agents import create_agent
from proactivebench.agents.base import Actor, Turn
from proactivebench.errors import BadArgument, InvalidRun, UsageError
from proactivebench.evaluation import Evaluation, run_async
from proactivebench.plugins import Contract
from proactivebench.records import Decoding

_LM_EVALS_OWN = ("batch_size", "max_batch_size", "device")


class AgentModel(LM):  # type: ignore[misc]
    """One of our agents under lm-eval: it answers moments of this project's tasks, and nothing else."""

    word = ""

    def __init__(self, **model_args: Any) -> None:
        super().__init__()
        self.model_args = {name: str(value) for name, value in model_args.items() if name not in _LM_EVALS_OWN}

    def agent(self, evaluation: Evaluation) -> Actor:
        """The agent itself, for the task of an evaluation. Raises `UsageError` for arguments it does not take."""
        return create_agent(self.word, self.model_args, protocol=evaluation.protocol, task=evaluation.task)

    def apply_chat_template(self, chat_history: list[dict[str, str]], add_generation_prompt: bool = True) -> str:  # noqa: ARG002
        """The conversation as text; nothing reads it."""
        return "\n".join(f"{turn['role']}: {turn['content']}" for turn in chat_history)

    @property
    def tokenizer_name(self) -> str:
        """None."""
        return ""

    def generate_until(self, requests: Sequence[Any], disable_tqdm: bool = False) -> list[str]:  # noqa: ARG002
        """The answers to moments asked one by one (the static task)."""
        if not all(hasattr(request, "proactivebench") for request in requests):
            raise UsageError(
                f"'{self.word}' answers moments of this project's tasks only: name a model for other tasks"
            )
        return run_async(self._answer_all(requests))

    async def _answer_all(self, requests: Sequence[Any]) -> list[str]:
        agents: dict[int, Actor] = {}
        try:
            return await self._texts(requests, agents)
        finally:
            for agent in agents.values():
                await agent.close()

    async def _texts(self, requests: Sequence[Any], agents: dict[int, Actor]) -> list[str]:
        texts = []
        for request in requests:
            session = request.proactivebench
            agent = agents.get(id(session))
            if agent is None:
                agent = agents[id(session)] = self.agent(session.evaluation)
            moment, evaluation = session.moment(request.doc), session.evaluation
            asked = Turn(messages=(), decoding=evaluation.decoding or Decoding(), moment=moment, seed=evaluation.seed)
            answer = await agent.answer(asked)
            agent.released(moment, asked.repeat)
            if answer.failure is not None:
                raise InvalidRun(f"{moment.trace.trace_id}, turn {moment.turn}, has no answer: {answer.error}")
            texts.append(answer.text or "")
        return texts

    def loglikelihood(self, requests: Sequence[Any]) -> Any:  # noqa: ARG002
        """Not for agents."""
        raise UsageError(f"'{self.word}' gives no likelihoods: it answers moments of this project's tasks only")

    loglikelihood_rolling = loglikelihood


class PluggedModel(AgentModel):
    """Any agent or model that `--model` can name, FILE.py:NAME too: `--model proactivebench --model_args agent=WORD,…`
    with the agent's own arguments behind it."""

    word = "proactivebench"

    def __init__(self, agent: str = "", **model_args: Any) -> None:
        if not agent:
            raise BadArgument("--model proactivebench needs --model_args agent=WORD: see `proactivebench agents`")
        super().__init__(**model_args)
        self.word = agent


def register_models() -> None:
    """Make our agents known to lm-eval beside its own models, and those that installed packages add."""
    import lm_eval.models  # noqa: F401 - before the registry: one that is not empty hides the built-in models
    from lm_eval.api.registry import model_registry

    for word, model in {**_plugged(), PluggedModel.word: PluggedModel}.items():
        if word not in model_registry:
            model_registry.register(word, target=model)


def _plugged() -> dict[str, type[AgentModel]]:
    """A model for every word of an agent, and for every model from outside."""
    plugs = [*plugins.plugs(Contract.AGENT), *(plug for plug in plugins.plugs(Contract.MODEL) if not plug.ours)]
    return {plug.word: type("PluggedAgent", (AgentModel,), {"word": plug.word}) for plug in plugs}
