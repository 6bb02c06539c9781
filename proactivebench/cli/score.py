"""`proactivebench score`: the report of a run, computed again from its stored replies and verdicts."""

from __future__ import annotations

from pathlib import Path

import click

from proactivebench.cli import options
from proactivebench.cli.parameters import PATH, option


@click.command()
@click.argument("run", type=PATH, help="A run directory.")
@options.moved_tasks
@options.prices
@option("--human_labels", type=PATH, help="JSONL of people's blind labels on a random part of this run's answers.")
@option(
    "--anchors",
    type=PATH,
    multiple=True,
    help="Runs of `never` and `always`, same judge, for break-even costs.",
)
@options.correct
@options.report_as_json
def score(
    run: Path,
    tasks: str | None,
    prices: Path | None,
    human_labels: Path | None,
    anchors: tuple[Path, ...],
    correct: bool,
    as_json: bool,
) -> None:
    """Score stored verdicts again; writes the run's report.json.

    Human labels add metrics corrected by them, which then stand first, here and
    wherever the run is shown: lines of {trace_id, turn, candidate (-1 = silence),
    accepted, random, blind}, with annotator, premature and probability where known.
    Exit 3: the run is incomplete or invalid.

    Example: proactivebench score runs/always --json
    """
    from proactivebench.cli.report import conclude
    from proactivebench.reporting import ReportExtras, task_of
    from proactivebench.scoring.human_labels import load_human_labels
    from proactivebench.store import RunStore

    store = RunStore(run)
    labels = load_human_labels(human_labels) if human_labels else ()
    beside = ReportExtras(prices=prices, human_labels=labels, anchors=anchors, correct=correct)
    conclude(store, task_of(store, tasks), beside, as_json=as_json)
