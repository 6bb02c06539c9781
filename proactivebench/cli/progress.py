"""Progress of a run: a live line on a terminal, a plain line now and then elsewhere. Always on standard error."""

from __future__ import annotations

import sys
import time
from collections import Counter
from types import TracebackType
from typing import TYPE_CHECKING

from proactivebench.cli.terminal import safe
from proactivebench.evaluation import Callbacks
from proactivebench.records import Cause, Reply, ReplyStatus, Verdict, VerdictStatus

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

_EVERY_S = 10.0
_SHOWN = 3  # kinds of failure told at the end, commonest first
_KEPT = 200  # kinds of failure kept: servers may word each one differently
_TOO_LARGE = (
    "the judge's request is too large for its server: lower its max_gen_toks (--judge_gen_kwargs max_gen_toks=N), or "
    "take a model whose context is longer (max_length in --judge_model_args says how long it is)"
)
_TRUNCATED = (
    "truncated: the judge was cut off before its verdict; raise its max_gen_toks (--judge_gen_kwargs max_gen_toks=N)"
)
_WAYS_OUT = {Cause.TOO_LARGE.value: _TOO_LARGE, "truncated": _TRUNCATED}


class ProgressCallbacks(Callbacks):
    """Follows a run as a context manager. Plain lines come every ten seconds and at the end, and then what failed."""

    def __init__(self) -> None:
        self._live: Progress | None = None
        self._bar: TaskID | None = None
        self._total = self._done = self._verdicts = self._unscored = 0
        self._statuses: Counter[str] = Counter()
        self._failures: Counter[str] = Counter()
        self._said = time.monotonic()

    def __enter__(self) -> ProgressCallbacks:
        if sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

            columns = (TextColumn("replies"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}"))
            self._live = Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True), transient=True)
            self._live.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None) -> None:
        if self._live:
            self._live.stop()
        if self._total and (kind is None or self._statuses):
            self._say()
        for failure, count in self._failures.most_common(_SHOWN):
            print(f"{count} × {safe(failure)}", file=sys.stderr)

    def started(self, moments: int, missing: int) -> None:
        """Show how far the run is."""
        self._total, self._done = moments, moments - missing
        if self._live:
            self._bar = self._live.add_task("", total=moments, completed=self._done)
        elif 0 < self._done < moments:
            print(f"resuming: {self._done} of {moments} moments are answered", file=sys.stderr)

    def reply(self, reply: Reply) -> None:
        """Count a reply; rounds after the first add nothing to the total."""
        self._statuses[reply.status] += 1
        self._done += reply.round == 0 and reply.status.final
        if reply.status is ReplyStatus.ERROR and reply.error:
            self._failed(f"error: {reply.error}")
        self._show()

    def verdict(self, verdict: Verdict) -> None:
        """Count a verdict, and apart one that could not be scored."""
        self._verdicts += 1
        self._unscored += verdict.status is VerdictStatus.UNSCORED
        if verdict.status is VerdictStatus.UNSCORED and verdict.cause:
            self._failed(f"unscored: {_WAYS_OUT.get(verdict.cause, verdict.cause)}")
        self._show()

    def _failed(self, failure: str) -> None:
        if failure in self._failures or len(self._failures) < _KEPT:
            self._failures[failure] += 1

    def _show(self) -> None:
        if self._live and self._bar is not None:
            self._live.update(self._bar, completed=self._done, description=self._tally())
        elif not self._live and time.monotonic() - self._said >= _EVERY_S:
            self._say()

    def _say(self) -> None:
        self._said = time.monotonic()
        print(f"{self._done}/{self._total} moments answered; {self._tally()}", file=sys.stderr)

    def _tally(self) -> str:
        counts = [f"{count} {status}" for status, count in self._statuses.most_common()]
        unscored = [f"{self._unscored} unscored"] if self._unscored else []
        return ", ".join([*(counts or ["nothing new"]), f"{self._verdicts} verdicts", *unscored])
