"""A job is made from data: what people are asked stands in it, and nothing that would lead them."""

from __future__ import annotations

from pathlib import Path

from proactivebench.annotation.job import JobFolder
from proactivebench.annotation.preparing import prepare
from proactivebench.traces.sample import sample_task


def test_from_traces_need_is_asked_at_every_moment_and_no_label_goes_along(tmp_path: Path) -> None:
    made = prepare(sample_task(), tmp_path / "job")
    read = JobFolder(tmp_path / "job")
    assert read.job == made.job
    assert read.job.data_hash == sample_task().data_hash
    asked = sorted((item.trace_id, item.turn) for item in read.items.values())
    assert asked == sorted(
        (trace.trace_id, turn) for trace in sample_task().traces for turn in range(len(trace.events))
    )
    assert all(item.ask_need for item in read.items.values())
    assert all(trace.labels is None for trace in read.traces.values())
    assert "withdraw" in (tmp_path / "job" / "instructions.md").read_text(encoding="utf-8")
    assert "退出" in (tmp_path / "job" / "instructions.zh.md").read_text(encoding="utf-8")
