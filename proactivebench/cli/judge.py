"""`proactivebench judge`: another judge on stored replies."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import click

from proactivebench.cli import options
from proactivebench.cli.parameters import PATH, option

if TYPE_CHECKING:
    from proactivebench.preparation import Serving


@click.command()
@click.argument("run", type=PATH, help="A run directory.")
@option("--judge", help="As for `run`; none = the task's default.")
@options.judge_model
@options.judge_repeats
@options.judge_cache
@options.measure_judge
@options.prices
@options.moved_tasks
@options.transport
@options.correct
@options.report_as_json
def judge(
    run: Path,
    judge: str | None,
    judge_model: options.JudgeModel,
    judge_repeats: int,
    judge_cache: bool,
    measure_judge: bool,
    prices: Path | None,
    tasks: str | None,
    serving: Serving,
    correct: bool,
    as_json: bool,
) -> None:
    """Judge a run's stored replies again and score them under the new judge too.

    No model is rolled out; verdicts that stand are not asked for again.

    Example: proactivebench judge runs/x --judge llm --judge_model endpoint
    --judge_model_args base_url=http://localhost:8000/v1,model=m
    """
    from proactivebench.cli.interrupt import until_interrupted
    from proactivebench.cli.judges_text import progress, say
    from proactivebench.cli.progress import ProgressCallbacks
    from proactivebench.cli.report import conclude
    from proactivebench.errors import BadArgument
    from proactivebench.evaluation import judge_run
    from proactivebench.preparation import Settings, check_judge_decoding, judge_for, measured_judge
    from proactivebench.reporting import ReportExtras, task_of
    from proactivebench.store import RunStore

    if prices is not None and not measure_judge:
        raise BadArgument(f"--prices {prices} says what --measure_judge costs: give both, or neither")
    store = RunStore(run)
    task = task_of(store, tasks)
    settings = Settings(
        model=store.manifest.agent.model,
        tasks=store.manifest.task.spec,
        judge_model=judge_model.name,
        judge_model_args=judge_model.args,
        judge_gen_kwargs=judge_model.gen_kwargs,
        judge_cache=judge_cache,
        measure_judge=measure_judge,
        serving=serving,
    )
    stop = asyncio.Event()
    decider = judge_for(settings, judge, task)
    check_judge_decoding(settings, decider)
    known = None
    if measure_judge:
        known = measured_judge(settings, judge, task, say=say, progress=progress("items judged"), prices=prices)
    with ProgressCallbacks() as watch:
        until_interrupted(judge_run(store, task, decider, judge_repeats, watch, stop, known=known), stop)
    conclude(store, task, ReportExtras(correct=correct), as_json=as_json)
