"""Users told apart: what each needed themselves, and which agent meets them."""

import csv
import io
import json
import os
from pathlib import Path

import numpy as np
import pytest

import proactivebench as pb
from perf.user_coverage import AGENTS, coverage
from proactivebench.anchors import HUMAN, anchors_of
from proactivebench.board.site.headline import Named, boards
from proactivebench.board.site.users import users_csv
from proactivebench.records import Event, MomentLabels, Report, Session, Task, TaskVotes, Trace, UserFigures
from proactivebench.scoring import build_report
from proactivebench.scoring.comparison import compare
from proactivebench.scoring.gate import gate
from proactivebench.scoring.registry import METRICS
from proactivebench.scoring.timing import timed
from proactivebench.scoring.users import Users, own_needs
from proactivebench.testing import ScriptedAgent, ScriptedJudge
from proactivebench.traces import load_task
from tests.scoring.runs import LABELS, make_manifest, make_run

MIRROR = os.environ.get("PROACTIVEBENCH_MIRROR", "")
released = pytest.mark.skipif(not Path(MIRROR, "eval").is_dir(), reason="PROACTIVEBENCH_MIRROR is unset")
KEY = "user_balanced_accuracy"
ABOUT = dict.fromkeys(("version", "revision", "licence", "date", "source"), "test")


def trace(name, *users, names=(), asked=(), asked_by=()):
    """A trace on each moment of which `users` (strings of 1 and 0) voted on one offer."""
    labels = []
    for turn in range(len(users[0])):
        votes = tuple(user[turn] == "1" for user in users)
        answers = tuple(user[turn] == "1" for user in asked)
        labels.append(
            MomentLabels(
                need=all(votes),
                need_majority=2 * sum(votes) > len(votes),
                tasks=(TaskVotes(task=f"{name} {turn}", votes=votes, annotators=names),),
                asked=answers,
                asked_by=asked_by if answers else (),
            )
        )
    events = tuple(Event(time=str(60 * turn), event=f"step {turn}") for turn in range(len(users[0])))
    return Trace(trace_id=name, split="s", events=events, labels=tuple(labels))


def task(*traces):
    return Task(name="letters", traces=traces, **ABOUT)


def report_of(data, rows, repeats=1):
    replies, verdicts = make_run(data, rows)
    session = Session(started="2026-01-01T00:00:00Z", versions={}, repeats=repeats)
    manifest = make_manifest(data, LABELS, sessions=(session,))
    return build_report(data, manifest, replies, {LABELS.id: verdicts})


def value(report, key=KEY):
    return report.judges[0].overall.metrics[key]


def test_each_user_counts_as_one_and_those_with_one_kind_of_moment_do_not_count():
    data = task(trace("t0", "1100", "1111"), trace("t1", "1000", "0001"))
    found = report_of(data, {"t0": "Aaaa", "t1": "RRaa"})
    by_user = {user.user: user for user in found.users}
    assert [user.user for user in found.users] == ["t0 #2", "t0 #1", "t1 #1", "t1 #2"]
    assert by_user["t0 #1"].balanced_accuracy == pytest.approx((1 / 2 + 1) / 2)
    assert by_user["t0 #2"].balanced_accuracy is None
    assert by_user["t0 #2"].recall == pytest.approx(1 / 4)
    assert by_user["t1 #1"].balanced_accuracy == pytest.approx((1 + 2 / 3) / 2)
    assert by_user["t1 #2"].balanced_accuracy == pytest.approx((0 + 1 / 3) / 2)
    assert value(found).value == pytest.approx((0.75 + 5 / 6 + 1 / 6) / 3)
    assert value(found).interval_reason == "fewer than 4 traces"


def test_a_pseudonym_is_one_user_in_all_traces_and_a_place_is_not():
    rows, votes = {"t0": "Aaaa", "t1": "RRaa"}, ("1100", "0011")
    named = report_of(task(trace("t0", *votes, names=("ann", "bob")), trace("t1", *votes, names=("bob", "ann"))), rows)
    # ann needs t0 0, 1 and t1 2, 3: one of four is met, and two of her four others are disturbed.
    assert {user.user: user.balanced_accuracy for user in named.users} == {
        "ann": pytest.approx((1 / 4 + 2 / 4) / 2),
        "bob": pytest.approx((2 / 4 + 3 / 4) / 2),
    }
    assert value(named).value == pytest.approx((0.375 + 0.625) / 2)
    assert len(report_of(task(trace("t0", *votes), trace("t1", *votes)), rows).users) == 4


def test_whoever_always_or_never_offers_has_one_half_in_every_part_of_the_data_and_no_interval():
    votes = ("110000", "011111", "001110", "100001", "010101", "111000")
    data = task(
        *(trace(f"t{place}", *votes, names=tuple(f"u{(place + n) % 12}" for n in range(6))) for place in range(6))
    )
    parts = [one.model_copy(update={"split": f"s{place % 2}"}) for place, one in enumerate(data.traces)]
    for letter in "Aa":
        found = report_of(task(*parts), {one.trace_id: letter * 6 for one in parts})
        sections = (found.judges[0].overall, *found.judges[0].splits.values())
        assert [section.metrics[KEY].value for section in sections] == pytest.approx([0.5] * 3)
        assert value(found).interval_reason == "identical in every trace"


def test_a_user_who_was_asked_needs_what_they_said_and_any_accepted_offer_is_enough_else():
    label = MomentLabels(
        need=False,
        tasks=(
            TaskVotes(task="a", votes=(True, False), annotators=("ann", "bob")),
            TaskVotes(task="b", votes=(False, False), annotators=("ann", "bob")),
        ),
        asked=(False, True),
        asked_by=("ann", "eve"),
    )
    assert own_needs(label, "t") == {"ann": False, "bob": False, "eve": True}
    assert own_needs(label.model_copy(update={"asked": (), "asked_by": ()}), "t") == {"ann": True, "bob": False}


def test_repeats_weigh_alike_and_moments_without_an_answer_are_nobodys():
    data = task(trace("t0", "1100"))
    assert value(report_of(data, {"t0": ("Aaaa", "AAAa")}, repeats=2)).value == pytest.approx((3 / 4 + 3 / 4) / 2)
    partly = report_of(data, {"t0": "A.aA"})
    assert value(partly).value == pytest.approx((1 + 1 / 2) / 2)
    assert partly.users[0].moments == 3


def test_unclean_replies_are_silences_wrong_when_strict_and_bounded_by_what_they_may_have_been():
    data = task(*(trace(f"t{place}", "1100") for place in range(4)))
    found = value(report_of(data, dict.fromkeys(("t0", "t1", "t2", "t3"), "yaxa")))
    assert found.value == pytest.approx((0 + 1) / 2)
    assert found.strict == pytest.approx((0 + 1 / 2) / 2)
    assert found.bounds == pytest.approx(((0 + 1 / 2) / 2, (1 / 2 + 1) / 2))


@pytest.mark.parametrize("labels", [None, (MomentLabels(need=True), MomentLabels(need=False))])
def test_without_votes_kept_apart_it_is_undefined_and_no_user_is_listed(labels):
    events = tuple(Event(time=str(turn), event=f"step {turn}") for turn in range(2))
    found = report_of(task(Trace(trace_id="t0", split="s", events=events, labels=labels)), {"t0": "Aa"})
    assert value(found).value is None
    assert "no votes kept apart" in value(found).reason
    assert found.users == ()
    assert "users" not in json.loads(found.model_dump_json())


def test_below_ten_users_there_is_no_interval_and_from_ten_there_is():
    random = np.random.default_rng(1)

    def run(per_trace):
        names = [f"t{place}" for place in range(5)]
        votes = {name: ["10" + "".join(random.choice(list("01"), 8)) for _ in range(per_trace)] for name in names}
        rows = {name: "".join(random.choice(list("Aa"), 10)) for name in names}
        return value(report_of(task(*(trace(name, *votes[name]) for name in names)), rows))

    assert run(1).interval_reason == "too few users"
    assert run(2).interval is not None


# A task of two traces. All three people need help at the same moments; one, in the first trace, at six others too.
SHARED, MORE = (4, 5, 12, 13), (1, 7, 9, 15, 17, 19)
SCRIPTED = {
    "adapting": {"t0": MORE, "t1": ()},  # speaks more where somebody wants more
    "uniform": {"t0": MORE[::2], "t1": MORE[1::2]},
}


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    shared = "".join("01"[turn in SHARED] for turn in range(20))
    keen = "".join("01"[turn in SHARED + MORE] for turn in range(20))
    data = task(trace("t0", keen, shared, shared), trace("t1", shared, shared, shared))

    def script(name):
        def says(moment):
            if moment.turn in (4, 12):
                return f"wanted {moment.turn}"
            return f"other {moment.turn}" if moment.turn in SCRIPTED[name][moment.trace_id] else None

        return says

    folder, judge = tmp_path_factory.mktemp("pair"), ScriptedJudge(accepts=["wanted 4", "wanted 12"])
    return {name: pb.evaluate(ScriptedAgent(script(name)), data, judge, output_path=folder / name) for name in SCRIPTED}


def test_an_agent_that_adapts_to_a_user_is_told_from_one_that_does_not_by_this_metric_and_no_other(pair):
    adapting, uniform = (pair[name].judges[0].overall.metrics for name in ("adapting", "uniform"))
    apart = {
        key
        for key in METRICS
        if (adapting[key].value, uniform[key].value) != (None, None)
        and adapting[key].value != pytest.approx(uniform[key].value)
        and METRICS[key].repeatable
    }
    assert apart == {KEY}
    assert adapting[KEY].value > uniform[KEY].value + 0.04
    assert adapting["proposal_rate"].value == uniform["proposal_rate"].value


def test_the_page_has_the_figures_of_these_agents(pair):
    page = Path(__file__).parents[2] / "docs" / "when-whom-how-sure.md"
    figures = {name: f"{value(report).value:.2f}" for name, report in pair.items()}
    row = next(line for line in page.read_text(encoding="utf-8").splitlines() if line.startswith(f"| `{KEY}` |"))
    assert [cell.strip(" *") for cell in row.split("|")[2:4]] == [figures["adapting"], figures["uniform"]]


def test_comparisons_and_gates_take_it_as_any_other_metric(pair):
    adapting, uniform = pair["adapting"], pair["uniform"]
    compared = compare([adapting, uniform], KEY)
    assert compared.pairs[0].difference == pytest.approx(value(adapting).value - value(uniform).value)
    assert gate(adapting, adapting, [KEY], rule="point").passed
    assert not gate(adapting, uniform, [KEY], rule="point", max_drop=0.01).passed


def test_a_page_has_users_beside_their_number_and_the_two_it_meets_least_and_best(pair):
    boards_of = boards([Named(name, report) for name, report in pair.items()])
    board = next(board for board in boards_of if board.title == "For whom")
    assert [head.title for head in board.heads][1:] == ["users", "least", "best"]
    adapting = next(line for line in board.lines if line.name == "adapting")
    assert [(cell.text, cell.below) for cell in adapting.cells][1:] == [
        ("6", ""),
        ("0.562", "t0 #2"),
        ("0.900", "t0 #1"),
    ]


def test_a_foreign_name_is_text_in_a_spreadsheet():
    user = UserFigures(user="=cmd()", moments=4, need_rate=0.5, votes=4)
    assert next(csv.DictReader(io.StringIO(users_csv([user]))))["user"] == "'=cmd()"


def test_users_survive_a_report_that_is_written_and_read():
    data = task(trace("t0", "1100"))
    found = report_of(data, {"t0": "Aaaa"})
    assert Report.model_validate_json(found.model_dump_json()).users == found.users


@released
@pytest.mark.parametrize("name", ["proactivebench", "proactivebench_published"])
def test_the_release_has_35_users_28_of_them_with_moments_of_both_kinds(name):
    users = Users.of(load_task(name).traces)
    everywhere = np.ones(users.moments)
    found = users.figures(everywhere, everywhere)
    assert (len(found), sum(user.balanced_accuracy is not None for user in found)) == (35, 28)
    assert [sum(each) for each in users.weights(everywhere)] == pytest.approx([28, 28])
    assert (min(user.need_rate for user in found), max(user.need_rate for user in found)) == pytest.approx((2 / 21, 1))


@released
def test_one_person_stands_beside_agents_against_each_of_the_others():
    human = next(anchor for anchor in anchors_of(load_task("proactivebench"), 0.5) if anchor.name == HUMAN)
    assert human.metrics[KEY].value == pytest.approx(0.634, abs=0.0005)
    assert human.metrics[KEY].interval is not None


def test_what_a_table_of_when_to_speak_has_is_what_the_report_has():
    data = task(*(trace(f"t{place}", "1100", "1010") for place in range(5)))
    rows = dict(zip([one.trace_id for one in data.traces], ("Aaaa", "RAaa", "aaRa", "aaaa", "RRRR"), strict=True))
    offered = {name: ("".join("01"[letter in "AR"] for letter in row),) for name, row in rows.items()}
    assert timed(data, offered).metrics[KEY].value == pytest.approx(value(report_of(data, rows)).value)
    assert timed(data, offered).metrics[KEY].interval == pytest.approx(value(report_of(data, rows)).interval)


def test_the_votes_of_the_same_traces_are_read_once_however_many_runs_ask(monkeypatch):
    read = []

    def counted(label, name):
        read.append(name)
        return own_needs(label, name)

    monkeypatch.setattr("proactivebench.scoring.users.own_needs", counted)
    data = task(trace("read once", "1100", "1010"), trace("read once too", "0101"))
    for row in ("Aaaa", "RRaa"):
        report_of(data, {one.trace_id: row for one in data.traces})
        timed(data, {one.trace_id: ("1000",) for one in data.traces})
    assert sorted(read) == ["read once"] * 4 + ["read once too"] * 4


@pytest.mark.parametrize("named", [0, 12])
def test_intervals_hold_the_truth_of_simulated_runs(named):
    """Of 200 runs with a true coverage of .95, fewer than .89 hold it in less than one case of a thousand."""
    assert coverage(AGENTS[0], 12, named, 0.5, 200, seed=3).held >= 0.89
