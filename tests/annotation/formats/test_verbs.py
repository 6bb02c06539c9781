"""`annotate import` and `annotate export` as a user calls them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from proactivebench.annotation.formats import MODULES
from proactivebench.annotation.job import JobFolder
from proactivebench.cli import main
from proactivebench.cli.annotating.export import export
from proactivebench.cli.annotating.import_ import import_
from proactivebench.records import Answer
from tests.annotation.formats.voted import voted_job
from tests.annotation.jobs import make_job

DOCS = Path(__file__).parents[3] / "docs" / "people.md"


def _call(*words: str | Path) -> int:
    with pytest.raises(SystemExit) as ended:
        main([str(word) for word in ("annotate", *words)])
    return int(ended.value.code or 0)


def test_votes_go_out_and_into_another_job(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    job, fresh = voted_job(tmp_path / "job").path, make_job(tmp_path / "fresh", sessions=2, events=3).path
    assert _call("export", job, "--to", "csv", "--output_path", tmp_path / "out") == 0
    assert capsys.readouterr().out.split() == [str(tmp_path / "out" / name) for name in ("questions.csv", "votes.csv")]
    assert _call("import", fresh, tmp_path / "out" / "votes.csv", "--from", "csv") == 0
    assert capsys.readouterr().out == "40 new votes; of ann, bob\n"
    assert _call("import", fresh, tmp_path / "out" / "votes.csv", "--from", "csv") == 0
    assert capsys.readouterr().out == "0 new votes; 40 there already; of ann, bob\n"


def test_the_documented_votes_of_a_live_agent_make_a_job(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    example = re.search(r'\n    (\{"annotator": "u17".*?\})\n', DOCS.read_text(encoding="utf-8"), re.DOTALL)
    assert example is not None
    (tmp_path / "live.jsonl").write_text(" ".join(example[1].split()) + "\n")
    trace = {
        "trace_id": "monday",
        "split": "work",
        "events": [{"time": str(at), "event": f"Step {at}."} for at in range(14)],
    }
    (tmp_path / "sessions.jsonl").write_text(json.dumps(trace) + "\n")
    words = ("import", tmp_path / "live.jsonl", "--from", "votes", "--tasks", tmp_path / "sessions.jsonl")
    assert _call(*words, "--output_path", tmp_path / "job") == 0
    assert "moments to ask about: 14; sessions: 1\n1 new vote; of u17" in capsys.readouterr().out
    folder = JobFolder(tmp_path / "job")
    (vote,) = folder.votes().values()
    assert (folder.items[vote.item_id].turn, vote.answer, vote.reason) == (12, Answer.PREMATURE, "still typing")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("import job --from csv", "name a job and the files for it"),
        ("import job x.csv --from cvs", "did you mean csv"),
        ("import job x.json --from argilla --columns a=b", "--columns is for tables"),
        ("import job x.csv --from csv --tasks y", "it goes with --output_path"),
        ("import x.json --from label-studio --output_path made", "hold no sessions"),
        ("import job x.csv --from csv --names nobody.json", "nobody.json: no such file"),
        ("export job --to label-stdio", "did you mean label-studio"),
        ("export job --to csv --output_path job", "not empty"),
    ],
)
def test_what_cannot_be_asked_is_one_line(
    words: str, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    make_job(tmp_path / "job", sessions=1, events=1)
    Path("x.csv").write_text("annotator,item_id,answer\nann,s0-0,yes\n")
    Path("x.json").write_text("[]")
    assert _call(*words.split()) == 2
    error = capsys.readouterr().err
    assert says in error
    assert len(error.splitlines()) == 1
    assert JobFolder(tmp_path / "job").votes() == {}


def test_the_page_names_every_format_and_option() -> None:
    section = DOCS.read_text(encoding="utf-8").partition("## Ways in and out")[2].partition("\n## ")[0]
    options = {
        name for command in (import_, export) for parameter in command.params for name in parameter.opts if "--" in name
    }
    assert [name for name in sorted(options) if name not in section] == []
    assert [name for name in MODULES if name not in section] == []
    for command in (import_, export):
        shown = next(str(one.metavar) for one in command.params if one.name in ("form", "to"))
        assert shown.split("|") == list(MODULES)
