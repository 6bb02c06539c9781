from pathlib import Path

import pytest

from proactivebench.scoring.documentation import metric_table, with_table
from proactivebench.scoring.registry import METRICS, metric_for

PAGE = Path(__file__).parents[2] / "docs" / "metrics.md"


def test_the_documented_table_is_that_of_the_registry():
    text = PAGE.read_text(encoding="utf-8")
    assert with_table(text) == text, "run `python -m proactivebench.scoring.documentation docs/metrics.md`"


def test_every_metric_has_a_row():
    rows = metric_table().splitlines()[2:]
    assert len(rows) == len(METRICS)
    assert all(row.count("|") - row.count("\\|") == 12 for row in rows)


def test_keys_of_variants_lead_to_their_metric():
    assert metric_for("f1_majority").title.startswith("F1")
    assert metric_for("utility_0.25_0").measure is METRICS["utility_0.25_0"].measure
    assert metric_for("precision_pred2").better == "up"
    for unknown in ("f2", "f1_minority", "precision_pred"):
        with pytest.raises(KeyError):
            metric_for(unknown)
