"""Episodes of need: how they are met, how long help takes, and what comes too early."""

import os
from pathlib import Path

import numpy as np
import pytest

from proactivebench.records import MomentLabels, NeedRule
from proactivebench.scoring import build_report
from proactivebench.scoring.comparison import compare
from proactivebench.scoring.episodes import Episodes, Help
from proactivebench.scoring.gate import gate
from proactivebench.scoring.timing import timed, timing_of
from proactivebench.traces import load_task
from tests.scoring.runs import LABELS, make_manifest, make_run, make_task, report_on, values

MIRROR = os.environ.get("PROACTIVEBENCH_MIRROR", "")
released = pytest.mark.skipif(not Path(MIRROR, "eval").is_dir(), reason="PROACTIVEBENCH_MIRROR is unset")

KEYS = ("need_episode_recall", "help_delay_events", "early_offer_rate", "offers_per_episode")
NEED = "0110111010"  # episodes of 2, 3 and 1 moments, each with a moment before it


def needs(*rows):
    return {f"t{place}": [letter == "1" for letter in row] for place, row in enumerate(rows)}


def run(*rows, need=(NEED,), **fields):
    return report_on({f"t{place}": row for place, row in enumerate(rows)}, needs=needs(*need), judge=LABELS, **fields)


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ("aaaaaaaaaa", (0, (2 + 3 + 1) / 3, 0, None)),
        ("AAAAAAAAAA", (1, 0, 1, 6 / 3)),
        ("arRaaaRaar", (2 / 3, (1 + 2 + 1) / 3, 0, 2 / 2)),  # at the second of two, at the last of three
        ("RaaRaaaRaa", (0, 2, 1, None)),  # one too early, every time
        ("aAAaAaaaAa", (1, 0, 0, 4 / 3)),
    ],
)
def test_episodes_are_met_at_their_first_offer_and_a_missed_one_counts_its_length(row, expected):
    assert list(values(run(row), *KEYS)) == pytest.approx(expected)


def test_what_has_no_episode_has_no_value_and_a_reason():
    found = run("aAaA", need=("0000",)).judges[0].overall.metrics
    assert {key: found[key].reason for key in KEYS} == {
        "need_episode_recall": "no episode",
        "help_delay_events": "no episode",
        "early_offer_rate": "no episode has a moment before it",
        "offers_per_episode": "no episode has an offer",
    }


def test_an_episode_ends_with_its_trace_and_has_nothing_before_the_first_moment():
    found = run("AaaA", "Aaaa", need=("0001", "1000"))
    assert list(values(found, *KEYS)) == pytest.approx((1, 0, 0, 1))
    assert counted(found, "episodes", "episodes_preceded") == [2, 1]


def counted(report, *names):
    table = report.judges[0].tables[""]
    return [sum(row[table.columns.index(name)] for row in table.rows.values()) for name in names]


def test_repeats_are_each_followed_by_itself_and_weigh_alike():
    rows = ("aaaaaaaaaa", "arRaaaRaar")
    both = report_on({"t0": rows}, needs=needs(NEED), judge=LABELS, repeats=2)
    assert list(values(both, *KEYS)) == pytest.approx((2 / 6, (6 + 4) / 6, 0, 2 / 2))


def test_an_episode_that_was_not_answered_to_its_end_is_left_out_whole():
    found = run("aAa!a.A.aA")
    assert counted(found, "episodes", "episodes_helped", "episode_offers") == [2, 1, 1]
    assert next(iter(values(found, "need_episode_recall"))) == pytest.approx(1 / 2)
    assert counted(found, "episodes_preceded", "episodes_early") == [1, 0]


def test_unclean_replies_bound_what_episodes_come_to_as_if_each_were_an_offer():
    as_counted, as_offers = run("xaaxAyaxxa"), run("RaaRARaRRa")
    metrics = as_counted.judges[0].overall.metrics
    for key in KEYS:
        ends = sorted(next(iter(values(one, key))) for one in (as_counted, as_offers))
        assert metrics[key].bounds == pytest.approx(ends), key
    assert metrics["early_offer_rate"].strict == pytest.approx(1)


def plainly(need, offered):
    """Episodes, helped, delay, offers, preceded, early of one trace, written as the definition reads."""
    spans, turn = [], 0
    while turn < len(need):
        if need[turn] != 1:
            turn += 1
            continue
        end = turn
        while end < len(need) and need[end] == 1:
            end += 1
        spans.append((turn, end))
        turn = end
    first = [next((n for n, at in enumerate(range(a, b)) if offered[at]), None) for a, b in spans]
    before = [a for a, _ in spans if a and need[a - 1] == 0]
    return (
        len(spans),
        sum(found is not None for found in first),
        sum(b - a if found is None else found for (a, b), found in zip(spans, first, strict=True)),
        sum(offered[at] for a, b in spans for at in range(a, b)),
        len(before),
        sum(offered[a - 1] for a in before),
    )


def test_any_traces_come_to_what_the_definition_says():
    random = np.random.default_rng(7)
    for _ in range(60):
        sizes = random.integers(1, 9, 4)
        need = [random.choice([-1, 0, 1], size, p=[0.1, 0.4, 0.5]) for size in sizes]
        offered = [random.random(size) < 0.4 for size in sizes]
        starts = np.cumsum([0, *sizes])
        every = np.ones((sizes.sum(), 1), dtype=bool)
        found = Help.of(Episodes.of(np.concatenate(need), starts), np.concatenate(offered)[:, None], every)
        got = [
            float(each.sum())
            for each in (found.episodes, found.helped, found.delay, found.offers, found.preceded, found.early)
        ]
        assert got == pytest.approx(np.sum([plainly(*pair) for pair in zip(need, offered, strict=True)], axis=0))


def test_offers_by_chance_come_to_what_is_to_be_expected_of_them():
    need, chance = np.array([0, 1, 1, 1, 0, 1]), 0.3
    found = Help.of(Episodes.of(need, np.array([0, 6])), np.full((6, 1), chance), np.ones((6, 1), dtype=bool))
    assert found.helped.sum() == pytest.approx((1 - 0.7**3) + 0.3)
    assert found.delay.sum() == pytest.approx((0.7 + 0.7**2 + 0.7**3) + 0.7)
    assert found.early.sum() == pytest.approx(0.6)


def test_a_board_counts_episodes_as_a_report_does():
    rows = {"t0": "aAaaAaaaAa", "t1": "AAaRaarAaA"}
    task = make_task(dict.fromkeys(rows, 10), needs=needs(NEED, "1100101111"))
    replies, verdicts = make_run(task, rows)
    report = build_report(task, make_manifest(task, LABELS), replies, {LABELS.id: verdicts})
    timing = timing_of(task, replies)
    for key in (*KEYS, *(f"{key}_majority" for key in KEYS)):
        assert timing.metrics[key].value == pytest.approx(report.judges[0].overall.metrics[key].value), key


def test_every_rule_of_need_has_its_own_episodes():
    task = make_task({"t0": 4})
    labels = (
        MomentLabels(need=False, need_majority=True, asked=(True,)),
        MomentLabels(need=True, need_majority=True, asked=(False,)),
        MomentLabels(need=False, need_majority=True, asked=(True,)),
        MomentLabels(need=False, need_majority=False, asked=(True,)),
    )
    task = task.model_copy(update={"traces": (task.traces[0].model_copy(update={"labels": labels}),)})
    found = timed(task, {"t0": ("0011",)}).metrics
    assert task.need_rules == (NeedRule.ASKED, NeedRule.UNANIMOUS, NeedRule.MAJORITY)
    assert [found[f"need_episode_recall{rule}"].value for rule in ("", "_unanimous", "_majority")] == [1 / 2, 0, 1]
    assert [found[f"help_delay_events{rule}"].value for rule in ("", "_unanimous", "_majority")] == [1 / 2, 1, 2]


def test_episodes_are_compared_and_gated_like_any_metric():
    need = [NEED] * 6
    slow, quick = (
        run(*[row] * 6, need=need, name=name) for row, name in (("aaAaaaAaaa", "slow"), ("aAaaAaaaAa", "quick"))
    )
    assert [each.name for each in compare([slow, quick], "help_delay_events").standings] == ["quick", "slow"]
    assert gate(quick, slow, "need_episode_recall=0.1").passed is False
    assert gate(slow, quick, "help_delay_events=0.5").passed is True
    old = quick.model_copy(update={"judges": tuple(_before_episodes(judged) for judged in quick.judges)})
    reasons = {each.name: each.reason for each in compare([old, slow], "help_delay_events").standings}
    assert "not counted in this report" in reasons["quick"]


def _before_episodes(judged):
    table = judged.tables[""]
    kept = [place for place, name in enumerate(table.columns) if "episode" not in name and "delay" not in name]
    rows = {name: tuple(row[place] for place in kept) for name, row in table.rows.items()}
    columns = tuple(table.columns[place] for place in kept)
    return judged.model_copy(update={"tables": {"": table.model_copy(update={"columns": columns, "rows": rows})}})


@released
def test_the_release_has_forty_five_episodes_by_all_and_forty_six_by_most():
    task = load_task("proactivebench")
    never = timed(task, {trace.trace_id: ("0" * len(trace.events),) for trace in task.traces}).metrics
    always = timed(task, {trace.trace_id: ("1" * len(trace.events),) for trace in task.traces}).metrics
    for suffix, episodes, moments in (("", 45, 78), ("_majority", 46, 164)):
        assert never[f"help_delay_events{suffix}"].value == pytest.approx(moments / episodes)
        assert always[f"offers_per_episode{suffix}"].value == pytest.approx(moments / episodes)
        assert always[f"need_episode_recall{suffix}"].value == 1
