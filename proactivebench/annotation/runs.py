"""Runs that people are asked about: their answers, of the round that counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from proactivebench.errors import BadArgument, InvalidRun, NotComparable
from proactivebench.garbage import collector_paused
from proactivebench.records import ItemStratum, JobRun, Manifest, Task, digest
from proactivebench.reporting import task_of
from proactivebench.scoring.answers import PROPOSED, Answers, count_unclean, read_replies
from proactivebench.scoring.moments import Moments
from proactivebench.store import RunStore


@dataclass(frozen=True, slots=True)
class Said:
    """One answer of a run, of the round that counts: an offer, or a silence (`text` None)."""

    trace_id: str
    turn: int
    repeat: int
    round: int
    candidate: int
    text: str | None

    @property
    def stratum(self) -> ItemStratum:
        """Where it is drawn from."""
        return ItemStratum.SILENCES if self.text is None else ItemStratum.OFFERS


@dataclass(frozen=True)
class Answered:
    """A run with its data and replies, read once."""

    run: JobRun
    store: RunStore
    task: Task
    manifest: Manifest
    answers: Answers

    @cached_property
    def status(self) -> NDArray[np.int8]:
        """The status of the round that counts, (moments, repeats), as `scoring.answers` codes it."""
        return self.answers.at(self.answers.status, self.answers.last)

    @property
    def missing(self) -> int:
        """Moments and repeats without a final reply."""
        return int((~self.answers.final(self.status)).sum())

    @property
    def unclean(self) -> int:
        """Silences that nobody chose: replies of which the user saw nothing."""
        final = self.answers.final(self.status)
        return int((final & ~self.answers.clean(self.status)).sum())

    @cached_property
    def said(self) -> tuple[Said, ...]:
        """All final answers, by trace, turn, repeat and candidate."""
        answers = self.answers
        slots, final = answers.flat(answers.last), answers.final(self.status)
        found: list[Said] = []
        for trace, start in zip(answers.moments.traces, answers.moments.starts.tolist(), strict=False):
            for turn in range(len(trace.events)):
                for repeat in np.flatnonzero(final[start + turn]).tolist():
                    where = start + turn, repeat
                    offered = self.status[where] == PROPOSED
                    texts = answers.texts[int(slots[where])] if offered else (None,)
                    found += [
                        Said(trace.trace_id, turn, repeat, int(answers.last[where]), place if offered else -1, text)
                        for place, text in enumerate(texts)
                    ]
        return tuple(found)


def read_runs(paths: Sequence[str | Path], tasks: str | None = None, *, data: Task | None = None) -> list[Answered]:
    """Runs on the same data, named `r1`, `r2`, … in their order.

    Args:
        paths: Their folders.
        tasks: Where their data is now, should it have moved.
        data: What they must have been made on; the first one's data where None.

    Raises:
        WrongFile: A folder is no run.
        NotComparable: They were made on different data.
        BadArgument: One is named twice.
        UsageError, DataError: Data or replies cannot be read.
    """
    found: list[Answered] = []
    seen: dict[Path, str | Path] = {}
    for place, path in enumerate(paths, 1):
        store = RunStore(path)
        manifest, real = store.manifest, Path(path).resolve()
        if real in seen:
            raise BadArgument(f"{path} is given twice: name each run once")
        seen[real] = path
        expected = data.data_hash if data else found[0].manifest.task.data_hash if found else None
        if expected not in (None, manifest.task.data_hash):
            other = data.name if data else paths[0]
            raise NotComparable(
                f"{path} was made on other data than {other} ({manifest.task.data_hash[:8]}, not {expected!s:.8}): "
                "give runs on the same traces"
            )
        task = data or (found[0].task if found else task_of(store, tasks))
        run = JobRun(name=f"r{place}", path=str(path), agent=manifest.agent.name, manifest=digest(manifest.identity()))
        with collector_paused():
            answers = read_replies(Moments.expected(task, manifest), store.iter_replies())
        found.append(Answered(run, store, task, manifest, answers))
    return found


def check_sampled(answered: Answered) -> None:
    """Raise what keeps a sample of a run from correcting its score: `InvalidRun` where it is incomplete or spoilt by
    the provider, `BadArgument` where it has several candidates a moment."""
    path = answered.run.path
    if (several := answered.manifest.protocol.candidates) > 1:
        task = answered.manifest.task
        raise BadArgument(
            f"{path} has {several} candidates a moment, and people's labels of single offers correct no such score: "
            f"have them voted on by `annotate prepare {task.spec or task.name} --candidates {several} --from {path}`"
        )
    if missing := answered.missing:
        raise InvalidRun(
            f"{path} is incomplete, {missing} of {answered.answers.last.size} moments have no final reply, so that no "
            "sample is a sample of it: run the same command again to finish it"
        )
    unclean = count_unclean(answered.answers)
    if unclean.too_many:
        raise InvalidRun(
            f"{path} is invalid, the provider spoilt {unclean.provider_share:.1%} of its replies: run it again with "
            "another server or provider"
        )
