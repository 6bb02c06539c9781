"""What a build may write, what it removes again, and what it says of entries it refuses."""

import json
import shutil
from pathlib import Path

import pytest

from proactivebench.board.publish.building import build_board, publish
from proactivebench.board.publish.output import DATASET, SITE
from proactivebench.board.site.row import BADGES
from proactivebench.errors import UsageError

from .calling import call, one_line
from .forging import REPLIES

HELPER = Path("entries") / "acme__helper-7b" / "r1"


@pytest.fixture
def copied(board, tmp_path):
    """A board of one's own."""
    shutil.copytree(board, tmp_path / "board")
    return tmp_path / "board"


@pytest.mark.parametrize(
    "place", ["board", ".", "board/entries", "board/entries/site", "board/entries/acme__helper-7b", "board/rejudged"]
)
@pytest.mark.parametrize("option", ["--output_path", "--dataset_path"])
def test_a_build_never_writes_among_what_it_reads(copied, tmp_path, place, option):
    before = listing(tmp_path)
    other = () if option == "--output_path" else ("--output_path", tmp_path / "site")
    done = build(copied, option, tmp_path / place, *other)
    assert done.code == 2
    assert one_line(done.err).count("is no place to write") == 1
    assert listing(tmp_path) == before


def test_a_link_to_the_board_is_the_board(copied, tmp_path):
    (tmp_path / "site").symlink_to(copied)
    assert build(copied, "--output_path", tmp_path / "site").code == 2
    assert not (copied / "index.html").exists()


@pytest.mark.parametrize("place", ["board", "board/acme__helper-7b", "board/acme__helper-7b/r1", "."])
def test_entries_without_a_folder_of_their_own_are_safe_too(board, tmp_path, place):
    shutil.copytree(board / "entries", tmp_path / "board")
    before = listing(tmp_path)
    done = build(tmp_path / "board", "--output_path", tmp_path / place)
    assert done.code == 2
    assert "is no place to write" in one_line(done.err)
    assert listing(tmp_path) == before


def test_a_site_may_lie_beside_the_entries_and_is_no_entry_of_the_next_build(board, tmp_path):
    shutil.copytree(board / "entries", tmp_path / "board")
    for _ in range(2):
        done = build(tmp_path / "board", "--output_path", tmp_path / "board" / "site")
        assert done.code == 0, done.err
        assert done.out.endswith("3 entries, 0 refused\n")


@pytest.mark.parametrize("option", ["--output_path", "--dataset_path"])
def test_a_folder_that_no_build_wrote_is_left_alone(copied, tmp_path, option):
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "README.md").write_text("mine")
    (tmp_path / "home" / "board.json").write_text("{}")
    other = () if option == "--output_path" else ("--output_path", tmp_path / "site")
    done = build(copied, option, tmp_path / "home", *other)
    assert done.code == 2
    assert "holds what no build wrote" in one_line(done.err)
    assert listing(tmp_path / "home") == {"README.md": b"mine", "board.json": b"{}"}
    assert not (tmp_path / "site").exists()


def test_a_site_of_an_earlier_version_and_an_empty_clone_are_built_into(copied, tmp_path):
    publish(build_board(copied), tmp_path / "site")
    (tmp_path / "site" / SITE.marker).unlink()
    (tmp_path / "clone" / ".git").mkdir(parents=True)
    (tmp_path / "clone" / ".gitattributes").write_text("")
    for place in ("site", "clone"):
        assert build(copied, "--output_path", tmp_path / place).code == 0


def test_site_and_dataset_are_two_folders(copied, tmp_path):
    done = build(copied, "--output_path", tmp_path / "site", "--dataset_path", tmp_path / "site")
    assert done.code == 2
    assert "are one folder" in one_line(done.err)


def test_a_withdrawn_entry_is_gone_from_site_and_dataset(copied, tmp_path):
    site, dataset = tmp_path / "site", tmp_path / "dataset"
    assert build(copied, "--output_path", site, "--dataset_path", dataset).code == 0
    assert (site / HELPER / "data.js").is_file()
    assert (dataset / HELPER / REPLIES).is_file()
    (site / HELPER / "notes.txt").write_text("mine")
    shutil.rmtree(copied / HELPER.parent)
    shutil.rmtree(copied / "entries" / "proactivebench__never")
    assert build(copied, "--output_path", site, "--dataset_path", dataset).code == 0
    assert names(site / "entries") == ["acme__helper-7b", "proactivebench__always"]
    assert names(site / HELPER) == ["notes.txt"], "what is not ours stays"
    assert names(dataset / "entries") == ["proactivebench__always"]
    assert "helper-7b" not in (site / "index.html").read_text(encoding="utf-8")
    assert (site / "data" / "proactivebench_sample.js").is_file()
    assert (dataset / DATASET.marker).is_file()
    shutil.rmtree(copied / "entries" / "proactivebench__always")
    assert build(copied, "--output_path", site).code == 0
    assert names(site / "data" if (site / "data").exists() else site / "entries") != ["proactivebench_sample.js"]


@pytest.mark.parametrize("place", ["entries", "entries/acme__helper-7b", "entries/acme__helper-7b/r1", "index.html"])
def test_a_build_writes_and_removes_nothing_through_a_link(copied, tmp_path, place):
    site, outside = tmp_path / "site", tmp_path / "outside"
    publish(build_board(copied), site)
    shutil.move(site / place, outside)
    (site / place).symlink_to(outside)
    before = listing(outside)
    shutil.rmtree(copied / HELPER.parent)
    done = build(copied, "--output_path", site)
    assert done.code == 2
    assert "is a link" in one_line(done.err)
    assert listing(outside) == before
    with pytest.raises(UsageError, match="is a link"):
        publish(build_board(copied), site)


def test_a_build_that_refuses_says_which_and_why_and_ends_with_1(copied, tmp_path):
    (copied / HELPER / REPLIES).write_bytes(b"")
    evil = copied / "entries" / "evil__x\x1b[31m##[error]y"
    (evil / "r1").mkdir(parents=True)
    done = build(copied, "--output_path", tmp_path / "site")
    assert done.code == 1
    assert done.out.endswith("2 entries, 2 refused\n")
    first, second, last = done.err.splitlines()
    assert first.startswith("refused acme__helper-7b/r1: replies.jsonl.gz: ")
    assert second.startswith("refused evil__x")
    assert "\x1b" not in done.err
    assert "##[" not in done.err
    assert last.endswith(
        "the board was written without 2 refused entries: mend or remove them, or pass --allow_refused"
    )
    assert "helper-7b" in (tmp_path / "site" / "index.html").read_text(encoding="utf-8")
    allowed = build(copied, "--output_path", tmp_path / "site", "--allow-refused")
    assert allowed.code == 0
    assert allowed.err.splitlines() == [first, second]


def test_one_entry_is_one_entry(copied, tmp_path):
    for name in ("never", "always"):
        shutil.rmtree(copied / "entries" / f"proactivebench__{name}")
    done = build(copied, "--output_path", tmp_path / "site")
    assert done.out.endswith(": 1 entry, 0 refused\n")
    assert len(json.loads((tmp_path / "site" / "board.json").read_text())["groups"]) == 1


def test_the_guide_says_what_every_badge_means():
    guide = (Path(__file__).parents[2] / "docs" / "leaderboard.md").read_text(encoding="utf-8")
    for word, meaning in BADGES.items():
        assert f"| {word} | {meaning} |\n" in guide


def build(*arguments):
    return call("leaderboard", "build", *arguments)


def names(folder):
    return sorted(item.name for item in folder.iterdir())


def listing(folder):
    if folder.is_file():
        return folder.read_bytes()
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def test_of_two_entries_under_one_key_one_is_shown(board, tmp_path):
    """On a board without `entries/` a folder's name says nothing."""
    for name in ("a", "b"):
        shutil.copytree(board / "entries" / "acme__helper-7b", tmp_path / name)
    built = build_board(tmp_path)
    assert [entry.key for entry in built.entries] == ["acme__helper-7b/r1"]
    assert "the same key" in built.refusals[0].findings[0][1]
