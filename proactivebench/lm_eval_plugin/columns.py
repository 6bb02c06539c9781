"""Which numbers lm-eval shows, under names that no other task has: `pb_f1`, `pb_f1_stderr`, `pb_f1_coding`, …"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from proactivebench.records import JudgeReport, MetricValue, NeedRule
from proactivebench.scoring.registry import in_columns, metric_for, with_rules

CARRIER = "pb_moments"  # comes first and brings the replies and verdicts along, from every rank
UNSCORED = "pb_unscored_share"


CHANCE = {
    "pb_chance_p" if rule is NeedRule.UNANIMOUS else f"pb_chance_p_{rule}": rule for rule in NeedRule
}  # the p of offers falling on need, by each rule of need


def columns(splits: Iterable[str]) -> Iterator[tuple[str, str, str | None]]:
    """(column, metric key or need rule, split or None), the whole before its splits."""
    for key in with_rules(in_columns()):
        yield f"pb_{key}", key, None
    for column, rule in CHANCE.items():
        yield column, rule.value, None
    per_split = in_columns(split=True)
    for split in splits:
        for metric in per_split:
            yield f"pb_{metric.key}_{split}", metric.key, split


def higher_is_better(splits: Iterable[str]) -> dict[str, bool]:
    """By column, for the metrics that have a better end."""
    better = {column: metric_for(key).better for column, key, _ in columns(splits) if column not in CHANCE}
    return (
        {UNSCORED: False}
        | dict.fromkeys(CHANCE, False)
        | {column: end == "up" for column, end in better.items() if end}
    )


def cell(report: JudgeReport, column: str, key: str, split: str | None) -> MetricValue:
    """What a column shows of a report."""
    part = report.overall if split is None else report.splits.get(split)
    if part is None:
        return MetricValue(value=None, reason="no trace of this split")
    if column in CHANCE:
        p = part.chance.get(key)
        return MetricValue(value=p, reason="not all is labelled and answered" if p is None else None)
    return part.metrics.get(key) or MetricValue(value=None, reason="not computed")
