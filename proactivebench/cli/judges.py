"""`proactivebench judges`: what decides for the user, what it is worth, and how it can be fooled."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    help="Judges: list, show, measure, submit, audit, attack, train.\n\nExample: proactivebench judges list",
)

AsJson = Annotated[bool, typer.Option("--json", help="As JSON, alone on standard output.")]
Name = Annotated[str, typer.Argument(help="A judge: NAME, card.yaml or X+Y.")]
Model = Annotated[str | None, typer.Option(help="The model behind, as for --model.")]
ModelArgs = Annotated[str, typer.Option(help="Its arguments: key=value,…")]
GenKwargs = Annotated[str, typer.Option(help="Over its card's decoding.")]
Concurrency = Annotated[int, typer.Option(min=1, help="Requests in flight.")]
BatchSize = Annotated[str, typer.Option(help="For in-process models.")]
Device = Annotated[str | None, typer.Option(help="For in-process models.")]


@app.command("list")
def list_judges(as_json: AsJson = False) -> None:
    """The shipped judges and what they are worth, and what packages add.

    Example: proactivebench judges list
    """
    from proactivebench import plugins
    from proactivebench.cli.judges_text import foreign_lines, judge_lines, print_json
    from proactivebench.judging.cards import card_names, load_card
    from proactivebench.plugins import Contract

    cards = [load_card(name) for name in card_names()]
    if as_json:
        print_json([card.model_dump(mode="json") for card in cards])
    else:
        print("\n".join(line for card in cards for line in judge_lines(card)))
        for line in foreign_lines(plugins.plugs(Contract.JUDGE)):
            print(line)


@app.command()
def show(name: Name) -> None:
    """A judge's card as it stands, with its hash.

    Example: proactivebench judges show llm
    """
    from proactivebench.cli.judges_text import card_text
    from proactivebench.judging.cards import declared

    print(card_text(name, declared(name)), end="")


@app.command()
def validate(
    name: Name,
    judge_model: Model = None,
    judge_model_args: ModelArgs = "",
    judge_gen_kwargs: GenKwargs = "",
    items: Annotated[str, typer.Option(help="all (1,749 items) or official (120).")] = "all",
    write_back: Annotated[bool, typer.Option(help="Write the result into the card.")] = True,
    concurrency: Concurrency = 16,
    batch_size: BatchSize = "1",
    device: Device = None,
    as_json: AsJson = False,
) -> None:
    """Measure a judge against people's labels, beside its anchors.

    What was trained on these labels is measured leave-one-trace-out, or under
    a heading that says LEAKED. Exit 3: more than 2 % unscored.

    Example: proactivebench judges validate lexical
    """
    from proactivebench.cli.judges_text import print_json, progress, validation_lines
    from proactivebench.cli.judges_work import Behind, check_unscored, measure, write_back_to

    behind = Behind(judge_model, judge_model_args, judge_gen_kwargs)
    found = measure(name, behind, items, (concurrency, batch_size, device), progress("items judged"))
    if as_json:
        print_json(found.model_dump(mode="json"))
    else:
        print("\n".join(validation_lines(found)))
    check_unscored(found)
    if write_back:
        write_back_to(name, found)


@app.command()
def fingerprint(
    runs: Annotated[list[Path] | None, typer.Argument(metavar="[RUN]...", help="Keep it with these runs too.")] = None,
    judge_model: Model = None,
    judge_model_args: ModelArgs = "",
    judge_gen_kwargs: GenKwargs = "",
    again: Annotated[bool, typer.Option("--again", help="Ask anew, though it was taken before.")] = False,
    record: Annotated[Path | None, typer.Option(help="Maintainers: the board to keep it in.")] = None,
    concurrency: Concurrency = 16,
    batch_size: BatchSize = "1",
    device: Device = None,
    as_json: AsJson = False,
) -> None:
    """Is it the paper's judge? Its answers on the official 120 items say.

    Declare what is served: weights=YancyLee/ProactiveAgent@REVISION, and dtype=
    and engine= to be recorded. Exit 1: it answers otherwise.

    Example: proactivebench judges fingerprint runs/x --judge_model endpoint
    --judge_model_args base_url=http://localhost:8000/v1,model=rm,weights=…
    """
    from proactivebench.cli.judges_text import fingerprint_lines, print_json, progress, say
    from proactivebench.cli.judges_work import Behind, take_fingerprint
    from proactivebench.errors import CheckFailed

    behind = Behind(judge_model, judge_model_args, judge_gen_kwargs)
    serving, heard = (concurrency, batch_size, device), progress("items judged")
    found, worth = take_fingerprint(behind, serving, runs or [], again=again, record=record, progress=heard, say=say)
    if as_json:
        told = {"passed": found.passed, "status": worth.status, "reason": worth.reason}
        print_json({**found.model_dump(mode="json"), **told})
    else:
        print("\n".join(fingerprint_lines(found, worth)))
    if not found.passed:
        raise CheckFailed("the fingerprint is not the published judge's: its figures are not the paper's measure")


@app.command()
def submit(
    name: Name,
    to: Annotated[str, typer.Option(help="hf:ORG/DATASET, git:URL or dir:PATH, a board's.")],
    judge_model: Model = None,
    judge_model_args: ModelArgs = "",
    judge_gen_kwargs: GenKwargs = "",
    items: Annotated[str, typer.Option(help="sample (60 a class), official (120) or all (1,749).")] = "sample",
    price: Annotated[
        str | None, typer.Option(metavar="prompt=…,completion=…", help="USD per million tokens; cached=… too.")
    ] = None,
    concurrency: Concurrency = 16,
    batch_size: BatchSize = "1",
    device: Device = None,
) -> None:
    """Send a judge's verdicts on people's labels to a board's table of judges.

    The board recomputes all figures. Exit 3: over 2 % unscored; 4: not taken.

    Example: proactivebench judges submit llm --to dir:board --judge_model
    endpoint --judge_model_args base_url=http://localhost:8000/v1,model=m
    """
    from proactivebench.board.declaration import prices
    from proactivebench.board.entry import Price
    from proactivebench.cli import judges_work
    from proactivebench.cli.judges_text import progress, say

    stated = prices(price)
    print(
        judges_work.submit(
            name,
            judges_work.Behind(judge_model, judge_model_args, judge_gen_kwargs),
            (concurrency, batch_size, device),
            items,
            None if stated is None else Price(**stated),
            to,
            progress=progress("items judged"),
            say=say,
        )
    )


@app.command()
def reproduce(
    board: Annotated[Path, typer.Argument(help="A board's folder.")],
    name: Annotated[str, typer.Argument(help="The judge: NAME, card.yaml or X+Y.")],
    judge_model: Model = None,
    judge_model_args: ModelArgs = "",
    judge_gen_kwargs: GenKwargs = "",
    concurrency: Concurrency = 16,
    batch_size: BatchSize = "1",
    device: Device = None,
) -> None:
    """Maintainers: ask a judge of the board again, before its verdicts count.

    Exit 1: it says the same on fewer than nine of ten items.

    Example: proactivebench judges reproduce board llm --judge_model endpoint
    --judge_model_args base_url=http://localhost:8000/v1,model=m
    """
    from proactivebench.board.judge_blocks import LEAST_AGREEMENT
    from proactivebench.cli import judges_work
    from proactivebench.cli.judges_text import progress, say
    from proactivebench.errors import CheckFailed
    from proactivebench.files import folder

    found = judges_work.reproduce(
        name,
        judges_work.Behind(judge_model, judge_model_args, judge_gen_kwargs),
        (concurrency, batch_size, device),
        folder(board, "a board's folder, with judges/ in it"),
        progress=progress("items judged"),
        say=say,
    )
    print(f"{found.judge} says the same on {found.agreed} of {found.asked} items")
    if not found.passed:
        raise CheckFailed(f"below {LEAST_AGREEMENT:.0%}: its verdicts on the board do not count as its own")


@app.command("audit-leaks")
def audit_leaks(
    train: Annotated[str, typer.Argument(help="JSONL, or release:train.")],
    test: Annotated[str, typer.Argument(help="JSONL, or release:test.")],
    benchmark: Annotated[str, typer.Argument(help="A task, as for --tasks.")],
    as_json: AsJson = False,
) -> None:
    """Does judge-training data hold what the judge is tested on or scores?

    A JSONL row has obs (events), pred_task, valid and, if known, help_needed.
    Exit 1: something is shared.

    Example: proactivebench judges audit-leaks release:train release:test
    proactivebench
    """
    from proactivebench.cli.judges_text import leak_lines, print_json
    from proactivebench.cli.judges_work import training_rows
    from proactivebench.errors import CheckFailed
    from proactivebench.traces import load_task
    from proactivebench.validation.leaks import audit

    found = audit(training_rows(train), training_rows(test), load_task(benchmark).traces)
    if as_json:
        print_json(found.model_dump(mode="json"))
    else:
        print("\n".join(leak_lines(found)))
    if found.leaks:
        raise CheckFailed("the data leaks: accuracy on this test says little about the judge; leave whole traces out")


@app.command()
def attack(
    name: Name,
    judge_model: Model = None,
    judge_model_args: ModelArgs = "",
    judge_gen_kwargs: GenKwargs = "",
    tasks: Annotated[str, typer.Option(help="Labelled data for contexts.")] = "proactivebench",
    contexts: Annotated[int, typer.Option(min=1, help="At most so many.")] = 24,
    margin: Annotated[float, typer.Option(min=0, max=1, help="Allowed excess.")] = 0.1,
    suite: Annotated[Path | None, typer.Option(help="Another suite (YAML).")] = None,
    concurrency: Concurrency = 16,
    batch_size: BatchSize = "1",
    device: Device = None,
    as_json: AsJson = False,
) -> None:
    """Offer hostile proposals where people rejected every offer.

    A family fails if it is accepted more often than honest rejected
    proposals are, by more than the margin. Exit 1: a family failed.

    Example: proactivebench judges attack lexical
    """
    from proactivebench.cli.judges_text import attack_lines, print_json, progress
    from proactivebench.cli.judges_work import Behind, assault
    from proactivebench.errors import CheckFailed

    found = assault(
        name,
        Behind(judge_model, judge_model_args, judge_gen_kwargs),
        (concurrency, batch_size, device),
        tasks=tasks,
        contexts=contexts,
        margin=margin,
        suite=suite,
        progress=progress("attacks judged"),
    )
    if as_json:
        print_json({**found.model_dump(mode="json"), "failed": found.failed})
    else:
        print("\n".join(attack_lines(found)))
    if found.failed:
        raise CheckFailed(f"{found.judge} is fooled by: {', '.join(found.failed)}")


@app.command()
def train(
    name: Annotated[str, typer.Argument(help="lexical.")] = "lexical",
    output: Annotated[Path | None, typer.Option(help="Default: the card's weights.")] = None,
) -> None:
    """Train the lexical baseline on the released labels, reproducibly.

    One weight set for each left-out trace and one for other data. Nothing is
    random: the same labels give the same weights.

    Example: proactivebench judges train lexical
    """
    from proactivebench.cli.judges_work import train_lexical

    path = train_lexical(name, output)
    print(f"{path}: {path.stat().st_size:,} bytes")


@app.command()
def table(
    page: Annotated[Path | None, typer.Argument(help="A page with the two marks.")] = None,
    check: Annotated[bool, typer.Option(help="Write nothing; exit 1 if stale.")] = False,
) -> None:
    """The table of all judges, for the docs (Markdown).

    Example: proactivebench judges table docs/judges.md
    """
    from proactivebench.errors import CheckFailed, DataError
    from proactivebench.files import read_text
    from proactivebench.judging.cards import card_names, load_card
    from proactivebench.judging.catalogue import put_table
    from proactivebench.judging.catalogue import table as render
    from proactivebench.judging.writing import replace_file

    generated = render(load_card(name) for name in card_names())
    if page is None:
        print(generated, end="")
        return
    before = read_text(page, "the page that holds the table, docs/judges.md")
    try:
        after = put_table(before, generated)
    except DataError as error:
        raise DataError(f"{page} is not that page: {error}") from None
    if check and after != before:
        raise CheckFailed(f"{page} is stale: run `proactivebench judges table {page}`")
    if after != before:
        replace_file(page, after)
