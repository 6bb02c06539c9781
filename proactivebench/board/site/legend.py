"""What a reader is told beside a table: data, protocol and judge in words, what all rows share, why a cell is empty."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from string import ascii_lowercase
from typing import Protocol

from proactivebench.board.site.row import Column
from proactivebench.records import JudgeIdentity, JudgeMember, MetricValue, NeedRule, ProtocolIdentity, Stratum

DATA = {
    "proactivebench": "ProactiveBench",
    "proactivebench_published": "ProactiveBench, the moments of the released answers",
    "proactivebench_sample": "The built-in sample",
}
RULES = {
    NeedRule.UNANIMOUS: "need: all agree",
    NeedRule.MAJORITY: "need: most agree",
    NeedRule.ASKED: "need: people were asked",
}
DOUBTFUL = frozenset(
    {
        "copy",
        "disputed",
        "few texts",
        "incomplete",
        "invalid",
        "near the labels",
        "not reproduced",
        "swept",
        "texts missing",
        "unusable replies",
    }
)  # said at the row itself, always


class Shown(Protocol):
    """What a line of any table has for a reader."""

    @property
    def name(self) -> str:
        """Whose line it is."""

    @property
    def metrics(self) -> Mapping[str, MetricValue]:
        """Its figures."""

    @property
    def badges(self) -> Sequence[tuple[str, str]]:
        """(word, explanation) pairs."""

    @property
    def trivial(self) -> bool:
        """Whether it is there for others to be held against."""

    @property
    def link(self) -> str | None:
        """Its page."""


def data_words(name: str) -> str:
    """A task's name as a heading says it."""
    return DATA.get(name, name)


def judge_words(judge: JudgeIdentity, stratum: Stratum) -> str:
    """Who decides a stratum."""
    return ", else ".join(map(_member_words, judge.chain(stratum))) or "nobody"


def _member_words(member: JudgeMember) -> str:
    if member.people:
        need = f" ({RULES[member.rule]})" if member.rule and member.stratum == "silence" else ""
        return f"people's votes{need}"
    return "the lexical baseline" if member.kind == "lexical" else member.name


def protocol_words(protocol: ProtocolIdentity) -> str:
    """How a moment is put to an agent."""
    seen = "its own earlier replies" if protocol.history == "own" else "the events alone, without its earlier replies"
    words = [f"an agent sees {seen}"]
    if protocol.candidates > 1:
        words.append(f"it may offer {protocol.candidates} things at a moment")
    if protocol.feedback_rounds:
        words.append(f"a judge's reasons go back to it up to {protocol.feedback_rounds} times")
    return "; ".join(words)


def shared_badges(rows: Sequence[Shown]) -> dict[str, bool]:
    """Badges of every row but the trivial agents' (of all, where there are no others), and whether those have it too:
    said once above a table."""
    words = [{word for word, _ in row.badges} for row in rows]
    if len(rows) < 2:
        return {}
    others = [found for row, found in zip(rows, words, strict=True) if not row.trivial]
    shared = set.intersection(*(others or words)) - DOUBTFUL
    trivial = [found for row, found in zip(rows, words, strict=True) if row.trivial]
    return {word: all(word in found for found in trivial) for word in sorted(shared)}


def reasons(rows: Sequence[Shown], columns: Sequence[Column]) -> dict[str, str]:
    """Why cells of these columns have no value, or no interval: the mark of each reason, in order of appearance."""
    found: dict[str, str] = {}
    for row in rows:
        for key, *_ in columns:
            metric = row.metrics.get(key)
            if metric is None or metric.value is None:
                reason = (metric.reason if metric else None) or "undefined"
            elif metric.interval is None and metric.interval_reason:
                reason = f"no interval: {metric.interval_reason}"
            else:
                continue
            found.setdefault(reason, _mark(len(found)))
    return found


def _mark(place: int) -> str:
    return ascii_lowercase[place] if place < len(ascii_lowercase) else str(place)
