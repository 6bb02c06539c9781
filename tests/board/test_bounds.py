"""No entry costs more than its size, and none stops a board: numbers, widths, lines and judges have their bounds."""

import gzip
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from proactivebench.board.entry import evidence as evidence_module
from proactivebench.board.entry.evidence import MAX_JUDGES, read_evidence
from proactivebench.board.entry.reading import MAX_LINES, MAX_WIDTH, Allowance, Refused, unpacked_lines
from proactivebench.board.entry.validation import validate_entry, verdict_faults
from proactivebench.board.publish.building import build_board
from proactivebench.board.site import recomputing
from proactivebench.board.verify.checking import validate_all, verify_all
from proactivebench.records import SILENCE, Reply, ReplyStatus, Verdict, VerdictStatus

from .bombs import BOMBS, BOUNDS
from .calling import call
from .forging import REPLIES, declared, lines, write_declared, write_lines
from .hostile import CORPUS

WITHIN = """
import json, resource, sys
from pathlib import Path
from proactivebench.board.verify.checking import validate_all
memory, seconds = 1 << 30, 120
resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
outcomes = validate_all(Path(sys.argv[1]))
print(json.dumps({said.path: [finding.message for finding in said.findings] for said in outcomes}))
"""


@pytest.mark.parametrize("name", BOUNDS)
def test_a_number_or_name_out_of_bounds_is_refused_by_name(name, entry):
    spoil, word = BOUNDS[name]
    spoil(entry)
    assert any(word in finding.message for finding in validate_entry(entry).findings)


@pytest.mark.skipif(sys.platform != "linux", reason="address space is limited on Linux only")
def test_all_hostile_submissions_together_are_refused_in_a_gigabyte_and_two_minutes_of_work(board, tmp_path):
    folders = [tmp_path / "entries" / f"evil__{name}" / "r1" for name in CORPUS]
    for folder, spoil in zip(folders, CORPUS.values(), strict=True):
        shutil.copytree(board / "entries" / "acme__helper-7b" / "r1", folder)
        spoil(folder)
    command = [sys.executable, "-c", WITHIN, str(tmp_path)]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env=os.environ | {"OMP_NUM_THREADS": "1"}
    )
    assert done.returncode == 0, done.stderr[-2000:]
    said = json.loads(done.stdout)
    assert {Path(path).parent.name for path in said} == {folder.parent.name for folder in folders}
    for path, messages in said.items():
        assert messages, path
        assert not any("could not be checked" in message for message in messages), (path, messages)


def test_nothing_is_decoded_behind_a_piece_that_is_wrong(entry, monkeypatch):
    decoded = []
    strict_json = evidence_module.strict_json
    monkeypatch.setattr(evidence_module, "strict_json", lambda text: decoded.append(text) or strict_json(text))
    BOMBS["a_fault_for_every_line"](entry)
    assert read_evidence(entry).findings
    assert len(decoded) < 2000


def test_a_record_wider_than_any_is_refused_before_its_members_are_looked_at(entry):
    records = lines(entry, REPLIES)
    write_lines(entry, REPLIES, [records[0] | {"proposals": [0] * 200}, *records[1:]])
    (finding,) = validate_entry(entry).findings
    assert finding.message == f"line 1 has more than {MAX_WIDTH} members in one list or object"


def test_a_fault_far_down_a_file_is_told_with_its_line(entry):
    records = lines(entry, REPLIES)
    write_lines(entry, REPLIES, [*records, *[records[0] | {"repeat": 1}] * 2000, {"score": 1}])
    assert validate_entry(entry).findings[0].message.startswith(f"line {len(records) + 2001}:")


def test_all_files_of_an_entry_share_one_allowance():
    packed, left = gzip.compress(b"{}\n" * 6), Allowance(lines=10)
    assert len(list(unpacked_lines(packed, left))) == 6
    with pytest.raises(Refused, match=f"at most {MAX_LINES} lines"):
        list(unpacked_lines(packed, left))
    with pytest.raises(Refused, match="bytes"):
        list(unpacked_lines(packed, Allowance(bytes=10)))


def test_more_judges_than_anyone_needs_are_refused_before_their_files_are_read(entry):
    BOMBS["a_hundred_judges"](entry)
    read = read_evidence(entry)
    assert any(f"{MAX_JUDGES} are allowed" in finding.message for finding in read.findings) or not read.entry
    assert not read.verdicts


def test_missing_verdicts_are_told_one_by_one_without_counting_those_that_are_due():
    """A run that calls for millions of verdicts and has one: the first is told at once."""
    replies = [
        Reply(trace_id="t", turn=turn, repeat=repeat, status=ReplyStatus.PROPOSED, proposals=("x",) * 16)
        for turn in range(300)
        for repeat in range(32)
    ]
    final = {reply.key: reply for reply in replies}
    verdict = Verdict(
        trace_id="t", turn=0, candidate=0, judge_repeat=31, status=VerdictStatus.ACCEPTED, judge="j", question="q"
    )
    faults = verdict_faults([verdict], final, (True, True))
    assert next(faults) == "t turn 0, candidate 0 has no verdict: judge the run again"
    assert sum(1 for _, fault in zip(range(100), faults, strict=False)) == 100


def test_verdicts_on_what_was_not_offered_are_told():
    reply = Reply(trace_id="t", turn=0, status=ReplyStatus.SILENT)
    verdicts = [
        Verdict(trace_id="t", turn=0, status=VerdictStatus.ACCEPTED, judge="j", question="q", **where)
        for where in ({}, {"candidate": 0}, {"judge_repeat": -1}, {"judge_repeat": 32}, {"round": 1})
    ]
    faults = list(verdict_faults(verdicts, {reply.key: reply}, (True, True)))
    assert sum("nothing was answered there" in fault for fault in faults) == 4
    assert list(verdict_faults(verdicts[:1], {reply.key: reply}, (True, True))) == []
    assert verdicts[0].candidate == SILENCE


@pytest.mark.parametrize("error", [OverflowError("int too large"), MemoryError(), RecursionError("too deep")])
def test_an_entry_that_breaks_the_check_is_refused_alone(error, board, monkeypatch, tmp_path):
    """Whatever a future metric cannot digest: the board stands, and says which entry it is without."""
    from proactivebench.board.verify import checking, verification

    monkeypatch.setenv("PROACTIVEBENCH_CACHE", str(tmp_path))
    whole = verification.verify_evidence

    def breaking(evidence, *args, **kwargs):
        if evidence.entry.declared.organisation == "acme":
            raise error
        return whole(evidence, *args, **kwargs)

    monkeypatch.setattr(verification, "verify_evidence", breaking)
    monkeypatch.setattr(recomputing, "verify_evidence", breaking)
    built = build_board(board, processes=1)
    assert len(built.entries) == 2
    assert built.refusals[0].folder == "acme__helper-7b/r1"
    assert type(error).__name__ in built.refusals[0].findings[0][1]
    said = {one.key: one for one in verify_all(board)}
    assert [key for key, one in said.items() if not one.passed] == ["acme__helper-7b/r1"]
    whole_validation = checking.validate_evidence

    def refusing(evidence):
        if "acme" in str(evidence.path):
            raise error
        return whole_validation(evidence)

    monkeypatch.setattr(checking, "validate_evidence", refusing)
    assert [one.word for one in validate_all(board)] == ["refused", "accepted", "accepted"]


def test_an_interruption_is_no_fault_of_an_entry(board, monkeypatch, tmp_path):
    def interrupted(*_args, **_kwargs):
        raise KeyboardInterrupt

    monkeypatch.setenv("PROACTIVEBENCH_CACHE", str(tmp_path))
    monkeypatch.setattr(recomputing, "verify_evidence", interrupted)
    with pytest.raises(KeyboardInterrupt):
        build_board(board, processes=1)


def test_an_empty_folder_on_a_board_leaves_the_others_alone(board, tmp_path):
    root = tmp_path / "board"
    shutil.copytree(board, root)
    (root / "entries" / "x__y" / "r1").mkdir(parents=True)
    assert [said.word for said in validate_all(root)].count("accepted") == 3
    assert [said.word for said in verify_all(root) if not said.passed] == ["unreadable"]
    assert all(said.passed for said in verify_all(root / "entries" / "acme__helper-7b" / "r1"))
    assert len(build_board(root).refusals) == 1


def test_folders_whose_names_are_no_text_are_refused_in_words_that_are(board, tmp_path):
    root = tmp_path / "board"
    shutil.copytree(board, root)
    good = root / "entries" / "acme__helper-7b" / "r1"
    shutil.copytree(good, good.parent / "\udcff")
    shutil.copytree(good.parent, good.parent.parent / "acme\udcff")
    BOMBS["a_file_whose_name_is_no_text"](good)
    for said in (validate_all(root), list(verify_all(root))):
        refused = [one for one in said if not one.passed]
        assert len(refused) == 4
        json.dumps([[one.path, one.key, *[finding.message for finding in one.findings]] for one in refused]).encode()
        for one in refused:
            for text in (one.path, one.key, *(finding.file + finding.message for finding in one.findings)):
                text.encode()
    assert len(build_board(root).refusals) == 4


@pytest.mark.parametrize("below", ["board\x1b[31m\u202e", "entries/x\x1b]0;owned\x07__y/r\x1b[2J"])
def test_what_is_said_of_a_path_that_cannot_be_read_does_not_steer_a_terminal(below, tmp_path):
    (tmp_path / below).mkdir(parents=True)
    for asked in (tmp_path / below, tmp_path):
        for verb in ("validate", "verify", "build"):
            site = ["--output_path", str(tmp_path / "site")] if verb == "build" else []
            done = call("leaderboard", verb, asked, *site)
            said = (done.out + done.err).replace("\n", "")
            assert said.isprintable(), repr(said)


def test_a_board_of_numbers_out_of_bounds_builds_and_verifies_without_them(board, tmp_path):
    root = tmp_path / "board"
    shutil.copytree(board, root)
    good = root / "entries" / "acme__helper-7b" / "r1"
    for number, (spoil, _) in enumerate(BOUNDS.values()):
        folder = root / "entries" / f"evil__{number}" / "r1"
        shutil.copytree(good, folder)
        content = declared(folder)
        content["declared"] |= {"organisation": "evil", "model": str(number)}
        write_declared(folder, content)
        spoil(folder)
    assert len(build_board(root).entries) == 3
    assert sum(said.word == "refused" for said in verify_all(root)) == len(BOUNDS)
