"""The real process: killed, suspended, started twice, short of room, it loses nothing that was answered with 200."""

from __future__ import annotations

import asyncio
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import aiohttp
import pytest

from proactivebench.annotation.showing import Material, Progress
from proactivebench.cli import main
from proactivebench.records import VoteKey
from tests.annotation.jobs import make_job
from tests.annotation.people import Person, run, votes

NAMES = [f"p{number}" for number in range(4)]


@contextmanager
def process(job: Path, *words: str) -> Iterator[tuple[subprocess.Popen[str], list[str]]]:
    """`annotate serve` in a process of its own, and the lines it printed when it was ready."""
    command = [sys.executable, "-u", "-m", "proactivebench", "annotate", "serve", str(job), *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as running:
        lines: list[str] = []
        try:
            assert running.stdout is not None
            for line in running.stdout:
                lines.append(line.rstrip("\n"))
                if line.startswith("Ctrl-C"):
                    break
            yield running, lines
        finally:
            running.kill()


def links(lines: list[str]) -> dict[str, str]:
    """The links that were printed, by pseudonym."""
    found = (re.fullmatch(r"  (\S+) +(http://127\.0\.0\.1:\d+/a/[\w-]{43}/)", line) for line in lines)
    return {match[1]: match[2] for match in found if match}


async def click_on(person: Person, progress: Progress, answered: set[VoteKey]) -> None:
    """Answer until the server is gone; what was answered with 200 is noted."""
    try:
        position = (await person.get("state")).json["position"]
        while True:
            shown = progress.shown(position)
            for offer, answer in ((None, "yes"), *((one.offer_id, "reject") for one in shown.offers)):
                said = await person.click(position, answer, offer)
                assert said.status == 200
                answered.add(VoteKey(progress.pseudonym, shown.item.item_id, shown.occasion, offer))
            position = said.json["position"]
    except (aiohttp.ClientError, ConnectionError):
        return


def test_killed_in_the_middle_it_goes_on_with_the_same_links_and_nothing_lost(tmp_path: Path) -> None:
    job = make_job(tmp_path / "job", sessions=10, events=20)
    answered: set[VoteKey] = set()
    found: dict[str, str] = {}

    async def work(running: subprocess.Popen[str], enough: int) -> None:
        ways = [Progress(Material(job), place) for place in job.annotators().values()]
        async with aiohttp.ClientSession() as session:
            people = [Person(session, found[way.pseudonym]) for way in ways]
            if not answered:
                await asyncio.gather(*(person.consent() for person in people))
            at_work = [asyncio.create_task(click_on(*one, answered)) for one in zip(people, ways, strict=True)]
            while len(answered) < enough:
                await asyncio.sleep(0.005)
            running.kill()
            await asyncio.gather(*at_work)
        stored = set(votes(job))
        assert answered <= stored
        assert len(stored - answered) <= len(ways), "at most the click of each that had no answer yet"
        answered.update(stored)

    with process(job.path, "--port", "0", *(word for name in NAMES for word in ("--annotator", name))) as (one, lines):
        found.update(links(lines))
        assert list(found) == NAMES
        run(lambda: work(one, 60))
    with process(job.path) as (two, lines):
        assert links(lines) == {}
        assert lines[1] == "  p0  has a link (--relink p0 makes a new one)"
        run(lambda: work(two, 100))


def test_suspended_it_goes_on_and_a_second_server_is_refused_and_ctrl_c_ends_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    job = make_job(tmp_path / "job").path

    async def work(running: subprocess.Popen[str], link: str) -> None:
        async with aiohttp.ClientSession() as session:
            person = Person(session, link)
            await person.consent()
            running.send_signal(signal.SIGSTOP)
            late = asyncio.create_task(person.click(0, "yes"))
            await asyncio.sleep(0.05)
            assert not late.done()
            with pytest.raises(asyncio.TimeoutError):
                async with session.get(link, timeout=aiohttp.ClientTimeout(0.05)):
                    pass
            running.send_signal(signal.SIGCONT)
            assert (await late).status == 200

    with process(job, "--port", "0") as (running, lines):
        assert list(links(lines)) == ["a1", "a2"], "as many as were planned"
        run(lambda: work(running, links(lines)["a1"]))
        for words in (["serve", str(job)], ["withdraw", str(job), "a1"]):
            with pytest.raises(SystemExit) as ended:
                main(["annotate", *words])
            assert ended.value.code == 2
            assert "is being served by another process" in capsys.readouterr().err
        running.send_signal(signal.SIGINT)
        out, _ = running.communicate(timeout=30)
        assert running.returncode == 0
        assert out == "stopped; every answer is saved: the same command goes on, with the same links\n"
    job_file = job / "votes" / "a1.jsonl"
    good = job_file.read_text()
    job_file.write_text(good + "{}\n")
    with pytest.raises(SystemExit) as ended:
        main(["annotate", "serve", str(job), "--annotator", "new"])
    assert ended.value.code == 2
    assert "a1.jsonl:3 is no vote" in capsys.readouterr().err
    assert "new" not in (job / "annotators.json").read_text(), "no link is made that nobody sees"
    main_says = _command(capsys, "withdraw", str(job), "a1")
    assert main_says == "a1 has withdrawn: votes, consent and place are deleted\n"
    assert not [path for path in job.rglob("*") if "a1" in path.name]


def _command(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    with pytest.raises(SystemExit) as ended:
        main(["annotate", *words])
    assert ended.value.code == 0
    return capsys.readouterr().out


@pytest.mark.skipif(not hasattr(signal, "SIGXFSZ"), reason="needs limits of a file's size")
def test_a_disk_with_no_room_refuses_clicks_in_one_line_and_keeps_whole_lines(tmp_path: Path) -> None:
    job = make_job(tmp_path / "job", practice=False)

    async def work(link: str) -> None:
        async with aiohttp.ClientSession() as session:
            person = Person(session, link)
            await person.consent()
            stands = None
            while (said := await person.click(0, "no" if stands == "yes" else "yes", reason="x" * 300)).status == 200:
                stands = said.json["said"]["need"]
            assert said.status == 507
            assert "File too large" in said.json["error"] and "\n" not in said.json["error"]
            assert (await person.get("showing/0")).json["said"]["need"] == stands

    code = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (4000, 4000)); "
        "from proactivebench.cli import main; main(sys.argv[1:])"
    )
    command = [sys.executable, "-u", "-c", code, "annotate", "serve", str(job.path), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        try:
            assert running.stdout is not None
            lines = [running.stdout.readline().rstrip("\n") for _ in range(5)]
            run(lambda: work(links(lines)["a1"]))
            running.send_signal(signal.SIGTERM)
            _, err = running.communicate(timeout=30)
        finally:
            running.kill()
    assert [line[:4] for line in err.splitlines() if "File too large" in line] == ["a1: "]
    assert job.votes_file("a1").read_bytes().endswith(b"}\n")
    assert job.votes_file("a1").stat().st_size <= 4_000
    assert len(votes(job)) == 1
