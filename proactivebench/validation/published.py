"""What printed scores can mean: every confusion matrix that gives a published row, and how far it is from `always`.

A row of percentages over a known number of moments leaves few integer matrices, often one, sometimes none. What they
share is then known although it was not printed: how often the agent kept silent, and how many moments were right for
an offer, so what an agent that always offers would have scored there.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from proactivebench.errors import BadArgument, DataError, UnknownName
from proactivebench.files import read_text
from proactivebench.records import Record

FIGURES = ("recall", "precision", "f1", "accuracy", "false_discovery_rate")
MOST_MOMENTS = 20_000
_MOST_CELLS = 4_000_000  # matrices looked at for one number of true positives
_MOST_LISTED = 100
_SYNONYMS = {
    "model": "name",
    "f1_score": "f1",
    "fdr": "false_discovery_rate",
    "total_events": "moments",
    "n": "moments",
}
_NUMBER = re.compile(r"\d{1,3}(?:\.\d{0,12})?|\.\d{1,12}")


class Convention(StrEnum):
    """How a figure was cut to its printed digits."""

    ROUNDED = "rounded"
    TRUNCATED = "truncated"


class Matrix(NamedTuple):
    """One confusion matrix: offers accepted and rejected, silences accepted and rejected."""

    tp: int
    fp: int
    tn: int
    fn: int


class Fit(Record):
    """The matrices that fit a row under one convention: how many, the first hundred of them, and over all of them the
    least and greatest prevalence (share of moments at which an offer was right, (TP+FN)/N), number of silences (TN+FN),
    F1 that `always` has at this prevalence, 2p/(1+p), and F1 beyond that of `always`. Fractions, not percentages."""

    convention: Convention
    count: int
    matrices: tuple[Matrix, ...] = ()
    prevalence: tuple[float, float] | None = None
    silences: tuple[int, int] | None = None
    always_f1: tuple[float, float] | None = None
    beyond_always: tuple[float, float] | None = None


class RowAudit(Record):
    """One published row and what fits it. `figures` are as printed; `unit` is `percent` or `fraction`."""

    name: str
    moments: int
    figures: dict[str, str]
    unit: str
    fits: tuple[Fit, ...]

    @property
    def possible(self) -> bool:
        """Whether any matrix gives these figures under either convention."""
        return any(fit.count for fit in self.fits)


class _Range(NamedTuple):
    """A fraction between low/scale and high/scale; `open` where the upper end is not in it."""

    low: int
    high: int
    scale: int
    open: bool

    def holds(self, part: NDArray[np.int64], whole: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Where part/whole lies in the range. 0/0 counts as 0: scripts print that for an undefined rate."""
        above = part * self.scale >= self.low * whole
        below = part * self.scale < self.high * whole if self.open else part * self.scale <= self.high * whole
        undefined = whole == 0
        zero = self.low <= 0
        fits: NDArray[np.bool_] = np.where(undefined, zero, above & below)
        return fits


def audit_row(name: str, moments: int, figures: Mapping[str, str], *, percent: bool | None = None) -> RowAudit:
    """Every matrix of `moments` moments that gives the printed `figures`.

    Args:
        name: what the row is called.
        moments: how many moments the row is about, N = TP+FP+TN+FN.
        figures: printed text by metric: any of `recall` TP/(TP+FN), `precision` TP/(TP+FP), `f1` 2TP/(2TP+FP+FN),
            `accuracy` (TP+TN)/N, `false_discovery_rate` FP/(TP+FP). The digits printed say how exact each is.
        percent: whether the figures are percentages; None = they are if one of them is above 1 or has a % sign.

    Returns:
        What fits under each convention, rounding first.

    Raises:
        DataError: a figure that is no number, or out of range; no figures at all.
        UsageError: more moments than can be searched.
    """
    known = {key: text.strip() for key, text in figures.items() if text.strip()}
    if not known:
        raise DataError(f"{name}: no figures to fit: give any of {', '.join(FIGURES)}")
    if unknown := sorted(known.keys() - set(FIGURES)):
        raise UnknownName(f"{name}: {', '.join(unknown)} cannot be fitted: give any of {', '.join(FIGURES)}")
    if not 1 <= moments <= MOST_MOMENTS:
        raise BadArgument(f"{name}: {moments} moments: matrices are searched for 1 to {MOST_MOMENTS:,}")
    if percent is None:
        percent = is_percent(known.values())
    ranges = {key: _printed(name, key, text, percent) for key, text in known.items()}
    fits = tuple(
        _fit(convention, moments, {key: found[convention] for key, found in ranges.items()})
        for convention in Convention
    )
    return RowAudit(name=name, moments=moments, figures=known, unit="percent" if percent else "fraction", fits=fits)


def is_percent(figures: Iterable[str]) -> bool:
    """Whether printed figures are percentages: one has a % sign or is above 1."""
    return any("%" in text or (_NUMBER.fullmatch(text.strip()) and float(text) > 1) for text in figures)


def read_table(file: Path) -> list[RowAudit]:
    """Audit a table of published rows.

    Args:
        file: CSV with a header, or YAML (a list of rows, or a mapping with `rows`). Columns: `name`, `moments` and any
            of the figures; percentages or fractions, one of them for the whole file. Other columns are left alone.

    Returns:
        One audit a row, in the file's order.

    Raises:
        DataError: the file cannot be read, has no rows, or a row lacks its name, its moments or all figures.
    """
    rows = [_named(row) for row in _rows(file)]
    if not rows:
        raise DataError(f"{file} holds no rows: give a table with the columns name, moments and {', '.join(FIGURES)}")
    percent = is_percent(text for row in rows for key, text in row.items() if key in FIGURES)
    audits = []
    for number, row in enumerate(rows, 1):
        name, moments = row.get("name", ""), row.get("moments", "")
        if not name or not moments.isdecimal():
            lacking = "name" if not name else "whole number of moments"
            raise DataError(f"{file}, row {number} has no {lacking}: it needs name, moments and a figure")
        figures = {key: text for key, text in row.items() if key in FIGURES}
        try:
            audits.append(audit_row(name, int(moments), figures, percent=percent))
        except DataError as error:
            raise DataError(f"{file}, row {number}: {error}") from None
    return audits


def _rows(file: Path) -> Iterator[dict[str, str]]:
    text = read_text(file, "a CSV or YAML table with name, moments and figures")
    if file.suffix.lower() in (".yaml", ".yml", ".json"):
        yield from _yaml_rows(file, text)
        return
    for row in csv.DictReader(text.splitlines()):
        yield {str(key): str(value or "") for key, value in row.items() if isinstance(key, str)}


def _yaml_rows(file: Path, text: str) -> Iterator[dict[str, str]]:
    import yaml

    try:
        found = yaml.load(text, Loader=yaml.BaseLoader)  # noqa: S506 - every scalar stays text: 66.40 keeps its digits
    except (yaml.YAMLError, RecursionError):
        raise DataError(f"{file} is not YAML: give a list of rows with name, moments and figures") from None
    rows = found.get("rows") if isinstance(found, dict) else found
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise DataError(f"{file} is no list of rows: give name, moments and figures in each")
    for row in rows:
        yield {str(key): value for key, value in row.items() if isinstance(value, str)}


def _named(row: Mapping[str, str]) -> dict[str, str]:
    """A row under our names: case, spaces and dashes in a column's name do not matter."""
    found = {}
    for column, value in row.items():
        key = re.sub(r"[\s\-]+", "_", column.strip().lower())
        found[_SYNONYMS.get(key, key)] = value.strip()
    return found


def _printed(name: str, key: str, text: str, percent: bool) -> dict[Convention, _Range]:
    """The fractions that a printed figure stands for, by convention."""
    digits = text.replace("%", "").strip()
    if not _NUMBER.fullmatch(digits):
        raise DataError(f"{name}: {key} is '{text[:40]}': give a number as it is printed, such as 66.47 or 0.6647")
    whole, _, decimals = digits.partition(".")
    scale = 10 ** (len(decimals) + (2 if percent else 0))
    value = int((whole or "0") + decimals)
    if value > scale:
        raise DataError(f"{name}: {key} is {text}: above {'100 %' if percent else '1'}, so it is no share")
    return {
        Convention.ROUNDED: _Range(2 * value - 1, 2 * value + 1, 2 * scale, open=False),
        Convention.TRUNCATED: _Range(value, value + 1, scale, open=True),
    }


def _fit(convention: Convention, moments: int, ranges: Mapping[str, _Range]) -> Fit:
    blocks = [block for tp in range(moments + 1) if len(block := _matrices(tp, moments, ranges))]
    if not blocks:
        return Fit(convention=convention, count=0)
    found = np.concatenate(blocks)
    tp, fp, tn, fn = found.T
    prevalence = (tp + fn) / moments
    always = 2 * prevalence / (1 + prevalence)
    errors = 2 * tp + fp + fn
    f1 = np.divide(2 * tp, errors, out=np.zeros(len(found)), where=errors > 0)
    return Fit(
        convention=convention,
        count=len(found),
        matrices=tuple(Matrix(*row) for row in found[:_MOST_LISTED].tolist()),
        prevalence=_ends(prevalence),
        silences=(int((tn + fn).min()), int((tn + fn).max())),
        always_f1=_ends(always),
        beyond_always=_ends(f1 - always),
    )


def _matrices(tp: int, moments: int, ranges: Mapping[str, _Range]) -> NDArray[np.int64]:
    """The matrices with so many true positives, a row (TP, FP, TN, FN) each."""
    rest = np.arange(moments - tp + 1, dtype=np.int64)
    false = rest
    for key, part in (("precision", np.full_like(rest, tp)), ("false_discovery_rate", rest)):
        if key in ranges:
            false = false[ranges[key].holds(part[false], tp + false)]
    missed = rest
    if "recall" in ranges:
        missed = missed[ranges["recall"].holds(np.full_like(rest, tp), tp + rest)]
    if not len(false) or not len(missed):
        return np.empty((0, 4), dtype=np.int64)
    if len(false) * len(missed) > _MOST_CELLS:
        raise BadArgument(
            f"too many matrices of {moments:,} moments to search: give precision and recall beside what there is"
        )
    fp, fn = (grid.ravel() for grid in np.meshgrid(false, missed, indexing="ij"))
    tn = moments - tp - fp - fn
    fits = tn >= 0
    if "f1" in ranges:
        fits &= ranges["f1"].holds(np.full_like(fp, 2 * tp), 2 * tp + fp + fn)
    if "accuracy" in ranges:
        fits &= ranges["accuracy"].holds(tp + tn, np.full_like(fp, moments))
    return np.stack([np.full_like(fp, tp), fp, tn, fn], axis=1)[fits]


def _ends(values: NDArray[np.float64]) -> tuple[float, float]:
    return float(values.min()), float(values.max())
