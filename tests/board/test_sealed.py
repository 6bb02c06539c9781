"""Sealed sets: traces that everybody has, labels that the maintainers alone have, and nothing of a label anywhere."""

import json
import logging
import re
import shutil

import pytest

from proactivebench import evaluate
from proactivebench.board.publish.prepare import prepare_entry
from proactivebench.board.verify.sealed import FEWEST, TOO_FEW, figures, read_sealed, sealed_timing
from proactivebench.errors import WrongFile
from proactivebench.records import MomentLabels, TaskVotes
from proactivebench.resources import cache_folder
from proactivebench.store import RunStore
from proactivebench.text import write_lines
from tests.validation.own import own_traces

from .calling import call, one_line
from .conftest import DECLARED
from .forging import as_served, lines
from .forging import write_lines as write_evidence

PEOPLE = ("Quillfeather", "Marrowgate", "Thistledown")
WORDS = ("useful help", "idle talk", *PEOPLE)  # of votes alone: they stand in no event and no answer


def _named(labels, turn):
    """The labels with pseudonyms that stand nowhere else; every second moment needs help, whatever its event says."""
    need = turn % 2 == 0
    tasks = tuple(
        TaskVotes(task=task.task, votes=(need, need, need and place == 0), annotators=PEOPLE)
        for place, task in enumerate(labels.tasks)
    )
    asked = (need, need, turn % 5 == 0)
    return MomentLabels(need=need, need_majority=need, tasks=tasks, asked=asked, asked_by=PEOPLE)


def private_traces():
    return tuple(
        trace.model_copy(update={"labels": tuple(_named(label, turn) for turn, label in enumerate(trace.labels))})
        for trace in own_traces(8, 12)
    )


def speaks(moment):
    """Offers at the two later of each three events, so that both kinds of answers are many."""
    return "Shall I look into it?" if moment.turn % 3 else None


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The public and the private file of a sealed set, and a board with one entry that answers it."""
    root = tmp_path_factory.mktemp("sealed")
    private = private_traces()
    (root / "harbour.jsonl").write_bytes(write_lines(private))
    public = [trace.model_copy(update={"labels": None}) for trace in private]
    (root / "public.jsonl").write_bytes(write_lines(public))
    evaluate(speaks, root / "public.jsonl", output_path=root / "run")
    store = as_served(root / "run", root / "served", "helper-7b")
    prepare_entry(store, root / "board" / "entries" / "acme__helper-7b" / "r1", DECLARED, "r1", sealed=True)
    return root


@pytest.fixture(autouse=True)
def _day(monkeypatch, tmp_path):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1750000000")
    monkeypatch.setenv("PROACTIVEBENCH_CACHE", str(tmp_path / "cache"))


def written(*roots):
    """Everything below some folders, by relative name."""
    return {
        (root.name, str(file.relative_to(root))): file.read_bytes()
        for root in roots
        for file in sorted(root.rglob("*"))
        if file.is_file()
    }


def tells(said):
    """The label content in a text or file."""
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
    return [word for word in WORDS if word in text]


def test_answers_to_a_sealed_set_are_scored_and_nothing_says_a_label(folder, tmp_path, caplog):
    caplog.set_level(logging.DEBUG)
    entry = folder / "board" / "entries" / "acme__helper-7b" / "r1"
    assert call("leaderboard", "validate", entry).code == 0
    said = {
        form: call("leaderboard", "verify", entry, "--labels", folder / "harbour.jsonl", "--format", form)
        for form in ("rich", "json", "github", "markdown")
    }
    built = call(
        "leaderboard", "build", folder / "board", "--labels", folder / "harbour.jsonl",
        "--output_path", tmp_path / "site", "--dataset_path", tmp_path / "dataset",
    )  # fmt: skip
    assert [done.code for done in (*said.values(), built)] == [0] * 5
    assert said["rich"].out.startswith("scored     acme__helper-7b/r1")
    assert re.search(r"need by the asked rule, 96 moments: need recall 0\.\d\d \[", said["rich"].out)
    assert "nothing is told of what they are worth" in said["rich"].out
    board = json.loads((tmp_path / "site" / "board.json").read_text())
    (line,) = [line for line in board["when"][0]["lines"] if not line["anchor"]]
    figure = line["metrics"]["need_detection_balanced_accuracy"]["value"]
    assert figure == round(figure, 2)
    assert board["when"][0]["task"]["name"] == "harbour", "the name its maintainers gave it"
    assert ", harbour, nobody judged; " in (tmp_path / "site" / "compare.html").read_text()
    for done in (*said.values(), built):
        assert not tells(done.out + done.err)
    assert not tells(caplog.text)
    everything = written(tmp_path / "site", tmp_path / "dataset", cache_folder(), folder / "board")
    assert len(everything) > 20
    assert {name: found for name, content in everything.items() if (found := tells(content))} == {}
    names = {name for _, name in everything}
    told_apart = [name for name in names if re.search(r"moments-|pairs-|users\.csv", name)]
    assert not told_apart, "no table moment by moment, of pairs, or of users"
    assert line["metrics"]["user_balanced_accuracy"].get("value") is None
    assert not [name for _, name in written(cache_folder()) if name.endswith(".json")], "nothing recomputed is kept"


def test_no_byte_of_a_board_depends_on_which_of_two_like_moments_was_one_of_need(folder, tmp_path):
    """Labels of two moments at which the entry did the same change places: every figure stays, and so does every
    byte."""
    private = list(private_traces())
    labels = list(private[2].labels)
    labels[4], labels[5] = labels[5], labels[4]  # it offered at both, and one was a need
    private[2] = private[2].model_copy(update={"labels": tuple(labels)})
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "harbour.jsonl").write_bytes(write_lines(private))
    sites = []
    for place, file in enumerate((folder / "harbour.jsonl", tmp_path / "other" / "harbour.jsonl")):
        site = tmp_path / f"{place}" / "site"
        assert call("leaderboard", "build", folder / "board", "--labels", file, "--output_path", site).code == 0
        sites.append(written(site))
    assert sites[0].keys() == sites[1].keys()
    assert [name for name in sites[0] if sites[0][name] != sites[1][name]] == []


def test_answers_to_a_sealed_set_that_a_threshold_made_silences_are_said_to_be_swept(folder, tmp_path):
    shutil.copytree(folder / "board", tmp_path / "board")
    entry = tmp_path / "board" / "entries" / "acme__helper-7b" / "r1"
    replies = lines(entry, "replies.jsonl.gz")
    offer = next(reply for reply in replies if reply["status"] == "proposed")
    offer |= {"status": "silent", "proposals": [], "notes": [*offer.get("notes", ()), "swept"]}
    write_evidence(entry, "replies.jsonl.gz", replies)
    done = call(
        "leaderboard", "build", tmp_path / "board", "--labels", folder / "harbour.jsonl",
        "--output_path", tmp_path / "site",
    )  # fmt: skip
    assert done.code == 0, done.err
    board = json.loads((tmp_path / "site" / "board.json").read_text())
    (line,) = [line for line in board["when"][0]["lines"] if not line["anchor"]]
    assert "swept" in [badge["badge"] for badge in line["badges"]]


def test_without_the_labels_it_is_refused_and_may_be_scored_later(folder, tmp_path):
    entry = folder / "board" / "entries" / "acme__helper-7b" / "r1"
    alone = call("leaderboard", "verify", entry)
    assert alone.code == 1
    assert "answers a sealed set whose labels are not at hand" in alone.out
    assert call("leaderboard", "build", folder / "board", "--output_path", tmp_path / "a").code == 1
    whole = ("leaderboard", "build", folder / "board", "--labels", folder / "harbour.jsonl")
    assert call(*whole, "--output_path", tmp_path / "b").code == 0


@pytest.mark.parametrize("verb", ["verify", "build"])
@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (lambda traces: traces[::-1], "its traces are not those of any entry here"),
        (lambda traces: traces[:-1], "its traces are not those of any entry here"),
        (lambda traces: [t.model_copy(update={"labels": None}) for t in traces], "have no label"),
        (
            lambda traces: [t.model_copy(update={"labels": (*t.labels[:3], *[None] * 9)}) for t in traces],
            "72 of 96 moments have no label",
        ),
    ],
)
def test_labels_of_something_else_are_refused_in_one_line(folder, tmp_path, verb, spoil, why):
    wrong = tmp_path / "wrong.jsonl"
    wrong.write_bytes(write_lines(spoil(private_traces())))
    more = ("--output_path", tmp_path / "site") if verb == "build" else ()
    done = call("leaderboard", verb, folder / "board", "--labels", wrong, *more)
    assert done.code == 2
    assert why in one_line(done.err)
    assert not tells(done.out + done.err)
    assert not (tmp_path / "site").exists()


@pytest.mark.parametrize(
    "content",
    [
        '{"trace_id": "a", "split": "s", "events": [], "labels": ["Quillfeather"]}',
        '{"trace_id": "a", "Quillfeather": 1, "Quillfeather": 2}',
        "Quillfeather\n",
        '[{"Quillfeather": true}]',
    ],
)
def test_a_file_that_is_no_labels_is_refused_without_a_word_of_it(folder, tmp_path, content):
    (tmp_path / "wrong.jsonl").write_text(content)
    done = call("leaderboard", "verify", folder / "board", "--labels", tmp_path / "wrong.jsonl")
    assert done.code == 2
    assert "wrong.jsonl" in one_line(done.err)
    assert not tells(done.out + done.err)
    assert call("leaderboard", "verify", folder / "board", "--labels", tmp_path / "none.jsonl").code == 2


def test_the_name_of_a_known_set_is_no_name_for_a_sealed_one(tmp_path):
    (tmp_path / "proactivebench.jsonl").write_bytes(write_lines(private_traces()))
    with pytest.raises(WrongFile, match="call the file after the sealed set"):
        read_sealed([tmp_path / "proactivebench.jsonl"])


def test_figures_are_told_only_over_many_moments_of_each_kind(folder):
    (sealed,) = read_sealed([folder / "harbour.jsonl"]).values()
    replies = list(RunStore(folder / "run").replies().values())
    assert sealed_timing(sealed, replies).metrics["need_detection_recall"].value is not None
    for offered in (FEWEST - 1, len(replies) - FEWEST + 1):
        few = [
            reply.model_copy(update={"proposals": ("x",) if place < offered else ()})
            for place, reply in enumerate(replies)
        ]
        told = sealed_timing(sealed, few)
        assert told.metrics["need_detection_recall"].reason == TOO_FEW
        assert set(told.chance.values()) == {1.0}
        assert told.metrics["proposal_rate"].value == pytest.approx(offered / len(replies))


def test_to_offer_at_one_moment_in_many_rollouts_tells_nothing_of_it(folder):
    (sealed,) = read_sealed([folder / "harbour.jsonl"]).values()
    replies = RunStore(folder / "run").replies().values()
    often = [
        reply.model_copy(
            update={"repeat": repeat, "proposals": ("x",) if (reply.trace_id, reply.turn) == ("own-0", 4) else ()}
        )
        for repeat in range(2 * FEWEST)
        for reply in replies
    ]
    assert sealed_timing(sealed, often).metrics["need_detection_recall"].reason == TOO_FEW


def test_what_people_said_of_offers_is_told_over_many_alone(folder):
    (sealed,) = read_sealed([folder / "harbour.jsonl"]).values()
    replies = [
        reply.model_copy(update={"proposals": (f"useful help {reply.trace_id}-{reply.turn}",)})
        for reply in RunStore(folder / "run").replies().values()
    ]
    timing = sealed_timing(sealed, replies)
    assert figures(sealed, timing, replies)[-1] == "of its offers that people voted on 0.50 are accepted"
    assert "nothing is told" in figures(sealed, timing, replies[: FEWEST - 1])[-1]
    assert "nothing is told" in figures(sealed, timing, replies[:1] * 2 * FEWEST)[-1]


def test_an_entry_on_a_sealed_set_carries_answers_alone(folder, tmp_path):
    entry = folder / "board" / "entries" / "acme__helper-7b" / "r1"
    stored = json.loads((entry / "entry.json").read_text())
    assert stored["sealed"] is True
    assert stored["manifest"]["judges"] == stored["claims"] == {}
    assert sorted(path.name for path in entry.iterdir()) == ["entry.json", "replies.jsonl.gz"]
    without = call("leaderboard", "prepare", folder / "served", "--output_path", tmp_path / "e", *_declared())
    assert without.code == 2
    assert "are sent with --sealed" in without.err
    evaluate(speaks, folder / "harbour.jsonl", output_path=tmp_path / "run")
    as_served(tmp_path / "run", tmp_path / "labelled", "helper-7b")
    labelled = call(
        "leaderboard", "prepare", tmp_path / "labelled", "--sealed", "--output_path", tmp_path / "e", *_declared()
    )
    assert labelled.code == 2
    assert "run the public one" in labelled.err


def test_its_task_is_called_what_its_makers_say_and_that_leads_to_no_file(folder, tmp_path, monkeypatch):
    monkeypatch.chdir(folder)  # where the entry's word for its data is the name of a file
    entry = folder / "board" / "entries" / "acme__helper-7b" / "r1"
    again = call("leaderboard", "reproduce", entry, "--model", "always")
    assert again.code == 2
    assert "answers a sealed set" in one_line(again.err)
    pending = call("leaderboard", "rejudge", folder / "board", "--pending", "--judge_model", "always")
    assert "harbour" not in pending.out + pending.err


def test_an_entry_that_leaves_moments_out_is_refused(folder, tmp_path):
    from .forging import lines
    from .forging import write_lines as rewrite

    entry = tmp_path / "entries" / "acme__helper-7b" / "r1"
    shutil.copytree(folder / "board" / "entries" / "acme__helper-7b" / "r1", entry)
    rewrite(entry, "replies.jsonl.gz", lines(entry, "replies.jsonl.gz")[:-1])
    done = call("leaderboard", "verify", entry, "--labels", folder / "harbour.jsonl")
    assert done.code == 1
    assert "is not answered: every moment must be" in done.out


def _declared():
    said = {"organisation": "acme", "model_name": "helper-7b", "licence": "MIT", "contact": "a@example.org"}
    said |= {"trained_on_traces": "no", "trained_on_labels": "no"}
    return [word for name, value in said.items() for word in (f"--{name}", value)]
