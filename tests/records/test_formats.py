"""What an older version wrote stays readable: tests/data/format1 holds runs as the first format had them."""

import json
import shutil
from pathlib import Path

import pytest
from pydantic import ValidationError

from proactivebench.cli import main
from proactivebench.judging import create_judge
from proactivebench.protocols import load_protocol
from proactivebench.records import JudgeIdentity, Manifest, Report
from proactivebench.records.formats import MANIFEST, MOST_MEMBERS, REPORT, judge_members
from proactivebench.scoring.comparison import compare
from proactivebench.scoring.gate import gate
from proactivebench.store import RunStore

FIRST = Path(__file__).parents[1] / "data" / "format1"
JUDGE = "labels-lexical"


def called(capsys, *args):
    with pytest.raises(SystemExit) as done:
        main([str(arg) for arg in args])
    out, err = capsys.readouterr()
    return done.value.code, out, err


def written(name):
    return json.loads((FIRST / name / "report.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", ["always", "random"])
def test_a_report_of_the_first_format_is_read_whole(name):
    before = written(name)
    report = Report.model_validate(before)
    assert before["format"] == 1
    assert report.format == REPORT
    for judged, old in zip(report.judges, before["judges"], strict=True):
        assert judged.overall.metrics["f1"].value == old["overall"]["metrics"]["f1"]["value"]
        assert judged.tables[""].rows == {t: tuple(row) for t, row in old["tables"][""]["rows"].items()}
        assert judged.tables[""].lacking == {"usage": "no usage", "prices": "no usage"}
        assert not any(adjusted.method == "judge_errors" for adjusted in judged.adjusted)
    assert Report.model_validate_json(report.model_dump_json()) == report


def test_reports_of_the_first_format_are_compared_and_gated(capsys):
    always, random = (FIRST / name / "report.json" for name in ("always", "random"))
    code, out, _ = called(capsys, "compare", always, random, "--judge", JUDGE, "--metric", "f1", "--json")
    assert code == 0
    assert json.loads(out)["pairs"][0]["difference"] == pytest.approx(0.2136 - 0.1379, abs=1e-4)
    code, out, _ = called(capsys, "gate", always, always, "--judge", JUDGE)
    assert (code, "passed" in out.lower()) == (0, True)
    code, out, _ = called(capsys, "compare", always, random, "--judge", JUDGE, "--metric", "cost_per_accepted")
    assert (code, "no usage" in out) == (0, True)


def test_a_run_of_the_first_format_is_scored_shown_and_gated_against_its_old_report(tmp_path, capsys):
    run = tmp_path / "always"
    shutil.copytree(FIRST / "always", run)
    store = RunStore(run)
    assert store.manifest.format == MANIFEST
    assert [member.kind for member in next(iter(store.manifest.judges.values())).members] == [
        "labels",
        "labels",
        "lexical",
    ]
    code, out, _ = called(capsys, "score", run, "--json")
    assert code == 0
    new, old = Report.model_validate_json(out), Report.model_validate(written("always"))
    metrics = new.judges[0].overall.metrics
    for key, found in old.judges[0].overall.metrics.items():
        assert (metrics[key].value, metrics[key].interval) == (found.value, found.interval), key
    assert gate(old, new).passed
    assert compare([old, new]).pairs[0].reason == "identical in every trace"


def test_a_run_of_the_first_format_goes_on_where_it_stopped(tmp_path, capsys):
    run = tmp_path / "always"
    shutil.copytree(FIRST / "always", run)
    file = run / "manifest.json"
    manifest = json.loads(file.read_text(encoding="utf-8"))
    manifest["protocol"] = load_protocol("standard").identity.model_dump(
        mode="json"
    )  # its texts may have changed since
    file.write_text(json.dumps(manifest), encoding="utf-8")
    before = RunStore(run).replies()
    options = ("--model", "always", "--tasks", "proactivebench_sample", "--output_path", run, "--limit", "7")
    code, _, err = called(capsys, "run", *options)
    assert code == 0, err
    after = RunStore(run).replies()
    assert before.items() < after.items()
    assert json.loads(file.read_text(encoding="utf-8"))["format"] == MANIFEST


@pytest.mark.parametrize("verb", ["compare", "gate"])
def test_a_newer_report_is_refused_in_one_line(tmp_path, capsys, verb):
    newer = tmp_path / "newer.json"
    newer.write_text(json.dumps(written("always") | {"format": 99, "unheard_of": True}))
    code, out, err = called(capsys, verb, newer, FIRST / "always" / "report.json")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "format 99 is a newer version's" in err
    assert "newer.json" in err


@pytest.mark.parametrize("number", [0, -1, "1", 1.5, True, None, [1]])
def test_what_is_no_number_of_a_format_is_refused(number):
    with pytest.raises(ValidationError, match="no number of a format"):
        Report.model_validate(written("always") | {"format": number})
    manifest = json.loads((FIRST / "always" / "manifest.json").read_text(encoding="utf-8"))
    for strict in (None, True):
        assert Manifest.model_validate_json(json.dumps(manifest), strict=strict).format == MANIFEST
        with pytest.raises(ValidationError, match="format"):
            Manifest.model_validate_json(json.dumps(manifest | {"format": number}), strict=strict)


SPECS = (
    "lexical",
    "labels",
    "labels:majority",
    "labels+lexical",
    "silence=labels,proposals=labels+lexical",
    "silence=labels:majority,proposals=lexical+labels:majority",
    "proposals=lexical",
    "silence=labels",
)


@pytest.mark.parametrize("spec", SPECS)
def test_the_members_of_an_old_identity_are_those_a_new_one_states(spec):
    identity = create_judge(spec).identity
    stated = identity.model_dump(mode="json")
    assert judge_members({name: value for name, value in stated.items() if name != "members"}) == stated["members"]
    assert (
        JudgeIdentity.model_validate({name: value for name, value in stated.items() if name != "members"}) == identity
    )


@pytest.mark.parametrize(
    "card",
    [None, [], "x", {"kind": 3}, {"spec": 1}, {"spec": "", "silence": [3], "members": {}}, {"kind": ["labels"]},
     {"kind": "panel", "members": {"a": {"kind": "panel", "members": []}}}],
)  # fmt: skip
def test_members_of_a_card_that_says_nothing_are_of_unknown_kind_and_can_be_wrong(card):
    for member in judge_members({"silence": "labels:unanimous", "proposals": "labels", "card": card}):
        assert member["kind"] in ("unknown", "panel")
        assert member["fallible"]
    assert len(judge_members({"silence": "+" * 10**6})) == MOST_MEMBERS + 1


@pytest.mark.parametrize("change", [{"silence": None}, {"proposals": "lexical", "members": ()}])
def test_an_identity_whose_members_are_not_those_it_asks_is_refused(change):
    stated = create_judge("labels").identity.model_dump(mode="json")
    with pytest.raises(ValidationError, match="members say otherwise"):
        JudgeIdentity.model_validate(stated | change)
