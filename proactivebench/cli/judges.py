"""`proactivebench judges`: what decides for the user, what it is worth, and how it can be fooled."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from proactivebench.cli import options
from proactivebench.cli.parameters import PATH, Group, Number, Whole, option, switch
from proactivebench.cli.terminal import print_json

if TYPE_CHECKING:
    from proactivebench.preparation import Serving

people_labels = option(
    "--labels", default="release", metavar="FILE|JOB|hf:…", help="Whose labels: traces with labels, or a job's folder."
)
named_judge = click.argument("name", help="A judge: NAME, card.yaml or X+Y.")


@click.group(cls=Group)
def judges() -> None:
    """Judges: list, show, measure, submit, audit, attack, train.

    Example: proactivebench judges list
    """


@judges.command("list")
@options.as_json
def list_judges(as_json: bool) -> None:
    """The shipped judges and what they are worth, and what packages add.

    Example: proactivebench judges list
    """
    from proactivebench import plugins
    from proactivebench.cli.judges_text import foreign_lines, judge_lines
    from proactivebench.judging.cards import card_names, load_card
    from proactivebench.judging.kept import kept_under
    from proactivebench.plugins import Contract

    cards = [load_card(name) for name in card_names()]
    if as_json:
        told = [(card, [one.model_dump(mode="json") for one in kept_under(card.name)]) for card in cards]
        print_json([{**card.model_dump(mode="json"), "kept": kept} for card, kept in told])
    else:
        print("\n".join(line for card in cards for line in judge_lines(card, kept_under(card.name))))
        for line in foreign_lines(plugins.plugs(Contract.JUDGE)):
            print(line)


@judges.command()
@named_judge
def show(name: str) -> None:
    """A judge's card as it stands, with its hash.

    Example: proactivebench judges show llm
    """
    from proactivebench.cli.judges_text import card_text
    from proactivebench.judging.cards import declared

    print(card_text(name, declared(name)), end="")


@judges.command()
@named_judge
@options.judge_model
@people_labels
@option("--items", default="all", help="all (1,749 items) or official (120).")
@switch("--write_back/--no_write_back", default=True, help="Write the result into the card.")
@options.transport
@options.as_json
def validate(
    name: str,
    judge_model: options.JudgeModel,
    labels: str,
    items: str,
    write_back: bool,
    serving: Serving,
    as_json: bool,
) -> None:
    """Measure a judge against people's labels, beside its anchors.

    What was trained on these labels is measured leave-one-trace-out, or under
    a heading that says LEAKED; say trained_on=none in --judge_model_args of a
    model that saw none of them. Exit 3: more than 2 % unscored.

    Example: proactivebench judges validate lexical --labels traces.jsonl
    """
    from proactivebench.cli.judges_text import progress, validation_lines
    from proactivebench.cli.judges_work import check_unscored, measure, write_back_to

    found = measure(name, judge_model, labels, items, serving, progress("items judged"))
    if as_json:
        print_json(found.model_dump(mode="json"))
    else:
        print("\n".join(validation_lines(found)))
    check_unscored(found)
    if write_back:
        write_back_to(name, found)


@judges.command()
@click.argument("runs", nargs=-1, type=PATH, metavar="[RUN]...", help="Keep it with these runs too.")
@options.judge_model
@switch("--again", help="Ask anew, though it was taken before.")
@option("--record", type=PATH, help="Maintainers: the board to keep it in.")
@options.transport
@options.as_json
def fingerprint(
    runs: tuple[Path, ...],
    judge_model: options.JudgeModel,
    again: bool,
    record: Path | None,
    serving: Serving,
    as_json: bool,
) -> None:
    """Is it the paper's judge? Its answers on the official 120 items say.

    Declare what is served: weights=YancyLee/ProactiveAgent@REVISION, and dtype=
    and engine= to be recorded. Exit 1: it answers otherwise.

    Example: proactivebench judges fingerprint runs/x --judge_model endpoint
    --judge_model_args base_url=http://localhost:8000/v1,model=rm,weights=…
    """
    from proactivebench.cli.judges_text import fingerprint_lines, progress, say
    from proactivebench.cli.judges_work import take_fingerprint
    from proactivebench.errors import CheckFailed

    found, worth = take_fingerprint(
        judge_model, serving, runs, again=again, record=record, progress=progress("items judged"), say=say
    )
    if as_json:
        told = {"passed": found.passed, "status": worth.status, "reason": worth.reason}
        print_json({**found.model_dump(mode="json"), **told})
    else:
        print("\n".join(fingerprint_lines(found, worth)))
    if not found.passed:
        raise CheckFailed("the fingerprint is not the published judge's: its figures are not the paper's measure")


@judges.command()
@named_judge
@option("--to", required=True, help="hf:ORG/DATASET, git:URL or dir:PATH, a board's.")
@options.judge_model
@option("--items", default="sample", help="sample (60 a class), official (120) or all (1,749).")
@options.price
@options.transport
def submit(
    name: str, to: str, judge_model: options.JudgeModel, items: str, price: str | None, serving: Serving
) -> None:
    """Send a judge's verdicts on people's labels to a board's table of judges.

    The board recomputes all figures. Exit 3: over 2 % unscored; 4: not taken.

    Example: proactivebench judges submit llm --to dir:board --judge_model
    endpoint --judge_model_args base_url=http://localhost:8000/v1,model=m
    """
    from proactivebench.board.entry.declaration import prices
    from proactivebench.board.entry.form import Price
    from proactivebench.cli import judges_work
    from proactivebench.cli.judges_text import progress, say

    stated = prices(price)
    print(
        judges_work.submit(
            name,
            judge_model,
            serving,
            items,
            None if stated is None else Price(**stated),
            to,
            progress=progress("items judged"),
            say=say,
        )
    )


@judges.command()
@click.argument("board", type=PATH, help="A board's folder.")
@click.argument("name", help="The judge: NAME, card.yaml or X+Y.")
@options.judge_model
@options.transport
def reproduce(board: Path, name: str, judge_model: options.JudgeModel, serving: Serving) -> None:
    """Maintainers: ask a judge of the board again, before its verdicts count.

    Exit 1: it says the same on fewer than nine of ten items.

    Example: proactivebench judges reproduce board llm --judge_model endpoint
    --judge_model_args base_url=http://localhost:8000/v1,model=m
    """
    from proactivebench.board.verify.judges import LEAST_AGREEMENT
    from proactivebench.cli import judges_work
    from proactivebench.cli.judges_text import progress, say
    from proactivebench.errors import CheckFailed
    from proactivebench.files import folder

    found = judges_work.reproduce(
        name,
        judge_model,
        serving,
        folder(board, "a board's folder, with judges/ in it"),
        progress=progress("items judged"),
        say=say,
    )
    print(f"{found.judge} says the same on {found.agreed} of {found.asked} items")
    if not found.passed:
        raise CheckFailed(f"below {LEAST_AGREEMENT:.0%}: its verdicts on the board do not count as its own")


@judges.command("audit-leaks")
@click.argument("train", help="JSONL, a job, hf:…, or release:train.")
@click.argument("test", required=False, help="The same, or release:test.")
@click.argument("benchmark", required=False, help="A task, as for --tasks.")
@option("--labels", metavar="FILE|JOB|hf:…", help="People's labels, in place of both.")
@options.as_json
def audit_leaks(train: str, test: str | None, benchmark: str | None, labels: str | None, as_json: bool) -> None:
    """Does judge-training data hold what the judge is tested on or scores?

    A JSONL row has obs (events), pred_task, valid and, if known, help_needed;
    or it is a trace with people's labels; or give a job's folder, hf:ORG/NAME.
    Exit 1: something is shared.

    Example: proactivebench judges audit-leaks release:train release:test
    proactivebench
    """
    from proactivebench.cli.judges_text import leak_lines
    from proactivebench.cli.judges_work import labels_given, training_rows
    from proactivebench.errors import BadArgument, CheckFailed
    from proactivebench.traces import load_task
    from proactivebench.validation.leaks import audit

    if labels is None and (test is None or benchmark is None):
        raise BadArgument("name what is tested on and what is scored: TRAIN TEST BENCHMARK, or TRAIN --labels FILE")
    if labels is not None and test is not None:
        raise BadArgument("--labels stands in place of TEST and BENCHMARK: leave these out")
    tested = training_rows(labels or test or "")
    scored = labels_given(labels).traces.values() if labels else load_task(benchmark or "").traces
    found = audit(training_rows(train), tested, scored)
    if as_json:
        print_json(found.model_dump(mode="json"))
    else:
        print("\n".join(leak_lines(found)))
    if found.leaks:
        raise CheckFailed("the data leaks: accuracy on this test says little about the judge; leave whole traces out")


@judges.command()
@named_judge
@options.judge_model
@option("--tasks", default="proactivebench", help="Labelled data for contexts.")
@option("--contexts", type=Whole(min=1), default=24, help="At most so many.")
@option("--margin", type=Number(min=0, max=1), default=0.1, help="Allowed excess.")
@option("--suite", type=PATH, help="Another suite (YAML).")
@options.transport
@options.as_json
def attack(
    name: str,
    judge_model: options.JudgeModel,
    tasks: str,
    contexts: int,
    margin: float,
    suite: Path | None,
    serving: Serving,
    as_json: bool,
) -> None:
    """Offer hostile proposals where people rejected every offer.

    A family fails if it is accepted more often than honest rejected
    proposals are, by more than the margin. Exit 1: a family failed.

    Example: proactivebench judges attack lexical
    """
    from proactivebench.cli import judges_work
    from proactivebench.cli.judges_text import attack_lines, progress
    from proactivebench.errors import CheckFailed

    found = judges_work.attack(
        name,
        judge_model,
        serving,
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


@judges.command()
@click.argument("name", default="lexical", help="lexical.")
@people_labels
@option("--output", "--output_path", "output", type=PATH, help="Default: the card's weights.")
def train(name: str, labels: str, output: Path | None) -> None:
    """Train the lexical baseline on people's labels, reproducibly.

    One weight set for each left-out trace and one for other data. Nothing is
    random: the same labels give the same weights.

    Example: proactivebench judges train lexical --labels traces.jsonl
      --output_path weights.json
    """
    from proactivebench.cli.judges_work import RELEASE, card_for, train_lexical

    path = train_lexical(name, labels, output)
    print(f"{path}: {path.stat().st_size:,} bytes")
    if labels != RELEASE:
        print(f"a card beside it makes it a judge (--judge card.yaml):\n{card_for(path)}")


@judges.command()
@click.argument("page", type=PATH, required=False, help="A page with the two marks.")
@switch("--check/--no_check", default=False, help="Write nothing; exit 1 if stale.")
def table(page: Path | None, check: bool) -> None:
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
