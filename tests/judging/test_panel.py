import asyncio
from pathlib import Path

import pytest

from proactivebench.judging import create_judge
from proactivebench.judging.panel import PanelCard, vote
from tests.judging.scripted import ScriptedEngine, item, labelled, opinion, trace

YES, NO, UNSCORED = opinion("accepted", "a"), opinion("rejected", "b"), opinion("unscored", "c", cause="empty")


def card(**fields: object) -> PanelCard:
    values = {"name": "p", "kind": "panel", "version": "1", "summary": "s", "panel": ["a", "b", "c"], **fields}
    return PanelCard.model_validate(values)


def test_the_majority_decides_and_the_disagreement_is_kept() -> None:
    said = vote(card(), [YES, YES, NO])
    assert (said.status, said.spread) == ("accepted", pytest.approx(1 / 3))
    assert said.reason == "a: accepted; a: accepted; b: rejected"
    assert vote(card(), [NO, NO, NO]).spread == 0


@pytest.mark.parametrize(
    ("tie", "status"), [("accepted", "accepted"), ("rejected", "rejected"), ("unscored", "unscored")]
)
def test_an_even_split_is_what_the_card_says(tie: str, status: str) -> None:
    said = vote(card(tie=tie), [YES, NO, UNSCORED])
    assert said.status == status
    assert said.cause == ("tie" if tie == "unscored" else None)


def test_an_unscored_member_is_no_vote_and_too_few_are_no_verdict() -> None:
    assert vote(card(), [YES, YES, UNSCORED]).status == "accepted"
    said = vote(card(), [YES, UNSCORED, None])
    assert (said.status, said.cause) == ("unscored", "too_few_members")


def test_a_panel_short_of_a_member_that_could_not_be_reached_is_asked_again() -> None:
    away = opinion("unscored", cause="error:429")
    assert vote(card(), [YES, away, UNSCORED]).cause == "error:too_few_members"
    assert vote(card(tie="unscored"), [YES, NO, away]).cause == "error:tie"
    assert vote(card(), [YES, YES, away]).cause is None


def test_the_mean_probability_decides_by_the_threshold() -> None:
    stated = [
        opinion("accepted", probability=0.9),
        opinion("rejected", probability=0.4),
        opinion("rejected", probability=0.35),
    ]
    assert vote(card(rule="mean"), stated).status == "accepted"
    assert vote(card(rule="mean"), stated).probability == pytest.approx(0.55)
    assert vote(card(rule="mean", threshold=0.6), stated).status == "rejected"
    assert vote(card(rule="mean", threshold=0.55, tie="rejected"), stated).status == "rejected"
    assert vote(card(rule="mean"), [YES, stated[0], NO]).cause == "too_few_probabilities"


def test_a_panel_card_names_judges_and_files_beside_it(tmp_path: Path) -> None:
    (tmp_path / "second.yaml").write_text(
        "name: second\nkind: labels\nversion: '1'\nsummary: s\nrule: majority\n", encoding="utf-8"
    )
    path = tmp_path / "three.yaml"
    path.write_text("name: three\nkind: panel\nversion: '1'\nsummary: s\npanel: [llm, second.yaml, labels]\n")
    judge = create_judge(str(path), engine=ScriptedEngine())
    assert (judge.identity.name, judge.identity.model) == ("three", "scripted")
    on = trace("a", labels=[labelled(True, majority=True)])
    (said,) = asyncio.run(judge.judge([item(None, on=on)]))
    assert said.status == "rejected"  # llm accepts, both label rules reject
    assert said.spread == pytest.approx(1 / 3)
