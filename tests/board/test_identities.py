"""Nobody passes for what is shipped here: a judge, a protocol, the data, a trivial agent. `verified` says all of it."""

import json
import shutil

import pytest

from proactivebench.board.publish.building import build_board
from proactivebench.board.verify.identities import judge_fault
from proactivebench.board.verify.verification import verify_entry
from proactivebench.judging import create_judge
from proactivebench.traces import load_task

from .forging import REPLIES, declared, judged_by_a_model, lines, question, verdict_name, write_declared, write_lines


@pytest.fixture(scope="module")
def task():
    return load_task("proactivebench_sample")


def said(outcome):
    return " | ".join(f"{finding.file}: {finding.message}" for finding in outcome.findings)


def edited_judge(entry, **changes):
    """Change what the entry says of its one judge, its id included."""
    content, old = declared(entry), verdict_name(entry)
    (identity,) = content["manifest"]["judges"].values()
    del identity["members"]  # told from the words and cards, as of an entry that states none
    identity |= changes
    content["manifest"]["judges"] = {identity["id"]: identity}
    new = f"verdicts/{identity['id']}.jsonl.gz"
    content["evidence"][new] = content["evidence"].pop(old)
    content["claims"] = {}
    (entry / old).rename(entry / new)
    write_declared(entry, content)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"baseline": False}, "not the labels-lexical judge shipped here"),
        ({"deterministic": False}, "not the labels-lexical judge shipped here"),
        ({"hash": "ab" * 32, "id": "labels-lexical-abababab"}, "not the labels-lexical judge shipped here"),
        ({"silence": "people", "proposals": "people"}, "decides by people"),
        ({"name": "gpt-5-judge", "id": "gpt-5-judge-18b12a61"}, "decides by labels-lexical"),
        ({"id": "labels-lexical-00000000"}, "filed under another id or hash"),
        ({"proposals": "labels+lexical+gpt-5", "name": "labels-lexical-gpt-5"}, "not named by its name and hash"),
        ({"silence": None, "proposals": None}, "neither silences nor offers"),
    ],
    ids=lambda value: "" if isinstance(value, str) else ",".join(value),
)
def test_a_judge_is_what_it_is_called(entry, task, changes, message):
    edited_judge(entry, **changes)
    assert message in said(verify_entry(entry, task))


@pytest.mark.parametrize(
    "spec",
    [
        "labels",
        "labels:majority",
        "labels+lexical",
        "silence=labels:majority,proposals=lexical",
        "silence=labels,proposals=labels:majority+lexical",
        "proposals=lexical",
    ],
)
def test_every_judge_that_is_shipped_is_itself(spec):
    assert judge_fault(create_judge(spec).identity) is None


def test_a_chain_that_a_baseline_decides_is_a_baseline_whatever_follows(entry, task):
    name = "labels-lexical-gpt-5"
    changes = {"proposals": "labels+lexical+gpt-5", "name": name, "hash": "ab" * 32, "id": f"{name}-abababab"}
    edited_judge(entry, **changes, baseline=False)
    assert "has a baseline among its members" in said(verify_entry(entry, task))


def test_votes_that_people_never_gave_are_no_verdicts(board, tmp_path, task):
    """Under labels alone an offer without votes is unscored: nobody may have accepted it."""
    entry = tmp_path / "entries" / "proactivebench__always" / "r1"
    shutil.copytree(board / "entries" / "proactivebench__always" / "r1", entry)
    labels = create_judge("labels").identity
    stated = json.loads(labels.model_dump_json(exclude={"card", "words"}))
    edited_judge(entry, **stated)
    name = verdict_name(entry)
    verdicts = [
        verdict | {"judge": "labels", "status": "accepted", "probability": None}
        if verdict["candidate"] >= 0
        else verdict
        for verdict in lines(entry, name)
    ]
    write_lines(entry, name, verdicts)
    assert "the judge, asked again, says unscored" in said(verify_entry(entry, task))


@pytest.mark.parametrize("field", ["revision", "licence", "source", "version"])
def test_the_data_is_what_it_is(entry, task, field):
    content = declared(entry)
    content["manifest"]["task"][field] = "OFFICIAL"
    write_declared(entry, content)
    assert f"other {field}" in said(verify_entry(entry, task))


def posing(entry, name):
    """The entry as one of a trivial agent: what it says, and where it lies."""
    folder = entry.parents[1] / f"proactivebench__{name}" / "r1"
    shutil.copytree(entry, folder)
    content = declared(folder)
    content["manifest"]["agent"] = {"model": name, "model_args": {}, "name": name}
    content["declared"] |= {"organisation": "proactivebench", "model": name}
    write_declared(folder, content)
    return folder, content


def test_nobody_answers_in_a_trivial_agents_name(entry, task):
    entry, content = posing(entry, "never")
    assert "not what the trivial agent never answers" in said(verify_entry(entry, task))
    content["manifest"]["agent"]["name"] = "oracle"
    write_declared(entry, content)
    assert "is not the trivial agent never: other name" in said(verify_entry(entry, task))


@pytest.mark.parametrize("change", [{"name": "mine", "hash": "cd" * 32}, {"hash": "cd" * 32}, {"candidates": 3}])
def test_a_trivial_agent_under_a_protocol_that_is_not_shipped_is_refused(entry, task, change):
    """Nobody here could ask it again, so anybody could answer in its name."""
    entry, content = posing(entry, "oracle")
    assert "oracle" not in said(verify_entry(entry, task)), "its own answers, in its own words"
    content["manifest"]["protocol"] |= change
    write_declared(entry, content)
    assert "the trivial agent oracle cannot be asked again" in said(verify_entry(entry, task))


def test_a_refusal_that_says_an_offer_is_none(entry, task):
    records, name = lines(entry, REPLIES), verdict_name(entry)
    hidden = next(r for r in records if r["status"] == "proposed")
    hidden |= {"status": "refused", "proposals": []}
    verdicts = lines(entry, name)
    for verdict in verdicts:
        if (verdict["trace_id"], verdict["turn"]) == (hidden["trace_id"], hidden["turn"]):
            verdict |= {"candidate": -1, "question": question(hidden, None), "judge": "labels:unanimous"}
            verdict.pop("probability", None)
    write_lines(entry, REPLIES, records)
    write_lines(entry, name, verdicts)
    assert "raw text does not say" in said(verify_entry(entry, task))


def test_notes_and_confidence_are_read_again(entry, task):
    records = lines(entry, REPLIES)
    records[0]["notes"] = ["duplicate_key"]
    write_lines(entry, REPLIES, records)
    assert "does not bear out its confidence or notes" in said(verify_entry(entry, task))


@pytest.mark.parametrize(("field", "value"), [("reason", "All accepted this."), ("judge", "people"), ("spread", 0.1)])
def test_who_decided_and_why_is_decided_again_too(entry, task, field, value):
    name = verdict_name(entry)
    verdicts = lines(entry, name)
    verdicts[3][field] = value
    write_lines(entry, name, verdicts)
    assert f"decides alike but gives another {field}" in said(verify_entry(entry, task))


def test_replies_without_their_texts_are_never_verified(entry, task):
    records = lines(entry, REPLIES)
    del records[0]["text"]
    write_lines(entry, REPLIES, records)
    outcome = verify_entry(entry, task)
    (judge,) = outcome.rejudged
    assert outcome.findings == ()
    assert not outcome.verified(judge)
    assert any("1 of 231 replies carry no raw text" in line for line in outcome.unchecked)
    assert badges(entry) == {"baseline judge", "not re-read", "reported"}
    for record in records:
        record.pop("text", None)
    write_lines(entry, REPLIES, records)
    assert badges(entry) == {"baseline judge", "texts missing", "reported"}


def badges(entry):
    """Those of the one row of its board."""
    ((row,),) = build_board(entry.parents[2]).groups
    return {word for word, _ in row.badges}


@pytest.mark.parametrize("change", [{"name": "Standard"}, {"candidates": 2}, {"version": "1 (approved)"}])
def test_the_hash_of_a_protocol_belongs_to_its_name_and_terms(entry, task, change):
    content = declared(entry)
    content["manifest"]["protocol"] |= change
    write_declared(entry, content)
    assert f"states the hash of the protocol standard with another {next(iter(change))}" in said(
        verify_entry(entry, task)
    )


@pytest.mark.parametrize("change", [{"name": "standards"}, {"candidates": 2, "hash": "cd" * 32}])
def test_another_protocol_has_a_table_of_its_own(board, entry, change):
    root = entry.parents[2]
    shutil.copytree(board / "entries" / "proactivebench__always", root / "entries" / "proactivebench__always")
    content = declared(entry)
    content["manifest"]["protocol"] |= change
    write_declared(entry, content)
    built = build_board(root)
    assert not built.refusals
    assert [len(group) for group in built.groups] == [1, 1]


def test_a_model_judges_words_stay_its_own(entry, task):
    """What nobody here can repeat is neither contradicted nor vouched for."""
    judge = judged_by_a_model(entry)
    outcome = verify_entry(entry, task)
    assert outcome.findings == ()
    assert not outcome.verified(judge)
    assert outcome.rejudged[judge].open == 231


def test_an_entry_made_before_members_were_stated_is_verified(entry, task):
    content = declared(entry)
    content["manifest"]["format"] = 1
    for identity in content["manifest"]["judges"].values():
        del identity["members"]
    write_declared(entry, content)
    outcome = verify_entry(entry, task)
    assert outcome.findings == ()
    assert all(map(outcome.verified, outcome.rejudged))


@pytest.mark.parametrize(
    ("stated", "message"),
    [
        ({"kind": "labels", "fallible": False}, "says of lexical what its card does not"),
        ({"fallible": False}, "says of lexical what its card does not"),
        ({"name": "people"}, "its members are others"),
    ],
)
def test_no_member_is_said_to_be_what_its_card_is_not(entry, task, stated, message):
    content = declared(entry)
    (identity,) = content["manifest"]["judges"].values()
    (lexical,) = (member for member in identity["members"] if member["name"] == "lexical")
    lexical |= stated
    write_declared(entry, content)
    assert message in said(verify_entry(entry, task))


def test_a_member_without_a_card_cannot_be_called_infallible(entry, task):
    name = judged_by_a_model(entry)
    content = declared(entry)
    identity = content["manifest"]["judges"][name]
    identity["card"] = {}
    identity["members"] = [
        {"stratum": stratum, "name": "strict-judge", "kind": "llm", "rule": None, "fallible": False}
        for stratum in ("silence", "proposals")
    ]
    write_declared(entry, content)
    assert "only people's votes cannot" in said(verify_entry(entry, task))
