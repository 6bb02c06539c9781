"""Votes files of mailed pages: taken whole or not at all, once, and where two answer the same the later one stands."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from proactivebench.annotation import collect as collecting
from proactivebench.annotation.annotators import admit
from proactivebench.annotation.collect import Collected, collect
from proactivebench.annotation.showing import Click, Material
from proactivebench.annotation.voting import OpenVotes, check
from proactivebench.cli import main
from proactivebench.errors import DataError, ProactiveBenchError, UnknownName, UsageError, WrongFile
from proactivebench.records import VoteKey
from tests.annotation.jobs import make_job
from tests.annotation.people import votes

Line = dict[str, Any]

WHEN = datetime(2024, 5, 1, 9, 30, tzinfo=UTC)


@pytest.fixture
def material(tmp_path: Path) -> Material:
    folder = make_job(tmp_path / "job")
    admit(folder, ["ann", "bob"])
    return Material(folder)


def vote(item: str, answer: str | None, order: int, offer: str | None = None, minutes: float = 0, **more: Any) -> Line:
    """A line as the page writes it, so many minutes after the job was made."""
    at = (WHEN + timedelta(minutes=minutes)).isoformat()
    said = {"kind": "vote", "annotator": "ann", "item_id": item, "occasion": 0, "offer_id": offer, "answer": answer}
    return said | {"reason": None, "at": at, "order": order, "seconds": 2.5} | more


def mailed(material: Material) -> list[Line]:
    """What ann's page hands back: the job it is of, the consent, and four votes, one of them taken back."""
    head = {"kind": "mailed", "job": "tests", "identity": material.identity, "annotator": "ann"}
    agreed = {"kind": "consent", "annotator": "ann", "instructions": material.instructions_sha256}
    return [
        head,
        {**agreed, "at": WHEN.isoformat()},
        vote("practice-0", "no", 0, minutes=1),
        vote("s0-0", "yes", 1, minutes=2),
        vote("s0-0", "accept", 2, "o0", minutes=3, reason="I would"),
        vote("s0-0", None, 3, "o1", minutes=4),
        vote("s0-1", "no", 4, minutes=5),
    ]


def written(path: Path, lines: list[Line]) -> Path:
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def kept(material: Material) -> dict[str, bytes]:
    folder = material.folder.path
    return {
        str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*.json*") if "lock" not in file.name
    }


def standing(material: Material, name: str = "ann") -> dict[tuple[str, str | None], str | None]:
    return {
        (key.item_id, key.offer_id): vote.answer
        for key, vote in votes(material.folder).items()
        if key.annotator == name
    }


def test_a_file_is_taken_in_and_the_same_again_changes_nothing(material: Material, tmp_path: Path) -> None:
    file = written(tmp_path / "ann.votes.jsonl", mailed(material))
    assert collect(material, file) == Collected(file, "ann", 4, 4, 0, 0)
    assert standing(material) == {
        ("practice-0", None): "no",
        ("s0-0", None): "yes",
        ("s0-0", "o0"): "accept",
        ("s0-1", None): "no",
    }
    before = kept(material)
    assert collect(material, file) == Collected(file, "ann", 4, 0, 0, 0)
    assert kept(material) == before
    check(material, "ann")
    assert votes(material.folder)[VoteKey("ann", "s0-0", 0, "o0")].reason == "I would"


def test_a_newer_file_adds_what_is_new_and_an_older_one_takes_nothing_back(material: Material, tmp_path: Path) -> None:
    older = written(tmp_path / "older", mailed(material))
    lines = mailed(material)
    lines[4] = vote("s0-0", "premature", 2, "o0", minutes=9)
    lines[6] = vote("s0-1", None, 4, minutes=10)
    newer = written(tmp_path / "newer", [*lines, vote("s0-2", "unsure", 5, minutes=8)])
    collect(material, older)
    assert collect(material, newer) == Collected(newer, "ann", 4, 1, 2, 0)
    after = standing(material)
    assert after[("s0-0", "o0")] == "premature"
    assert after[("s0-2", None)] == "unsure"
    assert ("s0-1", None) not in after
    before = kept(material)
    assert collect(material, older) == Collected(older, "ann", 4, 0, 0, 2)
    assert kept(material) == before


def test_of_votes_on_the_server_and_by_mail_the_later_stands_and_the_order_goes_on(
    material: Material, tmp_path: Path
) -> None:
    place = material.folder.annotators()["ann"]
    collect(material, written(tmp_path / "consent", mailed(material)[:2]))
    served = OpenVotes(material, place)
    for index, minutes in ((0, 0.5), (1, 30.0)):
        given = served.progress.vote(Click(index=index, answer="yes"), WHEN + timedelta(minutes=minutes))  # type: ignore[arg-type]
        assert given is not None
        served.write(given)
        if index == 0:
            offer = served.progress.vote(Click(index=0, offer_id="o0", answer="accept"), WHEN)  # type: ignore[arg-type]
            assert offer is not None
            served.write(offer)
    first = served.progress.shown(1).item.item_id
    served.close()
    lines = [*mailed(material)[:3], vote(first, "no", 1, minutes=20), vote("s3-4", "no", 2, minutes=20)]
    found = collect(material, written(tmp_path / "mail", lines))
    assert (found.new, found.changed, found.late) == (1, 1, 1)
    assert standing(material)[("practice-0", None)] == "no", "said later by mail"
    assert standing(material)[(first, None)] == "yes", "said later on the server"
    check(material, "ann")  # the numbers of order fit


def test_what_a_reason_should_not_hold_is_not_taken_in(material: Material, tmp_path: Path) -> None:
    lines = mailed(material)
    lines[4]["reason"] = "ask zoe@example.org"
    file = written(tmp_path / "mail", lines)
    collect(material, file)
    assert votes(material.folder)[VoteKey("ann", "s0-0", 0, "o0")].reason == "ask [e-mail]"
    assert collect(material, file).changed == 0


def one(change: Line, at: int = 4) -> Callable[[list[Line]], list[Line]]:
    return lambda lines: [{**line, **change} if number == at else line for number, line in enumerate(lines)]


FUTURE = (datetime.now(UTC) + timedelta(days=400)).isoformat()


@pytest.mark.parametrize(
    ("edit", "why"),
    [
        (one({"item_id": "s9-9"}), r"mail:5 cannot be taken: .*item 's9-9'"),
        (one({"offer_id": "o9"}), r"mail:5 cannot be taken: .*offer 'o9'"),
        (one({"answer": "yes"}), r"mail:5 cannot be taken: 'yes' is no answer to an offer"),
        (one({"answer": "maybe"}), r"mail:5 is no vote \(.*answer"),
        (one({"annotator": "bob"}), r"mail:5 is of 'bob', and those above of 'ann'"),
        (one({"annotator": "../bob"}), r"mail:5 is no vote"),
        (one({"at": FUTURE}), r"mail:5 was given in the future"),
        (one({"at": "2026-11-02T09:30:00"}), r"mail:5 is no vote \(.*timezone"),
        (one({"at": "0001-01-01T00:00:00+23:59"}), r"mail:5 is no vote \(.*no time that anything was said"),
        (one({"at": "9999-12-31T23:59:59-23:59"}), r"mail:5 is no vote \(.*no time that anything was said"),
        (one({"occasion": 3}), r"mail:5 cannot be taken: occasion 3"),
        (one({"more": 1}), r"mail:5 is no vote \(.*more"),
        (one({"reason": "x" * 2_001}), r"mail:5 is no vote \(.*reason"),
        (one({"seconds": -1}), r"mail:5 is no vote \(.*seconds"),
        (one({"identity": "0" * 64}, 0), "mail is of another job"),
        (lambda lines: [lines[0], *lines[2:]], "mail holds no consent"),
        (lambda lines: lines[:0], "mail is empty"),
        (lambda lines: [{**line, "annotator": "anne"} for line in lines], r"'anne', whom .* did you mean ann\?"),
    ],
)
def test_a_file_with_one_bad_line_is_refused_whole(
    material: Material, tmp_path: Path, edit: Callable[[list[Line]], list[Line]], why: str
) -> None:
    file = written(tmp_path / "mail", edit(mailed(material)))
    before = kept(material)
    with pytest.raises((DataError, WrongFile, UnknownName), match=why) as refused:
        collect(material, file)
    assert "\n" not in str(refused.value)
    assert kept(material) == before


def test_what_is_no_votes_file_is_told_for_what_it_is(
    material: Material, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "mail"
    lines = written(file, mailed(material)).read_bytes()
    for content, why in (
        (lines[:-20], "mail:7 is no vote"),
        (b"<!DOCTYPE html><html></html>", "an HTML page"),
        (bytes(range(256)), "mail is a binary file"),
        (b"[" * 100_000, "mail:1 is no vote"),
        (b'{"kind": "vote"}', "mail:1 is no vote"),
        (b'{"kind": "voted"}', "its 'kind' is 'voted', not one of 'vote', 'consent', 'mailed'"),
        (b'{"name": "x"}', "mail:1 is no vote .it has no 'kind'."),
        (b"\n\n", "is empty"),
    ):
        file.write_bytes(content)
        with pytest.raises(ProactiveBenchError, match=why) as refused:
            collect(material, file)
        assert refused.value.exit_code == 2
    monkeypatch.setattr(collecting, "MOST_BYTES", 2**20)
    for content in (lines + b"\n" * 2**20, gzip.compress(lines + b"\n" * 2**20)):
        file.write_bytes(content)
        with pytest.raises(WrongFile, match="holds more than 1 MiB"):
            collect(material, file)
    file.write_bytes(b"\xef\xbb\xbf" + lines.rstrip(b"\n").replace(b"\n", b"\r\n"))
    assert collect(material, file).new == 4, "as an editor on Windows leaves it"


def test_whose_they_are_can_be_said_and_makes_a_place(material: Material, tmp_path: Path) -> None:
    file = written(tmp_path / "mail", mailed(material)[1:])
    before = kept(material)
    with pytest.raises(DataError, match="no consent"):
        collect(material, written(tmp_path / "none", mailed(material)[2:]), "carl")
    assert kept(material) == before, "no place is made for a file that is refused"
    assert collect(material, file, "carl").annotator == "carl"
    assert standing(material, "carl")[("s0-0", "o0")] == "accept"
    assert standing(material) == {}
    assert material.folder.annotators()["carl"].slot == 2


def test_votes_that_are_being_served_are_left_alone(material: Material, tmp_path: Path) -> None:
    file = written(tmp_path / "mail", mailed(material))
    served = OpenVotes(material, material.folder.annotators()["ann"])
    with pytest.raises(UsageError, match="being written by another process"):
        collect(material, file)
    served.close()
    assert collect(material, file).new == 4


def test_each_file_stands_alone(material: Material, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good = written(tmp_path / "good", mailed(material))
    bad = [str(written(tmp_path / name, mailed(material)[2:3] * 2 + [{}])) for name in ("bad", "worse")]
    with pytest.raises(SystemExit) as ended:
        main(["annotate", "collect", str(material.folder.path), bad[0], str(good), bad[1]])
    assert ended.value.code == 2
    out, err = capsys.readouterr()
    assert out == f"{good}: 4 votes of ann: 4 new\n"
    assert [line.split(" is no vote")[0] for line in err.splitlines()] == [f"proactivebench: {name}:3" for name in bad]
