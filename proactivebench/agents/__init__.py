"""Who answers: endpoints, lm-eval backends, baselines and replays, created by the word of `--model`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from proactivebench.agents.base import Agent
from proactivebench.errors import UsageError

if TYPE_CHECKING:
    from proactivebench.protocols.base import Protocol
    from proactivebench.records import Moment, Task


@dataclass(frozen=True, slots=True)
class Kind:
    """One word of `--model`: what it is and which `--model_args` it takes."""

    word: str
    about: str
    args: str = ""


BASELINES = (
    Kind("never", "stays silent at every moment"),
    Kind("always", "makes the same generic offer at every moment"),
    Kind("random", "makes that offer at a share of moments", "p=0.5"),
    Kind("parrot", "offers the last event back"),
    Kind("skip-first", "makes that offer at every moment but a trace's first"),
    Kind("need-oracle", "makes that offer exactly where help was needed (needs need labels)", "rule=unanimous"),
    Kind("lexical-need", "makes that offer where the lexical judge, which never saw the trace, hears a need"),
    Kind("oracle", "offers the best-voted task where a majority accepts it, else silence (needs stored votes)"),
    Kind("best-candidate", "offers the best-voted task at every moment (needs stored votes)"),
)
ENDPOINTS = (
    Kind("endpoint", "any OpenAI-compatible server", "base_url=…,model=…"),
    Kind("openai", "the vendor's own endpoint", "model=…"),
)
REPLAY = Kind("replay", "stored answers: a run, released answers, or a released model", "path=… | released=MODEL")
LM_EVAL = Kind("NAME", "any lm-eval backend: hf, vllm, anthropic-chat, …", "as lm-eval has them")


def is_baseline(model: str) -> bool:
    """Whether `model` is the word of a baseline: an agent that computes its answers."""
    return any(model == kind.word for kind in BASELINES)


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
    hears_need: Callable[[Moment], bool] | None = None,
) -> Agent:
    """The agent that `--model` and `--model_args` name. Nothing is loaded or asked before `start`.

    `protocol` and `task` are what baselines and replays answer with and about; models behind judges have neither.
    `hears_need` is the ear of `lexical-need`.
    Raises `UsageError` for unknown words, missing arguments, and arguments that look like keys.
    """
    args = dict(model_args or {})
    if model in {kind.word for kind in ENDPOINTS}:
        from proactivebench.agents.endpoint import EndpointAgent

        return EndpointAgent(model, args, concurrency=concurrency, timeout_s=timeout_s, max_retries=max_retries)
    if model == REPLAY.word or model in {kind.word for kind in BASELINES}:
        if protocol is None or task is None:
            raise UsageError(f"'{model}' answers moments of a task and cannot stand behind a judge: name a model")
        if model == REPLAY.word:
            from proactivebench.agents.replay import ReplayAgent

            return ReplayAgent(args, protocol=protocol, task=task)
        from proactivebench.agents.baselines import BaselineAgent

        return BaselineAgent(model, args, protocol=protocol, task=task, hears_need=hears_need)
    from proactivebench.agents.lm_eval_backend import LmEvalAgent

    return LmEvalAgent(model, args, batch_size=batch_size, device=device, concurrency=concurrency)
