"""`leaderboard reproduce`: an entry's model asked again at traces that nobody could know, over a real server."""

import shutil

import pytest

from proactivebench.board.entry.evidence import read_evidence
from proactivebench.board.verify import reproducing
from proactivebench.board.verify.reproducing import Held, draw, drawn_repeats
from proactivebench.board.verify.reproduction import read_reproductions
from proactivebench.records import Reply, ReplyStatus
from proactivebench.traces import load_task
from tests.servers.chat import Fault, chat_server

from .asked_again import FORGED, HONEST, copied, helped, interrupting, submitted
from .calling import call, one_line
from .forging import declared, edited, lines, verdict_name, write_declared, write_lines

SEED = "0f3a9c62"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return submitted(tmp_path_factory.mktemp("submitted"))


@pytest.fixture
def board(made, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return copied(made, tmp_path / "board")


@pytest.fixture(scope="module")
def task():
    return load_task("proactivebench_sample")


def test_the_model_that_answered_reproduces_its_entry(board, task):
    with chat_server(helped) as server:
        done = reproduce(board, server)
    assert done.code == 0, done.err
    assert done.out.startswith(f"reproduced  {HONEST}\n")
    record = read_reproductions(board)[HONEST]
    assert record.passed
    assert (record.agreed, record.identical) == (record.moments, record.offered_by_both)
    assert record.digest == read_evidence(board / "entries" / HONEST).digest
    assert len(record.traces) == 3
    drawn = [trace for trace in task.traces if trace.trace_id in record.traces]
    assert record.moments == len(server.asked) == sum(len(trace.events) for trace in drawn)
    assert drawn == list(draw(task.traces, record.digest, record.seed))


def test_answers_that_the_model_never_made_are_not_reproduced(board):
    with chat_server(helped) as server:
        done = reproduce(board, server, of=FORGED)
    assert done.code == 1
    assert done.out.startswith(f"not reproduced  {FORGED}\n")
    assert one_line(done.err.splitlines()[-1]).startswith(f"proactivebench: {FORGED} is not reproduced: ")
    record = read_reproductions(board)[FORGED]
    assert not record.passed
    assert record.agreement < 0.9
    assert record.reason in done.err


def test_the_board_says_what_was_found_beside_the_entry_and_not_in_it(board):
    before = {file: file.read_bytes() for file in (board / "entries").rglob("*") if file.is_file()}
    with chat_server(helped) as server:
        reproduce(board, server)
    assert {file: file.read_bytes() for file in (board / "entries").rglob("*") if file.is_file()} == before
    (file,) = (file for file in (board / "reproduced").rglob("*") if file.is_file())
    assert file == board / "reproduced" / f"{HONEST}.json"
    assert server.base_url not in file.read_text(encoding="utf-8")


def test_the_traces_are_drawn_by_what_nobody_knows_at_submission(board, task):
    """The same seed draws other traces for an entry with another hash, and a fresh one is never the same."""
    draws = {tuple(t.trace_id for t in draw(task.traces, digest, SEED)) for digest in ("a", "b", "c", "d")}
    assert len(draws) > 1
    seeds = set()
    with chat_server(helped) as server:
        for _ in range(2):
            assert reproduce(board, server, "--redraw").code == 0
            seeds.add(read_reproductions(board)[HONEST].seed)
    assert len(seeds) == 2
    assert read_reproductions(board)[HONEST].draw == 2
    assert "; draw 2" in read_reproductions(board)[HONEST].sentence


def test_a_seed_draws_the_same_traces_again_and_a_short_one_is_refused(board):
    with chat_server(helped) as server:
        assert reproduce(board, server, "--seed", SEED).code == 0
        record = read_reproductions(board)[HONEST]
        asked = len(server.asked)
        assert reproduce(board, server, "--seed", SEED).code == 0
        assert len(server.asked) == asked, "what is answered is not asked again"
        assert read_reproductions(board)[HONEST] == record
        for bad in ("1", "2026", "../../../../etc", "a" * 65):
            done = reproduce(board, server, "--seed", bad)
            assert done.code == 2
            assert "--seed" in one_line(done.err)
        assert reproduce(board, server, "--seed", SEED, "--redraw").code == 2


def test_a_server_that_dies_midway_loses_nothing_and_the_same_command_goes_on(board):
    with chat_server(lambda seen: helped(seen) if len(server.asked) <= 15 else Fault(500)) as server:
        done = reproduce(board, server)
        port = server.port
    assert done.code == 3
    assert "the same command again" in done.err.splitlines()[-1]
    assert not (board / "reproduced").exists()
    with chat_server(helped, port=port) as server:
        done = reproduce(board, server)
    assert done.code == 0, done.err
    assert len(server.asked) == read_reproductions(board)[HONEST].moments - 15


def test_ctrl_c_keeps_what_was_answered_and_the_same_command_goes_on(board):
    with chat_server(interrupting(helped, after=8)) as server:
        done = reproduce(board, server)
        first, port = len(server.asked), server.port
    assert done.code == 130
    assert not (board / "reproduced").exists()
    with chat_server(helped, port=port) as server:
        assert reproduce(board, server).code == 0
    assert first + len(server.asked) == read_reproductions(board)[HONEST].moments


def test_a_server_that_is_down_is_exit_code_3_and_the_draw_stands(board):
    with chat_server() as server:
        pass
    done = reproduce(board, server)
    assert (done.code, done.out) == (3, "")
    assert "no usable answer from" in done.err
    (seed,) = (folder.name for folder in (board.parent / "runs" / "reproduced" / HONEST).iterdir())
    with chat_server(helped, port=server.port) as server:
        assert reproduce(board, server).code == 0
    assert seed.endswith(read_reproductions(board)[HONEST].seed)


def test_a_trivial_agent_reproduces_exactly(board):
    for name in ("never", "parrot", "random"):
        folder = board / "entries" / f"proactivebench__{name}" / "r1"
        call("run", "--model", name, "--tasks", "proactivebench_sample", "--output_path", board / name)
        call("leaderboard", "prepare", board / name, "--output_path", folder, "--run_id", "r1")
        done = call("leaderboard", "reproduce", folder, "--model", name, "--traces", "99")
        assert done.code == 0, done.err
        record = read_reproductions(board)[f"proactivebench__{name}/r1"]
        assert (record.agreement, record.identical) == (1, record.offered_by_both)
        assert len(record.traces) == len(load_task("proactivebench_sample").traces)


def test_a_model_of_another_name_has_to_be_meant(board):
    with chat_server(helped) as server:
        done = reproduce(board, server, model="other")
        assert done.code == 2
        assert "was answered by helper, and this is other" in one_line(done.err)
        assert server.requests == []
        assert reproduce(board, server, "--other_name", model="other").code == 0
    assert read_reproductions(board)[HONEST].model == "other"


def test_other_conditions_are_said(board):
    """A server that takes no response format answers under other conditions than the entry's did."""

    def without_format(seen):
        return Fault(400, "response_format is not supported") if "response_format" in seen.body else helped(seen)

    with chat_server(without_format) as server:
        done = reproduce(board, server)
    assert done.code == 0
    said = "response format: json_schema, strict (the entry), none (the new answers)"
    assert read_reproductions(board)[HONEST].conditions == said
    assert said in done.out


@pytest.mark.parametrize(
    ("edit", "why"),
    [
        (edited("manifest", "decoding", value=None), "replayed from elsewhere"),
        (edited("manifest", "protocol", "hash", value="ab" * 32), "whose texts are not shipped"),
        (edited("manifest", "protocol", "feedback_rounds", value=1), "whose texts are not shipped"),
    ],
)
def test_what_cannot_be_asked_under_the_same_terms_is_refused(edit, why, board):
    edit(board / "entries" / HONEST)
    with chat_server(helped) as server:
        done = reproduce(board, server)
    assert done.code == 2
    assert why in one_line(done.err)
    assert server.requests == []


@pytest.mark.parametrize(
    ("extra", "sent"),
    [
        ({"top_k": 20, "chat_template_kwargs": {"enable_thinking": False}}, True),
        ({"tools": [{"type": "mcp", "server_url": "evil"}]}, False),
        ({"n": 1000}, False),
        ({"guided_regex": "x"}, False),
        ({"top_k": {"tools": []}}, False),
    ],
)
def test_a_strangers_decoding_makes_our_server_sample_and_nothing_else(extra, sent, board):
    edited("manifest", "decoding", "extra", value=extra)(board / "entries" / HONEST)
    with chat_server(helped) as server:
        done = reproduce(board, server)
        assert done.code == (0 if sent else 2)
        assert bool(server.requests) is sent
        if not sent:
            assert "--pass_on" in one_line(done.err)
            assert next(iter(extra)) in done.err
            assert reproduce(board, server, "--pass_on").code == 0
    assert all(server.asked[0].body[name] == value for name, value in extra.items())


def test_answers_without_bound_have_to_be_meant(board):
    edited("manifest", "decoding", "max_gen_toks", value=10**9)(board / "entries" / HONEST)
    with chat_server(helped) as server:
        done = reproduce(board, server)
    assert done.code == 2
    assert "max_gen_toks=1000000000" in one_line(done.err)
    assert server.requests == []


def test_a_seed_that_stands_in_a_record_draws_for_no_other_entry(board):
    """It is known to whoever submits next, who could look for a hash that draws what suits."""
    with chat_server(helped) as server:
        assert reproduce(board, server, "--seed", SEED).code == 0
        done = reproduce(board, server, "--seed", SEED, of=FORGED)
    assert done.code == 2
    assert "known since" in one_line(done.err)


def test_an_entry_about_other_data_is_refused(board):
    edited("manifest", "task", "data_hash", value="ab" * 32)(board / "entries" / HONEST)
    with chat_server(helped) as server:
        done = reproduce(board, server)
    assert done.code in (1, 2)
    assert one_line(done.err)
    assert server.requests == []


@pytest.mark.parametrize("place", ["nowhere", "board", "outside", "entry.json"])
def test_what_is_no_entry_on_a_board_is_one_line_and_exit_code_2(place, board):
    shutil.copytree(board / "entries" / HONEST, board.parent / "outside")
    path = board / "entries" / HONEST / "entry.json" if place == "entry.json" else board.parent / place
    with chat_server(helped) as server:
        done = reproduce(board, server, path=path)
    assert (done.code, done.out) == (2, "")
    assert one_line(done.err)
    assert server.requests == []


def test_a_spoilt_entry_is_exit_code_1(board):
    content = declared(board / "entries" / HONEST)
    write_declared(board / "entries" / HONEST, content | {"evidence": {}})
    with chat_server(helped) as server:
        assert reproduce(board, server).code == 1
    assert server.requests == []


def test_a_board_that_cannot_be_written_is_exit_code_4_and_the_answers_stay(board):
    (board / "reproduced").write_text("a file where the folder belongs")
    with chat_server(helped) as server:
        done = reproduce(board, server)
        assert done.code == 4
        (board / "reproduced").unlink()
        asked = len(server.asked)
        assert reproduce(board, server).code == 0
    assert len(server.asked) == asked


def test_a_copy_of_a_record_that_a_submitter_sends_is_refused(board):
    with chat_server(helped) as server:
        reproduce(board, server)
    folder = board / "entries" / HONEST
    shutil.copy(board / "reproduced" / f"{HONEST}.json", folder / "reproduced.json")
    done = call("leaderboard", "validate", folder)
    assert done.code == 1
    assert "does not belong into an entry" in done.out


@pytest.mark.parametrize(
    ("what", "reason"),
    [
        ({}, ""),
        ({"differ": 5}, ""),
        ({"differ": 6}, "at least 90% are asked for"),
        ({"differ": 5, "favoured": 5}, "5 of 5 differences are nearer to people's labels"),  # 1/32
        ({"differ": 5, "favoured": 4}, ""),  # 6/32
        ({"differ": 1, "alike": 3}, "only 3 of 20 offers made by both are alike"),
        ({"differ": 1, "alike": 4}, ""),
        ({"differ": 1, "chance": 0.95, "alike": 9}, "offers placed by lot would agree at 95%"),
        ({"differ": 1, "chance": 0.95, "alike": 10}, ""),
        ({"chance": 1.0}, ""),
    ],
)
def test_when_an_entry_counts_as_reproduced(what, reason):
    """Greedy decoding, 58 moments in 3 traces, 20 of them with an offer in both answers."""
    given = {"differ": 0, "favoured": 0, "alike": 20, "chance": 0.6, **what}
    held = Held(
        moments=58,
        traces=3,
        agreed=58 - given["differ"],
        chance=given["chance"],
        both=20,
        identical=given["alike"] if given["differ"] else 20,
        similar=given["alike"],
        favoured=((given["favoured"], given["differ"]), (0, given["differ"])),
    )
    assert held.failure(greedy=True).startswith(reason)
    assert bool(held.failure(greedy=True)) is bool(reason)


def test_a_sampled_model_may_answer_otherwise_more_often_and_in_other_words():
    held = Held(
        moments=58, traces=3, agreed=46, chance=0.5, both=20, identical=0, similar=1, favoured=((5, 12), (7, 12))
    )
    assert held.failure(greedy=True)
    assert held.failure(greedy=False) == ""


def test_agreement_chance_and_interval_of_two_lots_of_answers(task):
    """By hand: in each trace the entry offers at the first two moments and the new answers at the first and third."""
    traces = task.traces[:3]
    first = [reply for trace in traces for reply in replies(trace, {0, 1})]
    again = [reply for trace in traces for reply in replies(trace, {0, 2})]
    held = Held.of(traces, first, again)
    sizes = [len(trace.events) for trace in traces]
    assert held.moments == sum(sizes)
    assert held.agreed == sum(sizes) - 6
    assert (held.both, held.identical) == (3, 3)
    assert held.chance == pytest.approx(sum(n * ((2 / n) ** 2 + (1 - 2 / n) ** 2) for n in sizes) / sum(sizes))
    n = sum(sizes) / (1 + (sum(sizes) / 3 - 1) * 0.05)
    p, z = held.agreement, 1.959964
    low = (p + z * z / (2 * n) - z * (p * (1 - p) / n + z * z / (4 * n * n)) ** 0.5) / (1 + z * z / n)
    assert held.interval[0] == pytest.approx(low)


def ids(traces):
    return [trace.trace_id for trace in traces]


def replies(trace, offered):
    """Answers to a trace, with the same offer at some turns."""
    for turn in range(len(trace.events)):
        offers = turn in offered
        yield Reply(
            trace_id=trace.trace_id,
            turn=turn,
            status=ReplyStatus.PROPOSED if offers else ReplyStatus.SILENT,
            proposals=("Sort the files",) if offers else (),
            text="",
        )


def reproduce(board, server, *more, of=HONEST, path=None, model="helper"):
    """`leaderboard reproduce` of an entry, its model on `server`."""
    behind = f"base_url={server.base_url},model={model},max_retries=0"
    words = ["--model", "endpoint", "--model_args", behind, "--concurrency", "2"]
    return call("leaderboard", "reproduce", path or board / "entries" / of, *words, *more)


def test_every_repeat_of_an_entry_may_be_the_one_that_is_compared(task):
    """Whoever could know which would forge the others."""
    drawn = [drawn_repeats(task.traces, digest, SEED, 3) for digest in ("a", "b", "c")]
    assert {repeat for repeats in drawn for repeat in repeats.values()} == {0, 1, 2}
    assert drawn[0] != drawn[1]
    assert set(drawn_repeats(task.traces, "a", SEED, 1).values()) == {0}


def test_a_forged_repeat_beside_a_true_one_is_found(board, monkeypatch):
    """The entry's own answers as its first repeat, and offers where the labels are as all others."""
    folder = board / "entries" / HONEST
    first, second = lines(folder, "replies.jsonl.gz"), lines(board / "entries" / FORGED, "replies.jsonl.gz")
    write_lines(folder, "replies.jsonl.gz", first + [reply | {"repeat": 1} for reply in second])
    name = verdict_name(folder)
    verdicts = lines(board / "entries" / FORGED, verdict_name(board / "entries" / FORGED))
    write_lines(folder, name, lines(folder, name) + [verdict | {"repeat": 1} for verdict in verdicts])
    edited("manifest", "sessions", value=[declared(folder)["manifest"]["sessions"][0] | {"repeats": 2}])(folder)
    edited("claims", value={})(folder)
    with chat_server(helped) as server:
        for repeat in (0, 1):
            monkeypatch.setattr(reproducing, "drawn_repeats", lambda traces, *_: dict.fromkeys(ids(traces), repeat))  # noqa: B023
            assert reproduce(board, server).code == repeat
            assert set(read_reproductions(board)[HONEST].repeats) == {repeat}
