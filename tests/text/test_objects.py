"""JSON objects in prose: which are found, and that no text costs more than its length."""

import json
from collections.abc import Callable

import pytest

from proactivebench.text import find_objects, says_more
from proactivebench.text import objects as module


def found(text: str) -> list[str]:
    return [text[item.start : item.end] for item in find_objects(text)]


def test_objects_are_found_in_prose_in_fences_and_beside_one_another() -> None:
    text = 'Well: {"a": {"b": 1}} and ```json\n{"c": [1, {"d": 2}]}\n``` {} {x}'
    assert found(text) == ['{"a": {"b": 1}}', '{"c": [1, {"d": 2}]}', "{}"]


def test_an_unreadable_object_hides_none_that_follows() -> None:
    assert found('{"a": nope} {"b": 1}') == ['{"b": 1}']
    assert found('{"a": "unfinished {"b": 1}') == []


def test_objects_far_into_a_text_are_found_where_they_stand() -> None:
    text = '{"broken": nope} ' * 2000 + "\n" * 50_000 + '{"a": 1} {"b": oh} {"c": 2}'
    assert found(text[17 * 1500 :]) == ['{"a": 1}', '{"c": 2}']


@pytest.mark.parametrize(
    ("after", "more"),
    [
        ("", False),
        ("\n```\n", False),
        ("</answer>", False),
        ("<|im_end|>\n", False),
        ("<end_of_turn>", False),
        (".", True),
        (" But is it", True),
        ('{"Proactive', True),
        ("<b>", True),
    ],
)
def test_fences_and_closing_tags_after_an_object_say_nothing_and_everything_else_does(after: str, more: bool) -> None:
    text = '{"a": 1}' + after
    assert says_more(text, 8) is more


UNITS = [
    "{",
    '{"',
    '{"a":',
    '{"\\',
    "{}",
    '{"a": 1}',
    '{"a": x}',
    '{ "',
    "[",
    '\\"{',
    '{"a": x}\n\n\n\n',
    "{" + "\n" * 50,
]


@pytest.mark.parametrize("unit", UNITS)
def test_twice_the_text_costs_at_most_twice_the_work(unit: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work is counted: what the decoder reads, and the lines it counts for the message of each failure."""

    def work(length: int) -> int:
        done = 0

        class Counting:
            def raw_decode(self, text: str, start: int) -> tuple[object, int]:
                nonlocal done
                try:
                    value, end = decode(text, start)
                except json.JSONDecodeError as error:
                    done += error.pos - start + error.pos
                    raise
                done += end - start
                return value, end

        monkeypatch.setattr(module, "_DECODER", Counting())
        find_objects(unit * (length // len(unit)))
        return done

    decode: Callable[[str, int], tuple[object, int]] = module._DECODER.raw_decode
    small, large = work(200_000), work(400_000)
    assert large <= 2.2 * small + 1000
    assert large <= 100 * 400_000
