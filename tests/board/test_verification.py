"""Every way to lie in an entry is found by recomputing it, each with a message of its own."""

import json
import shutil

import pytest

from proactivebench.board.entry.evidence import read_evidence
from proactivebench.board.entry.validation import validate_entry
from proactivebench.board.verify.checking import verify_all
from proactivebench.board.verify.verification import verify_entry
from proactivebench.cli import main
from proactivebench.traces import load_task

from .forging import REPLIES, declared, lines, question, verdict_name, write_declared, write_lines


@pytest.fixture(scope="module")
def task():
    return load_task("proactivebench_sample")


def messages(outcome):
    return " | ".join(f"{finding.file}: {finding.message}" for finding in outcome.findings)


def test_an_honest_entry_is_verified(entry, task):
    outcome = verify_entry(entry, task)
    assert outcome.findings == ()
    (judge,) = outcome.rejudged
    assert outcome.verified(judge)
    assert outcome.rejudged[judge].open == 0


def test_a_neighbour_that_cannot_be_read_stops_nobody_else(entry):
    (entry.parent / "r0").mkdir()
    board = entry.parents[2]
    unreadable, good = verify_all(board)
    assert (unreadable.word, good.word) == ("unreadable", "verified")
    assert [outcome.word for outcome in verify_all(entry)] == ["verified"]
    with pytest.raises(SystemExit) as ended:
        main(["leaderboard", "verify", str(board)])
    assert ended.value.code == 2


def test_a_changed_verdict_is_caught_though_its_hashes_fit(entry, task):
    name = verdict_name(entry)
    records = lines(entry, name)
    records[5]["status"] = "accepted" if records[5]["status"] == "rejected" else "rejected"
    write_lines(entry, name, records)
    assert validate_entry(entry).accepted
    assert "the judge, asked again, says" in messages(verify_entry(entry, task))


def test_a_changed_proposal_is_caught_by_the_question_its_verdict_was_given_on(entry, task):
    records = lines(entry, REPLIES)
    next(r for r in records if r["status"] == "proposed")["proposals"] = ["Write the whole thesis"]
    write_lines(entry, REPLIES, records)
    assert "given on another proposal" in messages(verify_entry(entry, task))


def test_a_changed_proposal_with_a_fitting_question_is_caught_by_the_raw_text(entry, task):
    records, name = lines(entry, REPLIES), verdict_name(entry)
    changed = next(r for r in records if r["status"] == "proposed")
    changed["proposals"] = ["Write the whole thesis"]
    write_lines(entry, REPLIES, records)
    verdicts = lines(entry, name)
    for verdict in verdicts:
        if (verdict["trace_id"], verdict["turn"]) == (changed["trace_id"], changed["turn"]):
            verdict["question"] = question(changed, changed["proposals"][0])
    write_lines(entry, name, verdicts)
    assert "raw text does not say" in messages(verify_entry(entry, task))


def test_a_wholly_invented_reply_is_caught_by_the_judge(entry, task):
    records, name = lines(entry, REPLIES), verdict_name(entry)
    verdicts = lines(entry, name)
    for reply in records:
        if reply["status"] == "proposed":
            reply["text"] = json.dumps({"Proactive Task": "Zzz qqq"})
            reply["proposals"] = ["Zzz qqq"]
    from proactivebench.protocols import load_protocol

    protocol = load_protocol("standard")
    for reply in records:
        if reply["status"] == "proposed":
            reply["text"] = protocol.render(("Zzz qqq",))
    for verdict in verdicts:
        if verdict.get("candidate", -1) == 0:
            verdict |= {"question": question(verdict, "Zzz qqq"), "status": "accepted"}
    write_lines(entry, REPLIES, records)
    write_lines(entry, name, verdicts)
    assert "the judge, asked again, says rejected" in messages(verify_entry(entry, task))


def test_a_dropped_moment_is_named(entry):
    records = lines(entry, REPLIES)
    gone = records.pop(7)
    write_lines(entry, REPLIES, records)
    assert f"{gone['trace_id']} turn {gone['turn']} is not answered" in messages(validate_entry(entry))


def test_a_doubled_moment_is_named(entry):
    records = lines(entry, REPLIES)
    write_lines(entry, REPLIES, [*records, records[3]])
    assert f"{records[3]['trace_id']} turn {records[3]['turn']} is answered 2 times" in messages(validate_entry(entry))


def test_a_dropped_verdict_is_named(entry):
    name = verdict_name(entry)
    records = lines(entry, name)
    gone = records.pop(2)
    write_lines(entry, name, records)
    found = messages(validate_entry(entry))
    assert f"{gone['trace_id']} turn {gone['turn']}" in found
    assert "has no verdict" in found


def test_a_doubled_verdict_is_named(entry):
    name = verdict_name(entry)
    records = lines(entry, name)
    write_lines(entry, name, [*records, records[3]])
    assert "is judged 2 times" in messages(validate_entry(entry))


def test_claimed_figures_are_held_against_the_evidence(entry, task):
    content = declared(entry)
    (judge,) = content["claims"]
    content["claims"][judge]["f1"] = 0.99
    write_declared(entry, content)
    assert "claims f1 0.9900" in messages(verify_entry(entry, task))


def test_a_wrong_hash_is_named(entry):
    content = declared(entry)
    content["evidence"][REPLIES]["sha256"] = "0" * 64
    write_declared(entry, content)
    assert "is not the file that entry.json names" in messages(validate_entry(entry))


def test_other_data_under_the_benchmarks_name_is_named(entry):
    content = declared(entry)
    content["manifest"]["task"]["data_hash"] = "0" * 64
    write_declared(entry, content)
    assert "data hash is not the pinned one" in messages(validate_entry(entry))


def test_a_home_made_judge_under_a_shipped_name_is_named(entry, task):
    content, old = declared(entry), verdict_name(entry)
    (judge,) = content["manifest"]["judges"]
    forged = judge[:-8] + "0" * 8
    identity = content["manifest"]["judges"].pop(judge)
    content["manifest"]["judges"][forged] = identity | {"id": forged, "hash": "0" * 64}
    content["evidence"][f"verdicts/{forged}.jsonl.gz"] = content["evidence"].pop(old)
    content["claims"] = {}
    (entry / old).rename(entry / f"verdicts/{forged}.jsonl.gz")
    write_declared(entry, content)
    assert "is not the labels-lexical judge shipped here" in messages(verify_entry(entry, task))


def test_another_models_replies_are_recognised(entry, board, task):
    copied = entry.parents[1] / "rival__copycat" / "r1"
    shutil.copytree(entry, copied)
    content = declared(copied)
    content["declared"] |= {"organisation": "rival", "model": "copycat"}
    write_declared(copied, content)
    others = [read_evidence(path) for path in (board / "entries").glob("*/*")]
    outcome = verify_entry(copied, task, others)
    assert [key for key, _ in outcome.twins] == ["acme__helper-7b/r1"]
    assert outcome.twins[0][1] == pytest.approx(1)
    assert not any(outcome.verified(judge) for judge in outcome.rejudged)


def test_a_model_judges_verdicts_are_recomputed_but_never_called_verified(entry, task):
    """What no local judge can repeat is said, not passed over."""
    content, old = declared(entry), verdict_name(entry)
    (judge,) = content["manifest"]["judges"]
    identity = content["manifest"]["judges"].pop(judge)
    model = "labels-strict-judge-" + "ab" * 4
    content["manifest"]["judges"][model] = identity | {
        "id": model,
        "hash": "ab" * 32,
        "name": "labels-strict-judge",
        "silence": "labels:unanimous",
        "proposals": "strict-judge",
        "deterministic": False,
    }
    del content["manifest"]["judges"][model]["members"]
    content["evidence"][f"verdicts/{model}.jsonl.gz"] = content["evidence"].pop(old)
    content["claims"] = {}
    (entry / old).rename(entry / f"verdicts/{model}.jsonl.gz")
    write_declared(entry, content)
    outcome = verify_entry(entry, task)
    assert outcome.findings == ()
    assert 0 < outcome.rejudged[model].asked < 231, "silences are still decided again, by the labels"
    assert not outcome.verified(model)
    assert any("were not re-judged" in note for note in outcome.unchecked)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda records: records.pop(3), "is not answered: every moment must be"),
        (lambda records: records.append(records[3]), "is answered 2 times: keep one line per moment"),
        (lambda records: records[3].update(turn=999), "is no moment of proactivebench_sample"),
    ],
)
def test_a_file_that_is_not_the_one_named_is_looked_into_all_the_same(entry, change, said):
    records, stated = lines(entry, REPLIES), declared(entry)
    change(records)
    write_lines(entry, REPLIES, records)
    write_declared(entry, stated)
    first, *more = validate_entry(entry).findings
    assert "is not the file that entry.json names" in first.message
    assert any(said in finding.message for finding in more)
