"""The public functions: an evaluation in one call, and what follows from stored runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from proactivebench.evaluation import report_of, run_async, score_run, task_of
from proactivebench.preparation import Serving, Settings, prepare
from proactivebench.records import Comparison, Report, Task
from proactivebench.store import RunStore
from proactivebench.traces import load_task


def load_traces(task: str) -> Task:
    """The traces `--tasks` names: a task, FILE.jsonl or hf:ORG/NAME[@REV], with labels and provenance.

    Raises `UsageError` and `DataError`.
    """
    return load_task(task)


def evaluate(
    agent: str, task: str, judge: str | None = None, output_path: str | Path = "runs/latest", **settings: Any
) -> Report:
    """Evaluate `agent` on `task`, judged by `judge` (None = the task's default): the whole road in one call.

    `agent`, `task` and `judge` are the words of `--model`, `--tasks` and `--judge`; `settings` are further fields of
    `Settings` and `Serving`. Calling it again resumes. Returns the report, which is also saved in `output_path`.
    Raises `ProactiveBenchError`.
    """
    for name in ("model_args", "judge_model_args"):  # numbers and booleans are welcome here, recorded as text
        if name in settings:
            settings[name] = {key: str(value) for key, value in settings[name].items()}
    serving = Serving(**{name: settings.pop(name) for name in Serving.__slots__ if name in settings})
    evaluation = prepare(Settings(model=agent, tasks=task, judge=judge, serving=serving, **settings))
    store = run_async(evaluation.run(output_path))
    return score_run(store, evaluation.task)


def score(run: str | Path) -> Report:
    """Score a run directory again and write its report."""
    return score_run(RunStore(run))


def compare(*runs: str | Path | Report, metric: str = "f1", split: str | None = None) -> Comparison:
    """Compare run directories or reports on `metric`, pair by pair and all together.

    Raises `UsageError` where they differ in data, protocol, judge or traces.
    """
    from proactivebench.scoring.comparison import compare as compared

    reports = [run if isinstance(run, Report) else report_of(RunStore(run), task_of(RunStore(run))) for run in runs]
    return compared(reports, metric, split=split)
