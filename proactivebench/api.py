"""The public functions: an evaluation in one call, and what follows from stored runs."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any

from proactivebench.errors import UsageError
from proactivebench.evaluation import report_of, run_async, score_run, task_of
from proactivebench.preparation import Serving, Settings, measured_judge, prepare, with_preset
from proactivebench.presets import judge_of, preset_named
from proactivebench.records import Comparison, Report, Task
from proactivebench.store import RunStore
from proactivebench.terms import check_known, check_terms
from proactivebench.traces import load_task


def load_traces(task: str | Path) -> Task:
    """The traces `--tasks` names: a task, FILE.jsonl or hf:ORG/NAME[@REV], with labels and provenance.

    Raises `UsageError` and `DataError`.
    """
    check_terms({"tasks": _word(task)})
    return load_task(_word(task))


def evaluate(
    agent: str,
    task: str | Path | None = None,
    judge: str | Path | None = None,
    output_path: str | Path = "runs/latest",
    **settings: Any,
) -> Report:
    """Evaluate `agent` on `task`, judged by `judge` (None = the task's default): the whole road in one call.

    `agent`, `task` and `judge` are the words of `--model`, `--tasks` and `--judge`; `preset="paper"` names the last
    two. `settings` are further fields of `Settings` and `Serving`. Calling it again resumes. Returns the report, which
    is also saved in `output_path`. Raises `ProactiveBenchError`: `UsageError` for whatever cannot be, before anything
    is asked.
    """
    check_known(settings, {*Settings.__slots__, *Serving.__slots__} - {"model", "tasks", "judge", "serving"})
    folder = _path(output_path, "output_path")
    for name in ("model_args", "judge_model_args"):  # numbers and booleans are welcome here, recorded as text
        if isinstance(settings.get(name), Mapping):
            settings[name] = {key: str(value) for key, value in settings[name].items()}
    given = {name: _word(value) for name, value in settings.items()}
    serving = Serving(**{name: given.pop(name) for name in Serving.__slots__ if name in given})
    asked = with_preset(Settings(model=agent, tasks=_word(task), judge=_word(judge), serving=serving, **given))
    evaluation = prepare(asked)
    if asked.measure_judge:
        evaluation.known = measured_judge(asked, asked.judge, evaluation.task)
    store = run_async(evaluation.run(folder))
    return score_run(store, evaluation.task)


def score(run: str | Path) -> Report:
    """Score a run directory again and write its report. Raises `DataError` where it is none."""
    return score_run(RunStore(_path(run, "run")))


def compare(
    *runs: str | Path | Report, metric: str | None = None, split: str | None = None, preset: str | None = None
) -> Comparison:
    """Compare run directories or reports on `metric` (None: need detection where people labelled need, else F1), pair
    by pair and all together; with `preset` under its judge.

    Raises `UsageError` where there are fewer than two, or they differ in data, protocol, judge or traces.
    """
    if len(runs) < 2:
        raise UsageError(f"{len(runs)} run{'' if len(runs) == 1 else 's'} cannot be compared: give two or more")
    for name, value in (("metric", metric), ("split", split)):
        if value is not None and not isinstance(value, str):
            raise UsageError(f"{name}={value!r:.60} cannot be: give a text")
    from proactivebench.scoring.comparison import compare as compared
    from proactivebench.scoring.comparison import leading_metric

    reports = [run if isinstance(run, Report) else _report(RunStore(_path(run, "run"))) for run in runs]
    asked = metric or (preset_named(preset).metric if preset else leading_metric(reports))
    return compared(reports, asked, judge=judge_of(preset, None), split=split)


def _report(store: RunStore) -> Report:
    return report_of(store, task_of(store))


def _path(value: object, name: str) -> Path:
    """A path that was given. Raises `UsageError` for anything else."""
    if not isinstance(value, str | PathLike) or not str(value).strip():
        raise UsageError(f"{name}={value!r:.60} cannot be: give a path")
    return Path(value)


def _word(value: Any) -> Any:
    """A path as the command line would have it; anything else as it is."""
    return str(value) if isinstance(value, PathLike) else value
