"""`proactivebench annotate collect`: votes files of mailed pages are taken in."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from proactivebench.cli.annotating.serve import JOB, complain
from proactivebench.cli.parameters import PATH, option
from proactivebench.cli.terminal import safe

if TYPE_CHECKING:
    from proactivebench.annotation.collect import Collected


@click.command()
@click.argument("job", type=PATH, help=JOB)
@click.argument("files", nargs=-1, required=True, type=PATH, metavar="FILE...", help="Votes files, as pages save them.")
@option("--annotator", metavar="NAME", help="Whose they are, where not the file's own.")
def collect(job: Path, files: tuple[Path, ...], annotator: str | None) -> None:
    """Take in the votes files that mailed pages hand back.

    Each file is taken whole or not at all; the same one again changes nothing.
    Where a question was answered twice, the later answer stands.

    Example: proactivebench annotate collect job ann.votes.jsonl
    """
    from proactivebench.annotation.collect import collect as take_in
    from proactivebench.annotation.job import JobFolder
    from proactivebench.annotation.showing import Material
    from proactivebench.errors import CannotWrite, ProactiveBenchError

    material = Material(JobFolder(job))
    refused: list[ProactiveBenchError] = []
    for file in files:
        try:
            print(safe(_line(take_in(material, file, annotator))))
        except CannotWrite:
            raise
        except ProactiveBenchError as error:
            refused.append(error)
    for one in refused[:-1]:
        complain(f"proactivebench: {one}")
    if refused:
        raise refused[-1]


def _line(found: Collected) -> str:
    what = [f"{count:,} {word}" for count, word in ((found.new, "new"), (found.changed, "changed")) if count]
    if found.late:
        what.append(f"{found.late:,} left out: answered later elsewhere")
    return f"{found.file}: {found.votes:,} votes of {found.annotator}: {', '.join(what) or 'nothing new'}"
