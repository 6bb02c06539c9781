"""The published figures hold together: counts, splits and F1, and the files they were read from."""

import csv
import os
from pathlib import Path

import pytest

from proactivebench.board.published import published

ROWS = [(table, row) for table in published().tables for row in table.rows]


@pytest.mark.parametrize(("table", "row"), ROWS, ids=lambda item: getattr(item, "model", None) or item.id)
def test_a_published_row_adds_up(table, row):
    whole = row.confusion["all"]
    assert round(100 * whole.f1, 2) == pytest.approx(row.f1, abs=0.011)
    for split, counts in row.confusion.items():
        assert counts.moments == {**table.moments, **row.moments}[split]
    splits = [counts for split, counts in row.confusion.items() if split != "all"]
    if splits:
        for name in ("tp", "fp", "tn", "fn"):
            assert sum(getattr(counts, name) for counts in splits) == getattr(whole, name)


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
