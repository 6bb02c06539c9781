"""`proactivebench judges` as a user calls it."""

import json
import os
from pathlib import Path

import pytest

from proactivebench.cli import main
from proactivebench.judging.cards import load_card
from proactivebench.judging.lexical.weights import read_weights
from proactivebench.resources import shipped

needs_release = pytest.mark.skipif(
    not os.environ.get("PROACTIVEBENCH_MIRROR"), reason="PROACTIVEBENCH_MIRROR is not set"
)


def judges(capsys: pytest.CaptureFixture[str], *args: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as end:
        main(["judges", *args])
    out, err = capsys.readouterr()
    return int(end.value.code or 0), out, err


@pytest.mark.parametrize("verb", ["", "list", "show", "validate", "audit-leaks", "attack", "train", "table"])
def test_help_fits_80_columns_and_has_an_example(capsys: pytest.CaptureFixture[str], verb: str) -> None:
    code, out, _ = judges(capsys, *([verb] if verb else []), "--help")
    assert code == 0
    assert max(map(len, out.splitlines())) <= 80
    assert not verb or "Example: proactivebench judges" in out


def test_the_list_says_what_each_judge_is_worth(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = judges(capsys, "list")
    assert code == 0
    assert "balanced accuracy 0.6" in out
    assert "not measured yet" in out
    assert {card["name"] for card in json.loads(judges(capsys, "list", "--json")[1])} >= {"llm", "labels", "panel"}


def test_a_card_is_shown_with_its_hash(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = judges(capsys, "show", "lexical")
    assert code == 0
    assert load_card("lexical").hash in out
    assert "grounding, not usefulness" in out


@pytest.mark.parametrize(
    ("args", "why"),
    [
        (("show", "oracle"), "no judge 'oracle'"),
        (("validate", "llm"), "--judge_model"),
        (("validate", "labels"), "measured against"),
        (("validate", "lexical", "--items", "some"), "all (1,749 items) or official"),
        (("train", "llm"), "not trained here"),
        (("audit-leaks", "nowhere.jsonl", "nowhere.jsonl", "proactivebench_sample"), "no such file"),
    ],
)
def test_bad_input_is_one_clear_line(capsys: pytest.CaptureFixture[str], args: tuple[str, ...], why: str) -> None:
    code, _, err = judges(capsys, *args)
    assert code == 2
    assert why in err
    assert err.count("\n") == 1


def test_an_audit_of_anyones_data_fails_where_it_leaks(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def rows(path: Path, *events: str) -> str:
        lines = [{"obs": [{"event": text}], "pred_task": "x", "valid": True} for text in events]
        path.write_text("\n".join(map(json.dumps, lines)))
        return str(path)

    train, shared, apart = (
        rows(tmp_path / "a", "one", "two"), rows(tmp_path / "b", "one", "three"), rows(tmp_path / "c", "four")
    )  # fmt: skip
    code, out, err = judges(capsys, "audit-leaks", train, shared, "proactivebench_sample", "--json")
    assert code == 1
    assert json.loads(out)["test_rows_with_shared_moment"] == 1
    assert "leaks" in err
    assert judges(capsys, "audit-leaks", train, apart, "proactivebench_sample")[0] == 0


@needs_release
def test_the_baseline_is_validated_and_attacked_and_the_gate_says_no(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = judges(capsys, "validate", "lexical", "--no-write-back")
    assert code == 0
    assert "LEAKED, not a measure of the judge: lookup: need alone" in out
    code, out, err = judges(capsys, "attack", "lexical", "--contexts", "12", "--json")
    assert code == 1
    assert "parrot" in json.loads(out)["failed"]
    assert "fooled by" in err


@needs_release
def test_training_again_writes_the_same_weights(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "w.json"
    assert judges(capsys, "train", "lexical", "--output", str(path))[0] == 0
    shipped_weights = read_weights(shipped("judges", "lexical", "weights.json"))
    assert read_weights(path).data_hash == shipped_weights.data_hash


@needs_release
def test_a_card_of_ones_own_gets_its_measurement_written_back(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "lexical"
    folder.mkdir()
    (folder / "weights.json").write_bytes(shipped("judges", "lexical", "weights.json").read_bytes())
    card = tmp_path / "mine.yaml"
    card.write_text(
        "name: mine\nkind: lexical\nversion: '1'\nsummary: s\nvalidation: leave-one-trace-out\n"
        "weights: lexical/weights.json\n"
    )
    assert judges(capsys, "validate", str(card), "--items", "official")[0] == 0
    (measured,) = load_card(str(card)).measured
    assert measured.items == 120
    assert measured.errors.correct_detection is not None
    assert measured.command == "proactivebench judges validate mine.yaml --items official"
