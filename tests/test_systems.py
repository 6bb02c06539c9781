"""Nothing here is only for Unix: what Windows lacks is hidden in a process of its own, and everything works there."""

import ast
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import proactivebench
from proactivebench.judging.identity import judge_id
from proactivebench.store import RunStore
from tests.scripted import offer
from tests.servers.chat import Say, chat_server

PACKAGE = Path(proactivebench.__file__).parent
WINDOWS = """
import asyncio, os, signal, sys
import filelock, platformdirs.unix  # they choose by system, which stays what it is
for name in ("fcntl", "resource", "pwd", "grp", "termios", "pty", "tty", "syslog", "readline"):
    sys.modules[name] = None
for name in ("pread", "pwrite", "fork", "getuid", "geteuid", "getgid", "chown", "killpg", "setsid", "mkfifo"):
    if hasattr(os, name):
        delattr(os, name)
for name in ("SIGHUP", "SIGKILL", "SIGUSR1", "SIGALRM", "SIGPIPE", "alarm", "setitimer"):
    if hasattr(signal, name):
        delattr(signal, name)
def missing(*_, **__):
    raise NotImplementedError
import asyncio.unix_events
asyncio.unix_events._UnixSelectorEventLoop.add_signal_handler = missing
import json
from proactivebench.cli import main
for command in json.loads(sys.argv[1]):
    try:
        main(command)
    except SystemExit as ended:
        if ended.code:
            sys.exit(f"{command}: {ended.code}" if ended.code != 130 else 130)
"""
UNIX_ONLY = re.compile(
    r"^\s*(?:import|from) (?:fcntl|resource|pwd|grp|termios|pty)\b"
    r"|os\.(?:pread|pwrite|fork|getuid|geteuid|fchmod|killpg|setsid|O_NOFOLLOW|O_NONBLOCK|O_CLOEXEC)\b"
    r"|add_signal_handler\(|signal\.SIG(?:HUP|KILL|USR\d|ALRM)\b|[\"'=]/dev/",
    re.MULTILINE,
)


def without_encoding(text):
    """Lines that read or write text in whatever encoding the system has."""
    for call in (node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call)):
        given = {keyword.arg: keyword.value for keyword in call.keywords}
        name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
        owner = getattr(call.func.value, "id", "") if isinstance(call.func, ast.Attribute) else ""
        modes = [arg.value for arg in call.args if isinstance(arg, ast.Constant) and isinstance(arg.value, str)]
        opened = name == "open" and any(re.fullmatch(r"[rwax]t?\+?", mode) for mode in modes)
        texts = (
            name in ("read_text", "write_text")
            and isinstance(call.func, ast.Attribute)
            and owner not in ("release", "distribution")
        )
        texts = texts and "utf-8" not in modes
        piped = owner == "subprocess" and "text" in given
        if (opened or texts or piped) and "encoding" not in given:
            yield call.lineno


def on_windows(*commands):
    """A process without Unix that carries out these commands, one after the other, until one fails."""
    words = json.dumps([[str(word) for word in command] for command in commands])
    return subprocess.Popen([sys.executable, "-c", WINDOWS, words], stdout=-1, stderr=-1, text=True, encoding="utf-8")


def modules():
    return [file for file in PACKAGE.rglob("*.py") if "_shipped" not in file.parts]


def test_the_whole_road_works_where_unix_is_not(tmp_path):
    run, sample = tmp_path / "run", ["--tasks", "proactivebench_sample"]
    entry = tmp_path / "board" / "entries" / "proactivebench__always" / "one"
    process = on_windows(
        ["run", "--model", "always", *sample, "--output_path", run],
        ["run", "--model", "never", *sample, "--output_path", tmp_path / "other"],
        ["judge", run, "--judge", "lexical"],
        ["score", run],
        ["show", run, "daily_kyoto"],
        ["compare", run, tmp_path / "other", "--judge", "labels-lexical"],
        ["gate", run, run, "--judge", "lexical", "--rule", "point"],
        ["view", run],
        ["leaderboard", "prepare", run, "--output_path", entry, "--run_id", "one"],
        ["leaderboard", "validate", tmp_path / "board"],
        ["data", "list"],
        ["demo", "--output_path", tmp_path / "demo"],
    )
    said, complaint = process.communicate(timeout=120)
    assert process.returncode == 0, complaint
    assert "valid" in said, "the last but two was carried out"
    assert list((tmp_path / "demo").iterdir()), "and the last"


def test_an_interruption_is_heard_where_the_loop_hears_no_signals(tmp_path):
    with chat_server(lambda _: Say(offer(None), after=0.4)) as server:
        command = ["run", "--model", "endpoint", "--model_args", f"base_url={server.base_url},model=m"]
        command += ["--tasks", "proactivebench_sample", "--output_path", tmp_path / "run", "--concurrency", "4"]
        process = on_windows(command)
        while len(server.asked) < 5 and process.poll() is None:
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
        assert process.returncode == 130, said
        assert len(RunStore(tmp_path / "run").replies()) == len(server.asked)


@pytest.mark.parametrize("file", modules(), ids=lambda file: str(file.relative_to(PACKAGE)))
def test_no_module_calls_what_only_unix_has_or_leaves_an_encoding_open(file):
    text = file.read_text(encoding="utf-8")
    assert not UNIX_ONLY.findall(text)
    assert not list(without_encoding(text))


@pytest.mark.parametrize("name", ["labels:unanimous", "a/b\\c", "judge?", 'say "no"', "con", "x|y", "tab\there"])
def test_a_judges_file_can_be_made_on_every_system(name):
    found = judge_id(name, "0123456789abcdef")
    assert not set(found) & set('<>:"/\\|?*')
    assert found.isprintable()
    assert not found.endswith((".", " "))
    assert found.partition("-")[2]  # no device name such as `con` alone


def test_output_that_a_pipe_cannot_spell_is_written_all_the_same(tmp_path):
    env = os.environ | {"PYTHONIOENCODING": "cp1252"}
    done = subprocess.run(
        [sys.executable, "-m", "proactivebench", "run", "--model", "always", "--tasks", "proactivebench_sample",
         "--output_path", tmp_path / "run"],
        capture_output=True, env=env, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert b"f1" in done.stdout


@pytest.mark.skipif(sys.platform == "win32", reason="its limit of open files is another")
@pytest.mark.parametrize("limit", [8, 10, 12, 14, 20])
def test_out_of_open_files_is_one_line(tmp_path, limit):
    import resource

    done = subprocess.run(
        [sys.executable, "-m", "proactivebench", "run", "--model", "always", "--tasks", "proactivebench_sample",
         "--output_path", tmp_path / "run"],
        capture_output=True, text=True, check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit)),
    )  # fmt: skip
    assert done.returncode in (0, 4), done.stderr
    if done.returncode:
        assert "ulimit -n" in done.stderr or "limit of open files" in done.stderr
        assert len(done.stderr.strip().splitlines()) == 1
