"""`proactivebench show`: a run's report, or one trace of it as a timeline."""

from __future__ import annotations

import json
from pathlib import Path

import click

from proactivebench.cli import options
from proactivebench.cli.parameters import PATH, Whole, option
from proactivebench.errors import BadArgument, UnknownName
from proactivebench.naming import did_you_mean


@click.command()
@click.argument("run", type=PATH, help="A run directory.")
@click.argument("trace", required=False, help="A trace, to see it as a timeline.")
@option("--judge", help="Whose verdicts: a judge's id or name [all].")
@option("--repeat", type=Whole(min=0), default=0, help="Which rollout of the trace.")
@options.moved_tasks
@options.correct
@options.as_json
def show(
    run: Path,
    trace: str | None,
    judge: str | None,
    repeat: int,
    tasks: str | None,
    correct: bool,
    as_json: bool,
) -> None:
    """Show a run's report; with TRACE, what the user did, what was offered and what was decided.

    Exit 3: the run is incomplete or invalid.

    Example: proactivebench show runs/always coding_01
    """
    from proactivebench.cli.report import print_as
    from proactivebench.cli.stored import traces_of
    from proactivebench.cli.timeline import Timeline
    from proactivebench.evaluation import ReportExtras, check_valid, report_of, task_of
    from proactivebench.store import RunStore

    store = RunStore(run)
    task = task_of(store, tasks)
    if trace is None:
        report = report_of(store, task, ReportExtras(correct=correct))
        print_as(report, task, run, as_json=as_json)
        check_valid(report)
        return
    chosen = next((known for known in task.traces if known.trace_id == trace), None)
    if chosen is None:
        raise UnknownName(f"{task.name} has no trace '{trace}': {traces_of(task, trace)}")
    judges = [known for known in store.judge_ids() if judge in (None, known) or known.startswith(f"{judge}-")]
    if judge is not None and not judges:
        hint = did_you_mean(judge, {known.rpartition("-")[0] for known in store.judge_ids()})
        raise UnknownName(f"'{judge}' decided nothing in {run}: {hint}{', '.join(store.judge_ids()) or 'nobody'} did")
    replies = [reply for reply in store.replies().values() if reply.trace_id == chosen.trace_id]
    if replies and all(reply.repeat != repeat for reply in replies):
        most = max(reply.repeat for reply in replies)
        raise BadArgument(f"{run} has no rollout {repeat} of {trace}: --repeat takes 0 to {most}")
    verdicts = (verdict for name in judges for verdict in store.verdicts(name).values())
    timeline = Timeline.of(chosen, repeat, replies, verdicts)
    if as_json:
        print(json.dumps(timeline.data(), indent=2, ensure_ascii=False))
        return
    from rich.console import Console

    console = Console(highlight=False)
    console.print(f"{chosen.trace_id} ({chosen.split}), rollout {repeat}, judged by {', '.join(judges)}", markup=False)
    for line in timeline.lines():
        console.print(line)
