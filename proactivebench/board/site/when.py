"""The table *When to speak*: all entries on one version of the data, by people's need labels and whoever judged."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from proactivebench.anchors import HUMAN, NEED_ORACLE, Anchor, anchors_of
from proactivebench.board.entry.form import TRIVIAL
from proactivebench.board.site.facts import Facts
from proactivebench.board.site.ranking import places
from proactivebench.board.site.recomputing import Recomputed
from proactivebench.board.site.row import SORTED_BY, Column, Row, conditions_in_brief, conditions_in_words
from proactivebench.board.site.rows import UNRANKED, Badge, Known
from proactivebench.board.verify.sealed import shielded_anchor
from proactivebench.errors import ProactiveBenchError
from proactivebench.records import MetricValue, NeedRule, ProtocolIdentity, Task, TaskIdentity, digest
from proactivebench.scoring.counting import Counts
from proactivebench.scoring.power import LEVEL
from proactivebench.scoring.registry import METRICS, split_key
from proactivebench.scoring.signflip import holm
from proactivebench.scoring.timing import FOR_WHOM, IN_ORDER, Timing, need_counts, needs_of, rules_by_chance
from proactivebench.traces import load_task

NEAR = 0.85  # agreement with need-oracle that no released model comes near: the bound where nothing is reproduced yet
_NAMED = 6
NO_FAMILY = frozenset({"copy", "incomplete", "invalid"})

_NEED = {
    NeedRule.UNANIMOUS: "some offer was accepted by all annotators",
    NeedRule.MAJORITY: "some offer was accepted by most annotators",
    NeedRule.ASKED: "most of those who were asked wanted help",
}
_BY = {NeedRule.UNANIMOUS: "By all", NeedRule.MAJORITY: "By majority", NeedRule.ASKED: "By asking"}


def columns_by(rules: Sequence[NeedRule]) -> tuple[Column, ...]:
    """What a table shows beside chance, the judge's figures and the facts: key, title, what it says, more is better.
    The first of the `rules` of need leads."""
    lead, *others = rules
    return (
        (
            SORTED_BY,
            "Balanced accuracy",
            "mean of need recall and of silence where no help is needed: one half for whoever always, never or at "
            f"random offers; a moment is one of need where {_NEED[lead]} ({lead} rule)",
            True,
        ),
        *(
            (
                f"{SORTED_BY}_{rule}",
                _BY[rule],
                f"balanced accuracy where a moment is one of need if {_NEED[rule]}",
                True,
            )
            for rule in others
        ),
        ("need_detection_recall", "Need recall", f"share of moments of need with an offer ({lead} rule)", True),
        ("needless_offer_rate", "Needless offers", f"share of moments without need with an offer ({lead} rule)", False),
        *(
            (metric.key, metric.short.capitalize(), f"{metric.title} ({lead} rule)", metric.better != "down")
            for metric in map(METRICS.__getitem__, IN_ORDER)
        ),
        *(
            (metric.key, metric.short.capitalize(), metric.title, metric.better != "down")
            for metric in map(METRICS.__getitem__, FOR_WHOM)
        ),
    )


@dataclass(frozen=True, slots=True)
class Offered:
    """What the best measured judge says of what an entry offered. `reported`: nobody decided its verdicts again."""

    judge: str
    precision: MetricValue | None
    f1: MetricValue | None
    reported: bool


@dataclass(frozen=True, slots=True)
class Line:
    """One line. `chance[rule]` of an entry in the family is corrected (Holm) over it; any other's and an anchor's
    stands as it is. `reported`: its values stand in brackets, since nobody reproduced them. `family`: whether it is one
    of those that corrections allow for."""

    key: str
    name: str
    metrics: dict[str, MetricValue]
    chance: dict[NeedRule, float] = field(default_factory=dict)
    organisation: str = ""
    link: str | None = None
    says: str = ""
    trivial: bool = False
    people: bool = False
    distinct: float | None = None
    offered: Offered | None = None
    badges: tuple[Badge, ...] = ()
    facts: Facts = field(default_factory=Facts)
    conditions: str = ""
    asked: str = ""
    family: bool = False
    reported: bool = False
    rank: tuple[int, int] | None = None
    leading: bool = False

    def sorted_by(self, key: str = SORTED_BY) -> float:
        """A metric for sorting; undefined sorts last."""
        found = self.metrics.get(key)
        return -1.0 if found is None or found.value is None else found.value

    @property
    def agreement(self) -> float:
        """How far it does as need-oracle does: an offer where help is needed, else silence. Moments of need and others
        weigh alike, so that silence alone is not near; by the rule under which it is nearer."""
        return max((self.sorted_by(key) for key in self.metrics if split_key(key)[0] == SORTED_BY), default=-1.0)

    @property
    def block(self) -> int:
        """Which lines it stands among, whatever they are sorted by: ranked ones come first; then the others, with the
        anchors among them; behind these what comes too near to the labels, and last the labels themselves."""
        if self.rank:
            return 0
        if self.trivial and self.name == NEED_ORACLE:
            return 3
        return 2 if self.has("near the labels") else 1

    def has(self, *words: str) -> bool:
        """Whether it has one of these badges."""
        return any(word in words for word, _ in self.badges)


@dataclass(frozen=True, slots=True)
class When:
    """One table: the lines that share data and protocol, and the anchors. `family` entries of the data version share
    the correction of the chance test, whatever their protocol. `data` and `timings` (by entry key) are what it was
    computed from. `sealed`: its labels are the maintainers' alone, and its figures are rounded."""

    id: str
    task: TaskIdentity
    protocol: ProtocolIdentity
    lines: tuple[Line, ...]
    family: int
    data: Task
    timings: Mapping[str, Timing]
    sealed: bool = False

    @property
    def entries(self) -> int:
        """How many lines are no anchors."""
        return sum(not line.trivial for line in self.lines)

    @property
    def moments(self) -> int:
        """How many moments people labelled."""
        return self.data.moments

    @property
    def columns(self) -> tuple[Column, ...]:
        """What it shows of each line."""
        return columns_by(self.data.need_rules)

    @property
    def chance_rules(self) -> dict[NeedRule, str]:
        """The rules by which offers are held against chance, the leading one first, and how others are headed."""
        return {rule: _BY[rule].lower() for rule in rules_by_chance(self.data)}

    @property
    def finding(self) -> str:
        """What the table shows, in words: who tells the moments apart better than chance, by each rule."""
        said = []
        for rule in self.chance_rules:
            names = [line.name for line in self.lines if line.family and line.chance.get(rule, 1.0) <= LEVEL]
            listed = ", ".join(names[:_NAMED]) + (f" and {len(names) - _NAMED} more" if len(names) > _NAMED else "")
            said.append(f"{len(names)} by the {rule} rule" + (f" ({listed})" if names else ""))
        people = [line for line in self.lines if line.people and line.name == HUMAN]
        human = f"; one human has {people[0].sorted_by():.3f}" if people else ""
        of = f"Of {self.entries} {'entry' if self.entries == 1 else 'entries'}"
        return (
            f"{of}, offers fall on need more often than at random for {' and '.join(said)}. Whoever always, never or "
            f"at random offers has a balanced accuracy of 0.5{human}."
        )

    @property
    def judges(self) -> list[str]:
        """The measured judges whose figures stand beside (by id)."""
        return sorted({line.offered.judge for line in self.lines if line.offered})


def when_tables(
    entries: Sequence[Recomputed],
    rows: Iterable[Row],
    known: Known,
    badges: Mapping[str, tuple[Badge, ...]],
) -> list[When]:
    """A table for each version of the data and protocol under which some entry answered. `rows` are those of the
    judged tables, `badges` what is said of each entry whoever judges. Submitted runs of trivial agents give way to the
    anchors, which are computed here."""
    judged: dict[str, list[Row]] = {}
    for row in rows:
        judged.setdefault(row.key, []).append(row)
    by_data: dict[str, list[Recomputed]] = {}
    for entry in entries:
        if entry.timing and entry.report.agent.model not in TRIVIAL:
            by_data.setdefault(entry.report.task.data_hash, []).append(entry)
    tables: list[When] = []
    for found in by_data.values():
        sealed = known.sealed.get(found[0].report.task.data_hash) if found[0].sealed else None
        try:
            task = sealed.private if sealed else load_task(found[0].report.task.name)
        except ProactiveBenchError:  # recomputed when it was at hand
            continue
        lines = _corrected([_line(entry, judged.get(entry.key, ()), known, badges[entry.key]) for entry in found])
        tables += _of_data(task, found, lines if sealed else _flagged(lines), sealed=sealed is not None)
    return tables


def _of_data(task: Task, entries: Sequence[Recomputed], lines: Sequence[Line], *, sealed: bool) -> Iterable[When]:
    """The tables of one version of the data, by protocol; of a `sealed` one anchors tell no more than entries do."""
    timings = {entry.key: entry.timing for entry in entries if entry.timing}
    by_protocol: dict[str, list[tuple[Recomputed, Line]]] = {}
    for entry, line in zip(entries, lines, strict=True):
        by_protocol.setdefault(entry.report.protocol.hash, []).append((entry, line))
    for together in by_protocol.values():
        report = together[0][0].report
        own = _ranked(task, [line for _, line in together], timings)
        rates = [line.sorted_by("proposal_rate") for line in own]
        known = anchors_of(task, float(np.mean(rates)))
        anchors = [_anchor(shielded_anchor(anchor, task) if sealed else anchor) for anchor in known]
        yield When(
            id=f"when-{digest([report.task.data_hash, report.protocol.hash])[:8]}",
            task=report.task,
            protocol=report.protocol,
            lines=tuple(sorted((*own, *anchors), key=_place)),
            family=sum(line.family for line in lines),
            data=task,
            timings={line.key: timings[line.key] for line in own},
            sealed=sealed,
        )


def _place(line: Line) -> tuple[int, float, str]:
    return line.block, -line.sorted_by(), line.name


def _line(entry: Recomputed, rows: Sequence[Row], known: Known, badges: Sequence[Badge]) -> Line:
    timing = entry.timing
    assert timing is not None  # noqa: S101 - entries without one have no line
    words = {word for word, _ in badges}
    return Line(
        key=entry.key,
        name=entry.declared.model,
        organisation=entry.declared.organisation,
        link=f"entries/{entry.key}/index.html",
        metrics=timing.metrics,
        chance=dict(timing.chance),
        distinct=timing.distinct,
        offered=_offered(rows),
        badges=tuple(badges),
        facts=entry.facts,
        conditions=conditions_in_words(entry.report),
        asked=conditions_in_brief(entry.report),
        family=not words & NO_FAMILY,
        reported=not known.reproduced(entry),
    )


def _offered(rows: Sequence[Row]) -> Offered | None:
    """What the best of the measured judges says: people's own votes first, then the one whose errors are least."""
    measured = sorted((row for row in rows if row.measurement.ranks), key=lambda row: (-row.quality, row.judge.id))
    if not measured:
        return None
    row = measured[0]
    again = any(word in ("verified", "decided again") for word, _ in row.badges)
    return Offered(row.judge.id, row.metrics.get("precision"), row.metrics.get("f1"), reported=not again)


def _anchor(anchor: Anchor) -> Line:
    return Line(
        key=f"anchor/{anchor.name}",
        name=anchor.name,
        says=anchor.says,
        metrics=anchor.metrics,
        chance=dict(anchor.chance),
        distinct=anchor.distinct,
        trivial=True,
        people=anchor.people,
    )


def _corrected(lines: Sequence[Line]) -> list[Line]:
    """The lines with the chance p of the family corrected over all of it, each rule by itself."""
    family = [place for place, line in enumerate(lines) if line.family]
    found = list(lines)
    for rule in lines[family[0]].chance if family else ():
        corrected = holm(np.array([lines[place].chance[rule] for place in family]))
        for place, p in zip(family, corrected, strict=True):
            found[place] = replace(found[place], chance={**found[place].chance, rule: float(p)})
    return found


def _flagged(lines: Sequence[Line]) -> list[Line]:
    """Lines that agree more with need-oracle than any reproduced one are flagged: the labels are public."""
    known = [line.agreement for line in lines if not line.reported]
    most = max(known, default=NEAR)
    beyond = f"the {most:.3f} of the nearest reproduced entry" if known else f"{NEAR:g}, which no known model reaches"
    said = "It does as the public labels say (balanced agreement {:.3f}), more than " + beyond + "."
    return [
        replace(line, badges=(*line.badges, ("near the labels", said.format(line.agreement))))
        if line.reported and line.agreement > most
        else line
        for line in lines
    ]


def counts_of(task: Task, keys: Sequence[str], timings: Mapping[str, Timing], rule: NeedRule) -> Counts:
    """Counts of need detection, (entries, traces, columns): what entries are ranked and compared by."""
    names = [trace.trace_id for trace in task.traces]
    needs = needs_of(task)[rule]
    return np.stack([need_counts(timings[key].flags(names), needs) for key in keys])


def _ranked(task: Task, lines: Sequence[Line], timings: Mapping[str, Timing]) -> list[Line]:
    """The lines with rank ranges for those that may have one, by the rule of need that leads."""
    ranked = [line for line in lines if not line.reported and not line.has(*UNRANKED)]
    measure = METRICS[SORTED_BY].measure
    if not ranked or measure is None:
        return list(lines)
    keys = [line.key for line in ranked]
    found = dict(zip(keys, places(measure, counts_of(task, keys, timings, task.need_rules[0])), strict=True))
    return [
        replace(line, rank=found[line.key][0], leading=found[line.key][1]) if line.key in found else line
        for line in lines
    ]
