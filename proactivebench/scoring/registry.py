"""The one list of metrics: table, viewer, docs, lm-eval and board read it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from math import inf
from typing import Literal

from proactivebench.scoring.measures import F1, Balanced, Column, Matthews, Measure, Ratio, total

C = Column


class Need(StrEnum):
    """What a metric cannot do without."""

    OFFERS = "O"  # verdicts on offers
    SILENCES = "S"  # verdicts on silences
    LABELS = "L"  # need labels
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


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric. `formula` is for people, `measure` for machines (None: computed by a function of its own);
    `undefined` says when there is no value; `scarce` names what its denominator counts."""

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
    stated: bool = False  # about the confidence an agent states, the same in every view

    @property
    def silences_matter(self) -> bool:
        """Whether the metric changes with who says that silence was right."""
        return bool(self.needs & {Need.SILENCES, Need.LABELS})


PAPER = "ProactiveAgent paper"
CLASSICAL = "classical"
OWN = "this project"

JUDGED_CELLS = (C.TP, C.FP, C.TN, C.FN)
NEED_CELLS = (C.NEED_OFFERS, C.FREE_OFFERS, C.FREE_SILENCES, C.NEED_SILENCES)
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
        title=f"Utility (λ={false_alarm:g}, μ={miss:g})",
        formula=f"(TP − {false_alarm:g}·FP − {miss:g}·FN)/N",
        better="up",
        undefined="no scored moment",
        needs=_OS,
        interval=Interval.STUDENT_T,
        source=OWN,
        measure=utility(false_alarm, miss),
        low=-max(false_alarm, miss),
    )


def _utilities() -> Iterator[Metric]:
    for miss in COSTS_OF_MISS:
        for alarm in COSTS_OF_FALSE_ALARM:
            yield utility_metric(alarm, miss)


def _break_evens() -> Iterator[Metric]:
    for miss in COSTS_OF_MISS:
        yield Metric(
            f"break_even_never_{miss:g}",
            f"Break-even with never (μ={miss:g})",
            f"(TP + {miss:g}·(FN_never − FN))/FP",
            "up",
            "no rejected offer, or FN of `never` unknown",
            _OS,
            Interval.NONE,
            OWN,
            low=-inf if miss else 0,
            high=inf,
        )
        yield Metric(
            f"break_even_always_{miss:g}",
            f"Break-even with always (μ={miss:g})",
            f"(TP_always − TP + {miss:g}·FN)/(FP_always − FP)",
            "down",
            "no `always` run, or it has no more false alarms",
            _OS,
            Interval.NONE,
            OWN,
            low=-inf,
            high=inf,
        )


def _listed() -> Iterator[Metric]:
    p = Interval.PROPORTION
    yield Metric(
        "f1", "F1", "2TP/(2TP+FP+FN)", "up", "no offer scored and no silence rejected", _OS, Interval.JACCARD, PAPER,
        F1(C.TP, C.FP, C.FN, JUDGED_CELLS), scarce="offers",
    )  # fmt: skip
    yield Metric(
        "precision", "Precision", "TP/(TP+FP)", "up", "no scored offer", _O, p, PAPER,
        Ratio(total(C.TP), total(C.TP, C.FP), JUDGED_CELLS), scarce="offers",
    )  # fmt: skip
    yield Metric(
        "recall", "Recall", "TP/(TP+FN)", "up", "no accepted offer and no rejected silence", _OS, p, PAPER, _RECALL,
        scarce="needs",
    )  # fmt: skip
    yield Metric(
        "accuracy", "Accuracy (expected reward)", "(TP+TN)/N", "up", "no scored moment", _OS, p, PAPER,
        Ratio(total(C.TP, C.TN), total(*JUDGED_CELLS), JUDGED_CELLS),
    )  # fmt: skip
    yield Metric(
        "false_discovery_rate", 'False discovery rate (the paper\'s "false alarm")', "FP/(TP+FP)", "down",
        "no scored offer", _O, p, PAPER, Ratio(total(C.FP), total(C.TP, C.FP), JUDGED_CELLS), scarce="offers",
    )  # fmt: skip
    yield Metric(
        "false_alarm_rate", "False-alarm rate", "FP/(FP+TN)", "down", "no rejected offer and no accepted silence", _OS,
        p, CLASSICAL, Ratio(total(C.FP), total(C.FP, C.TN), JUDGED_CELLS), scarce="silences",
    )  # fmt: skip
    yield Metric(
        "specificity", "Specificity", "TN/(FP+TN)", "up", "no rejected offer and no accepted silence", _OS, p,
        CLASSICAL, _SPECIFICITY, scarce="silences",
    )  # fmt: skip
    yield Metric(
        "balanced_accuracy", "Balanced accuracy", "(recall + specificity)/2", "up", "recall or specificity undefined",
        _OS, Interval.BALANCED, CLASSICAL, Balanced(_RECALL, _SPECIFICITY),
    )  # fmt: skip
    yield Metric(
        "mcc", "Matthews correlation", "(TP·TN − FP·FN)/√((TP+FP)(TP+FN)(TN+FP)(TN+FN))", "up", "a margin is 0", _OS,
        Interval.FISHER_Z, CLASSICAL, Matthews(*JUDGED_CELLS), low=-1,
    )  # fmt: skip
    yield Metric(
        "need_detection_balanced_accuracy", "Need detection: balanced accuracy", "(recall + specificity)/2", "up",
        "no need moment, or no moment without need", _L, Interval.BALANCED, OWN,
        Balanced(_NEED_RECALL, _NEED_SPECIFICITY),
    )  # fmt: skip
    yield Metric(
        "need_detection_f1", "Need detection: F1", "2·offers at need/(offers + need moments)", "up",
        "no offer and no need moment", _L, Interval.JACCARD, OWN, F1(C.NEED_OFFERS, C.FREE_OFFERS, C.NEED_SILENCES,
        NEED_CELLS), scarce="offers",
    )  # fmt: skip
    yield Metric(
        "need_detection_precision", "Need detection: precision", "offers at need/offers", "up", "no offer", _L, p, OWN,
        Ratio(total(C.NEED_OFFERS), total(C.NEED_OFFERS, C.FREE_OFFERS), NEED_CELLS), scarce="offers",
    )  # fmt: skip
    yield Metric(
        "need_detection_recall", "Need detection: recall", "offers at need/need moments", "up", "no need moment", _L, p,
        OWN, _NEED_RECALL, scarce="needs",
    )  # fmt: skip
    yield Metric(
        "need_detection_specificity", "Need detection: specificity", "silences at no need/moments without need", "up",
        "no moment without need", _L, p, OWN, _NEED_SPECIFICITY, scarce="moments without need",
    )  # fmt: skip
    yield Metric(
        "needless_offer_rate", "Needless-offer rate", "offers at no need/moments without need", "down",
        "no moment without need", _L, p, OWN,
        Ratio(total(C.FREE_OFFERS), total(C.FREE_OFFERS, C.FREE_SILENCES), NEED_CELLS),
        scarce="moments without need",
    )  # fmt: skip
    yield Metric(
        "need_detection_mcc", "Need detection: Matthews correlation", "mcc of offer against need", "up",
        "a margin is 0", _L, Interval.FISHER_Z, OWN, Matthews(*NEED_CELLS), low=-1,
    )  # fmt: skip
    yield Metric(
        "need_recall", "Need met", "accepted offers at need/need moments without an unscored offer", "up",
        "no need moment", _OL, p, OWN,
        Ratio(total(C.NEED_ACCEPTED), {C.NEED_OFFERS: 1, C.NEED_SILENCES: 1, C.NEED_UNSCORED: -1}), scarce="needs",
    )  # fmt: skip
    yield Metric(
        "candidate_precision", "Candidate precision", "accepted/scored candidates", "up", "no scored candidate", _O, p,
        OWN, Ratio(total(C.CANDIDATES_ACCEPTED), total(C.CANDIDATES_ACCEPTED, C.CANDIDATES_REJECTED)),
        scarce="candidates",
    )  # fmt: skip
    yield Metric(
        "proposal_rate", "Proposal rate", "offers/moments", "", "no moment", _A, p, OWN,
        Ratio(total(C.OFFERS), total(C.MOMENTS)),
    )  # fmt: skip
    yield Metric(
        "clean_rate", "Clean replies", "(proposed + silent)/replies", "up", "no reply", _A, p, OWN,
        Ratio(total(C.CLEAN), total(C.MOMENTS)), scarce="replies",
    )  # fmt: skip
    yield Metric(
        "longest_streak", "Longest streak of offers", "most consecutive offers in one trace", "down", "no moment", _A,
        Interval.NONE, OWN, high=inf,
    )  # fmt: skip
    yield Metric(
        "longest_streak_mean", "Longest streak, mean over traces", "Σ longest streak/traces", "down", "no moment", _A,
        Interval.STUDENT_T, OWN, Ratio(total(C.STREAK), total(C.SAMPLES)), high=inf,
    )  # fmt: skip
    yield Metric(
        "repeat_rate", "Repeated offers", "offers similar to the previous offer/offers having one", "down",
        "no offer has a previous one", _A, p, OWN, Ratio(total(C.REPEATED), total(C.FOLLOWING)), scarce="offers",
    )  # fmt: skip
    yield Metric(
        "false_alarms_per_hour", "False alarms per hour", "Σ FP/Σ hours over traces with usable times", "down",
        "no trace with usable times", frozenset({Need.OFFERS, Need.TIMES}), Interval.RATE, OWN,
        Ratio(total(C.TIMED_FP), total(C.HOURS)), high=inf,
    )  # fmt: skip
    yield from _utilities()
    yield from _break_evens()
    yield Metric(
        "accepted_per_1k_tokens", "Accepted offers per 1,000 tokens", "1000·TP/agent tokens", "up", "no usage", _OU,
        Interval.RATE, OWN, Ratio({C.TP: 1000}, total(C.TOKENS)), high=inf,
    )  # fmt: skip
    yield Metric(
        "cost_per_accepted", "Cost per accepted offer", "agent cost/TP", "down", "no prices, no usage, or TP = 0", _OM,
        Interval.RATE, OWN, Ratio(total(C.COST), total(C.TP)), high=inf,
    )  # fmt: skip
    for share in (50, 95):
        yield Metric(
            f"latency_p{share}", f"Latency, {share}th percentile (s)", f"{share} % quantile of a moment's wall time",
            "down", "no reply timed", _CLOCK, Interval.NONE, OWN, high=inf,
        )  # fmt: skip
    yield Metric(
        "confidence_brier", "Brier score of stated confidence", "mean (c − accepted)² over offers", "down",
        "no stated confidence", _O, Interval.STUDENT_T, CLASSICAL, Ratio(total(C.BRIER), total(C.STATED)),
        stated=True,
    )  # fmt: skip
    yield Metric(
        "confidence_ece", "Calibration error of stated confidence", "Σ share·|mean c − accept rate|, ten equal bins",
        "down", "no stated confidence", _O, Interval.NONE, CLASSICAL, stated=True,
    )  # fmt: skip


METRICS: dict[str, Metric] = {metric.key: metric for metric in _listed()}

JUDGE_FREE = tuple(key for key, metric in METRICS.items() if Need.OFFERS not in metric.needs)


def metric_for(key: str) -> Metric:
    """The metric behind `key`, variants included (`f1_majority`, `precision_round0`, `f1_pred1`). Raises `KeyError`."""
    base, view = split_key(key)
    return METRICS[base] if not view else replace(METRICS[base], key=key, title=f"{METRICS[base].title} [{view}]")


def split_key(key: str) -> tuple[str, str]:
    """A metric key as (metric, view): `f1_majority` is `("f1", "majority")`. Raises `KeyError` for an unknown key."""
    if key in METRICS:
        return key, ""
    base, _, view = key.rpartition("_")
    if base in METRICS and (view in ("majority", "unanimous", "round0") or view.removeprefix("pred").isdigit()):
        return base, view
    raise KeyError(key)
