"""`proactivebench judge`: another judge on stored replies."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from proactivebench.cli.options import (
    AsJson,
    BatchSize,
    Concurrency,
    Correct,
    Device,
    JudgeCache,
    JudgeGenKwargs,
    JudgeModel,
    JudgeModelArgs,
    JudgeRepeats,
    MaxRetries,
    MeasureJudge,
    Timeout,
    serving,
)


def judge(
    run: Annotated[Path, typer.Argument(help="A run directory.")],
    judge: Annotated[str | None, typer.Option(help="As for `run`; none = the task's default.")] = None,
    judge_model: JudgeModel = None,
    judge_model_args: JudgeModelArgs = "",
    judge_gen_kwargs: JudgeGenKwargs = "",
    judge_repeats: JudgeRepeats = 1,
    judge_cache: JudgeCache = True,
    measure_judge: MeasureJudge = False,
    tasks: Annotated[str | None, typer.Option(help="Where its data is now, should it have moved.")] = None,
    concurrency: Concurrency = 16,
    timeout: Timeout = 120.0,
    max_retries: MaxRetries = 5,
    batch_size: BatchSize = "1",
    device: Device = None,
    correct: Correct = False,
    as_json: AsJson = False,
) -> None:
    """Judge a run's stored replies again and score them under the new judge too.

    No model is rolled out; verdicts that stand are not asked for again.

    Example: proactivebench judge runs/x --judge llm --judge_model endpoint
    --judge_model_args base_url=http://localhost:8000/v1,model=m
    """
    from proactivebench.cli.arguments import texts, values
    from proactivebench.cli.interrupt import until_interrupted
    from proactivebench.cli.judges_text import progress, say
    from proactivebench.cli.progress import ProgressWatch
    from proactivebench.cli.report import conclude
    from proactivebench.evaluation import Beside, judge_run, task_of
    from proactivebench.preparation import Settings, check_judge_decoding, judge_for, measured_judge
    from proactivebench.store import RunStore

    store = RunStore(run)
    task = task_of(store, tasks)
    settings = Settings(
        model=store.manifest.agent.model,
        tasks=store.manifest.task.spec,
        judge_model=judge_model,
        judge_model_args=texts(judge_model_args, "--judge_model_args"),
        judge_gen_kwargs=values(judge_gen_kwargs, "--judge_gen_kwargs"),
        judge_cache=judge_cache,
        measure_judge=measure_judge,
        serving=serving(concurrency, timeout, max_retries, batch_size, device),
    )
    stop = asyncio.Event()
    decider = judge_for(settings, judge, task)
    check_judge_decoding(settings, decider)
    known = measured_judge(settings, judge, task, say=say, progress=progress("items judged")) if measure_judge else None
    with ProgressWatch() as watch:
        until_interrupted(judge_run(store, task, decider, judge_repeats, watch, stop, known=known), stop)
    conclude(store, task, Beside(correct=correct), as_json=as_json)
