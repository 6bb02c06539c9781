"""`proactivebench data`: what there is to be measured on, whether it is here and intact, and how it looks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click

from proactivebench.cli import options
from proactivebench.cli.parameters import Group, option
from proactivebench.cli.terminal import print_json

if TYPE_CHECKING:
    from proactivebench.traces.inventory import FileState

named = click.argument("names", nargs=-1, help="Tasks, groups or files of the release; none = all.")


@click.group(cls=Group)
def data() -> None:
    """Benchmark data: list, fetch, verify, show.

    Example: proactivebench data pull proactivebench
    """


@data.command("list")
@options.as_json
def list_tasks(as_json: bool) -> None:
    """What --tasks can name, and what of the release is here.

    Example: proactivebench data list
    """
    from proactivebench import plugins
    from proactivebench.plugins import Contract

    rows = [_row(plug.word) for plug in plugins.ours(Contract.SUITE)]
    if as_json:
        print_json(rows)
        return
    for row in rows:
        splits = ", ".join(f"{split} {count}" for split, count in row["splits"].items())
        here = "here" if row["here"] else f"not here yet: proactivebench data pull {row['name']}"
        print(f"{row['name']:<26}{row['traces']:>3} traces {row['moments']:>4} moments ({splits})\n    {here}")
    for plug in plugins.plugs(Contract.SUITE):
        if not plug.ours:
            print(f"{plug.word:<26}of the package {plug.package}")
    print("\nAlso --tasks FILE.jsonl[.gz], one trace a line, and --tasks hf:ORG/NAME[/CONFIG][@REV][:SPLIT].")


@data.command()
@named
@options.as_json
def pull(names: tuple[str, ...], as_json: bool) -> None:
    """Fetch files of the pinned release and check their hashes.

    Names: proactivebench, proactivebench_published, or a group: traces, labels,
    answers, prompts, results. PROACTIVEBENCH_MIRROR replaces the origin.

    Example: proactivebench data pull proactivebench
    """
    from proactivebench.traces import inventory

    _report(inventory.pull(inventory.expand(names)), names, as_json, fetched=True)


@data.command()
@named
@options.as_json
def verify(names: tuple[str, ...], as_json: bool) -> None:
    """Hash again what is here; fetches nothing.

    Example: proactivebench data verify
    """
    from proactivebench.traces import inventory

    _report(inventory.verify(inventory.expand(names)), names, as_json, fetched=False)


@data.command()
@click.argument("trace", help="A trace's id.")
@option("--tasks", help="The task it is of; else the named task that has it.")
@options.as_json
def show(trace: str, tasks: str | None, as_json: bool) -> None:
    """One trace as a timeline, with what people said at each moment.

    Example: proactivebench data show code_umlauts
    """
    from proactivebench.cli.stored import traces_of
    from proactivebench.errors import UnknownName
    from proactivebench.traces import given_task

    task = given_task(tasks or _task_with(trace))
    found = next((one for one in task.traces if one.trace_id == trace), None)
    if found is None:
        raise UnknownName(f"{trace}: no such trace in {task.name}; {traces_of(task, trace)}")
    if as_json:
        print_json(found.model_dump(mode="json"))
        return
    from rich.console import Console
    from rich.text import Text

    from proactivebench.cli.labelled_timeline import grid, heading, legend, rows

    console, lead = Console(highlight=False), task.need_rules[0]
    console.print(heading(task, found), "", sep="\n")
    if console.is_terminal:
        console.print(grid(rows(found, lead)))
    else:  # one line each, for grep
        for cells in rows(found, lead):
            console.print(Text(" ").join(cells), soft_wrap=True)
    console.print("", legend(lead), sep="\n")


def _row(name: str) -> dict[str, Any]:
    from proactivebench.traces import inventory, task_structure

    structure = task_structure(name)
    splits: dict[str, int] = {}
    for trace in structure.traces:
        splits[trace.split] = splits.get(trace.split, 0) + len(trace.events)
    needed = {group: inventory.files(group) for group in inventory.groups().get(name, ())}
    return {
        "name": name,
        "traces": len(structure.traces),
        "moments": structure.moments,
        "splits": splits,
        "here": all(file.state is inventory.State.OK for file in inventory.verify(needed)),
        "data_hash": structure.data_hash,
    }


def _task_with(trace: str) -> str:
    from proactivebench.errors import UnknownName
    from proactivebench.naming import did_you_mean
    from proactivebench.traces import task_structure
    from proactivebench.traces.index import read_index

    names: list[str] = list(read_index()["tasks"])
    holding = [name for name in names if trace in task_structure(name).splits]
    if not holding:
        hint = did_you_mean(trace, {one for name in names for one in task_structure(name).splits})
        raise UnknownName(
            f"{trace}: no named task has this trace; {hint}say which task with --tasks FILE.jsonl or hf:ORG/NAME"
        )
    return holding[0]


def _report(states: Iterator[FileState], names: Sequence[str], as_json: bool, *, fetched: bool) -> None:
    """Print each file's state; raise where one is altered, or missing though it is needed or was asked for by name."""
    from proactivebench.errors import CheckFailed, DataError
    from proactivebench.traces.inventory import OPTIONAL, State

    seen = []
    for file in states:
        seen.append(file)
        if not as_json:
            print(
                f"{file.state:<11} {file.name}"
                + (f"  ({file.detail.removeprefix(f'{file.name}: ')})" if file.state is not State.OK else "")
            )
    if as_json:
        print_json([{"name": f.name, "group": f.group, "state": f.state, "detail": f.detail} for f in seen])
    altered = [file for file in seen if file.state is State.WRONG_HASH]
    missing = [file for file in seen if file.state is State.MISSING]
    if altered:
        raise CheckFailed(f"{len(altered)} of {len(seen)} files are not the pinned ones: {_named(altered)}")
    fatal = [file for file in missing if names or (fetched and file.group not in OPTIONAL)]
    if fatal:
        raise DataError(f"{len(fatal)} of {len(seen)} files are missing: {_named(fatal)}")
    if not as_json:
        without = f", {len(missing)} missing (not needed to load a task)" if missing and fetched else ""
        without = without or (f", {len(missing)} not here" if missing else "")
        print(f"{len(seen) - len(missing)} of {len(seen)} files verified{without}")


def _named(files: Sequence[FileState]) -> str:
    more = f" and {len(files) - 3} more" if len(files) > 3 else ""
    return ", ".join(file.name for file in files[:3]) + more
