"""`proactivebench run`: the main job."""

from __future__ import annotations

import re
import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING

import click

from proactivebench.cli import options
from proactivebench.cli.parameters import PATH, Whole, option, switch

if TYPE_CHECKING:
    from proactivebench.evaluation import Evaluation
    from proactivebench.preparation import Serving
    from proactivebench.reporting import ReportExtras


def _read_config(context: click.Context, itself: click.Parameter, file: Path | None) -> None:
    if file is not None and not context.resilient_parsing:
        from proactivebench.cli.arguments import config_defaults

        options = [one for one in context.command.params if isinstance(one, click.Option) and one is not itself]
        context.default_map = config_defaults(file, options)


@click.command()
@option("--model", required=True, help="Who answers: see `proactivebench agents`.")
@option("--tasks", help="A task, FILE.jsonl, FILE.py:NAME or hf:ORG/NAME[@REV]: see `proactivebench data list`.")
@option("--preset", help="paper: its moments, protocol and judge, and its five figures first.")
@option("--model_args", default="", help="Its arguments: name=value, with commas; never a key.")
@option("--output_path", type=PATH, help="The run directory [runs/MODEL-TASK].")
@option("--judge", help="NAME, card.yaml, FILE.py:NAME, silence=X,proposals=Y; X+Y = first opinion.")
@options.judge_model
@options.judge_repeats
@options.judge_cache
@options.measure_judge
@switch("--predict_only", help="Collect replies, ask no judge.")
@option("--protocol", help="standard, paper, or a card's file [standard].")
@option("--history", help="own (earlier answers stay in context) or observations.")
@option("--candidates", type=Whole(min=1), help="Offers per moment, accepted if any is.")
@option("--feedback_rounds", type=Whole(min=0), help="Times a rejection's reason goes back.")
@option("--feedback_judge", help="Who gives that reason [the scoring judge].")
@option("--gen_kwargs", default="", help="temperature=0,top_p=…,max_gen_toks=…,until=…")
@option("--seed", type=int, default=0, help="Repeat r uses seed + r.")
@option("--repeats", type=Whole(min=1), default=1, help="Independent rollouts of each trace.")
@option("--limit", type=Whole(min=1), help="Only the first N traces; extend it later.")
@options.transport
@switch("--dry_run", help="Say what would be asked, and ask nothing.")
@options.prices
@options.correct
@options.report_as_json
@option(
    "--config",
    type=PATH,
    is_eager=True,
    expose_value=False,
    callback=_read_config,
    help="YAML with these options; flags win.",
)
def run(
    model: str,
    tasks: str | None,
    preset: str | None,
    model_args: str,
    output_path: Path | None,
    judge: str | None,
    judge_model: options.JudgeModel,
    judge_repeats: int,
    judge_cache: bool,
    measure_judge: bool,
    predict_only: bool,
    protocol: str | None,
    history: str | None,
    candidates: int | None,
    feedback_rounds: int | None,
    feedback_judge: str | None,
    gen_kwargs: str,
    seed: int,
    repeats: int,
    limit: int | None,
    serving: Serving,
    dry_run: bool,
    prices: Path | None,
    correct: bool,
    as_json: bool,
) -> None:
    """Evaluate a model: traces are rolled out, offers judged, metrics scored.

    The same command again resumes. Exit 3: the run is incomplete or invalid.

    Example: proactivebench run --model always --tasks proactivebench_sample --output_path runs/always
    """
    from proactivebench.cli.arguments import texts, values
    from proactivebench.cli.judges_text import progress, say
    from proactivebench.preparation import Settings, measured_judge, prepare, with_preset
    from proactivebench.reporting import ReportExtras

    settings = Settings(
        model=model,
        tasks=tasks or None,
        preset=preset,
        model_args=texts(model_args, "--model_args"),
        judge=judge,
        judge_model=judge_model.name,
        judge_model_args=judge_model.args,
        judge_gen_kwargs=judge_model.gen_kwargs,
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
        serving=serving,
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
            asked, asked.judge, evaluation.task, say=say, progress=progress("items judged"), prices=prices
        )
    _follow(evaluation, folder, ReportExtras(prices=prices, correct=correct), as_json=as_json)


def slug(name: str) -> str:
    """A name as a folder can bear it."""
    return re.sub(r"[^\w.=-]+", "-", name).strip("-.") or "run"


def _follow(evaluation: Evaluation, folder: Path, beside: ReportExtras, *, as_json: bool) -> None:
    """Run to the end or to Ctrl-C, then score and show."""
    from proactivebench.cli.interrupt import until_interrupted
    from proactivebench.cli.progress import ProgressCallbacks
    from proactivebench.cli.report import conclude, print_as
    from proactivebench.reporting import check_valid, report_of

    with ProgressCallbacks() as watch, redirect_stdout(sys.stderr):
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
