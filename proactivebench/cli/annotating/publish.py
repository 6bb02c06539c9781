"""`proactivebench annotate publish`: a job becomes a data set that others may use."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from proactivebench.cli.annotating.serve import JOB
from proactivebench.cli.parameters import PATH, option

if TYPE_CHECKING:
    from proactivebench.annotation.publishing import Published
    from proactivebench.text.redaction import Kind


@click.command()
@click.argument("job", type=PATH, help=JOB)
@option("--output_path", type=PATH, required=True, help="A new or empty folder.")
@option("--licence", metavar="ID", help="Such as CC-BY-4.0. [default: the data's own]")
@option("--redact", "own_words", type=PATH, metavar="FILE", help="Own words to remove: a line a text, or regex: …")
@option("--with_reasons", is_flag=True, help="With people's reasons, redacted.")
@option("--traces_only", is_flag=True, help="Sessions without labels, as of a sealed job.")
@option("--private_labels", type=PATH, metavar="FILE", help="With --traces_only: the labelled sessions, for you.")
@option("--name", metavar="ORG/NAME", help="The data set's repository on the Hub.")
@option("--push", is_flag=True, help="Open a pull request there, which puts it up.")
def publish(
    job: Path,
    output_path: Path,
    licence: str | None,
    own_words: Path | None,
    with_reasons: bool,
    traces_only: bool,
    private_labels: Path | None,
    name: str | None,
    push: bool,
) -> None:
    """Write a data set for the Hub: sessions, labels, card, licence, consent,
    hashes, and what was redacted. Nothing in it says who voted.

    Look through it before you give it away. Exit 1: somebody did not agree, or
    too few voted.

    Example: proactivebench annotate publish job --output_path given
    """
    import re

    from proactivebench.annotation.job import JobFolder
    from proactivebench.annotation.publishing import SUMS, as_it_lies, publishable, write_private, write_published
    from proactivebench.cli.terminal import safe
    from proactivebench.errors import BadArgument, WrongFile
    from proactivebench.traces.jsonl import PUBLISHED

    if push and not name:
        raise BadArgument("--push needs --name ORG/NAME, a data set's repository that is there already")
    if name and not re.fullmatch(r"[\w.-]+/[\w.-]+", name, re.ASCII):
        raise BadArgument(f"--name {name}: write it as ORG/NAME")
    if licence is not None and not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9.+-]{0,63}", licence):
        raise BadArgument(f"--licence {licence}: give a short id, such as CC-BY-4.0 (see spdx.org/licenses)")
    if private_labels and not traces_only:
        raise BadArgument("--private_labels goes with --traces_only: without it the labels are published")
    folder = JobFolder(job)
    if private_labels and private_labels.resolve().is_relative_to(output_path.resolve()):
        raise WrongFile(f"{private_labels} lies in what is published: give a place outside {output_path}")
    own = _own(own_words) if own_words else ()
    found = publishable(folder, licence=licence, own=own, traces_only=traces_only, with_reasons=with_reasons, name=name)
    facts = found.facts
    if push and (output_path / SUMS).is_file():
        files = as_it_lies(output_path, found)
        if private_labels:
            write_private(found, private_labels, folder)
    else:
        files = dict(found.files)
        write_published(found, output_path, folder, private_labels=private_labels)
        for line in _written(found, output_path):
            print(safe(line))
    if private_labels:
        print(safe(f"{private_labels}: the labels of these sessions, for you alone"))
    if push and name:
        from proactivebench.board.publish.submission import open_pull_request

        address = open_pull_request(name, "dataset", files, f"{facts.title[:80]}: sessions and labels")
        print(safe(f"put up at {address}: look through it and merge it there"))
        print(safe(f"next: proactivebench run --model always --tasks hf:{name}"))
    else:
        read = f"{output_path / 'README.md'} and {output_path / PUBLISHED}"
        print(safe(f"next: read {read} through, then the same command with --name ORG/NAME --push"))


def _written(found: Published, output_path: Path) -> list[str]:
    """What the folder holds, what was redacted and what was left out."""
    facts = found.facts
    task = facts.task
    labelled = f"{task.moments - task.unlabelled:,} of {task.moments:,} moments labelled by {facts.people}"
    said = f"{task.moments:,} moments without labels" if facts.traces_only else labelled
    marked = ", ".join(f"{count:,} {kind}" for kind, count in sorted(facts.marked.items())) or "nothing"
    return [
        f"{output_path}: {len(task.traces):,} sessions, {said}, {facts.licence}, data {task.data_hash[:12]}",
        f"redacted: {marked} (redaction.json says where)",
        *(f"left out: {line}" for line in found.left_out),
    ]


def _own(file: Path) -> tuple[Kind, ...]:
    """The kinds of a user's list. Raises `WrongFile` for what is another thing, `DataError` naming the line."""
    from proactivebench.errors import DataError, WrongFile
    from proactivebench.files import foreign, read_bytes
    from proactivebench.text import own_kinds

    wanted = "words to remove, one a line, or `regex:` and a pattern"
    content = read_bytes(file, wanted)
    if file.suffix != ".txt" and (
        other := foreign(str(file), content, wanted)
    ):  # a list of names may look like a table
        raise other
    try:
        kinds = own_kinds(content.decode())
    except UnicodeDecodeError as error:
        raise DataError(f"{file} is not UTF-8 at byte {error.start}; save it as UTF-8") from None
    except ValueError as error:
        raise DataError(f"{file}: {error}") from None
    if not kinds:
        raise WrongFile(f"{file} holds no word: give {wanted}")
    return kinds
