"""The public functions: an evaluation in one call, and what follows from stored runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from proactivebench.evaluation import run_async, score_run
from proactivebench.preparation import Serving, Settings, prepare
from proactivebench.records import Report
from proactivebench.store import RunStore


def evaluate(
    agent: str, task: str, judge: str | None = None, output_path: str | Path = "runs/latest", **settings: Any
) -> Report:
    """Evaluate `agent` on `task`, judged by `judge` (None = the task's default): the whole road in one call.

    `agent`, `task` and `judge` are the words of `--model`, `--tasks` and `--judge`; `settings` are further fields of
    `Settings` and `Serving`. Calling it again resumes. Returns the report, which is also saved in `output_path`.
    Raises `ProactiveBenchError`.
    """
    serving = Serving(**{name: settings.pop(name) for name in Serving.__slots__ if name in settings})
    evaluation = prepare(Settings(model=agent, tasks=task, judge=judge, serving=serving, **settings))
    store = run_async(evaluation.run(output_path))
    return score_run(store, evaluation.task)


def score(run: str | Path) -> Report:
    """Score a run directory again and write its report."""
    return score_run(RunStore(run))
