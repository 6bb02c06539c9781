"""The band for harsh, median and lenient users, and whether the order of two runs survives it."""

import asyncio

import numpy as np
import pytest

from perf.population import THIRDS as OF_PERF
from perf.population import errors
from proactivebench.cli.root import invoke
from proactivebench.judging.errors import thresholds_of as known_thresholds
from proactivebench.judging.personal import fitted_shift, sigma
from proactivebench.records import (
    ErrorCount,
    JudgeErrors,
    Measured,
    NeedRule,
    PopulationBand,
    Report,
    Task,
    Thresholds,
    VerdictStatus,
)
from proactivebench.scoring import build_report
from proactivebench.scoring.comparison import compare
from proactivebench.scoring.population import accepted_by, thirds
from proactivebench.validation.people import own_labels
from proactivebench.validation.validate import ask, thresholds_of
from tests.judging.scripted import ScriptedJudge, opinion
from tests.scoring.runs import JUDGE, LABELS, make_judge, make_manifest, make_reply, make_task, make_verdict
from tests.validation.own import PEOPLE, own_traces

READY = Thresholds(people="12 people of some labels", shifts=tuple(np.linspace(-2, 2, 12).tolist()))
ROWS = {"a": "ARar", "b": "RAAa"}


def report_of(
    probabilities: dict[str, float | None], rows=ROWS, judge=JUDGE, ready: Thresholds | str = READY, by: str = "fair"
) -> Report:
    """A run written as letters, whose accepted and rejected offers have such a probability."""
    task = make_task(
        {name: len(row) for name, row in rows.items()}, needs={n: [True] * len(r) for n, r in rows.items()}
    )
    replies = [make_reply(name, turn, letter) for name, row in rows.items() for turn, letter in enumerate(row)]
    letters = [letter for row in rows.values() for letter in row]
    verdicts = [
        make_verdict(task, reply, letter, judge=by, probability=probabilities.get(letter))
        for reply, letter in zip(replies, letters, strict=True)
    ]
    manifest = make_manifest(task, judge)
    return build_report(task, manifest, replies, {judge.id: verdicts}, populations={judge.id: ready})


def band(report: Report) -> PopulationBand:
    found = report.judges[0].population
    assert found is not None
    return found


def test_the_band_is_the_mean_over_each_third_as_expected_counts() -> None:
    found = band(report_of({"A": 0.7, "R": 0.2}))
    for third, shifts in thirds(READY.shifts).items():
        each = [np.mean([sigma(np.log(p / (1 - p)) + d) for d in shifts]) for p in (0.7, 0.2, 0.2, 0.7, 0.7)]
        assert found.acceptance[third] == pytest.approx(sum(each) / 5)
        assert found.f1[third] == pytest.approx(2 * sum(each) / (sum(each) + 5 + 1))  # one wrong silence
    assert found.acceptance["harsh"] < found.acceptance["median"] < found.acceptance["lenient"]
    assert (found.people, found.offers, found.by_people) == (READY.people, 5, 0)


def test_people_whom_nothing_moves_leave_the_judges_probabilities() -> None:
    found = band(report_of({"A": 0.7, "R": 0.2}, ready=READY.model_copy(update={"shifts": (0.0,) * 12})))
    assert list(found.acceptance.values()) == [pytest.approx(0.5)] * 3
    assert accepted_by(np.array([0.0, 1.0]), np.zeros(1)) == pytest.approx([0.001, 0.999])


def test_what_peoples_votes_decided_stands_as_decided() -> None:
    judge = make_judge(silence="labels", proposals="labels+fair")
    by_people = band(report_of({}, judge=judge, by="labels"))
    assert by_people.refused is not None
    assert "no offer" in by_people.refused


@pytest.mark.parametrize(
    ("probabilities", "ready", "why"),
    [
        ({"A": 0.7}, READY, "2 of 5 verdicts on offers carry no probability"),
        ({"A": 0.7, "R": 0.2}, "its probabilities are off", "its probabilities are off"),
    ],
)
def test_where_there_is_no_band_it_says_why(probabilities: dict, ready: Thresholds | str, why: str) -> None:
    found = band(report_of(probabilities, ready=ready))
    assert (found.refused, found.acceptance) == (why, {})


def test_a_report_without_known_thresholds_is_as_ever() -> None:
    task = make_task({"a": 1})
    report = build_report(task, make_manifest(task, LABELS), [make_reply("a", 0, "a")], {LABELS.id: []})
    assert "population" not in report.model_dump_json()
    assert "population" not in compare([report, report], "proposal_rate", names=["x", "y"]).model_dump_json()


def test_the_order_of_two_runs_may_turn_with_the_users() -> None:
    sure = report_of({"A": 0.6}, rows={"a": "AAAA", "b": "AAAA"})
    split = report_of({"A": 0.95, "R": 0.12}, rows={"a": "AARR", "b": "AARR"})
    (by_acceptance,) = [
        pair for pair in compare([sure, split], "f1", names=["sure", "split"]).population if pair.metric == "acceptance"
    ]
    ahead = {third: one > other for third, (one, other) in by_acceptance.values.items()}
    assert ahead == {"harsh": False, "median": True, "lenient": True}
    assert not by_acceptance.same
    alike = compare([split, split], "f1", names=["x", "y"]).population
    assert [pair.same for pair in alike] == [True, True]


def _measured(ece: float | None, people: int = 12, **changes: object) -> Measured:
    count = ErrorCount(correct=30, items=40)
    return Measured(
        judge=JUDGE.id, date="d", data="labels", data_hash="h", command="c", design="direct", rule=NeedRule.UNANIMOUS,
        items=160,
        errors=JudgeErrors(
            judge_hash=JUDGE.hash, correct_detection=count, false_alarm=count, population="labels",
            correct_rejection=count, missed_need=count,
        ),
        figures={} if ece is None else {"ece_offers": ece},
        thresholds=Thresholds(people=f"{people} people of the labels", shifts=(0.0,) * people),
    ).model_copy(update=changes)  # fmt: skip


def test_only_calibrated_probabilities_speak_for_users() -> None:
    identity = JUDGE.model_copy(update={"card": {"kind": "llm", "name": "fair"}})
    assert known_thresholds(identity, [_measured(0.06)]) == _measured(0.06).thresholds
    assert "off by 0.200" in str(known_thresholds(identity, [_measured(0.2)]))
    assert "need 10 people" in str(known_thresholds(identity, [_measured(0.06, people=9)]))
    assert known_thresholds(identity, [_measured(None)]) is None
    assert known_thresholds(identity, [_measured(0.06, design="unknown")]) is None
    assert known_thresholds(identity, []) is None
    earlier = _measured(0.06).model_copy(update={"thresholds": None, "items": 1000})
    assert known_thresholds(identity, [earlier, _measured(0.06)]) == _measured(0.06).thresholds


def test_measuring_a_judge_learns_how_ready_its_people_are() -> None:
    task = Task(name="own", version="1", revision="r", licence="l", date="d", source="s", traces=own_traces(2))
    items = own_labels(task, "mine").items
    judge = ScriptedJudge(lambda _: opinion("accepted", probability=0.5))
    found = thresholds_of(judge.identity, items, asyncio.run(ask(judge, items)), "labels of own")
    assert found is not None
    assert found.people == f"{len(PEOPLE)} people of the labels of own"
    votes = [
        dict(zip(row.annotators, row.votes, strict=True))["ann"]
        for row in (item.row for item in items)
        if row.pred_task is not None
    ]
    assert round(fitted_shift([0.0] * len(votes), votes), 3) in found.shifts
    silent = ScriptedJudge(lambda _: opinion(VerdictStatus.ACCEPTED))
    assert thresholds_of(silent.identity, items, asyncio.run(ask(silent, items)), "x") is None


def test_the_band_is_unbiased_where_the_model_holds() -> None:
    random = np.random.default_rng(0)
    came = [errors(random, 46, 40) for _ in range(40)]
    for third in OF_PERF:
        off = np.array([one[third] for one in came])
        assert np.abs(off.mean(axis=0)).max() < 0.01, third


def test_a_run_under_the_shipped_baseline_shows_the_band_and_compares_by_it(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("PROACTIVEBENCH_CACHE", str(tmp_path / "cache"))
    for agent in ("always", "parrot"):
        words = ["run", "--model", agent, "--tasks", "proactivebench_sample", "--judge", "lexical"]
        invoke([*words, "--output_path", str(tmp_path / agent)])
        shown = " ".join(capsys.readouterr().out.split())
        assert "thirds of 46 people of the released human labels" in shown
        assert "F1 (overlap)" in shown
    stored = Report.model_validate_json((tmp_path / "always" / "report.json").read_text())
    assert band(stored).offers > 0
    invoke(["compare", str(tmp_path / "always"), str(tmp_path / "parrot")])
    said = " ".join(capsys.readouterr().out.split())
    assert "harsh, median and lenient users by F1, judged by word overlap" in said
    pytest.importorskip("matplotlib")
    invoke(["plot", str(tmp_path / "always"), str(tmp_path / "parrot"), "--output_path", str(tmp_path / "plots")])
    picture = (tmp_path / "plots" / "population.svg").read_text(encoding="utf-8")
    assert "thirds of 46 people" in picture
