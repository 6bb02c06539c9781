"""What came out: metrics, counts and reports."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, Literal

from pydantic import Field, model_validator

from proactivebench.records import formats
from proactivebench.records.activity import NeedRule
from proactivebench.records.base import Record, Sparse
from proactivebench.records.conditions import Conditions
from proactivebench.records.measurement import Measurement, MeasurementStatus
from proactivebench.records.runs import AgentIdentity, Decoding, JudgeIdentity, ProtocolIdentity, TaskIdentity
from proactivebench.records.verdicts import SILENCE
from proactivebench.records.votes import Pseudonym

PREDICTION_POWERED = "prediction_powered"  # from people's labels on a random part
MOST_BY_PROVIDER = 0.02  # unclean replies of the provider's doing, of all: above, a run is invalid
SAID_BY_MODEL = 0.05  # unclean replies of the model's own doing: from here on said first
UNRANKED_BY_MODEL = 0.20  # from here on no rank


class MetricValue(Record):
    """One metric: its value (a fraction unless the metric says otherwise), or None with the reason; its 95 % interval,
    or the reason there is none; `strict` with unclean replies counted as wrong; `bounds` over unclean replies;
    `unscored_bounds` over unscored moments. `components` splits the variance into trace, sampling and judge."""

    value: float | None
    reason: str | None = None
    interval: tuple[float, float] | None = None
    interval_reason: str | None = None
    stderr: float | None = None
    design_effect: float | None = None
    strict: float | None = None
    bounds: tuple[float, float] | None = None
    unscored_bounds: tuple[float, float] | None = None
    components: dict[str, float] | None = None


class Confusion(Record):
    """Pooled counts of outcomes (fractions with repeats): offers accepted/rejected are tp/fp, silences tn/fn."""

    tp: float = 0
    fp: float = 0
    tn: float = 0
    fn: float = 0
    unscored: float = 0
    not_asked: float = 0  # silences without any source of verdicts


class SplitReport(Record):
    """Metrics and counts of one split, or of all traces pooled. `answered` counts final replies' moments over all
    repeats; `anchors` holds what the trivial agents `never` and `always` would get, where that is known; `chance` by
    need rule the p of offers falling on need (see `scoring.chance`), where all is labelled and answered; `queueing` the
    seconds that moments waited before they were asked (`p50`, `p95`), which no latency contains."""

    traces: int
    moments: int
    metrics: dict[str, MetricValue]
    confusion: Confusion
    statuses: dict[str, int]
    notes: dict[str, int] = {}
    icc: dict[str, float] = {}
    answered: int = 0
    timed_traces: int = 0
    timed_hours: float = 0
    anchors: dict[str, dict[str, float]] = {}
    chance: dict[str, float] = {}
    queueing: dict[str, float] = {}


class UserFigures(Record):
    """How a run's offers meet one of those who voted on its moments: over so many `moments` that this user spoke of (of
    rollouts the mean), `need_rate` of which they needed help at, and with `acceptance` of their `votes` on stored
    offers; the offers' balanced accuracy, recall and needless rate against this user's own need (None where the user
    has no such moment). `small`: fewer than five moments of need, or without."""

    user: str
    moments: float
    need_rate: float
    votes: int
    acceptance: float | None = None
    balanced_accuracy: float | None = None
    recall: float | None = None
    needless_offer_rate: float | None = None
    small: bool = False


class TraceTable(Record):
    """Pooled counts per trace, the unit of uncertainty: `rows[trace_id][i]` counts `columns[i]`, read by name.
    `lacking` says what nobody was asked or said, with the reason (`offers`, `silences`: no verdicts; `usage`,
    `prices`): what needs it is undefined, whatever the counts. All that comparisons, gates and boards compute with."""

    columns: tuple[str, ...]
    rows: dict[str, tuple[float, ...]]
    lacking: dict[str, str] = {}


class HumanLabel(Record):
    """One person's vote on one answer of a run (`candidate` −1: a silence, which is right where that person wanted no
    help). `random` and `blind` state how it was collected: drawn at random from this run, and decided without seeing
    the judge's verdict. `annotator` is the pseudonym behind it, `premature` a rejection that said "not yet",
    `probability` the chance that this answer of this run had of being drawn; None where all had the same. `run` is the
    digest of that run's identity, where it is known: at the same place another run said something else."""

    trace_id: str
    turn: int
    repeat: int = 0
    round: int = 0
    candidate: int = SILENCE
    accepted: bool
    run: str | None = None
    random: bool = False
    blind: bool = False
    annotator: Pseudonym | None = None
    premature: bool = False
    probability: float | None = Field(default=None, gt=0, le=1)

    @model_validator(mode="after")
    def _only_a_rejected_offer_is_premature(self) -> HumanLabel:
        if self.premature and (self.accepted or self.candidate == SILENCE):
            raise ValueError("premature says 'not yet' to an offer: its `accepted` is false, its `candidate` not -1")
        return self


class Parted(Record):
    """An answer on which people and the judge part: whether the `judge` accepts it, and how many `votes` do."""

    trace_id: str
    turn: int
    repeat: int = 0
    candidate: int = SILENCE
    judge: bool
    accepted: int
    votes: int


class ByPeople(Record):
    """What people said of a run's scored answers, `offers` or `silences`: of so many `items` how many they `labelled`
    with how many `votes`, `premature` ("not yet") of them; which share of the labelled `people` and the `judge` accept,
    and on which share they agree. `unscored` more are labelled that the judge has no verdict on. `stored` says that
    votes of people that came with the data decided all items, so that these labels change no figure."""

    stratum: Literal["offers", "silences"]
    items: int
    labelled: int
    unscored: int = 0
    stored: bool = False
    votes: int
    premature: int = 0
    people: MetricValue
    judge: MetricValue
    agreement: MetricValue
    parted: tuple[Parted, ...] = ()


class Adjusted(Record):
    """Metrics corrected for the judge's errors: `method` is `judge_errors` or `prediction_powered`; `refused` says why
    there are none. With people's labels, `annotators` counts who gave them (None: not all say), `strata` what they and
    the judge say of the same answers."""

    method: str
    metrics: dict[str, MetricValue] = {}
    refused: str | None = None
    warnings: tuple[str, ...] = ()
    details: dict[str, float] = {}
    annotators: int | None = None
    strata: tuple[ByPeople, ...] = ()

    @property
    def elsewhere(self) -> bool:
        """Whether people's labels are all on answers of some other run."""
        return bool(self.strata) and not any(side.labelled or side.unscored for side in self.strata)

    @property
    def labelled_by(self) -> str:
        """How much people labelled, in words."""
        votes = sum(side.votes for side in self.strata)
        answers = " and ".join(f"{side.labelled} of {side.items} {side.stratum}" for side in self.strata)
        people = f" of {self.annotators} {'person' if self.annotators == 1 else 'people'}" if self.annotators else ""
        return f"{answers} labelled, {votes} votes{people}"


class Unclean(Record):
    """Of all final `replies` (one a moment and repeat), those that count as silence though nobody chose it: by whose
    doing, counted by status and cause (`refused`, `unparsable:echo`, …)."""

    replies: int
    model: dict[str, int] = {}
    provider: dict[str, int] = {}

    @property
    def model_share(self) -> float:
        """Share of the replies that are unclean by the model's own doing."""
        return sum(self.model.values()) / self.replies if self.replies else 0.0

    @property
    def provider_share(self) -> float:
        """Share of the replies that are unclean by the provider's doing."""
        return sum(self.provider.values()) / self.replies if self.replies else 0.0

    @property
    def too_many(self) -> bool:
        """Whether the provider spoilt so many replies that the run says nothing of the model. One alone never is too
        many: among fewer than fifty it would be more than the share allowed."""
        return sum(self.provider.values()) > 1 and self.provider_share > MOST_BY_PROVIDER

    @property
    def unranked(self) -> bool:
        """Whether the model spoilt so many replies that a board gives it no rank."""
        return self.model_share >= UNRANKED_BY_MODEL

    @property
    def sentence(self) -> str | None:
        """What every surface says first of a model that often answers in no usable form; None where it seldom does."""
        if self.model_share < SAID_BY_MODEL:
            return None
        return (
            f"{self.model_share:.1%} of the replies are unusable by the model's own doing ({_listed(self.model)}): "
            "they count as silence"
        )


class PopulationBand(Record):
    """What a run comes to for people of different readiness to accept: by `harsh`, `median` and `lenient` (thirds of
    the d_u of the named `people`) the share of offers that is accepted and F1, as expected counts of σ(score + d_u).
    `by_people` of the `offers` were decided by people's votes, and stand as decided, as silences do. `refused` says why
    there is no band."""

    people: str = ""
    acceptance: dict[str, float] = {}
    f1: dict[str, float] = {}
    offers: float = 0
    by_people: float = 0
    refused: str | None = None


class JudgeReport(Sparse):
    """All metrics of one run under one judge. `valid` is false above 2 % unscored verdicts of fallible judges, or above
    2 % of replies that the provider spoilt; `Report.invalid` says which.

    `tables` holds the counts per trace of each view: `""` (the run's own silence source), `majority`, `unanimous`,
    `asked`, `round0`, `pred1`…; `trace_splits` the split of each trace, in the task's order. `outcomes[trace_id]` is
    one string per repeat, a letter per turn: offer accepted `A`, rejected `R`, unscored `U`; silence accepted `a`,
    rejected `r`, unscored `u`; `-` not asked; `.` no final reply. `need_rules` are those of the data, the leading one
    first; none where they are the two of votes on offers. `stated[trace_id]` has a row per confidence stated of scored
    offers, the highest first: that confidence, how many of these offers were accepted and how many rejected.
    """

    sparse: ClassVar = ("need_rules", "stated", "population")

    judge: JudgeIdentity
    measurement: Measurement = Measurement(status=MeasurementStatus.UNMEASURED)
    valid: bool
    unscored_share: float
    overall: SplitReport
    splits: dict[str, SplitReport]
    causes: dict[str, int] = {}
    warnings: tuple[str, ...] = ()
    adjusted: tuple[Adjusted, ...] = ()
    verdicts: dict[str, int] = {}  # how many verdicts each member gave
    decided: dict[str, dict[str, int]] = {}  # the same per stratum: `proposals`, `silence`
    judge_repeats: int = 1
    disagreement: float | None = None  # mean share of panel members against their panel's verdict
    stale: int = 0  # stored verdicts on other answers than the current ones, left out
    clipped: int = 0  # verdicts on texts of which the judge did not see all
    trace_splits: dict[str, str] = {}
    tables: dict[str, TraceTable] = {}
    outcomes: dict[str, tuple[str, ...]] = {}
    need_rules: tuple[NeedRule, ...] = ()
    stated: dict[str, tuple[tuple[float, float, float], ...]] = {}
    extra: dict[str, Any] = {}
    population: PopulationBand | None = None

    @property
    def rule(self) -> NeedRule:
        """The rule of need by which metrics without a suffix are read."""
        return self.judge.label_rule or next(iter(self.need_rules), NeedRule.UNANIMOUS)

    @property
    def beside(self) -> tuple[str, ...]:
        """The other rules of need whose figures stand beside, by the suffix of their keys."""
        if not self.need_rules:
            return (NeedRule.MAJORITY.value,)
        return tuple(rule.value for rule in self.need_rules if rule is not self.rule)

    @model_validator(mode="after")
    def _measurement_of_an_earlier_version(self) -> JudgeReport:
        if "measurement" not in self.model_fields_set:
            object.__setattr__(self, "measurement", self.judge.unmeasured)
        return self

    @property
    def people(self) -> Adjusted | None:
        """What people's labels of the run's answers make of it under this judge, where there are any."""
        return next((one for one in self.adjusted if one.method == PREDICTION_POWERED), None)

    @property
    def deciders(self) -> str:
        """Who decided what, in words: of each stratum how much people did, and how much whom else."""
        return deciders([self])

    @property
    def unscored(self) -> str:
        """How much is unscored, in words: of the verdicts asked of members that can be wrong, or of the moments where
        that is more (labels alone on offers that nobody voted on)."""
        of_moments = self.overall.confusion.unscored / max(1, self.overall.moments)
        if of_moments > self.unscored_share:
            return f"{of_moments:.1%} of the moments have no verdict"
        return f"{self.unscored_share:.1%} of the verdicts are unscored"


def deciders(judged: Sequence[JudgeReport]) -> str:
    """Who decided what over several runs under one judge, in words: "offers: 0 of 216 by people, 216 by lexical"."""
    decided: dict[str, Counter[str]] = {}
    for one in judged:
        for stratum, given in one.decided.items():
            decided.setdefault(stratum, Counter()).update(given)
    return "; ".join(_deciders(judged[0].judge, decided))


def _deciders(judge: JudgeIdentity, decided: Mapping[str, Mapping[str, int]]) -> Iterator[str]:
    for stratum, word in (("proposals", "offers"), ("silence", "silences")):
        members = {member.name: member for member in judge.members if member.stratum == stratum}
        if not members:
            yield f"{word}: nobody is asked"
            continue
        given = decided.get(stratum, {})
        if not given:
            yield f"{word}: none decided"
            continue
        people = sum(count for name, count in given.items() if name in members and members[name].people)
        rules = [str(member.rule) for member in members.values() if member.people and member.rule]
        said = [f"{people} of {sum(given.values())} by people" + (f" ({rules[0]})" if people and rules else "")]
        said += [
            f"{count} by {name}" for name, count in given.items() if name not in members or not members[name].people
        ]
        yield f"{word}: {', '.join(said)}"


class Report(Sparse):
    """`report.json`: what a run shows, per judge. `complete` is false while any moment has no final reply.
    `decoding` is None where nobody knows it, `conditions` where an older version wrote the report."""

    sparse: ClassVar = ("users",)

    format: Literal[2] = 2  # older ones are read: see `records.formats`
    task: TaskIdentity
    agent: AgentIdentity
    protocol: ProtocolIdentity
    decoding: Decoding | None = None
    preset: str | None = None
    seed: int
    repeats: int
    complete: bool
    moments_expected: int
    moments_answered: int
    judges: tuple[JudgeReport, ...]
    conditions: Conditions | None = None
    unclean: Unclean | None = None  # not counted in reports of earlier versions
    findings: tuple[str, ...] = ()  # what went wrong, in words
    warnings: tuple[str, ...] = ()
    users: tuple[UserFigures, ...] = ()  # those whose votes are kept apart, who needs most first

    @model_validator(mode="before")
    @classmethod
    def _of_any_format(cls, data: Any) -> Any:
        return formats.report_of(data)

    @property
    def missing(self) -> int:
        """Moments without a final reply."""
        return self.moments_expected - self.moments_answered

    @property
    def caution(self) -> str | None:
        """What every surface says first, where there is something: how much the model itself made unusable."""
        return self.unclean.sentence if self.unclean else None

    @property
    def spoilt(self) -> str | None:
        """How much the provider spoilt, in words, where it is too much for any number to be used."""
        if self.unclean is None or not self.unclean.too_many:
            return None
        return (
            f"{self.unclean.provider_share:.1%} of the replies were spoilt by the provider, not by the model "
            f"({_listed(self.unclean.provider)}; {MOST_BY_PROVIDER:.0%} are allowed)"
        )

    def invalid(self, judged: JudgeReport) -> str | None:
        """Why the numbers under a judge may not be used, in words; None where they may. Incomplete runs apart."""
        if self.spoilt:
            return self.spoilt
        return None if judged.valid else f"{judged.unscored} (2 % are allowed)"


def _listed(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counts.items(), key=lambda item: -item[1]))
