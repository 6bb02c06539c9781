"""Validation against the real labels: needs PROACTIVEBENCH_MIRROR."""

import asyncio
import os

import pytest

from proactivebench.judging import Item, Opinion, create_judge
from proactivebench.judging.lexical.leaked import leaked_judge
from proactivebench.records import OFFER_RULES
from proactivebench.traces import labelled_items
from proactivebench.validation.people import released_labels
from proactivebench.validation.validate import validate
from tests.judging.scripted import ScriptedJudge, opinion

pytestmark = pytest.mark.skipif(not os.environ.get("PROACTIVEBENCH_MIRROR"), reason="PROACTIVEBENCH_MIRROR is not set")


@pytest.fixture(scope="module")
def lexical():  # type: ignore[no-untyped-def]
    rows = labelled_items()
    work = validate(create_judge("lexical"), released_labels(), command="c", leaked=leaked_judge(rows))
    return asyncio.run(work)


def block(found, rater: str, *, items: int, rule: str = "unanimous", leaked: bool = False):  # type: ignore[no-untyped-def]
    (one,) = [
        b
        for b in found.blocks
        if b.rater.startswith(rater) and b.items == items and b.rule == rule and b.leaked == leaked
    ]
    return one


def value(one, name: str) -> float:  # type: ignore[no-untyped-def]
    return float(one.figures[name].value)


def test_the_baseline_is_in_the_documented_range_leave_one_trace_out(lexical) -> None:  # type: ignore[no-untyped-def]
    own = block(lexical, "lexical", items=1749)
    assert 0.59 <= value(own, "balanced_accuracy") <= 0.68
    assert 0.64 <= value(own, "auc_offers") <= 0.74
    assert 0.58 <= value(own, "auc_silences") <= 0.72
    assert value(own, "ece_offers") < 0.1
    interval = own.figures["balanced_accuracy"].interval
    assert interval[0] < value(own, "balanced_accuracy") < interval[1]


def test_the_leaked_figure_stands_only_under_a_heading_that_says_so(lexical) -> None:  # type: ignore[no-untyped-def]
    leaked = block(lexical, "lexical trained", items=120, leaked=True)
    assert leaked.heading.startswith("LEAKED")
    assert value(leaked, "accuracy") > 0.68
    assert not lexical.measured().errors.leaked
    assert lexical.measured().design == "leave-one-trace-out"


def test_the_lookups_make_the_leak_visible(lexical) -> None:  # type: ignore[no-untyped-def]
    sibling = block(lexical, "lookup: any sibling", items=120, leaked=True)
    need = block(lexical, "lookup: need", items=120, leaked=True)
    assert value(sibling, "accuracy") == pytest.approx(0.858, abs=5e-4)
    assert value(need, "accuracy") == pytest.approx(0.925, abs=5e-4)


def test_people_hardly_agree(lexical) -> None:  # type: ignore[no-untyped-def]
    assert lexical.annotators["alpha_offers_three_votes"] == pytest.approx(0.16, abs=0.005)
    assert lexical.annotators["alpha_offers"] == pytest.approx(0.21, abs=0.005)
    human = next(b for b in lexical.blocks if b.rater.startswith("one human"))
    assert value(human, "balanced_accuracy") == pytest.approx(0.64, abs=0.005)


def test_both_need_rules_are_reported(lexical) -> None:  # type: ignore[no-untyped-def]
    one, other = (block(lexical, "lexical", items=1749, rule=rule) for rule in OFFER_RULES)
    assert value(one, "accuracy_cd") == value(other, "accuracy_cd")
    assert value(one, "accuracy_mn") != value(other, "accuracy_mn")


def test_accepting_everything_on_the_official_items_is_no_skill(lexical) -> None:  # type: ignore[no-untyped-def]
    judge = ScriptedJudge(lambda _: opinion("accepted"))
    found = asyncio.run(validate(judge, released_labels(), command="c", official_only=True))
    own = found.blocks[0]
    assert own.items == 120
    assert value(own, "accuracy") == 0.5
    assert value(own, "f1") == pytest.approx(2 / 3)


def test_unscored_verdicts_are_counted_by_cause_and_left_out() -> None:
    def decide(item: Item) -> Opinion:
        return opinion("unscored", cause="empty") if item.moment.turn == 0 else opinion("accepted")

    found = asyncio.run(validate(ScriptedJudge(decide), released_labels(), command="c", official_only=True))
    own = found.blocks[0]
    assert own.causes["empty"] == round(own.unscored_share * 120)
    assert sum(getattr(own.errors, c).items for c in ("correct_detection", "false_alarm")) <= 60


def test_no_label_reaches_a_judge() -> None:
    assert all(one.item.moment.labels is None for one in released_labels().items)
