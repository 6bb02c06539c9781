"""What printed scores can mean: matrices found are those that exist, and hostile tables get one line."""

import itertools
import json
import math
import random

import pytest

from proactivebench.cli import main
from proactivebench.errors import DataError, UsageError
from proactivebench.validation.published import Convention, audit_row, read_table


def metrics(tp, fp, tn, fn):
    def share(part, whole):
        return part / whole if whole else 0.0

    return {
        "recall": share(tp, tp + fn),
        "precision": share(tp, tp + fp),
        "f1": share(2 * tp, 2 * tp + fp + fn),
        "accuracy": share(tp + tn, tp + fp + tn + fn),
        "false_discovery_rate": share(fp, tp + fp),
    }


def printed(value, decimals, convention):
    scaled = value * 10**decimals
    whole = math.floor(scaled + 1e-9) if convention is Convention.TRUNCATED else round(scaled)
    return f"{whole / 10**decimals:.{decimals}f}"


@pytest.mark.parametrize("convention", Convention)
@pytest.mark.parametrize("seed", range(30))
def test_the_matrix_a_row_was_made_from_is_always_among_those_found(convention, seed):
    rng = random.Random(seed)
    cells = [rng.randint(0, 60) for _ in range(4)]
    cells[0] += 1
    keys = rng.sample(sorted(metrics(*cells)), rng.randint(1, 5))
    percent = rng.random() < 0.5
    figures = {k: printed(metrics(*cells)[k] * (100 if percent else 1), 2 if percent else 4, convention) for k in keys}
    audit = audit_row("row", sum(cells), figures, percent=percent)
    fit = next(fit for fit in audit.fits if fit.convention is convention)
    if fit.count <= 100:
        assert tuple(cells) in fit.matrices
    assert fit.prevalence[0] - 1e-12 <= (cells[0] + cells[3]) / sum(cells) <= fit.prevalence[1] + 1e-12
    assert fit.silences[0] <= cells[2] + cells[3] <= fit.silences[1]


@pytest.mark.parametrize("convention", Convention)
def test_no_matrix_is_missed_or_made_up_on_a_row_small_enough_to_try_them_all(convention):
    figures, moments = {"recall": "0.83", "f1": "0.71"}, 17
    wanted = {
        cells
        for cells in itertools.product(range(moments + 1), repeat=4)
        if sum(cells) == moments
        and all(printed(metrics(*cells)[key], 2, convention) == text for key, text in figures.items())
    }
    fit = next(fit for fit in audit_row("row", moments, figures).fits if fit.convention is convention)
    assert set(fit.matrices) == wanted
    assert fit.count == len(wanted)


def test_the_headline_of_prism_is_one_matrix_cut_off_and_none_rounded():
    audit = audit_row("PRISM", 233, {"recall": "98.88", "precision": "77.05", "f1": "86.61"})
    rounded, truncated = audit.fits
    assert rounded.count == 0
    assert truncated.matrices == ((178, 53, 0, 2),)
    assert truncated.silences == (2, 2)
    assert truncated.beyond_always[1] < 0, "an agent that always offers would do better there"


def test_a_table_is_read_alike_from_csv_and_yaml_with_trailing_zeros_kept(tmp_path):
    (tmp_path / "t.csv").write_text(
        "Model,Total Events,Recall,Precision,F1-Score,Year\nq,227,86.36,58.64,69.85,2024\nr,10,50.00,50.00,50.00,x\n"
    )
    (tmp_path / "t.yaml").write_text(
        "rows:\n- {name: q, moments: 227, recall: 86.36, precision: 58.64, f1: 69.85}\n"
        "- {name: r, moments: 10, recall: 50.00, precision: 50.00, f1: 50.00}\n"
    )
    found = read_table(tmp_path / "t.csv")
    assert found == read_table(tmp_path / "t.yaml")
    assert found[0].fits[0].matrices == ((95, 67, 50, 15),)
    assert found[1].figures["recall"] == "50.00"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no rows"),
        ("name,moments\n", "no rows"),
        ("name,moments\na,10\n", "no figures"),
        ("name,moments,f1\n,10,.5\n", "no name"),
        ("name,moments,f1\na,ten,.5\n", "moments"),
        ("name,moments,f1\na,10,high\n", "give a number"),
        ("name,moments,f1\na,10,-5\n", "give a number"),
        ("name,moments,f1\na,10,nan\n", "give a number"),
        ("name,moments,f1\na,10,150\n", "no share"),
        ("name,moments,f1\na,0,.5\n", "moments"),
        ("name,moments,f1\na,99999999,.5\n", "moments"),
        ("name,moments,f1\na,20000,.5\n", "too many"),
    ],
)
def test_a_bad_table_is_said_in_one_line(tmp_path, capsys, text, said):
    file = tmp_path / "t.csv"
    file.write_text(text)
    with pytest.raises(SystemExit) as ended:
        main(["audit-published", str(file)])
    assert ended.value.code == 2
    line = capsys.readouterr().err
    assert line.count("\n") == 1
    assert said in line


@pytest.mark.parametrize("text", ["- [1", "7", "rows: 3", "- 3", "[" * 5000])
def test_a_bad_yaml_is_said_in_one_line(tmp_path, text):
    (tmp_path / "t.yaml").write_text(text)
    with pytest.raises((DataError, UsageError)):
        read_table(tmp_path / "t.yaml")


def test_a_row_that_nothing_fits_ends_with_1_and_json_has_all(tmp_path, capsys):
    file = tmp_path / "t.csv"
    file.write_text("name,moments,recall,precision,f1\nfine,227,86.36,58.64,69.85\nodd,233,98.12,72.35,99.28\n")
    with pytest.raises(SystemExit) as ended:
        main(["audit-published", str(file), "--json"])
    shown = capsys.readouterr()
    assert ended.value.code == 1
    assert "odd" in shown.err
    assert [row["fits"][0]["count"] for row in json.loads(shown.out)] == [1, 0]
