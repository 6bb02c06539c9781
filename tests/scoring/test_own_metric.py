"""A metric from outside: registered in one place, and every surface has it."""

import io
import json
import re
from pathlib import Path

import pytest
from rich.console import Console

from proactivebench.cli import main
from proactivebench.cli.tables import print_report
from proactivebench.errors import UsageError
from proactivebench.lm_eval_plugin.columns import cell, columns
from proactivebench.scoring.comparison import compare
from proactivebench.scoring.counting import COUNTS, count
from proactivebench.scoring.gate import gate
from proactivebench.scoring.measures import Ratio, total
from proactivebench.scoring.metric import Interval, Metric
from proactivebench.scoring.offers import Column
from proactivebench.scoring.registry import METRICS, register
from tests.scoring.runs import by_trace, report_on

ROWS = by_trace(*[(8, 2, 6, 2 + g % 2) for g in range(12)])
OTHER = {name: row.replace("a", "A", 2) for name, row in ROWS.items()}
KEY = "silence_rate"


@pytest.fixture
def own():
    """A metric on a count of its own, both gone again afterwards."""
    chosen = count("chosen_silences", lambda tally: tally.silent & ~tally.unclean)
    yield register(
        Metric(
            key=KEY, title="share of moments in chosen silence", formula="chosen silences/moments", better="up",
            undefined="no moment", needs=frozenset(), interval=Interval.PROPORTION, source="me",
            measure=Ratio(total(chosen), total(Column.MOMENTS)),
        )
    )  # fmt: skip
    forgotten()


def forgotten():
    METRICS.pop(KEY, None)
    COUNTS[:] = [known for known in COUNTS if known.name != "chosen_silences"]


@pytest.mark.usefixtures("own")
def test_a_metric_from_outside_stands_in_every_surface(tmp_path, capsys):
    one, two = report_on(ROWS, name="one"), report_on(OTHER, name="two")
    judged = one.judges[0]
    value = judged.overall.metrics[KEY].value
    assert value == pytest.approx(
        sum(row.count("a") + row.count("r") for row in ROWS.values()) / len("".join(ROWS.values()))
    )
    console = Console(file=io.StringIO(), width=80)
    print_report(one, console)
    assert re.search(rf"(?m)^↑ {KEY} +{value:.3f}  \[", console.file.getvalue())
    assert compare([one, two], KEY).standings[0].value == pytest.approx(value)
    assert gate(one, two, KEY).metrics[0].baseline_value == pytest.approx(value)
    assert json.loads(one.model_dump_json())["judges"][0]["overall"]["metrics"][KEY]["value"] == pytest.approx(value)
    (column,) = [name for name, key, _ in columns(()) if key == KEY]
    assert (column, cell(judged, column, KEY, None).value) == (f"pb_{KEY}", value)
    for name, report in (("one", one), ("two", two)):
        (tmp_path / f"{name}.json").write_text(report.model_dump_json(), encoding="utf-8")
    with pytest.raises(SystemExit) as done:
        main(["compare", str(tmp_path / "one.json"), str(tmp_path / "two.json"), "--metric", KEY])
    assert done.value.code == 0
    assert "one is better than two on share of moments in chosen silence" in capsys.readouterr().out


def test_reports_from_before_a_count_say_that_it_was_not_counted(request):
    before = report_on(ROWS, name="before")
    request.getfixturevalue("own")
    after = report_on(OTHER, name="after")
    assert "chosen_silences" in after.judges[0].tables[""].columns
    assert "chosen_silences" not in before.judges[0].tables[""].columns
    reasons = {one.name: one.reason for one in compare([before, after], KEY).standings}
    assert "not counted in this report" in reasons["before"]
    assert compare([before, after], "f1").standings[0].value is not None


@pytest.mark.usefixtures("own")
def test_a_count_is_counted_once_under_a_name_by_one_function():
    with pytest.raises(UsageError, match="choose another name"):
        count("chosen_silences", lambda tally: tally.silent)
    with pytest.raises(UsageError, match="give one"):
        count("another")
    assert [int(known) for known in COUNTS] == list(range(len(COUNTS)))


@pytest.mark.usefixtures("own")
@pytest.mark.parametrize("key", [KEY, "f1", "f1_majority", "precision_pred2"])
def test_a_key_that_is_taken_is_refused(key):
    with pytest.raises(UsageError, match="choose another key"):
        register(
            Metric(key, "", "", "up", "", frozenset(), Interval.NONE, "me", Ratio(total(Column.TP), total(Column.FP)))
        )


def test_a_metric_that_nothing_computes_is_refused():
    with pytest.raises(UsageError, match="give one"):
        register(Metric("nothing", "", "", "up", "", frozenset(), Interval.NONE, "me"))
    assert "nothing" not in METRICS


def test_the_documented_example_registers():
    page = (Path(__file__).parents[2] / "docs" / "metrics.md").read_text(encoding="utf-8")
    (block,) = [found for found in re.findall(r"```python\n(.*?)```", page, re.DOTALL) if "register(" in found]
    try:
        exec(compile(block, "metrics.md", "exec"), {})  # noqa: S102 # our own page
        assert report_on(ROWS).judges[0].overall.metrics[KEY].value is not None
    finally:
        forgotten()
