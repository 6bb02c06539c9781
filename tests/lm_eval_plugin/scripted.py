"""An lm-eval model without weights whose answers depend on the conversation alone, and what lm-eval makes of it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from lm_eval import simple_evaluate
from lm_eval.api.model import LM
from lm_eval.tasks import TaskManager

from proactivebench.lm_eval_plugin import task_folder

SAMPLE = "proactivebench_sample"
OFFERS = ("Write unit tests for this.", "Sum up the sources found so far.", "Draft the reply.")


def answer_to(prompt: str) -> str:
    """A well-formed answer: an offer at about half of the moments, which one the last user message decides."""
    last = prompt.rsplit("<user>", 1)[-1]
    number = int(hashlib.sha256(last.encode()).hexdigest()[:8], 16)
    task = OFFERS[number % len(OFFERS)] if number % 2 else None
    return json.dumps({"Purpose": "p", "Thoughts": "t", "Proactive Task": task, "Response": None})


class ScriptedLM(LM):
    """Keeps what it was asked, batch by batch."""

    def __init__(self, reply: Callable[[str], str] = answer_to, *, dies_after: int | None = None) -> None:
        super().__init__()
        self.dies_after = dies_after
        self.reply = reply
        self.batches: list[list[tuple[str, dict[str, Any]]]] = []
        self.pretrained = "scripted"

    @property
    def asked(self) -> int:
        """Number of answers given."""
        return sum(map(len, self.batches))

    @property
    def tokenizer_name(self) -> str:
        return "scripted"

    def apply_chat_template(self, chat_history: list[dict[str, str]], add_generation_prompt: bool = True) -> str:
        return "".join(f"<{turn['role']}>{turn['content']}" for turn in chat_history)

    def generate_until(self, requests: Sequence[Any], disable_tqdm: bool = False) -> list[str]:
        if len(self.batches) == self.dies_after:
            raise RuntimeError("CUDA error: device lost")
        self.batches.append([request.args for request in requests])
        return [self.reply(request.args[0]) for request in requests]

    def loglikelihood(self, requests: Any) -> Any:
        raise NotImplementedError

    loglikelihood_rolling = loglikelihood


def evaluate(
    lm: LM | str,
    task: str = SAMPLE,
    *,
    metadata: dict[str, Any] | None = None,
    folder: Path | None = None,
    **options: Any,
) -> Any:
    """lm-eval's results, from Python, with one folder of tasks (ours) and nothing else."""
    manager = TaskManager(include_path=str(folder or task_folder()), include_defaults=False, metadata=metadata or {})
    return simple_evaluate(lm, tasks=[task], task_manager=manager, bootstrap_iters=0, **options)


def column(results: Any, name: str, task: str = SAMPLE) -> Any:
    """The one value of a metric, whatever the judge's id."""
    (value,) = [value for key, value in results["results"][task].items() if key.partition(",")[0] == name]
    return value
