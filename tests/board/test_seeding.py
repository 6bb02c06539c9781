"""The first board, from the released answers: only where a mirror of the release is at hand."""

import os

import pytest

from proactivebench.board.entry.form import TRIVIAL
from proactivebench.board.publish.building import build_board
from proactivebench.board.publish.seeding import seed_board

from .calling import call, one_line

pytestmark = pytest.mark.skipif("PROACTIVEBENCH_MIRROR" not in os.environ, reason="no mirror of the release")

# Offers as published less those that are silence written as a text, and the unusable ones.
OFFERS = {"gpt-4o": 216, "qwen2-72b-instruct": 155, "claude-3-sonnet-20240229": 67}


def test_the_released_models_stand_on_one_board_and_no_trivial_agent_is_submitted(tmp_path):
    seeded = seed_board(tmp_path / "site", work_path=tmp_path / "work")
    assert seeded.board.count.endswith("entries, 0 refused")
    assert seeded.board.refusals == []
    (group,) = build_board(tmp_path / "work").groups
    names = {row.name for row in group}
    assert not names & TRIVIAL
    assert len(names) >= 8
    for row in group:
        words = [word for word, _ in row.badges]
        assert "verified" in words
        assert "baseline judge" in words
        assert "copy" not in words
        assert row.rank is None
        if row.name in OFFERS:
            assert row.confusion.tp + row.confusion.fp == OFFERS[row.name]
    assert (tmp_path / "site" / "index.html").exists()


def test_both_places_are_said_and_what_is_left_out_is_one_line(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    done = call("leaderboard", "seed")
    assert (done.code, done.err) == (0, "")
    *left_out, runs, site = done.out.splitlines()
    assert runs == "runs and entries: runs/board"
    assert site.startswith("site: site/index.html: ")
    assert (tmp_path / "runs" / "board" / "entries").is_dir()
    assert len(left_out) <= 2, "one for each reason"
    assert all("left out here: " in line for line in left_out)


def test_a_site_among_the_entries_is_refused_before_anything_runs(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    done = call("leaderboard", "seed", "--output_path", "runs/board/entries/site")
    assert done.code == 2
    assert "is no place to write" in one_line(done.err)
    assert not (tmp_path / "runs").exists()
