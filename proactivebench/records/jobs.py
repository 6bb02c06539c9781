"""What an annotation job is: where its items come from, how they were drawn, and who is asked how often."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from pydantic import Field

from proactivebench.records.base import Record
from proactivebench.records.votes import Pseudonym

JOB = 1  # the number of the stored format


class DrawnFrom(StrEnum):
    """What a job's items were drawn from."""

    RUNS = "runs"
    TRACES = "traces"


class ItemStratum(StrEnum):
    """The two kinds of answers that are drawn from apart."""

    OFFERS = "offers"
    SILENCES = "silences"


class JobRun(Record):
    """A run whose answers people are asked about: its name in the job (`r1`, …), where it was, its agent's name, and
    the digest of its manifest's identity, by which it is known again. Never shown to annotators."""

    name: str
    path: str
    agent: str
    manifest: str


class Drawn(Record):
    """A simple random sample of one run's stratum: `drawn` of `size` answers, each with `probability`, but for what the
    rule of four traces makes of it; an answer's own stands in its `ItemSource`."""

    run: str
    stratum: ItemStratum
    size: int = Field(ge=0)
    drawn: int = Field(ge=0)
    probability: float = Field(ge=0, le=1)


class ItemSource(Record):
    """Which answer of which run an item stands for: the offer `offer_id` or, where None, the silence at its moment.
    `probability` is the chance that the job asks for this run's answer; identical texts at a moment are asked once, and
    have one line for each answer that they stand for. Candidates of data are chosen, not drawn: 1, and random of
    nothing. Never shown to annotators."""

    item_id: str
    offer_id: str | None = None
    run: str
    repeat: int = 0
    round: int = 0
    candidate: int
    probability: float = Field(gt=0, le=1)

    @property
    def stratum(self) -> ItemStratum:
        """What the answer is: an offer, or a silence."""
        return ItemStratum.SILENCES if self.offer_id is None else ItemStratum.OFFERS


class Plan(Record):
    """Who is asked how often: `annotators` people are expected, each item is given to `overlap` of them, `repeats` is
    the share of an annotator's items that come a second time."""

    annotators: int = Field(ge=1)
    overlap: int = Field(ge=1)
    repeats: float = Field(ge=0, le=1)


class Job(Record):
    """An annotation job: `job.json` of its folder. `task`, `data_hash` and `licence` say what its traces are of, `seed`
    reproduces every draw and order, `sealed` keeps its labels with whoever collects them."""

    format: int = JOB
    name: str
    made: datetime
    seed: int
    drawn_from: DrawnFrom
    task: str
    data_hash: str
    licence: str
    runs: tuple[JobRun, ...] = ()
    drawn: tuple[Drawn, ...] = ()
    plan: Plan
    sealed: bool = False


class Annotator(Record):
    """One person's place in a job: which part of the items is theirs (`slot`, from 0), and the sha256 of the token in
    their link. The token itself stands nowhere."""

    pseudonym: Pseudonym
    slot: int = Field(ge=0)
    token_sha256: str
    made: datetime
