"""Tasks by name: what `--tasks` takes."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from proactivebench import plugins
from proactivebench.errors import BadArgument, ProactiveBenchError, UnknownName, UsageError
from proactivebench.files import read_bytes
from proactivebench.naming import did_you_mean
from proactivebench.plugins import Contract, Plug
from proactivebench.records import Task
from proactivebench.traces.jsonl import PUBLISHED, WANTED, parse_traces

_LICENCE = re.compile(r"^(license(?:_name)?): ([A-Za-z0-9.+-]+)$", re.MULTILINE)


def load_task(spec: str) -> Task:
    """The task that `spec` names: a named task, one that an installed package adds, `FILE.jsonl[.gz]`,
    the folder of a published data set, or `hf:ORG/NAME[/CONFIG][@REV][:SPLIT]`. Never code in a file: what stored runs
    name is loaded by this, too.

    Raises `UsageError` for an unknown name, `DataError` for data that is missing or malformed.
    """
    plug = plugins.named(Contract.SUITE, spec)
    if plug is not None:
        return _made(plug)
    if spec.startswith("hf:"):
        from proactivebench.traces.hub import hub_task

        return hub_task(spec)
    if not spec.strip():
        raise BadArgument(
            f"no task is named: there are {', '.join(_words())}, FILE.jsonl, FILE.py:NAME and hf:ORG/NAME[@REV]; "
            "give one with --tasks"
        )
    path = Path(spec).expanduser()
    if (path / PUBLISHED).is_file():
        return _published_task(path)
    if path.is_dir() and not spec.endswith(".jsonl"):
        raise UsageError(f"{spec} is a folder: give a file of traces, {_files_in(path)}")
    if spec.endswith((".jsonl", ".jsonl.gz", ".json")) or path.exists():
        return file_task(path)
    hint = did_you_mean(spec, _words())
    raise UnknownName(
        f"{spec}: no such task; {hint}there are {', '.join(_words())}, FILE.jsonl, FILE.py:NAME and hf:ORG/NAME[@REV]"
    )


def given_task(spec: str) -> Task:
    """As `load_task`, and FILE.py:NAME too, a `Task` or a function that returns one: for what a user types only."""
    plug = plugins.find(Contract.SUITE, spec) if ".py" in spec else None
    return load_task(spec) if plug is None else _made(plug)


def _made(plug: Plug) -> Task:
    """The task of a plug. Raises `UsageError` where it gives none."""
    found = plug.load()
    try:
        task = found() if callable(found) else found
    except ProactiveBenchError:
        raise
    except Exception as error:  # foreign code may do anything
        raise BadArgument(f"--tasks {plug.word}: {plugins.brief(error)}: mend it in {plug.package}") from error
    if not isinstance(task, Task):
        raise BadArgument(f"--tasks {plug.word}: {plug.package} gives a {type(task).__name__}, not a Task: mend it")
    return task


def _words() -> list[str]:
    return [plug.word for plug in plugins.plugs(Contract.SUITE)]


def _files_in(folder: Path) -> str:
    found = sorted(path for pattern in ("*.jsonl", "*.jsonl.gz") for path in folder.glob(pattern))
    return f"such as {found[0]}" if found else "FILE.jsonl; this one holds none"


def _published_task(folder: Path) -> Task:
    """The traces of a published data set's folder, under the licence that its card names."""
    card = folder / "README.md"
    header = (
        read_bytes(card, "a data set's card").decode(errors="replace").split("\n---", 1)[0] if card.is_file() else ""
    )
    said = dict(_LICENCE.findall(header))
    licence = said.get("license_name") or said.get("license") or "unknown"
    name = folder.resolve().name
    found = {"name": name, "source": f"{name}/{PUBLISHED}", "licence": licence}
    return file_task(folder / PUBLISHED).model_copy(update=found)


def file_task(path: Path) -> Task:
    """The traces of a JSONL file, gzipped or not, as a task named after it; its revision is the hash of its text."""
    content = read_bytes(path, WANTED)
    return Task(
        name=path.name.removesuffix(".gz").removesuffix(path.suffix).removesuffix(".jsonl"),
        version="0",
        revision=f"sha256:{hashlib.sha256(content).hexdigest()[:16]}",
        licence="unknown",
        date="unknown",
        source=path.name,
        traces=parse_traces(content, str(path)),
    )
