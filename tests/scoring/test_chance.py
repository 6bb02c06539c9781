"""Whether offers fall on need more often than offers placed at random."""

import itertools
import os
from pathlib import Path

import numpy as np
import pytest

from proactivebench.evaluation import run_async
from proactivebench.preparation import Settings, prepare
from proactivebench.records import ReplyStatus
from proactivebench.reporting import score_run
from proactivebench.scoring.chance import beats_chance
from proactivebench.scoring.signflip import holm
from proactivebench.traces import load_task
from proactivebench.traces.answers import released_models

MIRROR = os.environ.get("PROACTIVEBENCH_MIRROR", "")
released = pytest.mark.skipif(not Path(MIRROR, "eval").is_dir(), reason="PROACTIVEBENCH_MIRROR is unset")


def flags(text):
    return np.array([letter == "1" for letter in text])


def exact(offers, need):
    """The same p by listing every placement."""
    counts = []
    for shown, needed in zip(offers, need, strict=True):
        tail, wanted = shown[1:], needed[1:]
        placements = itertools.combinations(range(len(tail)), int(tail.sum()))
        counts.append([int(wanted[list(chosen)].sum()) for chosen in placements])
    observed = sum(int(shown[1:][needed[1:]].sum()) for shown, needed in zip(offers, need, strict=True))
    sums = [sum(draw) for draw in itertools.product(*counts)]
    return sum(total >= observed for total in sums) / len(sums)


def test_the_drawn_p_is_that_of_all_placements_listed():
    offers = [flags("01100"), flags("100110"), flags("0010")]
    need = [flags("01100"), flags("001110"), flags("0100")]
    assert beats_chance(offers, need).p == pytest.approx(exact(offers, need), abs=0.02)


def test_what_happens_at_first_events_changes_nothing():
    offers, need = [flags("0110100"), flags("0011010")], [flags("0110000"), flags("0011000")]
    other = [shown.copy() for shown in offers]
    for shown in other:
        shown[0] = True
    assert beats_chance(offers, need) == beats_chance(other, need)


@pytest.mark.parametrize("agent", ["always", "never", "skip-first"])
def test_an_agent_that_could_not_have_offered_elsewhere_has_p_1(agent):
    need = [flags("0110100"), flags("0011010"), flags("0000000"), flags("1")]
    offers = [np.full(len(needed), agent != "never") for needed in need]
    if agent == "skip-first":
        for shown in offers:
            shown[0] = False
    assert beats_chance(offers, need).p == 1


def test_repeats_are_placed_each_by_itself():
    need = [flags("0110100"), flags("0011010"), flags("0100110")]
    offers = [flags("0110100"), flags("0011010"), flags("0110010")]
    once = beats_chance(offers, need).p
    twice = beats_chance([np.stack([shown, shown], axis=1) for shown in offers], need).p
    assert once == pytest.approx(exact(offers, need), abs=0.01)
    assert twice < once < 0.05


def test_p_is_never_0():
    need = [flags("0" + "1" * 10 + "0" * 10) for _ in range(12)]
    assert beats_chance(need, need).p == 1 / 10_000


def offers_of(model, task, path):
    args = {"released": model}
    evaluation = prepare(Settings(model="replay", model_args=args, tasks=task.name, predict_only=True))
    replies = run_async(evaluation.run(path)).replies()
    return [
        np.array(
            [replies[trace.trace_id, turn, 0, 0].status is ReplyStatus.PROPOSED for turn in range(len(trace.events))]
        )
        for trace in task.traces
    ]


@released
def test_of_the_released_models_four_beat_chance_by_one_rule_of_need_and_one_by_the_other(tmp_path):
    task = load_task("proactivebench_published")
    models = released_models()
    offers = {model: offers_of(model, task, tmp_path / model) for model in models}
    found = {}
    for rule in ("need", "need_majority"):
        need = [np.array([bool(getattr(label, rule)) for label in trace.labels]) for trace in task.traces]
        adjusted = holm(np.array([beats_chance(offers[model], need).p for model in models]))
        found[rule] = {model for model, p in zip(models, adjusted.tolist(), strict=True) if p <= 0.05}
    assert len(models) == 15
    assert found == {
        "need": {"qwen2-72b-instruct", "claude-3-sonnet-20240229", "deepseek-7b-chat", "activellama"},
        "need_majority": {"qwen2-72b-instruct"},
    }


@released
@pytest.mark.parametrize(
    ("task", "agent", "unanimous", "majority"),
    [
        ("proactivebench", "lexical-need", 0.678, 0.575),
        ("proactivebench_published", "lexical-need", 0.656, 0.563),
        ("proactivebench", "need-oracle", 1.0, None),
        ("proactivebench", "always", 0.5, 0.5),
    ],
)
def test_the_anchors_of_need_detection_have_their_known_figures(task, agent, unanimous, majority, tmp_path):
    evaluation = prepare(Settings(model=agent, tasks=task))
    metrics = score_run(run_async(evaluation.run(tmp_path)), evaluation.task).judges[0].overall.metrics
    assert metrics["need_detection_balanced_accuracy"].value == pytest.approx(unanimous, abs=0.0006)
    if majority is not None:
        assert metrics["need_detection_balanced_accuracy_majority"].value == pytest.approx(majority, abs=0.0006)
