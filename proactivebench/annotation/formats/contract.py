"""What every format does: say what people answered in files of its kind, and write a job as such files."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Literal, NamedTuple

from proactivebench.annotation.job import JobFolder
from proactivebench.files import read_text
from proactivebench.records import AnnotationItem, Answer, Event, OfferText, Trace


class Names(StrEnum):
    """What becomes of the names that a file has for its annotators: HASHED with a key of the job's own, or KEPT where
    they are pseudonyms already."""

    HASHED = "hashed"
    KEPT = "kept"


class Place(NamedTuple):
    """The question that an answer is to, as a file names it: an item by its id, or a moment by trace and turn (from 0);
    an offer of it by its id or its text, or (neither) the need."""

    item_id: str | None = None
    trace_id: str | None = None
    turn: int | None = None
    offer_id: str | None = None
    offer: str | None = None
    occasion: int = 0

    @property
    def on_offer(self) -> bool:
        """Whether it is an offer."""
        return self.offer_id is not None or self.offer is not None


@dataclass(frozen=True, slots=True)
class Said:
    """One answer as a file has it. `where` names file and row, `who` is the file's own name for the annotator, `at` is
    None where the file does not say when."""

    where: str
    who: str
    place: Place
    answer: Answer
    reason: str | None = None
    at: datetime | None = None
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """The answers in files, in their order; `left_out` counts what was passed over, by what it is; `names` maps the
    files' names for annotators to pseudonyms, where the files bring such a map; `notes` are said to whoever reads."""

    said: tuple[Said, ...]
    left_out: Counter[str] = field(default_factory=Counter)
    names: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Draft:
    """A job in the making: its sessions and items, and what was answered to them already. `licence` where the files
    tell."""

    traces: tuple[Trace, ...]
    items: tuple[AnnotationItem, ...]
    reading: Reading
    licence: str = "unknown"


@dataclass(frozen=True, slots=True)
class Options:
    """What the user says of the files: `columns` maps our names of a table's columns to theirs, `traces` are the
    sessions that the answers are about, where a job is made from them."""

    columns: Mapping[str, str] = field(default_factory=dict)
    traces: tuple[Trace, ...] = ()


Read = Callable[[Sequence[Path], JobFolder, Options], Reading]
Begin = Callable[[Sequence[Path], Options], Draft]
Write = Callable[[JobFolder], Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class Format:
    """A way in and out. `read` takes votes for a job, `begin` makes a job from files alone (None: it cannot), `write`
    gives the texts of a job's files by their names (None: it does not). `names` is what becomes of annotators' names
    unless the user says otherwise, `takes` names the options that it goes by."""

    name: str
    about: str
    read: Read
    write: Write | None = None
    begin: Begin | None = None
    names: Names = Names.KEPT
    takes: frozenset[Literal["columns", "traces"]] = frozenset()


def told_first(folder: JobFolder) -> str:
    """What annotators of a job read first, in English. Raises `WrongFile` where it is not there."""
    return read_text(folder.path / "instructions.md", "what annotators read first and agree to, Markdown in UTF-8")


def past(folder: JobFolder, item: AnnotationItem) -> tuple[Event, ...]:
    """The events of an item's session up to its moment: nothing of the future."""
    return folder.traces[item.trace_id].events[: item.turn + 1]


def shuffled(folder: JobFolder, item: AnnotationItem) -> list[OfferText]:
    """An item's offers in an order that says nothing, and is the same each time."""
    return random.Random(f"{folder.job.seed}:{item.item_id}").sample(item.offers, len(item.offers))
