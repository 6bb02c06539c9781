"""Votes become labels: of traces, with who said what, and of one run's answers, with how likely each was drawn."""

from __future__ import annotations

import json
import shutil
import stat
from pathlib import Path

import pytest

from proactivebench.annotation.job import JobFolder
from proactivebench.annotation.merging import counted_votes, labelled_traces, run_labels, run_of
from proactivebench.annotation.preparing import prepare
from proactivebench.errors import UsageError
from proactivebench.records import Answer, NeedRule, Plan, Vote
from proactivebench.scoring.human_labels import load_human_labels
from proactivebench.text import write_lines
from proactivebench.traces import given_task
from tests.annotation.jobs import WHEN, make_job
from tests.annotation.voters import answer, seat
from tests.board.calling import call


def said(folder: JobFolder, name: str, *votes: tuple[str, str | None, Answer, int]) -> None:
    """These votes: item, offer, answer, occasion."""
    with folder.open_votes(name) as log:
        log.append(
            Vote(annotator=name, item_id=item, offer_id=offer, answer=given, occasion=occasion, at=WHEN, order=order)
            for order, (item, offer, given, occasion) in enumerate(votes)
        )


@pytest.fixture
def voted(tmp_path: Path) -> JobFolder:
    """Three people on two moments."""
    folder = make_job(tmp_path / "job", sessions=2, events=3)
    said(
        folder,
        "ann",
        ("practice-0", None, Answer.YES, 0),
        ("s0-1", None, Answer.YES, 0),
        ("s0-1", "o0", Answer.ACCEPT, 0),
        ("s0-1", "o1", Answer.PREMATURE, 0),
        ("s0-1", None, Answer.NO, 1),
        ("s0-2", None, Answer.NO, 0),
    )
    said(
        folder,
        "bob",
        ("s0-1", None, Answer.NO, 0),
        ("s0-1", "o0", Answer.ACCEPT, 0),
        ("s0-1", "o1", Answer.ACCEPT, 0),
        ("s0-2", None, Answer.UNSURE, 0),
    )
    said(
        folder,
        "cid",
        ("s0-1", None, Answer.YES, 0),
        ("s0-1", "o0", Answer.UNSURE, 0),
        ("s0-1", "o1", Answer.ACCEPT, 0),
    )
    return folder


def test_traces_take_votes_with_who_gave_them_and_every_rule_follows(voted: JobFolder) -> None:
    trace = labelled_traces(voted).records[0]
    assert trace.labels[0] is None
    moment = trace.labels[1]
    assert {task.task.split(" at")[0]: (task.votes, task.annotators, task.premature) for task in moment.tasks} == {
        "Offer 0": ((True, True), ("ann", "bob"), ()),
        "Offer 1": ((False, True, True), ("ann", "bob", "cid"), (True, False, False)),
    }
    assert (moment.asked, moment.asked_by) == ((True, False, True), ("ann", "bob", "cid"))
    assert {rule: moment.needs(rule) for rule in NeedRule} == {
        NeedRule.UNANIMOUS: True,
        NeedRule.MAJORITY: True,
        NeedRule.ASKED: True,
    }
    alone = trace.labels[2]
    assert (alone.asked, alone.tasks, alone.needs(NeedRule.UNANIMOUS)) == ((False,), (), None)
    assert labelled_traces(voted).records[1].labels is None


def test_practice_second_showings_and_unsure_are_no_votes(voted: JobFolder) -> None:
    votes = counted_votes(voted)
    assert len(votes) == 4 + 3 + 2
    assert not any(vote.occasion or vote.item_id.startswith("practice") for vote in votes)


def test_the_merged_file_is_read_as_a_task_with_the_same_rules(voted: JobFolder, tmp_path: Path) -> None:
    done = call("annotate", "merge", voted.path, "--output_path", tmp_path / "traces.jsonl")
    assert done.code == 0, done.err
    assert "2 of 6 moments of 2 traces labelled; 3 people, 5 votes on offers and 4 answers on need" in done.out
    task = given_task(str(tmp_path / "traces.jsonl"))
    assert task.traces == labelled_traces(voted).records
    again = call("annotate", "merge", voted.path, "--output_path", tmp_path / "traces.jsonl")
    assert again.code == 0, "an earlier merge gives way"


def test_what_cannot_be_merged_is_said_in_one_line(voted: JobFolder, tmp_path: Path) -> None:
    empty = make_job(tmp_path / "empty", sessions=1)
    other = tmp_path / "notes-on-labels.jsonl"
    other.write_text('{"mine": 1}\n')
    forged = make_job(tmp_path / "forged", sessions=1)
    said(forged, "ann", ("s0-1", None, Answer.ACCEPT, 0))
    for words, code, why in (
        ((empty.path, "--output_path", tmp_path / "traces.jsonl"), 2, "nobody has voted yet"),
        ((voted.path, "--output_path", tmp_path / "labels.jsonl"), 2, "made from traces, of no run"),
        ((voted.path, "--output_path", tmp_path / "out.jsonl"), 2, "does not say what is wanted"),
        ((voted.path, "--output_path", other, "--form", "traces"), 2, "holds no traces of an earlier merge"),
        ((voted.path, "--output_path", voted.path / "traces.jsonl"), 2, "lies in the job's folder"),
        ((voted.path, "--output_path", tmp_path / "t.jsonl", "--form", "cards"), 2, "traces or labels"),
        ((voted.path, "--output_path", tmp_path / "traces.jsonl", "--run", "r1"), 2, "traces are of no run"),
        ((tmp_path / "nowhere", "--output_path", tmp_path / "traces.jsonl"), 2, "no annotation job"),
        ((forged.path, "--output_path", tmp_path / "traces.jsonl"), 2, "no answer to the need"),
        ((voted.path, "--output_path", other / "traces.jsonl"), 4, "cannot write"),
        ((voted.path, "--output_path", tmp_path / "traces.jsonl.gz"), 2, "would not be gzip"),
    ):
        done = call("annotate", "merge", *words)
        assert (done.code, len(done.err.splitlines())) == (code, 1), done.err
        assert why in done.err
    assert other.read_text() == '{"mine": 1}\n'


def test_a_vote_in_the_file_of_somebody_else_counts_nowhere(voted: JobFolder) -> None:
    with voted.open_votes("ann") as log:
        log.append([Vote(annotator="bob", item_id="s0-1", answer=Answer.YES, at=WHEN, order=9)])
    with pytest.raises(Exception, match="a vote of 'bob', who has a file of their own"):
        voted.votes()


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of the sample that always offers."""
    path = tmp_path_factory.mktemp("runs") / "always"
    done = call("run", "--model", "always", "--tasks", "proactivebench_sample", "--output_path", path)
    assert done.code == 0, done.err
    return path


@pytest.fixture(scope="module")
def answered(run: Path, tmp_path_factory: pytest.TempPathFactory) -> JobFolder:
    """A job of all of that run's answers, answered by three people; sealed."""
    moments = given_task("proactivebench_sample").moments
    made = prepare(
        [str(run)],
        tmp_path_factory.mktemp("jobs") / "job",
        per_stratum=moments,
        plan=Plan(annotators=3, overlap=3, repeats=0.1),
        sealed=True,
    )
    folder = made.folder
    seat(folder, "ann", "bob", "cid")
    for patience, name in enumerate(("ann", "bob", "cid"), start=2):
        answer(
            folder,
            name,
            lambda item, offer, _, patience=patience: (
                (Answer.YES if item.turn % 3 else Answer.NO)
                if offer is None
                else (Answer.ACCEPT if item.turn % patience else Answer.PREMATURE)
            ),
        )
    return folder


def test_from_a_run_to_a_corrected_score(answered: JobFolder, run: Path, tmp_path: Path) -> None:
    labels = tmp_path / "labels.jsonl"
    done = call("annotate", "merge", answered.path, "--output_path", labels)
    assert done.code == 0, done.err
    assert "sealed: its labels go to the maintainers only" in done.err
    assert stat.S_IMODE(labels.stat().st_mode) == 0o600
    found = load_human_labels(labels)
    assert len(found) == 3 * len(answered.sources)
    assert {(one.annotator, one.random, one.blind) for one in found} == {(n, True, True) for n in ("ann", "bob", "cid")}
    assert all(one.probability == 1 for one in found)
    assert any(one.premature for one in found)
    scored = call("score", run, "--human_labels", labels, "--json")
    assert scored.code == 0, scored.err
    f1 = json.loads(scored.out)["judges"][0]["overall"]["metrics"]
    report = json.loads((run / "report.json").read_text())
    people = next(
        adjusted
        for judged in report["judges"]
        for adjusted in judged["adjusted"]
        if adjusted["method"] == "prediction_powered"
    )
    assert people["metrics"]["f1"]["interval"] is not None, people
    assert f1["f1"] != people["metrics"]["f1"]["value"]


def test_merged_traces_are_judged_by_the_direct_answers(answered: JobFolder, tmp_path: Path) -> None:
    traces = tmp_path / "traces.jsonl"
    assert call("annotate", "merge", answered.path, "--output_path", traces).code == 0
    path = tmp_path / "run"
    done = call("run", "--model", "never", "--tasks", traces, "--judge", "labels:asked", "--output_path", path)
    assert done.code == 0, done.err
    metrics = json.loads((path / "report.json").read_text())["judges"][0]["overall"]["metrics"]
    labels = [label for trace in given_task(str(traces)).traces for label in trace.labels]
    needless = sum(not label.need_asked for label in labels)
    assert metrics["accuracy"]["value"] == pytest.approx(needless / len(labels))


def test_a_run_is_known_by_name_by_path_and_by_what_it_is(
    answered: JobFolder, run: Path, tmp_path: Path, voted: JobFolder
) -> None:
    moved = tmp_path / "moved"
    moved.mkdir()
    (moved / "manifest.json").write_bytes((run / "manifest.json").read_bytes())
    for named in ("r1", str(run), str(moved), None):
        assert run_of(answered, named).name == "r1"
    with pytest.raises(UsageError, match="no run 'r2': there are r1"):
        run_of(answered, "r2")
    with pytest.raises(UsageError, match="not a run"):
        run_of(answered, str(tmp_path))
    with pytest.raises(UsageError, match="of no run"):
        run_of(voted, None)
    other = answered.job.runs[0].model_copy(update={"name": "r2", "path": "elsewhere"})
    answered.job.__dict__["runs"] = (*answered.job.runs, other)
    try:
        with pytest.raises(UsageError, match="several runs"):
            run_of(answered, None)
        with pytest.raises(UsageError, match="nobody has voted on an answer of r2"):
            run_labels(answered, other)
    finally:
        answered.job.__dict__["runs"] = answered.job.runs[:1]


def test_labels_of_one_run_correct_no_other_though_it_answered_at_the_same_moments(
    answered: JobFolder, run: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(run, copy)
    (copy / "human_labels.jsonl").unlink(missing_ok=True)
    found = run_labels(answered, run_of(answered, None)).records
    (tmp_path / "own.jsonl").write_bytes(write_lines(found))
    other = [label.model_copy(update={"run": "0" * 64}) for label in found]
    (tmp_path / "other.jsonl").write_bytes(write_lines(other))
    done = call("score", copy, "--human_labels", tmp_path / "other.jsonl")
    assert (done.code, "none of the answers that these labels are on" in done.err) == (2, True)
    assert not (copy / "human_labels.jsonl").exists()
    shutil.copytree(answered.path, tmp_path / "a job")
    hostile = answered.job.runs[0].model_copy(update={"path": "runs/x; touch evil"})
    job = answered.job.model_copy(update={"runs": (hostile,)})
    (tmp_path / "a job" / "job.json").write_text(job.model_dump_json())
    done = call("annotate", "merge", tmp_path / "a job", "--output_path", tmp_path / "my labels.jsonl")
    assert f"score 'runs/x; touch evil' --human_labels '{tmp_path / 'my labels.jsonl'}'" in done.out, "it may be pasted"
    done = call("score", copy, "--human_labels", tmp_path / "own.jsonl")
    assert done.code == 0, done.err
    assert "labels on no answer of this run" not in done.out
