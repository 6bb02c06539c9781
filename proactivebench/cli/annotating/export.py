"""`proactivebench annotate export`: a job and its votes in the form that other tools read."""

from __future__ import annotations

from pathlib import Path

import click

from proactivebench.cli.parameters import PATH, option


@click.command()
@click.argument("job", type=PATH, help="A job's folder.")
@option("--to", required=True, metavar="label-studio|argilla|release|csv|votes", help="The form to write.")
@option("--output_path", type=PATH, default=Path("exported"), help="A new or empty folder.")
def export(job: Path, to: str, output_path: Path) -> None:
    """Write what a job asks, and the votes that stand, as Label Studio, Argilla,
    the released files, tables or plain votes. Practice items, models, runs and
    links are in none of them; pseudonyms are.

    Example: proactivebench annotate export job --to label-studio --output_path ls
    """
    import sys

    from proactivebench.annotation.exporting import export_job
    from proactivebench.annotation.formats import format_of
    from proactivebench.annotation.job import JobFolder
    from proactivebench.cli.terminal import safe

    folder = JobFolder(job)
    for file in export_job(format_of(to), folder, output_path):
        print(safe(str(file)))
    if folder.job.sealed:
        told = f"this job is sealed: its labels go to the maintainers only ({output_path} is readable by you alone)"
        print(safe(told), file=sys.stderr)
