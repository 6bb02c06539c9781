"""Judges held against people of a user's own: whose labels, by which rule, and what was seen of them before."""

import asyncio
import json
import random
from dataclasses import replace

import pytest

from proactivebench.cli import main
from proactivebench.errors import DataError
from proactivebench.judging import create_judge
from proactivebench.judging.kept import kept_under
from proactivebench.judging.lexical.judge import LexicalJudge
from proactivebench.judging.lexical.training import train_own
from proactivebench.judging.lexical.weights import OTHER, read_weights
from proactivebench.records import Answer, NeedRule, Trace, Vote
from proactivebench.text import write_lines
from proactivebench.traces import load_task, trace_hash
from proactivebench.validation.ceiling import ceiling, ceiling_or_why
from proactivebench.validation.design import standing, whole_standing
from proactivebench.validation.people import carries_votes, own_labels, released_labels
from proactivebench.validation.validate import validate
from tests.annotation.jobs import WHEN, make_job
from tests.judging.labelled import labelled_rows
from tests.judging.scripted import ScriptedEngine
from tests.validation.own import PEOPLE, own_file, own_traces


@pytest.fixture(scope="module")
def mine(tmp_path_factory):
    return own_file(tmp_path_factory.mktemp("own"))


@pytest.fixture(scope="module")
def labels(mine):
    return own_labels(load_task(str(mine)), str(mine))


@pytest.fixture(autouse=True)
def _cache(tmp_path, monkeypatch):
    monkeypatch.setenv("PROACTIVEBENCH_CACHE", str(tmp_path / "cache"))


def llm(**declared):
    args = {"model": "m", **declared}
    return create_judge("llm", engine=ScriptedEngine(), model="endpoint", model_args=args)


def judges(capsys, *words):
    with pytest.raises(SystemExit) as ended:
        main(["judges", *map(str, words)])
    out, err = capsys.readouterr()
    return ended.value.code, out, err


# --- the reader -------------------------------------------------------------------------------------------------------


def test_every_offer_with_votes_and_every_labelled_silence_is_an_item_that_shows_no_label(labels):
    assert len(labels.items) == 6 * 12 * 3
    assert all(item.item.moment.labels is None for item in labels.items)
    silences = [item for item in labels.items if item.row.pred_task is None]
    assert all(item.row.annotators == PEOPLE for item in labels.items)
    assert [item.row.votes for item in silences[:2]] == [(False, True, False), (True, True, True)]
    for rule in NeedRule:
        assert {item.category(rule) for item in labels.items} == {"CD", "FA", "CR", "MN"}
    assert labels.rules == (NeedRule.ASKED, NeedRule.UNANIMOUS, NeedRule.MAJORITY)


def test_it_says_whose_labels_they_are(labels, mine):
    data = labels.data
    assert (data.name, data.annotators, data.licence) == ("mine", 3, "unknown")
    assert data.revision.startswith("sha256:")
    assert data.people == "3 annotators, 3.0 votes an item"
    task = load_task(str(mine))
    assert data.covers({trace_hash(trace) for trace in task.traces})
    assert data.covers({trace_hash(task.traces[0])})
    assert data.covers({trace_hash(trace) for trace in (*task.traces, *own_traces(1, begin="more"))})
    assert not data.covers({trace_hash(own_traces(1, begin="more")[0])})


def test_tasks_that_are_known_carry_no_votes_of_the_users_own(mine):
    assert carries_votes(load_task(str(mine)))
    assert not carries_votes(load_task("proactivebench_sample"))


def test_votes_without_pseudonyms_are_read_and_said_to_be(tmp_path):
    bare = json.loads(own_file(tmp_path, traces=1, asked=False).read_text())
    for moment in bare["labels"]:
        for task in moment["tasks"]:
            del task["annotators"]
    (tmp_path / "bare.jsonl").write_text(json.dumps(bare))
    found = own_labels(load_task(str(tmp_path / "bare.jsonl")), "bare.jsonl")
    assert found.data.people == "people without pseudonyms, 3.0 votes an item"


# --- what a judge has seen --------------------------------------------------------------------------------------------


def test_nobody_knows_what_a_model_has_seen_unless_it_is_said(labels):
    assert standing(llm().deciders("silence").__next__(), labels).design == "unknown"
    for words, design in (
        ("none", "direct"),
        ("unknown", "unknown"),
        ("release", "direct"),
        ("UltraFeedback", "direct"),
    ):
        assert whole_standing(llm(trained_on=words), labels).design == design
    assert whole_standing(llm(trained_on="release"), released_labels(labelled_rows())).design == "leaked"
    assert whole_standing(llm(trained_on="mine"), labels).design == "leaked"
    assert whole_standing(llm(trained_on=f"none-such+{labels.hash}"), labels).design == "leaked"


def test_what_is_declared_makes_no_other_judge():
    assert llm().identity.id == llm(trained_on="none").identity.id
    assert llm(trained_on="none").identity.card["trained_on"] == []


def test_sessions_that_the_training_data_share_are_left_out_and_all_of_them_is_a_leak(labels, tmp_path):
    shared = tmp_path / "shared.jsonl"
    shared.write_bytes(write_lines(own_traces()[:2]))
    found = whole_standing(llm(trained_on=str(shared)), labels)
    assert (found.design, found.seen) == ("direct", {"own-0", "own-1"})
    rows = tmp_path / "rows.jsonl"
    prefix = [{"event": event.event} for event in own_traces()[2].events[:3]]
    rows.write_text(json.dumps({"obs": prefix, "pred_task": None, "valid": True}))
    assert whole_standing(llm(trained_on=f"{shared}+{rows}"), labels).seen == {"own-0", "own-1", "own-2"}
    everything = own_file(tmp_path)
    assert whole_standing(llm(trained_on=str(everything)), labels).design == "leaked"


def test_a_card_names_its_training_data_beside_it_and_wherever_it_is_used(labels, tmp_path):
    (tmp_path / "shared.jsonl").write_bytes(write_lines(own_traces()[:2]))
    card = tmp_path / "mine.yaml"
    prompt = "system: decide\nuser: '{{events}} {{nonce}} {{proposal}}'\n"
    card.write_text(f"name: mine\nkind: llm\n{prompt}trained_on: [shared.jsonl]\n")
    judge = create_judge(str(card), engine=ScriptedEngine(), model="endpoint", model_args={"model": "m"})
    assert whole_standing(judge, labels).seen == {"own-0", "own-1"}
    card.write_text(f"name: mine\nkind: llm\n{prompt}")
    bare = create_judge(str(card), engine=ScriptedEngine(), model="endpoint", model_args={"model": "m"})
    assert whole_standing(bare, labels).design == "unknown"
    assert bare.identity.id == judge.identity.id


def test_training_data_that_cannot_be_read_are_said_and_measure_nothing(labels):
    with pytest.raises(DataError, match=r"nowhere\.jsonl"):
        whole_standing(llm(trained_on="nowhere.jsonl"), labels)


def test_a_measurement_says_what_was_left_out_and_what_is_unknown(labels, tmp_path):
    shared = tmp_path / "shared.jsonl"
    shared.write_bytes(write_lines(own_traces()[:2]))
    found = asyncio.run(validate(llm(trained_on=str(shared)), labels, command="c"))
    assert found.left_out == 2
    assert found.blocks[0].items == len(labels.items) * 4 // 6
    unknown = asyncio.run(validate(llm(), labels, command="c"))
    assert unknown.left_out == 0
    assert unknown.blocks[0].heading.startswith("TRAINING DATA UNKNOWN, it may have seen these moments")
    assert unknown.measured().errors.leaked
    leaked = asyncio.run(validate(llm(trained_on="mine"), labels, command="c"))
    assert leaked.blocks[0].heading.startswith("LEAKED")


# --- the ceiling ------------------------------------------------------------------------------------------------------


def test_the_ceiling_is_by_person_where_votes_have_names_whatever_their_order(labels):
    def mixed(row):
        order = chance.sample(range(3), 3)
        votes, names = tuple(row.votes[n] for n in order), tuple(row.annotators[n] for n in order)
        return replace(row, votes=votes, annotators=names)

    chance = random.Random(3)
    moved = [mixed(row) for row in labels.rows if row.pred_task is not None]
    found, again = ceiling(labels.rows), ceiling(moved)
    assert found.votes == again.votes == 6 * 12 * 2 * 3
    assert (found.auc_within, found.consistency) == pytest.approx((again.auc_within, again.consistency))
    nameless = ceiling([replace(row, annotators=()) for row in moved])
    assert nameless.auc_pooled == pytest.approx(found.auc_pooled)
    assert nameless.consistency != pytest.approx(found.consistency), "a place without a name is nobody's threshold"


def test_of_two_numbers_of_votes_as_usual_as_each_other_the_ceiling_takes_the_greater(labels):
    rows = [row for row in labels.rows if row.pred_task is not None]
    half = len(rows) // 2 * 2
    fourth = [
        replace(row, votes=(*row.votes, row.votes[0]), annotators=(*row.annotators, "di")) if place % 2 else row
        for place, row in enumerate(rows[:half])
    ]
    assert [ceiling(given).people for given in (fourth, fourth[::-1])] == [4, 4]


def test_why_there_is_no_ceiling_is_said(labels):
    two = [replace(row, votes=row.votes[:2], annotators=row.annotators[:2]) for row in labels.rows]
    assert ceiling_or_why(two) == (None, "no offer has three people's votes")
    twice = [replace(row, annotators=("ann", "ann", "bo")) for row in labels.rows]
    assert ceiling_or_why(twice) == (None, "no offer has three people's votes")
    same = [replace(row, votes=(True,) * 3) for row in labels.rows]
    assert ceiling_or_why(same) == (None, "people agree on every item: nothing to predict")


# --- a lexical judge of one's own -------------------------------------------------------------------------------------


def test_own_weights_leave_out_each_trace_with_those_that_begin_alike(labels):
    rows = labels.rows
    copied = [replace(row, trace="copy-of-own-0") for row in rows if row.trace == "own-0"]
    weights = train_own([*rows, *copied], "mine", "c")
    assert set(weights.sets) == {OTHER, "copy-of-own-0", *(f"own-{n}" for n in range(1, 6))}
    without = train_own([row for row in rows if row.trace != "own-0"], "mine", "c")
    assert weights.sets["copy-of-own-0"] == without.sets[OTHER]


def test_own_weights_know_a_trace_again_by_its_events_alone(labels):
    weights = train_own(labels.rows, "mine", "c")
    whole = own_traces()[3]
    part = Trace(trace_id="renamed", split="other", events=whole.events[:4])
    assert weights.set_for(part) == "own-3"
    assert weights.set_for(own_traces(1, begin="else")[0]) == OTHER
    judge = LexicalJudge(weights, create_judge("lexical").identity)
    assert judge.design([whole]) == "leave-one-trace-out"
    assert judge.design(own_traces(1, begin="else")) == "direct"


def test_labels_to_a_judge_and_back_on_the_command_line(mine, tmp_path, capsys):
    weights = tmp_path / "weights.json"
    code, out, _ = judges(capsys, "train", "lexical", "--labels", mine, "--output_path", weights)
    assert code == 0
    card = tmp_path / "card.yaml"
    card.write_text(out.partition("\n")[2].partition("\n")[2])
    assert read_weights(weights).data == "mine"
    code, out, _ = judges(capsys, "validate", card, "--labels", mine)
    assert code == 0
    assert "leave-one-trace-out" in out
    assert "People: 3 annotators, 3.0 votes an item (mine, sha256:" in out
    assert "need rule asked" in out.splitlines()[3], "where nine in ten moments have it, need asked directly leads"
    assert "need rule unanimous" in out
    assert "one human" in out
    assert "The ceiling: two people predict a third's vote" in out
    assert "lookup" not in out, "that is the release's leak"
    (kept,) = kept_under("weights")
    assert kept.people.name == "mine"
    assert "measured:" in card.read_text()


def test_the_shipped_card_is_not_written_to_for_other_peoples_labels(mine, capsys):
    from proactivebench.resources import shipped

    card = shipped("judges", "lexical.yaml")
    before = card.read_bytes()
    assert judges(capsys, "validate", "lexical", "--labels", mine)[0] == 0
    assert card.read_bytes() == before
    out = judges(capsys, "list")[1]
    assert "by 3 annotators, 3.0 votes an item (mine, sha256:" in out


def test_a_jobs_folder_is_labels_too_and_moments_without_votes_are_left_out(tmp_path, capsys):
    folder = make_job(tmp_path / "job", sessions=5, events=10)
    for place, name in enumerate(("ann", "bo", "cy")):
        with folder.open_votes(name) as votes:
            for number, item in enumerate(one for one in folder.items.values() if one.turn < 9):
                said = [(None, Answer.YES if item.turn % 2 else Answer.NO)]
                said += [(o.offer_id, Answer.REJECT if (number + n) % 3 == place else Answer.ACCEPT)
                         for n, o in enumerate(item.offers)]  # fmt: skip
                for order, (offer, answer) in enumerate(said):
                    votes.append([Vote(annotator=name, item_id=item.item_id, offer_id=offer, answer=answer,
                                     at=WHEN, order=order)])  # fmt: skip
    code, out, err = judges(capsys, "validate", "lexical", "--labels", folder.path, "--json")
    assert not err
    found = json.loads(out)
    assert code == 0
    assert found["people"]["annotators"] == 3
    assert found["people"]["licence"] == "CC0-1.0"
    leading = found["blocks"][0]
    assert (leading["rule"], leading["items"]) == ("asked", 5 * 9 * 3)


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("validate", "lexical", "--labels", "{bare}"), "holds no labels: give traces with labels"),
        (("validate", "lexical", "--labels", "{rows}"), "is a file of judge-training rows"),
        (("validate", "lexical", "--labels", "{none}"), "no such file"),
        (("validate", "lexical", "--labels", "{mine}", "--items", "official"), "--items official are 120 of the"),
        (("validate", "lexical", "--labels", "proactivebench_sample"), "invented votes, and none of yours"),
        (("train", "lexical", "--labels", "{mine}"), "need a file of their own: add --output_path"),
        (("train", "lexical", "--labels", "{few}", "--output_path", "{out}"), "2 traces: leaving one out"),
        (("audit-leaks", "{mine}"), "name what is tested on and what is scored"),
    ],
)
def test_what_cannot_be_labels_is_refused_in_one_line(mine, tmp_path, capsys, words, why):
    bare = [trace.model_copy(update={"labels": None}) for trace in own_traces(1)]
    (tmp_path / "bare.jsonl").write_bytes(write_lines(bare))
    (tmp_path / "few.jsonl").write_bytes(write_lines(own_traces(2)))
    (tmp_path / "rows.jsonl").write_text(json.dumps({"obs": [{"event": "e"}], "pred_task": None, "valid": True}))
    names = {name: tmp_path / f"{name}.jsonl" for name in ("bare", "few", "rows", "none", "out")} | {"mine": mine}
    code, _, err = judges(capsys, *(word.format(**names) for word in words))
    assert code == 2
    assert why in err
    assert len(err.strip().splitlines()) == 1


def test_leaks_into_ones_own_labels_are_counted(mine, tmp_path, capsys):
    shared, apart = tmp_path / "shared.jsonl", tmp_path / "apart.jsonl"
    shared.write_bytes(write_lines(own_traces()[:2]))
    apart.write_bytes(write_lines(own_traces(3, begin="else")))
    code, out, _ = judges(capsys, "audit-leaks", shared, "--labels", mine, "--json")
    found = json.loads(out)
    assert code == 1
    assert (found["test_traces_shared"], found["test_traces"]) == (2, 6)
    assert found["train_rows_on_benchmark"] == found["train_rows"] == 2 * 12 * 3
    assert judges(capsys, "audit-leaks", apart, "--labels", mine)[0] == 0
