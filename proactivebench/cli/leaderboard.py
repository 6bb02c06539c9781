"""`proactivebench leaderboard`: from a run to a board."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from proactivebench.cli import options
from proactivebench.cli.maintainers import rejudge, reproduce
from proactivebench.cli.parameters import PATH, Group, Whole, option, switch
from proactivebench.files import folder

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from proactivebench.board.entry.evidence import Refusal
    from proactivebench.board.publish.building import Board
    from proactivebench.board.verify.formats import Said
    from proactivebench.board.verify.sealed import SealedTask
    from proactivebench.preparation import Serving

output_format = option(
    "--format",
    "form",
    default="rich",
    metavar="rich|json|github|markdown",
    help="For a person, a program, CI or a comment.",
)
private_labels = click.option(
    "--labels", type=PATH, multiple=True, metavar="PRIVATE", help="Maintainers: a sealed set's labelled traces."
)
_OF_THESE = "give the labelled traces of the set that they answer, events and order as published"
output_site = option("--output_path", type=PATH, default=Path("site"), help="Where the site goes.")
_ANSWERS = "yes|no|unknown"
ENTRY = "an entry's folder, as `leaderboard prepare` writes it"
BOARD = "a board's folder, with entries/ in it"
ENTRIES = f"{ENTRY}; or {BOARD}"


@click.group(cls=Group)
def leaderboard() -> None:
    """Prepare, check, submit and publish leaderboard entries.

    Example: proactivebench leaderboard prepare runs/always --output_path entry
    """


@leaderboard.command(short_help="Bundle a run as an entry")
@click.argument("run", type=PATH, help="A complete, judged run.")
@option("--output_path", type=PATH, required=True, help="The entry's folder.")
@option("--organisation", help="Who submits: a name. [*]")
@option("--model_name", help="The model: a name, as the board shows it. [*]")
@option("--model_revision", default="", help="Its revision or date.")
@option("--licence", help="The model's licence. [*]")
@option("--contact", help="Whom to ask: an address or a page. [*]")
@option("--link", multiple=True, metavar="https://…", help="A link; may be repeated.")
@option("--notes", default="", help="One line for readers.")
@option("--trained_on_traces", metavar=_ANSWERS, help="Was it trained on these traces? [*]")
@option("--trained_on_labels", metavar=_ANSWERS, help="Or on labels of its judges? [*]")
@option("--parameters", metavar="7.6B", help="How many parameters it has.")
@option("--open_weights", metavar=_ANSWERS, help="Can anybody have its weights?")
@option("--released", metavar="YYYY-MM-DD", help="The day it came out.")
@options.price
@option("--price_basis", help="Where the price is from: a list and its day.")
@option("--run_id", help="This run: a name. [default: its date and a hash]")
@switch("--sealed", help="Answers alone: the maintainers have the labels.")
def prepare(
    run: Path,
    output_path: Path,
    organisation: str | None,
    model_name: str | None,
    model_revision: str,
    licence: str | None,
    contact: str | None,
    link: tuple[str, ...],
    notes: str,
    trained_on_traces: str | None,
    trained_on_labels: str | None,
    parameters: str | None,
    open_weights: str | None,
    released: str | None,
    price: str | None,
    price_basis: str | None,
    run_id: str | None,
    sealed: bool,
) -> None:
    """Bundle a run as an entry: replies, verdicts and a declaration, without
    addresses, paths, provider errors and private reasoning. On a sealed set it
    is replies alone.

    Names: letters, digits, . _ -, no spaces. Links: https only.

    [*] required of all but the trivial agents (always, never, …).

    Example: proactivebench leaderboard prepare runs/always --output_path entry
    """
    from proactivebench.board.entry.declaration import declaration
    from proactivebench.board.publish.prepare import prepare_entry
    from proactivebench.store import RunStore

    declared = declaration(
        organisation=organisation,
        model=model_name,
        revision=model_revision,
        licence=licence,
        contact=contact,
        links=link,
        notes=notes,
        trained_on_traces=trained_on_traces,
        trained_on_labels=trained_on_labels,
        parameters=parameters,
        open_weights=open_weights,
        released=released,
        price=price,
        price_basis=price_basis,
    )
    entry = prepare_entry(RunStore(run), output_path, declared, run_id, sealed=sealed)
    print(f"{entry.key} is in {output_path}; next: proactivebench leaderboard validate {output_path}")


@leaderboard.command(short_help="Check an entry's form: no network, no data")
@click.argument("path", type=PATH, help="An entry's folder, or a board's.")
@output_format
def validate(path: Path, form: str) -> None:
    """Check that entries are whole and well formed: no network, no data, no judge.

    Exit 1: refused. Exit 2: cannot be read.

    Example: proactivebench leaderboard validate entry --format github
    """
    from proactivebench.board.verify.checking import validate_all
    from proactivebench.board.verify.formats import FORMATS

    _one_of("--format", form, FORMATS)
    _report(validate_all(folder(path, ENTRIES)), form)


@leaderboard.command(short_help="Recompute an entry from its evidence")
@click.argument("paths", type=PATH, nargs=-1, required=True, metavar="ENTRY...", help="Entries' folders, or a board's.")
@output_format
@private_labels
@option("--against", type=PATH, help="A board to look for copies in.")
@option("--judge", default="llm", help="The judge that re-judges, over --judge_model.")
@options.judge_model
@option("--record", type=PATH, help="The board to keep a second opinion in.")
@options.transport
def verify(
    paths: tuple[Path, ...],
    form: str,
    labels: tuple[Path, ...],
    against: Path | None,
    judge: str,
    judge_model: options.JudgeModel,
    record: Path | None,
    serving: Serving,
) -> None:
    """Recompute entries from their evidence: questions, parsing, verdicts of local
    judges, metrics, likeness to others. Needs the benchmark's data.
    Answers to a sealed set are scored by --labels, of which nothing but figures
    over many moments is told.

    Exit 1: refused, a copy, or disputed. Exit 2: cannot be read. Exit 3: the
    re-judging model failed.

    Example: proactivebench leaderboard verify entry --against board
    """
    from proactivebench.board.verify.checking import verify_all
    from proactivebench.board.verify.formats import FORMATS
    from proactivebench.errors import BadArgument

    _one_of("--format", form, FORMATS)
    if record and not judge_model.name:
        raise BadArgument("--record keeps the opinion of a re-judging model: name one with --judge_model")
    for board in filter(None, (against, record)):
        folder(board, BOARD)
    sealed = _sealed(labels)
    second = judge_model.judge(judge, serving) if judge_model.name else None
    places = [folder(path, ENTRIES) for path in paths]
    outcomes = [
        said
        for place in places
        for said in verify_all(place, against=against, second_judge=second, record=record, sealed=sealed)
    ]
    if sealed and not any(said.sealed for said in outcomes):
        raise BadArgument(f"--labels {labels[0]}: its traces are not those of any entry here: {_OF_THESE}")
    _report(outcomes, form)


@leaderboard.command(short_help="Send an entry to the Hub, a git repository, a folder")
@click.argument("path", type=PATH, help="An entry's folder.")
@option("--to", required=True, help="hf:ORG/DATASET, git:URL or dir:PATH.")
def submit(path: Path, to: str) -> None:
    """Send an entry: a pull request on the Hub, a branch of a git repository, or a
    folder, which is made where it is not there. Keys come from the environment;
    commits are yours where git knows who you are.

    Exit 1: a board would refuse it. Exit 4: not reached, or not taken.

    Example: proactivebench leaderboard submit entry --to dir:board
    """
    from proactivebench.board.publish.submission import submit_entry

    print(submit_entry(folder(path, ENTRY), to))


@leaderboard.command(short_help="Recompute all entries and write the board")
@click.argument("path", type=PATH, help="A board's folder: entries/, rejudged/.")
@private_labels
@output_site
@option("--dataset_path", type=PATH, help="Also lay out the results dataset here.")
@option("--texts", default="shown", metavar="shown|none", help="Texts of events on the pages.")
@switch("--allow_refused", help="Exit 0 where entries were refused, too.")
def build(
    path: Path,
    labels: tuple[Path, ...],
    output_path: Path,
    dataset_path: Path | None,
    texts: str,
    allow_refused: bool,
) -> None:
    """Recompute all entries and write the board: a static site, board.json,
    board.csv and Parquet files. A folder that an earlier build wrote is brought
    up to date: pages of entries that are gone are removed.

    Exit 1: an entry was refused; the board is written without it.

    Example: proactivebench leaderboard build board --output_path site
    """
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # many small products: threads of their own only wait for each other
    from proactivebench.board.publish.building import build_board, publish
    from proactivebench.board.publish.hub import write_dataset
    from proactivebench.board.publish.output import DATASET, SITE, check_output
    from proactivebench.errors import BadArgument

    _one_of("--texts", texts, ("shown", "none"))
    check_output(output_path, SITE, path)
    if dataset_path:
        check_output(dataset_path, DATASET, path)
        if dataset_path.resolve() == output_path.resolve():
            raise BadArgument("--dataset_path and --output_path are one folder: give two")
    board = build_board(folder(path, BOARD), sealed=_sealed(labels))
    if labels and not any(entry.sealed for entry in board.entries) and not any(map(_told_of, board.refusals)):
        raise BadArgument(f"--labels {labels[0]}: its traces are not those of any entry here: {_OF_THESE}")
    index = publish(board, output_path, texts=texts)
    if dataset_path:
        print(write_dataset(output_path, path, board.entries, dataset_path))
    print(f"{index}: {board.count}")
    _tell_refused(board, allowed=allow_refused)


@leaderboard.command(short_help="Report an entry in its model's own repository")
@click.argument("path", type=PATH, help="A board's folder.")
@option("--entry", required=True, help="The entry: ORG__MODEL/RUN.")
@option("--to", required=True, help="The model's repository: ORG/MODEL.")
@option("--dataset", required=True, help="The results dataset: ORG/DATASET.")
def announce(path: Path, entry: str, to: str, dataset: str) -> None:
    """Report an entry in its model's own Hub repository, by pull request: the
    figures that the board recomputed, with their interval and judge.

    Example: proactivebench leaderboard announce board --entry acme__m/r1
      --to acme/m --dataset board/results
    """
    from proactivebench.board.publish.building import build_board
    from proactivebench.board.publish.hub import announce as open_announcement

    print(open_announcement(build_board(folder(path, BOARD)).groups, entry, to, dataset))


@leaderboard.command(short_help="Show a built site on this machine only")
@click.argument("path", type=PATH, default=Path("site"), help="A built site.")
@option("--port", type=Whole(0, 65535), default=8000, help="0 picks a free one.")
def serve(path: Path, port: int) -> None:
    """Show a built site on this machine only, until Ctrl-C.

    Example: proactivebench leaderboard serve site --port 8000
    """
    try:
        from proactivebench.board.site.preview import serve_site

        serve_site(path, port, lambda address: print(f"{address} (Ctrl-C ends it)", flush=True))
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)


@leaderboard.command(short_help="A first board from the released answers")
@output_site
@option("--mirror", type=PATH, help="The release, unpacked [PROACTIVEBENCH_MIRROR].")
def seed(output_path: Path, mirror: Path | None) -> None:
    """Build a local board of the released answers: when they speak, by people's
    labels, beside the anchors; and what they offer, by the baseline judge, marked
    as such. Runs and entries go to runs/board. Released models that the mirror
    does not hold are left out.

    Example: proactivebench leaderboard seed --output_path site
    """
    from proactivebench.board.publish.seeding import seed_board

    seeded = seed_board(output_path, mirror)
    for reason, names in seeded.left_out.items():
        print(f"released too, and left out here: {', '.join(names)} ({reason})")
    print(f"runs and entries: {seeded.work_path}\nsite: {seeded.index}: {seeded.board.count}")
    _tell_refused(seeded.board, allowed=False)


leaderboard.add_command(reproduce)
leaderboard.add_command(rejudge)


def _told_of(refusal: Refusal) -> bool:
    """Whether an entry is refused for anything but labels that are not at hand."""
    from proactivebench.board.verify.checking import UNSEALED

    return any(message != UNSEALED for _, message in refusal.findings)


def _sealed(labels: Sequence[Path]) -> Mapping[str, SealedTask]:
    """The sealed sets of these files. Raises `UsageError` for a file that is none."""
    if not labels:
        return {}
    from proactivebench.board.verify.sealed import read_sealed

    return read_sealed(labels)


def _tell_refused(board: Board, *, allowed: bool) -> None:
    """A board that loses entries says so. Raises `CheckFailed` unless that is `allowed`."""
    from proactivebench.board.verify.formats import refused
    from proactivebench.errors import CheckFailed

    for line in refused(board.refusals):
        print(line, file=sys.stderr)
    if board.refusals and not allowed:
        raise CheckFailed(
            f"the board was written without {len(board.refusals)} refused "
            f"{'entry' if len(board.refusals) == 1 else 'entries'}: mend or remove them, or pass --allow_refused"
        )


def _report(outcomes: Sequence[Said], form: str) -> None:
    from proactivebench.board.verify.formats import UNREADABLE, say

    print(say(outcomes, form))
    if not all(outcome.passed for outcome in outcomes):
        raise click.exceptions.Exit(2 if any(outcome.word == UNREADABLE for outcome in outcomes) else 1)


def _one_of(option: str, given: str, allowed: Sequence[str]) -> None:
    if given not in allowed:
        from proactivebench.errors import BadArgument

        raise BadArgument(f"{option} {given}: use {', '.join(allowed)}")
