"""A job is made from runs or data: what people are asked stands in it, and nothing that would lead them."""

from __future__ import annotations

import json
import math
import shutil
from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import proactivebench as pb
from proactivebench.annotation import prepare
from proactivebench.annotation.choosing import from_runs
from proactivebench.annotation.job import JobFolder
from proactivebench.annotation.preparing import effort, plan_of
from proactivebench.annotation.runs import Answered, read_runs
from proactivebench.cli import main as pb_main
from proactivebench.errors import BadArgument, CannotWrite, InvalidRun, NotComparable, UnknownName, WrongFile
from proactivebench.records import AnnotationItem, DrawnFrom, ItemStratum, Task
from proactivebench.store import write_whole
from proactivebench.traces.sample import sample_task
from tests.annotation.jobs import DATA

SAME = "Shall I look it up?"
PLACES = [(trace.trace_id, turn) for trace in DATA.traces for turn in range(len(trace.events))]


def _eager(moment: pb.Moment) -> str | None:
    """Offers at two of three moments, half of the time what others offer, too."""
    turn = moment.turn
    return None if turn % 3 == 2 else SAME if turn % 2 else f"Offer {turn} of the eager one"


def _shy(moment: pb.Moment) -> str | None:
    """Offers at every other moment, always the same, in white space of its own."""
    return f" {SAME.replace(' ', '  ')}\n" if moment.turn % 2 else None


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Make a run on the own data, once for the same name."""
    folder = tmp_path_factory.mktemp("runs")

    def run(name: str, agent: Any = _eager, task: Task | str = DATA, **settings: Any) -> Path:
        if not (folder / name).exists():
            pb.evaluate(agent, task, output_path=folder / name, **{"predict_only": True, **settings})
        return folder / name

    return run


@pytest.fixture(scope="module")
def eager(made: Callable[..., Path]) -> Path:
    return made("eager")


@pytest.fixture(scope="module")
def shy(made: Callable[..., Path]) -> Path:
    return made("shy", _shy)


@pytest.fixture(scope="module")
def both(eager: Path, shy: Path) -> list[Answered]:
    return read_runs([eager, shy])


def _asked(folder: JobFolder) -> list[AnnotationItem]:
    return [item for item in folder.items.values() if not item.practice]


def _rewritten(run: Path, target: Path, change: Callable[[dict[str, Any]], dict[str, Any] | None]) -> Path:
    """The run with other replies."""
    shutil.copytree(run, target)
    lines = [change(json.loads(line)) for line in (run / "replies.jsonl").read_text().splitlines()]
    (target / "replies.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines if line))
    return target


# --- from runs --------------------------------------------------------------------------------------------------------


def test_a_run_is_sampled_in_both_strata_and_every_item_knows_its_answer(eager: Path, tmp_path: Path) -> None:
    found = prepare(eager, tmp_path / "job", per_stratum=8, seed=3)
    job = JobFolder(tmp_path / "job")
    assert job.job == found.folder.job
    assert (job.job.drawn_from, job.job.data_hash, job.job.seed) == (DrawnFrom.RUNS, DATA.data_hash, 3)
    replies = {(reply.trace_id, reply.turn): reply for reply in read_runs([eager])[0].store.iter_replies()}
    sizes = Counter(ItemStratum.OFFERS if reply.proposals else ItemStratum.SILENCES for reply in replies.values())
    assert {(one.run, one.stratum, one.size, one.drawn) for one in job.job.drawn} == {
        ("r1", stratum, size, 8) for stratum, size in sizes.items()
    }
    assert Counter(source.offer_id is None for source in job.sources) == {True: 8, False: 8}
    for source in job.sources:
        item = job.items[source.item_id]
        offers = {offer.offer_id: offer.text for offer in item.offers}
        proposals = replies[item.trace_id, item.turn].proposals
        assert (offers[source.offer_id],) == proposals if source.offer_id else proposals == ()
        of = sizes[ItemStratum.OFFERS if proposals else ItemStratum.SILENCES]
        assert source.probability == pytest.approx(8 / of, abs=0.02), "but for the rule of four traces"
    for offers in (True, False):
        traces = {job.items[one.item_id].trace_id for one in job.sources if (one.offer_id is not None) is offers}
        assert len(traces) >= 4


def test_nothing_that_is_shown_says_who_offered_or_what_anybody_thinks_of_it(
    made: Callable[..., Path], tmp_path: Path
) -> None:
    run = made("judged", "best-candidate", sample_task(), predict_only=False)
    prepare([run, made("parrot", "parrot", sample_task())], tmp_path / "job", per_stratum=10)
    shown = [(tmp_path / "job" / name).read_text() for name in ("items.jsonl", "traces.jsonl", "instructions.md")]
    for word in ("best-candidate", "parrot", '"r1"', "accepted", '"need":', "votes", "lexical", str(run)):
        assert not any(word in text for text in shown), word
    assert all(trace.labels is None for trace in JobFolder(tmp_path / "job").traces.values())


def test_a_text_that_runs_share_is_asked_once_and_counts_for_each(both: list[Answered]) -> None:
    asked = from_runs(both, 8, 1, None, None)
    texts = Counter(
        (item.trace_id, item.turn, " ".join(one.text.split())) for item in asked.items for one in item.offers
    )
    assert set(texts.values()) == {1}
    of = defaultdict(set)
    for source in asked.sources:
        of[source.item_id, source.offer_id].add(source.run)
    shared = [key for key, runs in of.items() if key[1] and runs == {"r1", "r2"}]
    assert shared
    eager, shy = (next(one for one in asked.drawn if one.run == run) for run in ("r1", "r2"))
    either = 1 - (1 - eager.probability) * (1 - shy.probability)
    for source in asked.sources:
        if (source.item_id, source.offer_id) in shared:
            assert source.probability == pytest.approx(either, abs=0.02)


def test_need_is_asked_once_where_one_run_offered_and_another_was_silent(both: list[Answered]) -> None:
    asked = from_runs(both, 8, 1, None, None)
    places = [(item.trace_id, item.turn) for item in asked.items]
    assert len(places) == len(set(places))
    assert all(item.ask_need for item in asked.items)
    offering = {item.item_id for item in asked.items if item.offers}
    mixed = [source for source in asked.sources if source.offer_id is None and source.item_id in offering]
    assert mixed, "the need at an offer's moment settles the silence of the other run, too"
    assert all(source.candidate == -1 for source in mixed)


def test_weighed_by_their_probabilities_the_answers_of_any_job_stand_for_all(both: list[Answered]) -> None:
    seeds, sums = 150, Counter[tuple[str, bool]]()
    for seed in range(seeds):
        for source in from_runs(both, 8, seed, None, None).sources:
            sums[source.run, source.offer_id is None] += 1 / source.probability
    for run in both:
        for silent in (True, False):
            size = sum((said.text is None) is silent for said in run.said)
            assert sums[run.run.name, silent] / seeds == pytest.approx(size, rel=0.05)


def test_a_seed_gives_the_same_job_and_another_one_another(eager: Path, tmp_path: Path) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        prepare(eager, tmp_path / name, per_stratum=8, seed=seed)
    files = ("items.jsonl", "sources.jsonl", "traces.jsonl")
    prepare(DATA, tmp_path / "d", seed=1)
    ids = [{item.item_id for item in _asked(JobFolder(tmp_path / name))} for name in "abcd"]
    assert ids[0] == ids[1]
    assert not ids[0] & (ids[2] | ids[3]), "no vote fits two jobs"
    a, b, c = ([(tmp_path / name / file).read_bytes() for file in files] for name in "abc")
    assert a == b
    assert a[:2] != c[:2]


def test_repeats_are_drawn_one_by_one_and_what_they_share_is_asked_once(made: Callable[..., Path]) -> None:
    asked = from_runs(read_runs([made("twice", repeats=2)]), 12, 0, None, None)
    sizes = {one.stratum: one.size for one in asked.drawn}
    assert sum(sizes.values()) == 2 * len(PLACES)
    by_key = Counter((source.item_id, source.offer_id) for source in asked.sources)
    assert set(by_key.values()) == {2}, "both repeats said the same, so that one answer settles both"
    offers, many = sizes[ItemStratum.OFFERS], 12
    either = 1 - (1 - many / offers) * (1 - many / (offers - 1))
    assert next(one for one in asked.sources if one.offer_id).probability == pytest.approx(either, abs=0.002)


def test_of_several_rounds_the_last_counts(made: Callable[..., Path]) -> None:
    run = made("rounds", "random", sample_task(), model_args={"p": 0.7}, feedback_rounds=1, feedback_judge="lexical")
    answered = read_runs([run])[0]
    last = {}
    for reply in answered.store.iter_replies():
        last[reply.trace_id, reply.turn] = reply
    assert {said.round for said in answered.said} == {0, 1}
    for said in answered.said:
        reply = last[said.trace_id, said.turn]
        assert (said.round, said.text) == (reply.round, reply.proposals[0] if reply.proposals else None)


def test_replies_in_no_usable_form_are_silences_and_are_told(eager: Path, tmp_path: Path) -> None:
    def spoilt(reply: dict[str, Any]) -> dict[str, Any]:
        return reply | {"status": "unparsable", "proposals": []} if reply["turn"] == 0 else reply

    found = prepare(_rewritten(eager, tmp_path / "run", spoilt), tmp_path / "job", per_stratum=8)
    silent = sum((turn == 0) or turn % 3 == 2 for _, turn in PLACES)
    assert next(one for one in found.folder.job.drawn if one.stratum is ItemStratum.SILENCES).size == silent
    assert any("6 of the silences are replies in no usable form: the user saw nothing" in note for note in found.notes)


def test_where_there_are_too_few_all_are_taken_with_certainty(eager: Path, tmp_path: Path) -> None:
    found = prepare(eager, tmp_path / "job", per_stratum=1_000)
    assert {one.probability for one in found.folder.job.drawn} == {1}
    assert {source.probability for source in found.folder.sources} == {1}
    assert sorted((item.trace_id, item.turn) for item in _asked(found.folder)) == sorted(PLACES)
    assert any("all of them are taken" in note for note in found.notes)
    assert any("gets no corrected F1" in note and "and it takes 30" in note for note in found.notes)
    assert found.forecasts[0].of_job == math.inf


def test_what_cannot_be_sampled_is_refused_before_anything_is_written(
    made: Callable[..., Path], eager: Path, tmp_path: Path
) -> None:
    def missing(reply: dict[str, Any]) -> dict[str, Any] | None:
        return None if reply["trace_id"] == "s2" else reply

    def seldom(moment: pb.Moment) -> str | None:
        return "Now?" if moment.trace_id in ("s0", "s1") else None

    several = made("several", lambda _: ["a", "b"], candidates=2)
    few = made("few", seldom)
    other = made("other", "always", sample_task())
    cases: list[tuple[Any, type[Exception], str]] = [
        (_rewritten(eager, tmp_path / "incomplete", missing), InvalidRun, "incomplete, 6 of 39 moments"),
        (several, BadArgument, "has 2 candidates a moment"),
        (few, BadArgument, "has offers in 2 traces"),
        ([eager, other], NotComparable, "other data than"),
        ([eager, eager], BadArgument, "given twice"),
        ([eager, tmp_path / "none"], WrongFile, "nothing is there"),
        (tmp_path, WrongFile, "is not a run"),
        ("proactivebench_smaple", UnknownName, "did you mean proactivebench_sample"),
        ([], BadArgument, "nothing is given"),
    ]
    for source, kind, says in cases:
        with pytest.raises(kind, match=says):
            prepare(source, tmp_path / "job")
    options: list[tuple[dict[str, Any], type[Exception], str]] = [
        ({"per_stratum": 3}, BadArgument, "3 drawn of answers in 6 traces"),
        ({"candidates": 2}, BadArgument, "--candidates does not go with runs"),
        ({"limit": 1}, BadArgument, "--limit does not go with runs"),
        ({"per_trace": 2}, BadArgument, "--per_trace does not go with runs"),
        ({"judge": "lexcal"}, UnknownName, "no judge lexcal decided on .*eager: there is none"),
    ]
    for wrong, kind, says in options:
        with pytest.raises(kind, match=says):
            prepare(eager, tmp_path / "job", **wrong)
    assert not (tmp_path / "job").exists()


def test_a_folder_that_holds_something_is_refused_before_any_run_is_read(
    eager: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "job").mkdir()
    (tmp_path / "job" / "mine.txt").write_text("mine")
    monkeypatch.setattr("proactivebench.annotation.preparing.read_runs", lambda *_: pytest.fail("a run is read"))
    with pytest.raises(WrongFile, match="not empty"):
        prepare(eager, tmp_path / "job")


def test_silences_in_too_few_traces_are_left_out_and_told(made: Callable[..., Path], tmp_path: Path) -> None:
    def mostly(moment: pb.Moment) -> str | None:
        return None if moment.trace_id == "s0" else "Now?"

    found = prepare(made("mostly", mostly), tmp_path / "job", per_stratum=8)
    assert [one.stratum for one in found.folder.job.drawn] == [ItemStratum.OFFERS]
    assert all(source.offer_id for source in found.folder.sources)
    assert any("silences in 1 traces only, of 4 needed: they are left out" in note for note in found.notes)


@pytest.mark.parametrize("there", [True, False])
def test_a_full_disk_leaves_nothing_of_a_job(
    there: bool, eager: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(file: Path, text: str) -> Path:
        if file.name == "sources.jsonl":
            raise CannotWrite("cannot write: no space left on device")
        return write_whole(file, text)

    if there:
        (tmp_path / "job").mkdir()
    monkeypatch.setattr("proactivebench.annotation.job.write_whole", full)
    with pytest.raises(CannotWrite):
        prepare(eager, tmp_path / "job", per_stratum=8)
    assert (tmp_path / "job").exists() is there
    assert not list(tmp_path.glob("job/*"))
    monkeypatch.undo()
    assert prepare(eager, tmp_path / "job", per_stratum=8).folder.items


# --- from data --------------------------------------------------------------------------------------------------------


def test_from_traces_need_is_asked_at_every_moment_and_no_label_goes_along(tmp_path: Path) -> None:
    found = prepare("proactivebench_sample", tmp_path / "job")
    job = JobFolder(tmp_path / "job")
    assert job.job == found.folder.job
    assert (job.job.drawn_from, job.job.data_hash) == (DrawnFrom.TRACES, sample_task().data_hash)
    asked = sorted((item.trace_id, item.turn) for item in _asked(job))
    assert asked == sorted(
        (trace.trace_id, turn) for trace in sample_task().traces for turn in range(len(trace.events))
    )
    assert all(item.ask_need and not item.offers for item in _asked(job))
    assert all(trace.labels is None for trace in job.traces.values())
    assert not job.sources


def test_a_word_for_data_is_taken_for_no_folder_beside_it(
    eager: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("proactivebench_sample").mkdir()
    shutil.copytree(eager, "proactivebench_sampled")
    assert prepare("proactivebench_sample", "job").folder.job.drawn_from is DrawnFrom.TRACES
    with pytest.raises(WrongFile, match="did you mean proactivebench_sampled"):
        prepare("proactivebench_sampld_", "other")


def test_fewer_traces_and_fewer_moments_of_each_may_be_asked_about(tmp_path: Path) -> None:
    job = prepare(DATA, tmp_path / "job", limit=3, per_trace=5).folder
    assert Counter(item.trace_id for item in _asked(job)) == {"s0": 4, "s1": 5, "s2": 5}
    assert job.job.data_hash == DATA.data_hash, "what is asked is a part of the same data"
    assert set(job.traces) == {"s0", "s1", "s2", "practice-1"}


def test_the_most_central_offers_of_runs_are_stored_as_candidates(made: Callable[..., Path], tmp_path: Path) -> None:
    agents = {
        "first": "Fix the failing test in parser.py",
        "second": "Fix the failing test in the parser",
        "third": "Explain the failing test in parser.py",
        "fourth": "Order a pizza",
        "same": "Order  a pizza",
    }
    runs = [made(f"of-{name}", lambda _, text=text: text) for name, text in agents.items()]
    job = prepare(DATA, tmp_path / "job", candidates=3, candidates_from=runs).folder
    assert {tuple(sorted(offer.text for offer in item.offers)) for item in _asked(job)} == {
        tuple(sorted(list(agents.values())[:3]))
    }
    assert len({tuple(offer.text for offer in item.offers) for item in _asked(job)}) > 1, "in no order"
    assert {source.run for source in job.sources} == {"r1", "r2", "r3"}
    assert [run.agent for run in job.job.runs] and job.job.drawn == ()
    fewer = prepare(DATA, tmp_path / "fewer", candidates=5, candidates_from=runs)
    assert all(len(item.offers) == 4 for item in _asked(fewer.folder)), "the same text is no other offer"
    assert "fewer than 5 offers" in fewer.notes[0]


def test_candidates_and_the_runs_they_are_from_go_together(eager: Path, tmp_path: Path) -> None:
    options: list[tuple[dict[str, Any], str]] = [
        ({"candidates": 2}, "give --from RUN"),
        ({"candidates_from": [eager]}, "give --candidates"),
        ({"per_stratum": 5}, "--per_stratum does not go with data"),
        ({"correlation": 0.3}, "--judge_correlation does not go with data"),
    ]
    for wrong, says in options:
        with pytest.raises(BadArgument, match=says):
            prepare(DATA, tmp_path / "job", **wrong)
    with pytest.raises(NotComparable, match="other data than proactivebench_sample"):
        prepare("proactivebench_sample", tmp_path / "job", candidates=2, candidates_from=[eager])


# --- practice, instructions, plan -------------------------------------------------------------------------------------


def test_a_plan_asks_no_more_votes_an_item_than_there_are_people(tmp_path: Path) -> None:
    assert (plan_of(1).overlap, plan_of(2).overlap, plan_of(9).overlap, plan_of(9, 5).overlap) == (1, 2, 3, 5)
    with pytest.raises(BadArgument, match="4 votes an item of 3 annotators"):
        plan_of(3, 4)
    found = prepare(DATA, tmp_path / "job", plan=plan_of(3, 2, 0.5), sealed=True)
    assert found.folder.job.sealed
    loads = found.workloads()
    assert len(loads) == 3
    assert sum(map(len, loads)) == pytest.approx(2 * 1.5 * len(PLACES) + 3 * 4, abs=2)
    assert [effort(offers) for offers in (0, 1, 2, 5)] == [1, 1, 1.5, 3]


# --- what it says of what labels buy ----------------------------------------------------------------------------------


def test_the_forecast_goes_by_labels_where_they_decide_and_says_its_grounds(
    made: Callable[..., Path], eager: Path, tmp_path: Path
) -> None:
    run = made("random", "random", sample_task(), model_args={"p": 0.6}, predict_only=False)
    (found,) = prepare(run, tmp_path / "a", per_stratum=40).forecasts
    assert list(found.half_widths) == [30, 60, 120]
    assert found.half_widths[30] > found.of_job > found.half_widths[60] > found.half_widths[120]
    assert "39% of offers accepted (as on the release, r = 0.3" in found.grounds
    assert "of silences accepted (the labels of the data)" in found.grounds
    (better,) = prepare(run, tmp_path / "b", judge="labels-lexical", correlation=0.9).forecasts
    assert better.half_widths[30] < found.half_widths[30]
    with pytest.raises(UnknownName, match="did you mean labels-lexical"):
        prepare(run, tmp_path / "none", judge="labels-lexcal")
    unjudged = prepare(eager, tmp_path / "c", per_stratum=8)
    assert any("nobody has judged" in note for note in unjudged.notes)
    (bare,) = unjudged.forecasts
    assert "no verdicts" in bare.grounds
    assert set(bare.half_widths.values()) == {math.inf}, "its 39 moments hold no 30 of each"


def test_what_other_runs_questions_settle_narrows_the_forecast(made: Callable[..., Path], tmp_path: Path) -> None:
    runs = [
        made(f"random-{seed}", "random", sample_task(), model_args={"p": 0.5}, seed=seed, predict_only=True)
        for seed in (1, 2, 3)
    ]
    alone = prepare(runs[0], tmp_path / "alone", per_stratum=40).forecasts[0]
    together = prepare(runs, tmp_path / "together", per_stratum=40).forecasts[0]
    assert together.half_widths == alone.half_widths
    assert together.of_job < alone.of_job


def test_the_command_says_what_it_made_what_it_takes_and_what_it_buys(
    made: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = str(made("random", "random", sample_task(), model_args={"p": 0.6}, predict_only=False))

    def called(*words: str) -> str:
        with pytest.raises(SystemExit) as ended:
            pb_main(["annotate", "prepare", *words])
        assert not ended.value.code
        return capsys.readouterr().out

    text = called(run, "--output_path", str(tmp_path / "a"), "--per_stratum", "30", "--seconds_per_item", "20")
    assert "30 of 127 offers of" in text
    assert "about 24 minutes for each of 3 people" in text
    assert "30      60     120     job" in text
    told = json.loads(called(run, "--output_path", str(tmp_path / "b"), "--json"))
    assert told["items"] == 80
    assert set(told["f1_half_widths"][0]["half_widths"]) == {"30", "60", "120"}
    assert told["f1_half_widths"][0]["half_width"] < told["f1_half_widths"][0]["half_widths"]["30"]
    assert told["items_per_annotator"] == [92, 92, 92]
