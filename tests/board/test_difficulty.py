"""Moment by moment: who needed help, who offered, and which needs nobody met."""

import pytest

from proactivebench.board.site.difficulty import Spoke, difficulty_tables, flat_moments
from proactivebench.records import OFFER_RULES, NeedRule, TaskIdentity
from proactivebench.scoring.timing import timed
from proactivebench.traces import load_task

TASK = "proactivebench_sample"
UNANIMOUS, MAJORITY = NeedRule.UNANIMOUS, NeedRule.MAJORITY


@pytest.fixture(scope="module")
def task():
    return load_task(TASK)


def spoke(task, name, says, repeats=1):
    """An entry that offers where `says(turn, repeat)`."""
    offered = {
        trace.trace_id: tuple(
            "".join("01"[says(turn, repeat)] for turn in range(len(trace.events))) for repeat in range(repeats)
        )
        for trace in task.traces
    }
    return Spoke(f"acme__{name}/r1", name, timed(task, offered))


def table(task, *entries, **how):
    identity = TaskIdentity(
        name=TASK, version="1", revision="r", data_hash=task.data_hash, licence="x", source="s", labelled=True
    )
    (found,) = difficulty_tables({task.data_hash: entries}, {task.data_hash: (identity, task)}, **how)
    return found


def test_every_moment_is_told_with_its_need_by_both_rules(task):
    found = table(task, spoke(task, "late", lambda turn, _: turn > 1))
    assert len(found.moments) == task.moments
    labels = [label for trace in task.traces for label in trace.labels]
    for moment, label in zip(found.moments, labels, strict=True):
        assert moment.need == {rule: label.needs(rule) for rule in OFFER_RULES}
        assert bool(moment.offered) == (moment.turn > 1)


def test_needs_that_nobody_one_or_all_met_are_counted(task):
    never, always = (
        spoke(task, name, lambda *_, what=what: what) for name, what in (("never", False), ("always", True))
    )
    needs = sum(label.needs(UNANIMOUS) for trace in task.traces for label in trace.labels)
    assert table(task, never).met(UNANIMOUS) == (needs, needs, 0, 0)
    assert len(table(task, never).unmet(UNANIMOUS)) == needs
    assert table(task, never, always).met(UNANIMOUS) == (needs, 0, needs, 0)
    assert table(task, always, always).met(UNANIMOUS) == (needs, 0, 0, needs)
    free = sum(not label.needs(MAJORITY) for trace in task.traces for label in trace.labels)
    assert table(task, never, always).needless() == (free, free)


def test_an_entry_offered_where_at_least_half_of_its_rollouts_did(task):
    twice = spoke(task, "twice", lambda _, repeat: repeat == 0, repeats=2)
    seldom = spoke(task, "seldom", lambda _, repeat: repeat == 0, repeats=3)
    assert {moment.offered for moment in table(task, twice, seldom).moments} == {(0,)}


def test_files_name_all_entries_and_no_text(task):
    always = spoke(task, "always", lambda *_: True)
    found = table(task, always)
    lines = list(flat_moments(found))
    assert {line["offered_by"] for line in lines} == {"acme__always/r1"}
    assert not any("event" in key for line in lines for key in line)
    assert any(moment.event for moment in found.moments)
    assert not any(moment.event for moment in table(task, always, with_texts=False).moments)


def test_data_that_is_not_at_hand_has_no_table(task):
    assert difficulty_tables({"f" * 64: [spoke(task, "a", lambda *_: True)]}, {}) == []
