"""What a metric is: its formula, when it is defined, and how it is shown, drawn, gated and reported, as data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from proactivebench.scoring.counting import Counts
from proactivebench.scoring.measures import Measure, Weights


class Need(StrEnum):
    """What a metric cannot do without."""

    OFFERS = "O"  # verdicts on offers
    SILENCES = "S"  # verdicts on silences
    LABELS = "L"  # need labels
    VOTES = "V"  # votes kept apart by user
    TIMES = "T"  # usable times
    USAGE = "U"  # token usage
    PRICES = "M"  # prices of those tokens
    CLOCK = "C"  # how long answers took


class Interval(StrEnum):
    """How a metric's 95 % interval is made; NONE where there is none."""

    PROPORTION = "P"
    JACCARD = "J"
    BALANCED = "B"
    FISHER_Z = "Z"
    RATE = "R"
    STUDENT_T = "T"
    NONE = "-"


class MetricTable(StrEnum):
    """Where a metric stands in a report, in the order of the registry: by people's labels of need (`when` leads, `time`
    looks at episodes of need and at boundaries of activity, `need` has the rest), how often it speaks and how cleanly,
    what the judge says of its offers, how it behaves, what its mistakes cost, what it takes, how its stated confidence
    is to be believed."""

    WHEN = "when to speak"
    TIME = "help in time"
    USERS = "for whom"
    OFFERED = "how often"
    JUDGED = "what was offered"
    NEED = "need detection in full"
    BEHAVIOUR = "how it behaves"
    COSTS = "what mistakes cost"
    EFFORT = "what it takes"
    CONFIDENCE = "stated confidence"


class Columns(StrEnum):
    """Where lm-eval and other leaderboards of columns show a metric: nowhere, over all traces, or per split as well."""

    NONE = ""
    WHOLE = "whole"
    SPLITS = "splits"


class Scope(Protocol):
    """Some traces of a run in one view, as a metric sees them that is no function of pooled counts."""

    @property
    def counts(self) -> Counts:
        """Counts per trace, repeat and judge repeat: (traces, repeats, judge repeats, columns)."""

    @property
    def whole(self) -> Counts:
        """Pooled counts over all the traces."""

    @property
    def need_decides(self) -> bool:
        """Whether labels of need say that silence was right."""

    @property
    def latencies(self) -> NDArray[np.float64]:
        """Wall times in seconds of the moments that were timed."""

    @property
    def stated(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Of scored offers with a stated confidence: that confidence, and 1 where accepted."""

    def anchor(self, name: str) -> Counts | None:
        """Pooled counts of a run of a trivial agent over the same traces, None where none was given."""


Computed = Callable[[Scope], tuple[float | None, str | None]]


@dataclass(frozen=True, slots=True)
class Axis:
    """A place in a picture of two metrics: `plane` names the picture, `equal_f1` (of the one across) asks for lines of
    equal F1 in it: it is a recall against a precision."""

    plane: str
    along: Literal["x", "y"]
    equal_f1: bool = False


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric.

    What it says: `title` names it in words, `formula` is for people, `measure` (a function of pooled counts) or
    `computed` (of more than these: its value, or None and the reason) or `of_stated` (a measure of what was stated of
    offers, see `scoring.stated`) for machines; `undefined` says when there is no value, or `lacks` says of total
    counts why there is none; `scarce` names what its denominator counts, or the sum `enough`, of which it takes the
    `fewest` before the interval covers; `low` and `high` are its range. `never` and `always` are its values for
    agents that are silent everywhere and nowhere, whoever judges.

    How it is bounded: metrics that need verdicts or labels have a range over unclean replies; `offers_alone` says that
    what is offered changes it though nobody judges.

    How it is shown: `table` and the registry's order are its place; `leads` says that runs are sorted and compared by
    it first, by people's labels or under a judge; `both_rules` that its value by the majority rule stands beside it;
    `explained` that its key alone misleads, so that the title stands under the table; `short` is the title for narrow
    columns; `cell` its (row, column) where a table lays it out as a grid; `digits` and `unit` its format; `columns`
    where lm-eval shows it; `axes` where it is drawn."""

    key: str
    title: str
    formula: str
    better: Literal["up", "down", ""]
    undefined: str
    needs: frozenset[Need]
    interval: Interval
    source: str
    measure: Measure | None = None
    low: float = 0
    high: float = 1
    scarce: str = "moments"
    enough: Weights | Callable[[Counts], Counts] | None = None
    fewest: float = 20
    stated: bool = False  # about the confidence an agent states, the same in every view
    computed: Computed | None = None
    of_stated: Measure | None = None
    lacks: Callable[[Counts], str | None] | None = None
    never: float | None = None
    always: float | None = None
    offers_alone: bool = False
    table: MetricTable = MetricTable.BEHAVIOUR
    leads: Literal["people", "judge", ""] = ""
    both_rules: bool = False
    explained: bool = False
    short: str = ""
    cell: tuple[str, str] | None = None
    digits: int = 3
    unit: str = ""
    columns: Columns = Columns.WHOLE
    axes: tuple[Axis, ...] = ()

    @property
    def silences_matter(self) -> bool:
        """Whether the metric changes with who says that silence was right."""
        return bool(self.needs & {Need.SILENCES, Need.LABELS})

    @property
    def judge_free(self) -> bool:
        """Whether no judge's verdict on an offer is in it."""
        return Need.OFFERS not in self.needs

    @property
    def bounded(self) -> bool:
        """Whether unclean replies and other rounds change it, so that it has a range over them."""
        return self.offers_alone or (bool(self.needs & VERDICTS) and not self.stated)

    @property
    def repeatable(self) -> bool:
        """Whether the same replies and verdicts give the same value: a clock's reading is none of theirs."""
        return Need.CLOCK not in self.needs

    @property
    def testable(self) -> bool:
        """Whether it has a standard error over traces."""
        return self.sums_up and self.interval is not Interval.NONE

    @property
    def sums_up(self) -> bool:
        """Whether it can be worked out for any traces of a stored report: what it is made of is summed over traces."""
        return self.measure is not None or self.of_stated is not None

    @property
    def drop_required(self) -> bool:
        """Whether a gate must be told how much of it may be lost: it is not on a scale from 0 to 1."""
        return (self.low, self.high) != (0, 1)

    @property
    def gated(self) -> str:
        """How a gate can hold it, in words."""
        if not self.better:
            return "no"
        return ("KEY=DROP" if self.drop_required else "KEY") + ("" if self.testable else ", rule point")

    def shown(self, value: float | None) -> str:
        """A value as tables show it, a dash where there is none."""
        return f"{number(value, self.digits)}{f' {self.unit}' if self.unit and value is not None else ''}"


VERDICTS = frozenset({Need.OFFERS, Need.SILENCES, Need.LABELS, Need.VOTES})


def number(value: float | None, digits: int = 3) -> str:
    """A number as tables show it: so many decimals below a thousand, a dash where there is none."""
    if value is None:
        return "–"
    return f"{value:.{digits}f}" if abs(value) < 1000 else f"{value:,.0f}"
