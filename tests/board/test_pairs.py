"""The test of any two entries of a board: that of `compare`, over a family that no filter changes."""

import json

import numpy as np
import pytest

from proactivebench.board.site import pairs
from proactivebench.board.site.pairs import (
    Candidate,
    closest,
    flat_pairs,
    pair_tables,
    pair_words,
    step_down,
    told_apart,
)
from proactivebench.records import Conditions, Decoding, PairComparison
from proactivebench.reporting import score_run
from proactivebench.scoring.comparison import compare
from proactivebench.scoring.signflip import joint_signflip
from proactivebench.scoring.timing import timing_of
from proactivebench.store import RunStore
from proactivebench.traces import load_task

TASK = "proactivebench_sample"
NEED = "need_detection_balanced_accuracy"


@pytest.fixture(scope="module")
def scored(runs):
    """Reports of four agents, and when each speaks."""
    task = load_task(TASK)
    found = {}
    for name in ("never", "always", "oracle", "parrot"):
        store = RunStore(runs / name)
        found[name] = score_run(store), timing_of(task, store.replies().values())
    return found


def candidates(scored, *names, **changes):
    return [Candidate(f"acme__{name}/r1", name, scored[name][0], scored[name][1], **changes) for name in names]


def tables(*given):
    task = load_task(TASK)
    return pair_tables(given, {task.data_hash: task})


@pytest.mark.parametrize(("place", "key"), [(0, NEED), (1, f"{NEED}_majority")])
def test_pairs_are_those_of_compare_by_either_rule(scored, place, key):
    names = ("never", "always", "oracle", "parrot")
    (table,) = tables(*candidates(scored, *names))
    tests = table.tests[place]
    assert (tests.key, tests.family) == (key, 6)
    found = {frozenset((pair.first, pair.second)): pair for pair in tests.pairs}
    reports = [scored[name][0] for name in names]
    keys = [f"acme__{name}/r1" for name in names]
    for expected in compare(reports, key, names=keys).pairs:
        pair = found[frozenset((expected.first, expected.second))]
        sign = 1 if pair.first == expected.first else -1
        assert pair.difference == pytest.approx(sign * expected.difference)
        assert (pair.p, pair.p_joint) == (pytest.approx(expected.p), pytest.approx(expected.p_joint))
        assert pair.stderr == pytest.approx(expected.stderr)
        assert pair.reason == expected.reason
        assert pair.difference >= 0, "the better one comes first"


def test_the_family_is_all_entries_however_few_are_told(scored, monkeypatch):
    (whole,) = tables(*candidates(scored, "never", "always", "oracle", "parrot"))
    monkeypatch.setattr(pairs, "PAIRED", 2)
    (few,) = tables(*candidates(scored, "never", "always", "oracle", "parrot"))
    (pair,) = few.tests[0].pairs
    assert few.tests[0].family == 6
    same = next(each for each in whole.tests[0].pairs if {each.first, each.second} == {pair.first, pair.second})
    assert pair == same


def test_entries_under_another_protocol_are_never_a_pair_but_share_the_family(scored):
    one, two = candidates(scored, "oracle", "parrot")
    report, timing = scored["oracle"]
    elsewhere = report.model_copy(update={"protocol": report.protocol.model_copy(update={"hash": "e" * 64})})
    others = [Candidate(f"acme__other{n}/r1", f"other{n}", elsewhere, timing) for n in (1, 2)]
    found = tables(one, two, *others)
    assert [len(table.tests[0].pairs) for table in found] == [1, 1]
    assert [table.tests[0].family for table in found] == [2, 2]
    assert pair_words(found[1].tests[0].pairs[0]) == "identical in every trace"


def test_judged_pairs_are_told_only_under_a_judge_that_leads(scored):
    (table,) = tables(*candidates(scored, "always", "oracle"))
    assert {tests.judge for tests in table.tests} == {None}
    judge = scored["oracle"][0].judges[0].judge.id
    (table,) = tables(*candidates(scored, "always", "oracle", judges=frozenset({judge})))
    assert [tests.key for tests in table.tests if tests.judge == judge] == ["f1", "precision"]


def test_an_entry_alone_has_no_pairs_and_a_metric_without_a_value_none(scored):
    assert tables(*candidates(scored, "oracle")) == []
    judge = scored["oracle"][0].judges[0].judge.id
    (table,) = tables(*candidates(scored, "never", "oracle", judges=frozenset({judge})))
    assert [tests.key for tests in table.tests if tests.judge] == ["f1"], "who never offers has no precision"


def test_conditions_that_differ_are_said_by_name(scored):
    one, two = candidates(scored, "oracle", "parrot")
    hot = Conditions(decoding=Decoding(temperature=1), response_format="none")
    cold = Conditions(decoding=Decoding(temperature=0), response_format="json_schema")
    made = [
        Candidate(each.key, each.name, each.report.model_copy(update={"conditions": how}), each.timing)
        for each, how in ((one, hot), (two, cold))
    ]
    (table,) = tables(*made)
    said = table.in_names(one.key, two.key)
    assert "temperature: 1 (oracle), 0 (parrot)" in said
    assert "response format: none (oracle), json_schema (parrot)" in said
    assert all("temperature: " in line["conditions"] for line in flat_pairs(table))
    json.dumps(list(flat_pairs(table)), allow_nan=False)


def test_parameters_without_end_are_cut_in_what_is_said_of_conditions(scored):
    one, two = candidates(scored, "oracle", "parrot")
    many = Decoding(extra={f"parameter{number}": "x" * 80 for number in range(60)})
    made = [
        Candidate(each.key, each.name, each.report.model_copy(update={"conditions": how}), each.timing)
        for each, how in ((one, Conditions(decoding=many)), (two, Conditions(decoding=Decoding())))
    ]
    (table,) = tables(*made)
    assert all(len(phrase) <= 160 for phrase in table.conditions(one.key, two.key))


def test_very_many_pairs_have_the_p_of_the_joint_test(monkeypatch):
    rng = np.random.default_rng(5)
    differences = rng.normal(size=(900, 12)) + rng.normal(size=(900, 1))
    differences[3] = 0
    exact = joint_signflip(differences)
    monkeypatch.setattr(pairs, "_EXACT", 0)
    found = step_down(differences)
    assert np.abs(found - exact).max() <= 0.001
    assert ((found <= 0.05) == (exact <= 0.05)).all()
    assert found[3] == 1


def test_a_page_lists_the_surest_pairs_first_and_counts_those_told_apart():
    made = [
        PairComparison(first="a", second=str(n), difference=0.1, p=p, p_joint=joint, reason=why)
        for n, (p, joint, why) in enumerate([(0.2, 0.9, None), (None, None, "rests on one trace"), (0.01, 0.04, None)])
    ]
    assert [pair.second for pair in closest(made)] == ["2", "0", "1"]
    assert told_apart(made) == 1
    assert [pair_words(pair) for pair in made] == [
        "cannot be told apart",
        "rests on one trace",
        "can be told apart",
    ]
