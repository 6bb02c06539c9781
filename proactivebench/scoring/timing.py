"""When an agent speaks: its offers against people's need labels, whatever was offered and whoever judges."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from proactivebench.records import MetricValue, NeedRule, Record, Reply, ReplyStatus, Task
from proactivebench.scoring.chance import beats_chance
from proactivebench.scoring.counting import Count, Counts, zeros
from proactivebench.scoring.definedness import value_of
from proactivebench.scoring.episodes import Episodes, Help
from proactivebench.scoring.intervals import Resampled, spread
from proactivebench.scoring.metric import MetricTable, Need
from proactivebench.scoring.moments import Needs, need_of
from proactivebench.scoring.offers import Column
from proactivebench.scoring.registry import BY_PEOPLE, METRICS, in_table
from proactivebench.scoring.users import Users
from proactivebench.text import words

Flags = NDArray[np.bool_]
Shares = NDArray[np.bool_] | NDArray[np.float64]

SORTED_BY = BY_PEOPLE.key
KEYS = tuple(metric.key for metric in in_table(MetricTable.WHEN))
IN_ORDER = tuple(  # those that need the moments of whole traces, one after the other
    metric.key for metric in in_table(MetricTable.TIME) if metric.needs == {Need.LABELS} and metric.both_rules
)
FOR_WHOM = tuple(metric.key for metric in in_table(MetricTable.USERS))
RATE = next(metric.key for metric in in_table(MetricTable.OFFERED) if metric.offers_alone)
_POOLED = MetricValue(value=None, reason="its moments are pooled, they do not follow each other")
C = Column


class Timing(Record):
    """When an agent offered. `offered[trace_id]` has one string per repeat, a `1` for every moment with an offer and a
    `0` for every other. `metrics` as in a report, the rule appended (`_majority`) for those beside the leading one;
    `chance[rule]` is the p of the permutation test, not corrected; `distinct` the share of offers that say something of
    their own (None without offers)."""

    offered: dict[str, tuple[str, ...]]
    metrics: dict[str, MetricValue]
    chance: dict[NeedRule, float]
    distinct: float | None = None

    def flags(self, traces: Iterable[str]) -> list[Flags]:
        """Per trace whether there was an offer: (moments, repeats)."""
        return [np.array([list(text) for text in self.offered[name]]).T == "1" for name in traces]


def timing_of(task: Task, replies: Iterable[Reply]) -> Timing | None:
    """When `replies` offer on `task`, by their last rounds. None where the data has no need labels throughout, or some
    of its moments no final reply."""
    if not task.labelled:
        return None
    last: dict[tuple[int, str, int], Reply] = {}
    for reply in replies:
        place = (reply.repeat, reply.trace_id, reply.turn)
        if place not in last or last[place].round < reply.round:
            last[place] = reply
    repeats = sorted({repeat for repeat, _, _ in last})
    offered = {}
    for trace in task.traces:
        found = [[last.get((repeat, trace.trace_id, turn)) for turn in range(len(trace.events))] for repeat in repeats]
        if not found or any(reply is None or reply.status is ReplyStatus.ERROR for row in found for reply in row):
            return None
        offered[trace.trace_id] = tuple("".join("01"[bool(r and r.proposals)] for r in row) for row in found)
    said: dict[int, list[tuple[str, ...]]] = defaultdict(list)
    for reply in last.values():
        if reply.proposals:
            said[reply.repeat].append(reply.proposals)
    return timed(task, offered, distinct_share(said.values()))


def timed(task: Task, offered: Mapping[str, tuple[str, ...]], distinct: float | None = None) -> Timing:
    """What offers at these moments amount to, by the need rules of the task."""
    timing = Timing(offered=dict(offered), metrics={}, chance={}, distinct=distinct)
    flags = timing.flags(trace.trace_id for trace in task.traces)
    needs = needs_of(task)
    chance = {rule: beats_chance(flags, needs[rule]).p for rule in rules_by_chance(task)}
    return timing.model_copy(update={"metrics": measured(flags, needs) | per_user(task, flags), "chance": chance})


def per_user(task: Task, offers: Sequence[Shares]) -> dict[str, MetricValue]:
    """The metrics of users told apart, of offers per trace as `need_counts` has them; none where nobody's votes are
    kept apart."""
    users = Users.of(task.traces)
    if not users.names:
        return {}
    shares = np.concatenate([shown.reshape(len(shown), -1).mean(axis=1) for shown in offers])
    needed, free = users.weights(np.ones(users.moments))
    starts = np.cumsum([0] + [len(shown) for shown in offers])[:-1]
    sums = (np.add.reduceat(values, starts) for values in (shares * needed, (1 - shares) * free, needed, free))
    return of_users(*sums)


def of_users(
    met: NDArray[np.float64],
    spared: NDArray[np.float64],
    needing: NDArray[np.float64],
    free: NDArray[np.float64] | None = None,
) -> dict[str, MetricValue]:
    """The metrics of users told apart, per trace: of users' needs and other moments what is `met` and `spared`, and the
    most there could be (`free`: as `needing`)."""
    counts = zeros(len(met))
    counts[:, C.USERS_MET], counts[:, C.USERS_NEEDING] = met, needing
    counts[:, C.USERS_SPARED], counts[:, C.USERS_FREE] = spared, needing if free is None else free
    return {key: _value(key, Resampled(counts)) for key in FOR_WHOM}


def needs_of(task: Task) -> dict[NeedRule, list[Needs]]:
    """Per rule, the leading one first, and trace whether people needed help at each moment; −1 where nobody said."""
    return {rule: [need_of(trace, rule) for trace in task.traces] for rule in task.need_rules}


def rules_by_chance(task: Task) -> tuple[NeedRule, ...]:
    """The rules by which offers are held against chance: those that say something of every moment, and the leading
    one."""
    lead, *others = task.need_rules
    return (lead, *(rule for rule in others if not task.lacking(rule)))


def suffixes(rules: Iterable[NeedRule]) -> dict[NeedRule, str]:
    """What each rule adds to the keys of metrics: nothing the leading one, which comes first."""
    return {rule: f"_{rule}" if place else "" for place, rule in enumerate(rules)}


def need_counts(offers: Sequence[Shares], needs: Sequence[Needs | Flags]) -> Counts:
    """Counts per trace of offers against need, (traces, columns), repeats averaged: only the columns that need
    detection is made of are filled.

    Args:
        offers: per trace whether there was an offer, or the share of rollouts with one; (moments,) or (moments,
            repeats).
        needs: per trace whether help was needed, −1 where nobody said; (moments,).
    """
    shown, need, starts = _in_one(offers, needs)
    return _summed(starts, _at_need(shown, need))


def with_episodes(offers: Sequence[Shares], needs: Sequence[Needs | Flags]) -> Counts:
    """`need_counts` with what the episodes of need come to as well, where `offers` and `needs` have all moments of each
    trace in their order; shares in place of repeats are chances, each for itself."""
    shown, need, starts = _in_one(offers, needs)
    found = Help.of(Episodes.of(need, starts), shown, np.ones(shown.shape, dtype=bool))
    in_episodes = {
        C.EPISODES: found.episodes,
        C.EPISODES_HELPED: found.helped,
        C.HELP_DELAY: found.delay,
        C.EPISODE_OFFERS: found.offers,
        C.EPISODES_PRECEDED: found.preceded,
        C.EPISODES_EARLY: found.early,
    }
    means = {column: values.mean(axis=1) for column, values in in_episodes.items()}
    return _summed(starts, {**_at_need(shown, need), **means})


def _at_need(shown: Shares, need: Needs) -> dict[Count, NDArray[np.generic]]:
    """What each moment adds to the columns that need detection is made of, repeats averaged."""
    share, at_need, free = shown.mean(axis=1), need == 1, need == 0
    return {
        C.NEED_OFFERS: share * at_need,
        C.NEED_SILENCES: (1 - share) * at_need,
        C.FREE_OFFERS: share * free,
        C.FREE_SILENCES: (1 - share) * free,
        C.UNLABELLED: need < 0,
        C.MOMENTS: np.ones(len(need)),
        C.OFFERS: share,
    }


def _in_one(offers: Sequence[Shares], needs: Sequence[Needs | Flags]) -> tuple[Shares, Needs, NDArray[np.int64]]:
    """All traces one after the other: offers (moments, repeats), need (moments,), and where each trace begins."""
    sizes = [len(need) for need in needs]
    starts = np.cumsum([0, *sizes])
    shown = np.concatenate([one.reshape(size, -1) for one, size in zip(offers, sizes, strict=True)])
    return shown, np.concatenate(needs).astype(np.int8), starts


def _summed(starts: NDArray[np.int64], columns: Mapping[Count, NDArray[np.generic]]) -> Counts:
    """Counts per trace of values of moments, by column."""
    counts = zeros(len(starts) - 1)
    values = np.stack([each.astype(np.float64) for each in columns.values()], axis=1)
    counts[:, list(columns)] = np.add.reduceat(values, starts[:-1], axis=0)
    return counts


def measured(
    offers: Sequence[Shares], needs: Mapping[NeedRule, Sequence[Needs | Flags]], *, in_order: bool = True
) -> dict[str, MetricValue]:
    """The metrics of need detection with their intervals, by each rule (the leading one first, whose keys have no
    suffix), and the share of moments with an offer; those of episodes only where moments stand `in_order`.
    Arguments per trace as `need_counts` has them."""
    metrics: dict[str, MetricValue] = {}
    keys = (*KEYS, *IN_ORDER) if in_order else KEYS
    for need, suffix in zip(needs.values(), suffixes(needs).values(), strict=True):
        traces = Resampled(with_episodes(offers, need) if in_order else need_counts(offers, need))
        metrics |= {key + suffix: _value(key, traces) for key in keys}
        metrics |= {key + suffix: _POOLED for key in IN_ORDER if not in_order}
        metrics[RATE] = _value(RATE, traces)
    return metrics


def _value(key: str, traces: Resampled) -> MetricValue:
    value, reason = value_of(METRICS[key], traces.whole, {})
    if value is None:
        return MetricValue(value=None, reason=reason)
    known = spread(METRICS[key], traces)
    return MetricValue(value=value, interval=known.interval, interval_reason=known.reason, stderr=known.stderr)


def distinct_share(rollouts: Iterable[Sequence[tuple[str, ...]]]) -> float | None:
    """Of the offers of each rollout (texts of one offer together) the share that differ in their words, numbers apart,
    over all rollouts; None without offers."""
    different = offers = 0
    for rollout in rollouts:
        heard = {frozenset(word for text in texts for word in words(text) if not word.isdecimal()) for texts in rollout}
        different, offers = different + len(heard), offers + len(rollout)
    return different / offers if offers else None
