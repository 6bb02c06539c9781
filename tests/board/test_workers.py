"""A process that dies costs the item it worked on, and never the others."""

import os
import shutil
import signal
from pathlib import Path

import pytest

from proactivebench.board.publish.building import build_board, publish
from proactivebench.board.site import recomputing
from proactivebench.board.verify.workers import each_alone

from .deadly import squared


@pytest.mark.parametrize("processes", [1, 2, 3])
def test_all_items_but_the_deadly_ones_are_worked_on(processes):
    found = dict(each_alone(squared, range(20), processes, lambda _: -1))
    assert found == {n: -1 if n % 7 == 3 or n == 11 else n * n for n in range(20)}


def deadly(folder):
    """Recomputes an entry, and dies of one."""
    if "acme" in str(folder):
        os.kill(os.getpid(), signal.SIGKILL)
    return recomputing.recompute(folder)


def test_a_worker_that_dies_costs_its_entry_and_never_the_build(board, monkeypatch, tmp_path):
    monkeypatch.setenv("PROACTIVEBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(recomputing, "each_alone", lambda _, *rest: each_alone(deadly, *rest))
    built = build_board(board, processes=2)
    assert [entry.key for entry in built.entries] == ["proactivebench__always/r1", "proactivebench__never/r1"]
    (refusal,) = built.refusals
    assert refusal.folder == "acme__helper-7b/r1"
    assert "died" in refusal.findings[0][1]
    assert publish(built, tmp_path / "site").is_file()


@pytest.mark.parametrize("processes", [1, 2])
def test_a_board_is_built_where_nothing_can_be_kept(board, monkeypatch, tmp_path, processes):
    (tmp_path / "cache").write_text("")
    monkeypatch.setenv("PROACTIVEBENCH_CACHE", str(tmp_path / "cache"))
    built = build_board(board, processes=processes)
    assert len(built.entries) == 3
    publish(built, tmp_path / "site")
    assert (tmp_path / "site" / "entries" / "acme__helper-7b" / "r1" / "data.js").stat().st_size > 1000


def test_what_was_kept_and_is_half_gone_is_computed_again(board, monkeypatch, tmp_path):
    monkeypatch.setenv("PROACTIVEBENCH_CACHE", str(tmp_path / "cache"))
    for entry in build_board(board).entries:
        Path(entry.moments).unlink()
    publish(build_board(board), tmp_path / "site")
    shutil.rmtree(tmp_path / "cache")
    publish(build_board(board), tmp_path / "site")
