"""`proactivebench annotate page`: the pages of a job's annotators as files to mail."""

from __future__ import annotations

from pathlib import Path
from shlex import quote

import click

from proactivebench.cli.parameters import PATH, option
from proactivebench.cli.terminal import safe


@click.command()
@click.argument("job", type=PATH, help="A job's folder, as `annotate prepare` writes it.")
@option("--annotator", multiple=True, metavar="NAME", help="Whose page; may be repeated. [default: everyone's]")
@option("--output_path", type=PATH, required=True, help="The folder for the pages, one file a person.")
def page(job: Path, annotator: tuple[str, ...], output_path: Path) -> None:
    """Write one self-contained page a person, to mail.

    It works without any server or network and keeps the votes in the browser
    until they are saved as NAME.votes.jsonl, which `annotate collect` takes.
    With nobody named and nobody there, those planned get pages.

    Example: proactivebench annotate page job --annotator ann --output_path pages
    """
    from proactivebench.annotation.annotators import admit
    from proactivebench.annotation.job import JobFolder
    from proactivebench.annotation.mailing import write_page
    from proactivebench.annotation.order import planned
    from proactivebench.annotation.showing import Material

    folder = JobFolder(job)
    material = Material(folder)
    there = admit(folder, annotator).annotators or admit(folder, planned(folder.job)).annotators
    for name in dict.fromkeys(annotator or there):
        file = write_page(material, there[name], output_path)
        print(safe(f"{file}  ({file.stat().st_size / 1000:,.0f} kB)"))
        if folder.votes_file(name).exists():
            print(safe(f"  {name} has answered in {folder.path} already: this page begins with the first item again"))
    print(
        safe(
            f"Mail each person theirs; what comes back: proactivebench annotate collect {quote(str(folder.path))} FILE"
        )
    )
