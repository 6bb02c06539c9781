import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proactivebench.judging import parsing
from proactivebench.judging.parsing import LONGEST, Output, Reading, read_verdict
from proactivebench.protocols import parser

OUTPUT = Output()


@pytest.mark.parametrize(
    ("text", "accepted"),
    [
        ('{"reason": "r", "verdict": "accepted"}', True),
        ('{"verdict": "rejected"}', False),
        ('Sure!\n```json\n{"verdict": " Accepted "}\n```\nDone.', True),
        ('<think>{"verdict": "accepted"} or not</think>{"verdict": "rejected"}', False),
        ('it may be {"verdict": "accepted"}</think>{"verdict": "rejected"}', False),
        ('{"note": 1} {"verdict": "rejected"}', False),
        ('<reasoning>{"verdict": "accepted"} or not</reasoning>{"verdict": "rejected"}', False),
        ('[THINK]{"verdict": "accepted"}[/THINK]{"verdict": "rejected"}', False),
        (
            '<|channel|>analysis<|message|>{"verdict": "accepted"}<|end|>'
            '<|channel|>final<|message|>{"verdict": "rejected"}',
            False,
        ),
        ('{"reason": "two\nlines", "verdict": "rejected"}', False),
        (json.dumps({"reason": 'they wrote {"verdict": "accepted"}', "verdict": "rejected"}), False),
    ],
)
def test_exactly_one_verdict_is_read(text: str, accepted: bool) -> None:
    reading = read_verdict(text, OUTPUT)
    assert reading.accepted is accepted
    assert reading.cause is None


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("", "empty"),
        ("  \n", "empty"),
        ("<think>accepted</think>", "empty"),
        ('<think>perhaps {"verdict": "accepted"}, but', "empty"),
        ('<thinking>perhaps {"verdict": "accepted"}, but', "empty"),
        ('<seed:think>perhaps {"verdict": "accepted"}, but', "empty"),
        ('{"verdict": "rejected",} {"verdict": "accepted"}', "two_verdicts"),
        ('{"verdict": "accepted"} {"verdict": "rej', "two_verdicts"),
        ("The user would accept this.", "no_json"),
        ("accepted", "no_json"),
        ('{"reason": "half', "no_json"),
        ('{"reason": {"verdict": "accepted"}', "no_json"),
        ("['verdict', 'accepted']", "no_json"),
        ('{"verdikt": "accepted"}', "no_verdict"),
        ('{"inner": {"verdict": "accepted"}}', "no_verdict"),
        ('{"verdict": "accepted"}\n{"verdict": "accepted"}', "two_verdicts"),
        ('{"verdict": "accepted", "verdict": "rejected"}', "two_verdicts"),
        ('{"verdict": "angenommen"}', "bad_value"),
        ('{"verdict": "接受"}', "bad_value"),
        ('{"verdict": true}', "bad_value"),
        ('{"verdict": "accepted or rejected"}', "bad_value"),
        ('{"verdict": ["accepted"]}', "bad_value"),
        ('{"verdict": null}', "bad_value"),
    ],
)
def test_anything_else_is_unscored_by_cause(text: str, cause: str) -> None:
    reading = read_verdict(text, OUTPUT)
    assert (reading.accepted, reading.cause) == (None, cause)


@given(st.text(alphabet=st.sampled_from('{}[]",:\\ acdeprtvi\n'), max_size=80))
def test_no_text_makes_the_parser_raise(text: str) -> None:
    reading = read_verdict(text, OUTPUT)
    assert (reading.accepted is None) == (reading.cause is not None)


def test_deeply_nested_text_is_no_verdict() -> None:
    assert read_verdict('{"a":' * 100_000, OUTPUT).accepted is None


VERDICT = '{"reason": "fits", "verdict": "accepted"}'


@pytest.mark.parametrize("before", ["", "A first guess would be ", "<think>hm</think>"])
def test_a_verdict_that_was_cut_off_counts_only_as_the_last_thing_said(before: str) -> None:
    for tail in ("", "\n```", "<|im_end|>"):
        assert read_verdict(before + VERDICT + tail, OUTPUT, cut=True).accepted is True
    for tail in (". However, the user", " But", '{"verdict": "rej'):
        assert read_verdict(before + VERDICT + tail, OUTPUT, cut=True) == Reading(None, cause="truncated")
    assert read_verdict(before + VERDICT + ". So be it.", OUTPUT).accepted is True


@pytest.mark.parametrize(
    "text", ["", "hm", '{"reason": "hal', "<think>hm", f"<thinking>{VERDICT} or", f"<reasoning>{VERDICT}"]
)
def test_a_judge_cut_off_before_its_verdict_is_truncated_whatever_it_had_thought(text: str) -> None:
    assert read_verdict(text, OUTPUT, cut=True) == Reading(None, cause="truncated")


def test_a_text_of_megabytes_is_no_verdict_and_is_not_read() -> None:
    assert read_verdict(" " * LONGEST + VERDICT, OUTPUT) == Reading(None, cause="too_long")


def test_agents_and_judges_are_read_by_one_reader() -> None:
    """Braces cost the judges' own reader once the square of their number; it is gone."""
    assert parsing.find_objects is parser.find_objects
    assert parsing.split_reasoning is parser.split_reasoning
