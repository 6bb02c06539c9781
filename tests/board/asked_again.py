"""A board whose model and judge are served: an honest entry, and a forged one beside it."""

import json
import os
import shutil
import signal
import zlib
from pathlib import Path

from proactivebench.board.entry.form import Declaration
from proactivebench.board.publish.prepare import prepare_entry
from proactivebench.store import RunStore
from tests.servers.chat import Say, chat_server

from .calling import call
from .forging import as_served

HONEST, FORGED = "acme__helper/r1", "evil__helper/r1"


def submitted(root: Path) -> Path:
    """A board with an honest entry of the served model `helper`, and a forged one: offers exactly where people's labels
    say so, which the model never made, and every verdict of the judge `first` on them an acceptance."""
    judge = ["--judge", "silence=labels,proposals=llm", "--judge_model", "endpoint", "--judge_model_args"]
    tasks = ["--tasks", "proactivebench_sample"]
    with chat_server(helper_and_judge) as server:
        behind = f"base_url={server.base_url},model="
        run("--model", "endpoint", "--model_args", f"{behind}helper", *tasks, *judge, f"{behind}first", root / "honest")
    with chat_server(lambda _: verdict(accepted=True)) as server:
        behind = f"base_url={server.base_url},model="
        run("--model", "need-oracle", *tasks, *judge, f"{behind}first", root / "oracle")
    submit(RunStore(root / "honest"), root / "board", "acme")
    submit(as_served(root / "oracle", root / "forged", "helper"), root / "board", "evil")
    return root / "board"


def run(*words) -> None:
    """`proactivebench run` into the folder that the last word names."""
    *options, folder = words
    done = call("run", *options, "--no-judge_cache", "--output_path", folder)
    assert done.code == 0, done.err


def submit(store: RunStore, board: Path, organisation: str) -> None:
    """Lay a run into a board as this organisation's entry."""
    who = Declaration(
        organisation=organisation,
        model="helper",
        licence="MIT",
        trained_on_traces=False,
        trained_on_labels=False,
        contact="a@example.org",
    )
    prepare_entry(store, board / "entries" / f"{organisation}__helper" / "r1", who, "r1")


def helper_and_judge(seen):
    """The served model and the judge of its run, behind one server."""
    return judged(seen) if seen.body["model"] == "first" else helped(seen)


def helped(seen):
    """The model `helper`: what it offers depends on the event alone."""
    number = zlib.crc32(seen.body["messages"][-1]["content"].encode())
    words = ("".join(chr(ord("a") + int(digit)) for digit in str(number % size)) for size in (997, 991, 983))
    return Say(json.dumps({"Proactive Task": None if number % 2 else f"Sort {' '.join(words)}"}))


def judged(seen):
    """The judge `first`: what it says depends on the question alone."""
    return verdict(accepted=bool(zlib.crc32(question(seen).encode()) % 2))


def question(seen) -> str:
    """All that a judge is told of one thing to decide."""
    return seen.body["messages"][-1]["content"]


def proposal(seen) -> str | None:
    """What a judge is asked about: the data between the last two nonces."""
    return json.loads(question(seen).splitlines()[-2])["proposal"]


def verdict(*, accepted: bool) -> Say:
    """An answer of a judge."""
    return Say(json.dumps({"reason": "so it is", "verdict": "accepted" if accepted else "rejected"}))


def interrupting(script, after: int):
    """`script`, with a Ctrl-C to this process once it has answered so often."""
    answered = []

    def answer(seen):
        answered.append(seen)
        if len(answered) == after:
            os.kill(os.getpid(), signal.SIGINT)
        return script(seen)

    return answer


def copied(board: Path, folder: Path) -> Path:
    """A board of one's own."""
    shutil.copytree(board, folder)
    return folder
