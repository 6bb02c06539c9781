"""The baseline on the real labels: needs PROACTIVEBENCH_MIRROR."""

import os

import pytest

from proactivebench.judging.lexical import LexicalJudge
from proactivebench.judging.lexical.training import train
from proactivebench.judging.lexical.weights import OTHER, read_weights
from proactivebench.records import Trace
from proactivebench.resources import shipped
from proactivebench.traces import labelled_items, load_task
from tests.judging.scripted import trace

pytestmark = pytest.mark.skipif(not os.environ.get("PROACTIVEBENCH_MIRROR"), reason="PROACTIVEBENCH_MIRROR is not set")


@pytest.fixture(scope="module")
def items():  # type: ignore[no-untyped-def]
    return labelled_items()


def test_training_again_gives_the_shipped_weights(items) -> None:  # type: ignore[no-untyped-def]
    stored = read_weights(shipped("judges", "lexical", "weights.json"))
    trained = train(items)
    assert trained.data_hash == stored.data_hash
    assert set(trained.sets) == set(stored.sets)
    for name, heads in trained.sets.items():
        for kind in ("proposals", "silences"):
            mine, theirs = getattr(heads, kind), getattr(stored.sets[name], kind)
            assert mine.weights == pytest.approx(theirs.weights, abs=2e-5)
            assert mine.threshold == theirs.threshold


def test_a_left_out_trace_changes_nothing_in_its_own_set(items) -> None:  # type: ignore[no-untyped-def]
    name = items[0].trace
    without = train([item for item in items if item.trace != name])
    assert without.sets[OTHER] == train(items).sets[name]


def test_every_trace_of_the_release_is_judged_by_the_set_that_never_saw_it(items) -> None:  # type: ignore[no-untyped-def]
    from proactivebench.judging.create import create_judge

    member = create_judge("lexical")._proposals[0]  # type: ignore[attr-defined]
    assert isinstance(member, LexicalJudge)
    for benchmark in ("proactivebench", "proactivebench_published"):
        for one in load_task(benchmark).traces:
            renamed = Trace(trace_id="renamed", split="other", events=one.events)
            assert member.heads(renamed) == member.weights.sets[one.trace_id]
            assert member.heads(renamed) != member.weights.sets[OTHER]
    assert member.heads(trace("Something else entirely.")) == member.weights.sets[OTHER]
