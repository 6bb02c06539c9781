"""`proactivebench score`: the report of a run, computed again from its stored replies and verdicts."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from proactivebench.cli.options import AsJson, Correct


def score(
    run: Annotated[Path, typer.Argument(help="A run directory.")],
    tasks: Annotated[str | None, typer.Option(help="Where its data is now, should it have moved.")] = None,
    prices: Annotated[
        Path | None, typer.Option(help="YAML of prices per million tokens: `MODEL: {prompt: 1, completion: 3}`.")
    ] = None,
    human_labels: Annotated[
        Path | None, typer.Option(help="JSONL of people's blind labels on a random part of this run's answers.")
    ] = None,
    anchors: Annotated[
        list[Path] | None, typer.Option(help="Runs of `never` and `always`, same judge, for break-even costs.")
    ] = None,
    correct: Correct = False,
    as_json: AsJson = False,
) -> None:
    """Score stored verdicts again; writes the run's report.json.

    Human labels add metrics corrected by them: lines of
    {trace_id, turn, candidate (-1 = silence), accepted, random, blind}.
    Exit 3: the run is incomplete or invalid.

    Example: proactivebench score runs/always --json
    """
    from proactivebench.cli.report import conclude
    from proactivebench.evaluation import Beside, task_of
    from proactivebench.store import RunStore

    store = RunStore(run)
    beside = Beside(prices=prices, human_labels=human_labels, anchors=anchors or (), correct=correct)
    conclude(store, task_of(store, tasks), beside, as_json=as_json)
