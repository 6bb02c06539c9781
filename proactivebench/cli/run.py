"""`proactivebench run`: the main job."""

from __future__ import annotations

import re
import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

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

if TYPE_CHECKING:
    from proactivebench.evaluation import Beside, Evaluation


def _read_config(context: typer.Context, file: Path | None) -> Path | None:
    if file is not None:
        from proactivebench.cli.arguments import config_defaults

        known = {parameter.name for parameter in context.command.params if parameter.name} - {"config"}
        context.default_map = config_defaults(file, known)
    return file


def run(
    model: Annotated[str, typer.Option(help="Who answers: see `proactivebench agents`.")],
    tasks: Annotated[
        str | None, typer.Option(help="A task, FILE.jsonl or hf:ORG/NAME[@REV]: see `proactivebench data list`.")
    ] = None,
    preset: Annotated[
        str | None, typer.Option(help="paper: its moments, protocol and judge, and its five figures first.")
    ] = None,
    model_args: Annotated[str, typer.Option(help="Its arguments: name=value, with commas; never a key.")] = "",
    output_path: Annotated[Path | None, typer.Option(help="The run directory [runs/MODEL-TASK].")] = None,
    judge: Annotated[
        str | None, typer.Option(help="NAME, card.yaml, FILE.py:NAME, silence=X,proposals=Y; X+Y = first opinion.")
    ] = None,
    judge_model: JudgeModel = None,
    judge_model_args: JudgeModelArgs = "",
    judge_gen_kwargs: JudgeGenKwargs = "",
    judge_repeats: JudgeRepeats = 1,
    judge_cache: JudgeCache = True,
    measure_judge: MeasureJudge = False,
    predict_only: Annotated[bool, typer.Option("--predict_only", help="Collect replies, ask no judge.")] = False,
    protocol: Annotated[str | None, typer.Option(help="standard, paper, or a card's file [standard].")] = None,
    history: Annotated[str | None, typer.Option(help="own (earlier answers stay in context) or observations.")] = None,
    candidates: Annotated[int | None, typer.Option(min=1, help="Offers per moment, accepted if any is.")] = None,
    feedback_rounds: Annotated[int | None, typer.Option(min=0, help="Times a rejection's reason goes back.")] = None,
    feedback_judge: Annotated[str | None, typer.Option(help="Who gives that reason [the scoring judge].")] = None,
    gen_kwargs: Annotated[str, typer.Option(help="temperature=0,top_p=…,max_gen_toks=…,until=…")] = "",
    seed: Annotated[int, typer.Option(help="Repeat r uses seed + r.")] = 0,
    repeats: Annotated[int, typer.Option(min=1, help="Independent rollouts of each trace.")] = 1,
    limit: Annotated[int | None, typer.Option(min=1, help="Only the first N traces; extend it later.")] = None,
    concurrency: Concurrency = 16,
    timeout: Timeout = 120.0,
    max_retries: MaxRetries = 5,
    batch_size: BatchSize = "1",
    device: Device = None,
    dry_run: Annotated[bool, typer.Option("--dry_run", help="Say what would be asked, and ask nothing.")] = False,
    prices: Annotated[
        Path | None, typer.Option(help="YAML of prices per million tokens: `MODEL: {prompt: 1, completion: 3}`.")
    ] = None,
    correct: Correct = False,
    as_json: AsJson = False,
    config: Annotated[  # noqa: ARG001 - its callback has read it
        Path | None, typer.Option(is_eager=True, callback=_read_config, help="YAML with these options; flags win.")
    ] = None,
) -> None:
    """Evaluate a model: traces are rolled out, offers judged, metrics scored.

    The same command again resumes. Exit 3: the run is incomplete or invalid.

    Example: proactivebench run --model always --tasks proactivebench_sample --output_path runs/always
    """
    from proactivebench.cli.arguments import texts, values
    from proactivebench.cli.judges_text import progress, say
    from proactivebench.evaluation import Beside
    from proactivebench.preparation import Settings, measured_judge, prepare, with_preset

    settings = Settings(
        model=model,
        tasks=tasks or None,
        preset=preset,
        model_args=texts(model_args, "--model_args"),
        judge=judge,
        judge_model=judge_model,
        judge_model_args=texts(judge_model_args, "--judge_model_args"),
        judge_gen_kwargs=values(judge_gen_kwargs, "--judge_gen_kwargs"),
        judge_repeats=judge_repeats,
        judge_cache=judge_cache,
        measure_judge=measure_judge,
        predict_only=predict_only,
        protocol=protocol,
        history=history,
        candidates=candidates,
        feedback_rounds=feedback_rounds,
        feedback_judge=feedback_judge,
        gen_kwargs=values(gen_kwargs, "--gen_kwargs"),
        seed=seed,
        repeats=repeats,
        limit=limit,
        serving=serving(concurrency, timeout, max_retries, batch_size, device),
    )
    with redirect_stdout(sys.stderr):  # what an agent's or a judge's own code prints is no part of the report
        evaluation = prepare(settings)
    if prices is not None:  # a table that cannot be read is told before anything is asked
        from proactivebench.scoring.efficiency import load_prices

        load_prices(prices, evaluation.agent.identity.name)
    folder = output_path or Path("runs") / slug(f"{evaluation.agent.identity.name}-{evaluation.task.name}")
    if dry_run:
        from proactivebench.cli.dry_run import describe

        print("\n".join(describe(evaluation, prices)))
        return
    if measure_judge:
        asked = with_preset(settings)
        evaluation.known = measured_judge(
            asked, asked.judge, evaluation.task, say=say, progress=progress("items judged")
        )
    _follow(evaluation, folder, Beside(prices=prices, correct=correct), as_json=as_json)


def slug(name: str) -> str:
    """A name as a folder can bear it."""
    return re.sub(r"[^\w.=-]+", "-", name).strip("-.") or "run"


def _follow(evaluation: Evaluation, folder: Path, beside: Beside, *, as_json: bool) -> None:
    """Run to the end or to Ctrl-C, then score and show."""
    from proactivebench.cli.interrupt import until_interrupted
    from proactivebench.cli.progress import ProgressWatch
    from proactivebench.cli.report import conclude, print_as
    from proactivebench.evaluation import check_valid, report_of

    with ProgressWatch() as watch, redirect_stdout(sys.stderr):
        store = until_interrupted(evaluation.run(folder, watch), evaluation.stop)
    print(f"saved in {folder}", file=sys.stderr)
    if evaluation.judge is None:
        print(f"replies only: judge them with `proactivebench judge {folder}`", file=sys.stderr)
        report = report_of(store, evaluation.task)
        if as_json:
            print_as(report, evaluation.task, folder, as_json=True)
        elif report.caution:
            print(report.caution)
        check_valid(report, store)
        return
    conclude(store, evaluation.task, beside, as_json=as_json)
