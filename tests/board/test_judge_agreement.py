"""Two judges of one run: raw agreement, and what is beyond chance, with intervals over traces."""

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from proactivebench.board.site.judge_agreement import KAPPA, Together, flat_agreements, judge_agreements, judged_twice
from proactivebench.records import JudgeIdentity, JudgeMember, TaskIdentity, Verdict, VerdictStatus
from proactivebench.scoring.counting import zeros
from proactivebench.scoring.intervals import Resampled, spread
from proactivebench.scoring.offers import Column

TASK = TaskIdentity(
    name="proactivebench_sample", version="1", revision="r", data_hash="d" * 64, licence="x", source="s", labelled=True
)
ACCEPTED, REJECTED, UNSCORED = VerdictStatus.ACCEPTED, VerdictStatus.REJECTED, VerdictStatus.UNSCORED


def judge(name, *, people=False):
    members = tuple(
        JudgeMember(stratum=stratum, name=name, kind="labels" if people else "llm", fallible=not people)
        for stratum in ("silence", "proposals")
    )
    hashed = (name.encode().hex() + "0" * 64)[:64]
    return JudgeIdentity(
        id=f"{name}-{hashed[:8]}", name=name, hash=hashed, silence=name, proposals=name, members=members
    )


def verdict(trace, turn, status, by, candidate=0):
    return Verdict(trace_id=trace, turn=turn, candidate=candidate, status=status, judge=by, question="0" * 16)


def twice(first, second, one, other):
    """The `Together` of two judges from their statuses per trace."""
    given = {
        each.id: [
            verdict(trace, turn, status, each.name)
            for trace, row in statuses.items()
            for turn, status in enumerate(row)
        ]
        for each, statuses in ((first, one), (second, other))
    }
    return judged_twice({first.id: first, second.id: second}, given)


A, B = judge("alpha"), judge("beta")


def test_verdicts_on_the_same_answers_are_counted_by_trace():
    (found,) = twice(
        A,
        B,
        {"t1": [ACCEPTED, ACCEPTED, REJECTED, REJECTED], "t2": [ACCEPTED]},
        {"t1": [ACCEPTED, REJECTED, REJECTED, ACCEPTED], "t2": [ACCEPTED]},
    )
    assert (found.first, found.second, found.stratum) == (A.id, B.id, "proposals")
    assert found.traces == {"t1": (1, 1, 1, 1), "t2": (1, 0, 0, 0)}


def test_an_unscored_verdict_and_one_that_only_one_judge_gave_are_left_out():
    assert twice(A, B, {"t": [UNSCORED, ACCEPTED]}, {"t": [ACCEPTED]}) == ()


def test_what_peoples_votes_decided_for_both_is_left_out():
    people, more = judge("labels", people=True), judge("labels2", people=True)
    assert twice(people, more, {"t": [ACCEPTED]}, {"t": [ACCEPTED]}) == ()
    assert twice(people, B, {"t": [ACCEPTED]}, {"t": [ACCEPTED]})[0].traces == {"t": (1, 0, 0, 0)}


def test_a_run_judged_once_has_no_agreement():
    assert judged_twice({A.id: A}, {A.id: [verdict("t", 0, ACCEPTED, "alpha")]}) == ()
    assert judge_agreements([(TASK, {A.id: A}, ())]) == []


def drawn(rng, traces=12):
    """Statuses of two judges who agree more than chance, in traces of unequal length."""
    one, other = {}, {}
    for number in range(traces):
        size = int(rng.integers(8, 30))
        first = rng.random(size) < 0.5
        second = np.where(rng.random(size) < 0.75, first, rng.random(size) < 0.5)
        one[f"t{number}"], other[f"t{number}"] = (
            [ACCEPTED if accepts else REJECTED for accepts in row] for row in (first, second)
        )
    return one, other


def test_kappa_is_cohens_over_all_runs_of_the_two_judges():
    rng = np.random.default_rng(1)
    runs = [drawn(rng), drawn(rng)]
    found = judge_agreements([(TASK, {A.id: A, B.id: B}, twice(A, B, *run)) for run in runs])
    (both,) = found
    first = [status for one, _ in runs for row in one.values() for status in row]
    second = [status for _, other in runs for row in other.values() for status in row]
    assert both.runs == 2
    assert both.verdicts == len(first)
    assert both.raw.value == pytest.approx(np.mean([a == b for a, b in zip(first, second, strict=True)]))
    assert both.kappa.value == pytest.approx(cohen_kappa_score(first, second))
    low, high = both.kappa.interval
    assert low < both.kappa.value < high < 1
    (line,) = flat_agreements(found)
    assert (line["kappa"], line["kappa_low"]) == (both.kappa.value, low)


def test_few_verdicts_have_no_interval_and_no_variation_no_kappa():
    counts = {f"t{n}": (1, 0, 0, 0) for n in range(6)}
    (found,) = judge_agreements(
        [(TASK, {A.id: A, B.id: B}, (Together(first=A.id, second=B.id, stratum="silence", traces=counts),))]
    )
    assert np.isnan(found.kappa.value)
    assert found.raw.interval is None
    (line,) = flat_agreements([found])
    assert line["kappa"] is None


@pytest.mark.parametrize("traces", [12, 6])
def test_the_interval_of_kappa_covers_where_traces_differ(traces):
    """Dirichlet-multinomial cells of unequal traces, truth κ .60; 400 draws leave ± .02."""
    rng = np.random.default_rng(7)
    cells, rho = np.array([0.45, 0.1, 0.35, 0.1]), 0.1  # both accept, only the first, both reject, only the second
    agree, a, b = cells[0] + cells[2], cells[0] + cells[1], cells[0] + cells[3]
    chance = a * b + (1 - a) * (1 - b)
    truth = (agree - chance) / (1 - chance)
    hits = given = 0
    for _ in range(400):
        counts = zeros(traces)
        for trace in range(traces):
            shares = rng.dirichlet(cells * (1 - rho) / rho)
            counts[trace, [Column.TP, Column.FP, Column.TN, Column.FN]] = rng.multinomial(rng.integers(8, 36), shares)
        interval = spread(KAPPA, Resampled(counts)).interval
        given += interval is not None
        hits += interval is not None and interval[0] <= truth <= interval[1]
    assert given > 350
    assert hits / given >= 0.91
