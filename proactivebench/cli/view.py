"""`proactivebench view`: the traces of a run as a page."""

from __future__ import annotations

from pathlib import Path

import click

from proactivebench.cli import options
from proactivebench.cli.parameters import PATH, option


@click.command()
@click.argument(
    "runs",
    nargs=-1,
    required=True,
    type=PATH,
    metavar="RUN [RUN]",
    help="One run directory, or two on the same data.",
)
@option("--output_path", type=PATH, help="The page to write (default: view.html in the first run).")
@options.moved_tasks
def view(runs: tuple[Path, ...], output_path: Path | None, tasks: str | None) -> None:
    """Write the traces of a run, or of two side by side, as one page: what the
    user did, what the agent offered, what the judge said and why. The page is
    self-contained and works offline.

    Example: proactivebench view runs/a runs/b --output_path compare.html
    """
    from proactivebench.board.site.viewer import write_view
    from proactivebench.errors import BadArgument
    from proactivebench.store import RunStore

    if len(runs) > 2:
        raise BadArgument(f"view shows one run or two side by side, not {len(runs)}")
    print(write_view([RunStore(run) for run in runs], output_path or runs[0] / "view.html", tasks))
