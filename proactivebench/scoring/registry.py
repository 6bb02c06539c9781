"""The one list of metrics, in the order of the tables: every surface reads it."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import inf

from proactivebench import plugins
from proactivebench.errors import BadArgument, UsageError
from proactivebench.plugins import Contract
from proactivebench.records import NeedRule
from proactivebench.scoring import specials
from proactivebench.scoring.for_whom import for_whom
from proactivebench.scoring.in_time import help_in_time
from proactivebench.scoring.measures import F1, Balanced, Matthews, Ratio, total
from proactivebench.scoring.metric import Axis, Columns, Interval, Metric, MetricTable, Need
from proactivebench.scoring.offers import JUDGED_CELLS, NEED_CELLS, Column
from proactivebench.scoring.stated import NOT_STATED, RiskCoverage, lacks_confidence, rejected

C = Column
_log = logging.getLogger(__name__)

PAPER = "ProactiveAgent paper"
CLASSICAL = "classical"
OWN = "this project"

_O = frozenset({Need.OFFERS})
_OS = frozenset({Need.OFFERS, Need.SILENCES})
_OL = frozenset({Need.OFFERS, Need.LABELS})
_L = frozenset({Need.LABELS})
_A: frozenset[Need] = frozenset()
_CLOCK = frozenset({Need.CLOCK})
_OU = frozenset({Need.OFFERS, Need.USAGE})
_OM = frozenset({Need.OFFERS, Need.USAGE, Need.PRICES})

_RECALL = Ratio(total(C.TP), total(C.TP, C.FN), JUDGED_CELLS)
_SPECIFICITY = Ratio(total(C.TN), total(C.FP, C.TN), JUDGED_CELLS)
_NEED_RECALL = Ratio(total(C.NEED_OFFERS), total(C.NEED_OFFERS, C.NEED_SILENCES), NEED_CELLS)
_NEED_SPECIFICITY = Ratio(total(C.FREE_SILENCES), total(C.FREE_OFFERS, C.FREE_SILENCES), NEED_CELLS)

COSTS_OF_FALSE_ALARM = (0.25, 0.5, 1.0, 2.0, 4.0)  # λ
COSTS_OF_MISS = (0.0, 0.5, 1.0)  # μ


def utility(false_alarm: float, miss: float) -> Ratio:
    """Mean utility per moment where an accepted offer is worth 1, a false alarm costs λ and a miss μ."""
    return Ratio({C.TP: 1, C.FP: -false_alarm, C.FN: -miss}, total(*JUDGED_CELLS), JUDGED_CELLS)


def utility_key(false_alarm: float, miss: float) -> str:
    """Key of `utility(λ, μ)`."""
    return f"utility_{false_alarm:g}_{miss:g}"


def utility_metric(false_alarm: float, miss: float) -> Metric:
    """`utility(λ, μ)` as a metric, for any costs."""
    return Metric(
        key=utility_key(false_alarm, miss),
        title=f"utility of a moment (λ={false_alarm:g}, μ={miss:g})",
        formula=f"(TP − {false_alarm:g}·FP − {miss:g}·FN)/N",
        better="up",
        undefined="no scored moment",
        needs=_OS,
        interval=Interval.STUDENT_T,
        source=OWN,
        measure=utility(false_alarm, miss),
        low=-max(false_alarm, miss),
        table=MetricTable.COSTS,
        cell=(f"a miss costs {miss:g}", f"λ={false_alarm:g}"),
        columns=Columns.NONE,
    )


def _costs() -> Iterator[Metric]:
    """Utility by the costs of a false alarm and of a miss, and where it breaks even with the trivial agents."""
    for miss in COSTS_OF_MISS:
        for alarm in COSTS_OF_FALSE_ALARM:
            yield utility_metric(alarm, miss)
        yield Metric(
            f"break_even_never_{miss:g}", f"break-even with never (μ={miss:g})", f"(TP + {miss:g}·(FN_never − FN))/FP",
            "up", "no rejected offer, or FN of `never` unknown", _OS, Interval.NONE, OWN,
            low=-inf if miss else 0, high=inf, computed=specials.break_even_never(miss),
            table=MetricTable.COSTS, cell=(f"a miss costs {miss:g}", "λ* never"), columns=Columns.NONE,
        )  # fmt: skip
        yield Metric(
            f"break_even_always_{miss:g}", f"break-even with always (μ={miss:g})",
            f"(TP_always − TP + {miss:g}·FN)/(FP_always − FP)", "down",
            "no `always` run, or it has no more false alarms", _OS, Interval.NONE, OWN,
            low=-inf, high=inf, computed=specials.break_even_always(miss),
            table=MetricTable.COSTS, cell=(f"a miss costs {miss:g}", "λ* always"), columns=Columns.NONE,
        )  # fmt: skip


def _need_detection() -> Iterator[Metric]:
    """When an agent speaks, by people's labels of need: no judge is in it."""
    p = Interval.PROPORTION
    yield Metric(
        "need_detection_recall", "need recall: share of moments of need with an offer", "offers at need/need moments",
        "up", "no need moment", _L, p, OWN, _NEED_RECALL, scarce="needs",
        table=MetricTable.WHEN, short="need recall", columns=Columns.SPLITS, axes=(Axis("need detection", "y"),),
    )  # fmt: skip
    yield Metric(
        "needless_offer_rate", "needless offers: share of moments without need with an offer",
        "offers at no need/moments without need", "down", "no moment without need", _L, p, OWN,
        Ratio(total(C.FREE_OFFERS), total(C.FREE_OFFERS, C.FREE_SILENCES), NEED_CELLS),
        scarce="moments without need",
        table=MetricTable.WHEN, short="needless", columns=Columns.SPLITS, axes=(Axis("need detection", "x"),),
    )  # fmt: skip
    yield Metric(
        "need_detection_balanced_accuracy", "need detection (balanced accuracy)", "(recall + specificity)/2", "up",
        "no need moment, or no moment without need", _L, Interval.BALANCED, OWN,
        Balanced(_NEED_RECALL, _NEED_SPECIFICITY),
        table=MetricTable.WHEN, leads="people", both_rules=True, short="balanced accuracy", columns=Columns.SPLITS,
    )  # fmt: skip
    yield Metric(
        "need_detection_precision", "need detection: precision", "offers at need/offers", "up", "no offer", _L, p, OWN,
        Ratio(total(C.NEED_OFFERS), total(C.NEED_OFFERS, C.FREE_OFFERS), NEED_CELLS), scarce="offers",
        table=MetricTable.NEED, columns=Columns.NONE,
    )  # fmt: skip
    yield Metric(
        "need_detection_f1", "need detection: F1", "2·offers at need/(offers + need moments)", "up",
        "no offer and no need moment", _L, Interval.JACCARD, OWN,
        F1(C.NEED_OFFERS, C.FREE_OFFERS, C.NEED_SILENCES, NEED_CELLS), scarce="offers",
        table=MetricTable.NEED, columns=Columns.NONE,
    )  # fmt: skip
    yield Metric(
        "need_detection_specificity", "need detection: specificity", "silences at no need/moments without need", "up",
        "no moment without need", _L, p, OWN, _NEED_SPECIFICITY, scarce="moments without need",
        table=MetricTable.NEED, columns=Columns.NONE,
    )  # fmt: skip
    yield Metric(
        "need_detection_mcc", "need detection: Matthews correlation", "mcc of offer against need", "up",
        "a margin is 0", _L, Interval.FISHER_Z, OWN, Matthews(*NEED_CELLS), low=-1,
        table=MetricTable.NEED, columns=Columns.NONE,
    )  # fmt: skip


def _offered() -> Iterator[Metric]:
    """How often an agent speaks, and how cleanly."""
    p = Interval.PROPORTION
    yield Metric(
        "proposal_rate", "share of moments with an offer", "offers/moments", "", "no moment", _A, p, OWN,
        Ratio(total(C.OFFERS), total(C.MOMENTS)),
        never=0.0, always=1.0, offers_alone=True, table=MetricTable.OFFERED, short="offers", columns=Columns.SPLITS,
    )  # fmt: skip
    yield Metric(
        "clean_rate", "share of replies that are clean", "(proposed + silent)/replies", "up", "no reply", _A, p, OWN,
        Ratio(total(C.CLEAN), total(C.MOMENTS)), scarce="replies",
        table=MetricTable.OFFERED, short="clean", columns=Columns.SPLITS,
    )  # fmt: skip


def _judged() -> Iterator[Metric]:
    """What an agent offers, as a judge sees it."""
    p = Interval.PROPORTION
    yield Metric(
        "precision", "precision", "TP/(TP+FP)", "up", "no scored offer", _O, p, PAPER,
        Ratio(total(C.TP), total(C.TP, C.FP), JUDGED_CELLS), scarce="offers",
        table=MetricTable.JUDGED, columns=Columns.SPLITS, axes=(Axis("judged", "y"),),
    )  # fmt: skip
    yield Metric(
        "recall", "recall", "TP/(TP+FN)", "up", "no accepted offer and no rejected silence", _OS, p, PAPER, _RECALL,
        scarce="needs", always=1.0,
        table=MetricTable.JUDGED, columns=Columns.SPLITS, axes=(Axis("judged", "x", equal_f1=True),),
    )  # fmt: skip
    yield Metric(
        "f1", "F1", "2TP/(2TP+FP+FN)", "up", "no offer scored and no silence rejected", _OS, Interval.JACCARD, PAPER,
        F1(C.TP, C.FP, C.FN, JUDGED_CELLS), scarce="offers",
        table=MetricTable.JUDGED, leads="judge", both_rules=True, columns=Columns.SPLITS,
    )  # fmt: skip
    yield Metric(
        "false_discovery_rate", "false alarm (paper): share of offers rejected", "FP/(TP+FP)", "down",
        "no scored offer", _O, p, PAPER, Ratio(total(C.FP), total(C.TP, C.FP), JUDGED_CELLS), scarce="offers",
        table=MetricTable.JUDGED, explained=True, short="false alarm (paper)",
    )  # fmt: skip
    yield Metric(
        "false_alarm_rate", "false alarm (classical): share of wrong moments with an offer", "FP/(FP+TN)", "down",
        "no rejected offer and no accepted silence", _OS, p, CLASSICAL,
        Ratio(total(C.FP), total(C.FP, C.TN), JUDGED_CELLS), scarce="silences", always=1.0,
        table=MetricTable.JUDGED, explained=True, short="false alarm (classical)", columns=Columns.SPLITS,
    )  # fmt: skip
    yield Metric(
        "accuracy", "accuracy (expected reward)", "(TP+TN)/N", "up", "no scored moment", _OS, p, PAPER,
        Ratio(total(C.TP, C.TN), total(*JUDGED_CELLS), JUDGED_CELLS),
        table=MetricTable.JUDGED, both_rules=True, columns=Columns.SPLITS,
    )  # fmt: skip
    yield Metric(
        "balanced_accuracy", "balanced accuracy", "(recall + specificity)/2", "up", "recall or specificity undefined",
        _OS, Interval.BALANCED, CLASSICAL, Balanced(_RECALL, _SPECIFICITY), always=0.5, table=MetricTable.JUDGED,
    )  # fmt: skip
    yield Metric(
        "mcc", "Matthews correlation", "(TP·TN − FP·FN)/√((TP+FP)(TP+FN)(TN+FP)(TN+FN))", "up", "a margin is 0", _OS,
        Interval.FISHER_Z, CLASSICAL, Matthews(*JUDGED_CELLS), low=-1, table=MetricTable.JUDGED,
    )  # fmt: skip
    yield Metric(
        "specificity", "specificity", "TN/(FP+TN)", "up", "no rejected offer and no accepted silence", _OS, p,
        CLASSICAL, _SPECIFICITY, scarce="silences", always=0.0, table=MetricTable.JUDGED, columns=Columns.NONE,
    )  # fmt: skip
    yield Metric(
        "need_recall", "need met: share of moments of need with an accepted offer",
        "accepted offers at need/need moments without an unscored offer", "up", "no need moment", _OL, p, OWN,
        Ratio(total(C.NEED_ACCEPTED), {C.NEED_OFFERS: 1, C.NEED_SILENCES: 1, C.NEED_UNSCORED: -1}), scarce="needs",
        table=MetricTable.JUDGED, short="need met", columns=Columns.NONE,
    )  # fmt: skip
    yield Metric(
        "candidate_precision", "share of candidates accepted", "accepted/scored candidates", "up",
        "no scored candidate", _O, p, OWN,
        Ratio(total(C.CANDIDATES_ACCEPTED), total(C.CANDIDATES_ACCEPTED, C.CANDIDATES_REJECTED)),
        scarce="candidates", table=MetricTable.JUDGED, columns=Columns.NONE,
    )  # fmt: skip


def _behaviour() -> Iterator[Metric]:
    """How an agent behaves beyond single moments, what that costs and takes, and how it knows itself."""
    yield Metric(
        "longest_streak", "longest streak of offers", "most consecutive offers in one trace", "down",
        specials.NO_MOMENT, _A, Interval.NONE, OWN, high=inf, computed=specials.longest_streak,
        digits=0, columns=Columns.NONE,
    )  # fmt: skip
    yield Metric(
        "longest_streak_mean", "longest streak of offers, mean over traces", "Σ longest streak/traces", "down",
        specials.NO_MOMENT, _A, Interval.STUDENT_T, OWN, Ratio(total(C.STREAK), total(C.SAMPLES)), high=inf,
        digits=1, columns=Columns.NONE,
    )  # fmt: skip
    yield Metric(
        "repeat_rate", "share of offers that repeat the one before", "offers similar to the previous offer/offers "
        "having one", "down", "no offer has a previous one", _A, Interval.PROPORTION, OWN,
        Ratio(total(C.REPEATED), total(C.FOLLOWING)), scarce="offers", columns=Columns.NONE,
    )  # fmt: skip
    yield Metric(
        "false_alarms_per_hour", "false alarms per hour", "Σ FP/Σ hours over traces with usable times", "down",
        "no trace with usable times", frozenset({Need.OFFERS, Need.TIMES}), Interval.RATE, OWN,
        Ratio(total(C.TIMED_FP), total(C.HOURS)), high=inf,
        table=MetricTable.COSTS, digits=1, columns=Columns.NONE,
    )  # fmt: skip
    yield from _costs()
    yield Metric(
        "accepted_per_1k_tokens", "accepted offers per 1,000 tokens", "1000·TP/agent tokens", "up", "no usage", _OU,
        Interval.RATE, OWN, Ratio({C.TP: 1000}, total(C.TOKENS)), high=inf,
        table=MetricTable.EFFORT, columns=Columns.NONE,
    )  # fmt: skip
    yield Metric(
        "cost_per_accepted", "cost per accepted offer", "agent cost/TP", "down", "no prices, no usage, or TP = 0", _OM,
        Interval.RATE, OWN, Ratio(total(C.COST), total(C.TP)), high=inf,
        table=MetricTable.EFFORT, digits=6, columns=Columns.NONE,
    )  # fmt: skip
    for share in (50, 95):
        yield Metric(
            f"latency_p{share}", f"latency, {share}th percentile", f"{share} % quantile of a moment's wall time",
            "down", specials.NOT_TIMED, _CLOCK, Interval.NONE, OWN, high=inf, computed=specials.latency(share / 100),
            table=MetricTable.EFFORT, unit="s", columns=Columns.NONE,
        )  # fmt: skip
    yield Metric(
        "risk_coverage_area", "risk–coverage area of stated confidence",
        "area under share rejected so far by coverage, offers by stated p_accept", "down",
        "fewer than 10 scored offers, or one without a stated confidence", _O, Interval.STUDENT_T, CLASSICAL,
        scarce="rejected offers", enough=rejected, stated=True, of_stated=RiskCoverage(), lacks=lacks_confidence,
        table=MetricTable.CONFIDENCE, short="risk–coverage area", columns=Columns.NONE,
    )  # fmt: skip
    yield Metric(
        "confidence_brier", "Brier score of stated confidence", "mean (c − accepted)² over offers", "down",
        NOT_STATED, _O, Interval.STUDENT_T, CLASSICAL, Ratio(total(C.BRIER), total(C.STATED)),
        stated=True, table=MetricTable.CONFIDENCE, columns=Columns.NONE,
    )  # fmt: skip
    yield Metric(
        "confidence_ece", "calibration error of stated confidence", "Σ share·|mean c − accept rate|, ten equal bins",
        "down", NOT_STATED, _O, Interval.NONE, CLASSICAL, stated=True, computed=specials.confidence_error,
        table=MetricTable.CONFIDENCE, columns=Columns.NONE,
    )  # fmt: skip


METRICS: dict[str, Metric] = {
    metric.key: metric
    for part in (_need_detection, help_in_time, for_whom, _offered, _judged, _behaviour)
    for metric in part()
}
SHARE = METRICS["precision"]  # of two counts the share of the first: how any such share is bounded and shown
BY_PEOPLE = next(metric for metric in METRICS.values() if metric.leads == "people")
BY_JUDGE = next(metric for metric in METRICS.values() if metric.leads == "judge")


def register(metric: Metric) -> Metric:
    """Add a metric of your own: every report, table, comparison, gate, export and lm-eval column has it from then on.

    Args:
        metric: with `measure` or `computed`; it stands last in its table.

    Returns:
        The metric.

    Raises:
        UsageError: its key is taken, or is another metric's in some view; or nothing says how it is computed.
    """
    try:
        taken = split_key(metric.key)[0]
    except KeyError:
        taken = ""
    if taken:
        raise BadArgument(f"there is a metric '{taken}' already, which {metric.key} would hide: choose another key")
    if sum(way is not None for way in (metric.measure, metric.computed, metric.of_stated)) != 1:
        raise BadArgument(f"metric {metric.key} needs either a measure (of counts) or a function of a scope: give one")
    METRICS[metric.key] = metric
    return metric


def metric_key(word: str | Metric) -> str:
    """The key of the metric that a user names: a key as it is, an object or FILE.py:NAME added to this process.

    Raises `UsageError` where the file, the name in it or what stands there cannot be had.
    """
    found: object = word
    if isinstance(word, str):
        plug = plugins.find(Contract.METRIC, word) if ".py" in word else None
        if plug is None:
            return word
        found = plug.load()
    if not isinstance(found, Metric):
        raise BadArgument(f"{word!s:.80} is no metric: give a key, a proactivebench.Metric or FILE.py:NAME of one")
    if METRICS.get(found.key) != found:
        register(found)
    return found.key


def in_table(*tables: MetricTable) -> list[Metric]:
    """The metrics that stand in some tables, table by table, in their order."""
    return [metric for table in tables for metric in METRICS.values() if metric.table is table]


def in_columns(*, split: bool = False) -> list[Metric]:
    """The metrics that leaderboards of columns show, in their order; those shown per split as well."""
    wanted = {Columns.SPLITS} if split else {Columns.WHOLE, Columns.SPLITS}
    return [metric for metric in METRICS.values() if metric.columns in wanted]


def with_rules(metrics: list[Metric], beside: Sequence[str] = (NeedRule.MAJORITY,)) -> list[str]:
    """The keys of some metrics, those of the rules of need `beside` the leading one after each that is shown by all."""
    return [
        key
        for metric in metrics
        for key in (metric.key, *(f"{metric.key}_{rule}" for rule in beside if metric.both_rules))
    ]


@dataclass(frozen=True, slots=True)
class Plane:
    """A picture of two metrics: the one `across`, the one `up`, and whether lines of equal F1 make sense in it."""

    name: str
    across: Metric
    up: Metric
    equal_f1: bool


def planes() -> list[Plane]:
    """The pictures of two metrics, as their axes say."""
    found: dict[str, dict[str, tuple[Metric, Axis]]] = {}
    for metric in METRICS.values():
        for axis in metric.axes:
            found.setdefault(axis.plane, {})[axis.along] = metric, axis
    return [
        Plane(name, pair["x"][0], pair["y"][0], pair["x"][1].equal_f1) for name, pair in found.items() if len(pair) == 2
    ]


_RULES = frozenset(NeedRule)
_VIEWS = {
    "majority": "by the majority rule",
    "unanimous": "by the unanimous rule",
    "asked": "by direct answers",
    "round0": "in the first round",
}


def metric_for(key: str) -> Metric:
    """The metric behind `key`, variants included (`f1_majority`, `precision_round0`, `f1_pred1`). Raises `KeyError`."""
    base, view = split_key(key)
    known = METRICS[base]
    return known if not view else replace(known, key=key, title=f"{known.title}, {_VIEWS.get(view, view)}")


def split_key(key: str) -> tuple[str, str]:
    """A metric key as (metric, view): `f1_majority` is `("f1", "majority")`. Raises `KeyError` for an unknown key."""
    if key in METRICS:
        return key, ""
    base, _, view = key.rpartition("_")
    if base in METRICS and (view == "round0" or view in _RULES or view.removeprefix("pred").isdigit()):
        return base, view
    raise KeyError(key)


def _register_installed() -> None:
    """Add the metrics of installed packages. One that cannot be had is said, and hurts no other."""
    for plug in plugins.plugs(Contract.METRIC):
        try:
            register(plug.load())
        except (UsageError, AttributeError) as error:
            said = str(error) if isinstance(error, UsageError) else "it is no Metric"
            _log.warning("the metric '%s' of the package %s is left out: %s", plug.word, plug.package, said)


_register_installed()
