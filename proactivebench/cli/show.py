"""`proactivebench show`: a run's report, or one trace of it as a timeline."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from proactivebench.cli import options
from proactivebench.cli.parameters import PATH, Whole, option, switch
from proactivebench.cli.terminal import print_json
from proactivebench.errors import BadArgument, DataError, UnknownName
from proactivebench.naming import did_you_mean

if TYPE_CHECKING:
    from proactivebench.records import Report, Task, Trace


@click.command()
@click.argument("run", type=PATH, help="A run directory.")
@click.argument("trace", required=False, help="A trace, to see it as a timeline.")
@option("--judge", help="Whose verdicts: a judge's id or name [all].")
@option("--repeat", type=Whole(min=0), default=0, help="Which rollout of the trace.")
@switch("--timelines", help="Every trace as a strip: need, boundaries, votes, offers.")
@switch("--users", help="Every user whose votes are known, and how the run meets each.")
@options.moved_tasks
@options.correct
@options.as_json
def show(
    run: Path,
    trace: str | None,
    judge: str | None,
    repeat: int,
    timelines: bool,
    users: bool,
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
    from proactivebench.reporting import ReportExtras, check_valid, report_of, task_of
    from proactivebench.store import RunStore

    store = RunStore(run)
    task = task_of(store, tasks)
    if users and (trace is not None or timelines):
        raise BadArgument("--users is about all traces: leave out TRACE and --timelines")
    if trace is None:
        report = report_of(store, task, ReportExtras(correct=correct))
        if users:
            _print_users(task, report, as_json=as_json)
            check_valid(report)
            return
        if timelines:
            _print_strips(task, report, judge, repeat, as_json=as_json)
            return
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
    timeline = Timeline.of(chosen, repeat, replies, verdicts, task.need_rules)
    if as_json:
        print_json(timeline.data())
        return
    from rich.console import Console
    from rich.text import Text

    from proactivebench.cli.strips import LEGEND, strips

    console = Console(highlight=False)
    console.print(f"{chosen.trace_id} ({chosen.split}), rollout {repeat}, judged by {', '.join(judges)}", markup=False)
    offers = _outcomes(report_of(store, task), chosen, judge, repeat)
    for line in (*strips(chosen, task.need_rules, offers, console.width), Text(LEGEND, "dim"), Text()):
        console.print(line)
    for line in timeline.lines():
        console.print(line)


def _outcomes(report: Report, trace: Trace, judge: str | None, repeat: int) -> dict[str, str]:
    """The outcome letters of one rollout of a trace, by judge."""
    chosen = [one for one in report.judges if judge in (None, one.judge.id) or one.judge.id.startswith(f"{judge}-")]
    found = {}
    for judged in chosen:
        rows = judged.outcomes.get(trace.trace_id, ())
        name = "offers" if len(chosen) == 1 else f"by {judged.judge.id}"
        found[name] = rows[repeat] if repeat < len(rows) else ""
    return found


def _print_users(task: Task, report: Report, *, as_json: bool) -> None:
    """How a run meets each user. Raises `DataError` where nobody's votes are kept apart."""
    from rich.console import Console

    from proactivebench.cli.users import TITLE, users_lines, users_table
    from proactivebench.scoring.users import NOT_APART

    if not report.users:
        raise DataError(f"{task.name} has no figures per user: {NOT_APART}")
    if as_json:
        print_json([user.model_dump(mode="json") for user in report.users])
        return
    console = Console(highlight=False)
    console.print(TITLE, style="bold", markup=False)
    console.print(users_table(report.users))
    for line in users_lines(report.users):
        console.print(line, markup=False)


def _print_strips(task: Task, report: Report, judge: str | None, repeat: int, *, as_json: bool) -> None:
    """Every trace of a run, small."""
    from rich.console import Console
    from rich.text import Text

    from proactivebench.cli.strips import LEGEND, strips
    from proactivebench.cli.terminal import safe
    from proactivebench.scoring.boundaries import boundaries

    if repeat >= report.repeats:
        raise BadArgument(f"there is no rollout {repeat}: --repeat takes 0 to {report.repeats - 1}")
    scored = [trace for trace in task.traces if any(trace.trace_id in one.outcomes for one in report.judges)]
    if as_json:
        found = [
            {
                "trace_id": trace.trace_id,
                "changes": [[each.value for each in why] for why in boundaries(trace)],
                "need": {
                    rule.value: [label.needs(rule) if label else None for label in trace.labels or ()]
                    for rule in task.need_rules
                },
                "votes": [label.said._asdict() if label else None for label in trace.labels or ()],
                "outcomes": _outcomes(report, trace, judge, repeat),
            }
            for trace in scored
        ]
        print_json(found)
        return
    console = Console(highlight=False)
    for trace in scored:
        console.print(Text.assemble((safe(trace.trace_id), "bold"), (f"  {safe(trace.split)}", "dim")))
        for line in strips(trace, task.need_rules, _outcomes(report, trace, judge, repeat), console.width):
            console.print(line)
        console.print()
    console.print(Text(LEGEND, "dim"))
