"""`proactivebench annotate prepare`: from runs or traces to a job, and what its labels will cost and buy."""

from __future__ import annotations

import math
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Any

import click

from proactivebench.cli import options
from proactivebench.cli.parameters import PATH, Number, Whole, option, switch
from proactivebench.cli.terminal import print_json

if TYPE_CHECKING:
    from proactivebench.annotation import Prepared


@click.command()
@click.argument("source", nargs=-1, required=True, metavar="RUN...|TASK", help="Runs; or data, as for --tasks.")
@option("--output_path", type=PATH, required=True, help="The job's folder: new or empty.")
@option("--per_stratum", type=Whole(min=1), help="Of runs: offers, and silences, drawn of each. [default: 40]")
@option("--candidates", type=Whole(min=1), help="Of data: offers a moment, the most central ones.")
@option("--from", "candidates_from", type=PATH, multiple=True, help="A run whose offers these are; repeatable.")
@option("--limit", type=Whole(min=1), help="Of data: the first so many traces.")
@option("--per_trace", type=Whole(min=1), help="Of data: so many moments of each trace, at random.")
@options.moved_tasks
@option("--annotators", type=Whole(min=1), default=3, help="How many people are expected.")
@option("--overlap", type=Whole(min=1), help="How many of them answer each item. [default: 3, or all]")
@option("--repeats", type=Number(min=0, max=1), default=0.1, help="Share of items that come twice.")
@option("--practice", type=PATH, help="JSONL of practice sessions, or none. [default: our own]")
@option("--instructions", type=PATH, multiple=True, help="NAME.md, NAME.zh.md, …; repeatable. [default: our own]")
@option("--seed", type=int, default=0, help="Reproduces every draw and order.")
@switch("--sealed", help="The labels stay with whoever collects them.")
@option("--seconds_per_item", type=Number(min=0.1), default=10.0, help="How long an item takes, for the estimate.")
@option("--judge", help="By whose verdicts to estimate: id or name. [default: the first]")
@option("--judge_correlation", type=Number(min=0, max=1), help="Of its verdicts with people's. [default: as measured]")
@options.as_json
def prepare(
    source: tuple[str, ...],
    output_path: Path,
    per_stratum: int | None,
    candidates: int | None,
    candidates_from: tuple[Path, ...],
    limit: int | None,
    per_trace: int | None,
    tasks: str | None,
    annotators: int,
    overlap: int | None,
    repeats: float,
    practice: Path | None,
    instructions: tuple[Path, ...],
    seed: int,
    sealed: bool,
    seconds_per_item: float,
    judge: str | None,
    judge_correlation: float | None,
    as_json: bool,
) -> None:
    """Make a job of what people are to be asked, and say what it takes.

    Of runs: a random sample of their offers and silences, pooled and blind.
    Of data: need at every moment, and offers that runs made there.

    Example: proactivebench annotate prepare runs/always --output_path job
    """
    from proactivebench.annotation.preparing import plan_of
    from proactivebench.annotation.preparing import prepare as make

    made = make(
        source,
        output_path,
        per_stratum=per_stratum,
        candidates=candidates or 0,
        candidates_from=candidates_from,
        limit=limit,
        per_trace=per_trace,
        tasks=tasks,
        judge=judge,
        correlation=judge_correlation,
        plan=plan_of(annotators, overlap, repeats),
        practice=practice,
        instructions=instructions,
        seed=seed,
        sealed=sealed,
    )
    found = _told(made, seconds_per_item)
    if as_json:
        print_json(found)
    else:
        print("\n".join(_lines(made, found, seconds_per_item)))


def _told(made: Prepared, seconds: float) -> dict[str, Any]:
    """What was made, as data."""
    from proactivebench.annotation.preparing import effort

    items = [item for item in made.folder.items.values() if not item.practice]
    workloads = made.workloads()
    return {
        "job": str(made.folder.path),
        "items": len(items),
        "offers": sum(len(item.offers) for item in items),
        "practice": len(made.folder.items) - len(items),
        "traces": len({item.trace_id for item in items}),
        "annotators": made.folder.job.plan.annotators,
        "overlap": made.folder.job.plan.overlap,
        "items_per_annotator": [len(load) for load in workloads],
        "minutes_per_annotator": [round(sum(map(effort, load)) * seconds / 60, 1) for load in workloads],
        "drawn": [one.model_dump(mode="json") for one in made.folder.job.drawn],
        "f1_half_widths": [
            {
                "run": one.run,
                "agent": one.agent,
                "half_widths": {str(n): _finite(width) for n, width in one.half_widths.items()},
                "half_width": _finite(one.of_job),
                "assumed": one.grounds,
            }
            for one in made.forecasts
        ],
        "notes": list(made.notes),
    }


def _lines(made: Prepared, found: dict[str, Any], seconds: float) -> list[str]:
    from proactivebench.cli.terminal import safe

    job = made.folder.job
    paths = {run.name: run.path for run in job.runs}
    lines = [
        f"{found['job']}: {found['items']:,} moments of {found['traces']:,} traces, {found['offers']:,} offers, "
        f"{found['practice']} for practice"
    ]
    lines += [
        f"  {one.drawn:,} of {one.size:,} {one.stratum} of {paths[one.run]}, drawn with p = {one.probability:.3f}"
        for one in job.drawn
    ]
    lines += [f"note: {note}" for note in made.notes]
    times = sorted(found["minutes_per_annotator"])
    plan = job.plan
    lines += [
        f"Time: {_span(times[0], times[-1])} for each of {plan.annotators} people, {plan.overlap} of whom see an item,",
        f"  at {seconds:g} s (--seconds_per_item) and half of that for each offer beyond its first",
    ]
    if made.forecasts:
        lines += ["", "F1 by these people (prediction-powered), half of the 95 % interval, by labels in each stratum:"]
        lines.append("  " + "".join(f"{n:>8}" for n in made.forecasts[0].half_widths) + "     job")
        for one in made.forecasts:
            widths = "".join(f"{_width(width):>8}" for width in (*one.half_widths.values(), one.of_job))
            lines += [f"  {widths}    {one.run} ({one.agent})", f"    assumed: {one.grounds}"]
    lines += ["", f"Next: proactivebench annotate serve {quote(str(found['job']))} --annotator NAME"]
    return [safe(line) for line in lines]


def _span(low: float, high: float) -> str:
    """Minutes from low to high, in words; hours where it is many."""
    unit, size = ("hours", 60) if high > 180 else ("minutes", 1)
    first, last = (max(1, round(minutes / size)) for minutes in (low, high))
    unit = unit.removesuffix("s") if last == 1 else unit
    return f"about {first:,} {unit}" if first == last else f"about {first:,} to {last:,} {unit}"


def _finite(width: float) -> float | None:
    return None if math.isinf(width) else width


def _width(width: float) -> str:
    return "none" if math.isinf(width) else f"±{width:.3f}".replace("±0.", "±.")
