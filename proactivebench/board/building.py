"""From a folder of entries to a board: recompute, rank, write."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from proactivebench.board.copies import read_originals
from proactivebench.board.decided import read_decisions
from proactivebench.board.entry import ENTRY
from proactivebench.board.exports import write_exports
from proactivebench.board.hub import write_space
from proactivebench.board.judge_blocks import judge_table
from proactivebench.board.output import SITE, check_output, entry_folders, sweep, take_over
from proactivebench.board.published import published
from proactivebench.board.recomputing import Recomputed, Refusal, recompute_all
from proactivebench.board.rows import Row
from proactivebench.board.site import write_site
from proactivebench.board.spelling import misspelt
from proactivebench.board.standing import all_rows, read_opinions
from proactivebench.garbage import collector_paused


@dataclass(frozen=True, slots=True)
class Board:
    """What a board at `root` shows: comparable groups of rows, the entries behind them, and what was refused."""

    groups: list[list[Row]]
    entries: list[Recomputed]
    refusals: list[Refusal]
    root: Path

    @property
    def count(self) -> str:
        """How many entries are shown and refused, in words."""
        return f"{len(self.entries)} {'entry' if len(self.entries) == 1 else 'entries'}, {len(self.refusals)} refused"


def build_board(root: Path, *, processes: int | None = None) -> Board:
    """Recompute every entry below `root`; what the maintainers found out is read from `root`/rejudged and
    `root`/decided, the keys of entries known to be first from `root`/originals.txt."""
    originals = read_originals(root)
    results = recompute_all(entry_folders(root), processes)
    keys = [result.key for result in results if isinstance(result, Recomputed)]
    said = misspelt(keys, keys, originals)
    entries = [result for result in results if isinstance(result, Recomputed) and result.key not in said]
    refusals = [result for result in results if isinstance(result, Refusal)]
    refusals += [Refusal(folder=key, findings=((ENTRY, message),)) for key, message in said.items()]
    return Board(all_rows(entries, read_opinions(root), originals, read_decisions(root)), entries, refusals, root)


def publish(board: Board, output_path: Path, *, texts: str | None = None) -> Path:
    """Write a board as a site with its data files, ready to be pushed as a static Space; returns the index page. Pages
    that an earlier build wrote there for entries that are gone are removed.

    Raises `UsageError` where `output_path` is, holds or lies among the board's entries, or holds what no build wrote.
    """
    check_output(output_path, SITE, board.root)
    take_over(output_path, SITE)
    with collector_paused():
        judges = judge_table(board.root)
        index = write_site(board.groups, board.entries, board.refusals, output_path, texts=texts, judges=judges)
        write_exports(board.groups, board.refusals, published(), output_path)
        write_space(output_path)
    pages = {f"entries/{entry.key}/{name}" for entry in board.entries for name in ("index.html", "data.js")}
    sweep(output_path, SITE, pages | {f"data/{entry.report.task.name}.js" for entry in board.entries})
    return index
