"""Whole runs under panels, repeated verdicts and a judge that fails, by the command line and a real server."""

import itertools
import json
from pathlib import Path

import pytest

from proactivebench.cli import main
from tests.judging.test_errors import CARD
from tests.servers.chat import Say, chat_server

ACCEPT, REJECT = ('{"verdict": "accepted"}', '{"verdict": "rejected"}')


@pytest.fixture
def call(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def]
    monkeypatch.setenv("PROACTIVEBENCH_CACHE", str(tmp_path / "cache"))
    (tmp_path / "mine.yaml").write_text(CARD)

    def run(server, judge: str, *more: str) -> tuple[int, str, str]:  # type: ignore[no-untyped-def]
        with pytest.raises(SystemExit) as end:
            main([
                "run", "--model", "random", "--tasks", "proactivebench_sample", "--output_path", str(tmp_path / "r"),
                "--judge", judge, "--judge_model", "endpoint", "--judge_model_args",
                f"base_url={server.base_url},model=m", *more,
            ])  # fmt: skip
        out, err = capsys.readouterr()
        return int(end.value.code or 0), out, err

    return run


def test_a_panels_disagreement_is_reported(call, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    panel = tmp_path / "panel.yaml"
    panel.write_text("name: trio\nkind: panel\nversion: '1'\nsummary: s\npanel: [mine.yaml, lexical, labels]\n")
    with chat_server([Say(ACCEPT)], probe=Say(ACCEPT)) as server:
        code, out, err = call(server, f"silence=labels,proposals={panel}", "--json")
    assert code == 0, err
    (judged,) = json.loads(out)["judges"]
    assert 0 < judged["disagreement"] < 0.5
    assert judged["judge"]["baseline"]  # lexical decides with the others
    assert set(judged["verdicts"]) == {"labels:unanimous", "trio"}


def test_repeated_verdicts_carry_the_judges_noise_into_the_report(call, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    turns = itertools.cycle([ACCEPT, ACCEPT, REJECT, ACCEPT, REJECT])
    with chat_server(lambda _: Say(next(turns)), probe=Say(ACCEPT)) as server:
        judge = f"silence=labels,proposals={tmp_path / 'mine.yaml'}"
        code, out, err = call(server, judge, "--judge_repeats", "3", "--json")
        assert code == 0, err
        (judged,) = json.loads(out)["judges"]
        assert judged["judge_repeats"] == 3
        assert judged["overall"]["metrics"]["f1"]["components"]["judge"] > 0
        code, out, _ = call(server, judge, "--judge_repeats", "3")
    assert "re-judge noise: F1 moves by" in out


def test_a_judge_that_answers_in_prose_makes_the_run_invalid(call, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    with chat_server([Say("The user would like this, I suppose.")], probe=Say(ACCEPT)) as server:
        code, out, err = call(server, str(tmp_path / "mine.yaml"), "--json")
    assert code == 3
    (judged,) = json.loads(out)["judges"]
    assert not judged["valid"]
    assert judged["unscored_share"] == 1.0
    assert judged["causes"] == {"no_json": judged["overall"]["answered"]}
    assert judged["overall"]["metrics"]["precision"]["value"] is None
    assert "unscored" in err
