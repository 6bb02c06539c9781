"""A first board from what is published: the released answers replayed, and the trivial agents beside them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from proactivebench.board.building import build_board, publish
from proactivebench.board.bundle import prepare_entry
from proactivebench.board.entry import Declaration
from proactivebench.board.published import published
from proactivebench.board.rows import TRIVIAL
from proactivebench.errors import DataError, UsageError
from proactivebench.evaluation import run_async
from proactivebench.preparation import Settings, prepare
from proactivebench.store import RunStore

TASK = "proactivebench_published"
JUDGE = "silence=labels,proposals=labels+lexical"
RUN_ID = "released"
_NOTE = "Answers as released, made with the paper's prompts; the protocol named here only read them."


def seed_board(output_path: Path, mirror: Path | None = None, work_path: Path | None = None) -> str:
    """Replay every released model there is, run the trivial agents, and build the board; returns what was built.

    Runs and entries go to `work_path` (default: `runs/board`). `mirror` is the unpacked release, in place of the
    one that PROACTIVEBENCH_MIRROR names. Raises `DataError` where the release cannot be had.
    """
    if mirror is not None:
        os.environ["PROACTIVEBENCH_MIRROR"] = str(mirror.resolve())
    work = work_path or Path("runs") / "board"
    for settings, declared in _agents():
        name = declared.model if declared else settings.model
        try:
            evaluation = prepare(settings)
        except (UsageError, DataError) as error:
            if declared is None:
                raise
            print(f"left out: {name}: {error}")  # noqa: T201 - a mirror need not hold every model
            continue
        store = run_async(evaluation.run(work / "runs" / name))
        organisation = declared.organisation if declared else "proactivebench"
        folder = work / "entries" / f"{organisation}__{name}" / RUN_ID
        prepare_entry(RunStore(store.path), folder, declared, RUN_ID)
    board = build_board(work)
    index = publish(board, output_path)
    return f"{index}: {len(board.entries)} entries, {len(board.refusals)} refused"


def _agents() -> Iterator[tuple[Settings, Declaration | None]]:
    for name in sorted(TRIVIAL):
        yield Settings(model=name, tasks=TASK, judge=JUDGE), None
    table = next(table for table in published().tables if table.id == "released")
    for row in table.rows:
        yield (
            Settings(model="replay", model_args={"released": row.model}, tasks=TASK, judge=JUDGE),
            Declaration(
                organisation="thunlp",
                model=row.model,
                revision=published().repository["commit"][:12],
                licence=published().repository["licence"],
                contact="the maintainers of this board",
                links=(published().repository["url"], published().paper["url"]),
                notes=_NOTE,
            ),
        )
