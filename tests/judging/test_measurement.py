import json
from pathlib import Path

import pytest

from proactivebench.judging import create_judge
from proactivebench.judging.kept import keep, kept_measured
from proactivebench.judging.measurement import measure_command, measurement_of
from proactivebench.records import ErrorCount, JudgeErrors, JudgeIdentity, Measured, MeasurementStatus
from tests.judging.scripted import ScriptedEngine

CARD = "name: {}\nkind: llm\nversion: '1'\nsummary: s\nsystem: decide\n"
CARD += "user: '{{{{events}}}} {{{{nonce}}}} {{{{proposal}}}}'\n"
STRATA = {"offers": ("correct_detection", "false_alarm"), "silences": ("correct_rejection", "missed_need")}


def judge(tmp_path: Path, spec: str = "{one}", model: str = "m") -> JudgeIdentity:
    paths = {}
    for name in ("one", "two"):
        paths[name] = tmp_path / f"{name}.yaml"
        paths[name].write_text(CARD.format(name))
    panel = tmp_path / "panel.yaml"
    panel.write_text("name: panel\nkind: panel\nversion: '1'\nsummary: s\npanel: [one.yaml, two.yaml]\n")
    engine = ScriptedEngine(model_args={"model": model})
    return create_judge(spec.format(panel=panel, **paths), engine=engine).identity


def measured(
    name: str, *, items: int = 40, low: float = 0.55, leaked: bool = False, strata: tuple[str, ...] = tuple(STRATA)
) -> Measured:
    count = ErrorCount(correct=items // 2, items=items)
    counts = {category: count for stratum in strata for category in STRATA[stratum]}
    return Measured(
        judge=name,
        date="2026-11-25",
        data="d",
        data_hash="h" * 64,
        command="c",
        design="leaked" if leaked else "direct",
        rule="unanimous",
        items=4 * items,
        errors=JudgeErrors(judge_hash="h", leaked=leaked, population="p", **counts),
        figures={f"balanced_accuracy_{stratum}": 0.65 for stratum in strata},
        intervals={f"balanced_accuracy_{stratum}": (low, 0.75) for stratum in strata},
    )


def status(identity: JudgeIdentity, *known: Measured) -> MeasurementStatus:
    return measurement_of(identity, known).status


def test_a_judge_is_measured_by_a_block_of_its_own_and_by_no_other(tmp_path: Path) -> None:
    own = judge(tmp_path)
    found = measurement_of(own, [measured(own.id)])
    assert (found.status, found.leads, found.ranks) == (MeasurementStatus.MEASURED, True, True)
    assert "0.650 [0.550, 0.750]" in found.reason
    other = judge(tmp_path, model="other")
    assert status(other, measured(own.id)) is MeasurementStatus.UNMEASURED


@pytest.mark.parametrize(
    ("block", "said"),
    [
        ({"items": 19}, "19 items of CR, at least 20 needed"),
        ({"low": 0.5}, "must be above 0.5 (0.000 short)"),
        ({"low": 0.42}, "0.080 short"),
        ({"leaked": True}, "trained on"),
        ({"strata": ("offers",)}, "one on silences: nobody has measured its errors"),
    ],
)
def test_what_falls_short_in_one_point_is_unmeasured_and_says_by_how_much(
    tmp_path: Path, block: dict[str, object], said: str
) -> None:
    own = judge(tmp_path)
    found = measurement_of(own, [measured(own.id, **block)])  # type: ignore[arg-type]
    assert found.status is MeasurementStatus.UNMEASURED
    assert not found.leads
    assert said in found.reason


def test_only_the_strata_that_a_judge_decides_must_be_measured(tmp_path: Path) -> None:
    own = judge(tmp_path)
    chain = judge(tmp_path, "silence=labels,proposals=labels+{one}")
    assert status(chain, measured(own.id, strata=("offers",))) is MeasurementStatus.MEASURED


def test_a_panel_is_measured_only_if_every_member_is(tmp_path: Path) -> None:
    ids = [judge(tmp_path, "{one}").id, judge(tmp_path, "{two}").id]
    panel = judge(tmp_path, "{panel}")
    assert status(panel, measured(ids[0])) is MeasurementStatus.UNMEASURED
    assert status(panel, *map(measured, ids)) is MeasurementStatus.MEASURED


def test_baselines_are_never_measured_and_people_need_not_be() -> None:
    lexical = create_judge("lexical").identity
    assert status(lexical, measured(lexical.id)) is MeasurementStatus.BASELINE
    mixed = create_judge("labels+lexical").identity
    assert status(mixed, measured(lexical.id)) is MeasurementStatus.BASELINE
    assert status(create_judge("labels").identity) is MeasurementStatus.PEOPLE


def test_an_identity_of_an_earlier_version_is_read_and_unmeasured(tmp_path: Path) -> None:
    stored = json.loads(judge(tmp_path).model_dump_json())
    for field in ("weights", "runtime", "words"):
        del stored[field]
    assert status(JudgeIdentity.model_validate(stored)) is MeasurementStatus.UNMEASURED


def test_what_was_measured_once_is_found_again_for_that_judge_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROACTIVEBENCH_CACHE", str(tmp_path / "cache"))
    own, other = judge(tmp_path), judge(tmp_path, model="other")
    keep(measured(own.id))
    assert list(kept_measured(own)) == [measured(own.id)]
    assert list(kept_measured(other)) == []
    next((tmp_path / "cache").rglob("*.json")).write_text("not json")
    assert list(kept_measured(own)) == []


def test_the_command_that_measures_a_judge_repeats_its_words(tmp_path: Path) -> None:
    spoken = create_judge(
        "llm",
        model="local-chat-completions",
        model_args={"model": "a b"},
        gen_kwargs={"max_gen_toks": 9},
        engine=ScriptedEngine(model_args={"model": "m"}),
    )
    assert measure_command(spoken.identity, "runs/my run") == (
        "proactivebench judge 'runs/my run' --judge llm --judge_model local-chat-completions "
        "--judge_model_args 'model=a b,trained_on=none' --judge_gen_kwargs max_gen_toks=9 --measure_judge"
    )


@pytest.mark.parametrize("name", ["../../../elsewhere", "{}", ".."])
def test_a_foreign_card_leads_to_no_file_outside_the_cache(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The members of a foreign judge are called what its card says: a name with a path in it is nobody's here."""
    monkeypatch.setenv("PROACTIVEBENCH_CACHE", str(tmp_path / "cache"))
    own = judge(tmp_path)
    named = name.format(tmp_path / "elsewhere")
    place = tmp_path / "cache" / "judges" / "measured" / named
    (tmp_path / "cache" / "judges" / "measured").mkdir(parents=True)
    place.mkdir(parents=True, exist_ok=True)
    (place / "m.json").write_text(measured(named).model_dump_json(), encoding="utf-8")
    card = {"spec": "x", "silence": [named], "proposals": [named], "members": {named: own.card}}
    assert list(kept_measured(own.model_copy(update={"card": card}))) == []
