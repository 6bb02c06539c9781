"""One list of rules: what `prepare` refuses of a run, `validate`, `verify` and a build refuse of an entry, and back."""

import json
import shutil

import pytest

from proactivebench.board.entry.form import Declaration
from proactivebench.board.entry.rules import RULES, is_reserved, organisation_look
from proactivebench.board.publish.building import build_board
from proactivebench.board.publish.prepare import prepare_entry
from proactivebench.board.verify.checking import validate_all, verify_all
from proactivebench.errors import ProactiveBenchError
from proactivebench.records import Manifest

from .conftest import DECLARED
from .forging import REPLIES, as_served, declared, edited, lines, verdict_name, write_declared, write_lines

# Characters that nobody sees, or that turn, join, fill or break a line.
UNSEEN = {
    "zero_width_space": "\u200b",
    "zero_width_joiner": "\u200d",
    "word_joiner": "\u2060",
    "byte_order_mark": "\ufeff",
    "soft_hyphen": "\u00ad",
    "right_to_left_override": "\u202e",
    "isolate": "\u2066",
    "hangul_filler": "\u3164",
    "half_width_filler": "\uffa0",
    "grapheme_joiner": "\u034f",
    "variation_selector": "\ufe0f",
    "tag_letter": "\U000e0041",
    "braille_blank": "\u2800",
    "carriage_return": "\r",
    "line_separator": "\u2028",
    "null": "\x00",
    "escape": "\x1b",
    "private_use": "\ue000",
    "unassigned": "\u0378",
    "piled_marks": "\u0301" * 40,
}
DISGUISES = {
    "cyrillic_a": "h\u0435lper",
    "greek_o": "m\u03bfdel",
    "wide_letters": "\uff48elper",
    "mathematical_letters": "\U0001d5c1elper",
    "cherokee": "h\u13acper",
}
# Everything a stranger can write a text into: where it stands in the manifest, with what is changed there.
PLACES = {
    "agent.name": lambda m, t: m["agent"].update(name=t),
    "agent.model": lambda m, t: m["agent"].update(model=t),
    "agent.model_args": lambda m, t: m["agent"].update(model_args={"model": t}),
    "agent.model_args key": lambda m, t: m["agent"].update(model_args={t: "m"}),
    "protocol.name": lambda m, t: m["protocol"].update(name=t, hash="cd" * 32),
    "protocol.version": lambda m, t: m["protocol"].update(version=t, hash="cd" * 32),
    "decoding.extra": lambda m, t: m["decoding"].update(extra={"stop": [t]}),
    "silence_source": lambda m, t: m.update(silence_source=t),
    "session": lambda m, t: m.update(sessions=[{"started": "2026-01-01", "versions": {"python": t}}]),
    "judge.card": lambda m, t: next(iter(m["judges"].values())).update(card={"prompt": t}),
    "judge.model": lambda m, t: next(iter(m["judges"].values())).update(model=t),
}
FREE = ("agent.model_args", "agent.model_args key", "decoding.extra", "judge.card")  # texts of several lines may be


@pytest.fixture
def run(runs, tmp_path):
    """A run as a served model's."""
    return as_served(runs / "oracle", tmp_path / "run", "helper-7b").path


def prepared(run, folder, declared=DECLARED, run_id="r1"):
    """What `prepare` says against a run; None where it writes the entry."""
    from proactivebench.store import RunStore

    try:
        prepare_entry(RunStore(run), folder, declared, run_id)
    except ProactiveBenchError as error:
        return str(error)
    return None


def refused_everywhere(entry, root):
    (validated,) = validate_all(entry)
    (verified,) = verify_all(entry)
    built = build_board(root)
    assert verified.word in ("refused", "unreadable")
    assert any(refusal.folder == "/".join(entry.parts[-2:]) for refusal in built.refusals)
    return validated, verified


def hostile_manifest(run, entry, change):
    """The same change to a run's manifest and to an entry's: what `prepare` says of the one, `verify` of the other."""
    manifest = json.loads((run / "manifest.json").read_text(encoding="utf-8"))
    change(manifest)
    (run / "manifest.json").write_text(Manifest.model_validate(manifest).model_dump_json(), encoding="utf-8")
    content = declared(entry)
    change(content["manifest"])
    write_declared(entry, content)
    said = prepared(run, entry.parents[3] / "prepared")
    assert not (entry.parents[3] / "prepared").exists() or said is None
    (verified,) = verify_all(entry)
    return said, verified


@pytest.mark.parametrize("name", UNSEEN)
@pytest.mark.parametrize("place", PLACES)
def test_what_nobody_sees_is_refused_in_any_string_of_a_manifest_before_and_after(place, name, run, entry):
    if name == "carriage_return" and place in FREE:
        pytest.skip("a stop word and a prompt may have one")
    said, verified = hostile_manifest(run, entry, lambda m: PLACES[place](m, f"help{UNSEEN[name]}er"))
    assert said is not None
    assert "U+" in said
    assert verified.word == "refused"
    assert any("U+" in finding.message for finding in verified.findings)


@pytest.mark.parametrize("name", DISGUISES)
@pytest.mark.parametrize("place", PLACES)
def test_letters_that_pass_for_others_are_refused_in_any_string_of_a_manifest(place, name, run, entry):
    said, verified = hostile_manifest(run, entry, lambda m: PLACES[place](m, DISGUISES[name]))
    assert said is not None
    assert "in letters that pass for others" in said
    assert any("in letters that pass for others" in finding.message for finding in verified.findings)


@pytest.mark.parametrize(
    "change",
    [
        lambda m: m["sessions"][0].update(limit=2),
        lambda m: m.update(seed=10**40),
        lambda m: m["agent"].update(model="Never"),
        lambda m: m["agent"].update(model="or\u0430cle"),
        lambda m: m["agent"].update(model="never"),
        lambda m: m["agent"].update(name="x" * 400),
        lambda m: m["protocol"].update(candidates=17),
        lambda m: m["protocol"].update(hash="0" * 63),
        lambda m: m["decoding"].update(temperature=1e300),
        lambda m: m["task"].update(licence="OFFICIAL"),
        lambda m: m["task"].update(data_hash="0" * 64),
        lambda m: next(iter(m["judges"].values())).update(baseline=False),
        lambda m: next(iter(m["judges"].values())).update(deterministic=False),
    ],
)
def test_a_manifest_that_prepare_refuses_is_refused_by_verify_too(change, run, entry):
    said, verified = hostile_manifest(run, entry, change)
    assert said is not None
    assert verified.word == "refused"


@pytest.mark.parametrize("organisation", ["proactivebench", "ProactiveBench", "proactive-bench", "pr0activebench"])
def test_the_trivial_agents_organisation_is_kept_by_all_commands_alike(organisation, run, board, tmp_path):
    said = prepared(run, tmp_path / "prepared", DECLARED.model_copy(update={"organisation": organisation}))
    assert said.startswith(f"--organisation {organisation}: reserved")
    root = tmp_path / "board"
    folder = root / "entries" / f"{organisation}__helper-7b" / "r1"
    shutil.copytree(board / "entries" / "acme__helper-7b" / "r1", folder)
    edited("declared", "organisation", value=organisation)(folder)
    validated, verified = refused_everywhere(folder, root)
    assert validated.word == verified.word == "refused"
    assert "reserved" in verified.findings[0].message


def test_an_organisation_is_told_by_its_look():
    for name in (
        "proactlvebench",
        "proactivbench",
        "proactiivebench",
        "proactviebench",
        "proactivebench-team",
        "ProActIveBench",
    ):
        assert is_reserved(name), name
    for name in ("acme", "thunlp", "proactive", "bench", "productivebench", "active-bench", "proactive-agents"):
        assert not is_reserved(name), name
    assert organisation_look("Acme-AI") == organisation_look("acmeai") == organisation_look("acrne.a1")


def test_a_trivial_agents_answers_stand_under_its_own_name_only(runs, board, tmp_path):
    said = prepared(runs / "always", tmp_path / "prepared", DECLARED.model_copy(update={"model": "gpt-9"}))
    assert "stand under proactivebench__always only" in said
    root = tmp_path / "board"
    folder = root / "entries" / "acme__gpt-9" / "r1"
    shutil.copytree(board / "entries" / "proactivebench__always" / "r1", folder)
    content = declared(folder)
    content["declared"] |= {"organisation": "acme", "model": "gpt-9"}
    write_declared(folder, content)
    validated, _ = refused_everywhere(folder, root)
    assert "stand under proactivebench__always only" in validated.findings[0].message


@pytest.mark.parametrize("field", ["notes", "licence", "contact", "revision"])
@pytest.mark.parametrize("text", ["a\u200bb", "m\u043edel", "x\u0301\u0301\u0301\u0301\u0301\u0301", "a\u3164b"])
def test_what_only_the_submitter_writes_is_held_to_the_same_rule(field, text, run, entry, tmp_path):
    assert prepared(run, tmp_path / "prepared", DECLARED.model_copy(update={field: text})) is not None
    edited("declared", field, value=text)(entry)
    (verified,) = verify_all(entry)
    assert verified.word == "refused"


@pytest.mark.parametrize(
    "text",
    [
        "Модель обучена на собственных данных",
        "由清华大学发布的 GPT 模型，版本２",
        "Société Générale, 5 µm, 1ª edición, ½ price™",
        "می\u200cخواهم کمک کنم",
        "made with \u2764\ufe0f by \U0001f469\u200d\U0001f4bb",
        "ช่วยใช้GPTได้",
        "Modèle entraîné à l'École; λ = 0.5, kΩ, μm",
        "Việt Nam, tiếng Việt",
    ],
)
def test_honest_texts_of_any_language_pass(text, run, tmp_path):
    assert prepared(run, tmp_path / "prepared", DECLARED.model_copy(update={"notes": text})) is None
    (verified,) = verify_all(tmp_path / "prepared")
    assert verified.passed


@pytest.mark.parametrize(
    ("name", "place", "value"),
    [
        (REPLIES, "turn", False),
        (REPLIES, "turn", "0"),
        (REPLIES, "turn", 0.0),
        (REPLIES, "repeat", False),
        (REPLIES, "attempts", True),
        (REPLIES, "attempts", "1"),
        (REPLIES, "latency_s", "1.5"),
        (REPLIES, "latency_s", True),
        (REPLIES, "text", 7),
        (REPLIES, "usage", {"prompt_tokens": "3"}),
        (REPLIES, "usage", {"prompt_tokens": 3.0}),
        (REPLIES, "proposals", {"0": "x"}),
        (REPLIES, "status", ["silent"]),
        ("verdicts", "turn", False),
        ("verdicts", "candidate", "-1"),
        ("verdicts", "candidate", -1.0),
        ("verdicts", "probability", "0.5"),
        ("verdicts", "probability", True),
        ("verdicts", "clipped", False),
    ],
)
def test_a_record_holds_exactly_its_types(name, place, value, entry):
    file = REPLIES if name == REPLIES else verdict_name(entry)
    records = lines(entry, file)
    records[0][place] = value
    write_lines(entry, file, records)
    (validated,) = validate_all(entry)
    assert validated.word == "refused"
    assert any(finding.message.startswith(f"line 1: {place}") for finding in validated.findings)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("format",), True),
        (("format",), "1"),
        (("format",), 1.0),
        (("declared", "trained_on_traces"), "no"),
        (("declared", "trained_on_traces"), 0),
        (("manifest", "seed"), "0"),
        (("manifest", "seed"), False),
        (("manifest", "decoding", "temperature"), "0"),
        (("manifest", "decoding", "max_gen_toks"), 1024.0),
        (("manifest", "protocol", "candidates"), True),
        (("manifest", "task", "labelled"), 1),
        (("evidence", REPLIES, "records"), "231"),
        (("declared", "notes"), 7),
    ],
)
def test_an_entry_holds_exactly_its_types(path, value, entry):
    edited(*path, value=value)(entry)
    (validated,) = validate_all(entry)
    assert validated.word == "refused"
    assert any(".".join(path) in finding.message for finding in validated.findings)


@pytest.mark.parametrize(("field", "value"), [("error", "Bearer sk-1 at gpu-7"), ("reasoning", "private")])
def test_what_prepare_takes_out_may_not_stand_in_an_entry(field, value, entry):
    records = lines(entry, REPLIES)
    write_lines(entry, REPLIES, [records[0] | {field: value}, *records[1:]])
    (validated,) = validate_all(entry)
    assert f"{field} (" in validated.findings[0].message


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("manifest", "agent", "model_args"), {"base_url": "http://10.0.0.7/v1"}),
        (("manifest", "agent", "model_args"), {"api_key": "sk-0123456789"}),
        (("manifest", "agent", "name"), "/home/ada/secret-project"),
        (("manifest", "parameters"), {"host": "gpu-7"}),
    ],
)
def test_addresses_paths_and_keys_may_not_stand_in_an_entry(path, value, entry):
    edited(*path, value=value)(entry)
    (validated,) = validate_all(entry)
    assert any("prepare the entry again" in finding.message for finding in validated.findings)


def test_an_entry_whose_verdicts_are_mostly_unscored_is_refused_before_and_after(run, entry, tmp_path):
    """A fallible judge that failed on more than 2 % of its questions."""
    from .forging import judged_by_a_model

    judged_by_a_model(entry)
    name = verdict_name(entry)
    verdicts = lines(entry, name)
    for verdict in verdicts[:12]:
        verdict |= {"status": "unscored", "cause": "timeout", "probability": None}
    write_lines(entry, name, verdicts)
    (verified,) = verify_all(entry)
    assert verified.word == "refused"
    assert "unscored" in verified.findings[0].message


def test_every_rule_is_named_once():
    assert len({rule.name for rule in RULES}) == len(RULES)


def test_a_good_entry_keeps_every_rule(run, entry, tmp_path):
    assert prepared(run, tmp_path / "prepared") is None
    assert all(one.word == "verified" for folder in (entry, tmp_path / "prepared") for one in verify_all(folder))
    assert isinstance(DECLARED, Declaration)
