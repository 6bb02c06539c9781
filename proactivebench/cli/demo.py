"""`proactivebench demo`: the whole road on the built-in sample, with the trivial agents as its users."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

_AGENTS = ("never", "always", "random", "parrot", "best-candidate", "oracle")


def demo(
    output_path: Annotated[Path, typer.Option(help="Where the runs and the page go.")] = Path("runs/demo"),
) -> None:
    """Run the trivial agents on the built-in sample, print a board and write it as a page. No network.

    Example: proactivebench demo
    """
    from rich.console import Console

    from proactivebench.board.demo import render_demo_board
    from proactivebench.cli.board_table import print_board
    from proactivebench.evaluation import run_async, score_run
    from proactivebench.preparation import Settings, prepare

    reports = []
    for name in _AGENTS:
        evaluation = prepare(Settings(model=name, tasks="proactivebench_sample"))
        store = run_async(evaluation.run(output_path / name))
        reports.append(score_run(store, evaluation.task))
    console = Console()
    print_board(reports, console)
    page = render_demo_board(reports, output_path / "board.html")
    console.print(f"page: {page}\nruns: {output_path}/*, e.g. `proactivebench show {output_path}/parrot`", markup=False)
