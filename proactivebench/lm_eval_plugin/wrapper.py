"""Stock lm-eval with our tasks and models known, and without its scan of 13,000 tasks where only ours are asked for."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from proactivebench.errors import NotInstalled, ProactiveBenchError, UsageError
from proactivebench.installing import how_to_get
from proactivebench.lm_eval_plugin import task_folder
from proactivebench.lm_eval_plugin.models import register_models


def run_lm_eval(arguments: Sequence[str]) -> None:
    """Run lm-eval's own command line in this process. Raises our own errors as they are, and `UsageError` for its."""
    from lm_eval.__main__ import cli_evaluate

    register_models()
    with _task_manager(ours_only=asks_only_for_ours(arguments)), _argv(["lm-eval", *arguments]):
        try:
            cli_evaluate()
        except ProactiveBenchError:
            raise
        except ModuleNotFoundError as error:
            package = (error.name or "a package").partition(".")[0]
            raise NotInstalled(
                f"lm-eval needs {package}, which is not installed here: {how_to_get(package)}"
            ) from error
        except Exception as error:
            lines = str(error).strip().splitlines() or ["no reason given"]
            raise UsageError(f"lm-eval stopped: {type(error).__name__}: {lines[0]} (--debug shows where)") from error


def our_tasks() -> set[str]:
    """Names of the tasks that come with this package."""
    return {path.stem for path in task_folder().glob("*.yaml")}


def asks_only_for_ours(arguments: Sequence[str]) -> bool:
    """Whether every task named by `--tasks` is one of ours."""
    asked: list[str] = []
    listening = False
    for argument in arguments:
        name, equals, value = argument.partition("=")
        if name in ("--tasks", "-t"):
            listening = not equals
            asked += [value] if equals else []
        elif argument.startswith("-"):
            listening = False
        elif listening:
            asked.append(argument)
    names = [name.strip() for group in asked for name in group.split(",") if name.strip()]
    return bool(names) and set(names) <= our_tasks()


@contextmanager
def _task_manager(*, ours_only: bool) -> Iterator[None]:
    """lm-eval's task manager with our folder beside the user's: its option takes one folder only."""
    import lm_eval.tasks

    stock = lm_eval.tasks.TaskManager

    class WithOurs(stock):  # type: ignore[misc, valid-type]
        def __init__(self, *args: Any, include_path: Any = None, include_defaults: bool = True, **others: Any) -> None:
            theirs = [] if include_path is None else include_path if isinstance(include_path, list) else [include_path]
            folders = [str(task_folder()), *theirs]
            defaults = include_defaults and not (ours_only and not theirs)
            super().__init__(*args, include_path=folders, include_defaults=defaults, **others)

    lm_eval.tasks.TaskManager = WithOurs
    try:
        yield
    finally:
        lm_eval.tasks.TaskManager = stock


@contextmanager
def _argv(arguments: Sequence[str]) -> Iterator[None]:
    before = sys.argv
    sys.argv = list(arguments)
    try:
        yield
    finally:
        sys.argv = before
