"""How long a job takes to be served, and a click to be on disk and answered, with ten people at once."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from statistics import median, quantiles
from time import perf_counter

import aiohttp

from perf.measure import Measure
from proactivebench.annotation.job import JobFolder
from proactivebench.records import AnnotationItem, DrawnFrom, Event, Job, OfferText, Plan, Trace

_PEOPLE = [f"p{number}" for number in range(10)]
_EVENTS = 50  # of a session
_ITEMS_EACH = 60  # that a person answers, three clicks each


def run() -> list[Measure]:
    """A job of 200 items and one of 20,000, each served, clicked on by ten people at once, and served again."""
    with tempfile.TemporaryDirectory() as folder:
        small = _measured(Path(folder) / "small", sessions=4)
        large = _measured(Path(folder) / "large", sessions=400)
    clicks = median(large.clicks) / median(small.clicks)
    return [
        Measure("200 items: from the command to the links", small.start, "s", 2),
        Measure("20,000 items: from the command to the links", large.start, "s", 3),
        Measure("20,000 items: served again", large.again, "s", 3),
        Measure("20,000 items: a click of ten people at once, median", 1000 * median(large.clicks), "ms"),
        Measure(
            "20,000 items: one click in a hundred takes more than", 1000 * quantiles(large.clicks, n=100)[-1], "ms"
        ),
        Measure("clicks a second", large.clicks_a_second, ""),
        Measure("a click in 20,000 items / one in 200", clicks, "", 2),
        Measure("20,000 items: largest resident memory", large.memory / 2**20, "MB", 500),
    ]


class _Measured:
    """What serving one job took: seconds, bytes."""

    def __init__(self) -> None:
        self.start = self.again = self.clicks_a_second = self.memory = 0.0
        self.clicks: list[float] = []


def _measured(folder: Path, sessions: int) -> _Measured:
    found = _Measured()
    _make(folder, sessions)
    names = [word for name in _PEOPLE for word in ("--annotator", name)]
    begun = perf_counter()
    with _served(folder, "--port", "0", *names) as (server, lines):
        found.start = perf_counter() - begun
        links = [match[0] for line in lines if (match := re.search(r"http://\S+", line))]
        begun = perf_counter()
        found.clicks = asyncio.run(_click(links))
        found.clicks_a_second = len(found.clicks) / (perf_counter() - begun)
        status = Path(f"/proc/{server.pid}/status").read_text()
        found.memory = 1024 * float(status.partition("VmHWM:")[2].split()[0])
    begun = perf_counter()
    with _served(folder):
        found.again = perf_counter() - begun
    return found


async def _click(links: list[str]) -> list[float]:
    """The seconds of every click of all people, who click at once."""
    async with aiohttp.ClientSession() as session:

        async def one(link: str) -> list[float]:
            async with session.get(link + "state") as answer:
                state = await answer.json()
            async with session.post(link + "consent", json={"instructions": state["instructions_sha256"]}) as answer:
                answer.raise_for_status()
            taken = []
            for index in range(_ITEMS_EACH):
                for offer, said in ((None, "yes"), ("o0", "reject"), ("o1", "accept")):
                    begun = perf_counter()
                    body = {"index": index, "offer_id": offer, "answer": said}
                    async with session.post(link + "vote", json=body) as answer:
                        answer.raise_for_status()
                        await answer.read()
                    taken.append(perf_counter() - begun)
            return taken

        return [seconds for person in await asyncio.gather(*map(one, links)) for seconds in person]


@contextmanager
def _served(folder: Path, *words: str) -> Iterator[tuple[subprocess.Popen[str], list[str]]]:
    """A server of the job in a process of its own, and what it printed until it was ready."""
    command = [sys.executable, "-u", "-m", "proactivebench", "annotate", "serve", str(folder), *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            lines: list[str] = []
            while not (lines and lines[-1].startswith("Ctrl-C")):
                lines.append(server.stdout.readline())
            yield server, lines
        finally:
            server.kill()


def _make(folder: Path, sessions: int) -> None:
    """A job of so many sessions, every event an item with two offers, all for everybody."""
    events = tuple(Event(time=str(60 * at), event=f"The user edits paragraph {at}.") for at in range(_EVENTS))
    traces = [Trace(trace_id=f"s{number}", split="writing", events=events) for number in range(sessions)]
    items = [
        AnnotationItem(
            item_id=f"{trace.trace_id}-{turn}",
            trace_id=trace.trace_id,
            turn=turn,
            offers=tuple(OfferText(offer_id=f"o{n}", text=f"Check paragraph {turn}, way {n}") for n in range(2)),
        )
        for trace in traces
        for turn in range(_EVENTS)
    ]
    job = Job(
        name="perf",
        made=datetime.now(UTC),
        seed=0,
        drawn_from=DrawnFrom.TRACES,
        task="synthetic",
        data_hash="0" * 64,
        licence="Apache-2.0",
        plan=Plan(annotators=len(_PEOPLE), overlap=len(_PEOPLE), repeats=0.1),
    )
    JobFolder.create(folder, job, traces, items, (), {"en": "# Synthetic\n"})
