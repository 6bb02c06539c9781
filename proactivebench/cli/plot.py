"""`proactivebench plot`: runs as pictures."""

from __future__ import annotations

import math
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from proactivebench.errors import BadArgument, CannotWrite, NotInstalled


class Format(StrEnum):
    """File formats of a picture."""

    SVG = "svg"
    PNG = "png"


def plot(
    runs: Annotated[list[Path], typer.Argument(help="Run directories or report.json files.")],
    output_path: Annotated[Path, typer.Option(help="Folder for the pictures.")] = Path("plots"),
    metric: Annotated[
        str | None, typer.Option(help="Drawn with intervals [need detection where people labelled need, else f1].")
    ] = None,
    miss: Annotated[float, typer.Option(help="Cost of a missed need in the utility curves.")] = 0.5,
    judge: Annotated[str | None, typer.Option(help="A judge's id or name [the one they share].")] = None,
    image_format: Annotated[Format, typer.Option("--format", help="File format.")] = Format.SVG,
    anyway: Annotated[bool, typer.Option("--anyway", help="Draw runs that differ in kind; says so.")] = False,
) -> None:
    """Draw runs: a metric with its intervals, need met against needless offers and recall against precision, utility by
    the cost of a false alarm, and every moment's outcome along the timeline.

    Needs matplotlib, the extra `plot`: in a checkout, make setup EXTRAS=plot

    Example: proactivebench plot runs/a runs/b --output_path plots
    """
    from importlib.util import find_spec

    if find_spec("matplotlib") is None:
        from proactivebench.installing import how_to_get

        raise NotInstalled(f"plot needs matplotlib, which is not installed here: {how_to_get('matplotlib')}")
    from proactivebench.anchors import anchors_beside
    from proactivebench.cli.drawings import draw_intervals, draw_planes, draw_timeline, draw_utility, save
    from proactivebench.cli.stored import load_report
    from proactivebench.scoring.alignment import align
    from proactivebench.scoring.comparison import leading_metric

    if not 0 <= miss < math.inf:
        raise BadArgument(f"--miss {miss:g} is no cost: give 0 or more, e.g. 0.5")
    reports = [load_report(run) for run in runs]
    metric = metric or leading_metric(reports)
    aligned = align(reports, metric, judge=judge, anyway=anyway)
    beside = {
        anchor.name: found.value
        for anchor in anchors_beside(reports)
        if (found := anchor.metrics.get(metric)) is not None and found.value is not None and anchor.people
    }
    drawings = {
        metric: draw_intervals(aligned, beside),
        "planes": draw_planes(aligned),
        "utility": draw_utility(aligned, miss),
        "timeline": draw_timeline(aligned),
    }
    for mark in (*aligned.cautions, *aligned.marks):
        typer.echo(f"note: {mark}", err=True)
    try:
        output_path.mkdir(parents=True, exist_ok=True)
        for name, figure in drawings.items():
            print(save(figure, output_path / f"{name}.{image_format}"))
    except OSError as error:
        raise CannotWrite(f"cannot write into {output_path}: {error.strerror}; give another --output_path") from error
