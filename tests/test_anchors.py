"""The rows that put all others in their place: what they are computed to be, and that agents of these names get it."""

import os
from pathlib import Path

import numpy as np
import pytest

from proactivebench.anchors import ASKED, HUMAN, NEED_ORACLE, Anchor, anchors_beside, anchors_of
from proactivebench.evaluation import run_async
from proactivebench.preparation import Settings, prepare
from proactivebench.records import OFFER_RULES, NeedRule, Report, Task, TaskVotes
from proactivebench.reporting import report_of
from proactivebench.scoring.offers import Column
from proactivebench.scoring.timing import distinct_share, need_counts, timing_of
from proactivebench.traces import load_task
from tests.agents.moments import labels, task_of, trace_of, votes

BALANCED = "need_detection_balanced_accuracy"
RULES = {"": NeedRule.UNANIMOUS, "_majority": NeedRule.MAJORITY}
released = pytest.mark.skipif(
    not Path(os.environ.get("PROACTIVEBENCH_MIRROR", ""), "dataset").is_dir(), reason="PROACTIVEBENCH_MIRROR is unset"
)


def by_name(task: Task, rate: float = 0.4) -> dict[str, Anchor]:
    return {anchor.name: anchor for anchor in anchors_of(task, rate)}


def figure(anchor: Anchor, key: str = BALANCED) -> float:
    value = anchor.metrics[key].value
    assert value is not None
    return value


@pytest.fixture(scope="module")
def sample() -> Task:
    return load_task("proactivebench_sample")


@pytest.mark.parametrize("suffix", RULES)
def test_whoever_always_never_or_at_random_offers_has_half(sample, suffix):
    anchors = by_name(sample)
    for name in ("always", "parrot", "never", "random"):
        assert figure(anchors[name], BALANCED + suffix) == pytest.approx(0.5)
        assert anchors[name].metrics[BALANCED + suffix].interval is None, "it is so by definition"
    assert figure(anchors["random"], "need_detection_recall" + suffix) == pytest.approx(0.4)
    assert figure(anchors["random"], "needless_offer_rate" + suffix) == pytest.approx(0.4)


@pytest.mark.parametrize(("suffix", "rule"), RULES.items())
def test_the_oracle_is_one_and_beats_chance_under_each_rule(sample, suffix, rule):
    oracle = by_name(sample)[NEED_ORACLE]
    assert figure(oracle, BALANCED + suffix) == 1
    assert figure(oracle, "needless_offer_rate" + suffix) == 0
    assert oracle.chance[rule] == pytest.approx(1e-4)


@pytest.mark.parametrize("rule", OFFER_RULES)
def test_silence_at_the_first_event_alone_does_not_beat_chance(sample, rule):
    assert by_name(sample)["skip-first"].chance[rule] == 1


@pytest.mark.parametrize("name", ["always", "never", "parrot", "skip-first", "lexical-need", "best-candidate"])
def test_an_anchor_has_the_figures_of_the_agent_of_its_name(sample, name, tmp_path):
    evaluation = prepare(Settings(model=name, tasks="proactivebench_sample", judge="lexical"))
    store = run_async(evaluation.run(tmp_path / name))
    report = report_of(store, sample)
    anchor, overall = by_name(sample)[name], report.judges[0].overall
    for key, value in anchor.metrics.items():
        assert overall.metrics[key].value == pytest.approx(value.value), key
    assert overall.chance == {rule.value: p for rule, p in anchor.chance.items()}
    timing = timing_of(sample, store.replies().values())
    assert timing is not None
    assert timing.chance == anchor.chance
    assert timing.distinct == anchor.distinct


def reported(model: str, path: Path) -> Report:
    """The report of a run over four traces of the sample."""
    evaluation = prepare(Settings(model=model, tasks="proactivebench_sample", judge="lexical", limit=4))
    return report_of(run_async(evaluation.run(path)), evaluation.task)


def test_beside_a_run_the_anchors_stand_on_its_own_traces(tmp_path):
    report = reported("random", tmp_path / "run")
    random = next(anchor for anchor in anchors_beside([report]) if anchor.name == "random")
    rate = report.judges[0].overall.metrics["proposal_rate"].value
    assert figure(random, "proposal_rate") == pytest.approx(rate)
    (parrot,) = (anchor for anchor in anchors_beside([report]) if anchor.name == "parrot")
    assert parrot.metrics["proposal_rate"].value == 1


def test_data_that_is_not_at_hand_or_another_by_now_has_no_anchors(tmp_path):
    report = reported("never", tmp_path / "run")
    elsewhere = report.task.model_copy(update={"spec": str(tmp_path / "gone.jsonl")})
    changed = report.task.model_copy(update={"data_hash": "0" * 64})
    assert anchors_beside([report])
    assert anchors_beside([report.model_copy(update={"task": elsewhere})]) == ()
    assert anchors_beside([report.model_copy(update={"task": changed})]) == ()
    assert anchors_beside([]) == ()


def test_data_without_need_labels_has_no_anchors():
    assert anchors_of(task_of(trace_of("bare", "opens a file", "reads")), 0.5) == ()


def test_one_human_is_each_voter_against_the_others():
    given = (
        labels(votes("a", True, True, False)),  # 1st and 2nd want help, and one other of theirs; 3rd: both others do
        labels(votes("b", False, False, False), votes("c", True, False, False)),  # only the 1st does, nobody else
        labels(votes("alone", True)),  # nobody to hold it against
    )
    human = by_name(task_of(trace_of("voted", "one", "two", "three", given=given)))[HUMAN]
    assert human.people
    assert human.chance == {}
    # moment 1: (yes, no), (yes, no), (no, yes); moment 2: (yes, no), (no, no), (no, no)
    assert figure(human, "need_detection_recall") == 0
    assert figure(human, "needless_offer_rate") == pytest.approx(3 / 5)


def test_one_human_goes_by_who_voted_where_that_is_known():
    """Ann accepts both, Bob neither: whatever the order of their votes, and though Cid saw one of them only."""

    def known(task: str, **given: bool) -> TaskVotes:
        return TaskVotes(task=task, votes=tuple(given.values()), annotators=tuple(given))

    moment = labels(known("a", ann=True, bob=False, cid=True), known("b", bob=False, ann=True))
    human = by_name(task_of(trace_of("voted", "one", given=(moment,))))[HUMAN]
    # ann and bob voted on all: ann accepts where the others accept nothing together, bob nothing where ann accepts "b"
    assert figure(human, "need_detection_recall") == 0
    assert figure(human, "needless_offer_rate") == 1


def test_offers_that_differ_in_nothing_but_a_number_are_the_same():
    assert distinct_share([[("Save it 1",), ("save IT 2",), ("Open it",), ("Open it",)]]) == 0.5
    assert distinct_share([[], []]) is None
    assert distinct_share([[("a",)], [("a",)]]) == 1, "each rollout by itself"


def test_repeats_are_averaged_into_counts():
    offers, need = np.array([[True, False], [True, True], [False, False]]), np.array([False, True, True])
    (row,) = need_counts([offers], [need])
    assert row[Column.FREE_OFFERS] == row[Column.FREE_SILENCES] == 0.5
    assert (row[Column.NEED_OFFERS], row[Column.NEED_SILENCES]) == (1, 1)
    assert (row[Column.OFFERS], row[Column.MOMENTS]) == (1.5, 3)


@released
@pytest.mark.parametrize(
    ("name", "unanimous", "majority"), [("proactivebench", 0.678, 0.575), ("proactivebench_published", 0.656, 0.563)]
)
def test_on_the_release_the_anchors_have_the_figures_that_are_documented(name, unanimous, majority):
    anchors = by_name(load_task(name))
    assert figure(anchors["lexical-need"]) == pytest.approx(unanimous, abs=5e-4)
    assert figure(anchors["lexical-need"], BALANCED + "_majority") == pytest.approx(majority, abs=5e-4)
    assert figure(anchors[HUMAN]) == pytest.approx(0.566, abs=6e-4)
    assert figure(anchors[ASKED]) == pytest.approx(0.457, abs=5e-4)
    assert anchors["skip-first"].chance == dict.fromkeys(OFFER_RULES, 1.0)
