"""The pages of a job over real sockets: what was answered with 200 is on disk, under the right name."""

from __future__ import annotations

import asyncio
import errno
import json
import os
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from proactivebench.annotation import serving as serving_module
from proactivebench.annotation.annotators import admit, held, withdraw, withdrawn
from proactivebench.annotation.job import JobFolder
from proactivebench.annotation.showing import Material
from proactivebench.annotation.voting import check
from proactivebench.errors import BadArgument, DataError, UnknownName, UsageError
from proactivebench.records import Answer, Plan, VoteKey
from tests.annotation.jobs import make_job
from tests.annotation.people import Person, Serving, run, served, votes


@pytest.fixture
def job(tmp_path: Path) -> Path:
    return make_job(tmp_path / "job").path


@asynccontextmanager
async def agreed(job: Path) -> AsyncIterator[tuple[Serving, Person]]:
    """The job as it is served, and a window of ann's, who has agreed to the instructions."""
    async with served(job) as serving:
        ann = serving.person("ann")
        await ann.consent()
        yield serving, ann


def taste(name: str) -> Any:
    """Who accepts what: each person something else."""
    kinds = ("accept", "reject", "premature", "unsure")
    return lambda text: kinds[sum(map(ord, name + text)) % 4]


def test_a_vote_is_on_disk_before_it_is_answered(job: Path) -> None:
    async def work() -> None:
        async with served(job) as serving:
            ann = serving.person("ann")
            assert (await ann.click(0, "yes")).status == 409, "no consent yet"
            assert (await ann.post("consent", {"instructions": "0" * 64})).status == 409
            await ann.consent()
            said = await ann.click(0, "no", seconds=2.5)
            assert said.status == 200
            assert said.json["offers"] == [{"offer_id": "o0", "text": "Open the file for you"}]
            assert said.json["position"] == 0
            found = votes(serving.folder)[VoteKey("ann", "practice-0", 0, None)]
            assert (found.answer, found.seconds, found.order) == (Answer.NO, 2.5, 0)
            said = await ann.click(0, "accept", "o0", reason=" I like it ")
            assert said.json["taught"]["why"] == "Nothing has happened yet."
            assert said.json["position"] == 1
            assert (await ann.get("showing/1")).json["offers"] is None
            assert (await ann.get("showing/2")).status == 409
            assert (await ann.get("state")).json["position"] == 1

    run(work)


@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        {"index": 0},
        {"index": True, "answer": "yes"},
        {"index": "0", "answer": "yes"},
        {"index": -1, "answer": "yes"},
        {"index": 0, "answer": "maybe"},
        {"index": 0, "answer": "accept"},
        {"index": 0, "answer": "yes", "offer_id": "o9"},
        {"index": 0, "answer": "yes", "reason": "x" * 2_001},
        {"index": 0, "answer": "yes", "seconds": -1},
        {"index": 0, "answer": "yes", "annotator": "bob"},
        {"index": 10**30, "answer": "yes"},
    ],
)
def test_a_click_that_cannot_be_is_refused_in_one_line(job: Path, body: Any) -> None:
    async def work() -> None:
        async with agreed(job) as (serving, ann):
            said = await ann.post("vote", body)
            assert said.status == 400
            assert "\n" not in said.json["error"]
            assert votes(serving.folder) == {}
            for index in ("x", "-1", "99", "1e3", "٣", "9" * 40):
                assert (await ann.get(f"showing/{index}")).status == 400

    run(work)


def test_what_a_reason_should_not_hold_is_never_written(job: Path) -> None:
    async def work() -> None:
        async with agreed(job) as (serving, ann):
            for _ in range(2):
                said = await ann.click(0, "yes", reason="ask zoe@example.org " * 90)
                assert said.json["said"]["need_reason"].startswith("ask [e-mail] ask")
            assert "zoe" not in serving.folder.votes_file("ann").read_text()
            assert len(serving.folder.votes_file("ann").read_text().splitlines()) == 2, "the same twice is one line"

    run(work)


def test_half_a_sign_in_a_reason_is_kept_as_far_as_it_can_be(job: Path) -> None:
    async def work() -> None:
        async with agreed(job) as (serving, ann):
            said = await ann.click(0, "yes", reason="a \ud83d b 好")
            assert said.status == 200
            assert votes(serving.folder)[VoteKey("ann", "practice-0", 0, None)].reason == "a ? b 好"

    run(work)


def test_ten_people_at_once_never_mix(tmp_path: Path) -> None:
    names = [f"p{number}" for number in range(10)]
    plan = Plan(annotators=10, overlap=5, repeats=0.2)
    job = make_job(tmp_path / "job", sessions=10, events=2, plan=plan).path

    async def work() -> None:
        async with served(job, names) as serving:

            async def one(name: str) -> None:
                person = serving.person(name)
                await person.consent()
                position = await person.answer_all(taste(name))
                assert position == (await person.get("state")).json["total"]

            await asyncio.gather(*map(one, names))

    run(work)
    folder = JobFolder(job)
    texts = {(item.item_id, offer.offer_id): offer.text for item in folder.items.values() for offer in item.offers}
    found = votes(folder)
    for name in names:
        own = [vote for key, vote in found.items() if key.annotator == name]
        assert sum(vote.offer_id is None for vote in own) == 1 + 10 + 2, (
            "practice, half of the items, two of them again"
        )
        assert [vote.order for vote in own] == list(range(len(own)))
        for vote in own:
            if vote.offer_id is not None:
                assert vote.answer == taste(name)(texts[vote.item_id, vote.offer_id])


def test_of_two_windows_of_one_person_the_last_click_counts(job: Path) -> None:
    async def work() -> None:
        async with served(job) as serving:
            one, other = serving.person("ann"), serving.person("ann")
            await one.consent()
            await one.answer_all(lambda _: "accept", most=3)
            assert (await other.get("state")).json["position"] == 3
            assert (await other.click(1, None)).json["position"] == 1
            late = await one.click(3, "yes")
            assert late.status == 409, "the other window went back"
            assert (await one.get("state")).json["position"] == 1
            both = await asyncio.gather(*(w.click(1, answer) for w in (one, other) for answer in ("yes", "no")))
            assert {said.status for said in both} == {200}
            last = (await one.get("showing/1")).json["said"]["need"]
            assert last == (await other.get("showing/1")).json["said"]["need"]
            need = [vote.answer for key, vote in votes(serving.folder).items() if key.offer_id is None]
            assert need[1] == last

    run(work)


def test_a_full_disk_refuses_the_click_and_goes_on_when_there_is_room(
    job: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_file: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    async def work() -> None:
        async with agreed(job) as (serving, ann):
            await ann.click(0, "yes")
            before = serving.folder.votes_file("ann").read_bytes()
            with monkeypatch.context() as patch:
                patch.setattr(os, "fsync", full)
                for _ in range(3):
                    said = await ann.click(0, "accept", "o0")
                    assert said.status == 507
                    assert "No space left" in said.json["error"]
                    assert serving.folder.votes_file("ann").read_bytes() == before
                    assert (await ann.get("showing/0")).json["said"]["offers"] == {}
            assert (await ann.click(0, "accept", "o0")).json["position"] == 1
            assert [line.split(":")[0] for line in serving.said] == ["ann", "ann"], "said once, and that it is over"
            assert serving.said[1] == "ann: answers are written again"
        assert len(votes(serving.folder)) == 2

    run(work)


def test_a_folder_that_moves_away_loses_nothing_and_goes_on_when_it_is_back(job: Path, tmp_path: Path) -> None:
    async def work() -> None:
        async with served(job) as serving:
            ann, bob = serving.person("ann"), serving.person("bob")
            await ann.consent()
            await ann.click(0, "yes")
            job.rename(tmp_path / "moved")
            for person in (ann, bob):
                said = await person.get("state")
                assert said.status == 507
                assert re.search(r"moved or removed.*put it back", said.json["error"])
            assert (await ann.click(0, "accept", "o0")).status == 507
            assert (await ann.post("withdraw", {})).status == 507
            assert not job.exists(), "nothing is made where the folder was"
            (tmp_path / "moved").rename(job)
            assert (await ann.click(0, "accept", "o0")).status == 200
            await bob.consent()
        assert len(votes(serving.folder)) == 2

    run(work)


def edited(line: int, **change: Any) -> Any:
    """What an editor does to a votes file: one line's fields are others."""

    def edit(lines: list[str]) -> list[str]:
        lines[line] = json.dumps({**json.loads(lines[line]), **change})
        return lines

    return edit


@pytest.mark.parametrize(
    ("edit", "why"),
    [
        (lambda lines: [*lines[:2], "{not json}", *lines[2:]], r"ann\.jsonl:3 is no vote"),
        (edited(1, annotator="bob"), r"ann\.jsonl:2 cannot stand there: it is of 'bob'"),
        (edited(2, item_id="s9-9"), r"ann\.jsonl:3 .*item 's9-9', which the job does not have"),
        (lambda lines: [*lines, lines[2]], r"ann\.jsonl:5 .*twice"),
        (edited(3, order=7), r"ann\.jsonl:4 .*order 7 stands where 2 belongs"),
        (lambda lines: [lines[0], *lines[2:]], r"ann\.jsonl:2 .*order 1 stands where 0 belongs"),
        (edited(1, answer="accept"), r"ann\.jsonl:2 .*'accept' is no answer to the need"),
        (edited(1, at="yesterday"), r"ann\.jsonl:2 is no vote: .*at"),
    ],
)
def test_a_votes_file_edited_into_something_else_is_named_and_kept(job: Path, edit: Any, why: str) -> None:
    async def work() -> None:
        async with agreed(job) as (serving, ann):
            file = serving.folder.votes_file("ann")
            await ann.click(0, "yes")
            await ann.click(0, "accept", "o0")
            await ann.click(1, "yes")
            good = file.read_text()
            bad = "\n".join(edit(good.splitlines())) + "\n"
            file.write_text(bad)
            for said in (await ann.get("state"), await ann.click(1, "accept", "o0")):
                assert said.status == 507
                assert re.search(why, said.json["error"])
            assert file.read_text() == bad
            with pytest.raises(DataError, match=why):
                check(Material(serving.folder), "ann")
            assert file.read_text() == bad
            file.write_text(good)
            assert (await ann.click(1, "no")).status == 200

    run(work)


def test_a_good_edit_counts_and_a_torn_line_goes(job: Path) -> None:
    async def work() -> None:
        async with agreed(job) as (serving, ann):
            file = serving.folder.votes_file("ann")
            await ann.click(0, "yes")
            await ann.click(0, "accept", "o0")
            changed = file.read_text().replace('"accept"', '"reject"')
            draft = file.with_name("draft")
            draft.write_text(changed.rstrip("\n"))  # an editor that writes anew, and no last line's end
            draft.replace(file)
            assert (await ann.get("showing/0")).json["said"]["offers"]["o0"]["answer"] == "reject"
            assert file.read_text() == changed
            with file.open("a") as stream:
                stream.write('{"kind":"vote","annota')
            assert (await ann.click(1, "yes")).status == 200
            assert len(file.read_text().splitlines()) == 4
        assert len(votes(serving.folder)) == 3

    run(work)


def test_a_file_that_is_put_in_place_of_an_empty_one_is_kept(job: Path) -> None:
    async def work() -> None:
        async with agreed(job) as (serving, ann):
            file = serving.folder.votes_file("ann")
            await ann.click(0, "yes")
            backup = file.read_bytes()
        file.unlink()
        async with served(job, ["carl"]) as again:
            again.tokens["ann"] = serving.tokens["ann"]
            ann = again.person("ann")
            assert (await ann.get("state")).json["consented"] is False
            assert file.read_bytes() == b""
            file.write_bytes(backup)
            assert (await ann.get("showing/0")).json["said"]["need"] == "yes"
        assert file.read_bytes() == backup
        async with served(job, ["dora"]) as last:
            await last.person("dora").get("state")
        assert not last.folder.votes_file("dora").exists(), "who only looked said nothing"

    run(work)


def test_of_many_people_only_those_who_were_here_last_have_their_files_held(
    job: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ["ann", "bob", "carl", "dora"]
    monkeypatch.setattr(serving_module, "MOST_OPEN", 2)

    async def work() -> None:
        async with served(job, names) as serving:
            people = [serving.person(name) for name in names]
            await asyncio.gather(*(person.consent() for person in people))
            for index in range(3):
                await asyncio.gather(*(person.answer_all(lambda _: "reject", most=1) for person in people))
                free = 0
                for name in names:
                    try:
                        serving.folder.open_votes(name).close()
                        free += 1
                    except UsageError:
                        continue
                assert free == 2
                assert {(await person.get("state")).json["position"] for person in people} == {index + 1}

    run(work)


def test_who_withdraws_leaves_nothing_but_that_somebody_did(job: Path) -> None:
    async def work() -> None:
        async with served(job) as serving:
            ann, bob = serving.person("ann"), serving.person("bob")
            for person in (ann, bob):
                await person.consent()
                await person.answer_all(lambda _: "accept", most=2)
            kept = serving.folder.votes_file("bob").read_bytes()
            assert (await ann.post("withdraw", {})).status == 200
            for said in (await ann.get("state"), await ann.get("showing/0"), await ann.click(0, "no")):
                assert said.status == 410
            assert (await bob.click(0, "no")).status == 200
            assert serving.folder.votes_file("bob").read_bytes().startswith(kept)
        names = [str(path.relative_to(job)) for path in job.rglob("*")]
        assert not [name for name in names if "ann" in Path(name).name and "annotators" not in name]
        told = b"".join(path.read_bytes() for path in job.rglob("*") if path.is_file())
        assert b'"ann"' not in told
        assert len(withdrawn(serving.folder)) == 1
        async with served(job, ["carl"]) as again:
            again.tokens["ann"] = serving.tokens["ann"]
            assert (await again.person("ann").get("state")).status == 410
            assert again.folder.annotators()["carl"].slot == 0, "the place that is free"

    run(work)


def test_a_link_that_nobody_has_opens_nothing_and_the_page_has_its_language(job: Path) -> None:
    async def work() -> None:
        async with served(job) as serving:
            serving.tokens["eve"] = "A" * 43
            eve, ann = serving.person("eve"), serving.person("ann")
            for path in ("state", "showing/0"):
                assert (await eve.get(path)).status == 404
            assert (await eve.click(0, "yes")).status == 404
            for link, accept, language in (
                ("", "", "en"),
                ("", "fr, zh-CN;q=0.8, en;q=0.5", "zh"),
                ("?lang=zh", "en", "zh"),
                ("?lang=<b>", "x;q=y,en", "en"),
            ):
                async with ann._session.get(ann.link.rstrip("/") + link, headers={"Accept-Language": accept}) as got:
                    assert got.status == 200
                    assert f'<html lang="{language}"' in await got.text()
                    assert str(got.url).startswith(ann.link)
        stored = (job / "annotators.json").read_text()
        assert not any(token in stored for token in serving.tokens.values())

    run(work)


def test_places_are_given_once_and_linked_again_when_asked(tmp_path: Path) -> None:
    folder = make_job(tmp_path / "job")
    first = admit(folder, ["ann", "bob", "ann"])
    assert list(first.tokens) == ["ann", "bob"]
    again = admit(folder, ["ann", "carl"], relink=["bob"])
    assert list(again.tokens) == ["carl", "bob"]
    assert [one.slot for one in again.annotators.values()] == [0, 1, 2]
    assert again.annotators["bob"].token_sha256 != first.annotators["bob"].token_sha256
    before = (folder.path / "annotators.json").read_bytes()
    for bad in ("../x", "", "a b", "ann\n", "Ann", "ann.", "-x", "x" * 65):
        with pytest.raises(BadArgument, match="pseudonym"):
            admit(folder, ["dora", bad])
    with pytest.raises(UnknownName, match=r"'boob': did you mean bob\?"):
        admit(folder, relink=["boob"])
    assert (folder.path / "annotators.json").read_bytes() == before


def test_a_withdrawal_that_was_cut_off_is_finished(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = make_job(tmp_path / "job")
    admit(folder, ["ann", "bob"])
    with monkeypatch.context() as patch:
        patch.setattr(JobFolder, "write_annotators", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            withdraw(folder, "ann")
    assert "ann" in folder.annotators()
    assert list(admit(folder).annotators) == ["bob"]
    with pytest.raises(UnknownName, match="knows no annotator 'zoe': there are ann, bob"):
        withdraw(folder, "zoe")


def test_a_job_has_one_server(tmp_path: Path) -> None:
    folder = make_job(tmp_path / "job")
    again = held(JobFolder(folder.path), "stop it")
    with held(folder, ""), pytest.raises(UsageError, match="being served by another process: stop it"):
        again.__enter__()
    with held(folder, "stop it"):
        pass
