"""compare, power and show-worthy reports from the command line."""

import json

import pytest

from proactivebench.cli import main
from tests.scoring.runs import by_trace, report_on

ONE = by_trace(*[(8, 2, 6, 2 + g % 2) for g in range(12)])
TWO = {name: row.replace("AA", "RR", 1) for name, row in ONE.items()}
FEWER = {name: row for name, row in ONE.items() if name != "t0"}


@pytest.fixture
def runs(tmp_path):
    for name, rows in {"one": ONE, "two": TWO, "fewer": FEWER}.items():
        (tmp_path / f"{name}.json").write_text(report_on(rows, name=name).model_dump_json(), encoding="utf-8")
    return tmp_path


def called(capsys, *args):
    with pytest.raises(SystemExit) as done:
        main([str(arg) for arg in args])
    out, err = capsys.readouterr()
    return done.value.code, out, err


def test_compare_speaks_json_and_nothing_else(runs, capsys):
    code, out, err = called(capsys, "compare", runs / "one.json", runs / "two.json", "--json")
    assert (code, err) == (0, "")
    pair = json.loads(out)["pairs"][0]
    assert pair["p"] == pytest.approx(2 / 2**12)


def test_runs_on_other_data_are_refused_in_one_line_and_marked_with_anyway(runs, capsys):
    code, out, err = called(capsys, "compare", runs / "one.json", runs / "fewer.json")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "different data" in err
    code, out, _ = called(capsys, "compare", runs / "one.json", runs / "fewer.json", "--anyway")
    assert code == 0
    assert "note: different data" in out


@pytest.mark.parametrize("bad", ["nowhere.json", "broken.json", "list.json"])
def test_what_is_no_report_is_refused_in_one_line(runs, capsys, bad):
    (runs / "broken.json").write_text("{", encoding="utf-8")
    (runs / "list.json").write_text("[]", encoding="utf-8")
    code, _, err = called(capsys, "compare", runs / "one.json", runs / bad)
    assert (code, err.count("\n")) == (2, 1)
    assert bad in err


def test_one_run_cannot_be_compared(runs, capsys):
    code, _, err = called(capsys, "compare", runs / "one.json")
    assert code == 2
    assert "two or more" in err


def test_power_plans_from_two_runs_or_from_a_standard_error(runs, capsys):
    code, out, _ = called(capsys, "power", "--difference", "0.03", "--stderr", "0.047", "--json")
    assert code == 0
    assert json.loads(out)["plans"][0]["traces_needed"] == pytest.approx(235, abs=3)
    mixed = {name: TWO[name] if index % 2 else row for index, (name, row) in enumerate(ONE.items())}
    (runs / "mixed.json").write_text(report_on(mixed, name="mixed").model_dump_json(), encoding="utf-8")
    code, out, _ = called(capsys, "power", runs / "one.json", runs / "mixed.json", "--json")
    assert code == 0
    assert json.loads(out)["plans"][0]["agents"] == "measured"


def test_power_refuses_what_cannot_be_planned(runs, capsys):
    for args in (
        ("--difference", "0"),
        ("--stderr", "-1"),
        (runs / "one.json",),
        (runs / "one.json", runs / "one.json"),
    ):
        code, _, err = called(capsys, "power", *args)
        assert (code, err.count("\n")) == (2, 1)
