"""Votes files that come back from mailed pages, taken in: each whole or not at all, and each vote once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, NamedTuple, NoReturn

from pydantic import Field, TypeAdapter

from proactivebench.annotation.annotators import admit
from proactivebench.annotation.job import end_last_line
from proactivebench.annotation.showing import Mailed, Material
from proactivebench.annotation.spoken import MOST_AHEAD, Spoken, reason_kept, refuse_foreign
from proactivebench.annotation.voting import hear
from proactivebench.errors import DataError, UnknownName, WrongFile
from proactivebench.files import foreign, read_bytes
from proactivebench.naming import did_you_mean
from proactivebench.records import Consent, Vote
from proactivebench.store import line_problem
from proactivebench.text import BadLine, read_lines

MOST_BYTES = 64 * 2**20  # the votes of one person on 20,000 items are a quarter of that
WANTED = "a votes file, as a mailed page saves it"
_LINES: TypeAdapter[Vote | Consent | Mailed] = TypeAdapter(
    Annotated[Vote | Consent | Mailed, Field(discriminator="kind")]
)


class Collected(NamedTuple):
    """What one file brought: whose it is, how many questions it has a word on, and how many of them were new or are
    others now. `late` are those on which something said later, elsewhere, stands."""

    file: Path
    annotator: str
    votes: int
    new: int
    changed: int
    late: int


class _File(NamedTuple):
    """A file's content: its first line where it says of which job it is, the consent, and the last word on each
    question, in the order of the questions."""

    head: Mailed | None
    consent: Consent | None
    votes: dict[tuple[str, int, str | None], Vote]


def collect(material: Material, file: Path, annotator: str | None = None) -> Collected:
    """Take in one votes file. The same file again changes nothing; where a question has a word already, from the server
    or another file, the later one stands.

    Args:
        material: The job that it answers.
        file: What the user named.
        annotator: Whose votes these are, where that is not the name in the file; gets a place where there is none.

    Raises:
        WrongFile: It is no votes file, or one of another job.
        DataError: A line of it cannot be taken; the line is named.
        UnknownName: Nobody of its name has a place in the job.
        UsageError: The annotator's votes are being written by another process.
        CannotWrite: Nothing of it was taken.
    """
    found = _read(file, material)
    name = annotator or _name(found)
    votes_file = material.folder.votes_file(name)
    if found.consent is None and not votes_file.exists():
        raise DataError(f"{file} holds no consent, and {name!r} gave none here: their page asks for it first")
    _refuse_unknown(material, file, name, make=annotator is not None)
    end_last_line(votes_file)
    with material.folder.open_votes(name) as log:
        spoken = hear(Spoken(name, material.items), votes_file)
        votes, late = _later(found, spoken)
        log.append([*_consent(found.consent, spoken, material.instructions_sha256), *votes], sync=True)
    new = sum(spoken.stands(vote) is None for vote in votes)
    answered = sum(vote.answer is not None for vote in found.votes.values())
    return Collected(file, name, answered, new, len(votes) - new, late)


def _read(file: Path, material: Material) -> _File:
    """The content of a votes file, every line of it checked."""
    head: Mailed | None = None
    consent: Consent | None = None
    votes: dict[tuple[str, int, str | None], Vote] = {}
    name: str | None = None
    latest = datetime.now(UTC) + MOST_AHEAD
    for number, line in _lines(file):
        if name is not None and line.annotator != name:
            _refuse(file, number, f"is of {line.annotator!r}, and those above of {name!r}: give each person's own file")
        name = line.annotator
        if isinstance(line, Mailed):
            if line.identity != material.identity:
                raise WrongFile(f"{file} is of another job ({line.job[:60]!r}, not {material.job.name!r} as made here)")
            head = line
            continue
        if line.at > latest:
            _refuse(file, number, f"was given in the future ({line.at.isoformat()}): a clock is wrong, here or there")
        if isinstance(line, Consent):
            consent = line
            continue
        try:
            refuse_foreign(line, material.items)
        except DataError as error:
            _refuse(file, number, f"cannot be taken: {error}")
        reason = None if line.answer is None else reason_kept(line.reason)
        votes[line.item_id, line.occasion, line.offer_id] = line.model_copy(update={"reason": reason})
    if head is None and consent is None and not votes:
        raise WrongFile(f"{file} is empty: give {WANTED}")
    return _File(head, consent, votes)


def _lines(file: Path) -> Iterator[tuple[int, Vote | Consent | Mailed]]:
    content = read_bytes(file, WANTED, most=MOST_BYTES)
    try:
        yield from read_lines(content, _LINES.validate_json)
    except BadLine as error:
        if (told := foreign(file, content, WANTED)) is not None:
            raise told from None
        raise WrongFile(f"{file}:{error.number} is no vote ({line_problem(error)}): give {WANTED}") from None


def _name(found: _File) -> str:
    said = (found.head, found.consent, *(vote for vote in found.votes.values()))
    return next(one.annotator for one in said if one is not None)


def _refuse_unknown(material: Material, file: Path, name: str, *, make: bool) -> None:
    known = admit(material.folder, [name] if make else []).annotators
    if name not in known:
        near = did_you_mean(name, known)
        raise UnknownName(
            f"{file} is of {name!r}, whom {material.folder.path} does not know: {near}give --annotator NAME to say "
            "whose votes these are"
        )


def _consent(given: Consent | None, spoken: Spoken, instructions: str) -> list[Consent]:
    """The consent to be written: the first, and one to the instructions as they stand now."""
    if given is None or spoken.agreed == instructions:
        return []
    if spoken.agreed is not None and given.instructions != instructions:
        return []
    return [given.model_copy(update={"annotator": spoken.pseudonym})]


def _later(found: _File, spoken: Spoken) -> tuple[list[Vote], int]:
    """The votes that change what stands, as they are to be written; and how many came too late for that."""
    changing: list[Vote] = []
    late, following = 0, spoken.answers
    for vote in found.votes.values():
        before = spoken.stands(vote)
        if before is None:
            if vote.answer is None:
                continue
            order, following = following, following + 1
        else:
            if (vote.answer, vote.reason) == (before.answer, before.reason):
                continue
            if vote.at <= before.at:
                late += 1
                continue
            order = before.order
        changing.append(vote.model_copy(update={"annotator": spoken.pseudonym, "order": order}))
    return changing, late


def _refuse(file: Path, number: int, why: str) -> NoReturn:
    raise DataError(f"{file}:{number} {why}; nothing of the file was taken")
