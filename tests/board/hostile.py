"""Submissions nobody should make: each spoils a good entry in one way, with hashes that fit wherever they can."""

import gzip
import io
import json
import os
import tarfile
import zlib
from collections.abc import Callable
from pathlib import Path

from .bombs import BOMBS
from .forging import REPLIES, declared, edited, lines, verdict_name, write_declared, write_lines, write_packed

Spoil = Callable[[Path], None]
CORPUS: dict[str, Spoil] = dict(BOMBS)


def spoil(function: Spoil) -> Spoil:
    """Add to the corpus, by name."""
    CORPUS[function.__name__] = function
    return function


def raw(folder: Path, text: str | bytes) -> None:
    (folder / "entry.json").write_bytes(text.encode() if isinstance(text, str) else text)


def first_reply(**changes: object) -> Spoil:
    def edit(folder: Path) -> None:
        records = lines(folder, REPLIES)
        write_lines(folder, REPLIES, [records[0] | changes, *records[1:]])

    return edit


def first_verdict(**changes: object) -> Spoil:
    def edit(folder: Path) -> None:
        records, name = lines(folder, verdict_name(folder)), verdict_name(folder)
        write_lines(folder, name, [records[0] | changes, *records[1:]])

    return edit


def reply_line(line: bytes) -> Spoil:
    def edit(folder: Path) -> None:
        write_packed(folder, REPLIES, gzip.compress(line + b"\n"), 1)

    return edit


CORPUS |= {
    "unknown_field_in_the_entry": edited("score", value=1.0),
    "unknown_field_in_the_manifest": edited("manifest", "verified", value=True),
    "unknown_field_in_the_declaration": edited("declared", "badge", value="verified"),
    "future_format": edited("format", value=2),
    "organisation_that_climbs": edited("declared", "organisation", value="../../.."),
    "organisation_with_a_slash": edited("declared", "organisation", value="a/b"),
    "organisation_that_separates": edited("declared", "organisation", value="a__b"),
    "model_with_markup": edited("declared", "model", value="<img src=x onerror=alert(1)>"),
    "model_with_a_null_byte": edited("declared", "model", value="a\x00b"),
    "model_with_a_newline": edited("declared", "model", value="a\nb"),
    "model_in_lookalike_letters": edited("declared", "model", value="gpt\u2010\u0430"),
    "model_name_without_end": edited("declared", "model", value="a" * 5000),
    "model_of_dots": edited("declared", "model", value=".."),
    "run_id_that_climbs": edited("run_id", value="../r1"),
    "run_id_elsewhere": edited("run_id", value="another-run"),
    "contact_that_turns_the_reading_direction": edited("declared", "contact", value="a\u202eb"),
    "contact_with_terminal_codes": edited("declared", "contact", value="\x1b[2J\x1b]0;owned\x07"),
    "link_that_runs": edited("declared", "links", value=["javascript:alert(1)"]),
    "link_in_the_clear": edited("declared", "links", value=["http://example.org/"]),
    "link_that_breaks_out": edited("declared", "links", value=['https://example.org/" onmouseover="alert(1)']),
    "link_with_a_user": edited("declared", "links", value=["https://good.example@evil.example/"]),
    "a_thousand_links": edited("declared", "links", value=["https://example.org/"] * 1000),
    "unknown_task": edited("manifest", "task", "name", value="my_own_benchmark"),
    "task_that_is_a_path": edited("manifest", "task", "name", value="/etc/passwd.jsonl"),
    "no_judge": edited("manifest", "judges", value={}),
    "judge_under_a_path": edited("manifest", "judges", value={"../../../tmp/x-00000000": {}}),
    "evidence_under_a_path": edited("evidence", "../../secret", value={"sha256": "0" * 64, "bytes": 1, "records": 1}),
    "limited_run": edited("manifest", "sessions", value=[{"started": "", "versions": {}, "limit": 2}]),
    "a_million_repeats": edited("manifest", "sessions", value=[{"started": "", "versions": {}, "repeats": 10**6}]),
    "repeats_beyond_integers": edited(
        "manifest", "sessions", value=[{"started": "", "versions": {}, "repeats": 10**30}]
    ),
    "a_billion_rounds": edited("manifest", "protocol", "feedback_rounds", value=10**9),
    "claim_under_an_unknown_judge": edited("claims", value={"nobody-00000000": {"f1": 1.0}}),
    "turn_beyond_the_trace": first_reply(turn=10**12),
    "turn_before_the_trace": first_reply(turn=-1),
    "trace_that_is_none": first_reply(trace_id="../../etc/passwd"),
    "round_beyond_reason": first_reply(round=10**15),
    "offer_in_a_silence": first_reply(status="silent", proposals=["x"]),
    "offer_without_words": first_reply(status="proposed", proposals=[]),
    "a_thousand_offers": first_reply(status="proposed", proposals=["x"] * 1000),
    "reply_that_is_an_error": first_reply(status="error"),
    "reply_of_unknown_status": first_reply(status="perfect"),
    "reply_with_a_list_for_text": first_reply(text=["a"]),
    "reply_with_an_unknown_field": first_reply(score=1),
    "verdict_on_nothing": first_verdict(candidate=7),
    "verdict_of_a_far_repeat": first_verdict(judge_repeat=10**12),
    "verdict_of_certainty_two": first_verdict(probability=2.0),
    "verdict_of_another_kind": first_verdict(status="maybe"),
    "reply_with_a_doubled_key": reply_line(b'{"trace_id":"a","trace_id":"b","turn":0,"status":"silent"}'),
    "reply_with_nan": reply_line(b'{"trace_id":"a","turn":0,"status":"silent","latency_s":NaN}'),
    "reply_with_infinity": reply_line(b'{"trace_id":"a","turn":0,"status":"silent","latency_s":1e999}'),
    "reply_nested_deep": reply_line(b'{"trace_id":' + b"[" * 100_000 + b"]" * 100_000 + b"}"),
    "reply_with_a_number_of_many_digits": reply_line(b'{"turn":' + b"9" * 20_000 + b"}"),
    "reply_with_half_a_surrogate": reply_line(b'{"trace_id":"\\ud800","turn":0,"status":"silent"}'),
    "reply_that_is_not_utf8": reply_line(b'{"trace_id":"\xff\xfe"}'),
    "reply_that_is_a_list": reply_line(b"[1, 2, 3]"),
    "reply_that_is_yaml": reply_line(b"!!python/object/apply:os.system ['true']"),
    "reply_of_one_endless_line": reply_line(b'{"text": "' + b"a" * 4_000_000 + b'"}'),
}


@spoil
def entry_with_a_doubled_key(folder: Path) -> None:
    text = (folder / "entry.json").read_text()
    raw(folder, text.replace('"format":', '"format":1,"format":', 1))


@spoil
def entry_with_nan(folder: Path) -> None:
    raw(
        folder,
        (folder / "entry.json").read_text().replace('"temperature":0.0', '"temperature":NaN').replace(": 0.0", ": NaN"),
    )


@spoil
def entry_nested_deep(folder: Path) -> None:
    raw(folder, '{"a":' * 50_000 + "1" + "}" * 50_000)


@spoil
def entry_that_is_huge(folder: Path) -> None:
    raw(folder, json.dumps(declared(folder)) + " " * 5_000_000)


@spoil
def entry_that_is_empty(folder: Path) -> None:
    raw(folder, "")


@spoil
def entry_that_is_a_pickle(folder: Path) -> None:
    raw(
        folder,
        b"\x80\x04\x95\x1e\x00\x00\x00\x00\x00\x00\x00\x8c\x05posix\x94\x8c\x06system\x94\x93\x94\x8c\x04true\x94\x85\x94R\x94.",
    )


@spoil
def entry_that_is_a_link(folder: Path) -> None:
    (folder / "entry.json").unlink()
    (folder / "entry.json").symlink_to("/etc/hostname")


@spoil
def replies_that_are_a_link(folder: Path) -> None:
    (folder / REPLIES).unlink()
    (folder / REPLIES).symlink_to("/dev/zero")


@spoil
def replies_that_are_a_pipe(folder: Path) -> None:
    (folder / REPLIES).unlink()
    os.mkfifo(folder / REPLIES)


@spoil
def replies_that_are_missing(folder: Path) -> None:
    (folder / REPLIES).unlink()


@spoil
def verdicts_that_are_a_linked_folder(folder: Path) -> None:
    moved = folder.parent / "elsewhere"
    (folder / "verdicts").rename(moved)
    (folder / "verdicts").symlink_to(moved)


@spoil
def a_file_more(folder: Path) -> None:
    (folder / "conftest.py").write_text("raise SystemExit('run')")


@spoil
def a_folder_more(folder: Path) -> None:
    (folder / ".git").mkdir()


@spoil
def a_hundred_files_more(folder: Path) -> None:
    for number in range(100):
        (folder / f"{number}.txt").write_text("")


@spoil
def a_hidden_verdict_file(folder: Path) -> None:
    (folder / "verdicts" / ".hidden-00000000.jsonl.gz").write_bytes(gzip.compress(b""))


@spoil
def a_zip_bomb(folder: Path) -> None:
    packer = zlib.compressobj(9, wbits=31)
    block = b"\n" * 1_000_000
    write_packed(folder, REPLIES, b"".join(packer.compress(block) for _ in range(150)) + packer.flush())


@spoil
def a_bomb_of_one_line(folder: Path) -> None:
    packer = zlib.compressobj(9, wbits=31)
    write_packed(folder, REPLIES, b"".join(packer.compress(b" " * 1_000_000) for _ in range(150)) + packer.flush())


@spoil
def a_torn_archive(folder: Path) -> None:
    write_packed(folder, REPLIES, (folder / REPLIES).read_bytes()[:-20])


@spoil
def an_archive_with_a_second_one_behind(folder: Path) -> None:
    write_packed(folder, REPLIES, (folder / REPLIES).read_bytes() * 2)


@spoil
def a_tar_in_place_of_lines(folder: Path) -> None:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        archive.addfile(tarfile.TarInfo("../../../tmp/evil"), io.BytesIO())
    write_packed(folder, REPLIES, packed.getvalue())


@spoil
def no_archive_at_all(folder: Path) -> None:
    write_packed(folder, REPLIES, b"\x1f\x8b" + b"\x00" * 64)


@spoil
def replies_without_an_end(folder: Path) -> None:
    write_packed(folder, REPLIES, gzip.compress(gzip.decompress((folder / REPLIES).read_bytes())[:-1]))


@spoil
def fewer_records_than_stated(folder: Path) -> None:
    edited("evidence", REPLIES, value=declared(folder)["evidence"][REPLIES] | {"records": 999})(folder)


@spoil
def a_folder_under_a_name_of_its_own(folder: Path) -> None:
    content = declared(folder)
    content["declared"]["organisation"] = "somebody-else"
    write_declared(folder, content)
