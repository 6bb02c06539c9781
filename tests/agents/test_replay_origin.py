"""Replayed answers keep the protocol and the decoding they were given under; what is not known stays unknown."""

import json
import os
from pathlib import Path

import pytest

from proactivebench.api import evaluate, score
from proactivebench.cli.stored import load_report
from proactivebench.errors import UsageError
from proactivebench.exports.source import Source
from proactivebench.preparation import Settings, prepare
from proactivebench.protocols import load_protocol
from proactivebench.scoring.conditions import conditions_of, described
from proactivebench.store import RunStore

SAMPLE = "proactivebench_sample"
MIRROR = os.environ.get("PROACTIVEBENCH_MIRROR", "")


def replay(path: Path, **settings: object):
    evaluation = prepare(Settings(model="replay", model_args={"path": str(path)}, tasks=SAMPLE, **settings))
    return evaluation.manifest()


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run of our own, under other terms than a reader would ask with."""
    evaluate("parrot", SAMPLE, output_path=tmp_path / "run", history="observations", gen_kwargs={"temperature": 0.7})
    return tmp_path / "run"


def test_a_replayed_run_keeps_its_protocol_and_decoding(run: Path) -> None:
    first, again = RunStore(run).manifest, replay(run)
    assert (again.protocol, again.decoding) == (first.protocol, first.decoding)
    assert again.decoding.temperature == 0.7


def test_a_replay_of_a_replay_knows_what_that_one_knew(run: Path, tmp_path: Path) -> None:
    evaluate("replay", SAMPLE, output_path=tmp_path / "again", model_args={"path": str(run)})
    assert replay(tmp_path / "again").protocol == RunStore(run).manifest.protocol
    assert not conditions_of(score(tmp_path / "again")).generated


def test_a_run_under_a_card_that_is_not_at_hand_keeps_that_cards_identity(run: Path) -> None:
    manifest = json.loads((run / "manifest.json").read_text())
    manifest["protocol"] |= {"name": "mine", "hash": "f" * 64}
    (run / "manifest.json").write_text(json.dumps(manifest))
    assert replay(run).protocol.name == "mine"
    assert score_of(run, "again").complete


def score_of(path: Path, name: str):
    folder = path.parent if path.is_dir() else path.parent.parent
    return evaluate("replay", SAMPLE, output_path=folder / name, model_args={"path": str(path)})


def test_answers_without_a_manifest_are_of_unknown_decoding_in_manifest_report_and_exports(run: Path) -> None:
    report = score_of(run / "replies.jsonl", "foreign")
    manifest = RunStore(run.parent / "foreign").manifest
    assert (manifest.protocol.name, manifest.decoding) == ("released", None)
    assert (report.protocol.name, report.decoding) == ("released", None)
    assert described(conditions_of(load_report(run.parent / "foreign"))) == "decoding unknown"
    from proactivebench.exports.every_eval_ever import write_every_eval_ever
    from proactivebench.exports.lm_eval_layout import write_lm_eval

    source = Source.read(run.parent / "foreign")
    written = [*write_every_eval_ever(source, run.parent / "eee"), *write_lm_eval(source, run.parent / "lm")]
    texts = [path.read_text(encoding="utf-8") for path in written]
    assert any("decoding unknown" in text for text in texts)
    assert not any('"temperature"' in text or '"max_tokens"' in text for text in texts)


def test_what_an_older_version_wrote_beside_replayed_answers_is_not_believed(run: Path, tmp_path: Path) -> None:
    score_of(run, "old")
    file = tmp_path / "old" / "manifest.json"
    manifest = json.loads(file.read_text())
    manifest["parameters"].pop("first_agent")
    file.write_text(json.dumps(manifest))
    assert replay(tmp_path / "old").decoding is None
    assert conditions_of(score(tmp_path / "old")).decoding is None


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"protocol": "standard"}, None),
        ({"protocol": "standard-confidence"}, "--protocol standard-confidence"),
        ({"history": "own"}, "--history own"),
        ({"candidates": 3}, "--candidates 3"),
        ({"feedback_rounds": 1}, "--feedback_rounds 1"),
        ({"gen_kwargs": {"temperature": 1}}, "--gen_kwargs"),
    ],
)
def test_a_reader_cannot_say_how_stored_answers_were_asked_for(run: Path, settings: dict, says: str | None) -> None:
    if says is None:
        assert replay(run, **settings).protocol == RunStore(run).manifest.protocol
        return
    with pytest.raises(UsageError, match=says) as refused:
        replay(run, **settings)
    assert "leave it out" in str(refused.value)


def test_feedback_rounds_are_replayed_with_the_advice_that_was_given(tmp_path: Path) -> None:
    first = evaluate("always", SAMPLE, "lexical", tmp_path / "run", feedback_rounds=1)
    again = evaluate("replay", SAMPLE, "lexical", tmp_path / "again", model_args={"path": str(tmp_path / "run")})
    assert again.protocol == first.protocol
    old, new = (RunStore(tmp_path / name).replies() for name in ("run", "again"))
    assert {key: reply.advice for key, reply in new.items()} == {key: reply.advice for key, reply in old.items()}
    assert max(key.round for key in new) == 1


def test_a_protocol_that_only_reads_is_for_no_model() -> None:
    asked = {"base_url": "http://127.0.0.1:1/v1", "model": "m"}
    with pytest.raises(UsageError, match="asks nothing"):
        prepare(Settings(model="endpoint", model_args=asked, tasks=SAMPLE, protocol="released"))
    beside = prepare(Settings(model="always", tasks=SAMPLE, protocol="released"))
    assert beside.protocol.identity == load_protocol("released").identity


@pytest.mark.skipif(not Path(MIRROR, "eval/traces_new").is_dir(), reason="PROACTIVEBENCH_MIRROR is unset")
def test_released_answers_carry_the_protocol_released(tmp_path: Path) -> None:
    settings = Settings(model="replay", model_args={"released": "gpt-4o"}, tasks="proactivebench_published")
    manifest = prepare(settings).manifest()
    assert (manifest.protocol.name, manifest.decoding) == ("released", None)
    with pytest.raises(UsageError, match="--protocol standard"):
        prepare(
            Settings(model="replay", model_args={"released": "gpt-4o"}, tasks="proactivebench", protocol="standard")
        )
