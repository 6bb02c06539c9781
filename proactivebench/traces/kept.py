"""Data given as an object: the word that leads to it, or, where none does, a copy beside the run's manifest."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from proactivebench import plugins
from proactivebench.errors import ProactiveBenchError
from proactivebench.plugins import Contract
from proactivebench.records import Task
from proactivebench.store import write_whole
from proactivebench.traces.tasks import load_task

IN_THE_RUN = "run:task.jsonl"  # what a manifest says of data that is kept in its run


def spec_of(task: Task) -> str:
    """The word of `--tasks` that leads to `task`, or `IN_THE_RUN`."""
    if plugins.named(Contract.SUITE, task.name):
        with suppress(ProactiveBenchError):
            if load_task(task.name) == task:
                return task.name
    return IN_THE_RUN


def spec_of_word(word: str, task: Task) -> str:
    """What a run's manifest says of `task`, which a word named: code in a file is never run again for it."""
    return spec_of(task) if plugins.in_file(word) else word


def keep(task: Task, run: Path) -> None:
    """Write the traces of `task` into the folder of a run, one a line. Raises `CannotWrite`."""
    lines = (trace.model_dump_json(exclude_none=True) for trace in task.traces)
    write_whole(_file(run), "".join(f"{line}\n" for line in lines))


def load_for(run: Path, spec: str) -> Task:
    """The data of a run, by the word in its manifest. Raises as `load_task` does."""
    return load_task(str(_file(run)) if spec == IN_THE_RUN else spec)


def _file(run: Path) -> Path:
    return run / "task.jsonl"
