"""Cards: what they hold, what their hash covers, what is refused."""

from pathlib import Path

import pytest
import yaml

from proactivebench.errors import UsageError
from proactivebench.protocols import load_protocol, shipped_cards
from proactivebench.protocols.cards import StandardCard, fill, load_card


def standard() -> dict[str, object]:
    return load_card("standard").model_dump(mode="json")


def written(folder: Path, fields: object) -> str:
    file = folder / "mine.yaml"
    file.write_text(fields if isinstance(fields, str) else yaml.safe_dump(fields), encoding="utf-8")
    return str(file)


def test_every_shipped_card_is_valid_and_named_after_its_file() -> None:
    assert {"standard", "standard-confidence", "paper"} <= set(shipped_cards())
    assert all(load_card(name).name == name for name in shipped_cards())


def test_a_card_file_with_the_same_content_is_the_same_protocol(tmp_path: Path) -> None:
    assert load_protocol(written(tmp_path, standard())).identity == load_protocol("standard").identity


@pytest.mark.parametrize("field", sorted(set(standard()) - {"kind", "summary", "feedback_judge", "feedback_rounds"}))
def test_the_hash_covers_every_text_and_rule(tmp_path: Path, field: str) -> None:
    card = standard()
    value = card[field]
    card[field] = {"history": "observations", "confidence": True}.get(
        field, value + 1 if isinstance(value, int) else f"{value}x"
    )
    assert load_protocol(written(tmp_path, card)).identity.hash != load_protocol("standard").identity.hash


def test_overrides_and_the_feedback_judge_count_in_the_hash() -> None:
    hashes = {
        load_protocol("standard").identity.hash,
        load_protocol("standard", history="observations").identity.hash,
        load_protocol("standard", candidates=3).identity.hash,
        load_protocol("standard", feedback_rounds=1, feedback_judge="a-00000000").identity.hash,
        load_protocol("standard", feedback_rounds=1, feedback_judge="b-00000000").identity.hash,
        load_protocol("standard", feedback_rounds=2, feedback_judge="a-00000000").identity.hash,
    }
    assert len(hashes) == 6
    assert load_protocol("standard", history="own", candidates=1).identity == load_protocol("standard").identity


def test_a_card_that_extends_another_changes_only_what_it_says(tmp_path: Path) -> None:
    card = load_card(written(tmp_path, {"name": "mine", "extends": "standard", "max_gen_toks": 99}))
    assert isinstance(card, StandardCard)
    assert card.model_dump() == load_card("standard").model_dump() | {"name": "mine", "max_gen_toks": 99}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"candidates": 0}, "candidates"),
        ({"history": "all"}, "history"),
        ({"colour": "red"}, "colour"),
        ({"feedback_rounds": 1}, "feedback judge"),
        ({"feedback_judge": "lexical"}, "feedback_rounds"),
        ({"system": "{task} {confidence} {surprise}"}, "surprise"),
        ({"system": "{task}"}, "confidence"),
        ({"feedback": "{reason} {reason}"}, "reason"),
        ({"kind": "poem"}, "poem"),
        ({"name": "../mine"}, "name"),
        ({"placeholder": ""}, "placeholder"),
    ],
)
def test_a_card_that_makes_no_sense_is_refused_in_one_line(
    tmp_path: Path, change: dict[str, object], said: str
) -> None:
    with pytest.raises(UsageError, match=said) as caught:
        load_card(written(tmp_path, standard() | change))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", ["- a list", "a: [", "", "name: mine\nextends: nowhere", "extends: [standard]"])
def test_a_file_that_is_no_card_is_refused_in_one_line(tmp_path: Path, content: str) -> None:
    with pytest.raises(UsageError) as caught:
        load_card(written(tmp_path, content))
    assert "\n" not in str(caught.value)


def test_cards_that_extend_each_other_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(f"name: mine\nextends: {file}\n")
    with pytest.raises(UsageError, match="itself"):
        load_card(str(file))


def test_an_unknown_protocol_is_answered_with_the_known_ones() -> None:
    with pytest.raises(
        UsageError, match=r"papers: no such card; did you mean paper.* known: paper, released, standard"
    ):
        load_protocol("papers")


def test_filling_is_a_single_pass() -> None:
    assert fill("{a} {b} {c d}", {"a": "{b}", "b": "2"}) == "{b} 2 {c d}"
