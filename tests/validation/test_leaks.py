import json
import os
from pathlib import Path

import pytest

from proactivebench.errors import DataError
from proactivebench.traces import labelled_items, load_task
from proactivebench.validation.leaks import TrainingRow, audit, read_rows, released_rows
from tests.judging.scripted import trace

A, B, C = ("a",), ("a", "b"), ("c",)


def test_what_is_shared_is_counted() -> None:
    train = [TrainingRow(A, "x", True), TrainingRow(B, "y", False), TrainingRow(B, None, True, need=False)]
    test = [TrainingRow(B, "z", False), TrainingRow(B, "y", True), TrainingRow(C, "x", True)]
    found = audit(train, test, [trace("a", "q")])
    assert found.test_rows_with_shared_moment == 2
    assert (found.test_traces_shared, found.test_traces) == (1, 2)
    assert (found.test_rows_exact, found.conflicting_duplicates) == (1, 1)
    assert (found.train_rows_on_benchmark, found.benchmark_moments_in_train) == (1, 1)
    assert found.lookup_by_sibling is not None
    assert (found.lookup_by_sibling.rows, found.lookup_by_sibling.correct) == (2, 1)
    assert found.leaks


def test_sets_apart_do_not_leak() -> None:
    found = audit([TrainingRow(A, "x", True)], [TrainingRow(C, "x", True)], [trace("d")])
    assert not found.leaks
    assert found.lookup_by_need is None


def test_need_is_told_by_an_accepted_sibling_where_the_data_has_no_label() -> None:
    found = audit([TrainingRow(A, "x", True)], [TrainingRow(A, None, False)], [trace("d")])
    assert found.lookup_by_need is not None
    assert found.lookup_by_need.accuracy == 1.0


@pytest.mark.parametrize(
    "line",
    ["{", "[]", '{"obs": []}', '{"obs": [], "pred_task": null, "valid": true}',
     '{"obs": [{"event": "e"}], "pred_task": 1, "valid": true}',
     '{"obs": [{"event": "e"}], "pred_task": null, "valid": "yes"}'],
)  # fmt: skip
def test_a_wrong_row_is_named_by_its_line(tmp_path: Path, line: str) -> None:
    good = json.dumps({"obs": [{"event": "e"}], "pred_task": None, "valid": True})
    path = tmp_path / "rows.jsonl"
    path.write_text(f"{good}\n\n{line}\n")
    with pytest.raises(DataError, match=":3:"):
        read_rows(path)


def test_empty_data_is_refused() -> None:
    with pytest.raises(DataError, match="empty"):
        audit([], [TrainingRow(A, None, True)], [])


@pytest.mark.skipif(not os.environ.get("PROACTIVEBENCH_MIRROR"), reason="PROACTIVEBENCH_MIRROR is not set")
def test_the_release_leaks_as_documented() -> None:
    rows = labelled_items()
    found = audit(released_rows(rows, "train"), released_rows(rows, "test"), load_task("proactivebench").traces)
    assert (found.test_rows_with_shared_moment, found.test_rows) == (120, 120)
    assert (found.test_traces_shared, found.test_traces) == (14, 14)
    assert (found.train_rows_on_benchmark, found.train_rows) == (1230, 1629)
    assert found.benchmark_moments_in_train == 233
    assert found.lookup_by_sibling is not None
    assert found.lookup_by_need is not None
    assert found.lookup_by_sibling.accuracy == pytest.approx(0.858, abs=5e-4)
    assert found.lookup_by_need.accuracy == pytest.approx(0.925, abs=5e-4)
