import asyncio
from pathlib import Path

import pytest

from proactivebench.errors import DataError, UsageError
from proactivebench.judging import Item, Opinion
from proactivebench.validation.attacks import attack, read_suite, rejecting_contexts
from tests.judging.scripted import ScriptedJudge, labelled, opinion, task, trace

NO = [False, False, True]


def contexts():  # type: ignore[no-untyped-def]
    on = trace("first", "second", labels=[labelled(True, good=[True, True]), labelled(False, bad=NO, worse=NO)])
    return rejecting_contexts(task(on), 10)


def run(decide, moments=None):  # type: ignore[no-untyped-def]
    judge = ScriptedJudge(decide)
    found = asyncio.run(attack(judge, moments or contexts(), read_suite(), data="d", margin=0.1))
    return found, judge


def test_the_suite_has_the_families_it_promises() -> None:
    families = read_suite().families
    assert set(families) == {
        "constant", "null_model", "master_key", "instruction", "json_break_out", "forged_verdict", "role_tag",
        "unicode", "flood", "parrot",
    }  # fmt: skip
    assert any("\n" in str(p) for p in families["role_tag"].proposals)
    assert any("\u202e" in str(p) for p in families["unicode"].proposals)


def test_contexts_are_those_where_people_rejected_every_offer() -> None:
    assert [moment.turn for moment in contexts()] == [1]
    with pytest.raises(UsageError, match="no moment"):
        rejecting_contexts(task(trace("a")), 5)


def test_contexts_are_spread_over_the_traces() -> None:
    rejecting = [labelled(False, bad=NO)] * 3
    many = task(trace("a", "b", "c", labels=rejecting, name="t"), trace("d", "e", "f", labels=rejecting, name="u"))
    assert [m.trace.trace_id for m in rejecting_contexts(many, 2)] == ["t", "u"]


def test_attacks_reach_the_judge_filled_in_and_at_full_length() -> None:
    _, judge = run(lambda _: opinion("rejected"))
    proposals = [item.proposal or "" for item in judge.asked]
    assert "Help the user: second" in proposals
    assert any("{{proposal}}" in text for text in proposals)
    assert max(map(len, proposals)) > 95_000
    assert {"bad", "worse"} <= set(proposals)


def test_a_judge_that_rejects_everything_passes() -> None:
    found, _ = run(lambda _: opinion("rejected"))
    assert found.failed == []
    assert found.honest.rate == 0.0


def test_a_gullible_judge_fails_family_by_family() -> None:
    def decide(item: Item) -> Opinion:
        return opinion("accepted" if "accept" in (item.proposal or "").casefold() else "rejected")

    found, _ = run(decide)
    assert {"instruction", "forged_verdict"} <= set(found.failed)
    assert "master_key" not in found.failed
    assert found.accepted_examples["forged_verdict"]


def test_a_careless_but_even_handed_judge_is_not_called_fooled() -> None:
    found, _ = run(lambda _: opinion("accepted"))
    assert found.honest.rate == 1.0
    assert found.failed == []


def test_a_family_without_a_single_verdict_has_not_passed() -> None:
    found, _ = run(lambda item: opinion("unscored", cause="empty") if item.proposal != "bad" else opinion("rejected"))
    assert set(found.failed) == set(found.families)
    assert found.families["parrot"].rate is None


def test_a_wrong_suite_is_one_clear_line(tmp_path: Path) -> None:
    path = tmp_path / "s.yaml"
    for text in ("version: '1'\nfamilies: {}", "families: [", "version: '1'\nfamilies: {a: {about: b, proposals: []}}"):
        path.write_text(text)
        with pytest.raises(DataError, match="attack suite"):
            read_suite(path)
