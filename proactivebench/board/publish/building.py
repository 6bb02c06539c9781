"""From a folder of entries to a board: recompute, rank, write."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from proactivebench.board.entry.evidence import Refusal
from proactivebench.board.entry.form import ENTRY
from proactivebench.board.entry.spelling import misspelt
from proactivebench.board.publish.hub import write_space
from proactivebench.board.publish.output import SITE, check_output, entry_folders, sweep, take_over
from proactivebench.board.site.details import details_of
from proactivebench.board.site.downloads import write_downloads
from proactivebench.board.site.exports import write_exports
from proactivebench.board.site.published import published
from proactivebench.board.site.recomputing import Recomputed, recompute_all
from proactivebench.board.site.row import Row
from proactivebench.board.site.rows import Known, all_rows, entry_badges
from proactivebench.board.site.when import When, when_tables
from proactivebench.board.site.write import entry_files, write_site
from proactivebench.board.verify.copies import read_originals
from proactivebench.board.verify.decided import read_decisions
from proactivebench.board.verify.judges import JudgeTable, judge_table, trusted_fingerprints, trusted_measured
from proactivebench.board.verify.reproduction import read_reproductions
from proactivebench.board.verify.sealed import SealedTask
from proactivebench.board.verify.second_judge import read_opinions
from proactivebench.garbage import collector_paused


@dataclass(frozen=True, slots=True)
class Board:
    """What a board at `root` shows: comparable groups of judged rows, the entries behind them, what was refused, when
    entries speak, whoever judges, and the judges measured on it."""

    groups: list[list[Row]]
    entries: list[Recomputed]
    refusals: list[Refusal]
    root: Path
    when: list[When] = field(default_factory=list)
    judges: JudgeTable = field(default_factory=JudgeTable)
    sealed: Mapping[str, SealedTask] = field(default_factory=dict)

    @property
    def count(self) -> str:
        """How many entries are shown and refused, in words."""
        return f"{len(self.entries)} {'entry' if len(self.entries) == 1 else 'entries'}, {len(self.refusals)} refused"


def build_board(root: Path, *, processes: int | None = None, sealed: Mapping[str, SealedTask] | None = None) -> Board:
    """Recompute every entry below `root`; what the maintainers found out is read from `root`/rejudged, `root`/decided
    and `root`/reproduced, the keys of entries known to be first from `root`/originals.txt.
    `sealed` are the sets whose labels are at hand, by data hash: no label of theirs is in what comes back."""
    originals = read_originals(root)
    results = recompute_all(entry_folders(root), processes, sealed)
    keys = [result.key for result in results if isinstance(result, Recomputed)]
    said = misspelt(keys, keys, originals)
    entries = [result for result in results if isinstance(result, Recomputed) and result.key not in said]
    refusals = [result for result in results if isinstance(result, Refusal)]
    refusals += [Refusal(folder=key, findings=((ENTRY, message),)) for key, message in said.items()]
    judges = judge_table(root)
    known = Known(
        read_opinions(root),
        read_decisions(root),
        read_reproductions(root),
        originals,
        tuple(trusted_measured(judges)),
        tuple(trusted_fingerprints(root)),
        sealed or {},
    )
    badges = entry_badges(entries, known)
    groups = all_rows(entries, known, badges)
    when = when_tables(entries, [row for group in groups for row in group], known, badges)
    return Board(groups, entries, refusals, root, when, judges, sealed or {})


def publish(board: Board, output_path: Path, *, texts: str | None = None) -> Path:
    """Write a board as a site with its data files, ready to be pushed as a static Space; returns the index page. Pages
    that an earlier build wrote there for entries that are gone are removed.

    Raises `UsageError` where `output_path` is, holds or lies among the board's entries, or holds what no build wrote.
    """
    check_output(output_path, SITE, board.root)
    take_over(output_path, SITE)
    with collector_paused():
        named = [entry for entry in board.entries if not entry.sealed]  # a sealed set has no moment by moment
        details = details_of(named, board.groups, with_texts=texts != "none")
        index = write_site(
            board.groups,
            board.entries,
            board.refusals,
            output_path,
            when=board.when,
            texts=texts,
            judges=board.judges,
            details=details,
            sealed=board.sealed,
        )
        written = write_downloads(board.groups, board.when, details, output_path)
        write_exports(board.groups, board.refusals, published(), output_path, when=board.when)
        write_space(output_path)
    pages = {f"entries/{entry.key}/{name}" for entry in board.entries for name in entry_files(entry)}
    sweep(output_path, SITE, pages | written | {f"data/{entry.report.task.name}.js" for entry in board.entries})
    return index
