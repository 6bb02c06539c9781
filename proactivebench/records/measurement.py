"""What is known of a judge's errors: measurements against people, the paper's fingerprint, and what they amount to."""

from __future__ import annotations

from collections.abc import Collection
from enum import StrEnum
from typing import ClassVar, Literal

from pydantic import Field

from proactivebench.records.activity import NeedRule
from proactivebench.records.base import Record, Sparse

Design = Literal["leave-one-trace-out", "direct", "unknown", "leaked"]


class ErrorCount(Record):
    """A judge against people on one class of validation items: `correct` of `items`."""

    correct: int = Field(ge=0)
    items: int = Field(ge=0)


class JudgeErrors(Record):
    """A judge's measured agreement with people, per stratum and class. Offers: `correct_detection` (people accept)
    and `false_alarm` (people reject); silences: `correct_rejection` and `missed_need`. None = not measured.
    `judge_hash` is the judge's whose errors these are; `leaked` if it has or may have seen the validation items;
    `population` says where the items came from."""

    judge_hash: str
    correct_detection: ErrorCount | None = None
    false_alarm: ErrorCount | None = None
    correct_rejection: ErrorCount | None = None
    missed_need: ErrorCount | None = None
    leaked: bool = False
    population: str
    same_population: bool = False


class LabelledData(Record):
    """Whose labels a judge was held against, where they are not the release's: the data set's name, `revision` and
    `licence`; how many `annotators` (None: their votes carry no pseudonyms) gave how many `votes` on so many offers and
    needs (`voted`); and its sessions by `trace_hash`, which say for which runs the measurement speaks."""

    name: str
    revision: str
    licence: str
    annotators: int | None = Field(default=None, ge=1)
    votes: int = Field(ge=0)
    voted: int = Field(ge=0)
    traces: tuple[str, ...] = ()

    @property
    def people(self) -> str:
        """Who voted and how often, in words."""
        who = "people without pseudonyms" if self.annotators is None else f"{self.annotators} annotators"
        return f"{who}, {self.votes / max(1, self.voted):.1f} votes an item"

    def covers(self, traces: Collection[str]) -> bool:
        """Whether these are its sessions, or some of them, or it is a sample of these (by `trace_hash`)."""
        own, asked = set(self.traces), set(traces)
        return bool(own and asked) and (own <= asked or asked <= own)


class Thresholds(Record):
    """How much readier than a judge expects each of the people is who labelled what it was measured on: d_u of
    P(u accepts) = σ(score + d_u), by size, on the logit scale. `people` names whose people these are."""

    people: str
    shifts: tuple[float, ...]


class Measured(Sparse):
    """One measurement of a judge against people: what was measured, on which data, by which command. It is written into
    the judge's card, or kept with the runs it judged.

    `design`: trained without the trace (`leave-one-trace-out`), never trained on these data (`direct`), trained on the
    very contexts (`leaked`), or nobody says on what (`unknown`: it may have seen them). `people` says whose labels,
    where they are not the release's. `errors` are what scores are corrected by; rates and intervals are fractions.
    `thresholds` are those of the people who voted on offers, where the judge gives probabilities."""

    sparse: ClassVar = ("thresholds",)

    judge: str  # the judge's id, the model behind it included
    date: str
    data: str
    data_hash: str
    command: str
    design: Design
    rule: NeedRule
    items: int
    errors: JudgeErrors
    figures: dict[str, float | None] = Field(default_factory=dict)
    intervals: dict[str, tuple[float, float]] = Field(default_factory=dict)
    people: LabelledData | None = None
    thresholds: Thresholds | None = None

    @property
    def subject(self) -> tuple[str, ...]:
        """What it is a measurement of: a later one of the same takes its place."""
        strata = [name for name in ("offers", "silences") if getattr(self.errors, _FIRST[name]) is not None]
        return self.judge, self.data_hash, self.rule, "-".join(strata)


_FIRST = {"offers": "false_alarm", "silences": "missed_need"}
FINGERPRINT = {"MN": 24, "CR": 26, "CD": 30, "FA": 30}  # the published judge's right answers, of 30 items each
FINGERPRINT_ITEMS = 30
FINGERPRINT_WITHIN = 2


class Fingerprint(Record):
    """How a judge answered the official 120 items: right answers by category, whoever the published judge is known
    by. `served` says how its model was reached then, without secrets."""

    judge: str
    judge_hash: str
    data_hash: str
    date: str
    counts: dict[str, ErrorCount]
    unscored: int = Field(default=0, ge=0)
    served: dict[str, str] = {}

    @property
    def subject(self) -> tuple[str, ...]:
        """What it is a fingerprint of: a later one of the same takes its place."""
        return self.judge_hash, self.data_hash

    @property
    def passed(self) -> bool:
        """Whether every category is within 2 of the published judge's."""
        return all(
            name in self.counts
            and self.counts[name].items == FINGERPRINT_ITEMS
            and abs(self.counts[name].correct - published) <= FINGERPRINT_WITHIN
            for name, published in FINGERPRINT.items()
        )

    @property
    def sentence(self) -> str:
        """The counts beside the published ones, in words."""
        said = ", ".join(
            f"{name} {self.counts[name].correct if name in self.counts else 0} of {FINGERPRINT_ITEMS} ({published})"
            for name, published in FINGERPRINT.items()
        )
        return f"{said}; in brackets the published judge's, {FINGERPRINT_WITHIN} apart at most"


class MeasurementStatus(StrEnum):
    """Whose verdicts these are, from what is known of their errors: people's own votes; a judge measured against
    people; the paper's own judge, known by its fingerprint; one whose errors nobody knows; a baseline by its card."""

    PEOPLE = "people"
    MEASURED = "measured"
    PAPER = "paper"
    UNMEASURED = "unmeasured"
    BASELINE = "baseline"


class Measurement(Record):
    """What a judge's verdicts are worth, decided in one place (`judging.measurement.measurement_of`) and stored in each
    `JudgeReport`: every surface that lays out or ranks judged figures reads it here and nowhere else. `reason` is one
    line that says why, without a full stop: by what it was measured, or by how much it falls short."""

    status: MeasurementStatus
    reason: str = ""

    @property
    def leads(self) -> bool:
        """Whether judged figures stand directly after what people said; else they come last, under the judge's name."""
        return self.status in (MeasurementStatus.PEOPLE, MeasurementStatus.MEASURED, MeasurementStatus.PAPER)

    @property
    def ranks(self) -> bool:
        """Whether judged figures may carry ranks and the words "is better"; the paper's have a table of their own."""
        return self.status in (MeasurementStatus.PEOPLE, MeasurementStatus.MEASURED)
