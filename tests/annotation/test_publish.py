"""What is given away says what people want and never who they are; it is read back as it was written."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from proactivebench.annotation.job import JobFolder
from proactivebench.annotation.merging import labelled_traces
from proactivebench.annotation.publishing import as_it_lies, fresh_names, publishable, write_published
from proactivebench.errors import CheckFailed, WrongFile
from proactivebench.records import AnnotationItem, Answer, Event, NeedRule, OfferText, Plan, Trace
from proactivebench.text import own_kinds, write_lines
from proactivebench.traces import load_task
from tests.annotation.jobs import make_job
from tests.annotation.voters import answer, seat
from tests.board.calling import call
from tests.servers.hub import Hub, serve

PEOPLE = ("zoe-miller", "adam-smith", "mo-lee")
SECRET = "bob@example.org"


def choose(item: AnnotationItem, offer: OfferText | None, occasion: int) -> Answer:
    """Alike for all but where an item's number is even; now and then unsure or too early."""
    if offer is None:
        return Answer.YES if item.turn % 2 else Answer.NO
    if item.turn == 3:
        return Answer.UNSURE if offer.offer_id == "o0" else Answer.PREMATURE
    return Answer.ACCEPT if item.turn % 2 and offer.offer_id == "o0" else Answer.REJECT


def make_voted(path: Path) -> JobFolder:
    """Three people's answers on four sessions, one of whose events holds an address."""
    folder = make_job(path, plan=Plan(annotators=3, overlap=3, repeats=0.1))
    traces = list(folder.traces.values())
    events = (Event(time="2026-11-02T09:30:00", event=f"The user writes to {SECRET}."), *traces[1].events[1:])
    traces[1] = Trace(trace_id=traces[1].trace_id, split=traces[1].split, events=events)
    (path / "traces.jsonl").write_bytes(write_lines(traces))
    folder = JobFolder(path)
    seat(folder, *PEOPLE)
    for name in PEOPLE:
        answer(folder, name, choose)
        file = folder.votes_file(name)  # written before reasons were redacted
        file.write_text(file.read_text().replace('"because"', f'"ask {SECRET}"'))
    return folder


@pytest.fixture(scope="module")
def voted(tmp_path_factory: pytest.TempPathFactory) -> JobFolder:
    return make_voted(tmp_path_factory.mktemp("voted") / "job")


@pytest.fixture(scope="module")
def given(voted: JobFolder, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The job, published with everything."""
    path = tmp_path_factory.mktemp("given") / "set"
    done = call("annotate", "publish", str(voted.path), "--output_path", str(path), "--with_reasons")
    assert done.code == 0, done.err
    return path


def test_nothing_published_says_who_voted_when_or_on_whose_answer(voted: JobFolder, given: Path) -> None:
    names = {file.relative_to(given).as_posix() for file in given.rglob("*") if file.is_file()}
    assert names == {
        "README.md",
        "LICENCE.md",
        "SHA256SUMS",
        "redaction.json",
        "consent/consent.json",
        "consent/instructions.md",
        "consent/instructions.zh.md",
        "data/reasons.jsonl",
        "data/traces.jsonl",
    }
    whole = "\n".join((given / name).read_text() for name in names)
    tokens = [one.token_sha256 for one in voted.annotators().values()]
    for hidden in (*PEOPLE, SECRET, *tokens, str(voted.path), "seconds", '"at"', '"order"', "2026-11-02T09:30:0"):
        assert hidden not in whole.replace('"time": "2026-11-02T09:30:00"', "").replace(
            '"time":"2026-11-02T09:30:00"', ""
        ), hidden
    assert "The user writes to [e-mail]." in whole
    for line in (given / "SHA256SUMS").read_text().splitlines():
        due, name = line.split("  ")
        assert hashlib.sha256((given / name).read_bytes()).hexdigest() == due
    report = json.loads((given / "redaction.json").read_text())
    rows = [json.loads(line) for line in (given / "data" / "reasons.jsonl").read_text().splitlines()]
    assert {(row["reason"], row["answer"]) for row in rows} == {("ask [e-mail]", "reject")}
    assert {row["annotator"] for row in rows} == {"p1", "p2", "p3"}
    assert report["counts"] == {"data/traces.jsonl": {"e-mail": 1}, "data/reasons.jsonl": {"e-mail": len(rows)}}
    assert report["places"][0]["turn"] == 0


def test_votes_keep_who_belongs_to_whom_under_ids_drawn_afresh(voted: JobFolder, given: Path) -> None:
    before = [label for trace in labelled_traces(voted).records for label in trace.labels]
    after = [label for trace in load_task(str(given)).traces for label in trace.labels]
    assert [(one.need, one.need_majority, one.need_asked) for one in after] == [
        (one.need, one.need_majority, one.need_asked) for one in before
    ]
    pairs = set()
    for old, new in zip(before, after, strict=True):
        assert list(new.asked_by) == sorted(new.asked_by)
        for task, mine in zip(old.tasks, new.tasks, strict=True):
            assert sorted(mine.votes) == sorted(task.votes)
            assert sum(mine.premature) == sum(task.premature)
        pairs |= {(old.asked_by, new.asked_by)}
    assert {person for _, ids in pairs for person in ids} == {"p1", "p2", "p3"}
    drawn = {tuple(fresh_names(PEOPLE).items()) for _ in range(60)}
    assert len({dict(one)["adam-smith"] for one in drawn}) == 3


def test_the_card_has_a_header_for_the_hub_and_the_figures(given: Path) -> None:
    text = (given / "README.md").read_text()
    header = yaml.safe_load(text.split("---")[1])
    assert header["license"] == "cc0-1.0"
    assert header["size_categories"] == ["n<1K"]
    assert header["language"] == ["en"]
    task = load_task(str(given))
    assert task.licence == "cc0-1.0"
    assert task.data_hash in text
    assert "| `asked` |" in text
    assert "3 people" in text
    assert re.search(r"\| need \| 20 \| 1\.000 \(no interval: [^|]+\) \| 1\.000 \|", text)


@pytest.mark.parametrize(
    ("said", "hub", "page"),
    [
        ("cc-by-4.0", "cc-by-4.0", "CC-BY-4.0"),
        ("ODbL-1.0", "odbl", "ODbL-1.0"),
        ("odbl", "odbl", "ODbL-1.0"),
        ("House-1", "other", None),
    ],
)
def test_a_licence_goes_by_its_name_on_the_hub_and_its_text_is_where_spdx_has_it(
    voted: JobFolder, said: str, hub: str, page: str | None
) -> None:
    files = publishable(voted, licence=said).files
    header = yaml.safe_load(files["README.md"].decode().split("---")[1])
    assert (header["license"], header.get("license_name")) == (hub, None if page else said)
    links = re.findall(r"spdx\.org/licenses/(\S+)\.html", files["LICENCE.md"].decode())
    assert links == ([page] if page else [])


SCRIPT = """
import json, sys
from proactivebench.cli import main
for words in json.load(sys.stdin):
    try:
        main(words)
    except SystemExit as ended:
        if ended.code:
            raise
"""


def test_it_goes_to_the_hub_and_comes_back_with_the_same_hash_and_rules(voted: JobFolder, tmp_path: Path) -> None:
    given, run = tmp_path / "set", tmp_path / "run"
    publish = ["annotate", "publish", str(voted.path), "--output_path", str(given), "--name", "garden/desks", "--push"]
    ask = ["run", "--model", "always", "--tasks", "hf:garden/desks", "--output_path", str(run)]
    commands = [publish, [*ask, "--judge", "silence=labels:asked,proposals=lexical"]]
    merged: dict[str, bytes] = {}
    with serve(Hub({"garden/desks": merged}, licence="cc0-1.0", token="hf_secret")) as hub:
        hub.merge = merged
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT],
            input=json.dumps(commands),
            env={**os.environ, "HF_ENDPOINT": hub.url, "HF_HOME": str(tmp_path / "hf"), "HF_TOKEN": "hf_secret"},
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    assert f"put up at {hub.url}/datasets/garden/desks/discussions/1" in done.stdout
    assert merged == {file.relative_to(given).as_posix(): file.read_bytes() for file in given.rglob("*.*")} | {
        "SHA256SUMS": (given / "SHA256SUMS").read_bytes()
    }
    manifest = json.loads((run / "manifest.json").read_text())
    here = load_task(str(given))
    assert here.need_rules[0] is NeedRule.ASKED
    assert manifest["task"]["data_hash"] == here.data_hash
    assert manifest["task"]["licence"] == "cc0-1.0"


def test_a_folder_that_was_looked_through_is_put_up_as_it_lies(voted: JobFolder, tmp_path: Path) -> None:
    path = tmp_path / "set"
    found = publishable(voted)
    write_published(found, path, voted)
    card = path / "README.md"
    card.write_text(card.read_text() + "\nMore to know.\n")
    again = publishable(voted)
    files = as_it_lies(path, again)
    assert files["data/traces.jsonl"] == found.files["data/traces.jsonl"]
    assert files["README.md"].endswith(b"More to know.\n")
    assert f"{hashlib.sha256(files['README.md']).hexdigest()}  README.md" in files["SHA256SUMS"].decode()
    other = publishable(voted, own=own_kinds("step"))
    with pytest.raises(CheckFailed, match="not what the job says now"):
        as_it_lies(path, other)
    (path / "notes.md").write_text("mine")
    with pytest.raises(WrongFile, match=r"holds notes\.md"):
        as_it_lies(path, again)
    (path / "notes.md").unlink()
    (path / "data" / "traces.jsonl").write_bytes(found.files["data/traces.jsonl"].replace(b"p1", b"zoe-miller"))
    with pytest.raises(CheckFailed, match="was altered"):
        as_it_lies(path, again)


def test_what_must_not_be_given_away_is_refused_in_one_line(tmp_path: Path) -> None:
    folder = make_job(tmp_path / "job")
    seat(folder, "ann")
    words = ["annotate", "publish", str(folder.path), "--output_path", str(tmp_path / "set")]
    done = call(*words)
    assert (done.code, "has 0 votes" in done.err) == (1, True)
    answer(folder, "ann", choose, most=4)
    done = call(*words)
    assert done.code == 1
    assert "a data set takes 20" in done.err
    folder.votes_file("ann").unlink()
    answer(folder, "ann", lambda *_: Answer.UNSURE)
    done = call(*words)
    assert (done.code, "has 0 votes" in done.err) == (1, True), "unsure is no vote"
    folder.votes_file("ann").unlink()
    answer(folder, "ann", choose)
    lines = folder.votes_file("ann").read_text().splitlines(keepends=True)
    folder.votes_file("ann").write_text("".join(lines[1:]))
    done = call(*words)
    assert done.code == 1
    assert "ann voted and there is no consent" in done.err
    folder.votes_file("ann").write_text("".join(lines))
    (folder.path / "instructions.md").write_text("# Something else\n")
    assert "agreed to other instructions" in call(*words).err
    job = json.loads((folder.path / "job.json").read_text())
    (folder.path / "job.json").write_text(json.dumps({**job, "licence": "unknown"}))
    done = call(*words)
    assert (done.code, "--licence" in done.err) == (2, True)
    for bad in (["--push"], ["--name", "x"], ["--licence", "a b"], ["--private_labels", "x"]):
        assert call(*words, *bad).code == 2
    assert call(*words[:-1], str(folder.path / "set"), "--licence", "MIT", "--traces_only").code == 2
    assert not (tmp_path / "set").exists()


def test_of_a_sealed_job_the_sessions_are_published_and_the_labels_kept(voted: JobFolder, tmp_path: Path) -> None:
    folder = make_voted(tmp_path / "job")
    job = json.loads((folder.path / "job.json").read_text())
    (folder.path / "job.json").write_text(json.dumps({**job, "sealed": True}))
    words = ["annotate", "publish", str(folder.path), "--output_path", str(tmp_path / "set")]
    assert (call(*words).code, "--traces_only" in call(*words).err) == (2, True)
    (tmp_path / "file").touch()
    done = call(*words, "--traces_only", "--private_labels", str(tmp_path / "file" / "labels.jsonl"))
    assert (done.code, (tmp_path / "set").exists()) == (4, False), "sessions are not published without their labels"
    notes = tmp_path / "notes.jsonl"
    notes.write_text('{"mine": 1}\n')
    own = folder.path / "traces.jsonl"
    before = own.read_text()
    for other, why in ((notes, "holds no traces"), (own, "lies in the job's folder")):
        done = call(*words, "--traces_only", "--private_labels", str(other))
        assert (done.code, why in done.err, (tmp_path / "set").exists()) == (2, True, False), done.err
    assert (notes.read_text(), own.read_text()) == ('{"mine": 1}\n', before)
    kept = tmp_path / "private" / "labels.jsonl"
    done = call(*words, "--traces_only", "--private_labels", str(kept))
    assert done.code == 0, done.err
    public, private = load_task(str(tmp_path / "set")), load_task(str(kept))
    assert not any(trace.labels for trace in public.traces)
    assert "moments without labels" in done.out
    assert [one.events for one in public.traces] == [one.events for one in private.traces]
    assert private.unlabelled == 0
    whole = "".join(file.read_text() for file in (tmp_path / "set").rglob("*") if file.is_file())
    assert "Offer 0" not in whole
    assert kept.stat().st_mode & 0o077 == 0 or os.name == "nt"


def test_own_words_are_removed_and_a_second_publication_needs_another_folder(voted: JobFolder, tmp_path: Path) -> None:
    words = tmp_path / "words.txt"
    words.write_text("regex: step \\d+\n")
    line = ["annotate", "publish", str(voted.path), "--output_path", str(tmp_path / "set"), "--redact", str(words)]
    done = call(*line)
    assert done.code == 0, done.err
    assert "removed" in done.out
    assert "The user does [removed] of s0." in (tmp_path / "set" / "data" / "traces.jsonl").read_text()
    assert call(*line).code == 2
    words.write_text("fine\nregex: (\n")
    done = call(*line)
    assert (done.code, "words.txt: line 2" in done.err) == (2, True)
