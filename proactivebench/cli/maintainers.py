"""What the maintainers of a board ask again themselves: an entry's model, and the judges of its verdicts."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from proactivebench.cli import options
from proactivebench.cli.parameters import PATH, Whole, option, switch

if TYPE_CHECKING:
    from proactivebench.board.verify.redeciding import Outcome, Redeciding
    from proactivebench.judging import Judge
    from proactivebench.preparation import Serving

_ENTRY = "an entry's folder on a board, BOARD/entries/ORG__MODEL/RUN"
_ENTRIES = f"{_ENTRY}; or a board's folder, with --pending"


@click.command(short_help="Have open verdicts decided again by their judge")
@click.argument("path", type=PATH, help="A board's folder, or an entry's on a board.")
@options.required_judge_model
@switch("--pending", help="All entries of the board that are still open.")
@option("--judge", help="A card of its own [what each entry says].")
@option("--limit", type=Whole(min=1), help="At most so many questions in this go.")
@options.transport
def rejudge(
    path: Path,
    judge_model: options.JudgeModel,
    pending: bool,
    judge: str | None,
    limit: int | None,
    serving: Serving,
) -> None:
    """Have the open verdicts of entries decided again by the very judge that gave
    them, and keep what came of it on the board.

    Entries of other judges (another prompt, model or weights) are named and left.
    Every verdict is kept as it comes: the same command goes on where it stopped.

    Exit 1: verdicts are disputed. Exit 3: some are still open. Exit 4: the board
    cannot be written.

    Example: proactivebench leaderboard rejudge board --pending
      --judge_model endpoint --judge_model_args base_url=http://localhost:8000/v1,model=m
    """
    import asyncio

    from proactivebench.board.entry.validation import board_holding, find_entries
    from proactivebench.board.verify.redeciding import FittingJudges, Redeciding
    from proactivebench.cli.interrupt import until_interrupted
    from proactivebench.errors import BadArgument
    from proactivebench.files import folder

    folder(path, _ENTRIES)
    folders = find_entries(path)
    root = board_holding(path)
    if folders != [path] and not pending:
        raise BadArgument(f"{path} is a board: say --pending for all its open entries, or name one entry")

    def make(spec: str) -> Judge:
        return judge_model.judge(spec, serving)

    stop = asyncio.Event()
    outcomes: list[Outcome] = []
    going = Redeciding(root, FittingJudges(make, judge), stop, limit)
    try:
        until_interrupted(_told(going, folders, outcomes), stop)
    finally:
        if outcomes:
            print(_summed(outcomes))
    _conclude_rejudging(outcomes)


async def _told(going: Redeciding, folders: list[Path], outcomes: list[Outcome]) -> None:
    """Say each outcome as it comes."""
    from proactivebench.board.entry.escaping import plain

    async for outcome in going.over(folders):
        outcomes.append(outcome)
        print(f"{outcome.word:<10} {plain(outcome.key)}  {plain(outcome.said)}", flush=True)


def _summed(outcomes: list[Outcome]) -> str:
    from proactivebench.board.verify.redeciding import DECIDED, DISPUTED, NOTHING, OPEN, OTHER, REFUSED

    words = {
        DECIDED: "decided alike",
        DISPUTED: "disputed",
        OPEN: "still open",
        OTHER: "of other judges",
        REFUSED: "refused",
        NOTHING: "with nothing open",
    }
    counts = {word: sum(outcome.word == word for outcome in outcomes) for word in words}
    said = ", ".join(f"{counts[word]} {meaning}" for word, meaning in words.items() if counts[word])
    asked = sum(outcome.asked for outcome in outcomes)
    return f"{said}; {asked} verdict{'' if asked == 1 else 's'} given now"


def _conclude_rejudging(outcomes: list[Outcome]) -> None:
    from proactivebench.board.verify.redeciding import DISPUTED, OPEN
    from proactivebench.errors import CheckFailed, InvalidRun

    opened = sum(outcome.word == OPEN for outcome in outcomes)
    disputed = sum(outcome.word == DISPUTED for outcome in outcomes)
    if opened:
        raise InvalidRun(
            f"{opened} {'judge' if opened == 1 else 'judges'} of entries not done: what was decided is kept; see to "
            "the server, then run the same command again"
        )
    if disputed:
        raise CheckFailed(f"{disputed} disputed: these rows carry no rank, and a board built now says why")
    if not outcomes:
        print("nothing open: every verdict here is repeated by what is shipped", file=sys.stderr)


@click.command(short_help="Ask an entry's model again, on traces drawn now")
@click.argument("entry", type=PATH, help="An entry's folder on a board.")
@option("--model", required=True, help="Its model, as in `run`.")
@option("--model_args", default="", help="Its arguments.")
@option("--traces", type=Whole(min=3), default=3, help="How many traces are drawn.")
@option("--seed", help="What draws them; nobody may know it before [fresh].")
@switch("--redraw", help="Draw again, though a draw is begun or done.")
@switch("--other_name", help="The same weights, served under another name.")
@switch("--pass_on", help="Send your server all that its decoding says.")
@option("--output_path", type=PATH, help="Where its answers go [runs/reproduced].")
@options.transport
def reproduce(
    entry: Path,
    model: str,
    model_args: str,
    traces: int,
    seed: str | None,
    redraw: bool,
    other_name: bool,
    pass_on: bool,
    output_path: Path | None,
    serving: Serving,
) -> None:
    """Ask an entry's model again, with its own protocol and decoding, at traces
    drawn now, and keep on the board how far its answers agree on offer or silence.

    The same command goes on where it stopped, at the same traces.

    Exit 1: not reproduced. Exit 3: not all is answered. Exit 4: the board cannot
    be written.

    Example: proactivebench leaderboard reproduce board/entries/acme__m/r1
      --model endpoint --model_args base_url=http://localhost:8000/v1,model=m
    """
    from proactivebench.board.entry.escaping import plain
    from proactivebench.board.verify.reproducing import WORK, ask_again, conclude
    from proactivebench.cli.arguments import texts
    from proactivebench.cli.interrupt import until_interrupted
    from proactivebench.cli.progress import ProgressCallbacks
    from proactivebench.errors import CheckFailed, InvalidRun, Unreachable
    from proactivebench.files import folder

    asked = ask_again(
        folder(entry, _ENTRY),
        model,
        texts(model_args, "--model_args"),
        serving,
        traces=traces,
        seed=seed,
        redraw=redraw,
        other_name=other_name,
        pass_on=pass_on,
        work_path=output_path or WORK,
    )
    drawn = ", ".join(trace.trace_id for trace in asked.traces)
    print(f"drawn by {asked.seed}: {plain(drawn)}; answers in {asked.folder}", file=sys.stderr)
    try:
        with ProgressCallbacks() as watch:
            store = until_interrupted(asked.evaluation.run(asked.folder, watch), asked.evaluation.stop)
    except Unreachable as error:
        raise InvalidRun(f"{error}; then run the same command again: it goes on with the same traces") from None
    record, file = conclude(asked, store)
    print(f"{'reproduced' if record.passed else 'not reproduced'}  {plain(asked.key)}")
    print(f"  {plain(record.sentence)}")
    print(f"  kept in {file}")
    if not record.passed:
        raise CheckFailed(f"{asked.key} is not reproduced: {record.reason}")
