"""Conditions: what shapes behaviour beside data, protocol and judge, and what is said where it differs."""

import pytest

from proactivebench.errors import UsageError
from proactivebench.records import AgentIdentity, Conditions, Decoding
from proactivebench.scoring.comparison import compare
from proactivebench.scoring.conditions import condition_differences, conditions_of, described, made_under
from proactivebench.scoring.gate import gate
from tests.scoring.runs import by_trace, make_manifest, make_task, report_on

ROWS = by_trace(*[(8, 2, 6, 2 + g % 2) for g in range(12)])
ASKED = Conditions(decoding=Decoding(), response_format="json_schema, strict", format_enforced=True)


def under(**changes):
    return ASKED.model_copy(update=changes)


def run_under(conditions, name="run"):
    return report_on(ROWS, name=name).model_copy(update={"conditions": conditions})


OTHERS = {
    "response format": under(response_format="none"),
    "enforced": under(format_enforced=False),
    "temperature": under(decoding=Decoding(temperature=0.7)),
    "not taken": under(not_taken=("temperature",)),
    "token limit": under(decoding=Decoding(max_gen_toks=99)),
    "top_p": under(decoding=Decoding(top_p=0.9)),
    "extra": under(decoding=Decoding(extra={"reasoning_effort": "low"})),
    "messages": under(wanted=("no system role",)),
    "history": under(dropped=3),
    "decoding": Conditions(),
}


@pytest.mark.parametrize("other", OTHERS.values(), ids=OTHERS.keys())
def test_runs_under_different_conditions_are_compared_and_named_and_gated_only_if_that_is_allowed(other):
    runs = [run_under(ASKED, "one"), run_under(other, "two")]
    assert any("one" in line and "two" in line for line in compare(runs).conditions)
    with pytest.raises(UsageError, match="--allow_conditions"):
        gate(*runs)
    allowed = gate(*runs, allow_conditions=True)
    assert allowed.passed
    assert allowed.conditions


@pytest.mark.parametrize("conditions", [ASKED, *OTHERS.values()])
def test_the_same_conditions_are_no_difference(conditions):
    assert gate(run_under(conditions), run_under(conditions)).conditions == ()


def test_an_agent_that_computes_its_answers_has_no_conditions_that_could_differ():
    computed = Conditions(decoding=Decoding(temperature=1), generated=False)
    assert condition_differences([ASKED, computed, Conditions(generated=False)], "abc") == []


def test_an_older_report_is_gated_still_and_what_it_does_not_say_is_named():
    old = run_under(None, "old")
    assert conditions_of(old).response_format is None
    result = gate(old, run_under(ASKED, "new"))
    assert result.passed
    assert any("response format of baseline unknown" in warning for warning in result.warnings)
    hotter = run_under(OTHERS["temperature"], "new")
    with pytest.raises(UsageError, match=r"temperature: 0 .baseline., 0\.7 .candidate"):
        gate(old, hotter)


def test_in_an_older_report_of_replayed_answers_the_readers_settings_are_not_believed():
    old = run_under(None).model_copy(update={"agent": AgentIdentity(model="replay", name="x (replay)")})
    assert conditions_of(old).decoding is None
    assert described(conditions_of(old)) == "decoding unknown"


def test_what_a_probe_found_is_among_the_conditions():
    task = make_task({"t": 2})
    endpoint = AgentIdentity(model="endpoint", name="m")
    found = {
        "response_format": "json_schema",
        "response_format_enforced": False,
        "temperature": False,
        "system_role": False,
    }
    conditions = made_under(make_manifest(task, agent=endpoint, parameters=found))
    assert described(conditions) == (
        "temperature the server's own, at most 1024 tokens; response format json_schema (not enforced); no system role"
    )
    assert made_under(make_manifest(task, agent=AgentIdentity(model="hf", name="m"))).response_format == "none"
    assert made_under(make_manifest(task, agent=endpoint)).response_format is None
    assert not made_under(make_manifest(task, agent=AgentIdentity(model="never", name="never"))).generated


@pytest.mark.parametrize("forged", ["<b>", "x" * 500, 7, ["none"], "a\nb"])
def test_what_no_probe_writes_is_no_response_format(forged):
    task = make_task({"t": 2})
    manifest = make_manifest(
        task, agent=AgentIdentity(model="endpoint", name="m"), parameters={"response_format": forged}
    )
    assert made_under(manifest).response_format is None


def test_many_runs_are_grouped_by_what_they_share():
    runs = [ASKED, ASKED, ASKED, ASKED, ASKED, OTHERS["temperature"]]
    assert condition_differences(runs, "abcdef") == ["temperature: 0 (a, b, c and 2 more), 0.7 (f)"]
