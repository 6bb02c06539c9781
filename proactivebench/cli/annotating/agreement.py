"""`proactivebench annotate agreement`: how far people agree, as figures and as a page."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from proactivebench.cli import options
from proactivebench.cli.annotating.serve import JOB
from proactivebench.cli.parameters import PATH, Whole, option

if TYPE_CHECKING:
    from proactivebench.annotation.agreement import JobAgreement, KindAgreement, Person
    from proactivebench.validation.agreement import Estimate


@click.command()
@click.argument("job", type=PATH, help=JOB)
@option("--output_path", type=PATH, help="A page (HTML) with the figures as pictures.")
@option("--most", type=Whole(min=0), default=20, help="Items disagreed on that are told.")
@option("--seed", type=int, default=0, help="Of bootstraps and random orders.")
@options.as_json
def agreement(job: Path, output_path: Path | None, most: int, seed: int, as_json: bool) -> None:
    """How far the people of a job agree, with each other and with themselves.

    On the need and on offers apart. Two people or fewer: Krippendorff's α
    only of what people share.

    Example: proactivebench annotate agreement job --output_path page.html
    """
    from proactivebench.annotation.agreement import agreement_of
    from proactivebench.annotation.job import JobFolder
    from proactivebench.cli.terminal import safe

    folder = JobFolder(job)
    found = agreement_of(folder, most=most, seed=seed)
    written = None
    if output_path is not None:
        from proactivebench.annotation.agreement_page import write_page

        written = write_page(folder, found, output_path)
    if as_json:
        print(found.model_dump_json(indent=2))
        return
    for line in _lines(found):
        print(safe(line))
    if written:
        print(safe(f"{written}: these figures as pictures, and the items people disagree on most"))


def _lines(found: JobAgreement) -> Iterator[str]:
    for kind in found.kinds:
        people = len(kind.people)
        yield (
            f"On {'the need' if kind.kind == 'need' else 'offers'}: {kind.votes:,} votes of {people} "
            f"{'person' if people == 1 else 'people'} on {kind.questions:,} questions; {_unsure(kind)}"
        )
        yield _line("Krippendorff's α (nominal)", _told(kind.alpha))
        yield from (_shared(kind) if kind.reason is None else [f"  {kind.reason}"])
        yield "  each person:"
        for person in kind.people:
            yield from _person(person)
        yield ""
    if found.seconds:
        spent = ", ".join(f"{name} {seconds:.1f}" for name, seconds in found.seconds.items())
        yield f"seconds an item (median): {spent}"
    if found.disagreements:
        worst = ", ".join(f"{one.item_id} ({one.share:.0%})" for one in found.disagreements[:5])
        yield f"disagreed on most (share of pairs of votes that differ): {worst}"


def _unsure(kind: KindAgreement) -> str:
    early = f"{kind.premature:.1%} of all answers are 'not yet', " if kind.kind == "offers" else ""
    return f"{early}{kind.unsure:.1%} unsure"


def _shared(kind: KindAgreement) -> Iterator[str]:
    if kind.usual and kind.icc:
        yield _line(f"α on those with {kind.icc.k} votes", f"{_told(kind.usual)} ({kind.usual.items:,} questions)")
    if kind.observed is not None:
        yield _line("agreeing pairs of votes", f"{kind.observed:.3f}")
    if kind.ac1 and kind.ac1.value is not None:
        yield _line("Gwet's AC1", f"{_number(kind.ac1.value, kind.ac1.interval)} (interval: questions as independent)")
    if kind.icc and kind.icc.single is not None and kind.icc.mean is not None:
        k = kind.icc.k
        rests = f"of the mean of {k}; {kind.icc.items:,} questions with {k} votes"
        yield _line(f"ICC(C,1), ICC(C,{k})", f"{kind.icc.single:.3f} of single votes, {kind.icc.mean:.3f} {rests}")
    if kind.one_human:
        yield _line("one person against most others", f"{_told(kind.one_human)} (balanced accuracy of votes)")
    for human in kind.human:
        value = "–" if human.value.value is None else _number(human.value.value, human.value.interval)
        yield _line(f"one human ({human.rule})", f"{value} (balanced accuracy of need at a moment)")
    of = "the need" if kind.kind == "need" else "offers"
    yield f"  ceiling: {kind.ceiling.words(of) if kind.ceiling else f'unknown, {kind.no_ceiling}'}"


def _person(person: Person) -> Iterator[str]:
    parts = [f"accepts {_told(person.accepted)} of {person.votes:,}"]
    if person.drift:
        tested = f"p = {person.drift.p:.3f}" if person.drift.p is not None else person.drift.reason
        parts.append(f"first half {person.drift.first:.2f}, second {person.drift.second:.2f} ({tested})")
    if person.repeats:
        kappa = "" if person.repeats.kappa is None else f", κ {person.repeats.kappa:.2f}"
        parts.append(f"same again {person.repeats.same:.0%} of {person.repeats.pairs}{kappa}")
    if person.against_others:
        parts.append(f"against others {_told(person.against_others)}")
    yield f"    {person.annotator}: {'; '.join(parts)}"


def _line(name: str, told: str) -> str:
    return f"  {name:<31} {told}"


def _told(found: Estimate) -> str:
    if found.value is None:
        return f"– ({found.reason})"
    number = _number(found.value, found.interval)
    return f"{number} ({found.reason})" if found.reason else number


def _number(value: float, ends: tuple[float, float] | None) -> str:
    return f"{value:.3f}" + (f" [{ends[0]:.3f}, {ends[1]:.3f}]" if ends else "")
