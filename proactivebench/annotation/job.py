"""The folder of an annotation job: what is asked, of whom, and every vote, as append-only JSON Lines.

job.json             what it was made from, how it was drawn, who is asked how often
traces.jsonl         the sessions behind its items, events only, those for practice first
items.jsonl          the moments and offers that people are asked about, practice items first
sources.jsonl        which answers of which runs they stand for: never shown to annotators
instructions.md      what annotators read first and agree to; `instructions.zh.md` the same in Chinese, and so on
annotators.json      pseudonyms, their slots, and the sha256 of the token in each one's link
withdrawn.json       the sha256 of each link whose annotator withdrew
votes/<name>.jsonl   one annotator's consent and votes, in the order they were given
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Annotated

from pydantic import Field, TypeAdapter, ValidationError

from proactivebench.annotation.spoken import refuse_foreign
from proactivebench.errors import DataError, UsageError, WrongFile
from proactivebench.records import (
    AnnotationItem,
    Annotator,
    Consent,
    ItemSource,
    Job,
    Trace,
    Vote,
    VoteKey,
    current_votes,
)
from proactivebench.store import Appender, cannot_write, numbered, read_log, read_record, whole_folder, write_whole
from proactivebench.text import write_lines

_SPOKEN: TypeAdapter[Vote | Consent] = TypeAdapter(Annotated[Vote | Consent, Field(discriminator="kind")])
_ANNOTATORS = TypeAdapter(list[Annotator])
_LONGEST = 65_536  # bytes of a line: a reason of 2,000 letters is far below
WANTED = "the folder of an annotation job, as `annotate prepare` writes it"


class JobFolder:
    """One job, for reading, and for opening its votes to append."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)

    # --- what is asked ------------------------------------------------------------------------------------------------

    @cached_property
    def job(self) -> Job:
        """What the job is. Raises `WrongFile` where there is none, `DataError` where it cannot be read, or holds a
        link: what another file holds would be shown, published or written into as the job's own."""
        self._refuse_links()
        found = read_record(self.path / "job.json", Job.model_validate_json, "is not a job this version reads")
        if found is None:
            raise WrongFile(f"{self.path} is no annotation job, it has no job.json: give {WANTED}")
        return found

    def _refuse_links(self) -> None:
        try:
            link = next((one for one in (*self.path.glob("*"), *self.path.glob("votes/*")) if one.is_symlink()), None)
        except OSError as error:
            raise DataError(f"cannot read {self.path}: {error.strerror}") from error
        if link is not None:
            raise DataError(f"{link} is a link, and a job holds its files itself: put the file in its place")

    @cached_property
    def traces(self) -> Mapping[str, Trace]:
        """The sessions behind the items, by id."""
        return {trace.trace_id: trace for trace in read_log(self.path / "traces.jsonl", Trace)}

    @cached_property
    def items(self) -> Mapping[str, AnnotationItem]:
        """All items by id, in the job's order."""
        return {item.item_id: item for item in read_log(self.path / "items.jsonl", AnnotationItem)}

    @property
    def sessions(self) -> Mapping[str, Trace]:
        """The sessions of the data that people are asked about; those that are for practice alone are none of them."""
        asked = {item.trace_id for item in self.items.values() if not item.practice}
        return {name: trace for name, trace in self.traces.items() if name in asked}

    @cached_property
    def sources(self) -> tuple[ItemSource, ...]:
        """Which answers of which runs the items stand for; none where the job was made from traces alone."""
        file = self.path / "sources.jsonl"
        return tuple(read_log(file, ItemSource)) if file.exists() else ()

    @classmethod
    def create(
        cls,
        path: str | Path,
        job: Job,
        traces: Iterable[Trace],
        items: Iterable[AnnotationItem],
        sources: Iterable[ItemSource],
        instructions: Mapping[str, str],
    ) -> JobFolder:
        """Write a new job; `instructions` are Markdown by language (`en`, `zh`, …), `en` as `instructions.md`.
        `job.json` comes last: a folder without one holds no job. Where it cannot be written whole nothing is left.
        Raises `WrongFile` where the folder holds something, `CannotWrite`."""
        folder = cls(path)
        with whole_folder(folder.path):
            with cannot_write(folder.path):
                (folder.path / "votes").mkdir()
            for name, records in (("traces", traces), ("items", items), ("sources", sources)):
                write_whole(folder.path / f"{name}.jsonl", write_lines(records).decode())
            for language, text in instructions.items():
                suffix = "" if language == "en" else f".{language}"
                write_whole(folder.path / f"instructions{suffix}.md", text)
            write_whole(folder.path / "job.json", job.model_dump_json(indent=2) + "\n")
        return folder

    # --- who is asked -------------------------------------------------------------------------------------------------

    def annotators(self) -> dict[str, Annotator]:
        """Everyone who has a place in the job, by pseudonym, in the order they came."""
        found = read_record(self.path / "annotators.json", _ANNOTATORS.validate_json, "is no list of annotators")
        return {annotator.pseudonym: annotator for annotator in found or ()}

    def write_annotators(self, annotators: Iterable[Annotator]) -> None:
        """Put these in place of the list that stands. Raises `CannotWrite`."""
        write_whole(self.path / "annotators.json", _ANNOTATORS.dump_json(list(annotators), indent=2).decode() + "\n")

    def refuse_inside(self, output_path: Path) -> None:
        """Raise `WrongFile` where a place to write to lies in the job's folder."""
        if output_path.resolve().is_relative_to(self.path.resolve()):
            raise WrongFile(f"{output_path} lies in the job's folder, whose files are its own: give a place outside it")

    # --- what they said -----------------------------------------------------------------------------------------------

    def votes_file(self, pseudonym: str) -> Path:
        """Where one annotator's consent and votes stand."""
        return self.path / "votes" / f"{pseudonym}.jsonl"

    def spoken(self, pseudonym: str) -> Iterator[Vote | Consent]:
        """All that one annotator said, in order, what was changed or undone included. Raises `DataError` naming file
        and line."""
        file = self.votes_file(pseudonym)
        if file.exists():
            yield from (said for _, said in numbered_spoken(file))

    def voters(self) -> list[str]:
        """Everyone who has a file of votes, in the order of their names."""
        return sorted(file.stem for file in (self.path / "votes").glob("*.jsonl"))

    def votes(self, *, practice: bool = False) -> dict[VoteKey, Vote]:
        """The votes that stand, of all annotators; those on practice items only with `practice`. Raises `DataError`
        naming a file with a vote that cannot stand in it: of somebody else, on what the job does not ask, or of a kind
        that its question does not take."""
        found: dict[VoteKey, Vote] = {}
        for name in self.voters():
            said = [one for one in self.spoken(name) if isinstance(one, Vote)]
            for key, vote in current_votes(said).items():
                if vote.annotator != name:
                    raise DataError(
                        f"{self.votes_file(name)}: a vote of {vote.annotator!r}, who has a file of their own"
                    )
                if practice or not self._item(vote).practice:
                    found[key] = vote
        return found

    def open_votes(self, pseudonym: str) -> Appender:
        """One annotator's file, open and locked. Raises `UsageError` where another process holds it."""
        return Appender(self.votes_file(pseudonym))

    def _item(self, vote: Vote) -> AnnotationItem:
        try:
            refuse_foreign(vote, self.items)
        except DataError as error:
            raise DataError(f"{self.votes_file(vote.annotator)}: a vote that cannot stand there: {error}") from None
        return self.items[vote.item_id]


def nobody_voted(folder: JobFolder) -> UsageError:
    """The error of a job without a vote that counts."""
    return UsageError(f"{folder.path}: nobody has voted yet (practice and 'unsure' are no votes): serve it first")


def numbered_spoken(file: Path) -> Iterator[tuple[int, Vote | Consent]]:
    """The consent and votes of a file, each with its line's number; a torn last line is left out. Raises `DataError`
    naming file and line."""
    return numbered(file, _SPOKEN.validate_json, "is no vote")


def spoken_in(line: bytes) -> Vote | Consent | None:
    """The vote or consent that a line holds; None where it holds none."""
    try:
        return _SPOKEN.validate_json(line)
    except ValidationError:
        return None


def end_last_line(file: Path) -> None:
    """Give a last line without an end its end, where it holds a whole vote or consent, as an editor may leave it; what
    a crash tore is left as it is. Raises `CannotWrite`."""
    if not file.exists():
        return
    with cannot_write(file), file.open("r+b") as stream:
        stream.seek(max(0, stream.seek(0, os.SEEK_END) - _LONGEST))
        if spoken_in(stream.read().rpartition(b"\n")[2]) is not None:
            stream.write(b"\n")
