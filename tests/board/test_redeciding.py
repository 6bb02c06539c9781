"""`leaderboard rejudge`: open verdicts decided again by the judge that gave them, over a real server."""

import json
import shutil

import pytest

from proactivebench.board.verify.decided import DecidedAgain
from proactivebench.board.verify.redeciding import FittingJudges
from proactivebench.judging import create_judge
from proactivebench.judging.cards import load_card
from proactivebench.judging.measurement import UNDECLARED
from proactivebench.records import digest
from tests.servers.chat import Fault, Say, chat_server

from .asked_again import (
    FORGED,
    HONEST,
    copied,
    helper_and_judge,
    interrupting,
    judged,
    proposal,
    question,
    run,
    submit,
    submitted,
)
from .calling import call, one_line
from .forging import as_served, declared, lines, verdict_name, write_declared, write_lines


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return submitted(tmp_path_factory.mktemp("submitted"))


@pytest.fixture
def board(made, tmp_path):
    return copied(made, tmp_path / "board")


def test_an_honest_entry_is_decided_alike_and_a_forged_one_is_disputed(board):
    with chat_server(judged) as server:
        done = rejudge(board, server)
    assert done.code == 1
    honest, forged, summary = done.out.splitlines()
    assert honest.startswith(f"decided    {HONEST}  {judge_of(board)}: {offers(board)} verdicts decided again")
    assert forged.startswith(f"disputed   {FORGED}  ")
    assert "in the entry's favour" in forged
    assert summary == f"1 decided alike, 1 disputed; {offers(board) + offers(board, FORGED)} verdicts given now"
    assert one_line(done.err).startswith("proactivebench: 1 disputed")
    rows = built(board)
    assert "decided again" in rows[HONEST]
    assert "disputed" in rows[FORGED]
    assert not {"decided again", "not re-judged"} & set(rows[FORGED])


def test_nothing_is_asked_twice(board):
    with chat_server(judged) as server:
        rejudge(board, server)
        asked = len(server.requests)
        done = rejudge(board, server)
    assert done.code == 1, "disputed it stays"
    assert len(server.requests) == asked
    assert "; 0 verdicts given now" in done.out


def test_one_entry_alone_can_be_given(board):
    with chat_server(judged) as server:
        done = rejudge(board / "entries" / HONEST, server, "--no-pending")
    assert done.code == 0, done.err
    assert len(server.asked) == offers(board)
    assert not (board / "decided" / f"{FORGED}.json").exists()


def test_only_open_verdicts_are_asked(board):
    """Silences were decided by people, and the labels decide them again."""
    with chat_server(judged) as server:
        rejudge(board / "entries" / HONEST, server)
    assert all(proposal(seen) for seen in server.asked)
    assert offers(board) < len(verdicts(board))


def test_a_server_that_dies_midway_loses_nothing_and_the_same_command_goes_on(board):
    with chat_server(lambda seen: judged(seen) if len(server.asked) <= 20 else Fault(500)) as server:
        done = rejudge(board, server)
        answered = {question(seen) for seen in server.asked[:20]}
    assert done.code == 3
    assert f"open       {HONEST}  {judge_of(board)}: {offers(board) - 20} of {offers(board)} verdicts open" in done.out
    assert "the same command again" in one_line(done.err)
    assert not (board / "decided" / f"{HONEST}.json").exists()
    with chat_server(judged) as server:
        done = rejudge(board, server)
    assert done.code == 1
    asked = [question(seen) for seen in server.asked]
    assert len(asked) == offers(board) - 20 + offers(board, FORGED)
    own = asked[: offers(board) - 20]
    assert not answered & set(own)
    assert kept(board)["asked"] == offers(board)


def test_ctrl_c_keeps_what_was_answered_and_the_same_command_goes_on(board):
    with chat_server(interrupting(judged, after=10)) as server:
        done = rejudge(board, server, "--concurrency", "2")
        first = len(server.asked)
    assert done.code == 130
    assert 10 <= first < offers(board)
    assert f"open       {HONEST}" in done.out
    with chat_server(judged) as server:
        assert rejudge(board, server).code == 1
    assert len(server.asked) == offers(board) + offers(board, FORGED) - first


def test_a_limit_bounds_the_questions_of_a_go_and_the_next_goes_on(board):
    """Whoever submits decides how many verdicts there are; the maintainers decide what they pay."""
    with chat_server(judged) as server:
        done = rejudge(board, server, "--limit", "30")
        assert done.code == 3
        assert len(server.asked) == 30
        assert f"{offers(board) - 30} of {offers(board)} verdicts open: so many as --limit allows" in done.out
        assert rejudge(board, server, "--limit", "1000").code == 1
    assert len(server.asked) == offers(board) + offers(board, FORGED)


def test_a_server_that_is_down_is_asked_once_and_leaves_all_open(board):
    with chat_server() as server:
        pass
    done = rejudge(board, server)
    assert done.code == 3
    assert done.out.count("open       ") == 2
    assert done.out.count("not asked: ") == 1
    assert "no usable answer from" in done.out
    assert one_line(done.err)
    assert not list((board / "decided").glob("*/*.json"))


def test_answers_that_are_no_verdicts_leave_an_entry_open_and_are_asked_again(board):
    with chat_server([Say("I would rather not say.")]) as server:
        done = rejudge(board / "entries" / HONEST, server)
    assert done.code == 3
    with chat_server(judged) as server:
        assert rejudge(board / "entries" / HONEST, server).code == 0
    assert len(server.asked) == offers(board)


@pytest.mark.parametrize(
    ("model", "more", "why"),
    [
        ("second", [], "its model is first, the one given is second"),
        ("first", ["--judge_gen_kwargs", "temperature=0.7"], "another judge by its prompt, decoding or arguments"),
        ("first", ["--judge", "reward-model"], ""),
    ],
)
def test_another_judge_is_named_and_asks_nothing(model, more, why, board, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with chat_server(judged) as server:
        done = rejudge(board, server, *more, model=model)
    assert done.code == 0
    assert server.requests == []
    assert done.out.count("other      ") == 2
    assert why in done.out
    assert not (board / "decided").exists()


def test_a_judge_by_a_card_of_its_own_needs_that_card(board):
    """An entry's words are never a path: the maintainers name the card."""
    card = board.parent / "strict.yaml"
    card.write_text(load_card("llm").model_copy(update={"name": "strict"}).model_dump_json(), encoding="utf-8")
    root, spec = board.parent / "own", f"silence=labels,proposals={card}"
    with chat_server(helper_and_judge) as server:
        behind = ["--judge_model", "endpoint", "--judge_model_args", f"base_url={server.base_url},model=first"]
        asked = ["--tasks", "proactivebench_sample", "--judge", spec, *behind]
        run("--model", "parrot", *asked, root / "run")
        submit(as_served(root / "run", root / "served", "helper"), root, "acme")
        without = rejudge(root, server)
        with_card = rejudge(root, server, "--judge", spec)
    assert without.code == 0
    assert f"other      {HONEST}" in without.out
    assert "--judge CARD.yaml" in without.out
    assert with_card.code == 0
    assert with_card.out.startswith(f"decided    {HONEST}  labels-strict-")


def test_a_tenth_decided_otherwise_is_not_allowed_where_all_of_it_favours_the_entry(board):
    """Each forged verdict alone could be the judge's own noise: together, and all one way, they are not."""
    folder = board / "entries" / HONEST
    records = lines(folder, verdict_name(folder))
    rejected = [record for record in records if record["candidate"] >= 0 and record["status"] == "rejected"]
    few = rejected[: max(7, offers(board) // 10)]
    assert len(few) <= 0.1 * offers(board), "or the share alone would tell"
    for record in few:
        record["status"] = "accepted"
    content = declared(folder) | {"claims": {}}
    write_declared(folder, content)
    write_lines(folder, verdict_name(folder), records)
    with chat_server(judged) as server:
        done = rejudge(folder, server)
    assert done.code == 1
    assert f"{len(few)} otherwise, {len(few)} of these in the entry's favour" in done.out


@pytest.mark.parametrize(
    ("asked", "otherwise", "favoured", "disputed"),
    [
        (100, 0, 0, False),
        (100, 10, 5, False),
        (100, 11, 5, True),
        (100, 6, 6, False),  # 1/64 = .0156
        (100, 7, 7, True),  # 1/128 = .0078
        (200, 20, 16, True),  # 6196/2^20 = .0059
        (200, 20, 15, False),  # 21700/2^20 = .0207
    ],
)
def test_what_is_disputed(asked, otherwise, favoured, disputed):
    again = DecidedAgain(judge_hash="a", date="2026-01-01", asked=asked, otherwise=otherwise, favoured=favoured)
    assert again.disputed is disputed


def test_what_was_decided_on_other_evidence_no_longer_counts(board):
    with chat_server(judged) as server:
        rejudge(board, server)
    folder = board / "entries" / HONEST
    content = declared(folder)
    content["declared"]["notes"] = "prepared again"
    write_declared(folder, content)
    assert "not re-judged" in built(board)[HONEST]
    with chat_server(judged) as server:
        rejudge(board, server)
    assert len(server.asked) == offers(board)


def test_an_entry_that_does_not_verify_is_refused_and_costs_no_question(board):
    folder = board / "entries" / HONEST
    records = lines(folder, verdict_name(folder))
    silence = next(record for record in records if record["candidate"] < 0)
    silence["status"] = "accepted" if silence["status"] == "rejected" else "rejected"
    write_lines(folder, verdict_name(folder), records)
    with chat_server(judged) as server:
        done = rejudge(folder, server)
    assert done.code == 0
    assert done.out.startswith(f"refused    {HONEST}  ")
    assert server.requests == []


def test_a_board_of_local_judges_has_nothing_open(board):
    shutil.rmtree(board / "entries")
    run = board.parent / "always"
    assert call("run", "--model", "always", "--tasks", "proactivebench_sample", "--output_path", run).code == 0
    folder = board / "entries" / "proactivebench__always" / "r1"
    call("leaderboard", "prepare", run, "--output_path", folder, "--run_id", "r1")
    with chat_server(judged) as server:
        done = rejudge(board, server)
    assert (done.code, done.out) == (0, "")
    assert "nothing open" in one_line(done.err)
    assert server.requests == []


def test_a_board_that_cannot_be_written_is_exit_code_4_before_anything_is_asked(board):
    (board / "decided").write_text("a file where the folder belongs")
    with chat_server(judged) as server:
        done = rejudge(board, server)
    assert done.code == 4
    assert one_line(done.err).startswith("proactivebench: cannot write")
    assert server.asked == []


@pytest.mark.parametrize("place", ["nowhere", "empty", "entry.json", "outside"])
def test_what_is_no_entry_on_a_board_is_one_line_and_exit_code_2(place, board):
    (board / "empty" / "entries").mkdir(parents=True)
    shutil.copytree(board / "entries" / HONEST, board / "outside")
    path = {"entry.json": board / "entries" / HONEST / "entry.json"}.get(place, board / place)
    with chat_server(judged) as server:
        done = rejudge(path, server)
    assert (done.code, done.out) == (2, "")
    assert one_line(done.err)
    assert server.requests == []


def test_a_whole_board_has_to_be_meant(board):
    with chat_server(judged) as server:
        done = rejudge(board, server, "--no-pending")
    assert done.code == 2
    assert "--pending" in one_line(done.err)


def rejudge(path, server, *more, model="first"):
    """`leaderboard rejudge`, the judge's model on `server`; of all open entries where `path` is a board."""
    behind = f"base_url={server.base_url},model={model},max_retries=0"
    words = [word for word in more if word != "--no-pending"]
    pending = [] if "--no-pending" in more else ["--pending"]
    model_words = ["--judge_model", "endpoint", "--judge_model_args", behind]
    return call("leaderboard", "rejudge", path, *pending, *model_words, *words)


def verdicts(board, entry=HONEST):
    folder = board / "entries" / entry
    return lines(folder, verdict_name(folder))


def offers(board, entry=HONEST):
    """How many verdicts of an entry are open: those on its offers."""
    return sum(record["candidate"] >= 0 for record in verdicts(board, entry))


def judge_of(board):
    (judge,) = declared(board / "entries" / HONEST)["manifest"]["judges"]
    return judge


def kept(board, entry=HONEST):
    content = json.loads((board / "decided" / f"{entry}.json").read_text(encoding="utf-8"))
    return content["judges"][judge_of(board)]


def built(board):
    """The badges of each entry of the built board."""
    done = call("leaderboard", "build", board, "--output_path", board.parent / "site")
    assert done.code == 0, done.err
    content = json.loads((board.parent / "site" / "board.json").read_text(encoding="utf-8"))
    return {
        row["entry"]: {badge["badge"]: badge["meaning"] for badge in row["badges"]}
        for group in content["groups"]
        for row in group
    }


@pytest.mark.parametrize(
    ("weights", "given", "why"),
    [
        ("org/judge@1", ("renamed", "org/judge@1"), None),
        ("org/judge@1", ("paper", "org/judge@2"), "its weights are org/judge@1, those given are org/judge@2"),
        (UNDECLARED, ("paper", UNDECLARED), None),
        (UNDECLARED, ("renamed", UNDECLARED), "its model is paper, the one given is renamed"),
    ],
)
def test_a_judge_known_by_its_weights_is_the_same_under_any_name(weights, given, why):
    """The hash of such a judge covers its prompt and weights; where these are undeclared the name is all there is."""

    def identity(model, weights):
        own = create_judge("lexical").identity
        return own.model_copy(update={"hash": digest(weights), "model": model, "weights": weights})

    judge = create_judge("lexical")
    judge.identity = identity(*given)
    found = FittingJudges(lambda _: judge, "reward-model").fitting(identity("paper", weights))
    assert found is judge if why is None else found == why
