"""The first board, from the released answers: only where a mirror of the release is at hand."""

import os

import pytest

from proactivebench.board.building import build_board
from proactivebench.board.rows import TRIVIAL
from proactivebench.board.seeding import seed_board

pytestmark = pytest.mark.skipif("PROACTIVEBENCH_MIRROR" not in os.environ, reason="no mirror of the release")

# Offers as published less those that are silence written as a text, and the unusable ones.
OFFERS = {"gpt-4o": 216, "qwen2-72b-instruct": 155, "claude-3-sonnet-20240229": 67}


def test_the_released_models_and_the_trivial_agents_stand_on_one_board(tmp_path):
    said = seed_board(tmp_path / "site", work_path=tmp_path / "work")
    assert said.endswith("0 refused")
    (group,) = build_board(tmp_path / "work").groups
    names = {row.name for row in group}
    assert names >= TRIVIAL
    assert len(names - TRIVIAL) >= 8
    for row in group:
        words = [word for word, _ in row.badges]
        assert "verified" in words
        assert "baseline judge" in words
        assert "copy" not in words
        assert row.rank is None
        if row.name in OFFERS:
            assert row.confusion.tp + row.confusion.fp == OFFERS[row.name]
    assert (tmp_path / "site" / "index.html").exists()
