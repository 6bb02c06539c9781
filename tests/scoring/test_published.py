"""The published scores, from their integer confusion matrices and from the released answers."""

import csv
import os
import re
import shlex
from pathlib import Path

import pytest
import yaml

from proactivebench.anchors import anchors_of
from proactivebench.cli import main
from proactivebench.evaluation import run_async
from proactivebench.preparation import Settings, prepare
from proactivebench.reporting import report_of
from proactivebench.resources import shipped
from proactivebench.scoring.comparison import compare
from proactivebench.scoring.registry import BY_PEOPLE
from proactivebench.traces import load_task
from tests.scoring.runs import letters, report_on

MIRROR = os.environ.get("PROACTIVEBENCH_MIRROR", "")
released = pytest.mark.skipif(not Path(MIRROR, "eval").is_dir(), reason="PROACTIVEBENCH_MIRROR is unset")

TABLE = yaml.safe_load(shipped("leaderboard", "published.yaml").read_text(encoding="utf-8"))["tables"][0]
ROWS = {row["model"]: row["confusion"] for row in TABLE["rows"]}
COLUMNS = {"Recall": "recall", "Precision": "precision", "Accuracy": "accuracy", "F1-Score": "f1",
           "False-Alarm": "false_discovery_rate"}  # fmt: skip
SPLITS = {"real_coding": "coding", "real_writing": "writing", "real_average": "all"}


def scored(confusion):
    rows = {
        name: letters(*(confusion[name][cell] for cell in ("tp", "fp", "tn", "fn"))) for name in ("coding", "writing")
    }
    judged = report_on(rows, splits={name: name for name in rows}).judges[0]
    return {"all": judged.overall, **judged.splits}


def test_all_sixteen_models_are_there():
    assert len(ROWS) == 16


@pytest.mark.parametrize("model", ROWS)
def test_the_total_pools_its_splits(model):
    confusion = scored(ROWS[model])["all"].confusion
    for cell, count in ROWS[model]["all"].items():
        assert getattr(confusion, cell) == count


@released
@pytest.mark.parametrize("model", ROWS)
def test_the_published_metrics_come_out_to_four_decimals(model):
    names = {"llama3.1-70b": "llama3.1-70b"}
    file = Path(MIRROR, "eval/results", f"{names.get(model, model)}.csv")
    sections = scored(ROWS[model])
    lines = list(csv.DictReader(file.read_text(encoding="utf-8").splitlines()))
    assert len(lines) == 3
    for line in lines:
        found = sections[SPLITS[line["Category"]]]
        assert found.moments == int(line["Total Events"])
        for column, key in COLUMNS.items():
            published = float(line[column])
            value = found.metrics[key].value
            # The source adds an epsilon to denominators: it prints 0 where a rate is undefined.
            assert round(published, 4) == (0 if value is None else pytest.approx(value, abs=5.1e-5))


NULLS = {
    "claude-3-sonnet-20240229": 67, "gpt-4o": 10, "qwen2-72b-instruct": 7, "qwen2-7b": 2, "gpt-4o-mini": 1,
    "llama3-70b": 1,
}  # fmt: skip


def silenced(table, nulls, accepted):
    """The matrix with `nulls` offers of a null string as the silences they are: the verdict on each was one on silence,
    so an accepted one goes from TP to TN and a rejected one from FP to FN."""
    rejected = nulls - accepted
    return {
        "tp": table["tp"] - accepted,
        "fp": table["fp"] - rejected,
        "tn": table["tn"] + accepted,
        "fn": table["fn"] + rejected,
    }


def f1(table):
    return report_on({"t": letters(*table.values())}).judges[0].overall.metrics["f1"].value


def test_null_strings_moved_to_silence_give_the_papers_own_row_for_gpt_4o():
    moved = silenced(ROWS["gpt-4o"]["all"], NULLS["gpt-4o"], accepted=8)
    assert moved == {"tp": 104, "fp": 112, "tn": 9, "fn": 2}
    assert round(f1(moved), 4) == 0.6460
    # No other number of accepted null strings gives that F1: the move is exact.
    others = [f1(silenced(ROWS["gpt-4o"]["all"], 10, accepted)) for accepted in range(11) if accepted != 8]
    assert all(round(value, 4) != 0.6460 for value in others)


@pytest.mark.parametrize("model", NULLS)
def test_null_strings_moved_to_silence_bound_the_f1_of_every_model(model):
    table, nulls = ROWS[model]["all"], NULLS[model]
    values = [
        f1(silenced(table, nulls, accepted))
        for accepted in range(max(0, nulls - table["fp"]), min(nulls, table["tp"]) + 1)
    ]
    # The more null strings were accepted, the fewer hits are left: the ends are the bounds.
    assert values == sorted(values, reverse=True)
    assert values[-1] < f1(table)


@pytest.fixture(scope="module")
def replays(tmp_path_factory):
    """Reports of the eight models whose answers are in the mirror, by need labels alone."""
    reports = {}
    for folder in sorted(Path(MIRROR, "eval/traces_new").iterdir()):
        settings = Settings(
            model="replay", tasks="proactivebench_published", model_args={"path": str(folder)}, predict_only=True
        )
        evaluation = prepare(settings)
        store = run_async(evaluation.run(tmp_path_factory.mktemp("runs") / folder.name))
        reports[folder.name] = report_of(store, evaluation.task)
    return reports


@released
def test_judge_free_need_detection_of_qwen2_72b_is_that_of_the_page(replays):
    metrics = replays["qwen2-72b-instruct"].judges[0].overall.metrics
    expected = {
        "need_detection_precision": (0.471, (0.365, 0.580)),
        "need_detection_recall": (0.936, (0.785, 0.983)),
        "need_detection_balanced_accuracy": (0.693, (0.586, 0.759)),
        "need_detection_mcc": (0.393, (0.254, 0.517)),
        "need_detection_balanced_accuracy_majority": (0.637, (0.539, 0.729)),
        "need_detection_mcc_majority": (0.270, (0.077, 0.443)),
    }
    for key, (value, interval) in expected.items():
        assert metrics[key].value == pytest.approx(value, abs=5.1e-4), key
        assert metrics[key].interval == pytest.approx(interval, abs=5.1e-4), key
    assert metrics["f1"].reason == "no offer verdicts"


@released
def test_the_need_tables_of_qwen2_72b_are_those_of_the_page(replays):
    judged = replays["qwen2-72b-instruct"].judges[0]
    for view, expected in (("", (73, 82, 67, 5)), ("majority", (121, 34, 35, 37))):
        table = judged.tables[view]
        cells = [table.columns.index(name) for name in ("need_offers", "free_offers", "free_silences", "need_silences")]
        assert tuple(sum(row[cell] for row in table.rows.values()) for cell in cells) == expected


@released
def test_within_trace_correlation_of_need_is_that_of_the_release(replays):
    icc = replays["gpt-4o"].judges[0].overall.icc
    assert icc["need_unanimous"] == pytest.approx(0.08, abs=0.01)
    assert icc["need_majority"] == pytest.approx(0.20, abs=0.01)


@released
def test_two_released_models_are_told_apart_or_not_and_told_so(replays):
    key = "need_detection_balanced_accuracy"
    apart = compare([replays["qwen2-72b-instruct"], replays["gpt-4o"]], key).pairs[0]
    assert apart.p < 0.05
    assert apart.detectable > 0.05
    alike = compare([replays["gpt-4o"], replays["qwen2-7b"]], key).pairs[0]
    assert alike.p > 0.05
    everyone = compare(list(replays.values()), key)
    ahead = [pair for pair in everyone.pairs if pair.p_joint <= 0.05]
    assert ahead
    for pair in ahead:
        leader = pair.first if pair.difference > 0 else pair.second
        assert leader.startswith("qwen2-72b")


@released
def test_usable_times_of_the_release_are_counted(tmp_path):
    evaluation = prepare(Settings(model="never", tasks="proactivebench", predict_only=True))
    report = report_of(run_async(evaluation.run(tmp_path / "never")), evaluation.task)
    whole = report.judges[0].overall
    assert whole.timed_traces == 9
    assert whole.timed_hours == pytest.approx(3877.6 / 3600, abs=1e-4)
    assert whole.anchors["never"]["accuracy"] == pytest.approx(0.665, abs=5e-4)
    assert whole.anchors["never"]["accuracy_majority"] == pytest.approx(0.296, abs=5e-4)
    assert whole.anchors["never"]["f1"] == 0


@released
def test_the_readmes_run_and_comparison_are_what_is_printed(tmp_path, monkeypatch, capsys):
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"```console\n(.*?)```", readme, re.DOTALL)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    commands = re.split(r"(?m)^\$ ", block)[1:]
    assert len(commands) == 3
    for told in commands:
        typed, rest = re.fullmatch(r"((?:[^\n]*\\\n)*[^\n]*)\n(.*)", told, re.DOTALL).groups()
        lines = rest.splitlines()
        with pytest.raises(SystemExit) as done:
            main(shlex.split(typed.replace("\\\n", " "))[1:])
        assert done.value.code == 0
        out, err = capsys.readouterr()
        printed = [line.rstrip() for line in (err + out).splitlines()]
        place = 0
        for line in lines:  # in this order, apart from what `…` leaves out
            if line != "…":
                place = printed.index(line.rstrip(), place) + 1


MODELS = (
    "activeagent", "activellama", "activeqwen", "claude-3-5-sonnet", "claude-3-sonnet-20240229", "deepseek-7b-chat",
    "gpt-3.5-turbo", "gpt-4o", "gpt-4o-mini", "llama3-70b", "llama3-8b", "llama3.1-70b", "llama3.1-8b",
    "qwen2-72b-instruct", "qwen2-7b",
)  # fmt: skip


@pytest.fixture(scope="module")
def everyone(tmp_path_factory):
    """The comparison of all fifteen models whose answers were released, by need labels alone."""
    reports = []
    for name in MODELS:
        settings = Settings(
            model="replay", tasks="proactivebench_published", model_args={"released": name}, predict_only=True
        )
        evaluation = prepare(settings)
        store = run_async(evaluation.run(tmp_path_factory.mktemp("released") / name))
        reports.append(report_of(store, evaluation.task))
    return compare(reports, BY_PEOPLE.key, names=MODELS)


@released
def test_of_fifteen_released_models_four_beat_chance_by_one_rule_and_one_by_the_other(everyone):
    beating = {
        rule: {one.name for one in everyone.standings if one.chance_holm[rule] <= 0.05}
        for rule in ("unanimous", "majority")
    }
    assert beating == {
        "unanimous": {"qwen2-72b-instruct", "claude-3-sonnet-20240229", "deepseek-7b-chat", "activellama"},
        "majority": {"qwen2-72b-instruct"},
    }


@released
def test_qwen2_72b_is_told_from_gpt_4o_by_the_unanimous_rule_and_not_by_the_majority_over_all_pairs(everyone):
    found = {}
    for one in (everyone, *everyone.rules.values()):
        assert len(one.pairs) == 105
        (pair,) = [pair for pair in one.pairs if {pair.first, pair.second} == {"qwen2-72b-instruct", "gpt-4o"}]
        assert (pair.first, pair.second) == ("gpt-4o", "qwen2-72b-instruct")
        found[one.rule] = (round(-pair.difference, 3), round(pair.p_joint, 3))
    assert found == {"unanimous": (0.166, 0.021), "majority": (0.140, 0.136)}
    assert sum(pair.p_joint <= 0.05 for pair in everyone.pairs) == 6
    assert not any(pair.p_joint <= 0.05 for pair in everyone.rules["majority"].pairs)
    assert not any(pair.p_holm <= 0.05 for pair in everyone.pairs)


@released
def test_on_the_release_skip_first_does_not_beat_chance_and_the_oracle_is_one():
    for task in ("proactivebench", "proactivebench_published"):
        found = {anchor.name: anchor for anchor in anchors_of(load_task(task), 0.5)}
        assert all(p > 0.5 for p in found["skip-first"].chance.values())
        for suffix in ("", "_majority"):
            assert found["need-oracle"].metrics[BY_PEOPLE.key + suffix].value == 1
        said = [found["lexical-need"].metrics[BY_PEOPLE.key + suffix].value for suffix in ("", "_majority")]
        expected = {"proactivebench": [0.678, 0.575], "proactivebench_published": [0.656, 0.563]}[task]
        assert said == pytest.approx(expected, abs=5.1e-4)
