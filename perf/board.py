"""How long a board of a thousand entries takes: built from nothing, built again, validated, and opened in a browser.

The entries lie on the built-in sample. Each has answers of its own: no text of one is another's, so nothing that is
kept of an offer helps with the next entry. Their verdicts are the default judge's.
"""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import json
import os
import random
import re
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import cache, partial
from importlib.util import find_spec
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from time import perf_counter, process_time

from perf.measure import Measure
from proactivebench.board.entry.form import ENTRY, REPLIES, Entry, EvidenceFile, verdict_file
from proactivebench.board.entry.validation import find_entries, validate_entry
from proactivebench.board.publish.building import build_board, publish
from proactivebench.board.publish.prepare import prepare_entry
from proactivebench.judging import Judge, create_judge
from proactivebench.judging.stage import items_of, verdict_of
from proactivebench.preparation import Settings, prepare
from proactivebench.protocols import Protocol, load_protocol
from proactivebench.records import AgentIdentity, Moment, Record, Reply, ReplyStatus
from proactivebench.store import RunStore
from proactivebench.traces import load_task

_ENTRIES = 1_000
_VALIDATED = 50
_TASK = "proactivebench_sample"
_VISITS = 3
_SORT = """(() => { const start = performance.now();
document.querySelectorAll('#table-1 thead button')[1].click(); document.body.offsetHeight;
return performance.now() - start; })()"""
_VERBS = ("summarise", "explain", "fix", "search for", "tidy up", "translate", "check", "list")


def write_board(root: Path, count: int) -> None:
    """Write a board's folder of `count` entries, made in as many processes as there are cores."""
    evaluation = prepare(Settings(model="never", tasks=_TASK))
    asyncio.run(evaluation.run(root / "run"))
    made = prepare_entry(RunStore(root / "run"), root / "made", run_id="r1")
    with ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("spawn")) as pool:
        list(pool.map(partial(_write_entry, root / "entries", made), range(count), chunksize=8))


def _write_entry(entries: Path, made: Entry, number: int) -> None:
    replies = list(_replies(number))
    (judge_id,) = made.manifest.judges
    traces = {trace.trace_id: trace for trace in load_task(_TASK).traces}
    items = [item for reply in replies for item in items_of(Moment(traces[reply.trace_id], reply.turn), reply)]
    opinions = asyncio.run(_judge().judge(items))
    verdicts = [verdict_of(item, said) for item, said in zip(items, opinions, strict=True) if said is not None]
    files = {REPLIES: _packed(replies), verdict_file(judge_id): _packed(verdicts)}
    declared = made.declared.model_copy(update={"organisation": f"org{number % 37}", "model": f"model-{number}"})
    agent = AgentIdentity(model="endpoint", name=f"model-{number}")
    entry = made.model_copy(
        update={
            "declared": declared,
            "manifest": made.manifest.model_copy(update={"agent": agent}),
            "evidence": {
                name: EvidenceFile(
                    sha256=hashlib.sha256(content).hexdigest(),
                    bytes=len(content),
                    records=len(replies if name == REPLIES else verdicts),
                )
                for name, content in files.items()
            },
            "claims": {},
        }
    )
    folder = entries / entry.folder
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    (folder / ENTRY).write_text(entry.model_dump_json(exclude_none=True) + "\n", encoding="utf-8")


def _replies(number: int) -> Iterator[Reply]:
    """An agent's answers: how often it offers and how much of its words are the user's differs from agent to agent."""
    rng = random.Random(number)
    offering, keeping = rng.random(), rng.random()
    for trace in load_task(_TASK).traces:
        for turn, event in enumerate(trace.events):
            said = re.findall(r"\w+", event.event)
            kept = [word for word in said if rng.random() < keeping][:20]
            offer = " ".join([rng.choice(_VERBS), *kept, f"for draft {number} of {turn}"])
            proposals = (offer.capitalize(),) if rng.random() < offering else ()
            yield Reply(
                trace_id=trace.trace_id,
                turn=turn,
                status=ReplyStatus.PROPOSED if proposals else ReplyStatus.SILENT,
                proposals=proposals,
                text=_protocol().render(proposals),
            )


def _packed(records: Iterable[Record]) -> bytes:
    lines = [record.model_dump_json(exclude_none=True) + "\n" for record in records]
    return gzip.compress("".join(lines).encode(), mtime=0)


@cache
def _judge() -> Judge:
    return create_judge(task=load_task(_TASK))


@cache
def _protocol() -> Protocol:
    return load_protocol("standard")


def build(root: Path, output_path: Path) -> None:
    """Build the board below `root`; prints wall and processor seconds as JSON, those of other processes included."""
    started = perf_counter()
    board = build_board(root)
    publish(board, output_path)
    seconds = perf_counter() - started
    assert not board.refusals, board.refusals[0]
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    print(json.dumps([seconds, sum(one.ru_utime + one.ru_stime for one in used)]))


def _built(root: Path) -> tuple[float, float]:
    """`build` in a process of its own, whose cache lies beside the board."""
    command = [sys.executable, "-m", "perf.board", str(root), str(root / "site")]
    environment = os.environ | {"PROACTIVEBENCH_CACHE": str(root / "cache")}
    told = subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout
    wall, cpu = json.loads(told)
    return wall, cpu


def _browsed(index: Path) -> list[Measure]:
    """Medians of three visits to the table of all entries: until it is interactive, and until another order is laid
    out. Nothing where there is no Chromium."""
    command = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if command is None or find_spec("playwright") is None:
        print("not opened in a browser: there is no Chromium, or the group `browser` is not installed\n")
        return []
    from playwright.sync_api import sync_playwright

    ready, ordered = [], []
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=command, args=["--no-sandbox", "--disable-gpu"])
        for _ in range(_VISITS):
            page = browser.new_page()
            page.goto(index.as_uri())
            ready.append(page.evaluate("performance.getEntriesByType('navigation')[0].domInteractive") / 1000)
            ordered.append(page.evaluate(_SORT) / 1000)
            page.close()
        browser.close()
    return [
        Measure("opened in Chromium: the table interactive", median(ready), "s", 2),
        Measure("opened in Chromium: the table in another order", median(ordered), "s", 1),
    ]


def run() -> list[Measure]:
    """Seconds for a board of a thousand entries: first from nothing, once more, for validating one, and in a browser.
    The browser's part needs Chromium."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        write_board(root, _ENTRIES)
        wall, cpu = _built(root)
        again, cpu_again = _built(root)
        folders = find_entries(root)[:_VALIDATED]
        validate_entry(folders[0])  # reads the shipped index
        started = process_time()
        assert all(validate_entry(entry).accepted for entry in folders)
        validating = (process_time() - started) / len(folders)
        browsed = _browsed(root / "site" / "index.html")
    return [
        Measure("entries", _ENTRIES),
        Measure(f"built from nothing, {os.cpu_count()} cores", wall, "s", 40),
        Measure("built from nothing: processor", cpu, "s"),
        Measure("built again, nothing changed", again, "s"),
        Measure("built again: processor", cpu_again, "s"),
        Measure("validating an entry: processor", validating, "s", 0.3),
        *browsed,
    ]


if __name__ == "__main__":
    build(Path(sys.argv[1]), Path(sys.argv[2]))
