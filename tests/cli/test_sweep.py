"""`sweep`: offers kept back by stated confidence, as a user calls it; scripted agents that are told apart by it."""

import json

import numpy as np
import pytest

from proactivebench.scoring.offers import Column
from proactivebench.scoring.thresholds import NOBODY, Costs, Items, grid_p_values, paired
from proactivebench.store import RunStore
from tests.board.calling import call, one_line
from tests.scripted import tiny_task

AGENT = """
import proactivebench as pb
def turn(moment): return len(moment.observations) - 1
def say(moment, sure): return pb.Action([f"help {turn(moment)}"], p_need=sure, p_accept=sure)
def calibrated(moment): return say(moment, 0.9 if turn(moment) % 2 else 0.2 if turn(moment) % 4 else 0.1)
def overconfident(moment): return say(moment, 0.95)
def mute(moment): return f"help {turn(moment)}"
def needless(moment): return pb.Action([f"help {turn(moment)}"], p_accept=0.5)
"""
AGENTS = ("calibrated", "overconfident", "mute", "needless")


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Runs of the agents above on eight traces, judged by people's votes: right at odd turns."""
    folder = tmp_path_factory.mktemp("sweep")
    (folder / "agent.py").write_text(AGENT)
    lines = (trace.model_dump_json(exclude_none=True) for trace in tiny_task(*[6] * 8).traces)
    (folder / "t.jsonl").write_text("".join(f"{line}\n" for line in lines))
    for name in AGENTS:
        model = ("--model", f"{folder / 'agent.py'}:{name}")
        done = call("run", *model, "--tasks", folder / "t.jsonl", "--judge", "labels", "--output_path", folder / name)
        assert done.code == 0, done.err
    return folder


def swept(*words):
    done = call("sweep", *words, "--json")
    assert done.code == 0, done.err
    return json.loads(done.out)


def test_a_calibrated_agent_gains_by_keeping_quiet_and_an_overconfident_one_does_not(runs):
    calibrated, overconfident = swept(runs / "calibrated", runs / "overconfident")["sweeps"]
    point = calibrated["point"]
    assert point["answered"]["value"] == 0.5
    assert point["swept"]["value"] == 0
    assert point["threshold"] == 0.9
    assert max(point["p_joint"], point["p_never_joint"]) <= 0.05
    assert set(calibrated["thresholds"].values()) == {0.9}
    point = overconfident["point"]
    assert point["swept"]["value"] == point["never"] == 0.25
    assert point["threshold"] is None
    assert point["p_never_joint"] == 1


def test_two_cost_curves_are_told_apart_over_the_whole_grid(runs):
    differences = swept(runs / "calibrated", runs / "overconfident")["differences"]
    assert [each["false_alarm"] for each in differences] == [step / 4 for step in range(17)]
    last = differences[-1]
    assert (last["difference"], last["p"]) == (-0.25, pytest.approx(2 / 2**8))
    assert last["p"] <= last["p_joint"] <= 0.05
    assert differences[0]["p_joint"] == 1, "where a false alarm costs nothing nobody keeps quiet"


def test_every_row_has_its_figures_and_their_intervals(runs):
    rows = swept(runs / "calibrated")["sweeps"][0]["rows"]
    assert [(row["threshold"], row["kept"]) for row in rows] == [(0, 48), (0.2, 32), (0.9, 24), (None, 0)]
    whole, some, best, silent = (row["metrics"] for row in rows)
    assert some["precision"]["value"] == 0.75
    assert some["precision"]["interval"][0] < 0.75 < some["precision"]["interval"][1]
    assert [row["f1"]["value"] for row in (whole, some, best, silent)] == pytest.approx([2 / 3, 6 / 7, 1, 0])
    assert some["need_detection_balanced_accuracy"]["value"] == pytest.approx(5 / 6)
    assert silent["precision"]["reason"]
    assert [row["coverage"] for row in rows] == pytest.approx([1, 2 / 3, 0.5, 0])


def test_prisms_rule_needs_no_threshold_but_p_need(runs):
    report = swept(runs / "calibrated", "--rule", "prism")["sweeps"][0]
    assert (report["chosen_on"], report["thresholds"]) == ("costs", {})
    assert report["point"]["swept"]["value"] == 0, ".9 is above 1/(1 + .9/2), .2 is below 1/(1 + .2/2)"
    dear = swept(runs / "calibrated", "--rule", "prism", "--false_alarm", "10")["sweeps"][0]
    assert dear["point"]["swept"]["value"] == 0.25, ".9 is below 10/(10 + .9/2): these costs ask for silence"
    assert "states no p_need" in one_line(call("sweep", runs / "needless", "--rule", "prism").err)


def test_a_swept_run_is_a_run_that_says_what_it_is(runs, tmp_path):
    out = tmp_path / "quiet"
    done = call("sweep", runs / "calibrated", "--output_path", out)
    assert "swept from agent.py:calibrated, threshold 0.9" in done.err
    store = RunStore(out)
    assert store.manifest.swept.dropped == 24
    before = RunStore(runs / "calibrated").replies()
    for key, reply in store.replies().items():
        assert reply.text == before[key].text
        assert (reply.status.value, "swept" in reply.notes) == (("silent", True), ("proposed", False))[key.turn % 2]
    report = json.loads(call("score", out, "--json").out)
    overall = report["judges"][0]["overall"]
    assert (overall["confusion"]["tp"], overall["confusion"]["tn"], overall["confusion"]["unscored"]) == (24, 24, 0)
    assert overall["notes"]["swept"] == 24
    assert report["warnings"][0].startswith("not the agent's own answers: swept from")
    compared = json.loads(call("compare", runs / "calibrated", out, "--metric", "precision", "--json").out)
    assert compared["pairs"][0]["difference"] == -0.5
    assert call("gate", runs / "calibrated", out, "--metric", "f1").code == 0
    assert call("sweep", runs / "calibrated", "--output_path", out).code == 0, "the same again is no other run"
    other = call("sweep", runs / "calibrated", "--threshold", "0.2", "--output_path", out)
    assert (other.code, "asked something else" in other.err) == (2, True)


def test_nothing_is_asked_and_the_swept_run_is_left_as_it_was(runs, tmp_path):
    def content():
        return {file.name: file.read_bytes() for file in (runs / "calibrated").rglob("*") if file.is_file()}

    before = content()
    swept(runs / "calibrated", "--output_path", tmp_path / "quiet", "--plot", tmp_path / "costs.svg")
    assert content() == before
    assert "cost of a false alarm" in (tmp_path / "costs.svg").read_text()


@pytest.mark.parametrize(
    ("run", "words", "says"),
    [
        ("mute", (), "run the agent with --protocol standard-confidence, which asks for it"),
        ("calibrated", ("--judge", "lables"), "did you mean labels"),
        ("calibrated", ("--false_alarm", "nan"), "--false_alarm nan is no cost"),
        ("calibrated", ("--miss", "-1"), "--miss -1 is no cost"),
        ("calibrated", ("--false_alarm", "0", "--miss", "0"), "nothing costs anything"),
        ("calibrated", ("--need", "asked"), "no need labels by the asked rule"),
        ("calibrated", ("--rule", "prism", "--threshold", "0.5"), "--threshold goes with --rule threshold"),
        ("calibrated", ("--threshold", "1.5"), "1.5"),
        ("calibrated", ("--plot", "costs.pdf"), ".svg or .png"),
    ],
)
def test_what_cannot_be_swept_is_one_line(run, words, says, runs):
    done = call("sweep", runs / run, *words)
    assert done.code == 2
    assert says in one_line(done.err)


def items(need, accepted, sure, trace):
    """A run of offers at every moment."""
    ones = np.ones(len(need))
    return Items(
        traces=tuple(map(str, range(max(trace) + 1))), trace=np.array(trace), weight=ones, need=np.array(need, bool),
        offered=ones.astype(bool), accepted=np.array(accepted, bool), p_accept=np.array(sure), p_need=ones * np.nan,
    )  # fmt: skip


def test_a_dropped_offer_is_a_miss_at_need_and_right_elsewhere():
    run = items([1, 1, 0, 0], [1, 0, 1, 0], [0.9, 0.3, 0.8, 0.2], [0, 0, 1, 1])
    counts = run.counts(run.kept(np.array([0.0, 0.5, NOBODY])))
    cells = [Column.TP, Column.FP, Column.TN, Column.FN]
    assert counts.sum(axis=1)[:, cells].tolist() == [[2, 2, 0, 0], [2, 0, 1, 1], [0, 0, 2, 2]]
    assert Costs(1, 0.5).fixed(counts[1]).value == 0.5 / 4


def test_no_trace_is_scored_with_a_threshold_chosen_on_itself():
    """In trace 0 the unsure offers are the right ones: only its own labels would say so."""
    sure = [0.9, 0.1] * 4
    run = items([0, 1, 1, 0, 1, 0, 1, 0], [0, 1, 1, 0, 1, 0, 1, 0], sure, [0, 0, 1, 1, 2, 2, 3, 3])
    counts = run.counts(run.kept(run.thresholds()))
    costs = Costs(1, 1)
    best = run.thresholds()[costs.best_elsewhere(counts)]
    assert best.tolist() == [0.9] * 4
    assert costs.chosen(counts).value == 2 / 8, "a false alarm and a miss, both in trace 0"
    without = items([1, 0] * 3, [1, 0] * 3, [0.9, 0.1] * 3, [0, 0, 1, 1, 2, 2])
    again = costs.chosen(without.counts(without.kept(without.thresholds())))
    assert costs.chosen(counts).left_out[0] == again.value == 0


def test_an_offer_without_confidence_is_the_first_to_go():
    run = items([1, 0], [1, 0], [np.nan, 0.5], [0, 1])
    assert run.unstated == 1
    assert run.kept(np.array([0.0, 0.1])).tolist() == [[True, True], [False, True]]


def test_cost_curves_of_runs_alike_are_not_told_apart_too_often():
    """32 pairs of uninformed agents on six traces: 1.6 of them at .05; perf/results/sweeping.md has many more."""
    random, hits = np.random.default_rng(0), 0
    for _ in range(32):
        trace = np.repeat(np.arange(6), 10).tolist()
        pair = [
            items(random.random(60) < 0.5, random.random(60) < 0.5, random.random(60).round(1), trace) for _ in "ab"
        ]
        counts = [run.counts(run.kept(np.arange(12) / 10)) for run in pair]
        values = paired(*([Costs(one, 0.5).chosen(found) for one in (0.5, 1, 2)] for found in counts))
        hits += grid_p_values(values)[1].min() <= 0.05
    assert hits <= 5
