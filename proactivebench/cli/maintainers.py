"""What the maintainers of a board ask again themselves: an entry's model, and the judges of its verdicts."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from proactivebench.cli.options import (
    BatchSize,
    Concurrency,
    Device,
    JudgeGenKwargs,
    MaxRetries,
    Timeout,
    serving,
)

if TYPE_CHECKING:
    from proactivebench.board.redeciding import Outcome, Redeciding

_ENTRY = "an entry's folder on a board, BOARD/entries/ORG__MODEL/RUN"
_ENTRIES = f"{_ENTRY}; or a board's folder, with --pending"


def rejudge(
    path: Annotated[Path, typer.Argument(help="A board's folder, or an entry's on a board.")],
    judge_model: Annotated[str, typer.Option("--judge_model", help="The model behind the judge, as in --model.")],
    judge_model_args: Annotated[str, typer.Option("--judge_model_args", help="Its arguments.")] = "",
    pending: Annotated[bool, typer.Option("--pending", help="All entries of the board that are still open.")] = False,
    judge: Annotated[str | None, typer.Option(help="A card of its own [what each entry says].")] = None,
    judge_gen_kwargs: JudgeGenKwargs = "",
    limit: Annotated[int | None, typer.Option(min=1, help="At most so many questions in this go.")] = None,
    concurrency: Concurrency = 16,
    timeout: Timeout = 120.0,
    max_retries: MaxRetries = 5,
    batch_size: BatchSize = "1",
    device: Device = None,
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
    from proactivebench.board.redeciding import FittingJudges, Redeciding
    from proactivebench.board.validation import board_holding, find_entries
    from proactivebench.cli.arguments import texts, values
    from proactivebench.cli.interrupt import until_interrupted
    from proactivebench.errors import BadArgument
    from proactivebench.files import folder
    from proactivebench.judging import Judge, create_judge
    from proactivebench.preparation import judge_decoding

    folder(path, _ENTRIES)
    folders = find_entries(path)
    root = board_holding(path)
    if folders != [path] and not pending:
        raise BadArgument(f"{path} is a board: say --pending for all its open entries, or name one entry")
    args = texts(judge_model_args, "--judge_model_args")
    given = values(judge_gen_kwargs, "--judge_gen_kwargs")
    calls = serving(concurrency, timeout, max_retries, batch_size, device)

    def make(spec: str) -> Judge:
        return create_judge(
            spec, model=judge_model, model_args=args, decode=judge_decoding(given), make_engine=calls.agent
        )

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
    from proactivebench.board.escaping import plain

    async for outcome in going.over(folders):
        outcomes.append(outcome)
        print(f"{outcome.word:<10} {plain(outcome.key)}  {plain(outcome.said)}", flush=True)


def _summed(outcomes: list[Outcome]) -> str:
    from proactivebench.board.redeciding import DECIDED, DISPUTED, NOTHING, OPEN, OTHER, REFUSED

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
    from proactivebench.board.redeciding import DISPUTED, OPEN
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


def reproduce(
    entry: Annotated[Path, typer.Argument(help="An entry's folder on a board.")],
    model: Annotated[str, typer.Option(help="Its model, as in `run`.")],
    model_args: Annotated[str, typer.Option("--model_args", help="Its arguments.")] = "",
    traces: Annotated[int, typer.Option(min=3, help="How many traces are drawn.")] = 3,
    seed: Annotated[str | None, typer.Option(help="What draws them; nobody may know it before [fresh].")] = None,
    redraw: Annotated[bool, typer.Option("--redraw", help="Draw again, though a draw is begun or done.")] = False,
    other_name: Annotated[
        bool, typer.Option("--other_name", help="The same weights, served under another name.")
    ] = False,
    pass_on: Annotated[bool, typer.Option("--pass_on", help="Send your server all that its decoding says.")] = False,
    output_path: Annotated[
        Path | None, typer.Option("--output_path", help="Where its answers go [runs/reproduced].")
    ] = None,
    concurrency: Concurrency = 16,
    timeout: Timeout = 120.0,
    max_retries: MaxRetries = 5,
    batch_size: BatchSize = "1",
    device: Device = None,
) -> None:
    """Ask an entry's model again, with its own protocol and decoding, at traces
    drawn now, and keep on the board how far its answers agree on offer or silence.

    The same command goes on where it stopped, at the same traces.

    Exit 1: not reproduced. Exit 3: not all is answered. Exit 4: the board cannot
    be written.

    Example: proactivebench leaderboard reproduce board/entries/acme__m/r1
      --model endpoint --model_args base_url=http://localhost:8000/v1,model=m
    """
    from proactivebench.board.escaping import plain
    from proactivebench.board.reproducing import WORK, ask_again, conclude
    from proactivebench.cli.arguments import texts
    from proactivebench.cli.interrupt import until_interrupted
    from proactivebench.cli.progress import ProgressWatch
    from proactivebench.errors import CheckFailed, InvalidRun, Unreachable
    from proactivebench.files import folder

    asked = ask_again(
        folder(entry, _ENTRY),
        model,
        texts(model_args, "--model_args"),
        serving(concurrency, timeout, max_retries, batch_size, device),
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
        with ProgressWatch() as watch:
            store = until_interrupted(asked.evaluation.run(asked.folder, watch), asked.evaluation.stop)
    except Unreachable as error:
        raise InvalidRun(f"{error}; then run the same command again: it goes on with the same traces") from None
    record, file = conclude(asked, store)
    print(f"{'reproduced' if record.passed else 'not reproduced'}  {plain(asked.key)}")
    print(f"  {plain(record.sentence)}")
    print(f"  kept in {file}")
    if not record.passed:
        raise CheckFailed(f"{asked.key} is not reproduced: {record.reason}")
