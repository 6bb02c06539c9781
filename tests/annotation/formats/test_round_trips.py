"""A job goes out in every format, and its votes come back into a fresh copy: all of them, once."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from proactivebench.annotation.exporting import export_job
from proactivebench.annotation.formats import MODULES, format_of
from proactivebench.annotation.importing import import_job, import_votes
from proactivebench.annotation.job import JobFolder
from proactivebench.annotation.spoken import Spoken
from proactivebench.annotation.voting import hear
from proactivebench.errors import BadArgument, CannotWrite, DataError, UnknownName, UsageError, WrongFile
from proactivebench.records import Answer, Vote, VoteKey
from tests.annotation.formats.voted import files_of, standing, voted_job
from tests.annotation.jobs import WHEN, make_job

# What of an export brings the votes back.
BACK = {
    "label-studio": ["annotated.json"],
    "argilla": ["annotated"],
    "csv": ["votes.csv"],
    "votes": ["votes.jsonl"],
}
TIMED = ("label-studio", "csv", "votes")  # that keep when each answer was given


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> JobFolder:
    return voted_job(tmp_path_factory.mktemp("voted") / "job")


@pytest.fixture
def fresh(tmp_path: Path) -> JobFolder:
    return make_job(tmp_path / "fresh", sessions=2, events=3)


@pytest.mark.parametrize("name", BACK)
def test_the_same_votes_come_back_and_a_second_time_changes_nothing(
    name: str, job: JobFolder, fresh: JobFolder, tmp_path: Path
) -> None:
    form = format_of(name)
    export_job(form, job, tmp_path / "out")
    files = [tmp_path / "out" / file for file in BACK[name]]
    imported = import_votes(form, files, fresh)
    assert standing(fresh) == standing(job)
    assert imported.new == len(standing(job))
    assert imported.annotators == ("ann", "bob")
    if name in TIMED:
        when = {key: (vote.at, vote.seconds) for key, vote in job.votes().items()}
        assert {key: (vote.at, vote.seconds) for key, vote in fresh.votes().items()} == when
    before = files_of(fresh.path)
    again = import_votes(form, files, fresh)
    assert (again.new, again.replaced, again.known) == (0, 0, imported.new)
    assert files_of(fresh.path) == before
    for annotator in ("ann", "bob"):  # as the server reads them, line by line
        assert hear(Spoken(annotator, fresh.items), fresh.votes_file(annotator)).answers == imported.new / 2


@pytest.mark.parametrize("name", MODULES)
def test_an_export_holds_no_practice_no_source_and_no_future(name: str, job: JobFolder, tmp_path: Path) -> None:
    written = export_job(format_of(name), job, tmp_path / "out")
    assert [file for file in written if not file.is_file()] == []
    texts = {file.name: file.read_text(encoding="utf-8") for file in written}
    assert "practice-0" not in "".join(texts.values())
    if name == "label-studio":
        tasks = json.loads(texts["tasks.json"])
        assert [len(task["data"]["events"]) for task in tasks] == [1, 2, 3, 1, 2, 3]
        assert not any("annotations" in task for task in tasks), "votes of others are shown to nobody"
    with pytest.raises(WrongFile, match="not empty"):
        export_job(format_of(name), job, tmp_path / "out")


def test_the_shapes_of_a_release_export_say_that_they_tell_of_the_same_votes(job: JobFolder, tmp_path: Path) -> None:
    form = format_of("release")
    export_job(form, job, tmp_path / "out")
    _, all_of_it = import_job(form, [tmp_path / "out"], tmp_path / "all")
    assert any("more than one shape" in note for note in all_of_it.notes)
    _, rewards = import_job(form, [tmp_path / "out" / "reward_data.jsonl"], tmp_path / "rewards")
    assert not any("more than one shape" in note for note in rewards.notes)


def test_help_needed_of_our_own_reward_data_is_what_its_votes_say(tmp_path: Path) -> None:
    folder = make_job(tmp_path / "job", sessions=2, events=3, offers=0)
    for name in ("ann", "bob", "eve"):
        with folder.open_votes(name) as log:
            said = [
                Vote(annotator=name, item_id=item, answer=Answer.YES if name != "eve" else Answer.NO, at=WHEN, order=n)
                for n, item in enumerate(folder.items)
            ]
            log.append(said)
    export_job(format_of("release"), folder, tmp_path / "out")
    rows = [json.loads(line) for line in (tmp_path / "out" / "reward_data.jsonl").read_text().splitlines()]
    assert all(row["help_needed"] for row in rows), "two of three want help"
    _, imported = import_job(format_of("release"), [tmp_path / "out" / "reward_data.jsonl"], tmp_path / "again")
    assert not any("help_needed" in note for note in imported.notes)


@pytest.mark.skipif(os.name == "nt", reason="it has no such modes")
def test_what_is_exported_of_a_sealed_job_is_its_owners_alone_to_read(tmp_path: Path) -> None:
    folder = make_job(tmp_path / "job", sessions=2, events=3)
    sealed = folder.job.model_copy(update={"sealed": True})
    (folder.path / "job.json").write_text(sealed.model_dump_json())
    written = export_job(format_of("csv"), JobFolder(folder.path), tmp_path / "out")
    assert [file.stat().st_mode & 0o077 for file in written] == [0] * len(written)


def test_the_release_shapes_keep_what_they_can_hold(job: JobFolder, tmp_path: Path) -> None:
    form = format_of("release")
    export_job(form, job, tmp_path / "out")
    again, imported = import_job(form, [tmp_path / "out" / "annotation"], tmp_path / "again")
    assert {trace.events for trace in again.traces.values()} == {trace.events for trace in job.sessions.values()}
    # of each person one word a moment: here always on the offers, unless one of them is unsure
    texts = {
        (folder, item.trace_id, item.turn, offer.offer_id): offer.text
        for folder, of in (("there", job), ("here", again))
        for item in of.items.values()
        for offer in item.offers
    }
    said = {
        (key.annotator, again.items[key.item_id].trace_id, again.items[key.item_id].turn, key.offer_id): vote
        for key, vote in again.votes().items()
    }
    assert len(said) == imported.new > 0
    for (annotator, trace, turn, offer), vote in said.items():
        if offer is None:
            continue
        theirs = next(
            other
            for key, other in job.votes().items()
            if (key.annotator, key.item_id, key.occasion) == (annotator, f"{trace}-{turn}", 0)
            and key.offer_id is not None
            and texts["there", trace, turn, key.offer_id] == texts["here", trace, turn, offer]
        )
        assert theirs.answer is not None
        assert vote.answer is not None
        assert theirs.answer.vote == vote.answer.vote
    notes = export_job(form, again, tmp_path / "twice")
    assert (tmp_path / "twice" / "annotation" / "s0.json").read_bytes() == (
        tmp_path / "out" / "annotation" / "s0.json"
    ).read_bytes()
    assert any(file.name == "reward_data.jsonl" for file in notes)


def test_what_cannot_be_taken_leaves_the_job_as_it_was(fresh: JobFolder, tmp_path: Path) -> None:
    good = '{"annotator": "ann", "item_id": "s0-0", "answer": "yes", "at": "2026-11-02T10:00:00Z"}\n'
    before = files_of(fresh.path)
    file = tmp_path / "votes.jsonl"
    for bad, says in (
        ('{"annotator": "ann", "item_id": "s9-9", "answer": "no"}', r"votes.jsonl:2: .* has no item \"s9-9\""),
        ('{"annotator": "ann", "item_id": "s0-0", "offer_id": "o7", "answer": "accept"}', "votes.jsonl:2: .*o7"),
        ('{"annotator": "ann", "item_id": "s0-0", "answer": "accept"}', "votes.jsonl:2.*is no answer to the need"),
        ('{"annotator": "ann", "trace_id": "s0", "turn": 9, "answer": "no"}', r"votes.jsonl:2: .* turn 9 of \"s0\""),
        ('{"annotator": "ann", "trace_id": "S0", "turn": 0, "answer": "no"}', "did you mean s0"),
        ('{"annotator": "ann", "item_id": "s0-0", "offer": "Nothing", "answer": "accept"}', "no offer"),
        ('{"annotator": "ann", "item_id": "s0-0", "occasion": 2, "answer": "no"}', "occasion 2"),
        ('{"annotator": "an n", "item_id": "s0-0", "answer": "no"}', "votes.jsonl:2.*annotator"),
        ('{"annotator": "ann", "item_id": "s0-0", "answer": "no", "at": "2199-01-01T00:00:00Z"}', "in the future"),
        ('{"annotator": "Ann", "item_id": "s0-0", "answer": "no"}', "share a file"),
    ):
        file.write_text(good + bad + "\n")
        with pytest.raises(DataError, match=says) as refused:
            import_votes(format_of("votes"), [file], fresh)
        assert "\n" not in str(refused.value)
        assert files_of(fresh.path) == before


@pytest.mark.parametrize("name", ["../x", "x\n", "", "-x", "x" * 65])
def test_a_map_of_names_to_what_is_no_pseudonym_is_refused(name: str, fresh: JobFolder, tmp_path: Path) -> None:
    (tmp_path / "names.json").write_text(json.dumps({"ann": name}))
    file = tmp_path / "votes.jsonl"
    file.write_text('{"annotator": "ann", "item_id": "s0-0", "answer": "yes"}\n')
    before = files_of(fresh.path)
    with pytest.raises(DataError, match="is no pseudonym"):
        import_votes(format_of("votes"), [file], fresh, names=tmp_path / "names.json")
    assert files_of(fresh.path) == before


def test_a_person_who_votes_just_now_is_not_written_over(fresh: JobFolder, tmp_path: Path) -> None:
    file = tmp_path / "votes.jsonl"
    file.write_text(
        "".join(f'{{"annotator": "{name}", "item_id": "s0-0", "answer": "yes"}}\n' for name in ("ann", "bob"))
    )
    with fresh.open_votes("bob"), pytest.raises(UsageError, match="being written by another process"):
        import_votes(format_of("votes"), [file], fresh)
    assert fresh.votes() == {}


def test_a_disk_that_fills_up_takes_none_of_it(
    fresh: JobFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from proactivebench import store

    file = tmp_path / "votes.jsonl"
    file.write_text(
        "".join(f'{{"annotator": "{name}", "item_id": "s0-0", "answer": "yes"}}\n' for name in ("ann", "bob"))
    )
    append = store.Appender.append

    def full(self: store.Appender, records: list[Vote], **how: bool) -> None:
        if self.path.stem == "bob":
            raise CannotWrite("no space left")
        append(self, records, **how)

    monkeypatch.setattr(store.Appender, "append", full)
    with pytest.raises(CannotWrite):
        import_votes(format_of("votes"), [file], fresh)
    assert list((fresh.path / "votes").glob("*.jsonl")) == []


def test_the_later_word_stands_wherever_it_was_given(fresh: JobFolder, tmp_path: Path) -> None:
    with fresh.open_votes("ann") as log:
        log.append([Vote(annotator="ann", item_id="s0-0", answer=Answer.YES, at=WHEN, order=0)])
    file = tmp_path / "votes.jsonl"
    line = '{{"annotator": "ann", "item_id": "s0-0", "answer": "no", "at": "{}"}}\n'
    file.write_text(line.format("2026-11-01T00:00:00Z"))
    assert import_votes(format_of("votes"), [file], fresh).older == 1
    file.write_text(line.format("2026-11-03T00:00:00Z"))
    assert import_votes(format_of("votes"), [file], fresh).replaced == 1
    assert standing(fresh) == {VoteKey("ann", "s0-0", 0, None): (Answer.NO, None)}
    file.write_text(line.format("2026-11-03T00:00:00Z") + line.format("2026-11-04T00:00:00Z").replace('"no"', "null"))
    with pytest.raises(DataError, match="holds no votes"):
        import_votes(format_of("votes"), [file], fresh)


def test_reasons_lose_their_secrets_before_they_are_written(fresh: JobFolder, tmp_path: Path) -> None:
    file = tmp_path / "votes.jsonl"
    line = '{"annotator": "ann", "item_id": "s0-0", "answer": "no", "reason": "ask jane.doe@example.com"}\n'
    file.write_text(line)
    import_votes(format_of("votes"), [file], fresh)
    assert "jane.doe" not in fresh.votes_file("ann").read_text()


def test_votes_of_a_live_agent_make_a_job_of_their_own_traces(tmp_path: Path) -> None:
    from proactivebench.annotation.formats.contract import Options

    traces = tuple(make_job(tmp_path / "traces", sessions=2, events=3).sessions.values())
    file = tmp_path / "live.jsonl"
    file.write_text(
        '{"annotator": "u1", "trace_id": "s1", "turn": 2, "offer": "Run the tests", "answer": "accepted", '
        '"at": "2026-11-02T10:00:00Z", "seconds": 4.5}\n'
        '{"annotator": "u1", "trace_id": "s1", "turn": 2, "answer": "yes"}\n'
        '{"annotator": "u2", "trace_id": "s0", "turn": 0, "offer": "Open it", "answer": "not yet"}\n'
    )
    folder, imported = import_job(format_of("votes"), [file], tmp_path / "job", options=Options(traces=traces))
    assert imported.new == 3
    said = {
        (key.annotator, folder.items[key.item_id].turn, vote.answer, bool(key.offer_id))
        for key, vote in folder.votes().items()
    }
    assert said == {
        ("u1", 2, Answer.ACCEPT, True),
        ("u1", 2, Answer.YES, False),
        ("u2", 0, Answer.PREMATURE, True),
    }
    assert import_votes(format_of("votes"), [file], folder).known == 3
    with pytest.raises(BadArgument, match="--tasks"):
        import_job(format_of("votes"), [file], tmp_path / "other")
    assert not (tmp_path / "other").exists()
    with pytest.raises(BadArgument, match="hold no sessions"):
        import_job(format_of("argilla"), [file], tmp_path / "other")


def test_a_format_that_nobody_knows_is_answered_with_the_nearest() -> None:
    with pytest.raises(UnknownName, match="did you mean label-studio"):
        format_of("labelstudio")
    for name in MODULES:
        form = format_of(name)
        assert form.name == name
        assert form.about
        assert form.write is not None
