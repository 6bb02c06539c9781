from xml.etree import ElementTree

import pytest

from proactivebench.cli.plot import Format
from proactivebench.scoring import build_report
from proactivebench.traces import load_task
from tests.board.calling import call, one_line
from tests.scoring.runs import LABELS, by_trace, make_judge, make_manifest, make_run, report_on

pytest.importorskip("matplotlib")

ROWS = by_trace(*[(8, 2, 6, 2 + g % 2) for g in range(12)])
NEEDS = {name: [letter in "Ar" for letter in row] for name, row in ROWS.items()}
NAMES = ("planes", "utility", "timeline")


def plot(runs, output_path, metric=None, image_format=Format.SVG):
    """`proactivebench plot`, which has to end well."""
    asked = ["--metric", metric] if metric else []
    done = call("plot", *runs, "--output_path", output_path, "--format", image_format.value, *asked)
    assert done.code == 0, done.err


def written(folder, *reports):
    paths = []
    for number, report in enumerate(reports):
        paths.append(folder / f"{number}.json")
        paths[-1].write_text(report.model_dump_json(), encoding="utf-8")
    return paths


@pytest.mark.parametrize("image_format", list(Format))
def test_four_pictures_are_written_in_the_format_asked_for(tmp_path, image_format):
    runs = written(tmp_path, report_on(ROWS, needs=NEEDS, judge=LABELS), report_on(ROWS, needs=NEEDS, judge=LABELS))
    plot(runs, output_path=tmp_path / "plots", image_format=image_format)
    for name in ("need_detection_balanced_accuracy", *NAMES):
        picture = (tmp_path / "plots" / f"{name}.{image_format}").read_bytes()
        if image_format is Format.SVG:
            assert ElementTree.fromstring(picture).tag.endswith("svg")  # noqa: S314  # written just now
        else:
            assert picture.startswith(b"\x89PNG")


def test_the_same_runs_give_the_same_bytes(tmp_path):
    runs = written(tmp_path, report_on(ROWS))
    for folder in ("one", "two"):
        plot(runs, output_path=tmp_path / folder)
    for name in ("f1", *NAMES):
        assert (tmp_path / "one" / f"{name}.svg").read_bytes() == (tmp_path / "two" / f"{name}.svg").read_bytes()


def test_a_name_is_text_and_not_a_formula(tmp_path):
    plot(written(tmp_path, report_on(ROWS, name="cost $x_1$ & <b>")), output_path=tmp_path / "plots")
    assert "$x_1$" in (tmp_path / "plots" / "f1.svg").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "report",
    [
        report_on({"t": "aaaa"}),
        report_on({"t": "AR"}, judge=make_judge(silence=None)),
        report_on({"t": "A!.x"}),
    ],
)
def test_runs_with_undefined_metrics_are_drawn_and_say_so(tmp_path, report):
    plot(written(tmp_path, report), output_path=tmp_path / "plots", metric="precision")
    assert (tmp_path / "plots" / "timeline.svg").exists()


def test_a_metric_without_counts_is_refused(tmp_path):
    done = call("plot", *written(tmp_path, report_on(ROWS)), "--output_path", tmp_path, "--metric", "latency_p50")
    assert done.code == 2
    assert "no function of counts" in one_line(done.err)


def test_the_timeline_has_what_people_said_above_the_runs_and_draws_one_trace_large(tmp_path):
    task = load_task("proactivebench_sample")
    rows = {trace.trace_id: "Aa" * 20 for trace in task.traces}
    rows = {trace.trace_id: rows[trace.trace_id][: len(trace.events)] for trace in task.traces}
    manifest = make_manifest(task, LABELS)
    manifest = manifest.model_copy(update={"task": manifest.task.model_copy(update={"spec": task.name})})
    run = build_report(task, manifest, *_given(task, rows))
    (path,) = written(tmp_path, run)
    for more in ((), ("--trace", task.traces[0].trace_id)):
        assert call("plot", path, "--output_path", tmp_path / "plots", *more).code == 0
        picture = (tmp_path / "plots" / "timeline.svg").read_text(encoding="utf-8")
        for said in ("need, unanimous", "votes", "boundaries", "need (an episode)"):
            assert f"<!-- {said} -->" in picture
        assert (f"<!-- {task.traces[1].trace_id} -->" in picture) == (not more)
    done = call("plot", path, "--output_path", tmp_path, "--trace", "code_umlaut")
    assert done.code == 2
    assert "did you mean code_umlauts" in one_line(done.err)


def _given(task, rows):
    replies, verdicts = make_run(task, rows)
    return replies, {LABELS.id: verdicts}
