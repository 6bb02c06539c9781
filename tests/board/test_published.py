"""The published figures hold together: counts, splits and F1, and the files they were read from."""

import csv
import os
from pathlib import Path

import pytest

from proactivebench.board.site.published import published
from proactivebench.validation.published import audit_row

ROWS = [(table, row) for table in published().tables for row in table.rows if row.confusion]
PRINTED = [(table, row) for table in published().tables for row in table.rows if row.figures]


@pytest.mark.parametrize(("table", "row"), ROWS, ids=lambda item: getattr(item, "model", None) or item.id)
def test_a_published_row_adds_up(table, row):
    whole = row.confusion["all"]
    assert 100 * whole.f1 == pytest.approx(row.f1, abs=0.01 if row.convention == "truncated" else 0.0051)
    for split, counts in row.confusion.items():
        assert counts.moments == {**table.moments, **row.moments}[split]
    splits = [counts for split, counts in row.confusion.items() if split != "all"]
    if splits:
        for name in ("tp", "fp", "tn", "fn"):
            assert sum(getattr(counts, name) for counts in splits) == getattr(whole, name)


@pytest.mark.parametrize(("table", "row"), PRINTED, ids=lambda item: getattr(item, "model", None) or item.id)
def test_a_matrix_is_the_one_its_printed_figures_leave(table, row):
    audit = audit_row(row.model, {**table.moments, **row.moments}["all"], row.figures, percent=True)
    fits = {fit.convention.value: fit for fit in audit.fits}
    assert fits[row.convention].count, "no matrix gives these figures"
    assert float(row.figures["f1"]) == row.f1
    if row.convention == "truncated":
        assert fits["rounded"].count == 0
    if row.confusion:
        counts = row.confusion["all"]
        assert (counts.tp, counts.fp, counts.tn, counts.fn) in fits[row.convention].matrices


@pytest.mark.skipif("PROACTIVEBENCH_MIRROR" not in os.environ, reason="no mirror of the release")
@pytest.mark.parametrize("row", published().tables[0].rows, ids=lambda row: row.model)
def test_a_row_is_what_the_released_file_says(row):
    file = Path(os.environ["PROACTIVEBENCH_MIRROR"]) / "eval" / "results" / f"{row.model}.csv"
    if not file.exists():
        pytest.skip(f"the mirror has no {file.name}")
    with file.open(encoding="utf-8") as lines:
        said = {line["Category"].removeprefix("real_"): line for line in csv.DictReader(lines)}
    for split, counts in row.confusion.items():
        line = said["average" if split == "all" else split]
        assert int(line["Total Events"]) == counts.moments
        assert float(line["Precision"]) == pytest.approx(counts.tp / (counts.tp + counts.fp), abs=1e-6)
        assert float(line["Recall"]) == pytest.approx(counts.tp / (counts.tp + counts.fn), abs=1e-6)
        assert float(line["Accuracy"]) == pytest.approx((counts.tp + counts.tn) / counts.moments, abs=1e-6)
