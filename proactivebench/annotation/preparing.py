"""From data to an annotation job: which moments people are asked about, and in what plan."""

from __future__ import annotations

import hashlib
import random
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path

from proactivebench.annotation.job import JobFolder
from proactivebench.records import AnnotationItem, DrawnFrom, Job, Plan, Task

LANGUAGES = ("en", "zh")


def prepare(
    source: Task,
    output_path: str | Path,
    *,
    plan: Plan | None = None,
    seed: int = 0,
    sealed: bool = False,
) -> JobFolder:
    """Make an annotation job: need is asked at every moment of the traces.

    Args:
        source: The data.
        output_path: The job's folder, new or empty.
        plan: Who is asked how often. Default: two people, both asked everything, a tenth of it twice.
        seed: Reproduces every draw and order.
        sealed: Whether the labels stay with whoever collects them.

    Raises:
        WrongFile: The folder holds something.
        CannotWrite: It cannot be written.
    """
    rng = random.Random(seed)
    moments = [(trace.trace_id, turn) for trace in source.traces for turn in range(len(trace.events))]
    items = [
        AnnotationItem(item_id=name, trace_id=trace, turn=turn)
        for name, (trace, turn) in zip(_names(len(moments), rng), moments, strict=True)
    ]
    job = Job(
        name=Path(output_path).name,
        made=datetime.now(UTC),
        seed=seed,
        drawn_from=DrawnFrom.TRACES,
        task=source.name,
        data_hash=source.data_hash,
        licence=source.licence,
        plan=plan or Plan(annotators=2, overlap=2, repeats=0.1),
        sealed=sealed,
    )
    traces = [trace.model_copy(update={"labels": None}) for trace in source.traces]
    return JobFolder.create(output_path, job, traces, items, (), default_instructions())


def default_instructions() -> dict[str, str]:
    """What annotators read first and agree to, by language: the package's own text."""
    texts = files("proactivebench.annotation") / "texts"
    return {
        language: (texts / f"instructions{'' if language == 'en' else f'.{language}'}.md").read_text(encoding="utf-8")
        for language in LANGUAGES
    }


def _names(count: int, rng: random.Random) -> list[str]:
    """So many ids that say nothing: shuffled, so that no order shows through."""
    key = rng.randbytes(16)
    return [hashlib.sha256(key + str(place).encode()).hexdigest()[:12] for place in range(count)]
