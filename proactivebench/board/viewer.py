"""The traces of one run, or of two side by side, as one file: `proactivebench view`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from proactivebench.board.pages import one_file
from proactivebench.board.rows import COLUMNS, by_group, rows_of
from proactivebench.board.tracepages import run_data, task_data
from proactivebench.errors import UsageError
from proactivebench.evaluation import task_of
from proactivebench.scoring import build_report
from proactivebench.store import RunStore, write_whole


def write_view(stores: Sequence[RunStore], output_path: Path, spec: str | None = None) -> Path:
    """Write a self-contained page with the reports and traces of one run or two on the same data; returns its path.

    `spec` says where the data is, should it have moved. Raises `UsageError` for runs on different data or without
    verdicts, `CannotWrite`.
    """
    if len({store.manifest.task.data_hash for store in stores}) > 1:
        raise UsageError("these runs are about different data: give two runs of the same task")
    task = task_of(stores[0], spec)
    parts, rows, cautions = [task_data(task)], [], []
    for place, store in enumerate(stores):
        if not store.judge_ids():
            raise UsageError(f"{store.path} has no verdicts: judge it first with `proactivebench judge`")
        verdicts = {judge: list(store.verdicts(judge).values()) for judge in store.judge_ids()}
        replies = list(store.replies().values())
        report = build_report(task, store.manifest, replies, verdicts)
        name = f"{report.agent.name} ({store.path.name})"
        parts.append(run_data(f"run-{place}", name, report, replies, verdicts))
        rows += rows_of(report, key=f"run-{place}")
        cautions += [f"{name}: {said}" for said in (report.caution, *report.findings) if said]
    title = " and ".join(store.manifest.agent.name for store in stores) + " on " + task.name
    page = one_file(
        "view.html.j2",
        scripts=("board.js", "traces.js"),
        data=parts,
        title=title,
        groups=by_group(rows),
        columns=COLUMNS,
        cautions=cautions,
    )
    output_path.parent.mkdir(parents=True, exist_ok=True)
    return write_whole(output_path, page)
