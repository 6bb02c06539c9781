"""JSON Lines in one place: every value with its line, every fault with its own."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proactivebench.records import Event
from proactivebench.text import BadLine, load_json, load_strict, read_lines, write_lines

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**15), 10**15) | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc\n\u2028", max_size=3), inner, max_size=3),
    max_leaves=6,
)


@given(st.lists(JSON, max_size=5))
def test_what_is_written_is_read_again_line_by_line(values):
    text = write_lines(values)
    assert text.count(b"\n") == len(values)
    assert list(read_lines(text, load_strict)) == list(enumerate(values, start=1))


def test_a_record_is_written_without_its_empty_fields_and_read_as_one():
    event = Event(time="1", event="liest 文")
    assert write_lines([event]) == '{"time":"1","event":"liest 文"}\n'.encode()
    assert list(read_lines(write_lines([event]), Event.model_validate_json)) == [(1, event)]


@pytest.mark.parametrize(
    ("content", "number", "why"),
    [
        (b'{"a": 1}\n{"a": 1\n', 2, "not JSON"),
        (b'1\n\n\n{"a": 1, "a": 2}', 4, "'a' is given twice"),
        (b"1\n2\nNaN\n", 3, "NaN"),
        (b'1\n"\xff"\n', 2, "not UTF-8 at byte 1"),
        (b"[" * 1000 + b"]" * 1000, 1, "nested too deeply"),
        (b"1\n" + b"9" * 5000, 2, "not a number anybody can read"),
    ],
)
def test_a_fault_is_told_with_its_line_after_what_stands_before_it(content, number, why):
    seen = []
    with pytest.raises(BadLine, match=why) as told:
        for line, _ in read_lines(content, load_strict):
            seen.append(line)
    assert told.value.number == number
    assert all(line < number for line in seen)


def test_blank_lines_and_an_editors_mark_are_passed_over_and_counted():
    assert list(read_lines(b"\xef\xbb\xbf1\r\n\r\n  \n2", load_strict)) == [(1, 1), (4, 2)]


def test_a_loader_may_be_laxer_and_says_what_is_none():
    assert list(read_lines(b"NaN", lambda text: str(load_json(text)))) == [(1, "nan")]
    with pytest.raises(BadLine, match="event") as told:
        list(read_lines(b'{"time": "1"}', Event.model_validate_json))
    assert told.value.__cause__ is not None


def test_what_json_does_not_have_is_not_written():
    with pytest.raises(ValueError, match="JSON"):
        write_lines([float("nan")])


def test_lines_are_taken_one_at_a_time_from_a_stream():
    taken = []

    def stream():
        for number in range(3):
            taken.append(number)
            yield json.dumps(number).encode()

    lines = read_lines(stream(), load_strict)
    assert next(lines) == (1, 0)
    assert taken == [0]
