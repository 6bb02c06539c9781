"""`proactivebench judge`: another judge on stored replies."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer


def judge(
    run: Annotated[Path, typer.Argument(help="A run directory.")],
    judge: Annotated[str | None, typer.Option(help="As for `run`; none = the task's default.")] = None,
    judge_model: Annotated[
        str | None, typer.Option(help="The model behind the judge, in the words of --model.")
    ] = None,
    judge_model_args: Annotated[str, typer.Option(help="Its arguments.")] = "",
    judge_repeats: Annotated[int, typer.Option(min=1, help="Verdicts per item.")] = 1,
    judge_cache: Annotated[bool, typer.Option(help="Ask a judge's model a question once, across runs.")] = True,
    tasks: Annotated[str | None, typer.Option(help="Where its data is now, should it have moved.")] = None,
    concurrency: Annotated[int, typer.Option(min=1, help="Requests in flight.")] = 16,
    timeout: Annotated[float, typer.Option(min=0.001, help="Seconds a request may take.")] = 120.0,
    max_retries: Annotated[int, typer.Option(min=0, help="Further attempts after a passing failure.")] = 5,
    batch_size: Annotated[str, typer.Option(help="For in-process models, as lm-eval has it.")] = "1",
    device: Annotated[str | None, typer.Option(help="For in-process models: cpu, cuda, cuda:0, …")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Only the report, as JSON, on standard output.")] = False,
) -> None:
    """Judge a run's stored replies again and score them under the new judge too.

    No model is rolled out; verdicts that stand are not asked for again.

    Example: proactivebench judge runs/x --judge llm --judge_model endpoint
    --judge_model_args base_url=http://localhost:8000/v1,model=m
    """
    from proactivebench.cli.arguments import texts
    from proactivebench.cli.interrupt import until_interrupted
    from proactivebench.cli.progress import ProgressWatch
    from proactivebench.cli.report import conclude
    from proactivebench.evaluation import judge_run, task_of
    from proactivebench.preparation import Serving, Settings, judge_for
    from proactivebench.store import RunStore

    store = RunStore(run)
    task = task_of(store, tasks)
    settings = Settings(
        model=store.manifest.agent.model,
        tasks=store.manifest.task.spec,
        judge_model=judge_model,
        judge_model_args=texts(judge_model_args, "--judge_model_args"),
        judge_cache=judge_cache,
        serving=Serving(
            concurrency=concurrency,
            timeout_s=timeout,
            max_retries=max_retries,
            batch_size=batch_size,
            device=device,
        ),
    )
    stop = asyncio.Event()
    decider = judge_for(settings, judge, task)
    with ProgressWatch() as watch:
        until_interrupted(judge_run(store, task, decider, judge_repeats, watch, stop), stop)
    conclude(store, task, as_json=as_json)
