"""`proactivebench annotate prepare`: from runs or traces to a job."""

from __future__ import annotations

from pathlib import Path

import click

from proactivebench.cli.parameters import PATH, Number, Whole, option, switch


@click.command()
@click.argument("tasks", help="Data: what --tasks takes.", metavar="TASK")
@option("--output_path", type=PATH, required=True, help="The job's folder: new or empty.")
@option("--annotators", type=Whole(min=1), default=2, help="How many people are expected.")
@option("--overlap", type=Whole(min=1), default=2, help="How many of them answer each item.")
@option("--repeats", type=Number(min=0, max=1), default=0.1, help="Share of items that come twice.")
@option("--seed", type=int, default=0, help="Reproduces every draw and order.")
@switch("--sealed", help="The labels stay with whoever collects them.")
def prepare(
    tasks: str, output_path: Path, annotators: int, overlap: int, repeats: float, seed: int, sealed: bool
) -> None:
    """From traces to a job: what people are asked.

    Example: proactivebench annotate prepare proactivebench_sample
    --output_path job
    """
    from proactivebench.annotation.preparing import prepare as make
    from proactivebench.records import Plan
    from proactivebench.traces import given_task

    plan = Plan(annotators=annotators, overlap=min(overlap, annotators), repeats=repeats)
    folder = make(given_task(tasks), output_path, plan=plan, seed=seed, sealed=sealed)
    print(f"{folder.path}: {len(folder.items):,} moments of {len(folder.traces)} traces")
