"""`proactivebench power`: what a comparison can see, and how many traces it needs."""

from __future__ import annotations

import math
import sys
from pathlib import Path
from typing import Annotated

import typer

from proactivebench.errors import UsageError


def power(
    difference: Annotated[float, typer.Option(help="The difference to see, e.g. 0.03.")] = 0.05,
    runs: Annotated[list[Path] | None, typer.Argument(help="Two runs, to measure the spread on.")] = None,
    metric: Annotated[str, typer.Option(help="The metric of the two runs.")] = "f1",
    judge: Annotated[str | None, typer.Option(help="A judge's id or name [the one they share].")] = None,
    stderr: Annotated[float | None, typer.Option(help="Standard error of the difference, if known.")] = None,
    traces: Annotated[int, typer.Option(min=2, help="Over how many traces that was.")] = 12,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """How many traces it takes to see a difference with 80 % power, and what the traces at hand can see.

    Without runs and without --stderr it answers for F1 between agents that are near-identical, related and unrelated.

    Example: proactivebench power --difference 0.03 runs/a runs/b
    """
    import json

    from proactivebench.scoring.power import TYPICAL_STDERR, minimum_detectable_difference, power_at, traces_needed

    if not 0 < difference < math.inf:
        raise UsageError(f"a difference of {difference:g} cannot be planned for: give one above 0")
    spreads = dict(TYPICAL_STDERR)
    if stderr is not None:
        if not 0 < stderr < math.inf:
            raise UsageError(f"--stderr {stderr:g} is no standard error: give one above 0")
        spreads = {"given": stderr}
    elif runs:
        found, traces = _measured(runs, metric, judge)
        spreads = {"measured": found}
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
        print(json.dumps({"difference": difference, "metric": metric, "plans": rows}, indent=2))
        return
    for row in rows:
        print(
            f"{row['agents']} (standard error {row['stderr']:.3f} over {traces} traces): "
            f"{row['traces_needed']:,} traces to see {difference:g}; {traces} traces see it with {row['power']:.0%} "
            f"power, and {row['detectable']:.3f} with 80 %"
        )
    if runs:
        print("One pair of runs gives its standard error within about 30 %: take the number of traces for an estimate.")


def _measured(runs: list[Path], metric: str, judge: str | None) -> tuple[float, int]:
    from proactivebench.cli.stored import load_report
    from proactivebench.scoring.comparison import compare

    if len(runs) != 2:
        raise UsageError(f"{len(runs)} runs given: the spread of a difference is measured on two")
    result = compare([load_report(run) for run in runs], metric, judge=judge)
    for warning in result.warnings:
        print(f"note: {warning}", file=sys.stderr)
    found = result.pairs[0].stderr
    if not found:
        raise UsageError(f"these two runs show no spread to plan with: {result.pairs[0].reason}")
    return found, result.traces
