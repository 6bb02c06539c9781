"""`proactivebench demo`: the whole road on the built-in sample, with the trivial agents as its users."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

_AGENTS = (
    "never", "always", "random", "parrot", "skip-first", "lexical-need", "need-oracle", "best-candidate", "oracle"
)  # fmt: skip
_MEASURED = """\
After each event of {traces} sessions ({moments} moments) an agent offered help or kept
quiet. Labels say where help was needed: "need met" is the share of those
moments with an offer, "needless" the share of all others with one; balanced
accuracy is .5 for whoever offers by chance, everywhere or nowhere."""
_READ = """\
So `always` and `parrot` do not win: whoever offers everywhere stands at .500,
however many words it shares with the user. `need-oracle` looked the labels up."""


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
    console = Console(soft_wrap=True)
    task = evaluation.task
    print(_MEASURED.format(traces=len(task.traces), moments=task.moments), end="\n\n")
    print_board(reports, console)
    page = render_demo_board(reports, output_path / "board.html")
    print(f"\n{_READ}\n")
    print(f"the same as a page:  {page}")
    print(f"one of these runs:   proactivebench show {output_path}/parrot")
    print("your own model:")
    print("  proactivebench run --model endpoint --tasks proactivebench_sample \\")
    print("    --model_args base_url=http://127.0.0.1:8000/v1,model=NAME \\")
    print("    --output_path runs/mine")
    print(f"against one of them: proactivebench compare runs/mine {output_path}/lexical-need")
