"""`proactivebench demo`: the whole road on the built-in sample, with the trivial agents as its users."""

from __future__ import annotations

from pathlib import Path

import click

from proactivebench.cli.parameters import PATH, option

_AGENTS = (
    "never", "always", "random", "parrot", "skip-first", "lexical-need", "need-oracle", "best-candidate", "oracle"
)  # fmt: skip
_WIDTH = 70  # of a command's line
_MEASURED = """\
After each event of {traces} sessions ({moments} moments) an agent offered help or kept
quiet. Labels say where help was needed: "need recall" is the share of those
moments with an offer, "needless" the share of all others with one; balanced
accuracy is .5 for whoever offers by chance, everywhere or nowhere."""
_READ = """\
`always` and `parrot` do not win: whoever offers everywhere stands at .500,
however many words it shares with the user. `need-oracle` looked the labels up."""


@click.command()
@option("--output_path", type=PATH, default=Path("runs/demo"), help="Where the runs and the page go.")
def demo(output_path: Path) -> None:
    """Run the trivial agents on the built-in sample, print a board and write it as a page. No network.

    Example: proactivebench demo
    """
    from rich.console import Console

    from proactivebench.board.site.demo import render_demo_board
    from proactivebench.cli.board_table import print_board
    from proactivebench.evaluation import run_async
    from proactivebench.preparation import Settings, prepare
    from proactivebench.reporting import score_run

    reports = []
    for name in _AGENTS:
        evaluation = prepare(Settings(model=name, tasks="proactivebench_sample"))
        store = run_async(evaluation.run(output_path / name))
        reports.append(score_run(store, evaluation.task))
    task = evaluation.task
    measured = _MEASURED.format(traces=len(task.traces), moments=task.moments)
    commands = _commands(output_path)
    lead = [" ".join(text.split()).replace("`", "") for text in (measured, _READ)]
    page = render_demo_board(reports, output_path / "board.html", lead=lead, commands=commands)
    what, command = commands[0]
    print(f"{measured}\n\n{_READ}\n\n{what}: {command}\nthe same as a page, and more to type: below the table\n")
    print_board(reports, Console(soft_wrap=True))
    print(f"\nthe same as a page:\n  {page}")
    for what, command in commands[1:]:
        print(f"{what}:\n  {_folded(command)}")


def _commands(folder: Path) -> list[tuple[str, str]]:
    """What to type next: what for, and the command."""
    served = "--model_args base_url=http://127.0.0.1:8000/v1,model=NAME --output_path runs/mine"
    return [
        ("one of these runs", f"proactivebench show {folder}/parrot"),
        ("two of them", f"proactivebench compare {folder}/lexical-need {folder}/always"),
        ("your own model", f"proactivebench run --model endpoint --tasks proactivebench_sample {served}"),
        ("against one of them", f"proactivebench compare runs/mine {folder}/lexical-need"),
    ]


def _folded(command: str) -> str:
    """A command over several lines, broken before options."""
    first, *rest = command.split(" --")
    lines = [first]
    for words in rest:
        if len(lines[-1]) + len(words) > _WIDTH:
            lines.append(f"  --{words}")
        else:
            lines[-1] += f" --{words}"
    return " \\\n  ".join(lines)
