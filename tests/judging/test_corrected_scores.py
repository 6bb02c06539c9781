"""A judge's measured error, carried into the report of a run by the command line."""

import json
import random
from pathlib import Path

import pytest

from proactivebench.cli import main
from proactivebench.judging.writing import write_measured
from proactivebench.records import ReplyStatus
from proactivebench.store import RunStore
from tests.judging.test_errors import CARD, measured
from tests.servers.chat import Say, chat_server

ACCEPT, REJECT = ('{"verdict": "accepted"}', '{"verdict": "rejected"}')


def call(capsys: pytest.CaptureFixture[str], *args: str) -> dict:  # type: ignore[type-arg]
    with pytest.raises(SystemExit) as end:
        main(list(args))
    out, err = capsys.readouterr()
    assert end.value.code == 0, err
    return json.loads(out)  # type: ignore[no-any-return]


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path, str]:
    """A run of the sample under a judge of one's own, which accepts two of three; its directory, card and judge id."""
    monkeypatch.setenv("PROACTIVEBENCH_CACHE", str(tmp_path / "cache"))
    card = tmp_path / "mine.yaml"
    card.write_text(CARD)

    def script(seen):  # type: ignore[no-untyped-def]
        return Say(REJECT if sum(map(ord, seen.body["messages"][-1]["content"])) % 3 == 0 else ACCEPT)

    with chat_server(script, probe=Say(ACCEPT)) as server:
        report = call(
            capsys, "run", "--model", "random", "--tasks", "proactivebench_sample",
            "--output_path", str(tmp_path / "r"), "--judge", str(card), "--judge_model", "endpoint",
            "--judge_model_args", f"base_url={server.base_url},model=m", "--json",
        )  # fmt: skip
    (judged,) = report["judges"]
    assert judged["adjusted"] == []
    return tmp_path / "r", card, judged["judge"]["id"]


@pytest.mark.parametrize("same", [True, False])
def test_a_measured_judge_gives_corrected_metrics_where_they_are_asked_for_and_can_hold(
    run: tuple[Path, Path, str], capsys: pytest.CaptureFixture[str], tmp_path: Path, *, same: bool
) -> None:
    path, card, judge_id = run
    block = measured(judge_id, hits=90)
    block = block.model_copy(update={"errors": block.errors.model_copy(update={"same_population": same})})
    write_measured(card, block)
    manifest = path / "manifest.json"
    stored = json.loads(manifest.read_text())
    stored["judges"][judge_id]["card"]["measured"] = [block.model_dump(mode="json")]
    manifest.write_text(json.dumps(stored))
    for verb in ("score", "show"):
        (judged,) = call(capsys, verb, str(path), "--json")["judges"]
        assert judged["adjusted"] == []
    assert json.loads((path / "report.json").read_text())["judges"][0]["adjusted"] == []
    (judged,) = call(capsys, "show", str(path), "--correct", "--json")["judges"]
    (adjusted,) = judged["adjusted"]
    if not same:
        assert "measured on other answers" in adjusted["refused"]
        assert adjusted["metrics"] == {}
        return
    assert adjusted["method"] == "judge_errors"
    assert adjusted["refused"] is None
    low, high = adjusted["metrics"]["f1"]["interval"]
    assert low < adjusted["metrics"]["f1"]["value"] < high


def test_peoples_labels_on_part_of_the_run_give_prediction_powered_metrics(
    run: tuple[Path, Path, str], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path, _, _ = run
    chance, lines = random.Random(0), []
    for reply in RunStore(path).replies().values():
        candidate = 0 if reply.status is ReplyStatus.PROPOSED else -1
        if chance.random() < 0.7:
            lines.append({"trace_id": reply.trace_id, "turn": reply.turn, "candidate": candidate,
                          "accepted": chance.random() < 0.6, "random": True, "blind": True})  # fmt: skip
    labels = tmp_path / "labels.jsonl"
    labels.write_text("\n".join(map(json.dumps, lines)))
    (judged,) = call(capsys, "score", str(path), "--human-labels", str(labels), "--json")["judges"]
    (adjusted,) = judged["adjusted"]
    assert adjusted["method"] == "prediction_powered"
    assert adjusted["refused"] is None
    assert adjusted["details"]["labelled"] == len(lines)
    assert 0 < adjusted["metrics"]["f1"]["value"] < 1
    other = tmp_path / "other.jsonl"
    other.write_text(json.dumps({**lines[0], "trace_id": "of another run"}))
    with pytest.raises(SystemExit) as ended:
        main(["score", str(path), "--human_labels", str(other)])
    assert ended.value.code == 2
    assert "none of the answers that these labels are on" in capsys.readouterr().err
    labels.unlink()  # they are kept with the run: whoever shows it shows them
    (shown,) = call(capsys, "show", str(path), "--json")["judges"]
    assert shown["adjusted"] == judged["adjusted"]


def test_a_second_run_asks_the_judges_model_nothing_it_has_answered(
    run: tuple[Path, Path, str], capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another server on another port is another place: it is asked. The same place is not (see the cache's tests)."""
    path, card, judge_id = run
    with chat_server([Say(ACCEPT)], probe=Say(ACCEPT)) as server:
        args = ("judge", str(path), "--judge", str(card), "--judge_model", "endpoint",
                "--judge_model_args", f"base_url={server.base_url},model=m")  # fmt: skip
        report = call(capsys, *args, "--json")
        assert [one["judge"]["id"] for one in report["judges"]] == [judge_id]
        assert server.asked == []  # the same judge, by id: its verdicts stand
        (path / "verdicts" / f"{judge_id}.jsonl").unlink()
        call(capsys, *args, "--json")
        asked = len(server.asked)
        assert asked > 0
        (path / "verdicts" / f"{judge_id}.jsonl").unlink()
        call(capsys, *args, "--json")
        assert len(server.asked) == asked  # from the cache
        (path / "verdicts" / f"{judge_id}.jsonl").unlink()
        call(capsys, *args, "--no-judge-cache", "--json")
        assert len(server.asked) > asked
