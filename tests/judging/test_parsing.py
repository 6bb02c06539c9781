import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proactivebench.judging.cards import Output
from proactivebench.judging.parsing import read_verdict

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
