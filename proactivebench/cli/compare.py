"""`proactivebench compare`: can these runs be told apart?"""

from __future__ import annotations

from pathlib import Path

import click

from proactivebench.cli import options
from proactivebench.cli.parameters import PATH, option, switch
from proactivebench.errors import BadArgument


@click.command()
@click.argument("runs", nargs=-1, required=True, type=PATH, help="Run directories or report.json files, two or more.")
@option("--metric", help="Key or FILE.py:NAME [need detection where people labelled need, else f1].")
@option("--preset", help="paper: by its judge, its five figures first.")
@options.which_judge
@options.which_split
@switch("--anyway", help="Compare runs that differ in kind; says so.")
@switch("--json", "as_json", help="Only the comparison, as JSON.")
def compare(
    runs: tuple[Path, ...],
    metric: str | None,
    preset: str | None,
    judge: str | None,
    split: str | None,
    anyway: bool,
    as_json: bool,
) -> None:
    """Compare runs on one metric, with tests that know how few traces there are.

    Example: proactivebench compare runs/a runs/b --metric f1
    """
    from proactivebench.cli.stored import load_report
    from proactivebench.presets import judge_of, preset_named
    from proactivebench.scoring.comparison import compare as compared
    from proactivebench.scoring.comparison import leading_metric
    from proactivebench.scoring.registry import metric_key

    if len(runs) < 2:
        raise BadArgument("one run cannot be compared: give two or more")
    judge = judge_of(preset, judge)
    metric = metric_key(metric) if metric else None
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
            print("\n".join((*paper_lines(report, rows=False, judge=result.judge), "")))

    judged = next(found for found in reports[0].judges if found.judge.id == result.judge)
    notes = worth(judged, str(runs[0]))[1:] if not result.ranks else ()
    print_comparison(result, Console(), notes)
