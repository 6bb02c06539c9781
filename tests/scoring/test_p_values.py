"""A p-value is never printed as 0, on any surface; JSON keeps its value."""

import json
import re

import pytest

from proactivebench.cli import main
from proactivebench.scoring.signflip import p_equals, p_value
from tests.scoring.runs import by_trace, report_on

GOOD = by_trace(*[(9, 1 + g % 2, 8, 2) for g in range(14)])
BAD = by_trace(*[(2, 8 + g % 2, 3, 7) for g in range(14)])


@pytest.fixture
def runs(tmp_path):
    for name, rows in {"good": GOOD, "bad": BAD}.items():
        (tmp_path / f"{name}.json").write_text(report_on(rows, name=name).model_dump_json(), encoding="utf-8")
    return tmp_path / "good.json", tmp_path / "bad.json"


def called(capsys, *args):
    with pytest.raises(SystemExit):
        main([str(arg) for arg in args])
    out, err = capsys.readouterr()
    return out, err


@pytest.mark.parametrize(
    ("p", "said"), [(0.0, "< .001"), (1e-9, "< .001"), (0.00099, "< .001"), (0.0312, "0.031"), (1.0, "1.000")]
)
def test_a_p_value_is_said_as_less_than_a_thousandth_below_it(p, said):
    assert p_value(p) == said
    assert p_equals(p) == (f"p {said}" if said.startswith("<") else f"p = {said}")


def test_comparing_says_less_than_a_thousandth_and_json_has_the_value(runs, capsys):
    out, _ = called(capsys, "compare", *runs)
    assert "p < .001" in out
    assert "0.000" not in re.sub(r"[+-]\d\.\d+", "", out)
    out, _ = called(capsys, "compare", *runs, "--json")
    (pair,) = json.loads(out)["pairs"]
    assert 0 < pair["p"] < 0.001


def test_the_gate_says_it_on_every_surface(runs, capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))
    out, err = called(capsys, "gate", *runs, "--junit", tmp_path / "j.xml", "--markdown", tmp_path / "m.md")
    files = [(tmp_path / name).read_text() for name in ("j.xml", "m.md", "summary.md")]
    for text in (out, err, *files):
        assert "< .001" in text or "&lt; .001" in text, text
        assert "p = <" not in text
        assert not re.search(r"p\W{0,6}0\.000", text)


def test_no_width_is_not_a_width_of_nothing():
    report = report_on(by_trace(*[(5, 0, 4, 0)] * 12))
    found = report.judges[0].overall.metrics
    assert found["recall"].value == 1
    assert found["recall"].stderr is None
    assert all(value.stderr is None or value.stderr > 0 for value in found.values())
