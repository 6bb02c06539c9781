"""`proactivebench annotate import`: votes from other places into a job, or a job from files that hold it all."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from proactivebench.cli.parameters import PATH, option

if TYPE_CHECKING:
    from collections.abc import Sequence

    from proactivebench.annotation.formats.contract import Names
    from proactivebench.annotation.importing import Imported

FORMATS = "label-studio|argilla|release|csv|votes"


@click.command("import")
@click.argument("paths", type=PATH, nargs=-1, required=True, metavar="[JOB] FILE…", help="A job, files for it.")
@option("--from", "form", required=True, metavar=FORMATS, help="What the files are.")
@option("--output_path", type=PATH, help="Make a job here, from the files alone.")
@option("--tasks", help="csv, votes: the sessions of a new job, as --tasks takes them.")
@option("--columns", default="", metavar="OURS=THEIRS,…", help="csv: what its columns are called.")
@option("--names", metavar="hashed|kept|FILE", help="Annotators' names: hashed, kept, or by a map.")
def import_(
    paths: tuple[Path, ...],
    form: str,
    output_path: Path | None,
    tasks: str | None,
    columns: str,
    names: str | None,
) -> None:
    """Take votes into a job, all or none; or, with --output_path, make a job from
    files that hold sessions, offers and votes. The same file twice changes nothing.

    --names: "hashed" with a key of the job's own (Label Studio, Argilla), "kept"
    where they are pseudonyms (the others), or a JSON file {"name": "pseudonym"}.

    Exit 2: a file or an answer that cannot be; nothing is written.

    Example: proactivebench annotate import job export.json --from label-studio
    """
    from proactivebench.annotation.formats import format_of
    from proactivebench.annotation.formats.contract import Options
    from proactivebench.annotation.importing import import_job, import_votes
    from proactivebench.annotation.job import JobFolder
    from proactivebench.cli.arguments import texts
    from proactivebench.errors import BadArgument
    from proactivebench.traces import given_task

    found = format_of(form)
    if columns and "columns" not in found.takes:
        raise BadArgument("--columns is for tables: leave it out, or use --from csv")
    if tasks and (output_path is None or "traces" not in found.takes):
        raise BadArgument(
            "--tasks names the sessions of a new job from votes: it goes with --output_path, csv and votes"
        )
    traces = given_task(tasks).traces if tasks else ()
    options = Options(columns=texts(columns, "--columns"), traces=traces)
    way = _names(names)
    if output_path is not None:
        folder, imported = import_job(found, paths, output_path, options=options, names=way)
        print(f"{folder.path}: moments to ask about: {len(folder.items):,}; sessions: {len(folder.traces):,}")
    else:
        job, files = _job_and_files(paths)
        _ = JobFolder(job).job  # what is no job is said before any file is read
        imported = import_votes(found, files, JobFolder(job), options=options, names=way)
    _tell(imported)


def _job_and_files(paths: Sequence[Path]) -> tuple[Path, Sequence[Path]]:
    from proactivebench.errors import BadArgument

    if len(paths) < 2:
        raise BadArgument("name a job and the files for it; or, to make a job from files, give --output_path")
    return paths[0], paths[1:]


def _names(given: str | None) -> Names | Path | None:
    from proactivebench.annotation.formats.contract import Names

    if given is None:
        return None
    return Names(given) if given in tuple(Names) else Path(given)


def _tell(imported: Imported) -> None:
    changes = [f"{imported.new:,} new {'vote' if imported.new == 1 else 'votes'}"]
    changes += [f"{imported.replaced:,} in place of earlier ones"] if imported.replaced else []
    changes += [f"{imported.known:,} there already"] if imported.known else []
    changes += [f"{imported.older:,} older than what stands"] if imported.older else []
    people = imported.annotators
    shown = ", ".join(people[:5]) + (f" and {len(people) - 5:,} more" if len(people) > 5 else "")
    print(f"{'; '.join(changes)}" + (f"; of {shown}" if people else ""))
    if imported.left_out:
        print(f"left out: {', '.join(f'{what} ({count:,})' for what, count in imported.left_out.items())}")
    for note in imported.notes:
        print(note)
