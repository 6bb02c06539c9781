"""The traces of one run, or of two side by side, as one file: `proactivebench view`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from proactivebench.anchors import anchors_beside
from proactivebench.board.site.headline import Named, boards, groups
from proactivebench.board.site.pages import one_file
from proactivebench.board.site.trace_pages import run_data, task_data
from proactivebench.errors import NotComparable, UsageError
from proactivebench.reporting import report_of, task_of
from proactivebench.store import RunStore, write_whole


def write_view(stores: Sequence[RunStore], output_path: Path, spec: str | None = None) -> Path:
    """Write a self-contained page with the reports and traces of one run or two on the same data; returns its path.

    `spec` says where the data is, should it have moved. Raises `UsageError` for runs on different data or without
    verdicts, `CannotWrite`.
    """
    if len({store.manifest.task.data_hash for store in stores}) > 1:
        raise NotComparable("these runs are about different data: give two runs of the same task")
    task = task_of(stores[0], spec)
    parts, reports, cautions = [task_data(task)], [], []
    for place, store in enumerate(stores):
        if not store.judge_ids():
            raise UsageError(f"{store.path} has no verdicts: judge it first with `proactivebench judge`")
        verdicts = {judge: list(store.verdicts(judge).values()) for judge in store.judge_ids()}
        replies = list(store.replies().values())
        report = report_of(store, task)
        name = f"{report.agent.name} ({store.path.name})"
        parts.append(run_data(f"run-{place}", name, report, replies, verdicts))
        reports.append(Named(name, report, str(store.path)))
        cautions += [f"{name}: {said}" for said in (report.caution, *report.findings) if said]
    title = " and ".join(store.manifest.agent.name for store in stores) + " on " + task.name
    page = one_file(
        "view.html.j2",
        scripts=("board.js", "traces.js"),
        data=parts,
        title=title,
        groups=[
            (group[0].report.protocol, boards(group, anchors_beside([one.report for one in group], task)))
            for group in groups(reports)
        ],
        cautions=cautions,
    )
    output_path.parent.mkdir(parents=True, exist_ok=True)
    return write_whole(output_path, page)
