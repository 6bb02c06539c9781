"""One row of a table: what a reader compares, taken from a report and never from what somebody claims."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from proactivebench import plugins
from proactivebench.board.entry.form import TRIVIAL
from proactivebench.board.site.facts import Facts
from proactivebench.plugins import Contract
from proactivebench.records import (
    Confusion,
    JudgeIdentity,
    JudgeReport,
    Measurement,
    MeasurementStatus,
    MetricValue,
    ProtocolIdentity,
    Report,
    TaskIdentity,
    digest,
)
from proactivebench.records.formats import UNKNOWN

_ROOM = 200  # characters of a cell

_UNMEASURED = Measurement(status=MeasurementStatus.UNMEASURED)


SORTED_BY = "need_detection_balanced_accuracy"
_OTHERWISE = "balanced_accuracy"  # where nobody labelled need

# What a table shows, in reading order: key, column title, what it says, whether more is better (None: neither).
Column = tuple[str, str, str, bool | None]
COLUMNS: tuple[Column, ...] = (
    (SORTED_BY, "Need detection", "balanced accuracy of its offers against people's need labels, whoever judges", True),
    ("precision", "Precision", "accepted offers among offers", True),
    (
        "recall",
        "Recall",
        "accepted offers among accepted offers and wrong silences; 1 for whoever never is silent",
        True,
    ),
    ("f1", "F1", "balance of precision and recall over judged moments", True),
    ("false_alarm_rate", "False alarm (classical)", "share of wrong moments with an offer", False),
    ("need_recall", "Need met", "accepted offers among moments of need", True),
    ("needless_offer_rate", "Needless offers", "offers among moments without need", False),
    ("proposal_rate", "Offers", "share of moments with an offer", None),
    ("clean_rate", "Clean replies", "replies that are a well-formed offer or silence", True),
)
# The paper's measure, in its order and words.
PAPER_COLUMNS: tuple[Column, ...] = (
    ("recall", "Recall", "accepted offers among accepted offers and wrong silences", True),
    ("precision", "Precision", "accepted offers among offers", True),
    ("accuracy", "Accuracy", "accepted offers and accepted silences among all moments", True),
    ("false_discovery_rate", "False alarm (paper)", "share of offers rejected: 1 − precision", False),
    ("f1", "F1", "balance of precision and recall", True),
    (SORTED_BY, "Need detection", "balanced accuracy of its offers against people's need labels, whoever judges", True),
)
_BY_JUDGE = frozenset({"precision", "recall", "f1", "false_alarm_rate", "need_recall"})


def columns_of(judge: JudgeIdentity, measurement: Measurement) -> tuple[Column, ...]:
    """The columns of a table under `judge`: what a judge says that does not lead is named for what it is."""
    if measurement.status is MeasurementStatus.PAPER:
        return PAPER_COLUMNS
    if measurement.leads:
        return COLUMNS
    word = qualifier(judge, measurement)
    named = _BY_JUDGE if measurement.status is MeasurementStatus.BASELINE else {"f1"}
    return tuple(
        (key, f"{word} {title if title == 'F1' else title.lower()}" if key in named else title, says, up)
        for key, title, says, up in COLUMNS
    )


def qualifier(judge: JudgeIdentity, measurement: Measurement) -> str:
    """What stands before a figure of a judge that does not lead: `Overlap` for one that hears words alone."""
    if measurement.status is not MeasurementStatus.BASELINE:
        return "Unmeasured"
    kinds = {member.kind for member in judge.members if member.fallible}
    return "Overlap" if kinds == {"lexical"} else "Baseline"


# What the badges of a table mean; an entry's page says it in full.
BADGES = {
    "anchor": "computed here from the data, submitted by nobody, never ranked",
    "trivial": "a run of an agent that everything else is held against, never ranked",
    "reproduced": "the maintainers asked its model again on traces drawn after submission, and it spoke at the same "
    "moments",
    "reported": "nobody has asked its model again: the labels are public, so anybody could have written such answers; "
    "its values stand in brackets, not ranked",
    "not reproduced": "its model, asked again, speaks at other moments; not ranked",
    "near the labels": "nearer to people's public labels than any reproduced entry; not ranked before it is reproduced",
    "few texts": "fewer than a fifth of its offers differ in their words; not ranked",
    "unmeasured judge": "nobody has held its judge against people, or it does not stand up to them; not ranked",
    "verified": "every reply was read again, every verdict decided again by the same judge, and all came out alike",
    "not re-judged": "some verdicts cannot be repeated here: a changed one would not be noticed",
    "decided again": "the maintainers had its open verdicts decided again by the same judge, and they came out alike",
    "not re-read": "raw texts are missing or another protocol's: what those replies said was taken on trust",
    "texts missing": "more than 2 % of the replies carry no raw text; not ranked",
    "disputed": "asked again, its judge or a re-judging model decides more than a tenth of the verdicts otherwise, or "
    "those that differ favour the entry; not ranked",
    "swept": "offers below a threshold were made silences afterwards: not the agent's own answers; not ranked",
    "copy": "most of what it offers is also another entry's, and nobody named this one as the original; not ranked",
    "trained on benchmark": "its makers say so",
    "training unknown": "its makers do not say whether it was trained on the benchmark",
    "code not public": "its answers are those of a program, and its makers give no link",
    "baseline judge": "judged by a baseline: not comparable with other judges, not ranked",
    "outside judge": "judged by a kind of judge that is not part of this package, and cannot be recomputed without it; "
    "not ranked",
    "incomplete": "some moments have no final answer; not ranked",
    "invalid": "too many verdicts are unscored, or too many replies were spoilt by the provider; not ranked",
    "unusable replies": "20 % or more of the replies are unusable by the model's own doing; not ranked",
}


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the table. `rank` is a range (first, last) among the ranked rows of its group; None = not ranked.
    `leading` marks the runs that are not significantly worse than the best. `badges` are (word, explanation) pairs.
    `conditions` says how the answers came about, `asked` the same for a narrow column. `measurement` says what the
    judge's verdicts are worth, `quality` orders judges that lead. `reported`: its values stand in brackets, since
    nobody has asked its model again, or had its verdicts decided again."""

    key: str
    name: str
    task: TaskIdentity
    protocol: ProtocolIdentity
    judge: JudgeIdentity
    metrics: dict[str, MetricValue]
    confusion: Confusion
    splits: dict[str, dict[str, MetricValue]] = field(default_factory=dict)
    trivial: bool = False
    organisation: str = ""
    link: str | None = None
    rank: tuple[int, int] | None = None
    leading: bool = False
    badges: tuple[tuple[str, str], ...] = ()
    warnings: tuple[str, ...] = ()
    conditions: str = ""
    asked: str = ""
    facts: Facts = field(default_factory=Facts)
    measurement: Measurement = _UNMEASURED
    quality: float = 0.0
    reported: bool = False

    def sorted_by(self, key: str = SORTED_BY) -> float:
        """A metric for sorting (of need detection the judge's own balanced accuracy where nobody labelled need);
        undefined sorts last."""
        for name in (key, _OTHERWISE) if key == SORTED_BY else (key,):
            found = self.metrics.get(name)
            if found is not None and found.value is not None:
                return found.value
        return -1.0

    @property
    def group(self) -> tuple[str, str, str, str]:
        """What rows must share to be compared and to stand under one heading: data, protocol and judge, whole."""
        judge = self.judge.model_dump(mode="json", exclude={"card"})
        task = self.task.model_dump(mode="json", exclude={"spec"})
        protocol = self.protocol.model_dump(mode="json")
        return (digest(task), digest(protocol), digest(judge), self.measurement.status.value)

    @property
    def table(self) -> str:
        """What names the row's table in files and links, the same in every build."""
        return f"judged-{digest(self.group)[:8]}"


def conditions_in_words(report: Report) -> str:
    """Under which conditions a run's answers came about, in as many words as a table has room for."""
    from proactivebench.scoring.conditions import conditions_of, described  # loads numpy: validation needs none

    return _cell(described(conditions_of(report)))


def conditions_in_brief(report: Report) -> str:
    """The same in a few words."""
    from proactivebench.scoring.conditions import conditions_of, in_brief  # loads numpy: validation needs none

    return _cell(in_brief(conditions_of(report)))


def _cell(text: str) -> str:
    return text if len(text) <= _ROOM else text[: _ROOM - 1] + "…"


def rows_of(report: Report, *, key: str, link: str | None = None) -> list[Row]:
    """One row per judge of `report`, badges of the report itself included."""
    return [_row(report, judged, key, link) for judged in report.judges]


def _row(report: Report, judged: JudgeReport, key: str, link: str | None) -> Row:
    badges = []
    if judged.judge.baseline:
        badges.append(("baseline judge", "Judged by a baseline: not comparable, never ranked."))
    if foreign := outside(judged.judge):
        badges.append(("outside judge", f"{foreign}: shown, not ranked, and not recomputed without it."))
    if not report.complete:
        badges.append(("incomplete", f"{report.moments_answered} of {report.moments_expected} moments answered."))
    why = report.invalid(judged)
    if why:
        badges.append(("invalid", f"{why[0].upper()}{why[1:]}."))
    if report.unclean and report.unclean.unranked:
        badges.append(("unusable replies", f"{report.caution}."))
    return Row(
        conditions=conditions_in_words(report),
        asked=conditions_in_brief(report),
        key=key,
        name=report.agent.name,
        task=report.task,
        protocol=report.protocol,
        judge=judged.judge,
        metrics=judged.overall.metrics,
        confusion=judged.overall.confusion,
        splits={name: split.metrics for name, split in judged.splits.items()},
        trivial=report.agent.model in TRIVIAL,
        link=link,
        badges=tuple(badges),
        warnings=(*report.warnings, *judged.warnings),
        measurement=judged.measurement,
    )


def outside(judge: JudgeIdentity) -> str | None:
    """Which of a judge's kinds is not part of this package, in words; None where all are."""
    for member in judge.members:
        if member.code is not None:
            where = " ".join(filter(None, (member.code.package, member.code.version)))
            return f"{member.name} is a judge of the kind {member.kind} from {where}"
        if member.kind != UNKNOWN and plugins.built_in(Contract.JUDGE, member.kind) is None:
            return f"{member.name} is a judge of the kind {member.kind}, which nobody here knows"
    return None


def by_group(rows: Iterable[Row]) -> list[list[Row]]:
    """Rows that may be compared, together and best at need detection first; groups by their first appearance."""
    groups: dict[tuple[str, str, str, str], list[Row]] = {}
    for row in rows:
        groups.setdefault(row.group, []).append(row)
    return [sorted(group, key=lambda row: (-row.sorted_by(), row.name)) for group in groups.values()]


def badged(row: Row, badges: Sequence[tuple[str, str]]) -> Row:
    """`row` with more badges."""
    return replace(row, badges=(*row.badges, *badges))
