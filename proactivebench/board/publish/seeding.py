"""A first board from what is published: the released answers replayed, and the trivial agents beside them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from proactivebench.board.entry.form import Declaration
from proactivebench.board.publish.building import Board, build_board, publish
from proactivebench.board.publish.output import SITE, check_output
from proactivebench.board.publish.prepare import prepare_entry
from proactivebench.board.site.published import published
from proactivebench.errors import DataError, UsageError
from proactivebench.evaluation import run_async
from proactivebench.preparation import Settings, prepare
from proactivebench.store import RunStore
from proactivebench.traces.benchmark import reading_from

TASK = "proactivebench_published"
JUDGE = "silence=labels,proposals=labels+lexical"
RUN_ID = "released"
WORK = Path("runs") / "board"
_NOTE = "Answers as released; how they were decoded is not known."


@dataclass(frozen=True, slots=True)
class Seeded:
    """A first board: its page, the folder of its runs and entries, and the models left out, by the reason why."""

    board: Board
    index: Path
    work_path: Path
    left_out: dict[str, list[str]]


def seed_board(output_path: Path, mirror: Path | None = None, work_path: Path = WORK) -> Seeded:
    """Replay every released model there is and build the board; the anchors are computed by the board itself.

    Runs and entries go to `work_path`. `mirror` is the unpacked release, in place of the one that
    PROACTIVEBENCH_MIRROR names. Raises `DataError` where the release cannot be had, `UsageError` where the site may not
    go to `output_path`.
    """
    with reading_from(mirror):
        return _seeded(output_path, work_path)


def _seeded(output_path: Path, work_path: Path) -> Seeded:
    check_output(output_path, SITE, work_path)
    left_out: dict[str, list[str]] = {}
    for settings, declared in _agents():
        name = declared.model
        try:
            evaluation = prepare(settings)
        except (UsageError, DataError) as error:
            left_out.setdefault(str(error), []).append(name)  # a mirror need not hold every model
            continue
        store = run_async(evaluation.run(work_path / "runs" / name))
        folder = work_path / "entries" / f"{declared.organisation}__{name}" / RUN_ID
        prepare_entry(RunStore(store.path), folder, declared, RUN_ID)
    board = build_board(work_path)
    return Seeded(board, publish(board, output_path), work_path, left_out)


def _agents() -> Iterator[tuple[Settings, Declaration]]:
    table = next(table for table in published().tables if table.id == "released")
    for row in table.rows:
        yield (
            Settings(model="replay", model_args={"released": row.model}, tasks=TASK, judge=JUDGE),
            Declaration(
                organisation="thunlp",
                model=row.model,
                licence=published().repository["licence"],
                contact="the maintainers of this board",
                links=(published().repository["url"], published().paper["url"]),
                notes=f"{_NOTE} Released at commit {published().repository['commit'][:12]}.",
            ),
        )
