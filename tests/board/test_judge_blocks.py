"""Judges on a board: their verdicts on people's labels are recomputed, and count once maintainers saw them again."""

import gzip
import hashlib
import json

import pytest

from proactivebench.board.verify import judges as judge_blocks
from proactivebench.board.verify.judges import judge_table, trusted_fingerprints, trusted_measured
from proactivebench.cli import main
from proactivebench.validation import ceiling, measuring
from tests.judging.labelled import labelled_rows
from tests.judging.test_measuring import accepts_all, knows, over
from tests.servers.chat import chat_server


@pytest.fixture(autouse=True)
def people(tmp_path, monkeypatch):
    for room in (measuring, judge_blocks, ceiling):
        monkeypatch.setattr(room, "labelled_items", labelled_rows)
    ceiling.released_ceiling.cache_clear()
    monkeypatch.setattr(judge_blocks, "released_ceiling", lambda: None)  # these people agree on everything
    monkeypatch.setenv("PROACTIVEBENCH_CACHE", str(tmp_path / "cache"))


def run(*words):
    with pytest.raises(SystemExit) as ended:
        main([str(word) for word in words])
    return ended.value.code


@pytest.fixture
def board(tmp_path):
    """A board with one judge, and the server behind it."""
    with chat_server(knows) as server:
        price = ("--price", "prompt=1,completion=3")
        assert run("judges", "submit", "llm", "--to", f"dir:{tmp_path / 'board'}", *over(server), *price) == 0
        yield tmp_path / "board", server


def folder_of(root):
    (found,) = (root / "judges").iterdir()
    return found


def lines_of(folder):
    return [json.loads(line) for line in gzip.decompress((folder / "verdicts.jsonl.gz").read_bytes()).splitlines()]


def test_a_judges_figures_are_recomputed_from_its_verdicts(board):
    root, _ = board
    (row,) = judge_table(root).rows
    verdicts = lines_of(folder_of(root))
    people = {(one.file, one.row): one for one in labelled_rows()}
    offers = [(v, people[v["file"], v["row"]]) for v in verdicts if people[v["file"], v["row"]].pred_task is not None]
    right = [v["status"] == "accepted" for v, one in offers if one.valid]
    assert row.figures["accuracy_cd"].value == pytest.approx(sum(right) / len(right))
    assert {count.items for count in (row.measured.errors.false_alarm, row.measured.errors.missed_need)} == {60}
    assert row.cost == pytest.approx((10 * 1 + 5 * 3) / 1e6 * 1000)
    assert not row.reproduced
    assert list(trusted_measured(judge_table(root))) == []


def test_it_counts_once_the_maintainers_saw_it_say_the_same(board, monkeypatch, tmp_path):
    root, server = board
    monkeypatch.setenv("PROACTIVEBENCH_CACHE", str(tmp_path / "maintainers"))
    assert run("judges", "reproduce", root, "llm", *over(server)) == 0
    (row,) = judge_table(root).rows
    assert row.reproduced
    assert [one.judge for one in trusted_measured(judge_table(root))] == [row.block.identity.id]


def test_forged_verdicts_do_not_count(board, monkeypatch, tmp_path, capsys):
    """A judge that accepts everything is sent as one that is always right: arithmetic holds, asking again does not."""
    root, _ = board
    forge(folder_of(root), right=True)
    (row,) = judge_table(root).rows
    assert row.figures["balanced_accuracy"].value == 1
    monkeypatch.setenv("PROACTIVEBENCH_CACHE", str(tmp_path / "maintainers"))
    with chat_server(accepts_all) as server:
        assert run("judges", "reproduce", root, "llm", *over(server)) == 1
    assert "do not count" in capsys.readouterr().err
    assert list(trusted_measured(judge_table(root))) == []


def test_what_was_seen_again_counts_for_those_verdicts_only(board, monkeypatch, tmp_path):
    root, server = board
    monkeypatch.setenv("PROACTIVEBENCH_CACHE", str(tmp_path / "maintainers"))
    assert run("judges", "reproduce", root, "llm", *over(server)) == 0
    forge(folder_of(root), right=True)
    assert list(trusted_measured(judge_table(root))) == []


def forge(folder, *, right=False, change=lambda lines: lines):
    people = {(one.file, one.row): one for one in labelled_rows()}
    lines = lines_of(folder)
    if right:
        for line in lines:
            line["status"] = "accepted" if people[line["file"], line["row"]].valid else "rejected"
    packed = gzip.compress("".join(json.dumps(line) + "\n" for line in change(lines)).encode(), mtime=0)
    (folder / "verdicts.jsonl.gz").write_bytes(packed)
    told = json.loads((folder / "judge.json").read_text())
    (folder / "judge.json").write_text(json.dumps(told | {"verdicts": hashlib.sha256(packed).hexdigest()}))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda lines: lines[1:], "not one on each of the 240 items"),
        (lambda lines: [*lines, lines[0]], "stands twice"),
        (lambda lines: [line | {"status": "unscored"} for line in lines], "are unscored"),
        (lambda lines: [line | {"status": "liked"} for line in lines], "status"),
        (lambda lines: [line | {"row": 10**6 + n} for n, line in enumerate(lines)], "not one on each"),
    ],
)
def test_what_no_measuring_writes_is_refused_by_name(board, change, said):
    root, _ = board
    forge(folder_of(root), change=change)
    table = judge_table(root)
    assert table.rows == ()
    ((where, why),) = table.refused
    assert where.startswith("judges/llm-")
    assert said in why


def test_another_judges_name_and_foreign_verdicts_are_refused(board):
    root, _ = board
    folder = folder_of(root)
    folder.rename(folder.with_name("llm-00000000"))
    assert "lies elsewhere" in judge_table(root).refused[0][1]
    (root / "judges" / "llm-00000000").rename(folder)
    (folder / "verdicts.jsonl.gz").write_bytes(b"")
    assert "is not the file" in judge_table(root).refused[0][1]


def test_the_page_of_judges_shows_it_with_its_standing(board, tmp_path, monkeypatch):
    root, server = board
    assert run("run", "--model", "always", "--tasks", "proactivebench_sample", "--output_path", tmp_path / "run") == 0
    assert run("leaderboard", "prepare", tmp_path / "run", "--output_path", tmp_path / "entry") == 0
    assert run("leaderboard", "submit", tmp_path / "entry", "--to", f"dir:{root}") == 0
    assert run("leaderboard", "build", root, "--output_path", tmp_path / "site") == 0
    page = (tmp_path / "site" / "judges.html").read_text()
    assert "reported" in page
    assert folder_of(root).name in page
    monkeypatch.setenv("PROACTIVEBENCH_CACHE", str(tmp_path / "maintainers"))
    assert run("judges", "reproduce", root, "llm", *over(server)) == 0
    assert run("leaderboard", "build", root, "--output_path", tmp_path / "site") == 0
    assert "240 of 240 the same" in (tmp_path / "site" / "judges.html").read_text()


def test_no_address_or_word_of_the_command_line_travels(board):
    root, server = board
    told = (folder_of(root) / "judge.json").read_text()
    assert server.base_url not in told
    assert "words" not in json.loads(told)["identity"]


@pytest.mark.parametrize(
    ("words", "said", "code"),
    [
        (("lexical", "--to", "dir:board"), "is a baseline", 2),
        (("llm", "--to", "ftp:board", "--judge_model", "endpoint"), "no place to submit to", 2),
        (("llm", "--to", "dir:board", "--items", "some"), "--items some", 2),
    ],
)
def test_what_cannot_be_sent_is_said_before_anything_is_asked(capsys, words, said, code):
    assert run("judges", "submit", *words) == code
    assert said in capsys.readouterr().err


def test_a_judge_the_board_does_not_have_cannot_be_reproduced(board, capsys):
    root, server = board
    assert run("judges", "reproduce", root, "llm", *over(server, model="other")) == 2
    assert "has no judge" in capsys.readouterr().err
    assert list(trusted_fingerprints(root)) == []
