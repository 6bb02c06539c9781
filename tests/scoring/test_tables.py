import io
import re

import pytest
from rich.console import Console

from proactivebench.cli.comparisons import print_comparison
from proactivebench.cli.tables import print_report
from proactivebench.scoring.comparison import compare
from tests.scoring.runs import JUDGE, LABELS, by_trace, make_judge, report_on

ROWS = {name: row + "x" for name, row in by_trace(*[(8, 2, 6, 2 + g % 2) for g in range(12)]).items()}
NEEDS = {name: [letter in "Ar" for letter in row] for name, row in ROWS.items()}
SPLITS = {f"t{index}": ("coding", "writing", "daily_life")[index % 3] for index in range(12)}


def shown(report, width=80):
    console = Console(file=io.StringIO(), width=width, force_terminal=False)
    print_report(report, console)
    return console.file.getvalue()


def test_a_report_leads_with_need_detection_and_the_judged_figures_follow_under_their_judge():
    text = shown(report_on(ROWS, needs=NEEDS, judge=LABELS, splits=SPLITS))
    lines = [line.split() for line in text.splitlines()]
    head = next(index for index, line in enumerate(lines) if line[-2:] == ["never", "always"])
    assert [line[1] for line in lines[head + 1 : head + 3]] == ["need_detection_recall", "needless_offer_rate"]
    assert lines[head + 3][1] == "need_detection_balanced_accuracy"
    assert lines[head + 3][-2:] == ["0.500", "0.500"]
    assert text.index("when to speak") < text.index("placed at random") < text.index("what was offered: judge")
    assert text.index("what was offered: judge") < text.index("↑ precision")
    assert re.search(r"offers: \d+ of \d+ by people", text)


def test_what_a_baseline_hears_is_named_for_what_it_is():
    text = shown(report_on(ROWS, judge=make_judge().model_copy(update={"baseline": True}), splits=SPLITS))
    assert "f1 (overlap)" in text
    assert "nobody labelled where help was needed" in text


def test_a_majority_row_stands_under_its_own_metric_and_names_it():
    text = shown(report_on(ROWS, needs=NEEDS, judge=LABELS, splits=SPLITS))
    lines = [line.removeprefix("↑").split() for line in text.splitlines()]
    for key in ("f1", "need_detection_balanced_accuracy"):
        own = next(place for place, cells in enumerate(lines) if cells[:1] == [key])
        assert lines[own + 1][0] == key
        rule = ["by", "the", "majority", "rule"]
        assert rule in (lines[own + 1][1:5], lines[own + 2])


@pytest.mark.parametrize("judge", [JUDGE, LABELS, make_judge(silence=None).model_copy(update={"baseline": True})])
def test_a_report_fits_eighty_columns(judge):
    text = shown(report_on(ROWS, needs=NEEDS, judge=judge, splits=SPLITS, name="a-very-long-model-name/" * 5))
    assert max(map(len, text.splitlines())) <= 80


def test_undefined_metrics_say_why_and_every_status_is_counted():
    text = shown(report_on({"t": "aarxy!."}))
    assert "no scored offer" in text
    assert "INCOMPLETE: 2 of 7" in text
    assert "silent 3, unparsable 2, error 1, missing 1" in text
    assert "unclean replies count as silence" not in shown(report_on({"t": "Aar"}))


def test_an_invalid_run_says_so_with_the_causes():
    text = shown(report_on({"t": "AAUU"}))
    assert "INVALID: 50.0%" in text
    assert "unscored verdicts: unscored 2" in text


def test_names_of_others_are_text():
    text = shown(report_on(ROWS, name="[bold red]x\x1b[2J"))
    assert "[bold red]x" in text
    assert "\x1b" not in text


def test_a_comparison_fits_eighty_columns_and_says_first_what_it_comes_to():
    other = {name: row.replace("AA", "RR", 1) for name, row in ROWS.items()}
    console = Console(file=io.StringIO(), width=80)
    print_comparison(compare([report_on(ROWS, name="one"), report_on(other, name="two")]), console)
    text = console.file.getvalue()
    cautions = "note: one: 5.1% of the replies are unusable by the model's own doing (unparsable\n12)"
    assert text.startswith(cautions)  # what must be known before any number is believed
    assert "\none is better than two on F1" in text
    assert max(map(len, text.splitlines())) <= 80


def test_four_traces_are_said_to_be_too_few():
    few, other = by_trace(*[(8, 2, 6, 2)] * 4), by_trace(*[(7, 3, 6, 2)] * 4)
    console = Console(file=io.StringIO(), width=80)
    print_comparison(compare([report_on(few, name="one"), report_on(other, name="two")]), console)
    assert "cannot be told apart" in console.file.getvalue()
    assert "cannot be tested" in console.file.getvalue()
