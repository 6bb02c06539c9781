"""A re-judging model's second opinion, by the command line and a real server: what is asked, said, kept and shown."""

import io
import json
import shutil
import zlib
from contextlib import redirect_stderr, redirect_stdout

import pytest

from proactivebench.cli import main
from tests.servers.chat import Fault, Say, chat_server

from .forging import declared, lines, verdict_name, write_declared, write_lines

KEY = "sk-of-these-tests-0123456789"
ENTRY = "acme__helper/r1"
DECLARED = ["--organisation", "acme", "--model_name", "helper", "--licence", "MIT", "--contact", "a@example.org"]
TRAINED = ["--trained_on_traces", "no", "--trained_on_labels", "no"]


@pytest.fixture(scope="module")
def submitted(tmp_path_factory):
    """A board with two runs of one served model, silences judged by labels and offers by a served judge."""
    root = tmp_path_factory.mktemp("submitted")
    with chat_server(helper_and_judge) as server:
        behind = f"base_url={server.base_url},model="
        judge = ["--judge", "silence=labels,proposals=llm", "--judge_model", "endpoint"]
        asked = ["--tasks", "proactivebench_sample", *judge, "--judge_model_args", f"{behind}first"]
        done = call(
            "run", "--model", "endpoint", "--model_args", f"{behind}helper", *asked, "--output_path", root / "run"
        )
    assert done.code == 0, done.err
    for run in ("r1", "r2"):
        folder = root / "board" / "entries" / "acme__helper" / run
        done = call(
            "leaderboard", "prepare", root / "run", "--output_path", folder, "--run_id", run, *DECLARED, *TRAINED
        )
        assert done.code == 0, done.err
    return root / "board"


@pytest.fixture
def board(submitted, tmp_path):
    shutil.copytree(submitted, tmp_path / "board")
    return tmp_path / "board"


@pytest.fixture(autouse=True)
def _key(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)


def test_an_opinion_that_agrees_is_kept_and_gives_no_rank(board):
    with chat_server(judged()) as server:
        done = verify(board, server)
    assert done.code == 0
    assert done.out.startswith(f"recomputed {ENTRY}\n")
    assert "decides 0% of" in done.out
    assert kept(board)["disagreements"] == {judge_of(board): 0}
    row, other = rows(board)
    assert row["rank"] is other["rank"] is None, "another model's word is not the same judge's"
    assert set(badges(row)) == {"few texts", "not re-judged", "reported", "unmeasured judge"}
    assert "decides 0% of" in badges(row)["not re-judged"]


def test_an_opinion_that_disagrees_disputes_the_row(board):
    with chat_server(judged(otherwise=lambda _: True)) as server:
        done = verify(board, server)
    assert done.code == 1
    assert done.out.startswith(f"disputed   {ENTRY}\n")
    assert "decides 100% of" in done.out
    assert done.err == ""
    opinion = kept(board)
    assert opinion["disagreements"] == opinion["asked"]
    row, other = rows(board)
    assert "decides 100% of" in badges(row)["disputed"]
    assert "disputed" not in badges(other)
    assert "disputed" in (board.parent / "site" / "index.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(("more", "code"), [(0, 0), (1, 1)])
def test_a_tenth_is_the_most_a_row_may_be_decided_otherwise(more, code, board):
    offered = [verdict for verdict in verdicts(board) if verdict["candidate"] >= 0]
    allowed = len(offered) // 10
    counted = iter(range(len(offered)))
    with chat_server(judged(otherwise=lambda _: next(counted) < allowed + more)) as server:
        assert verify(board, server).code == code
    assert sum(kept(board)["disagreements"].values()) == allowed + more
    assert ("disputed" in badges(rows(board)[0])) == bool(more)


def test_only_what_cannot_be_repeated_here_is_asked(board):
    """Silences were decided by people: the labels decide them again, and no model is asked to disagree with them."""
    with chat_server(judged()) as server:
        verify(board, server)
    offered = [verdict for verdict in verdicts(board) if verdict["candidate"] >= 0]
    assert 0 < len(offered) < len(verdicts(board))
    assert kept(board)["asked"] == {judge_of(board): len(offered)} == {judge_of(board): len(server.asked)}
    assert all(proposal(seen) is not None for seen in server.asked)


def test_an_opinion_on_other_evidence_no_longer_counts(board):
    with chat_server(judged(otherwise=lambda _: True)) as server:
        verify(board, server)
    assert "disputed" in badges(rows(board)[0])
    folder = board / "entries" / ENTRY
    content = declared(folder)
    content["declared"]["notes"] = "prepared again"
    write_declared(folder, content)
    row, _ = rows(board)
    assert set(badges(row)) == {"few texts", "not re-judged", "reported", "unmeasured judge"}
    assert badges(row)["not re-judged"].endswith("a changed one would not be noticed.")


def test_all_entries_of_a_board_are_given_to_one_model(board):
    with chat_server(judged()) as server:
        done = verify(board, server, of=board)
    assert done.code == 0, done.err
    assert sorted(file.name for file in (board / "rejudged" / "acme__helper").iterdir()) == ["r1.json", "r2.json"]
    assert len(server.requests) - len(server.asked) == 1, "one probe"


def test_a_refused_entry_costs_no_question_and_gets_no_opinion(board):
    folder = board / "entries" / ENTRY
    records = lines(folder, verdict_name(folder))
    silence = next(record for record in records if record["candidate"] < 0)
    silence["status"] = "accepted" if silence["status"] == "rejected" else "rejected"
    write_lines(folder, verdict_name(folder), records)
    with chat_server(judged()) as server:
        done = verify(board, server)
    assert done.code == 1
    assert done.out.startswith(f"refused    {ENTRY}\n")
    assert server.requests == []
    assert not (board / "rejudged").exists()


def test_an_endpoint_that_is_down_is_one_clear_line_and_no_opinion(board):
    with chat_server() as server:
        pass
    done = verify(board, server)
    assert (done.code, done.out) == (2, "")
    assert done.err.count("\n") == 1
    assert "no usable answer from" in done.err
    assert "start the server" in done.err
    assert not (board / "rejudged").exists()


@pytest.mark.parametrize("step", [Fault(500), Say("I would rather not say."), Say("")])
def test_a_model_that_fails_is_no_model_that_disagrees(step, board):
    """An earlier opinion stays as it is."""
    with chat_server(judged()) as server:
        verify(board, server)
    before = kept(board)
    with chat_server(lambda seen: step if len(server.asked) > 5 else judged()(seen)) as server:
        done = verify(board, server)
    assert (done.code, done.out) == (3, "")
    assert done.err.count("\n") == 1
    assert "gave no verdict on" in done.err
    assert ENTRY in done.err
    assert kept(board) == before


def test_a_second_judge_is_asked_as_patiently_as_the_command_says(board):
    with chat_server([Fault(500, headers={"Retry-After": "0"})]) as server:
        done = verify(board, server, more=["--max_retries", "1"])
    assert done.code == 3
    asked = [seen.body["messages"][-1]["content"] for seen in server.asked]
    assert asked
    assert all(asked.count(question) == 2 for question in asked)


def test_keys_reach_the_server_and_nothing_else(board):
    with chat_server(judged()) as server:
        done = verify(board, server)
    assert server.asked[0].headers["Authorization"] == f"Bearer {KEY}"
    (file,) = (file for file in (board / "rejudged").rglob("*") if file.is_file())
    text = file.read_text(encoding="utf-8")
    assert set(json.loads(text)) == {"asked", "by", "digest", "disagreements"}
    assert not any(secret in text + done.out + done.err for secret in (KEY, "Bearer", server.base_url))


def test_a_key_among_the_arguments_is_refused_and_never_repeated(board):
    with chat_server(judged()) as server:
        done = verify(board, server, args=f",api_key={KEY}")
    assert done.code == 2
    assert "looks like a secret" in done.err
    assert KEY not in done.out + done.err
    assert server.requests == []
    assert not (board / "rejudged").exists()


def test_a_server_that_lets_nobody_in_is_one_line_without_the_key_it_repeats(board):
    with chat_server([Fault(401, f"no such key: {KEY}")], probe=Fault(401, f"no such key: {KEY}")) as server:
        done = verify(board, server)
    assert (done.code, done.out) == (2, "")
    assert done.err.count("\n") == 1
    assert KEY not in done.err
    assert not (board / "rejudged").exists()


def test_a_board_that_cannot_be_written_is_exit_code_4(board):
    (board / "rejudged").write_text("a file where the folder of opinions belongs")
    with chat_server(judged()) as server:
        done = verify(board, server)
    assert done.code == 4
    assert done.err.count("\n") == 1


def test_wrong_usage_is_told_before_anything_is_asked(board):
    with chat_server(judged()) as server:
        assert verify(board, server, more=["--format", "html"]).code == 2
    assert server.requests == []
    done = call("leaderboard", "verify", board, "--record", board)
    assert done.code == 2
    assert "--judge_model" in done.err


class Done:
    """How a command ended."""

    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out, err


def call(*argv):
    out, err = io.StringIO(), io.StringIO()
    with pytest.raises(SystemExit) as ended, redirect_stdout(out), redirect_stderr(err):
        main([str(word) for word in argv])
    return Done(int(ended.value.code or 0), out.getvalue(), err.getvalue())


def verify(board, server, *, of=None, record=None, args="", more=()):
    """`leaderboard verify` of the first entry (or `of`), a second judge on `server`, its opinion kept in the board."""
    behind = f"base_url={server.base_url},model=second{args}"
    judge = ["--judge", "llm", "--judge_model", "endpoint", "--judge_model_args", behind]
    kept_in = ["--record", record or board]
    return call(
        "leaderboard", "verify", of or board / "entries" / ENTRY, *judge, *kept_in, *(more or ["--max_retries", "0"])
    )


def proposal(seen):
    """What a judge is asked about: the data between the last two nonces."""
    return json.loads(seen.body["messages"][-1]["content"].splitlines()[-2])["proposal"]


def judged(otherwise=lambda _: False):
    """A judge that decides as the first one did, and `otherwise` where that says so of a request."""

    def answer(seen):
        accepted = bool(zlib.crc32(seen.body["messages"][-1]["content"].encode()) % 2) != otherwise(seen)
        return Say(json.dumps({"reason": "so it is", "verdict": "accepted" if accepted else "rejected"}))

    return answer


def helper_and_judge(seen):
    """The served model and the judge of its run, behind one server."""
    if seen.body["model"] == "first":
        return judged()(seen)
    number = zlib.crc32(seen.body["messages"][-1]["content"].encode())
    return Say(json.dumps({"Proactive Task": None if number % 3 else f"Sort the files of folder {number % 100}"}))


def kept(board):
    return json.loads((board / "rejudged" / f"{ENTRY}.json").read_text(encoding="utf-8"))


def verdicts(board):
    folder = board / "entries" / ENTRY
    return lines(folder, verdict_name(folder))


def judge_of(board):
    (judge,) = declared(board / "entries" / ENTRY)["manifest"]["judges"]
    return judge


def rows(board):
    """Both rows of the built board, that of the first entry first."""
    done = call("leaderboard", "build", board, "--output_path", board.parent / "site")
    assert done.code == 0, done.err
    (group,) = json.loads((board.parent / "site" / "board.json").read_text(encoding="utf-8"))["groups"]
    return sorted(group, key=lambda row: row["entry"])


def badges(row):
    return {badge["badge"]: badge["meaning"] for badge in row["badges"]}
