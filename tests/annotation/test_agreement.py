"""How far people agree: with each other, with themselves, with the release's own figures."""

from __future__ import annotations

import json
import os
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest

from proactivebench.annotation.agreement import (
    JobAgreement,
    agreement_of,
    human_rows,
    kind_agreement,
    share_over_traces,
)
from proactivebench.annotation.ballots import Ballot, Ballots, Kind
from proactivebench.annotation.job import JobFolder
from proactivebench.errors import UsageError
from proactivebench.records import Answer, NeedRule, Plan
from proactivebench.scoring.intervals import effective_size, wilson
from proactivebench.traces import labelled_items, load_task
from proactivebench.traces.benchmark import RELEASED
from proactivebench.validation.drift import DRAWS, drift
from tests.annotation.jobs import make_job
from tests.annotation.voters import answer, seat
from tests.board.calling import call

NAMES = ("ann", "bob", "cid")
on_the_release = pytest.mark.skipif(
    not Path(os.environ.get("PROACTIVEBENCH_MIRROR", ""), "dataset").is_dir(), reason="PROACTIVEBENCH_MIRROR is unset"
)


def choose(name: str):
    """Ann likes even steps, Bob all but the first two, Cid answers at random; Ann wavers at second showings."""
    rng = np.random.default_rng(len(name) + ord(name[0]))

    def chosen(item, offer, occasion):
        liked = {"ann": item.turn % 2 == 0, "bob": item.turn > 1, "cid": bool(rng.random() < 0.5)}[name]
        if name == "ann" and occasion and item.turn == 2:
            liked = not liked
        if name == "cid" and item.turn == 4 and offer:
            return Answer.UNSURE
        if offer is None:
            return Answer.YES if liked else Answer.NO
        return Answer.ACCEPT if liked else Answer.PREMATURE if item.turn == 1 else Answer.REJECT

    return chosen


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> JobFolder:
    """Three people on eight sessions of five moments, half of them twice."""
    folder = make_job(
        tmp_path_factory.mktemp("jobs") / "job", sessions=8, plan=Plan(annotators=3, overlap=3, repeats=0.5)
    )
    seat(folder, *NAMES)
    for seconds, name in enumerate(NAMES, start=5):
        answer(folder, name, choose(name), seconds=seconds)
    return folder


@pytest.fixture(scope="module")
def found(folder: JobFolder) -> JobAgreement:
    """How far they agree."""
    return agreement_of(folder, most=40)


def test_everything_about_a_kind_of_question_is_there_for_three(found: JobAgreement) -> None:
    need, offers = found.kinds
    assert (need.kind, need.questions, need.votes) == (Kind.NEED, 40, 120)
    assert (offers.kind, offers.questions, offers.votes) == (Kind.OFFERS, 80, 240 - 16)
    assert need.alpha.interval[0] < need.alpha.value < need.alpha.interval[1]
    assert need.ac1.interval[0] < need.ac1.value < need.ac1.interval[1]
    assert (need.icc.k, need.icc.items) == (3, 40)
    assert (need.usual, offers.usual.items) == (None, 64)
    assert (offers.icc.k, offers.icc.items) == (3, 64), "those of which Cid is unsure have two votes"
    assert need.one_human.value is not None
    assert [human.rule for human in need.human] == [NeedRule.ASKED]
    assert [human.rule for human in offers.human] == [NeedRule.UNANIMOUS, NeedRule.MAJORITY]
    assert need.ceiling.people == 3
    assert found.seconds == {"ann": 5, "bob": 6, "cid": 7}
    assert offers.unsure == pytest.approx(16 / 240)
    assert offers.premature == pytest.approx(sum(one.premature * 80 for one in offers.people) / 240)


def test_pairs_are_counted_and_the_observed_agreement_is_their_mean(found: JobAgreement) -> None:
    need = found.kinds[0]
    ann_bob = next(pair for pair in need.pairs if (pair.first, pair.second) == ("ann", "bob"))
    assert (ann_bob.same, ann_bob.both) == (24, 40), "steps 1, 2 and 4 of five"
    assert need.observed == pytest.approx(sum(pair.same for pair in need.pairs) / 120)


def test_each_ones_share_is_an_interval_over_sessions(found: JobAgreement) -> None:
    ann, bob, _ = found.kinds[0].people
    assert (ann.accepted.value, ann.accepted.items) == (0.6, 40)
    expected = wilson(0.6, effective_size(40, 8), 2.3646242515927844)
    assert ann.accepted.interval == pytest.approx(expected), "the same in every session: as many as they stand for"
    assert share_over_traces([[True], [False]]).interval is None
    assert bob.repeats.same == 1.0
    assert ann.repeats.pairs == 20
    assert 0 < ann.repeats.same < 1
    assert ann.repeats.kappa < bob.repeats.kappa == 1.0


def test_drift_is_found_where_it_is_and_only_there() -> None:
    rng = np.random.default_rng(2)
    steady = [(rng.random(6) < 0.5).tolist() for _ in range(20)]
    turning = [[place < 10] * 6 for place in range(20)]
    assert drift(turning).p == pytest.approx(1 / (1 + DRAWS), abs=2e-3)
    assert (drift(turning).first, drift(turning).second) == (1.0, 0.0)
    assert drift(turning[:4]).reason == "no test: fewer than 5 sessions"
    assert drift([[True]] * 8).reason == "no test: always the same answer"
    assert drift([[True]]) is None
    assert drift(steady).p > 0.05
    ps = [drift([(rng.random(5) < share).tolist() for share in rng.random(8)], seed=n).p for n in range(200)]
    assert 0.01 <= np.mean(np.array(ps) <= 0.05) <= 0.10, "sessions that differ are no drift"


def test_two_people_have_alpha_only_of_what_people_share(tmp_path: Path) -> None:
    two = make_job(tmp_path / "two", plan=Plan(annotators=2, overlap=2, repeats=0))
    seat(two, "ann", "bob")
    for name in ("ann", "bob"):
        answer(two, name, choose(name))
    for kind in agreement_of(two).kinds:
        assert kind.alpha.value is not None
        assert "α only" in kind.reason
        assert (kind.ac1, kind.icc, kind.one_human, kind.ceiling, kind.observed) == (None,) * 5
        assert (kind.pairs, kind.human) == ((), ())
        assert all(person.against_others is None for person in kind.people)


def test_what_people_disagree_on_most_comes_first(found: JobAgreement) -> None:
    shares = [one.share for one in found.disagreements]
    assert shares == sorted(shares, reverse=True)
    assert all(one.apart for one in found.disagreements)
    first = found.disagreements[0]
    assert first.questions[0].offer is None
    assert [said.annotator for said in first.questions[0].said] == list(NAMES)


def test_nobody_having_voted_is_said(tmp_path: Path) -> None:
    empty = make_job(tmp_path / "empty", sessions=1)
    with pytest.raises(UsageError, match="nobody has voted yet"):
        agreement_of(empty)
    seat(empty, "ann")
    answer(empty, "ann", lambda *_: Answer.UNSURE)
    done = call("annotate", "agreement", empty.path)
    assert (done.code, len(done.err.splitlines())) == (2, 1)


def test_the_command_line_says_it_in_words_and_in_json(folder: JobFolder, found: JobAgreement) -> None:
    done = call("annotate", "agreement", folder.path)
    assert done.code == 0, done.err
    for word in ("Krippendorff's α", "Gwet's AC1", "ICC(C,1)", "ann", "one person against", "two people predict"):
        assert word in done.out
    told = json.loads(call("annotate", "agreement", folder.path, "--json", "--most", 40).out)
    assert told == json.loads(found.model_dump_json())


# --- the release ------------------------------------------------------------------------------------------------------


def released(kind: Kind) -> tuple[Ballots, list]:
    """The released votes of one kind, and those on the benchmark's moments by trace and turn; annotators are places
    within a trace, as the release keeps them apart. A silence that somebody holds right is no need of theirs."""
    inside = {trace.events[: turn + 1] for trace in load_task(RELEASED).traces for turn in range(len(trace.events))}
    words = {Kind.NEED: (Answer.YES, Answer.NO), Kind.OFFERS: (Answer.REJECT, Answer.ACCEPT)}[kind]
    rows = [row for row in labelled_items() if (row.pred_task is None) is (kind is Kind.NEED)]
    answers, moments = [], defaultdict(lambda: defaultdict(list))
    for question, row in enumerate(rows):
        who = [f"{row.trace}-{place}" for place in range(len(row.votes))]
        answers += [Ballot(name, question, words[vote], question) for name, vote in zip(who, row.votes, strict=True)]
        if row.events in inside:
            accepted = [words[vote].vote for vote in row.votes]
            moments[row.trace][row.turn].append(dict(zip(who, accepted, strict=True)))
    people = tuple(sorted({one.annotator for one in answers}))
    ballots = Ballots(kind, people, tuple(row.trace for row in rows), tuple(answers))
    return ballots, [list(turns.values()) for turns in moments.values()]


@on_the_release
def test_offers_of_the_release_have_the_alpha_and_the_ceiling_that_are_documented() -> None:
    offers, _ = released(Kind.OFFERS)
    found = kind_agreement(offers)
    assert (found.questions, round(found.alpha.value, 2)) == (1447, 0.21)
    assert (found.usual.items, round(found.usual.value, 3)) == (1299, 0.156)
    assert found.usual.interval[0] < 0.156 < found.usual.interval[1]
    assert (round(found.ceiling.auc_pooled, 3), round(found.ceiling.auc_within, 3)) == (0.609, 0.682)
    assert found.icc.single == pytest.approx(found.ceiling.consistency)
    assert found.icc.mean == pytest.approx(found.ceiling.reliability)


@on_the_release
def test_one_human_of_the_release_stands_where_it_stands_in_every_table() -> None:
    """.566 by what they accept, .46 by their votes on need."""
    by_offers = human_rows(released(Kind.OFFERS)[1], Kind.OFFERS)
    asked = human_rows(released(Kind.NEED)[1], Kind.NEED)
    assert [round(one.value.value, 3) for one in by_offers] == [0.566, 0.566]
    assert [round(one.value.value, 2) for one in asked] == [0.46]
