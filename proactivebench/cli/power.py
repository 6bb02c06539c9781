"""`proactivebench power`: what a comparison can see, and how many traces it needs."""

from __future__ import annotations

import math
import sys
from pathlib import Path

import click

from proactivebench.cli import options
from proactivebench.cli.parameters import PATH, Whole, option
from proactivebench.errors import BadArgument, UsageError


@click.command()
@option("--difference", type=float, default=0.05, help="The difference to see, e.g. 0.03.")
@click.argument("runs", nargs=-1, type=PATH, help="Two runs, to measure the spread on.")
@option("--metric", help="The metric planned for [need detection where people labelled need, else f1].")
@options.which_judge
@option("--stderr", type=float, help="Standard error of the difference, if known.")
@option("--traces", type=Whole(min=2), default=12, help="Over how many traces that was.")
@options.as_json
def power(
    difference: float,
    runs: tuple[Path, ...],
    metric: str | None,
    judge: str | None,
    stderr: float | None,
    traces: int,
    as_json: bool,
) -> None:
    """How many traces it takes to see a difference with 80 % power, and what the traces at hand can see.

    Without runs and without --stderr it answers for need detection between agents that are alike, related and unlike;
    with --metric f1 for F1.

    Example: proactivebench power --difference 0.03 runs/a runs/b
    """
    import json

    from proactivebench.scoring.alignment import metric_of
    from proactivebench.scoring.power import TYPICAL_STDERR, minimum_detectable_difference, power_at, traces_needed
    from proactivebench.scoring.registry import BY_PEOPLE, metric_for, metric_key

    if not 0 < difference < math.inf:
        raise BadArgument(f"a difference of {difference:g} cannot be planned for: give one above 0")
    metric = metric_key(metric) if metric else None
    planned = metric or BY_PEOPLE.key
    if metric is not None:
        metric_of(metric)  # one that cannot be compared cannot be planned for
    spreads = TYPICAL_STDERR.get(planned, {})
    if stderr is not None:
        if not 0 < stderr < math.inf:
            raise BadArgument(f"--stderr {stderr:g} is no standard error: give one above 0")
        spreads = {"given": stderr}
    elif runs:
        planned, found, traces = _measured(runs, metric, judge)
        spreads = {"measured": found}
    elif not spreads:
        raise UsageError(f"how much {planned} varies between runs is not known: give two runs, or --stderr")
    rows = [
        {
            "agents": name,
            "stderr": spread,
            "traces": traces,
            "power": power_at(difference, spread, traces),
            "detectable": minimum_detectable_difference(spread, traces),
            "traces_needed": traces_needed(difference, spread, traces),
        }
        for name, spread in spreads.items()
    ]
    if as_json:
        print(json.dumps({"difference": difference, "metric": planned, "plans": rows}, indent=2))
        return
    print(f"{metric_for(planned).title}:")
    for row in rows:
        print(
            f"{row['agents']} (standard error {row['stderr']:.3f} over {traces} traces): "
            f"{row['traces_needed']:,} traces to see {difference:g}; {traces} traces see it with {row['power']:.0%} "
            f"power, and {row['detectable']:.3f} with 80 %"
        )
    if runs:
        print("One pair of runs gives its standard error within about 30 %: take the number of traces for an estimate.")


def _measured(runs: tuple[Path, ...], metric: str | None, judge: str | None) -> tuple[str, float, int]:
    from proactivebench.cli.stored import load_report
    from proactivebench.scoring.comparison import compare, leading_metric

    if len(runs) != 2:
        raise BadArgument(f"{len(runs)} runs given: the spread of a difference is measured on two")
    reports = [load_report(run) for run in runs]
    result = compare(reports, metric or leading_metric(reports), judge=judge)
    for warning in result.warnings:
        print(f"note: {warning}", file=sys.stderr)
    found = result.pairs[0].stderr
    if not found:
        raise UsageError(f"these two runs show no spread to plan with: {result.pairs[0].reason}")
    return result.metric, found, result.traces
