import asyncio
from pathlib import Path

import pytest

from proactivebench.errors import UsageError
from proactivebench.judging import create_judge, needs_model
from proactivebench.judging.cards import card_names, load_card
from tests.judging.scripted import ScriptedEngine, item, labelled, task, trace


def decide(judge, *items):  # type: ignore[no-untyped-def]
    return asyncio.run(judge.judge(items))


def test_every_shipped_card_is_valid_and_named_like_its_file() -> None:
    assert {"llm", "labels", "lexical", "reward-model", "classifier", "panel"} <= set(card_names())
    assert all(load_card(name).name == name for name in card_names())


def test_the_id_is_the_name_and_eight_digits_of_the_hash() -> None:
    identity = create_judge("silence=labels,proposals=labels+lexical").identity
    assert identity.id == f"labels-lexical-{identity.hash[:8]}"
    assert identity.silence == "labels:unanimous"
    assert identity.proposals == "labels+lexical"


def test_the_need_rule_the_chain_and_the_model_behind_are_identity() -> None:
    specs = ["labels", "labels:majority", "lexical", "labels+lexical", "silence=labels,proposals=lexical"]
    ids = [create_judge(spec).identity.id for spec in specs]
    engines = [ScriptedEngine(model_args={"model": name, "base_url": "http://a/v1"}) for name in ("m1", "m2")]
    ids += [create_judge("llm", engine=engine).identity.id for engine in engines]
    assert len(set(ids)) == len(ids)


def test_the_same_model_at_another_address_is_the_same_judge() -> None:
    engines = [ScriptedEngine(model_args={"model": "m", "base_url": url}) for url in ("http://a/v1", "http://b/v1")]
    assert len({create_judge("llm", engine=engine).identity.id for engine in engines}) == 1


def test_only_lexical_makes_a_baseline() -> None:
    baseline = {spec: create_judge(spec, engine=ScriptedEngine()).identity.baseline for spec in ("labels", "llm")}
    assert baseline == {"labels": False, "llm": False}
    assert create_judge("silence=labels,proposals=labels+lexical").identity.baseline


def test_labels_are_refused_before_the_first_request_with_the_count(tmp_path: Path) -> None:
    half = task(trace("a", "b", labels=[labelled(False), None]), trace("c", name="u"))
    with pytest.raises(UsageError, match="2 of 3 moments"):
        create_judge("labels", task=half)
    with pytest.raises(UsageError, match="silence"):
        create_judge("silence=labels,proposals=lexical", task=half)
    own = tmp_path / "votes.yaml"
    own.write_text("name: votes\nkind: labels\nversion: '1'\nsummary: s\nrule: majority\n")
    with pytest.raises(UsageError, match="2 of 3 moments"):
        create_judge(str(own), task=half)
    create_judge("labels+lexical", task=half)  # what labels leave open, lexical decides


def test_a_model_card_without_a_model_says_what_to_add() -> None:
    with pytest.raises(UsageError, match="--judge_model"):
        create_judge("llm")
    assert needs_model("silence=labels,proposals=llm")
    assert needs_model("panel")
    assert not needs_model("labels+lexical")


def test_an_unknown_judge_lists_the_known_ones() -> None:
    with pytest.raises(UsageError, match=r"no judge 'oracle'.*lexical"):
        create_judge("oracle")


def test_a_new_judge_is_a_new_file(tmp_path: Path) -> None:
    card = tmp_path / "mine.yaml"
    card.write_text(
        "name: mine\nkind: llm\nversion: '1'\nsummary: s\nsystem: decide\n"
        "user: '{{events}} {{nonce}} {{proposal}}'\noutput: {field: ok, accept: 'yes', reject: 'no', reason: null}\n"
    )
    engine = ScriptedEngine(['{"ok": "no"}'])
    judge = create_judge(str(card), engine=engine)
    assert judge.identity.name == "mine"
    (answer,) = decide(judge, item("tidy up"))
    assert answer.status == "rejected"


@pytest.mark.parametrize(
    ("card", "why"),
    [
        ("name: x\nkind: llm\nversion: '1'\nsummary: s\nsystem: s\nuser: '{{proposal}}{{nonce}}'", "{{events}}"),
        ("name: x\nkind: oracle\nversion: '1'\nsummary: s", "kind"),
        ("name: x\nkind: labels\nversion: '1'\nsummary: s\nextra: 1", "extra"),
        ("name: ../x\nkind: labels\nversion: '1'\nsummary: s", "name"),
        ("name: x\nkind: panel\nversion: '1'\nsummary: s\npanel: [a, b]\nminimum: 3", "minimum"),
        ("name: [", "YAML"),
        ("- 1", "a list, not a mapping"),
    ],
)
def test_a_wrong_card_is_one_clear_line(tmp_path: Path, card: str, why: str) -> None:
    path = tmp_path / "x.yaml"
    path.write_text(card)
    with pytest.raises(UsageError) as error:
        create_judge(str(path))
    assert why in str(error.value)
    assert "\n" not in str(error.value)


def test_a_key_in_a_card_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_text(
        "name: x\nkind: llm\nversion: '1'\nsummary: s\nsystem: s\nuser: '{{events}}{{nonce}}{{proposal}}'\n"
        "model: endpoint\nmodel_args: {api_key: abc}\n"
    )
    with pytest.raises(UsageError, match="environment"):
        create_judge(str(path))


def test_summary_and_measurements_do_not_change_the_hash() -> None:
    card = load_card("labels")
    assert card.model_copy(update={"summary": "other"}).hash == card.hash
    assert card.model_copy(update={"version": "2"}).hash != card.hash


def test_a_shared_engine_is_started_and_closed_once() -> None:
    engine = ScriptedEngine()
    judge = create_judge("silence=llm,proposals=labels+llm", engine=engine)
    asyncio.run(judge.start())
    asyncio.run(judge.close())
    assert (engine.starts, engine.closes) == (1, 1)
