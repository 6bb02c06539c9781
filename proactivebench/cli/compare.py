"""`proactivebench compare`: can these runs be told apart?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from proactivebench.errors import BadArgument


def compare(
    runs: Annotated[list[Path], typer.Argument(help="Run directories or report.json files, two or more.")],
    metric: Annotated[
        str | None, typer.Option(help="What to compare on [need detection where people labelled need, else f1].")
    ] = None,
    preset: Annotated[str | None, typer.Option(help="paper: by its judge, its five figures first.")] = None,
    judge: Annotated[str | None, typer.Option(help="A judge's id or name [the one they share].")] = None,
    split: Annotated[str | None, typer.Option(help="Traces of this split only [all].")] = None,
    anyway: Annotated[bool, typer.Option("--anyway", help="Compare runs that differ in kind; says so.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Only the comparison, as JSON.")] = False,
) -> None:
    """Compare runs on one metric, with tests that know how few traces there are.

    Example: proactivebench compare runs/a runs/b --metric f1
    """
    from proactivebench.cli.stored import load_report
    from proactivebench.presets import judge_of, preset_named
    from proactivebench.scoring.comparison import compare as compared
    from proactivebench.scoring.comparison import leading_metric

    if len(runs) < 2:
        raise BadArgument("one run cannot be compared: give two or more")
    judge = judge_of(preset, judge)
    reports = [load_report(run) for run in runs]
    asked = metric or (preset_named(preset).metric if preset else leading_metric(reports))
    result = compared(reports, asked, judge=judge, split=split, anyway=anyway)
    if as_json:
        print(result.model_dump_json(indent=2))
        return
    from rich.console import Console

    from proactivebench.cli.comparisons import print_comparison
    from proactivebench.judging.measurement import worth

    if preset:
        from proactivebench.cli.paper import paper_lines

        for report in reports:
            print("\n".join((*paper_lines(report, rows=False), "")))

    judged = next(found for found in reports[0].judges if found.judge.id == result.judge)
    notes = worth(judged, str(runs[0]))[1:] if not result.ranks else ()
    print_comparison(result, Console(), notes)
