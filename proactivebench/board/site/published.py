"""The published scores, as reported: shown beside the board, never in its ranks."""

from __future__ import annotations

from functools import cache
from typing import Any, Literal

import yaml
from pydantic import Field

from proactivebench.records import Record
from proactivebench.resources import shipped


class Counts(Record):
    """A published confusion matrix: offers accepted and rejected, silences accepted and rejected."""

    tp: int
    fp: int
    tn: int
    fn: int

    @property
    def f1(self) -> float:
        """2TP/(2TP+FP+FN)."""
        return 2 * self.tp / (2 * self.tp + self.fp + self.fn)

    @property
    def moments(self) -> int:
        """All four counts together."""
        return self.tp + self.fp + self.tn + self.fn


class PublishedRow(Record):
    """One row of one published table; `f1` in percent as printed there; `confusion` per split and for `all`, where the
    printed figures leave one matrix; `figures` by metric, as printed, and how the source cut them to their digits."""

    model: str
    f1: float
    confusion: dict[str, Counts] = Field(default_factory=dict)
    moments: dict[str, int] = Field(default_factory=dict)
    figures: dict[str, str] = Field(default_factory=dict)
    convention: Literal["rounded", "truncated"] = "rounded"
    notes: tuple[str, ...] = ()


class PublishedTable(Record):
    """One published table with where it stands. `positive` says what its four counts mean, should that differ."""

    id: str
    title: str
    source: str
    url: str | None = None
    moments: dict[str, int]
    rows: tuple[PublishedRow, ...]
    notes: tuple[str, ...] = ()
    positive: str | None = None


class Published(Record):
    """`leaderboard/published.yaml`."""

    paper: dict[str, str]
    repository: dict[str, str]
    notes: tuple[str, ...]
    tables: tuple[PublishedTable, ...]
    settings: dict[str, Any]


@cache
def published() -> Published:
    """The published scores with their source and known flaws."""
    text = shipped("leaderboard", "published.yaml").read_text(encoding="utf-8")
    return Published.model_validate(yaml.safe_load(text))
