"""`proactivebench plot`: runs as pictures."""

from __future__ import annotations

import math
import sys
from enum import StrEnum
from pathlib import Path

import click

from proactivebench.cli import options
from proactivebench.cli.parameters import PATH, Words, option, switch
from proactivebench.errors import BadArgument, CannotWrite, DataError, NotInstalled, UnknownName
from proactivebench.naming import did_you_mean

USERS = "users"


class Format(StrEnum):
    """File formats of a picture."""

    SVG = "svg"
    PNG = "png"


@click.command()
@click.argument("runs", nargs=-1, required=True, type=PATH, help="[users] Run directories or report.json files.")
@option("--output_path", type=PATH, default=Path("plots"), help="Folder for the pictures.")
@option("--metric", help="Drawn with intervals [need detection where people labelled need, else f1].")
@option("--miss", type=float, default=0.5, help="Cost of a missed need in the utility curves.")
@option("--trace", help="Draw this trace alone in the timeline, large.")
@options.which_judge
@option("--format", "image_format", type=Words(Format), default=Format.SVG.value, help="File format.")
@switch("--anyway", help="Draw runs that differ in kind; says so.")
def plot(
    runs: tuple[Path, ...],
    output_path: Path,
    metric: str | None,
    miss: float,
    trace: str | None,
    judge: str | None,
    image_format: Format,
    anyway: bool,
) -> None:
    """Draw runs: a metric with its intervals, need met against needless offers and recall against precision, utility by
    the cost of a false alarm, every moment's outcome along the timeline, under need, votes and boundaries, and, where
    agents state how sure they are, the share rejected among their surest offers; and for harsh and lenient users,
    where a judge's probabilities say so.

    With the word users before the runs: only users on one axis, agents on the other.

    Needs matplotlib, the extra `plot`: in a checkout, make setup EXTRAS=plot

    Example: proactivebench plot runs/a runs/b --output_path plots
    """
    from importlib.util import find_spec

    if find_spec("matplotlib") is None:
        from proactivebench.installing import how_to_get

        raise NotInstalled(f"plot needs matplotlib, which is not installed here: {how_to_get('matplotlib')}")
    from proactivebench.anchors import anchors_beside, task_beside
    from proactivebench.cli.drawings import draw_intervals, draw_planes, draw_risk, draw_timeline, draw_utility, save
    from proactivebench.cli.drawn_population import draw_population, has_band
    from proactivebench.cli.drawn_users import draw_users
    from proactivebench.cli.stored import load_report
    from proactivebench.scoring.alignment import align
    from proactivebench.scoring.comparison import leading_metric
    from proactivebench.scoring.registry import metric_key
    from proactivebench.scoring.users import NOT_APART

    if not 0 <= miss < math.inf:
        raise BadArgument(f"--miss {miss:g} is no cost: give 0 or more, e.g. 0.5")
    metric = metric_key(metric) if metric else None
    alone = runs[0] == Path(USERS) and not runs[0].exists()
    if alone and len(runs) == 1:
        raise BadArgument(f"plot {USERS} needs runs: give their folders, e.g. plot {USERS} runs/a runs/b")
    reports = [load_report(run) for run in runs[alone:]]
    metric = metric or leading_metric(reports)
    aligned = align(reports, metric, judge=judge, anyway=anyway)
    if trace is not None and trace not in aligned.traces:
        raise UnknownName(
            f"no trace '{trace}' in these runs: {did_you_mean(trace, set(aligned.traces))}give one of them"
        )
    told_apart = any(report.users for report in reports)
    if alone and not told_apart:
        raise DataError(f"these runs have no figures per user: {NOT_APART}")
    task = task_beside(reports)
    beside = {
        anchor.name: found.value
        for anchor in anchors_beside(reports, task)
        if (found := anchor.metrics.get(metric)) is not None and found.value is not None and anchor.people
    }
    drawings = {USERS: draw_users(aligned, [report.users for report in reports])} if told_apart else {}
    if not alone:
        drawings |= {
            metric: draw_intervals(aligned, beside),
            "planes": draw_planes(aligned),
            "utility": draw_utility(aligned, miss),
            "timeline": draw_timeline(aligned, task, trace),
        }
        if any(judged.stated for judged in aligned.judged):
            drawings["risk_coverage"] = draw_risk(aligned)
        if has_band(aligned):
            drawings["population"] = draw_population(aligned)
    for mark in (*aligned.cautions, *aligned.marks):
        print(f"note: {mark}", file=sys.stderr)
    try:
        output_path.mkdir(parents=True, exist_ok=True)
        for name, figure in drawings.items():
            print(save(figure, output_path / f"{name}.{image_format}"))
    except OSError as error:
        raise CannotWrite(f"cannot write into {output_path}: {error.strerror}; give another --output_path") from error
