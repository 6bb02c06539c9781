"""The published scores, from their integer confusion matrices and from the released answers."""

import csv
import os
from pathlib import Path

import pytest
import yaml

from proactivebench.evaluation import report_of, run_async
from proactivebench.preparation import Settings, prepare
from proactivebench.resources import shipped
from proactivebench.scoring.comparison import compare
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
