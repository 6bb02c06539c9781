"""`proactivebench annotate withdraw`: one annotator's votes are deleted."""

from __future__ import annotations

from pathlib import Path

import click

from proactivebench.cli.annotating.serve import JOB
from proactivebench.cli.parameters import PATH


@click.command()
@click.argument("job", type=PATH, help=JOB)
@click.argument("name", help="The annotator's pseudonym.")
def withdraw(job: Path, name: str) -> None:
    """Delete one annotator's votes, consent and place; their link ends.

    Other people's votes stay as they are. Labels merged before hold what they
    held: merge again.

    Example: proactivebench annotate withdraw job ann
    """
    from proactivebench.annotation.annotators import held
    from proactivebench.annotation.annotators import withdraw as delete
    from proactivebench.annotation.job import JobFolder

    folder = JobFolder(job)
    with held(folder, f"let {name} withdraw on their page, or stop it first"):
        delete(folder, name)
    print(f"{name} has withdrawn: votes, consent and place are deleted")
