"""An agent that is a process: a line of JSON a moment, a line back, and every way in which that can fail."""

import os
import re
import shlex
import signal
import sys
import time
from contextlib import suppress

import pytest

from proactivebench.agents.programs.process import code_of_command
from proactivebench.errors import UsageError
from proactivebench.records import Cause, ReplyKey, ReplyStatus
from tests.agents.programs import faulty, process, rejecting, run
from tests.scripted import tiny_task

HUNG = ReplyKey("trace_0", 1)


def program(folder, body):
    """The command of a Python program that does `body` with every `message`, and says its answer with `say`."""
    file = folder / "agent.py"
    lines = "\n".join(f"    {line}" for line in body.splitlines())
    file.write_text(
        "import json, os, sys\n"
        "def say(**said):\n    print(json.dumps({'id': message['id'], **said}), flush=True)\n"
        f"state = {{}}\nfor line in sys.stdin:\n    message = json.loads(line)\n{lines}\n"
    )
    return f"{sys.executable} {file}"


def gone(pid):
    """Whether a process has ended and was waited for."""
    for _ in range(100):
        with suppress(ProcessLookupError):
            os.kill(pid, 0)
            time.sleep(0.02)
            continue
        return True
    return False


def test_a_process_answers_every_moment_and_few_of_them_serve_many_traces(tmp_path):
    command = faulty(tmp_path, "nothing")
    replies = run(tmp_path / "run", process(command), tiny_task(3, 2, 2, 1), concurrency=2, repeats=2)
    assert all(reply.status is ReplyStatus.PROPOSED for reply in replies.values())
    assert len(replies) == 16
    pids = {int(reply.proposals[0].split()[-1]) for reply in replies.values()}
    assert len(pids) <= 2
    assert all(gone(pid) for pid in pids)


def test_a_process_is_told_where_a_trace_begins_and_what_the_protocol_tells(tmp_path):
    command = program(
        tmp_path,
        "if message['type'] == 'start':\n"
        "    state.clear(); state.update(message)\n"
        "else:\n"
        "    past = [[a['turn'], a['round'], a['offers'], a['verdict'], a['reason']] for a in message['history'] + "
        "message['rounds']]\n"
        "    say(offers=['%s %s %s' % (state['trace_id'] == message['trace_id'], len(message['observations']), past)])",
    )
    card = {"feedback_rounds": 1, "feedback_judge": "scripted-00000000"}
    judge = rejecting("True 1 []")
    replies = run(tmp_path / "run", process(command, card=card), tiny_task(2), card=card, feedback=judge)
    assert [reply.proposals[0] for reply in replies.values()] == [
        "True 1 []",
        "True 1 [[0, 0, ['True 1 []'], 'rejected', 'not True 1 []']]",
        "True 2 [[0, 0, ['True 1 []'], 'rejected', 'not True 1 []'], "
        "[0, 1, [\"True 1 [[0, 0, ['True 1 []'], 'rejected', 'not True 1 []']]\"], None, None]]",
    ]


FAULTS = {
    "raise": r"ended \(exit code 1\); it said: .*line \d+.*ValueError: boom, the key is \[key\]$",
    "hang": r"no answer within \d",
    "prose": r"no JSON object on standard output but 'Loading the model\.\.\.' \(print anything else to stderr\)",
    "half": r"ended \(exit code 3\) in the middle of a line, '\{\"id\": \"'",
    "endless": r"a line of more than 8 MiB on standard output",
    "deaf": r"closed its standard output|no answer within",
    "children": r"no answer within \d",
    "other id": r"an answer with id another where .* was asked",
    "no object": r"no JSON object on standard output but '\[\]'",
}


@pytest.mark.parametrize("kind", FAULTS)
def test_a_fault_is_an_error_of_its_own_trace_and_the_same_command_asks_again(tmp_path, kind, monkeypatch):
    monkeypatch.setenv("PB_TEST_API_KEY", "a-secret-of-mine-0123")
    command = faulty(tmp_path, kind)
    waits = kind in ("hang", "children", "deaf")
    replies = run(tmp_path / "run", process(command, timeout_s=1.0 if waits else 20.0), tiny_task(3, 1), concurrency=1)
    reply = replies[HUNG]
    assert reply.status is ReplyStatus.ERROR
    assert re.search(FAULTS[kind], reply.error or "")
    assert replies[ReplyKey("trace_1", 0)].status is ReplyStatus.PROPOSED  # by a fresh process
    pids = {int(r.proposals[0].split()[-1]) for r in replies.values() if r.proposals}
    assert all(gone(pid) for pid in pids)


def test_a_resumed_run_asks_only_for_what_is_missing(tmp_path):
    flag = tmp_path / "broken"
    flag.touch()
    log = tmp_path / "log"
    command = program(
        tmp_path,
        f"if message['type'] == 'moment':\n"
        f"    open({str(log)!r}, 'a').write('%s %d\\n' % (message['trace_id'], message['turn']))\n"
        f"    if message['turn'] == 1 and os.path.exists({str(flag)!r}): sys.exit(7)\n"
        f"    say(offers=['%d before' % len(message['history'])])",
    )
    task = tiny_task(3, 1)
    assert run(tmp_path / "run", process(command), task)[HUNG].status is ReplyStatus.ERROR
    flag.unlink()
    replies = run(tmp_path / "run", process(command), task)
    assert [replies[ReplyKey("trace_0", n)].proposals for n in range(3)] == [(f"{n} before",) for n in range(3)]
    asked = sorted(log.read_text().splitlines())
    assert asked == ["trace_0 0", "trace_0 1", "trace_0 1", "trace_0 2", "trace_1 0"]


def test_a_late_answer_is_never_taken_for_the_next_moments(tmp_path):
    card = {"history": "observations"}  # where other moments of the trace go on
    agent = process(faulty(tmp_path, "late", "1.5"), timeout_s=0.7, concurrency=1, card=card)
    replies = run(tmp_path / "run", agent, tiny_task(4), card=card, concurrency=1)
    assert replies[HUNG].status is ReplyStatus.ERROR
    assert [replies[ReplyKey("trace_0", n)].proposals[0].split(" by")[0] for n in (0, 2, 3)] == [
        f"turn {n}" for n in (0, 2, 3)
    ]


def test_an_answer_said_twice_is_not_taken_for_the_next_moments(tmp_path):
    replies = run(tmp_path / "run", process(faulty(tmp_path, "twice")), tiny_task(3))
    assert replies[HUNG].status is ReplyStatus.SILENT
    assert replies[ReplyKey("trace_0", 2)].status is ReplyStatus.ERROR
    assert "an answer with id" in (replies[ReplyKey("trace_0", 2)].error or "")


@pytest.mark.parametrize(
    ("said", "status", "offers"),
    [
        ("offers=[]", ReplyStatus.SILENT, ()),
        ("offers=None", ReplyStatus.SILENT, ()),
        ("decision='silent'", ReplyStatus.SILENT, ()),
        ("offers=['help']", ReplyStatus.PROPOSED, ("help",)),
        ("offers='help'", ReplyStatus.PROPOSED, ("help",)),
        ("decision='offer', offers=['help'], p_accept=0.4", ReplyStatus.PROPOSED, ("help",)),
        ("decision='offer', offers=['help'], p_accept='sure', usage='none'", ReplyStatus.PROPOSED, ("help",)),
        ("offers=['null']", ReplyStatus.SILENT, ()),
        ("", ReplyStatus.UNPARSABLE, ()),
        ("offer='help'", ReplyStatus.UNPARSABLE, ()),
        ("offers=42", ReplyStatus.UNPARSABLE, ()),
        ("offers=[42]", ReplyStatus.UNPARSABLE, ()),
        ("offers={'a': 1}", ReplyStatus.UNPARSABLE, ()),
        ("decision='maybe'", ReplyStatus.UNPARSABLE, ()),
        ("decision=['offer'], offers=['help']", ReplyStatus.UNPARSABLE, ()),
        ("decision='offer'", ReplyStatus.UNPARSABLE, ()),
        ("decision='silent', offers=['help']", ReplyStatus.UNPARSABLE, ()),
    ],
)
def test_a_message_is_an_action_or_unparsable_by_the_agents_own_doing(said, status, offers):
    from proactivebench.agents.programs.actions import answer_of_message
    from proactivebench.protocols import load_protocol
    from proactivebench.rollout import reply_from

    protocol = load_protocol("standard")
    answer = answer_of_message(eval(f"dict({said})"), protocol)  # noqa: S307 - written above
    reply = reply_from(ReplyKey("t", 0), [answer], protocol.parse(answer.text or ""), None)
    assert (reply.status, reply.proposals) == (status, offers)
    assert reply.cause is (Cause.WRONG_TYPE if status is ReplyStatus.UNPARSABLE else None)


def test_a_decision_the_task_does_not_have_ends_the_run_in_one_line(tmp_path):
    command = program(tmp_path, "if message['type'] == 'moment': say(decision='ask', offers=['who?'])")
    with pytest.raises(UsageError, match="decided 'ask', and this task knows silent and offer"):
        run(tmp_path / "run", process(command), tiny_task(1))


def test_a_flood_on_standard_error_is_no_hindrance(tmp_path):
    command = program(
        tmp_path, "sys.stderr.write('x' * 300000 + '\\n')\nif message['type'] == 'moment': say(offers=['help'])"
    )
    assert run(tmp_path / "run", process(command), tiny_task(2))[HUNG].status is ReplyStatus.PROPOSED


def test_a_process_that_will_not_end_is_ended(tmp_path, monkeypatch):
    monkeypatch.setattr("proactivebench.agents.programs.pipe._GRACE_S", 0.2)
    command = program(tmp_path, "if message['type'] == 'moment': say(offers=['by %d' % os.getpid()])")
    with (tmp_path / "agent.py").open("a") as file:
        file.write("import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\ntime.sleep(60)\n")
    replies = run(tmp_path / "run", process(command), tiny_task(1))
    assert gone(int(replies[ReplyKey("trace_0", 0)].proposals[0].split()[-1]))


def test_a_process_killed_from_outside_between_two_moments_is_an_error_that_says_so(tmp_path):
    command = program(
        tmp_path,
        "if message['type'] == 'moment':\n"
        "    if message['turn'] == 1: os.kill(os.getpid(), 9)\n"
        "    say(offers=['help'])",
    )
    assert "ended (SIGKILL)" in (run(tmp_path / "run", process(command), tiny_task(2))[HUNG].error or "")


@pytest.mark.skipif(sys.platform == "win32", reason="sessions are of POSIX")
def test_an_interruption_meant_for_the_run_does_not_reach_its_processes(tmp_path):
    command = program(tmp_path, "if message['type'] == 'moment': say(offers=['%d' % os.getpgid(0)])")
    replies = run(tmp_path / "run", process(command), tiny_task(1))
    assert int(replies[ReplyKey("trace_0", 0)].proposals[0]) != os.getpgid(0)
    assert signal.getsignal(signal.SIGINT) is not None


@pytest.mark.parametrize(
    ("args", "says"),
    [
        ({}, 'needs --model_args command="PROGRAM'),
        ({"command": "  "}, 'needs --model_args command="PROGRAM'),
        ({"command": "'"}, "write it as a shell would take it"),
        ({"command": "x", "p": "1"}, r"does not know p in --model_args.*a command with commas"),
        ({"command": "agent --api-key abc"}, "looks like a secret"),
        ({"command": "agent --api_key=abc"}, "looks like a secret"),
        ({"command": "env MY_TOKEN=1 API_KEY=abc agent"}, "looks like a secret"),
        ({"command": "agent sk-abcdefghijklmnop"}, "looks like a secret"),
    ],
)
def test_a_command_that_cannot_be_is_refused(args, says):
    from proactivebench.agents import create_agent
    from proactivebench.protocols import load_protocol

    with pytest.raises(UsageError, match=says):
        create_agent("process", args, protocol=load_protocol("standard"), task=tiny_task())


def test_a_program_that_is_not_there_or_cannot_be_started_ends_the_run(tmp_path):
    with pytest.raises(UsageError, match="no such program: give one on the PATH"):
        run(tmp_path / "a", process("a-program-nobody-has --x"))
    broken = tmp_path / "broken"
    broken.write_bytes(b"\x7fELF and nothing")
    broken.chmod(0o755)
    with pytest.raises(UsageError, match=r"cannot be started \("):
        run(tmp_path / "b", process(str(broken)))


def test_the_code_of_a_command_is_that_of_the_files_it_names(tmp_path):
    script = tmp_path / "agent.sh"
    script.write_text("one")
    before = code_of_command(shlex.split(f"sh {script} --fast"))
    assert (before.package, before.sha256 is None) == ("agent.sh", False)
    script.write_text("two")
    assert code_of_command(["sh", str(script)]).sha256 != before.sha256
    assert code_of_command([sys.executable, str(script)]) == code_of_command(["sh", str(script)])
    assert code_of_command(["sh", "-c", "true"]).sha256 is None


def test_the_command_is_recorded_without_the_folders_of_this_machine(tmp_path):
    script = tmp_path / "agent.sh"
    script.write_text("true")
    agent = process(f"sh {script} --config={script} --level=3")
    assert agent.identity.model_args == {"command": "sh agent.sh --config=agent.sh --level=3"}
    assert agent.identity.name == "sh agent.sh"
