"""The judge as an lm-eval filter, which sees all documents of a task at once: verdicts are asked for in batches."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from lm_eval.api.filter import Filter, FilterEnsemble

Judging = Callable[[Sequence[Sequence[str]], Sequence[dict[str, Any]]], list[str]]
"""From the answers to each document, and the documents, to a row for each."""


class JudgeFilter(Filter):  # type: ignore[misc]
    """Answers in, one row of replies and verdicts a document out."""

    def __init__(self, judging: Judging) -> None:
        self._judging = judging

    def apply(self, resps: Iterable[Sequence[str]], docs: Sequence[dict[str, Any]]) -> list[list[str]]:
        """One row a document, in order."""
        return [[row] for row in self._judging(list(resps), docs)]


def judge_column(judge_id: str, judging: Judging) -> FilterEnsemble:
    """The filter under its judge's id: lm-eval shows it as a column of its own."""
    return FilterEnsemble(name=judge_id, filters=[lambda: JudgeFilter(judging)])
