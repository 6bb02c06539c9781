"""Which numbers lm-eval shows, under names that no other task has: `pb_f1`, `pb_f1_stderr`, `pb_f1_coding`, …"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from proactivebench.records import OFFER_RULES, JudgeReport, MetricValue, NeedRule
from proactivebench.scoring.registry import in_columns, metric_for, with_rules
from proactivebench.scoring.timing import suffixes

CARRIER = "pb_moments"  # comes first and brings the replies and verdicts along, from every rank
UNSCORED = "pb_unscored_share"
CHANCE = "pb_chance_p"  # the p of offers falling on need, by the leading rule of need; each other's has its name behind


def columns(splits: Iterable[str], rules: Sequence[NeedRule] = OFFER_RULES) -> Iterator[tuple[str, str, str | None]]:
    """(column, metric key or need rule, split or None), the whole before its splits. `rules` are those of need that the
    data have, the leading one first."""
    for key in with_rules(in_columns(), rules[1:]):
        yield f"pb_{key}", key, None
    for rule, suffix in suffixes(rules).items():
        yield CHANCE + suffix, rule.value, None
    per_split = in_columns(split=True)
    for split in splits:
        for metric in per_split:
            yield f"pb_{metric.key}_{split}", metric.key, split


def higher_is_better(splits: Iterable[str], rules: Sequence[NeedRule] = OFFER_RULES) -> dict[str, bool]:
    """By column, for the metrics that have a better end."""
    found = {UNSCORED: False}
    found |= {CHANCE + suffix: False for suffix in suffixes(rules).values()}
    for column, key, _ in columns(splits, rules):
        end = "" if column in found else metric_for(key).better
        found |= {column: end == "up"} if end else {}
    return found


def cell(report: JudgeReport, column: str, key: str, split: str | None) -> MetricValue:
    """What a column shows of a report."""
    part = report.overall if split is None else report.splits.get(split)
    if part is None:
        return MetricValue(value=None, reason="no trace of this split")
    if column.startswith(CHANCE):
        p = part.chance.get(key)
        return MetricValue(value=p, reason="not all is labelled and answered" if p is None else None)
    return part.metrics.get(key) or MetricValue(value=None, reason="not computed")
