"""The metrics of help in time: how episodes of need are met, what comes at boundaries of activity or in mid-task."""

from __future__ import annotations

from collections.abc import Iterator
from math import inf

from proactivebench.scoring.counting import Count
from proactivebench.scoring.measures import Ratio, Weights, total
from proactivebench.scoring.metric import Columns, Interval, Metric, MetricTable, Need
from proactivebench.scoring.offers import Column

C = Column

_SOURCE = "this project"
_L = frozenset({Need.LABELS})
_PLACES = (("boundary", "at boundaries of activity", "at boundaries"), ("midtask", "in mid-task", "in mid-task"))


def help_in_time() -> Iterator[Metric]:
    """Episodes first, by people's labels of need; then boundaries."""
    p, episodes = Interval.PROPORTION, "episodes"
    yield Metric(
        "need_episode_recall", "episodes of need with an offer", "episodes with an offer/episodes", "up", "no episode",
        _L, p, _SOURCE, Ratio(total(C.EPISODES_HELPED), total(C.EPISODES)), scarce=episodes,
        table=MetricTable.TIME, both_rules=True, short="episodes met",
    )  # fmt: skip
    yield Metric(
        "help_delay_events", "events until help, a missed episode counting its length",
        "Σ min(moments before the first offer in it, its length)/episodes", "down", "no episode",
        _L, Interval.STUDENT_T, _SOURCE, Ratio(total(C.HELP_DELAY), total(C.EPISODES)), high=inf,
        scarce="moments waited", enough=total(C.HELP_DELAY),
        table=MetricTable.TIME, both_rules=True, short="delay", digits=2,
    )  # fmt: skip
    yield Metric(
        "early_offer_rate", "episodes of need with an offer one moment too early",
        "episodes with an offer at the moment before/episodes with a moment without need before", "",
        "no episode has a moment before it", _L, p, _SOURCE, Ratio(total(C.EPISODES_EARLY), total(C.EPISODES_PRECEDED)),
        scarce=episodes, table=MetricTable.TIME, both_rules=True, short="early",
    )  # fmt: skip
    yield Metric(
        "offers_per_episode", "offers in an episode of need that has any", "offers in episodes/episodes with an offer",
        "down", "no episode has an offer", _L, Interval.RATE, _SOURCE,
        Ratio(total(C.EPISODE_OFFERS), total(C.EPISODES_HELPED)), low=1, high=inf,
        scarce="offers after the first", enough={C.EPISODE_OFFERS: 1, C.EPISODES_HELPED: -1},
        table=MetricTable.TIME, both_rules=True, short="offers per episode", digits=2,
    )  # fmt: skip
    yield Metric(
        "boundary_offer_share", "share of offers at boundaries of activity", "offers at boundaries/offers", "",
        "no offer", frozenset(), p, _SOURCE, Ratio(total(C.BOUNDARY_OFFERS), total(C.OFFERS)), scarce="offers",
        table=MetricTable.TIME, short="offers at boundaries", columns=Columns.NONE,
    )  # fmt: skip
    for place, title, when in _PLACES:
        yield Metric(
            f"{place}_needless_offer_rate", f"needless offers {title}",
            f"offers at no need {when}/moments without need {when}", "down", f"no moment without need {when}",
            _L, p, _SOURCE, _at(place, (C.FREE_OFFERS,), (C.FREE_OFFERS, C.FREE_SILENCES)),
            scarce="moments without need", table=MetricTable.TIME, short=f"needless {when}", columns=Columns.NONE,
        )  # fmt: skip
    for place, title, when in _PLACES:
        yield Metric(
            f"{place}_precision", f"share of offers {title} that are accepted",
            f"TP {when}/(TP+FP) {when}", "up", f"no scored offer {when}",
            frozenset({Need.OFFERS}), p, _SOURCE, _at(place, (C.TP,), (C.TP, C.FP)), scarce="offers",
            table=MetricTable.TIME, short=f"accepted {when}", columns=Columns.NONE,
        )  # fmt: skip


_AT_BOUNDARY: dict[Count, Count] = {
    C.TP: C.BOUNDARY_TP,
    C.FP: C.BOUNDARY_FP,
    C.FREE_OFFERS: C.BOUNDARY_FREE_OFFERS,
    C.FREE_SILENCES: C.BOUNDARY_FREE_SILENCES,
}


def _at(place: str, numerator: tuple[Count, ...], denominator: tuple[Count, ...]) -> Ratio:
    """A ratio of the parts of some counts that fall on boundaries, or of the rest."""
    return Ratio(_part(place, numerator), _part(place, denominator))


def _part(place: str, counts: tuple[Count, ...]) -> Weights:
    there = dict.fromkeys((_AT_BOUNDARY[one] for one in counts), 1.0)
    return there if place == "boundary" else {**dict.fromkeys(counts, 1.0), **dict.fromkeys(there, -1.0)}
