"""`proactivebench leaderboard`: from a run to a board."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from proactivebench.cli.maintainers import rejudge, reproduce
from proactivebench.files import folder

if TYPE_CHECKING:
    from collections.abc import Sequence

    from proactivebench.board.building import Board
    from proactivebench.board.saying import Said
    from proactivebench.judging import Judge

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Prepare, check, submit and publish leaderboard entries.\n\n"
    "Example: proactivebench leaderboard prepare runs/always --output_path entry",
)

Format = Annotated[
    str, typer.Option("--format", metavar="rich|json|github|markdown", help="For a person, a program, CI or a comment.")
]
_ANSWERS = "yes|no|unknown"
ENTRY = "an entry's folder, as `leaderboard prepare` writes it"
BOARD = "a board's folder, with entries/ in it"
ENTRIES = f"{ENTRY}; or {BOARD}"


@app.command(short_help="Bundle a run as an entry")
def prepare(
    run: Annotated[Path, typer.Argument(help="A complete, judged run.")],
    output_path: Annotated[Path, typer.Option("--output_path", help="The entry's folder.")],
    organisation: Annotated[str | None, typer.Option(help="Who submits: a name. [*]")] = None,
    model_name: Annotated[
        str | None, typer.Option("--model_name", help="The model: a name, as the board shows it. [*]")
    ] = None,
    model_revision: Annotated[str, typer.Option("--model_revision", help="Its revision or date.")] = "",
    licence: Annotated[str | None, typer.Option(help="The model's licence. [*]")] = None,
    contact: Annotated[str | None, typer.Option(help="Whom to ask: an address or a page. [*]")] = None,
    link: Annotated[list[str] | None, typer.Option(metavar="https://…", help="A link; may be repeated.")] = None,
    notes: Annotated[str, typer.Option(help="One line for readers.")] = "",
    trained_on_traces: Annotated[
        str | None, typer.Option(metavar=_ANSWERS, help="Was it trained on these traces? [*]")
    ] = None,
    trained_on_labels: Annotated[
        str | None, typer.Option(metavar=_ANSWERS, help="Or on labels of its judges? [*]")
    ] = None,
    parameters: Annotated[str | None, typer.Option(metavar="7.6B", help="How many parameters it has.")] = None,
    open_weights: Annotated[
        str | None, typer.Option("--open_weights", metavar=_ANSWERS, help="Can anybody have its weights?")
    ] = None,
    released: Annotated[str | None, typer.Option(metavar="YYYY-MM-DD", help="The day it came out.")] = None,
    price: Annotated[
        str | None, typer.Option(metavar="prompt=…,completion=…", help="USD per million tokens; cached=… too.")
    ] = None,
    price_basis: Annotated[
        str | None, typer.Option("--price_basis", help="Where the price is from: a list and its day.")
    ] = None,
    run_id: Annotated[
        str | None, typer.Option("--run_id", help="This run: a name. [default: its date and a hash]")
    ] = None,
) -> None:
    """Bundle a run as an entry: replies, verdicts and a declaration, without
    addresses, paths, provider errors and private reasoning.

    Names: letters, digits, . _ -, no spaces. Links: https only.

    [*] required of all but the trivial agents (always, never, …).

    Example: proactivebench leaderboard prepare runs/always --output_path entry
    """
    from proactivebench.board.bundle import prepare_entry
    from proactivebench.board.declaration import declaration
    from proactivebench.store import RunStore

    declared = declaration(
        organisation=organisation,
        model=model_name,
        revision=model_revision,
        licence=licence,
        contact=contact,
        links=tuple(link or ()),
        notes=notes,
        trained_on_traces=trained_on_traces,
        trained_on_labels=trained_on_labels,
        parameters=parameters,
        open_weights=open_weights,
        released=released,
        price=price,
        price_basis=price_basis,
    )
    entry = prepare_entry(RunStore(run), output_path, declared, run_id)
    print(f"{entry.key} is in {output_path}; next: proactivebench leaderboard validate {output_path}")


@app.command(short_help="Check an entry's form: no network, no data")
def validate(
    path: Annotated[Path, typer.Argument(help="An entry's folder, or a board's.")], form: Format = "rich"
) -> None:
    """Check that entries are whole and well formed: no network, no data, no judge.

    Exit 1: refused. Exit 2: cannot be read.

    Example: proactivebench leaderboard validate entry --format github
    """
    from proactivebench.board.checking import validate_all
    from proactivebench.board.saying import FORMATS

    _one_of("--format", form, FORMATS)
    _report(validate_all(folder(path, ENTRIES)), form)


@app.command(short_help="Recompute an entry from its evidence")
def verify(
    path: Annotated[Path, typer.Argument(help="An entry's folder, or a board's.")],
    form: Format = "rich",
    against: Annotated[Path | None, typer.Option(help="A board to look for copies in.")] = None,
    judge: Annotated[str, typer.Option(help="The judge that re-judges, over --judge_model.")] = "llm",
    judge_model: Annotated[str | None, typer.Option("--judge_model", help="A re-judging model.")] = None,
    judge_model_args: Annotated[str, typer.Option("--judge_model_args", help="Its arguments.")] = "",
    judge_gen_kwargs: Annotated[str, typer.Option("--judge_gen_kwargs", help="Over its card's decoding.")] = "",
    record: Annotated[Path | None, typer.Option(help="The board to keep a second opinion in.")] = None,
) -> None:
    """Recompute entries from their evidence: questions, parsing, verdicts of local
    judges, metrics, likeness to others. Needs the benchmark's data.

    Exit 1: refused, a copy, or disputed. Exit 2: cannot be read. Exit 3: the
    re-judging model failed.

    Example: proactivebench leaderboard verify entry --against board
    """
    from proactivebench.board.checking import verify_all
    from proactivebench.board.saying import FORMATS
    from proactivebench.errors import BadArgument

    _one_of("--format", form, FORMATS)
    if record and not judge_model:
        raise BadArgument("--record keeps the opinion of a re-judging model: name one with --judge_model")
    for board in filter(None, (against, record)):
        folder(board, BOARD)
    second = _second_judge(judge, judge_model, judge_model_args, judge_gen_kwargs) if judge_model else None
    _report(list(verify_all(folder(path, ENTRIES), against=against, second_judge=second, record=record)), form)


@app.command(short_help="Send an entry to the Hub, a git repository, a folder")
def submit(
    path: Annotated[Path, typer.Argument(help="An entry's folder.")],
    to: Annotated[str, typer.Option(help="hf:ORG/DATASET, git:URL or dir:PATH.")],
) -> None:
    """Send an entry: a pull request on the Hub, a branch of a git repository, or a
    folder, which is made where it is not there. Keys come from the environment;
    commits are yours where git knows who you are.

    Exit 1: a board would refuse it. Exit 4: not reached, or not taken.

    Example: proactivebench leaderboard submit entry --to dir:board
    """
    from proactivebench.board.submission import submit_entry

    print(submit_entry(folder(path, ENTRY), to))


@app.command(short_help="Recompute all entries and write the board")
def build(
    path: Annotated[Path, typer.Argument(help="A board's folder: entries/, rejudged/.")],
    output_path: Annotated[Path, typer.Option("--output_path", help="Where the site goes.")] = Path("site"),
    dataset_path: Annotated[
        Path | None, typer.Option("--dataset_path", help="Also lay out the results dataset here.")
    ] = None,
    texts: Annotated[str, typer.Option(metavar="shown|none", help="Texts of events on the pages.")] = "shown",
    allow_refused: Annotated[
        bool, typer.Option("--allow_refused", help="Exit 0 where entries were refused, too.")
    ] = False,
) -> None:
    """Recompute all entries and write the board: a static site, board.json,
    board.csv and Parquet files. A folder that an earlier build wrote is brought
    up to date: pages of entries that are gone are removed.

    Exit 1: an entry was refused; the board is written without it.

    Example: proactivebench leaderboard build board --output_path site
    """
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # many small products: threads of their own only wait for each other
    from proactivebench.board.building import build_board, publish
    from proactivebench.board.hub import write_dataset
    from proactivebench.board.output import DATASET, SITE, check_output
    from proactivebench.errors import BadArgument

    _one_of("--texts", texts, ("shown", "none"))
    check_output(output_path, SITE, path)
    if dataset_path:
        check_output(dataset_path, DATASET, path)
        if dataset_path.resolve() == output_path.resolve():
            raise BadArgument("--dataset_path and --output_path are one folder: give two")
    board = build_board(folder(path, BOARD))
    index = publish(board, output_path, texts=texts)
    if dataset_path:
        print(write_dataset(output_path, path, board.entries, dataset_path))
    print(f"{index}: {board.count}")
    _tell_refused(board, allowed=allow_refused)


@app.command(short_help="Report an entry in its model's own repository")
def announce(
    path: Annotated[Path, typer.Argument(help="A board's folder.")],
    entry: Annotated[str, typer.Option(help="The entry: ORG__MODEL/RUN.")],
    to: Annotated[str, typer.Option(help="The model's repository: ORG/MODEL.")],
    dataset: Annotated[str, typer.Option(help="The results dataset: ORG/DATASET.")],
) -> None:
    """Report an entry in its model's own Hub repository, by pull request: the
    figures that the board recomputed, with their interval and judge.

    Example: proactivebench leaderboard announce board --entry acme__m/r1
      --to acme/m --dataset board/results
    """
    from proactivebench.board.building import build_board
    from proactivebench.board.hub import announce as open_announcement

    print(open_announcement(build_board(folder(path, BOARD)).groups, entry, to, dataset))


@app.command(short_help="Show a built site on this machine only")
def serve(
    path: Annotated[Path, typer.Argument(help="A built site.")] = Path("site"),
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 picks a free one.")] = 8000,
) -> None:
    """Show a built site on this machine only, until Ctrl-C.

    Example: proactivebench leaderboard serve site --port 8000
    """
    try:
        from proactivebench.board.preview import serve_site

        serve_site(path, port, lambda address: print(f"{address} (Ctrl-C ends it)", flush=True))
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)


@app.command(short_help="A first board from the released answers")
def seed(
    output_path: Annotated[Path, typer.Option("--output_path", help="Where the site goes.")] = Path("site"),
    mirror: Annotated[Path | None, typer.Option(help="The release, unpacked [PROACTIVEBENCH_MIRROR].")] = None,
) -> None:
    """Build a local board of the released answers: when they speak, by people's
    labels, beside the anchors; and what they offer, by the baseline judge, marked
    as such. Runs and entries go to runs/board. Released models that the mirror
    does not hold are left out.

    Example: proactivebench leaderboard seed --output_path site
    """
    from proactivebench.board.seeding import seed_board

    seeded = seed_board(output_path, mirror)
    for reason, names in seeded.left_out.items():
        print(f"released too, and left out here: {', '.join(names)} ({reason})")
    print(f"runs and entries: {seeded.work_path}\nsite: {seeded.index}: {seeded.board.count}")
    _tell_refused(seeded.board, allowed=False)


app.command(short_help="Ask an entry's model again, on traces drawn now")(reproduce)
app.command(short_help="Have open verdicts decided again by their judge")(rejudge)


def _tell_refused(board: Board, *, allowed: bool) -> None:
    """A board that loses entries says so. Raises `CheckFailed` unless that is `allowed`."""
    from proactivebench.board.saying import refused
    from proactivebench.errors import CheckFailed

    for line in refused(board.refusals):
        print(line, file=sys.stderr)
    if board.refusals and not allowed:
        raise CheckFailed(
            f"the board was written without {len(board.refusals)} refused "
            f"{'entry' if len(board.refusals) == 1 else 'entries'}: mend or remove them, or pass --allow_refused"
        )


def _report(outcomes: Sequence[Said], form: str) -> None:
    from proactivebench.board.saying import UNREADABLE, say

    print(say(outcomes, form))
    if not all(outcome.passed for outcome in outcomes):
        raise typer.Exit(2 if any(outcome.word == UNREADABLE for outcome in outcomes) else 1)


def _one_of(option: str, given: str, allowed: Sequence[str]) -> None:
    if given not in allowed:
        from proactivebench.errors import BadArgument

        raise BadArgument(f"{option} {given}: use {', '.join(allowed)}")


def _second_judge(judge: str, model: str | None, model_args: str, gen_kwargs: str) -> Judge:
    from proactivebench.cli.arguments import texts, values
    from proactivebench.judging import create_judge
    from proactivebench.preparation import judge_decoding

    decode = judge_decoding(values(gen_kwargs, "--judge_gen_kwargs"))
    return create_judge(judge, model=model, model_args=texts(model_args, "--judge_model_args"), decode=decode)
