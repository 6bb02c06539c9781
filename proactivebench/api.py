"""The public functions: an evaluation in one call, and what follows from stored runs."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from proactivebench.agents.programs.given import word_of
from proactivebench.errors import BadArgument
from proactivebench.evaluation import run_async
from proactivebench.judging.base import Judge
from proactivebench.models.base import Model
from proactivebench.preparation import Objects, Serving, Settings, measured_judge, prepare, with_preset
from proactivebench.presets import judge_of, preset_named
from proactivebench.records import Comparison, Report, Task
from proactivebench.reporting import incomplete, report_of, score_run, task_of
from proactivebench.store import RunStore
from proactivebench.terms import check_known, check_terms
from proactivebench.traces import given_task
from proactivebench.traces.kept import spec_of

if TYPE_CHECKING:
    from proactivebench.scoring.metric import Metric


def load_traces(task: str | Path) -> Task:
    """The traces `--tasks` names: a task, FILE.jsonl, FILE.py:NAME or hf:ORG/NAME[@REV], with labels and provenance.

    Raises `UsageError` and `DataError`.
    """
    check_terms({"tasks": _word(task)})
    return given_task(_word(task))


def evaluate(
    agent: Any,
    task: str | Path | Task | None = None,
    judge: Any = None,
    output_path: str | Path = "runs/latest",
    **settings: Any,
) -> Report:
    """Evaluate `agent` on `task`, judged by `judge` (None = the task's default): the whole road in one call.

    Args:
        agent: a word of `--model`; or a function of a `Moment`, sync or async, that returns an `Action`, a text,
            several texts or None; a class with `act`, or an object of one; an agent or model object of this package.
        task: a word of `--tasks`, or a `Task`; `preset="paper"` names it, and the judge too.
        judge: a word of `--judge`; or a function of a moment and an offer (None: silence) that says whether the user
            accepts; a class of judges, a `JudgeKind`, or a judge object.
        output_path: the run directory. Calling it again with the same arguments resumes.
        settings: further fields of `Settings` and `Serving`, the options of the command line under their names.
            `protocol`, `judge_model` and `feedback_judge` take objects, too.

    Returns:
        The report, which is also saved in `output_path`. A run with moments that have no final reply says so in a
        warning, with what went wrong first.

    Raises:
        ProactiveBenchError: `UsageError` for whatever cannot be, before anything is asked.
    """
    check_known(settings, {*Settings.__slots__, *Serving.__slots__} - {"model", "tasks", "judge", "serving"})
    folder = _path(output_path, "output_path")
    for name in ("model_args", "judge_model_args"):  # numbers and booleans are welcome here, recorded as text
        if isinstance(settings.get(name), Mapping):
            settings[name] = {key: str(value) for key, value in settings[name].items()}
    given = {name: _word(value) for name, value in settings.items()}
    objects = Objects(
        agent=None if isinstance(agent, str | PathLike) else agent,
        task=task if isinstance(task, Task) else None,
        judge=None if judge is None or isinstance(judge, str | PathLike) else judge,
        feedback_judge=_taken(given, "feedback_judge", lambda found: isinstance(found, Judge)),
        protocol=_taken(given, "protocol", lambda found: callable(getattr(found, "conversation", None))),
        judge_model=_taken(given, "judge_model", lambda found: isinstance(found, Model)),
    )
    _refuse_both(objects, given)
    serving = Serving(**{name: given.pop(name) for name in Serving.__slots__ if name in given})
    asked = with_preset(
        Settings(
            model=_word(agent) if objects.agent is None else word_of(agent),
            tasks=spec_of(objects.task) if objects.task else _word(task),
            judge=None if objects.judge is not None else _word(judge),
            serving=serving,
            **given,
        )
    )
    evaluation = prepare(asked, objects)
    if asked.measure_judge:
        evaluation.known = measured_judge(asked, asked.judge, evaluation.task)
    store = run_async(evaluation.run(folder))
    report = score_run(store, evaluation.task)
    if report.missing:
        warnings.warn(f"{incomplete(report, store)}: call it again to go on", RuntimeWarning, stacklevel=2)
    return report


def score(run: str | Path) -> Report:
    """Score a run directory again and write its report. Raises `DataError` where it is none."""
    return score_run(RunStore(_path(run, "run")))


def compare(
    *runs: str | Path | Report, metric: str | Metric | None = None, split: str | None = None, preset: str | None = None
) -> Comparison:
    """Compare run directories or reports on `metric`, pair by pair and all together; with `preset` under its judge.

    `metric` is a key, FILE.py:NAME or a `Metric` (None: need detection where people labelled need, else F1).

    Raises `UsageError` where there are fewer than two, or they differ in data, protocol, judge or traces.
    """
    if len(runs) < 2:
        raise BadArgument(f"{len(runs)} run{'' if len(runs) == 1 else 's'} cannot be compared: give two or more")
    if split is not None and not isinstance(split, str):
        raise BadArgument(f"split={split!r:.60} cannot be: give a text")
    from proactivebench.scoring.comparison import compare as compared
    from proactivebench.scoring.comparison import leading_metric
    from proactivebench.scoring.registry import metric_key

    metric = metric_key(metric) if metric else None
    reports = [run if isinstance(run, Report) else _report(RunStore(_path(run, "run"))) for run in runs]
    asked = metric or (preset_named(preset).metric if preset else leading_metric(reports))
    return compared(reports, asked, judge=judge_of(preset, None), split=split)


def _report(store: RunStore) -> Report:
    return report_of(store, task_of(store))


def _path(value: object, name: str) -> Path:
    """A path that was given. Raises `UsageError` for anything else."""
    if not isinstance(value, str | PathLike) or not str(value).strip():
        raise BadArgument(f"{name}={value!r:.60} cannot be: give a path")
    return Path(value)


def _word(value: Any) -> Any:
    """A path as the command line would have it; anything else as it is."""
    return str(value) if isinstance(value, PathLike) else value


def _taken(given: dict[str, Any], name: str, is_one: Callable[[Any], bool]) -> Any:
    """The object under a setting's name, taken out of `given`; None where a word stands there, or nothing."""
    return given.pop(name) if is_one(given.get(name)) else None


def _refuse_both(objects: Objects, given: Mapping[str, Any]) -> None:
    """Raise `UsageError` for words that would change an object which is ready as it is."""
    clashing = {
        "protocol": ("history", "candidates", "feedback_rounds"),
        "judge_model": ("judge_model_args",),
        "judge": ("measure_judge", "judge_gen_kwargs"),
    }
    for name, words in clashing.items():
        said = [word for word in words if given.get(word)]
        if getattr(objects, name) is not None and said:
            raise BadArgument(
                f"{name} is an object, which {said[0]} cannot change: leave it out, or give {name} by name"
            )
